"""Assessment at other prices than the marks (rules 5.80 and 5.90 to 5.95).

The sweep and its cache know the marks alone: they say who may have failed.  What is decided against
an account is asked again, of those few, with the protected price of every contract in the place of
its mark: a last price moves the mark within its basis clamp in minutes, and the protected price
only as far as it stands.  After a jump or a halt it is asked a third time, at the price of before,
which moves towards the index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from novate.kernel.clearing.columns import F64, I64
from novate.kernel.clearing.index_solvency import gap_of_orders
from novate.kernel.codes import InstrumentStatus, Kind
from novate.market.mark import basis_shift, to_ticks
from novate.market.pause import ramp_prices
from novate.market.reference import set_price
from novate.market.settlement_mean import Seen
from novate.message.deciding_price import DecidingPrice
from novate.message.declare import Refusal
from novate.valuation.clearing_state import ClearingState
from novate.valuation.index_bound import index_bound, index_ticks, weighted


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


def present_prices(x: ClearingState) -> Prices:
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
    before = present_prices(x)
    _use(x, prices)
    try:
        yield
    finally:
        _use(x, before)


def index_prices(x: ClearingState) -> Prices:
    """Return the prices at which every contract is worth its index, and options their marks."""
    mark, ticks = x.marks.mark.copy(), index_ticks(x)
    mark[: ticks.size] = np.where(ticks > 0, ticks, mark[: ticks.size])
    return present_prices(x)._replace(mark=mark)


def slow_prices(x: ClearingState) -> Prices:
    """Return the prices at which every contract is worth its slow index (rule 5.93)."""
    mark, slow = x.marks.mark.copy(), x.marks.used("slow")
    is_meant = (x.instruments.used("kind") == Kind.DELTA_ONE) & (x.marks.used("mark") > 0)
    mark[: slow.size] = np.where(is_meant & (slow > 0), slow, mark[: slow.size])
    return present_prices(x)._replace(mark=mark)


def protected_prices(x: ClearingState) -> Prices:
    """Return the prices at which an account must fail beside the marks, options at their marks.

    Of a contract that is its index with the basis that stood (rules 5.110 and 5.111), its index
    alone while `basis_protection` is 0.
    """
    marks = x.marks
    mark = marks.mark.copy()
    is_meant = (x.instruments.used("kind") == Kind.DELTA_ONE) & (marks.used("mark") > 0)
    is_plain = (marks.used("final_ms") == 0) & (marks.used("slow_basis_e8") == 0)
    plain = np.flatnonzero(is_meant & is_plain)  # the index, and no window has begun
    mark[plain] = np.maximum(marks.index[plain], 1)
    is_meant[plain] = False
    for i in np.flatnonzero(is_meant).tolist():
        index = int(marks.index[i])
        ticks = index + basis_shift(
            index, int(marks.slow_basis_e8[i]), int(x.instruments.basis_clamp_ppm[i])
        )
        mark[i] = min(weighted(x, i, ticks), int(x.instruments.ticks_max[i]))
    return present_prices(x)._replace(mark=mark)


def at_ramps(x: ClearingState, others: Prices | None = None) -> Prices | None:
    """Return the prices with every asset at its ramp price, None where no asset has one (5.90).

    Contracts are worth the ramp price of their underlying, options what their smile makes of it.

    Parameters
    ----------
    others
        Prices of all that has none, the protected prices if not given (rule 5.95).
    """
    ramps = ramp_prices(x)
    if not ramps:
        return None
    given = protected_prices(x) if others is None else others
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
            prices.mark[i] = weighted(x, i, min(ticks, int(c.ticks_max[i])))
        rows = np.flatnonzero(is_meant & is_option)
        smiles = np.array([x.last_smile_row(i) for i in rows.tolist()], np.int64)
        rows, smiles = rows[smiles >= 0], smiles[smiles >= 0]
        if rows.size:
            seen = Seen(*(getattr(x.marks, name)[rows] for name in Seen._fields))
            valued = x.option_values(x, rows, smiles, seen)
            for name in _OF_MARKS:
                getattr(prices, name)[rows] = valued[name]
    return prices


def named_prices(x: ClearingState) -> tuple[tuple[DecidingPrice, Prices], ...]:
    """Return the prices, beside the marks, at which an account must fail too (rules 5.80, 5.91).

    Each with its name; those that are the marks are left out.
    """
    found, ramps = _protected_if_other(x), at_ramps(x)
    return found if ramps is None else (*found, (DecidingPrice.RAMP, ramps))


def _protected_if_other(x: ClearingState) -> tuple[tuple[DecidingPrice, Prices], ...]:
    protected = protected_prices(x)
    is_same = np.array_equal(protected.mark, x.marks.mark)
    return () if is_same else ((DecidingPrice.PROTECTED, protected),)


def protecting_prices(x: ClearingState) -> tuple[tuple[DecidingPrice, Prices], ...]:
    """Return the prices that decide a call at its deadline, with their names (rule 5.81).

    The protected prices, also where they are the marks, and ramp prices.
    """
    ramps = at_ramps(x)
    found = (DecidingPrice.PROTECTED, protected_prices(x))
    return (found,) if ramps is None else (found, (DecidingPrice.RAMP, ramps))


def standing_prices(x: ClearingState) -> tuple[tuple[DecidingPrice, Prices], ...]:
    """Return the marks and, if they are others, the protected prices, with their names.

    At both of them an account must hold for a decision in its favour before it is due (rule 5.81).
    """
    return ((DecidingPrice.MARK, present_prices(x)), *_protected_if_other(x))


def every_price(x: ClearingState) -> tuple[tuple[DecidingPrice, Prices], ...]:
    """Return all prices at which an account must fail, the marks first, with their names."""
    return ((DecidingPrice.MARK, present_prices(x)), *named_prices(x))


def other_prices(x: ClearingState) -> tuple[Prices, ...]:
    """Return the prices of `named_prices` without their names."""
    return tuple(prices for _, prices in named_prices(x))


def at_every_price(x: ClearingState, check: Callable[[I64], Refusal | None]) -> Refusal | None:
    """Return why something is refused at the marks, at the index or at ramps, None if it is not.

    Rule 5.92: what leaves must be there at the worst of them.

    Parameters
    ----------
    check
        Asks at the prices that the state has, with the marks beside them.
    """
    marks = x.marks.mark
    index_bound(x)  # at the marks, and kept
    refusal = check(marks)
    for prices in (index_prices(x), at_ramps(x)) if refusal is None else ():
        if prices is None or np.array_equal(prices.mark, marks):
            continue
        with priced_at(x, prices):
            refusal = refusal or check(marks)
    return refusal


def orders_gap(x: ClearingState, account: int, marks: I64) -> int:
    """Return what fills of a group's open orders lose more at the present prices than at ``marks``.

    Numeraire units, not negative (rule 3.71).

    Parameters
    ----------
    account
        An account of the group.
    marks
        Prices of the instruments in ticks; where they are those that the state has nothing is lost.
    """
    if marks is x.marks.mark:
        return 0
    instruments = x.instrument_arrays()
    return int(
        gap_of_orders(
            x.account_arrays(), x.positions.arrays(), instruments._replace(mark=marks),
            x.asset_arrays(), x.reservations.arrays(), instruments.mark, account,
        )
    )  # fmt: skip
