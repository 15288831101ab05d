from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import norm

from novate.kernel.codes import Kind
from novate.kernel.pricing.option import option_values
from novate.kernel.pricing.svi import least_density

Smile = tuple[float, float, float, float, float]

SPOTS = np.array([60.0, 100.0, 170.0])
NO_WINDOW = (1.0, 1.0, 0.0, 1.0)  # a year to go, to an instant and not to a mean
PLAIN = (False, False, 0.0, 0, 0.0, 0.0)  # no barrier
FLAT = (0.0, 0.04, 0.0, 0.0, 0.0, 0.1)  # carry, then a total variance of 0.04 at any strike


def values(kind: Kind, side: float, *, is_coin: bool, left: float = 1.0) -> np.ndarray:  # type: ignore[type-arg]
    """Values of an option at 100 that pays 1, a year after the smile had a year to go."""
    out = np.empty(3)
    option_values(
        int(kind), side, 100.0, 1.0, is_coin, *PLAIN, left, left, 0.0, 1.0, 1.0, *FLAT, SPOTS, out
    )
    return out


@pytest.mark.rule("9.6", "9.9")
@pytest.mark.parametrize("is_coin", [False, True])
def test_a_call_less_a_put_is_the_forward(is_coin: bool) -> None:
    call, put = (values(Kind.EUROPEAN, side, is_coin=is_coin) for side in (1.0, -1.0))
    forward = (SPOTS - 100.0) / (SPOTS if is_coin else 1.0)
    assert call - put == pytest.approx(forward, abs=1e-12)


def on_smile(kind: Kind, strike: float, smile: Smile, *, side: float = 1.0, **terms: Any) -> float:
    """Value at an index of 100, 0.6 years before expiry of a smile fitted with 0.8 to go."""
    plain = {"is_coin": False, "up": False, "is_in": False, "barrier": 0.0, "monitoring": 1,
             "interval": 0.0, "rebate": 0.0, **terms}  # fmt: skip
    out = np.empty(1)
    option_values(
        int(kind), side, strike, 1.0, *plain.values(), 0.6, 0.6, 0.0, 1.0, 0.8, 0.03, *smile,
        np.array([100.0]), out,
    )  # fmt: skip
    return float(out[0])


STRIKES = st.floats(30.0, 300.0)


@st.composite
def smiles(draw: st.DrawFn) -> Smile:
    """Raw SVI without butterfly arbitrage: a, b, rho, m, sigma."""
    b, rho = draw(st.floats(0.0, 0.4)), draw(st.floats(-0.95, 0.95))
    m, sigma = draw(st.floats(-0.3, 0.3)), draw(st.floats(0.05, 0.6))
    a = draw(st.floats(0.005, 0.3)) - b * sigma * math.sqrt(1.0 - rho * rho)
    assume(least_density(np.linspace(-4.0, 4.0, 801), a, b, rho, m, sigma) >= 0.0)
    return a, b, rho, m, sigma


@pytest.mark.rule("9.10")
@given(smiles(), STRIKES)
def test_a_digital_is_the_limit_of_tight_call_spreads_on_its_smile(
    smile: Smile, strike: float
) -> None:
    h = 1e-4 * strike
    down, here, up = (on_smile(Kind.EUROPEAN, strike + k * h, smile) for k in (-1, 0, 1))
    digital = on_smile(Kind.DIGITAL, strike, smile)
    assert digital == pytest.approx((down - up) / (2 * h), abs=3e-6)
    forward = 100.0 * math.exp(0.03 * 0.6 / 0.8)
    in_coin = on_smile(Kind.DIGITAL, strike, smile, is_coin=True)
    # Calls and cash at the strike make the underlying above the strike: a coin there.
    assert in_coin == pytest.approx((here + strike * digital) / forward, abs=1e-12)


