"""Payments towards obligations, and their end (rules 6.100 to 6.103 and 10.50).

What an account is asked for is paid by collateral that arrives from outside its margin group, and
counts as much as equity gains by it.  So a price that moves meanwhile takes nothing from what was
paid: what it makes missing is asked for by itself.

Sources: EMIR Article 41 and CPMI-IOSCO PFMI Principle 6: calls are made and met by amount and time.
"""

from __future__ import annotations

import numpy as np

from novate.book.state import BookState
from novate.errors import require
from novate.kernel.clearing.columns import I64
from novate.kernel.codes import AccountStatus
from novate.message import event
from novate.message.declare import Emit, Row
from novate.message.obligation import ObligationOutcome
from novate.message.topic import NOBODY, Application, Topic
from novate.valuation import ClearingState
from novate.valuation.excess import assess_without


def payment_of(x: ClearingState, account: int, asset: int, amount: int) -> int:
    """Return what an amount that arrives counts towards obligations (rules 6.100 and 6.101).

    Parameters
    ----------
    account, asset, amount
        Where it arrives, and ledger units of the asset, above zero.

    Returns
    -------
    int
        Numeraire units that the equity of the account's group gains by it, not negative; an asset
        without a fresh index counts only as far as it repays a debt.  0 unless the group is called.
    """
    group = x.group_of(account)
    if x.accounts.status[group] != AccountStatus.CALLED or not x.obligations.of_group(group).size:
        return 0
    if asset == 0:
        return amount
    factor = x.assets.collateral_factor
    kept = factor[asset]
    if not x.is_fresh(asset):
        factor[asset] = 0.0
    try:
        gained = assess_without(x, account, asset, -amount).equity - x.assess(account).equity
    finally:
        factor[asset] = kept
    return max(int(gained), 0)


def pay(x: BookState, account: int, worth: int, emit: Emit) -> None:
    """Emit `ObligationPaid`, and `ObligationClosed`, for a payment: the oldest first (rule 6.102).

    Parameters
    ----------
    account
        An account of the group that paid.
    worth
        What the payment counts, numeraire units, not negative; what is left of it counts nowhere.
    """
    group, table = x.group_of(account), x.obligations
    for row in x.obligations.of_group(group).tolist() if worth else ():
        asked = int(table.amount[row] - table.paid[row])
        part = min(asked, worth)
        worth -= part
        number = int(table.number[row])
        emit(
            event.OBLIGATION_PAID, obligation=number, account=group, amount=part, left=asked - part
        )
        if part == asked:
            close(x, np.array([group]), np.array([row]), ObligationOutcome.PAID, emit)
        if not worth:
            break


def close(x: BookState, groups: I64, rows: I64, outcome: int | I64, emit: Emit) -> None:
    """Emit `ObligationClosed` for rows of the table, in their order.

    Parameters
    ----------
    groups, rows
        Whose they are, and where; shape (rows,).
    outcome
        Codes of `ObligationOutcome`, one of each row or one of all.
    """
    table = x.obligations
    if rows.size:
        emit.columns(
            event.OBLIGATION_CLOSED,
            obligation=table.number[rows],
            account=groups,
            outcome=np.broadcast_to(outcome, rows.shape),
            amount=table.amount[rows],
            paid=table.paid[rows],
        )


def apply_obligation_paid(x: BookState, row: Row) -> None:
    """Count a payment."""
    x.obligations.paid[x.obligations.row_of(row["obligation"])] += row["amount"]


def apply_obligation_closed(x: BookState, columns: Row) -> None:
    """Take obligations out of the table; one that has ended is a fault."""
    rows = x.obligations.rows_of(columns["obligation"])
    require(bool((rows >= 0).all()), "what ends is an open obligation")
    x.obligations.end(rows)


TOPIC: Topic[BookState] = Topic(
    name="obligations",
    applications=(
        Application(event.OBLIGATION_PAID, apply_obligation_paid, NOBODY),
        Application(event.OBLIGATION_CLOSED, apply_obligation_closed, NOBODY, is_by_column=True),
    ),
)
