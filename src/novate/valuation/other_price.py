"""Assessment at other prices than the marks (rules 5.80 and 5.90 to 5.92).

The sweep and its cache know the marks alone: they say who may have failed.  What is decided against
an account is asked again, of those few, with the index of every contract in the place of its mark:
a last price moves the mark of a contract within its basis clamp, and the index not at all.  After a
jump or a halt it is asked a third time, at the price of before, which moves towards the index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from novate.kernel.clearing.columns import F64, I64
from novate.kernel.codes import InstrumentStatus, Kind
from novate.market.index import MS, settling_at, to_ticks
from novate.market.pause import ramp_prices
from novate.market.reference import set_price
from novate.market.settlement_mean import Seen
from novate.message.declare import Refusal
from novate.valuation.clearing_state import ClearingState


class Prices(NamedTuple):
    """What an assessment goes by; arrays by instrument and by asset, as long as their tables.

    Attributes
    ----------
    mark, short_initial, short_maintenance
        Price of each instrument, 0 for none, and margin of a short lot of an option; ticks.
    price_e8, unit_price
        Index of each asset in 1e-8 numeraire, and worth of one ledger unit, numeraire units.
    """

    mark: I64
    short_initial: I64
    short_maintenance: I64
    price_e8: I64
    unit_price: F64


_OF_MARKS = ("mark", "short_initial", "short_maintenance")
_OF_ASSETS = ("price_e8", "unit_price")


def _present(x: ClearingState) -> Prices:
    """Return the arrays that the state has."""
    return Prices(
        *(getattr(x.marks, name) for name in _OF_MARKS),
        *(getattr(x.assets, name) for name in _OF_ASSETS),
    )


def _use(x: ClearingState, prices: Prices) -> None:
    for name in _OF_MARKS:
        setattr(x.marks, name, getattr(prices, name))
    for name in _OF_ASSETS:
        setattr(x.assets, name, getattr(prices, name))


@contextmanager
def priced_at(x: ClearingState, prices: Prices) -> Iterator[None]:
    """Let the state have other prices, and those of before again; nothing else changes."""
    before = _present(x)
    _use(x, prices)
    try:
        yield
    finally:
        _use(x, before)


def index_prices(x: ClearingState) -> Prices:
    """Return the prices at which every contract is worth its index, and options their marks."""
    marks = x.marks
    mark = marks.mark.copy()
    is_meant = (x.instruments.used("kind") == Kind.DELTA_ONE) & (marks.used("mark") > 0)
    plain = np.flatnonzero(is_meant & (marks.used("final_ms") == 0))  # no window has begun
    mark[plain] = np.maximum(marks.index[plain], 1)
    is_meant[plain] = False
    for i in np.flatnonzero(is_meant).tolist():
        mark[i] = _weighted(x, i, int(marks.index[i]))
    return _present(x)._replace(mark=mark)


def _weighted(x: ClearingState, i: int, ticks: int) -> int:
    """Return what a contract settles at if a price holds, as far as its window is known (5.100)."""
    marks = x.marks
    left_ms = max(int(x.instruments.expiry_ns[i]) - x.now_ns, 0) // MS
    return max(settling_at(ticks, int(marks.final_sum[i]), int(marks.final_ms[i]), left_ms), 1)


def at_ramps(x: ClearingState) -> Prices | None:
    """Return the prices with every asset at its ramp price, None where no asset has one (5.90).

    Contracts are worth the index of their underlying, options what their smile makes of it.
    """
    ramps = ramp_prices(x)
    if not ramps:
        return None
    given = index_prices(x)
    prices = given._replace(**{name: getattr(given, name).copy() for name in given._fields})
    c = x.instruments
    is_meant = np.isin(c.used("underlying"), list(ramps)) & (x.marks.used("mark") > 0)
    is_meant &= c.used("status") == InstrumentStatus.ACTIVE
    is_option = c.used("kind") != Kind.DELTA_ONE
    with priced_at(x, prices):
        for asset, price_e8 in ramps.items():
            set_price(x.assets, asset, price_e8)
        for i in np.flatnonzero(is_meant & ~is_option).tolist():
            ticks = to_ticks(ramps[int(c.underlying[i])], int(c.tick_e8[i]))
            prices.mark[i] = _weighted(x, i, min(ticks, int(c.ticks_max[i])))
        rows = np.flatnonzero(is_meant & is_option)
        smiles = np.array([x.last_smile_row(i) for i in rows.tolist()], np.int64)
        rows, smiles = rows[smiles >= 0], smiles[smiles >= 0]
        if rows.size:
            seen = Seen(*(getattr(x.marks, name)[rows] for name in Seen._fields))
            valued = x.option_values(x, rows, smiles, seen)
            for name in _OF_MARKS:
                getattr(prices, name)[rows] = valued[name]
    return prices


def other_prices(x: ClearingState) -> tuple[Prices, ...]:
    """Return the prices, beside the marks, at which an account must fail too (rules 5.80, 5.91).

    Those that are the marks are left out.
    """
    at_index, ramps = index_prices(x), at_ramps(x)
    found = () if np.array_equal(at_index.mark, x.marks.mark) else (at_index,)
    return found if ramps is None else (*found, ramps)


def at_mark_and_ramp(x: ClearingState, check: Callable[[], Refusal | None]) -> Refusal | None:
    """Return why something is refused at the marks, else at ramp prices, None if it is not (5.92).

    Parameters
    ----------
    check
        Asks at the prices that the state has.
    """
    refusal = check()
    if refusal is None and (ramps := at_ramps(x)) is not None:
        with priced_at(x, ramps):
            refusal = check()
    return refusal
