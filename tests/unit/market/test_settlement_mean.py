"""Options on the mean of the index over their settlement window, against simulated paths."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest

from novate.kernel.codes import Barrier, Kind, Monitoring
from novate.kernel.pricing.option import option_values
from novate.market.settlement_mean import seen_until_now, settlement_mean
from tests.unit.clearing import DAY, E8, HOUR, MINUTE, SECOND, START, ClearingHouse

EXPIRY = START + 5 * HOUR
VOL, WINDOW = 0.8, 1.0 / 365.0
PATHS, STEPS = 20_000, 48
FLAT = (0.0, VOL * VOL, 0.0, 0.0, 0.0, 0.1)  # carry, then raw SVI over a year


@functools.cache
def means_and_extremes(*, left: float, inside: float) -> tuple[np.ndarray, ...]:
    """Settlement prices of paths from 100, and their highest prices; antithetic, fixed seed.

    ``left`` years to expiry; ``inside`` years of them, the last, are averaged.
    """
    dice = np.random.default_rng(7)
    steps = 4 * STEPS
    dt = left / steps
    half = dice.standard_normal((PATHS // 2, steps))
    noise = np.concatenate((half, -half))
    logs = np.cumsum(VOL * math.sqrt(dt) * noise - 0.5 * VOL * VOL * dt, axis=1)
    prices = 100.0 * np.exp(np.concatenate((np.zeros((PATHS, 1)), logs), axis=1))
    first = round(steps * (1.0 - inside / left))
    window = prices[:, first:]
    means = (window[:, 1:] + window[:, :-1]).mean(axis=1) / 2.0
    return means, prices.max(axis=1)


def value(
    *, left: float, strike: float, kind: int = Kind.EUROPEAN, known: float = 0.0,
    rest: float = 1.0, barrier: float = 0.0,
) -> float:  # fmt: skip
    """Value of a call at an index of 100, with a window of a day."""
    ahead = max(left - WINDOW, 0.0)
    spread = (left + 2.0 * ahead) / 3.0
    out = np.empty(1)
    option_values(
        int(kind), 1.0, strike, 1.0, False, True, False, barrier, int(Monitoring.CONTINUOUS), 0.0,
        0.0, left, spread, known, rest, 1.0, *FLAT, np.array([100.0]), out,
    )  # fmt: skip
    return float(out[0])


@pytest.mark.rule("9.50", "9.51")
@pytest.mark.parametrize("strike", [97.0, 100.0, 102.0])
@pytest.mark.parametrize(
    ("left", "seen"),
    [(2.0 * WINDOW, 0.0), (WINDOW, 0.0), (0.5 * WINDOW, 0.5), (0.1 * WINDOW, 0.9)],
)
def test_the_value_of_an_option_on_a_mean_is_that_of_simulated_paths(
    left: float, seen: float, strike: float
) -> None:
    means, _ = means_and_extremes(left=left, inside=min(left, WINDOW))
    known = seen * 101.0
    settled = known + (1.0 - seen) * means
    for kind, payoff in (
        (Kind.EUROPEAN, np.maximum(settled - strike, 0.0)),
        (Kind.DIGITAL, (settled > strike).astype(float)),
    ):
        found = value(left=left, strike=strike, kind=kind, known=known, rest=1.0 - seen)
        # Four standard errors, and of a day's variance a thousandth of the value at most.
        error = 4.0 * float(payoff.std()) / math.sqrt(PATHS)
        assert found == pytest.approx(float(payoff.mean()), abs=error + 2e-3, rel=1e-3)


@pytest.mark.rule("9.52")
@pytest.mark.parametrize(
    ("left", "seen"), [(WINDOW, 0.0), (0.5 * WINDOW, 0.5), (0.1 * WINDOW, 0.9)]
)
@pytest.mark.parametrize("kind", [Kind.EUROPEAN, Kind.DIGITAL])
def test_a_barrier_beside_a_mean_is_within_a_tenth_of_simulated_paths(
    kind: int, left: float, seen: float
) -> None:
    means, highest = means_and_extremes(left=left, inside=left)
    edge, strike, known = 100.0 * math.exp(VOL * math.sqrt(left)), 100.0, seen * 100.0
    settled = known + (1.0 - seen) * means
    # Looked at 192 times only: the barrier of the paths is nearer by the mean overshoot.
    beside = edge * math.exp(-0.5826 * VOL * math.sqrt(left / (4 * STEPS)))
    pays = np.maximum(settled - strike, 0.0) if kind == Kind.EUROPEAN else settled > strike
    simulated = float(np.where(highest < beside, pays, 0.0).mean())
    plain = value(left=left, strike=strike, kind=kind, known=known, rest=1.0 - seen)
    found = value(left=left, strike=strike, kind=kind, known=known, rest=1.0 - seen, barrier=edge)
    assert 0.0 <= found <= plain
    assert found == pytest.approx(simulated, abs=0.1 * plain)


@pytest.mark.rule("9.38", "9.50", "9.51")
def test_an_option_is_marked_at_expiry_what_it_will_pay() -> None:
    house = ClearingHouse()
    house.list_option(expiry_ns=EXPIRY, settlement_window_ns=HOUR)
    house.list_option("K", expiry_ns=EXPIRY, settlement_window_ns=HOUR, kind=2, payout_ticks=500)
    terms = {"barrier": Barrier.UP_OUT, "barrier_e8": 150 * E8, "monitoring": 1}
    house.list_option("B", expiry_ns=EXPIRY, settlement_window_ns=HOUR, **terms)
    house.price(100)
    house.smile(0.8, EXPIRY)
    house.price(100, at_ns=EXPIRY - HOUR)
    house.price(130, at_ns=EXPIRY - HOUR // 2)
    house.price(90, at_ns=EXPIRY - MINUTE)
    house.price(90, at_ns=EXPIRY - SECOND)
    marks = {row["instrument"]: row["mark"] for row in house.events("OptionMarked", last=True)}
    house.price(None, at_ns=EXPIRY + 1)
    paid = {row["instrument"]: row["ticks"] for row in house.events("OptionExpired")}
    # Half an hour of 100, 29 minutes of 130, one of 90: 114.33.
    assert paid == {0: 1_433, 1: 500, 2: 1_433}
    assert marks == paid


@pytest.mark.rule("9.13", "9.51")
def test_the_delta_shrinks_with_what_is_still_to_come_of_the_window() -> None:
    house = ClearingHouse()
    house.list_option(expiry_ns=START + DAY, settlement_window_ns=HOUR, strike_e8=10 * E8)
    house.price(100)
    house.smile(0.8, START + DAY)
    for left in (HOUR, HOUR // 2, HOUR // 10):
        house.price(100, at_ns=START + DAY - left)
        (row,) = house.events("OptionMarked", last=True)
        assert row["delta_e9"] == pytest.approx(10**9 * left / HOUR, abs=10)


@pytest.mark.rule("9.3", "9.50")
def test_the_mean_is_known_for_the_part_of_the_window_that_is_over() -> None:
    house = ClearingHouse()
    house.list_option(expiry_ns=EXPIRY, settlement_window_ns=HOUR)
    house.price(100, at_ns=EXPIRY - HOUR)
    house.advance(EXPIRY - HOUR // 4)
    rows = np.zeros(1, np.int64)
    seen = seen_until_now(house.state, rows)
    assert (seen.total(0), int(seen.final_ms[0])) == (100 * E8 * 2_700_000, 2_700_000)
    mean = settlement_mean(house.state, rows, seen)
    # Three quarters of 100, a quarter to come, and a third of it in variance.
    assert [float(column[0]) for column in mean] == [0.25 / (3 * 24 * 365), 75.0, 0.25]
