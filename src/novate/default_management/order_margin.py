"""Open orders are margined as long as they live, and cancelled before anybody defaults for them.

After an assessment a reservation that holds less than its order may lose at the new mark holds
more, and one that holds far more gives some back.  Of a margin group whose equity does not cover
initial margin with its orders, or at the index not the funding that has accrued beside them, the
venue is asked to cancel them, but for those that only close a position.  Calls look at
positions alone: orders by themselves lead to no default.

Sources: rules 4.40 to 4.42, 7.50 to 7.60; CPMI-IOSCO PFMI Principle 6 (margin that keeps up with
exposure).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from novate.canonical import Run
from novate.default_management.close_out import assess_many
from novate.default_management.refused import Refused
from novate.default_management.state import DefaultState
from novate.kernel.clearing.assess import EQUITY, INITIAL, TOTAL_MAX
from novate.kernel.clearing.bound import AMOUNT_MAX
from novate.kernel.clearing.columns import I64, MarginColumns
from novate.kernel.clearing.order_watch import orders_unsure
from novate.kernel.clearing.way_out import look_at_cover, look_at_orders, margin_orders
from novate.kernel.codes import AccountStatus
from novate.margin.index_solvency import lacking_funding
from novate.margin.way_out import most_conceded_by_closing, order_bands, raises_initial
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.refusal import EngineCommandRefusal as No
from novate.message.topic import NOBODY, Application, ColumnDecision, Topic, commands
from novate.valuation import ClearingState
from novate.valuation.index_bound import index_bound

B1 = npt.NDArray[np.bool_]


class Margined(NamedTuple):
    """Reservations, and what they are to hold.

    Attributes
    ----------
    rows
        Rows of the reservations, ascending; shape (reservations,).
    hold
        Numeraire units, not negative; same shape.
    are_right
        Whether all others hold what they are to hold, so that nothing was kept within bounds.
    """

    rows: I64
    hold: I64
    are_right: bool


def margined(x: ClearingState, rows: I64) -> Margined:
    """Return those of some reservations whose hold is to change at the present marks, and to what.

    Each sees what those before it hold by then: a hold grows no further than to 2**60 numeraire
    units for all orders of a margin group (rule 7.57).

    Parameters
    ----------
    rows
        Rows of open reservations, ascending.
    """
    table = x.reservations
    hold = np.empty(rows.size, np.int64)
    margin_orders(
        x.account_arrays(), x.instrument_arrays(), x.asset_arrays(), table.arrays(), rows,
        order_bands(x), hold,
    )  # fmt: skip
    before = table.open_order_hold[rows]
    changed = np.flatnonzero(hold != before)
    rows, hold, before = rows[changed], hold[changed], before[changed]
    if not changed.size:
        return Margined(rows, hold, are_right=True)
    is_bounded = False
    if float(hold.sum(dtype=np.float64)) + float(x.accounts.open_order_hold.sum()) > AMOUNT_MAX:
        _keep_within_bounds(x, rows, hold)
        is_changed = hold != before
        rows, hold = rows[is_changed], hold[is_changed]
        is_bounded = True
    return Margined(rows, hold, are_right=not is_bounded)


def _keep_within_bounds(x: ClearingState, rows: I64, hold: I64) -> None:
    """Lower new holds to what 64 bits hold of all the orders of a group."""
    totals: dict[int, int] = {}
    groups = x.groups_of(x.reservations.account[rows].astype(np.int64)).tolist()
    for k, group in enumerate(groups):
        total = totals[group] if group in totals else x.open_order_hold(group)
        before = int(x.reservations.open_order_hold[rows[k]])
        change = min(int(hold[k]) - before, max(AMOUNT_MAX - total, 0))
        hold[k] = before + change
        totals[group] = total + change


def decide_remargin_orders(
    x: ClearingState, columns: Row, emit: Emit
) -> Sequence[tuple[int, Refusal]]:
    """Decide which reservations hold another amount: `OrderRemargined` (rules 7.56 and 7.57).

    Parameters
    ----------
    columns
        ``reservation``: numbers, ascending; shape (rows,).

    Returns
    -------
    Sequence[tuple[int, Refusal]]
        Refused rows, ascending: UNKNOWN_SUBJECT for one that has ended, CAUSE_GONE for one that
        holds what it is to hold.
    """
    rows, refused = _open(x, columns)
    found = margined(x, rows[refused.passing()])
    refused.where(~np.isin(rows, found.rows), No.CAUSE_GONE, columns["reservation"], 0)
    if found.rows.size:
        numbers = x.reservations.number[found.rows]
        emit.columns(event.ORDER_REMARGINED, reservation=numbers, open_order_hold=found.hold)
    return refused.reasons()


def _open(x: ClearingState, columns: Row) -> tuple[I64, Refused]:
    """Rows of the reservations of a run, and those that have ended refused."""
    rows = x.reservations.rows_of(columns["reservation"])
    refused = Refused(rows.size)
    refused.where(rows < 0, No.UNKNOWN_SUBJECT, columns["reservation"], x.reservations.given)
    return rows, refused


def apply_order_remargined(x: ClearingState, columns: Row) -> None:
    """Let reservations, and their accounts, hold other amounts."""
    table = x.reservations
    rows = table.rows_of(columns["reservation"])
    change = columns["open_order_hold"] - table.open_order_hold[rows]
    np.add.at(x.accounts.open_order_hold, table.account[rows], change)
    table.open_order_hold[rows] = columns["open_order_hold"]


def remargins(x: DefaultState, margin: MarginColumns) -> list[Run]:
    """Return `RemarginOrder` for reservations whose hold is to change, by number (rule 4.40)."""
    found = margined(x, x.order_watch.due(x))
    if not found.rows.size:
        if found.are_right:
            x.order_watch.remember(x)
        return []
    return commands(command.REMARGIN_ORDER, reservation=x.reservations.number[found.rows])


def closes_within_bounds(x: ClearingState, rows: I64) -> B1:
    """Return which open orders only close a position and would be granted as they are (7.59).

    Orders of one direction in a position count together: they do no more than close it, and what
    they concede is no more than rule 7.53 allows.

    Parameters
    ----------
    rows
        Rows of all open reservations of some margin groups; shape (reservations,).
    """
    table = x.reservations
    sets = x.accounts.netting_set[table.account[rows]]
    keys = np.stack((table.lots[rows] > 0, table.instrument[rows], sets)).astype(np.int64)
    order = np.lexsort(keys)
    begins = np.ones(rows.size, np.bool_)
    begins[1:] = (keys[:, order[1:]] != keys[:, order[:-1]]).any(axis=0)
    start = np.append(np.flatnonzero(begins), rows.size)
    closed, cost, most = np.zeros((3, start.size - 1), np.int64)
    arrays = x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), x.asset_arrays()
    look_at_orders(*arrays, table.arrays(), rows[order], start, closed, cost)
    first = rows[order[start[:-1]]]
    accounts = table.account[first].astype(np.int64)
    contracts = table.instrument[first].astype(np.int64)
    lost, beside = _of_others(x.groups_of(accounts), closed != 0, cost)
    look_at_cover(*arrays, accounts, contracts, closed, lost, beside, most)
    modelled = x.modelled_among(accounts)
    for k in modelled[closed[modelled] != 0].tolist():
        account, i, lots = int(accounts[k]), int(contracts[k]), int(closed[k])
        most[k] = most_conceded_by_closing(x, account, i, lots, int(lost[k]), int(beside[k]))
        if raises_initial(x, account, i, -lots):
            most[k] = -1
    is_kept = np.zeros(rows.size, np.bool_)
    is_kept[order] = np.repeat((closed != 0) & (cost <= most), np.diff(start))
    return is_kept


def _of_others(groups: I64, is_closing: B1, cost: I64) -> tuple[I64, I64]:
    """Add up by group what orders lose, and what closing ones beside each concede."""
    lost: dict[int, int] = {}
    conceded: dict[int, int] = {}
    for group, closes, amount in zip(
        groups.tolist(), is_closing.tolist(), cost.tolist(), strict=True
    ):
        sums = conceded if closes else lost
        sums[group] = sums.get(group, 0) + amount
    own = np.where(is_closing, cost, 0).tolist()
    others = [conceded.get(g, 0) - mine for g, mine in zip(groups.tolist(), own, strict=True)]
    return (
        np.array([min(lost.get(g, 0), TOTAL_MAX) for g in groups.tolist()], np.int64),
        np.array([min(amount, TOTAL_MAX) for amount in others], np.int64),
    )


def _to_cancel(x: ClearingState, is_short: B1) -> I64:
    """Rows of the orders whose cancellation is to be requested.

    Parameters
    ----------
    is_short
        Margin groups that do not hold what rule 7.58 asks, by number; shape (accounts,).
    """
    table = x.reservations
    rows = table.live()
    rows = rows[is_short[x.groups_of(table.account[rows].astype(np.int64))]]
    if not (table.is_cancelling[rows] == 0).any():
        return rows[:0]
    is_asked = ~closes_within_bounds(x, rows) & (table.is_cancelling[rows] == 0)
    asked: I64 = rows[is_asked]
    return asked


def _standing(x: ClearingState) -> B1:
    is_standing: B1 = x.margin_groups() & (x.accounts.used("status") <= AccountStatus.CALLED)
    return is_standing


def cancellations(x: ClearingState, margin: MarginColumns) -> list[Run]:
    """Return `RequestCancellation` for orders that are not margined, by number (rule 4.41)."""
    short = margin.short
    short = short[margin.equity[short] < margin.initial[short]]
    lacking = _lacking(x, margin)
    short = np.union1d(short, lacking) if lacking.size else short
    short = short[x.accounts.status[short] <= AccountStatus.CALLED]
    if not short.size:
        return []
    is_short = np.zeros(x.accounts.count, np.bool_)
    is_short[short] = True
    rows = _to_cancel(x, is_short)
    return commands(command.REQUEST_CANCELLATION, reservation=x.reservations.number[rows])


def _lacking(x: ClearingState, margin: MarginColumns) -> I64:
    """Return the groups with open orders that lack funding at the index (7.58), ascending."""
    table = x.reservations
    bound = index_bound(x)  # by no lower rates than those of the average
    rows = np.empty(table.count if bound.asked > 0.0 else 0, np.int64)
    if not rows.size:
        return rows
    count = orders_unsure(
        x.account_arrays(), table.arrays(), bound, margin.equity, margin.initial,
        x.surfaces.count > 0, rows,
    )  # fmt: skip
    if not count:
        return rows[:0]
    groups = np.unique(x.groups_of(table.account[rows[:count]].astype(np.int64)))
    lacking: I64 = groups[lacking_funding(x, groups)]
    return lacking


def decide_request_cancellations(
    x: ClearingState, columns: Row, emit: Emit
) -> Sequence[tuple[int, Refusal]]:
    """Decide whose cancellation is requested, `CancellationRequested` (rules 7.58 and 7.59).

    Parameters
    ----------
    columns
        ``reservation``: numbers, ascending; shape (rows,).

    Returns
    -------
    Sequence[tuple[int, Refusal]]
        Refused rows, ascending: UNKNOWN_SUBJECT for one that has ended, CAUSE_GONE for one whose
        cancellation was requested, that only closes, or whose group holds what it is to hold.
    """
    rows, refused = _open(x, columns)
    owners = x.reservations.account[rows[refused.passing()]].astype(np.int64)
    groups = np.unique(x.groups_of(owners))
    numbers = assess_many(x, groups)
    is_short = np.zeros(x.accounts.count, np.bool_)
    is_below = numbers[:, EQUITY] < numbers[:, INITIAL]
    is_short[groups[is_below]] = True
    covered = groups[~is_below]
    is_short[covered] = lacking_funding(x, covered)
    asked = _to_cancel(x, is_short & _standing(x))
    refused.where(~np.isin(rows, asked), No.CAUSE_GONE, columns["reservation"], 0)
    passing = refused.passing()
    if passing.size:
        asked_numbers = columns["reservation"][passing]
        emit.columns(event.CANCELLATION_REQUESTED, reservation=asked_numbers)
    return refused.reasons()


def apply_cancellation_requested(x: ClearingState, columns: Row) -> None:
    """Note that the venue was asked to cancel orders."""
    x.reservations.is_cancelling[x.reservations.rows_of(columns["reservation"])] = 1


def _owners(x: ClearingState, columns: Row) -> I64:
    rows = x.reservations.find(columns["reservation"])
    return x.reservations.account[rows].astype(np.int64)


TOPIC: Topic[DefaultState] = Topic(
    name="margin of open orders",
    decisions=(
        ColumnDecision(command.REMARGIN_ORDER, decide_remargin_orders, No, is_engine_only=True),
        ColumnDecision(
            command.REQUEST_CANCELLATION, decide_request_cancellations, No, is_engine_only=True
        ),
    ),
    applications=(
        Application(event.ORDER_REMARGINED, apply_order_remargined, _owners, is_by_column=True),
        Application(
            event.CANCELLATION_REQUESTED, apply_cancellation_requested, NOBODY, is_by_column=True
        ),
    ),
    stages=(remargins, cancellations),
)
