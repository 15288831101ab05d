"""Barrier values against published rows, parity, and limits."""

from __future__ import annotations

import math

import numpy as np
import pytest

from novate.kernel.codes import Kind, Monitoring
from novate.kernel.pricing.option import option_values
from novate.valuation.exotic import barrier

VOL, LEFT = 0.25, 0.5


def value(
    *, side: float = 1.0, strike: float = 100.0, barrier: float = 0.0, up: bool = False,
    is_in: bool = False, rebate: float = 0.0, spot: float = 100.0, carry: float = 0.0,
    kind: Kind = Kind.EUROPEAN, is_coin: bool = False, monitoring: int = Monitoring.CONTINUOUS,
    interval: float = 0.0, left: float = LEFT, vol: float = VOL,
) -> float:  # fmt: skip
    """Value of one option; a digital pays 1."""
    out, payout = np.empty(1), 1.0 if kind == Kind.DIGITAL else 0.0
    option_values(
        int(kind), side, strike, payout, is_coin, up, is_in, barrier, int(monitoring), interval,
        rebate, left, left, 0.0, 1.0, left, carry, vol * vol * left, 0.0, 0.0, 0.0, 0.1,
        np.array([spot]), out,
    )  # fmt: skip
    return float(out[0])


# Haug, The Complete Guide to Option Pricing Formulas (1998), table 2-9: S = 100, K = 90, 100, 110,
# T = 0.5, r = 0.08, b = 0.04, vol = 0.25, rebate 3 at the touch.  Prices there are discounted.
HAUG = [
    ("down", 95.0, 90.0, 9.0246),
    ("down", 95.0, 100.0, 6.7924),
    ("down", 95.0, 110.0, 4.8759),
    ("up", 105.0, 90.0, 2.6789),
    ("up", 105.0, 100.0, 2.3580),
    ("up", 105.0, 110.0, 2.3453),
]


@pytest.mark.rule("9.28", "9.29", "9.32")
@pytest.mark.parametrize(("direction", "barrier", "strike", "published"), HAUG)
def test_without_its_rebate_a_knock_out_is_the_published_one_without_discount(
    direction: str, barrier: float, strike: float, published: float
) -> None:
    up, discount = direction == "up", math.exp(-0.08 * LEFT)
    terms = {"strike": strike, "barrier": barrier, "up": up, "carry": 0.04 * LEFT}
    out = value(**terms)
    # The published rebate of 3 is discounted from the touch: between the undiscounted worth and
    # the one discounted from expiry.
    touch = value(**terms, rebate=3.0) - out
    assert discount * (out + touch) - 5e-5 <= published <= discount * out + touch + 5e-5


@pytest.mark.rule("9.32", "9.33")
@pytest.mark.parametrize("is_coin", [False, True])
@pytest.mark.parametrize("kind", [Kind.EUROPEAN, Kind.DIGITAL])
@pytest.mark.parametrize("side", [1.0, -1.0])
@pytest.mark.parametrize(("up", "barrier"), [(True, 112.0), (False, 91.0)])
@pytest.mark.parametrize("strike", [85.0, 100.0, 118.0])
def test_in_and_out_make_the_plain_option(
    is_coin: bool, kind: Kind, side: float, up: bool, barrier: float, strike: float
) -> None:
    terms = {"side": side, "kind": kind, "strike": strike, "is_coin": is_coin, "carry": 0.03}
    knock_in, knock_out = (
        value(**terms, barrier=barrier, up=up, is_in=is_in) for is_in in (True, False)
    )
    assert knock_in + knock_out == pytest.approx(value(**terms), abs=1e-12)
    assert 0.0 <= knock_out <= value(**terms)


