from __future__ import annotations

import math

import numpy as np
import pytest

from novate.errors import InputError
from novate.market.volatility import Surface, fit_surface
from novate.market.volatility.realised import close_to_close, ewma, parkinson
from novate.market.volatility.realised_table import (
    ESTIMATORS,
    RealisedTable,
    at_the_money,
    realised_table,
)
from novate.units import HOUR
from tests.unit.market.volatility.synthetic import LEVEL, NOW, chain

VOL = 0.5


def hourly(count: int = 600, steps: int = 400) -> np.ndarray:
    """Bars of geometric Brownian motion at 50 % a year."""
    rng = np.random.default_rng(3)
    path = np.cumsum(VOL / math.sqrt(8_760 * steps) * rng.standard_normal(count * steps))
    bars = path.reshape(count, steps)
    first = np.concatenate([[0.0], bars[:-1, -1]])
    low = np.minimum(bars.min(axis=1), first)
    return np.exp(np.stack([first, np.maximum(bars.max(axis=1), first), low, bars[:, -1]], axis=1))


BARS = hourly()
EXPIRIES = np.array([NOW + 48 * HOUR, NOW, NOW + 12 * HOUR, NOW + 900 * HOUR])
IMPLIED = np.array([0.55, 0.9, 0.6, 0.5])


def made(windows: tuple[int, ...], bars: np.ndarray = BARS) -> RealisedTable:
    return realised_table(bars, HOUR, NOW, windows, EXPIRIES, IMPLIED)


def test_every_estimator_has_a_row_for_every_window_that_finds_the_volatility() -> None:
    table = made((24, 500))

    assert [(row.window, row.estimator) for row in table.rows] == [
        (window, name) for window in (24, 500) for name in ESTIMATORS
    ]
    for row in table.rows[len(ESTIMATORS) :]:
        assert row.realised == pytest.approx(VOL, rel=0.1), row.estimator
        assert row.window_ns == 500 * HOUR


def test_rows_are_the_last_values_of_the_estimators_over_all_bars() -> None:
    rows = {row.estimator: row.realised for row in made((24,)).rows}

    assert rows["close_to_close"] == close_to_close(BARS, 24, 8_760.0)[-1]
    assert rows["parkinson"] == parkinson(BARS, 24, 8_760.0)[-1]
    assert rows["ewma"] == ewma(BARS, 23 / 25, 8_760.0)[-1]


def test_beside_them_stand_the_nearest_expiries_that_are_not_over() -> None:
    table = made((24,))

    assert table.expiry_ns == (NOW + 12 * HOUR, NOW + 48 * HOUR)
    assert {row.implied for row in table.rows} == {(0.6, 0.55)}
    assert table.rows[0].premium == 0.6 - table.rows[0].realised


def test_a_window_longer_than_the_bars_has_no_number_and_spoils_no_other() -> None:
    short, long = made((3, 24), BARS[:10]).rows[0], made((3, 24), BARS[:10]).rows[-1]

    assert math.isfinite(short.realised)
    assert math.isnan(long.realised)


def test_without_options_there_is_no_premium() -> None:
    none = np.empty(0)
    table = realised_table(BARS, HOUR, NOW, (24,), none.astype(np.int64), none)

    assert table.expiry_ns == ()
    assert math.isnan(table.rows[0].premium)


def test_the_surface_says_what_the_money_of_each_expiry_costs() -> None:
    surface = fit_surface(chain())
    assert isinstance(surface, Surface)

    expiry, vol = at_the_money(surface)

    assert expiry.tolist() == [one.expiry_ns for one in surface.slices]
    assert vol == pytest.approx(np.full(len(expiry), math.sqrt(LEVEL)), abs=0.01)


@pytest.mark.parametrize(
    ("bar_ns", "windows", "implied"),
    [(0, (24,), IMPLIED), (HOUR, (1,), IMPLIED), (HOUR, (24,), IMPLIED[:2])],
)
def test_impossible_requests_are_refused(
    bar_ns: int, windows: tuple[int, ...], implied: np.ndarray
) -> None:
    with pytest.raises(InputError, match="allowed"):
        realised_table(BARS, bar_ns, NOW, windows, EXPIRIES, implied)
