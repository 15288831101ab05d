"""A lone wrong quote: rejected with its reason, and the rest of the surface as without it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from novate.market.volatility.chain import YEAR_NS, Chain
from novate.market.volatility.forward import estimate_forwards
from novate.market.volatility.neighbour import Neighbour, off_neighbours, without
from novate.market.volatility.quote import Reject, clean_quotes
from novate.market.volatility.surface import SliceSource, Surface, fit_surface
from novate.market.volatility.svi import RawSvi
from tests.unit.market.volatility.synthetic import (
    DAYS,
    NOW,
    black,
    chain,
    changed,
    forward_of,
    taken,
    true_variance,
)

BASE = chain()


def lone(day: int, vol: float | None, half: float = 0.005) -> tuple[Chain, int]:
    """A chain whose expiry of one day has one quote, at the money; the row of it."""
    expiry_ns = NOW + round(day * YEAR_NS / 365)
    mine = np.flatnonzero((BASE.expiry_ns == expiry_ns) & (BASE.side > 0))
    strike = BASE.strike_e8[mine] / 1e8
    forward = forward_of(day)
    above = mine[strike >= forward]
    row = int(above[0])
    keep = (BASE.expiry_ns != expiry_ns) | (np.arange(len(BASE)) == row)
    thin = taken(BASE, keep)
    at = int(np.flatnonzero(np.flatnonzero(keep) == row)[0])
    if vol is None:
        return thin, at
    bid, mark, ask = (
        black(1, forward, float(BASE.strike_e8[row] / 1e8), day / 365, vol + move) / forward
        for move in (-half, 0.0, half)
    )
    return changed(thin, at, bid=bid, mark=mark, ask=ask), at


def worst(surface: Surface, days: tuple[int, ...]) -> float:
    """Largest error of volatility within a standard deviation and a half of the forward."""
    most = 0.0
    for day in days:
        years = day / 365
        for deviations in (-1.5, 0.0, 1.5):
            k = deviations * math.sqrt(0.36 * years)
            strike = forward_of(day) * math.exp(k)
            vol, _ = surface.volatility(strike, NOW + round(day * YEAR_NS / 365))
            most = max(most, abs(float(vol) - math.sqrt(true_variance(k, years) / years)))
    return most


def fitted(source: Chain) -> Surface:
    found = fit_surface(source)
    assert isinstance(found, Surface)
    return found


@pytest.mark.parametrize(
    ("day", "vol"), [(2, 4.9), (2, 3.0), (2, 0.05), (30, 4.9), (30, 0.05), (200, 4.9), (200, 0.05)]
)
def test_a_lone_wrong_quote_is_rejected_and_moves_no_other_expiry(day: int, vol: float) -> None:
    source, row = lone(day, vol)
    found = fitted(source)
    at = [round(one.years * 365) for one in found.slices].index(day)
    why = dict(
        zip(found.quotes.rejected_row.tolist(), found.quotes.rejected_reason.tolist(), strict=True)
    )

    assert why[row] == Reject.OFF_NEIGHBOURS
    assert row not in found.quotes.row
    assert len(found.quotes) + len(why) == len(source)
    assert found.slices[at].source is SliceSource.NEIGHBOURS
    assert worst(found, tuple(d for d in DAYS if d != day)) < 0.006


@pytest.mark.parametrize("day", DAYS)
def test_a_lone_quote_that_fits_its_neighbours_is_used(day: int) -> None:
    source, row = lone(day, None)
    found = fitted(source)
    at = [round(one.years * 365) for one in found.slices].index(day)

    assert row in found.quotes.row
    assert found.slices[at].source is SliceSource.FEW_QUOTES
    assert worst(found, DAYS) < 0.02


def test_quotes_without_a_better_quoted_expiry_are_not_judged() -> None:
    quotes = clean_quotes(BASE, estimate_forwards(BASE))

    assert not off_neighbours(quotes, {}).any()


def test_only_quotes_beyond_the_slack_are_marked_and_leave_with_their_reason() -> None:
    quotes = clean_quotes(BASE, estimate_forwards(BASE))
    mine = quotes.expiry_ns == NOW + round(30 * YEAR_NS / 365)
    level = float(np.median(quotes.bid_vol[mine] ** 2 * quotes.years[mine]))
    flat = RawSvi(a=level / 1.02, b=0.0, rho=0.0, m=0.0, sigma=1.0)
    others = np.unique(quotes.expiry_ns[quotes.expiry_ns != NOW + round(30 * YEAR_NS / 365)])
    after = Neighbour(31 / 365, flat, -9.0, 9.0)
    known = {int(one): after for one in others if one > others[1]}
    known |= {int(one): Neighbour(9 / 365, flat, 8.0, 9.0) for one in others[:2]}
    marked = off_neighbours(quotes, known)
    left = without(quotes, marked, Reject.OFF_NEIGHBOURS)

    expected = mine & (quotes.bid_vol**2 * quotes.years > 1.02 * flat.a)
    np.testing.assert_array_equal(marked, expected)
    assert 0 < marked.sum() < mine.sum()
    assert len(left) == len(quotes) - marked.sum()
    assert (np.diff(left.rejected_row) > 0).all()
    assert (left.rejected_reason == Reject.OFF_NEIGHBOURS).sum() == marked.sum()
