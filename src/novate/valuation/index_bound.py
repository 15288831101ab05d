"""How much a return of every mark to its index, and accrued funding, can cost beside margin.

It is derived from marks, terms and tiers and decides nothing: groups that it says too little of are
assessed at the index (`kernel.clearing.index_solvency`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from novate.kernel.clearing.columns import F64, I64
from novate.kernel.clearing.index_solvency import IndexBound, accrued_funding
from novate.kernel.clearing.value import LINEAR, RATE_SCALE, WORTH_MAX
from novate.kernel.codes import InstrumentStatus, Kind
from novate.market.funding import accruing_rates, average_rates
from novate.market.mark import MS, settling_at
from novate.valuation.clearing_state import ClearingState

_ROUNDING = 1e-9
"""What float64 may be off, as a part; 2**-53 and a few more such steps."""


def index_ticks(x: ClearingState) -> I64:
    """Return the price of every contract at its index, 0 without a mark and of options.

    Rule 5.112: weighted by rule 5.100 with what the settlement window had added up at the last
    update.  Ticks, shape (instruments,).
    """
    c, marks = x.instruments, x.marks
    is_meant = (c.used("kind") == Kind.DELTA_ONE) & (marks.used("mark") > 0)
    ticks: I64 = np.where(is_meant, np.maximum(marks.used("index"), 1), 0)
    for i in np.flatnonzero(is_meant & (marks.used("final_ms") > 0)).tolist():
        ticks[i] = weighted(x, i, int(marks.index[i]))
    return ticks


def weighted(x: ClearingState, i: int, ticks: int) -> int:
    """Return what a contract settles at if a price holds, as far as its window is known (5.100)."""
    marks = x.marks
    left_ms = max(int(x.instruments.expiry_ns[i]) - x.now_ns, 0) // MS
    return max(settling_at(ticks, int(marks.final_sum[i]), int(marks.final_ms[i]), left_ms), 1)


def index_bound(x: ClearingState) -> IndexBound:
    """Return the bound of the present prices; it is kept until one of them, or a term, changes.

    Inside a settlement window the price at the index moves with the clock, and so does funding that
    waits.
    """
    kept: tuple[int, IndexBound] | None = x.kept_bound
    is_known = kept is not None and kept[1].work.size == x.marks.mark.size
    if kept is None or not is_known or kept[0] not in (-1, x.now_ns):
        moves = _active(x) & (x.marks.used("final_ms") > 0)
        moves |= x.instruments.used("next_funding_ns") < 0
        kept = x.kept_bound = (x.now_ns if moves.any() else -1, _bound(x, accruing_rates))
    return kept[1]


def average_bound(x: ClearingState) -> IndexBound:
    """Return the bound with funding by the average premium alone, for cancellations (rule 7.58).

    What one last price says for a moment moves no average, and cancels nobody's orders.
    """
    return _bound(x, average_rates)


def accrued_by(
    x: ClearingState, bound: IndexBound, account: int, instrument: int = -1, lots: int = 0
) -> int:
    """Return the funding of a group that has accrued, with an order of signed lots (rule 7.93).

    Numeraire units, not negative.
    """
    return int(
        accrued_funding(
            x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), x.asset_arrays(),
            bound, account, instrument, 0, max(lots, 0), max(-lots, 0), -1,
        )
    )  # fmt: skip


def accrued_at(x: ClearingState, account: int, marks: I64) -> int:
    """Return the funding of a group that has accrued, at the marks, whatever prices the state has.

    Numeraire units, not negative.  `index_bound` was asked for while the state had the marks.
    """
    bound = index_bound(x)
    instruments = x.instrument_arrays()._replace(mark=marks)
    return int(
        accrued_funding(
            x.account_arrays(), x.positions.arrays(), instruments, x.asset_arrays(),
            bound, account, -1, 0, 0, 0, -1,
        )
    )  # fmt: skip


def _active(x: ClearingState) -> npt.NDArray[np.bool_]:
    """Return which instruments are contracts that may be held; shape (instruments,)."""
    c = x.instruments
    is_active: npt.NDArray[np.bool_] = c.used("status") == InstrumentStatus.ACTIVE
    is_active &= c.used("kind") == Kind.DELTA_ONE
    return is_active


Rates: TypeAlias = Callable[[ClearingState, I64, I64], tuple[I64, I64]]
"""`market.funding.accruing_rates`, or `average_rates`."""


def _bound(x: ClearingState, rates_of: Rates) -> IndexBound:
    c, at = x.instruments, index_ticks(x)
    mark = x.marks.used("mark")
    at_index = np.where(at == mark, 0, at)
    longs, shorts = _accruing(x, at, rates_of)
    count, is_active = at.size, _active(x)
    is_away, accrues = is_active & (at_index > 0), is_active & (longs + shorts > 0)[:count]
    rows = np.flatnonzero(is_away | accrues)
    slack, work = x.assets.count + 1, np.zeros_like(x.marks.mark)
    if not rows.size:
        return IndexBound(at_index, 0.0, longs, shorts, 0.0, WORTH_MAX, slack, work)
    rate = c.initial_rate[rows, 0]  # the lowest (rule 15.17)
    lost = np.zeros(rows.size)
    if is_away.any():
        lost = np.where(is_away[rows], _lost_share(x, rows, at[rows]), 0.0)
    dearest = np.maximum(longs[rows], shorts[rows])
    accrued = np.where(dearest > 0, _accrued_share(x, rows, dearest), 0.0)
    share, asked = (float((part / rate).max()) * (1 + _ROUNDING) for part in (lost, lost + accrued))
    most = float(rate.min()) * WORTH_MAX
    return IndexBound(at_index, share, longs, shorts, asked, most, slack, work)


def _accruing(x: ClearingState, at: I64, rates_of: Rates) -> tuple[I64, I64]:
    """Return the rates of rule 7.93 for lots long and short of all contracts, 1e-9.

    Shape of the columns of instruments.

    Parameters
    ----------
    at
        Price of each contract at its index, ticks, 0 for none; shape (instruments,).
    """
    rates = np.zeros((2, x.marks.mark.size), np.int64)
    rows = np.flatnonzero((x.instruments.used("funding_ns") > 0) & (at > 0))
    rates[:, rows] = rates_of(x, rows, at[rows])
    return rates[0], rates[1]


def _lost_share(x: ClearingState, rows: I64, at: I64) -> F64:
    """Return what a return to the index costs at most, as a part of the worth of what is held.

    A lot at least is held, so that what rounding adds to a value is less than it adds to one lot.
    What is paid in another asset than the numeraire counts twice: a gain of lots held counts with a
    haircut, and the loss of orders that close them does not.

    Parameters
    ----------
    rows, at
        Contracts, and their prices at the index; shape (rows,).
    """
    c = x.instruments
    mark, at = x.marks.mark[rows].astype(np.float64), at.astype(np.float64)
    unit, is_coin = c.unit[rows].astype(np.float64), c.settlement_asset[rows] != 0
    straight, curved = unit * np.abs(mark - at), unit * np.abs(1 / mark - 1 / at) + 1
    share = _share_of_lot(x, rows, np.where(c.form[rows] == LINEAR, straight, curved))
    return np.where(is_coin, 2 * share, share)


def _accrued_share(x: ClearingState, rows: I64, rates: I64) -> F64:
    """Return the funding that has accrued at most, as a part of the worth of what is held.

    Parameters
    ----------
    rows, rates
        Contracts, and at what rate they pay, 1e-9; shape (rows,).
    """
    c, mark = x.instruments, x.marks.mark[rows].astype(np.float64)
    unit = c.unit[rows].astype(np.float64)
    value = np.where(c.form[rows] == LINEAR, unit * mark, unit / mark + 0.5)
    return _share_of_lot(x, rows, value * (rates / RATE_SCALE) + 1)


def _share_of_lot(x: ClearingState, rows: I64, paid: F64) -> F64:
    """Return what a lot costs as a part of what it is worth at the mark, rounded up.

    Parameters
    ----------
    rows, paid
        Contracts, and what a lot of each costs, settlement units; shape (rows,).
    """
    c, mark = x.instruments, x.marks.mark[rows].astype(np.float64)
    unit, settled_in = c.unit[rows].astype(np.float64), c.settlement_asset[rows]
    price = x.assets.unit_price[settled_in]
    value = np.where(c.form[rows] == LINEAR, unit * mark, unit / mark - 0.5)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (paid * price + (settled_in != 0)) / (value * price)
    return np.where((value > 0) & (price > 0), share, np.inf)
