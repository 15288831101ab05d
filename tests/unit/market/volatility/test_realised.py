from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from novate.errors import InputError
from novate.market.volatility.realised import (
    close_to_close,
    ewma,
    garman_klass,
    parkinson,
    rogers_satchell,
    yang_zhang,
)

VOL, DRIFT, STEPS, DAYS = 0.7, 0.5, 2_000, 1_500
ESTIMATORS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "close_to_close": close_to_close,
    "parkinson": parkinson,
    "garman_klass": garman_klass,
    "rogers_satchell": rogers_satchell,
    "yang_zhang": yang_zhang,
}


def simulated(gap: float = 0.0, drift: float = 0.0) -> np.ndarray:
    """Daily bars of geometric Brownian motion, with an overnight jump of so much deviation."""
    rng = np.random.default_rng(11)
    deviation = VOL / math.sqrt(365 * STEPS)
    bars = np.empty((DAYS, 4))
    level = 0.0
    for day in range(DAYS):
        level += gap * rng.standard_normal()
        steps = deviation * rng.standard_normal(STEPS) + (drift - 0.5 * VOL**2) / (365 * STEPS)
        path = level + np.concatenate([[0.0], np.cumsum(steps)])
        bars[day] = path[0], path.max(), path.min(), path[-1]
        level = path[-1]
    return np.exp(bars)


BARS = simulated()


@pytest.mark.parametrize("name", ESTIMATORS)
def test_each_estimator_finds_the_volatility_that_made_the_path(name: str) -> None:
    """2,000 steps a day see a range that is 1 to 2 per cent short of the continuous one."""
    found = ESTIMATORS[name](BARS, DAYS - 1)[-1]

    assert found == pytest.approx(VOL, rel=0.04)


@pytest.mark.parametrize("name", ["rogers_satchell", "yang_zhang"])
def test_a_strong_drift_does_not_move_the_ones_that_allow_it(name: str) -> None:
    trending = simulated(drift=40.0)

    assert ESTIMATORS[name](trending, DAYS - 1)[-1] == pytest.approx(VOL, rel=0.06)
    assert parkinson(trending, DAYS - 1)[-1] > 1.1 * VOL


def test_only_close_to_close_and_yang_zhang_see_gaps_between_bars() -> None:
    gap = 0.03
    jumping = simulated(gap=gap)
    whole = math.sqrt(VOL**2 + 365 * gap**2)

    assert close_to_close(jumping, DAYS - 1)[-1] == pytest.approx(whole, rel=0.04)
    assert yang_zhang(jumping, DAYS - 1)[-1] == pytest.approx(whole, rel=0.04)
    assert garman_klass(jumping, DAYS - 1)[-1] == pytest.approx(VOL, rel=0.04)


def logs(bars: np.ndarray) -> tuple[np.ndarray, ...]:
    first, high, low, last = bars.T
    return np.log(high / first), np.log(low / first), np.log(last / first)


def naive(name: str, bars: np.ndarray) -> float:
    """The textbook formula over all bars after the first, with the library's logarithm."""
    u, d, c = (column[1:] for column in logs(bars))
    close = np.diff(np.log(bars[:, 3]))
    overnight = np.log(bars[1:, 0] / bars[:-1, 3])
    n = len(u)
    satchell = np.mean(u * (u - c) + d * (d - c))
    share = 0.34 / (1.34 + (n + 1) / (n - 1))
    variance = {
        "close_to_close": np.mean(close**2),
        "parkinson": np.mean((u - d) ** 2) / (4 * math.log(2)),
        "garman_klass": np.mean(0.5 * (u - d) ** 2 - (2 * math.log(2) - 1) * c**2),
        "rogers_satchell": satchell,
        "yang_zhang": overnight.var(ddof=1) + share * c.var(ddof=1) + (1 - share) * satchell,
    }[name]
    return math.sqrt(variance * 365)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_each_estimator_equals_its_textbook_formula(name: str) -> None:
    bars = simulated(gap=0.01)[:40]

    assert ESTIMATORS[name](bars, 39)[-1] == pytest.approx(naive(name, bars), rel=1e-12)


def test_a_mean_can_be_removed() -> None:
    returns = np.diff(np.log(BARS[:31, 3]))

    found = close_to_close(BARS[:31], 30, removes_mean=True)

    assert found[-1] == pytest.approx(math.sqrt(returns.var(ddof=1) * 365), rel=1e-12)


def test_a_window_rolls_and_begins_when_it_is_full() -> None:
    found = parkinson(BARS[:10], 4)

    assert np.isnan(found[:3]).all()
    assert found[7] == pytest.approx(parkinson(BARS[4:8], 4)[-1], rel=1e-14)
    assert np.isnan(close_to_close(BARS[:10], 4)[:4]).all()


def test_the_weighted_mean_decays_and_begins_with_the_first_return() -> None:
    squares = np.diff(np.log(BARS[:5, 3])) ** 2
    v = squares[0]
    for square in squares[1:]:
        v = 0.9 * v + 0.1 * square

    found = ewma(BARS[:5], decay=0.9)

    assert math.isnan(found[0])
    assert found[1] == pytest.approx(math.sqrt(squares[0] * 365), rel=1e-12)
    assert found[-1] == pytest.approx(math.sqrt(v * 365), rel=1e-12)


def test_annualisation_is_the_root_of_the_number_of_bars() -> None:
    hourly, daily = parkinson(BARS, 10, 8_760.0), parkinson(BARS, 10)

    assert hourly[-1] / daily[-1] == pytest.approx(math.sqrt(24.0), rel=1e-12)


@pytest.mark.parametrize("bad", [(1.0, 0.9, 0.8, 0.85), (1.0, 1.1, 0.0, 1.0), (math.nan,) * 4])
def test_impossible_prices_make_their_windows_unknown_and_no_other(
    bad: tuple[float, ...],
) -> None:
    bars = BARS[:12].copy()
    bars[5] = bad

    assert np.flatnonzero(np.isnan(parkinson(bars, 3))).tolist() == [0, 1, 5, 6, 7]
    assert np.isfinite(ewma(bars)[1:]).all()


@pytest.mark.parametrize(
    ("window", "per_year", "shape"), [(0, 365.0, (5, 4)), (3, -1.0, (5, 4)), (3, 365.0, (5, 3))]
)
def test_arguments_that_mean_nothing_are_refused(
    window: int, per_year: float, shape: tuple[int, int]
) -> None:
    with pytest.raises(InputError, match="allowed"):
        parkinson(np.ones(shape), window, per_year)


def test_a_decay_is_between_zero_and_one() -> None:
    with pytest.raises(InputError, match="decay"):
        ewma(BARS, decay=1.0)