@pytest.mark.rule("9.33")
@pytest.mark.parametrize("is_in", [True, False])
def test_rebates_of_in_and_out_make_a_sure_payment(is_in: bool) -> None:
    terms = {"barrier": 112.0, "up": True, "is_in": is_in}
    worth = value(**terms, rebate=5.0) - value(**terms)
    other = value(**{**terms, "is_in": not is_in}, rebate=5.0) - value(
        **{**terms, "is_in": not is_in}
    )
    assert worth + other == pytest.approx(5.0, abs=1e-12)


@pytest.mark.rule("9.28", "9.29", "9.33")
def test_a_touch_has_the_probability_of_the_reflection_principle() -> None:
    # Without drift of the logarithm a touch is twice as likely as an end beyond the barrier.
    carry = 0.5 * VOL * VOL * LEFT
    touch = value(barrier=110.0, up=True, rebate=1.0, carry=carry) - value(
        barrier=110.0, up=True, carry=carry
    )
    beyond = math.erfc(math.log(1.1) / (VOL * math.sqrt(2 * LEFT)))
    assert touch == pytest.approx(beyond, rel=1e-12)


@pytest.mark.rule("9.29", "9.30")
def test_a_schedule_is_touched_less_often_and_expiry_alone_least() -> None:
    terms = {"barrier": 110.0, "up": True}
    watched = [
        value(**terms),
        value(**terms, monitoring=Monitoring.SCHEDULE, interval=1 / 365),
        value(**terms, monitoring=Monitoring.SCHEDULE, interval=7 / 365),
        value(**terms, monitoring=Monitoring.AT_EXPIRY),
    ]
    assert watched == sorted(watched)
    assert watched[0] < watched[-1]


@pytest.mark.rule("9.29", "9.32")
def test_at_expiry_alone_an_up_and_out_call_is_a_spread_less_a_digital() -> None:
    out = value(barrier=115.0, up=True, monitoring=Monitoring.AT_EXPIRY)
    digital = value(kind=Kind.DIGITAL, strike=115.0)
    assert out == pytest.approx(value() - value(strike=115.0) - 15.0 * digital, abs=1e-12)


@pytest.mark.rule("9.31")
@pytest.mark.parametrize("spot", [110.0, 130.0])
def test_at_the_barrier_an_option_is_what_a_touch_makes_of_it(spot: float) -> None:
    terms = {"barrier": 110.0, "up": True, "spot": spot}
    assert value(**terms, rebate=2.0) == 2.0
    assert value(**terms, is_in=True, rebate=2.0) == value(spot=spot)


@pytest.mark.rule("9.32")
def test_with_hardly_any_variance_left_a_value_stays_between_nothing_and_the_plain_one() -> None:
    for left in (1e-9, 1e-6, 1e-3):
        for carry in (-0.5, 0.0, 0.5):
            terms = {"barrier": 112.0, "up": True, "left": left, "carry": carry, "vol": 0.1}
            assert 0.0 <= value(**terms) <= value(left=left, carry=carry, vol=0.1)


@pytest.mark.parametrize("is_coin", [False, True])
@pytest.mark.parametrize(("up", "level"), [(True, 112.0), (False, 91.0)])
@pytest.mark.parametrize("is_in", [True, False])
def test_a_mark_is_the_price_of_the_public_function_without_discount(
    is_coin: bool, up: bool, level: float, is_in: bool
) -> None:
    carry, rebate = 0.02, 0.01 if is_coin else 1.0
    mark = value(
        barrier=level, up=up, is_in=is_in, is_coin=is_coin, carry=carry, rebate=rebate, spot=99.0
    )
    drift = carry / LEFT
    price = barrier(
        1, direction=1 if up else -1, is_in=is_in, S=99.0, K=100.0, H=level, T=LEFT, vol=VOL,
        rate=drift if is_coin else 0.0, yield_=0.0 if is_coin else -drift, rebate=rebate,
        in_coin=is_coin, monitoring=Monitoring.CONTINUOUS,
    ).price  # fmt: skip
    assert mark == pytest.approx(price, rel=1e-13)