@pytest.mark.rule("9.10")
@given(smiles(), STRIKES, STRIKES, st.booleans())
def test_a_digital_falls_with_its_strike_and_stays_between_nothing_and_its_payout(
    smile: Smile, one: float, other: float, is_coin: bool
) -> None:
    low, high = (
        on_smile(Kind.DIGITAL, strike, smile, is_coin=is_coin)
        for strike in (min(one, other), max(one, other))
    )
    assert 0.0 <= high <= low + 1e-12 <= 1.0 + 1e-12


@pytest.mark.rule("9.32", "9.33")
@given(smiles(), STRIKES, st.booleans(), st.booleans(), st.floats(1.01, 2.0))
def test_in_and_out_share_a_digital_on_its_smile(
    smile: Smile, strike: float, is_coin: bool, up: bool, away: float
) -> None:
    terms = {"is_coin": is_coin, "up": up, "barrier": 100.0 * away if up else 100.0 / away}
    shares = [on_smile(Kind.DIGITAL, strike, smile, **{**terms, "is_in": k}) for k in (False, True)]
    whole = on_smile(Kind.DIGITAL, strike, smile, is_coin=is_coin)
    assert sum(shares) == pytest.approx(whole, abs=1e-9)
    assert min(shares) >= 0.0


def test_a_barrier_that_nothing_reaches_leaves_a_digital_as_it_is() -> None:
    smile = (0.02, 0.1, -0.6, 0.05, 0.2)
    whole = on_smile(Kind.DIGITAL, 100.0, smile)
    far = {"up": True, "barrier": 1e6}
    assert on_smile(Kind.DIGITAL, 100.0, smile, **far) == pytest.approx(whole, rel=1e-12)
    assert on_smile(Kind.DIGITAL, 100.0, smile, **far, is_in=True) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("is_coin", [False, True])
def test_a_digital_call_and_put_pay_together_whatever_happens(is_coin: bool) -> None:
    call, put = (values(Kind.DIGITAL, side, is_coin=is_coin) for side in (1.0, -1.0))
    assert call + put == pytest.approx(1.0, abs=1e-14)


@pytest.mark.rule("9.8", "9.10")
def test_a_digital_has_the_probability_of_a_normal_distribution() -> None:
    d2 = np.log(SPOTS / 100.0) / 0.2 - 0.1
    assert values(Kind.DIGITAL, 1.0, is_coin=False) == pytest.approx(norm.cdf(d2), rel=1e-12)
    in_coin = values(Kind.DIGITAL, 1.0, is_coin=True)
    assert in_coin == pytest.approx(norm.cdf(d2 + 0.2), rel=1e-12)


@pytest.mark.rule("9.7")
def test_total_variance_shrinks_with_the_time_to_expiry() -> None:
    at_the_money = float(values(Kind.EUROPEAN, 1.0, is_coin=False, left=0.25)[1])
    assert at_the_money == pytest.approx(100.0 * (2 * norm.cdf(0.05) - 1), rel=1e-12)


@pytest.mark.rule("9.9")
def test_without_time_an_option_is_worth_its_intrinsic_value() -> None:
    found = values(Kind.EUROPEAN, -1.0, is_coin=False, left=0.0)
    assert found == pytest.approx([40.0, 0.0, 0.0], abs=1e-12)


@pytest.mark.rule("9.7")
def test_the_smile_is_read_at_the_moneyness_of_the_forward() -> None:
    out, slope = np.empty(1), 0.05
    # w(k) = 0.04 + 0.05 (sqrt(k^2 + 0.01) - 0.1): carry moves the forward to the strike.
    smile = (math.log(2.0), 0.04 - 0.1 * slope, slope, 0.0, 0.0, 0.1)
    option_values(1, 1.0, 100.0, 0.0, False, *PLAIN, *NO_WINDOW, 1.0, *smile, np.array([50.0]), out)
    assert out[0] == pytest.approx(100.0 * (2 * norm.cdf(0.1) - 1), rel=1e-9)
