from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from novate.market.volatility import (
    Chain,
    QuotedFault,
    QuotedKind,
    clean_quotes,
    estimate_forwards,
    quoted_arbitrage,
)
from novate.market.volatility.chain import PriceUnit
from novate.market.volatility.quoted import lower_hull
from tests.unit.market.volatility.synthetic import black, chain, changed, true_variance


def faults(source: Chain) -> tuple[QuotedFault, ...]:
    curve = estimate_forwards(source)
    return quoted_arbitrage(source, clean_quotes(source, curve), curve)


@pytest.mark.parametrize("unit", PriceUnit)
def test_quotes_around_a_smile_without_arbitrage_do_not_contradict_each_other(
    unit: PriceUnit,
) -> None:
    assert faults(chain(unit=unit)) == ()


def call_at(source: Chain, expiry: int) -> int:
    """An out-of-the-money call with quotes on both sides."""
    mine = np.unique(source.expiry_ns)[expiry]
    rows = (source.expiry_ns == mine) & (source.side == 1) & (source.strike > source.forward)
    return int(np.flatnonzero(rows)[2])


def test_a_bid_above_the_chord_of_two_asks_is_a_butterfly_that_pays() -> None:
    """Buy the neighbours, sell the middle: the excess is the chord less the bid, by hand."""
    source = chain(spread=1e-4)
    row = call_at(source, 2)
    left, right = row - 2, row + 2  # rows alternate between calls and puts
    share = (source.strike[row] - source.strike[left]) / (
        source.strike[right] - source.strike[left]
    )
    chord = (1.0 - share) * source.ask[left] + share * source.ask[right]

    [found] = faults(changed(source, row, bid=1.01 * chord, ask=1.02 * chord))

    assert (found.kind, found.strike) == (QuotedKind.BUTTERFLY, source.strike[row])
    assert found.amount == pytest.approx(0.01 * chord, rel=1e-9)


def test_an_early_option_dearer_than_a_late_one_is_a_calendar_spread_that_pays() -> None:
    """All options of 30 days at 2.5 times their volatility: dearer than those of 90 days."""
    source = chain()
    for row in np.flatnonzero(source.expiry_ns == np.unique(source.expiry_ns)[2]).tolist():
        strike, forward = float(source.strike[row]), float(source.forward[row])
        level = (true_variance(math.log(strike / forward), 30 / 365) / (30 / 365)) ** 0.5
        for name, move in (("bid", -0.01), ("mark", 0.0), ("ask", 0.01)):
            price = black(int(source.side[row]), forward, strike, 30 / 365, 2.5 * level + move)
            getattr(source, name)[row] = price / forward
    found = faults(source)

    assert {fault.kind for fault in found} == {QuotedKind.CALENDAR}
    assert {fault.expiry_ns for fault in found} == {int(np.unique(source.expiry_ns)[2])}
    assert max(fault.amount for fault in found) > 0.01


@given(
    st.lists(st.tuples(st.floats(0.01, 3.0), st.floats(0.0, 1.0)), min_size=1, max_size=8),
    st.floats(0.0, 0.3),
)
def test_a_bid_is_above_the_hull_exactly_when_no_convex_function_fits(
    points: list[tuple[float, float]], width: float
) -> None:
    """A linear programme finds a falling convex function between them, or there is none."""
    x = np.unique(np.round([point[0] for point in points], 3))
    ask = np.array([point[1] for point in points])[: len(x)] + 0.01
    bid = ask - width
    worst = float(np.max(bid - np.interp(x, *lower_hull(x, ask))))
    if abs(worst) < 1e-6:
        return

    grid = np.concatenate([[0.0], x])
    rows = []
    for i in range(1, len(x)):
        row = np.zeros(len(grid))
        left, right = grid[i] - grid[i - 1], grid[i + 1] - grid[i]
        row[i - 1], row[i], row[i + 1] = -1.0 / left, 1.0 / left + 1.0 / right, -1.0 / right
        rows.append(row)
    for i in range(len(x)):
        row = np.zeros(len(grid))
        row[i], row[i + 1] = -1.0, 1.0
        rows.append(row)
    bounds = [(1.0, 1.0), *zip(bid.tolist(), ask.tolist(), strict=True)]
    answer = linprog(np.zeros(len(grid)), np.array(rows), np.zeros(len(rows)), bounds=bounds)

    assert (answer.status == 0) == (worst <= 0.0)
