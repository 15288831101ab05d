"""Whether who is granted an order can pay for a return to the index (rules 7.90 to 7.93).

And who has open orders and can no longer, funding that has accrued included (rule 7.58).

Sources: CPMI-IOSCO PFMI Principle 6: prices that margin is computed from are timely, and there are
procedures for when they are not reliable.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from novate.kernel.clearing.columns import I64
from novate.kernel.clearing.index_solvency import IndexBound, gap_of_order, is_solvent_by
from novate.kernel.clearing.settle import trade_fee, value_of
from novate.message.declare import Refusal, Row
from novate.message.refusal import ReserveMarginRefusal as No
from novate.valuation import Assessment, ClearingState
from novate.valuation.index_bound import accrued_by, average_bound, index_bound
from novate.valuation.other_price import index_prices, orders_gap, priced_at
from novate.valuation.stale_collateral import without_stale_collateral


def order_insolvent_at_index(
    x: ClearingState, row: Row, held: int, after: Assessment, *, is_closing: bool
) -> Refusal | None:
    """Return why an order is not granted for what its account is worth at the index.

    Parameters
    ----------
    row
        ``account``, ``instrument``, signed ``lots`` and ``limit_ticks``, as they come.
    held, after
        What the order holds, and the assessment of the group with it, that included in initial
        margin; numeraire units.
    is_closing
        Whether it does, with the open orders of its side, no more than close the position.
    """
    account, bound = row["account"], index_bound(x)
    hold = x.open_order_hold(account) + held
    figures = after.equity, after.initial, after.shorts, hold
    if bound.asked <= 0.0 or (x.is_standard(account) and is_solvent_by(bound, *figures)):
        return None
    # Accrued funding holds up nobody who reduces a risk.
    accrued = 0 if is_closing else accrued_by(x, bound, account, row["instrument"], row["lots"])
    if _is_solvent_beside(x, account, bound, accrued, figures):
        return None
    prices, marks = index_prices(x), x.marks.mark
    with without_stale_collateral(x), priced_at(x, prices):
        equity, gap = x.assess(account).equity, orders_gap(x, account, marks)
        gap += _gap(x, row, marks)
    needed = hold + gap + min(after.shorts, after.initial - hold) + accrued
    if equity >= needed or (gap == 0 and accrued == 0 and equity == after.equity):
        return None
    is_out = is_closing and _concedes_nothing(x, row, prices.mark)
    if is_out and not _sells_protection(x, row, after.initial - held):
        return None
    return Refusal(No.INSOLVENT_AT_INDEX, equity, needed)


def _sells_protection(x: ClearingState, row: Row, initial: int) -> bool:
    """Whether an order sells a long option that limits shorts (rule 3.64).

    ``initial`` is initial margin with its lots, without its hold.
    """
    if not x.is_option(row["instrument"]) or row["lots"] > 0:
        return False
    return initial > x.assess(row["account"]).initial


def _is_solvent_beside(
    x: ClearingState, account: int, bound: IndexBound, accrued: int, figures: tuple[int, ...]
) -> bool:
    """Whether a group has enough for the costliest return, beside its accrued funding.

    ``figures`` as of `is_solvent_by`, numeraire units.
    """
    by_return = bound._replace(asked=bound.share)
    equity, *others = figures
    return x.is_standard(account) and bool(is_solvent_by(by_return, equity - accrued, *others))


def lacking_funding(x: ClearingState, groups: I64) -> npt.NDArray[np.bool_]:
    """Return which groups have accrued funding, and at the index less than rule 7.90 asks (7.58).

    Parameters
    ----------
    groups
        Numbers of margin groups; shape (groups,).
    """
    found = np.zeros(groups.size, np.bool_)
    bound = average_bound(x)
    if bound.asked <= 0.0 or not groups.size:
        return found
    prices, marks = index_prices(x), x.marks.mark
    for k, group in enumerate(groups.tolist()):
        there, hold = x.assess(group), x.open_order_hold(group)
        figures = there.equity, there.initial, there.shorts, hold
        if x.is_standard(group) and is_solvent_by(bound, *figures):
            continue
        accrued = accrued_by(x, bound, group)
        if accrued == 0 or _is_solvent_beside(x, group, bound, accrued, figures):
            continue
        with priced_at(x, prices):
            equity, gap = x.assess(group).equity, orders_gap(x, group, marks)
        found[k] = equity < hold + gap + min(there.shorts, there.initial - hold) + accrued
    return found


def _gap(x: ClearingState, row: Row, marks: I64) -> int:
    """Return what the fill of an order loses more at these prices than at the marks (3.71)."""
    instruments = x.instrument_arrays()
    at_marks = instruments._replace(mark=marks)
    order = row["instrument"], row["lots"], row["limit_ticks"]
    return int(gap_of_order(at_marks, x.asset_arrays(), instruments.mark, *order))


def _concedes_nothing(x: ClearingState, row: Row, ticks: I64) -> bool:
    """Whether a closing order closes no worse than at some prices, its own fee left aside (7.92).

    A rebate goes to the other side.  The sale of a long option, which is no cover, costs nothing.
    """
    c, i, lots = x.instruments, row["instrument"], row["lots"]
    paid = int(value_of(c.form[i], c.unit[i], row["limit_ticks"], lots))
    rebate = max(-int(trade_fee(paid, c.maker_fee_ppm[i])), 0)
    is_sale = x.is_option(i) and lots < 0
    worth = 0 if is_sale else int(value_of(c.form[i], c.unit[i], ticks[i], lots))
    return paid - worth + rebate <= 0
