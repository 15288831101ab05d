"""Takeover: an account below its takeover level goes to the liquidator, at the mark (chapter 12).

The liquidator takes positions and debts, and of assets and long options what pays for the debts and
for a declared charge; the rest stays the owner's, and that is final.  The liquidator is an account
like others: it owns what it took over and nothing else.  A shortfall of the account is a loss at
once; what the liquidator loses while it closes positions is a loss when it is flat, or when it
exceeds the house's own funds (`shortfall_due`).  What it gains goes to the insurance fund
(`surplus`).

Sources: EMIR Article 48 and CPMI-IOSCO PFMI Principle 13 (closing out a defaulter's positions);
venues such as BitMEX let a liquidation engine take over positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from novate.book.state import GROUP
from novate.canonical import Run
from novate.default_management.close_out import (
    assess_many,
    close_out_charges,
    failing,
    has_blocked_price,
    holds_elsewhere,
    is_flat,
    known_groups,
    look_for_takeover,
    may_fail,
    stands,
)
from novate.default_management.deciding_price import best_of, takeover_figures
from novate.default_management.index_failure import net_that_counts
from novate.default_management.loss.policy import Bearer
from novate.default_management.policy_state import PolicyState
from novate.default_management.refused import Refused
from novate.default_management.room import takeovers_with_room
from novate.default_management.state import DefaultState
from novate.errors import require
from novate.kernel.clearing.assess import EQUITY, MAINTENANCE, NET, TOTAL_MAX
from novate.kernel.clearing.columns import (
    I8,
    I64,
    U64,
    AccountArrays,
    AssetArrays,
    InstrumentArrays,
    MarginColumns,
    PositionArrays,
)
from novate.kernel.clearing.takeover import apply_takeovers, decide_takeovers
from novate.kernel.codes import AccountStatus, Role
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.parameter import Parameter
from novate.message.refusal import EngineCommandRefusal as No
from novate.message.topic import (
    NOBODY,
    Application,
    ColumnDecision,
    Decision,
    Topic,
    commands,
)
from novate.valuation.other_price import every_price, other_prices, priced_at
from novate.valuation.price_status import halted_among


def decide_take_overs(x: DefaultState, columns: Row, emit: Emit) -> Sequence[tuple[int, Refusal]]:
    """Decide which accounts in liquidation are taken over (rules 4.13, 12.1 to 12.9, 12.20 on).

    Takeover worth counts options at their marks: while it is at or above the level, slices go on to
    close positions for the account.  Each takeover finds the liquidator as those before it left it.
    Emits `OrderClosed`, `AccountTakenOver` with net, charge and what was kept in numeraire units,
    and `LossRecorded` where net is negative.

    Parameters
    ----------
    columns
        ``account``: numbers of accounts, shape (rows,).

    Returns
    -------
    Sequence[tuple[int, Refusal]]
        Refused rows, ascending: UNKNOWN_SUBJECT unless in liquidation, CAUSE_GONE with takeover
        worth at or above the level at a price of rule 5.80, NOT_DUE while an open position, long
        options aside, has a blocked price, or while the books have no room for it (rule 15.65).
    """
    accounts, is_known = known_groups(x, columns["account"])
    refused = Refused(accounts.size)
    is_known &= x.accounts.status[accounts] == AccountStatus.LIQUIDATING
    refused.where(~is_known, No.UNKNOWN_SUBJECT, columns["account"], x.accounts.count - 1)
    numbers = assess_many(x, accounts)
    worth, level, blocked = look_for_takeover(
        x, accounts, numbers[:, EQUITY], numbers[:, MAINTENANCE]
    )
    is_gone = worth >= level
    below = np.flatnonzero(~is_gone)
    is_gone[below] = holds_elsewhere(x, accounts[below], partial(stands, x))[0]
    refused.where(is_gone, No.CAUSE_GONE, np.minimum(worth, TOTAL_MAX), level)
    refused.where(blocked >= 0, No.NOT_DUE, 0, 1)
    rows = refused.passing()
    has_no_room = np.zeros(accounts.size, np.bool_)
    has_no_room[rows] = ~takeovers_with_room(x, accounts[rows])
    refused.where(has_no_room, No.NOT_DUE, 0, 1)
    rows = refused.passing()
    if rows.size:
        _take_over(x, accounts[rows], numbers[rows], emit)
    return refused.reasons()


def _take_over(x: DefaultState, groups: I64, numbers: I64, emit: Emit) -> None:
    """Book takeovers one after another, then say what each ended, found and left."""
    orders, liquidator = x.defaults.orders, x.single(Role.LIQUIDATOR)
    net, charge = net_that_counts(x, groups, numbers[:, NET]), close_out_charges(x, groups)
    decided = best_of(x, groups, every_price(x), partial(takeover_figures, x), assess_many)
    accounts, place_of_group = x.accounts_of(groups)
    conversion_ppm = x.parameter_of(Parameter.CONVERSION_CHARGE_PPM, groups)
    theirs, own = orders.of(accounts), orders.of(np.array([liquidator]))
    closed_by = np.empty(own.size, np.int64)
    is_first, kept = np.empty(groups.size, np.bool_), np.empty(groups.size, np.int64)
    x.positions.reserve(x.instruments.count, x.accounts)
    decide_takeovers(
        *_arrays(x), *_groups(x, groups), net, charge, conversion_ppm, *_prices(x), liquidator,
        x.defaults.pending(), orders.kind[own], orders.subject[own], orders.quantity[own],
        closed_by, is_first, kept,
    )  # fmt: skip
    _mark_taken_over(x, groups, net, is_first)
    # Each takeover closes what the group has out, and then what is too much of the liquidator.
    place = np.full(x.accounts.count, -1, np.int64)
    place[accounts] = place_of_group
    excess = own[closed_by >= 0]
    closed = np.concatenate((theirs, excess))
    by = np.concatenate((2 * place[orders.account[theirs]], 2 * closed_by[closed_by >= 0] + 1))
    if closed.size:
        closed = closed[np.argsort(by, kind="stable")]
        emit.columns(event.ORDER_CLOSED, order=orders.number[closed])
    emit.booked(
        event.ACCOUNT_TAKEN_OVER,
        account=groups, equity=net, maintenance=numbers[:, MAINTENANCE], is_first=is_first,
        charge=charge, conversion_ppm=conversion_ppm, kept=kept, **decided.columns(),
    )  # fmt: skip
    is_loss = net < 0
    if is_loss.any():
        _record(x, groups[is_loss], -net[is_loss], emit)


def _arrays(
    x: DefaultState,
) -> tuple[AccountArrays, PositionArrays, InstrumentArrays, AssetArrays, int, U64]:
    """What takeover kernels read and change."""
    return (
        x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), x.asset_arrays(),
        x.single(Role.FEES), x.checksum,
    )  # fmt: skip


def _groups(x: DefaultState, groups: I64) -> tuple[I64, I64]:
    """Accounts of groups one behind the other, and where each group begins."""
    accounts, place = x.accounts_of(groups)
    return accounts, np.searchsorted(place, np.arange(groups.size + 1))


def _prices(x: DefaultState) -> tuple[I8, I8]:
    """Whether assets have a fresh index, and whether instruments are halted; 1 or 0."""
    with x.looking_once():
        is_fresh = np.array([x.is_fresh(asset) for asset in range(x.assets.count)], np.int8)
        return is_fresh, halted_among(x, np.arange(x.instruments.count)).view(np.int8)


def _record(x: DefaultState, accounts: I64, amounts: I64, emit: Emit) -> None:
    emit.columns(
        event.LOSS_RECORDED,
        loss=x.defaults.losses.given + 1 + np.arange(accounts.size),
        account=accounts,
        amount=amounts,
    )


def apply_account_taken_over(x: DefaultState, columns: Row) -> None:
    """Move positions at the mark, debts and what pays for them to the liquidator, group by group.

    The next slice of a liquidator without one is due now.
    """
    groups = columns["account"].astype(np.int64)
    x.positions.reserve(x.instruments.count, x.accounts)
    net, charge, conversion_ppm = (
        columns[name].astype(np.int64) for name in ("equity", "charge", "conversion_ppm")
    )
    apply_takeovers(
        *_arrays(x), *_groups(x, groups), net, charge, conversion_ppm, *_prices(x),
        x.single(Role.LIQUIDATOR),
    )  # fmt: skip
    _mark_taken_over(x, groups, columns["equity"], columns["is_first"])


def apply_whole_account_taken_over(x: DefaultState, row: Row) -> None:
    """Move all positions at the mark and all balances of a group to the liquidator: version 1."""
    groups = np.array([row["account"]], np.int64)
    accounts = x.accounts_of(groups)[0]
    none = np.zeros(accounts.size, np.int64)
    x.positions.reserve(x.instruments.count, x.accounts)
    apply_takeovers(
        *_arrays(x), accounts, np.arange(accounts.size + 1), none, none, none, *_prices(x),
        x.single(Role.LIQUIDATOR),
    )  # fmt: skip
    _mark_taken_over(x, groups, np.zeros(1, np.int64), np.array([row["is_first"]]))


def _mark_taken_over(
    x: DefaultState, groups: I64, net: I64, is_first: npt.NDArray[np.bool_]
) -> None:
    """Say that groups are gone, what they owe, and whose payers answer for the liquidator's losses.

    They join those before them, or the first of them begins anew.
    """
    accounts = x.accounts_of(groups)[0]
    x.accounts.status[accounts] = AccountStatus.TAKEN_OVER
    x.accounts.owed[groups] += np.maximum(-net, 0)
    x.set_slices(accounts, 0)
    begins = np.flatnonzero(is_first)
    if begins.size:
        x.accounts.used("is_closing_out")[:] = False
        accounts = x.accounts_of(groups[begins[-1] :])[0]
    x.accounts.is_closing_out[accounts] = True
    liquidator = x.single(Role.LIQUIDATOR)
    if x.accounts.slice_ns[liquidator] <= 0:
        x.set_slices(np.array([liquidator]), x.now_ns)


def apply_loss_recorded(x: DefaultState, columns: Row) -> None:
    """Append the losses, open until the waterfall has taken them."""
    losses = x.defaults.losses
    rows = losses.add(len(columns["loss"]))
    require(bool((losses.number[rows] == columns["loss"]).all()), "losses are numbered one by one")
    losses.account[rows] = columns["account"]
    losses.amount[rows] = columns["amount"]
    losses.is_open[rows] = True


def liquidator_shortfall(x: DefaultState) -> int:
    """Return what the liquidator is short of (rule 12.10).

    Returns
    -------
    int
        ``-(net + open losses + uncovered)`` in numeraire units where positive, else 0.
    """
    liquidator = x.single(Role.LIQUIDATOR)
    if liquidator < 0:
        return 0
    return max(-(x.assess(liquidator).net + x.defaults.pending()), 0)


def shortfall_due(x: PolicyState) -> int:
    """Return how much of the liquidator's shortfall is a loss now (rules 5.82, 12.11 and 12.13).

    While positions are open, a move of the marks may still come back, and what they are short of is
    the least at any of the prices of rule 5.80.  The shortfall is a loss once
    the liquidator is flat, or when it exceeds the positive balances of the layers of the waterfall
    in which the clearing house pays: it carries no open loss beyond its own funds.

    Returns
    -------
    int
        Numeraire units, not negative; 0 where nothing is due.
    """
    short = liquidator_shortfall(x)
    if short == 0 or is_flat(x, x.single(Role.LIQUIDATOR)):
        return short
    for prices in other_prices(x):
        with priced_at(x, prices):
            short = min(short, liquidator_shortfall(x))
    own = [
        layer.payers(x)
        for layer in x.prefunded_layers()
        if layer.terms.bearer is Bearer.CLEARING_HOUSE
    ]
    funds = np.unique(np.concatenate(own)) if own else np.zeros(0, np.int64)
    means = int(np.maximum(x.accounts.balance[funds, 0], 0).sum())
    return short if short > means else 0


def decide_record_shortfall(x: PolicyState, row: Row, emit: Emit) -> Refusal | None:
    """Decide a loss of the liquidator at the marks: `LossRecorded` (rules 4.14 and 12.11).

    Parameters
    ----------
    row
        ``account``: the liquidator.

    Returns
    -------
    Refusal | None
        UNKNOWN_SUBJECT, NOT_DUE while a price is blocked, or CAUSE_GONE.
    """
    liquidator = x.single(Role.LIQUIDATOR)
    if row["account"] != liquidator:
        return Refusal(No.UNKNOWN_SUBJECT, row["account"], liquidator)
    if has_blocked_price(x, liquidator):
        return Refusal(No.NOT_DUE, 0, 1)
    short = shortfall_due(x)
    if short == 0:
        return Refusal(No.CAUSE_GONE, 0, 1)
    _record(x, np.array([liquidator]), np.array([short]), emit)
    return None


def takeovers(x: DefaultState, margin: MarginColumns) -> list[Run]:
    """Return `TakeOver` for accounts in liquidation below their takeover level (rule 4.13)."""
    closing = x.groups_with_status(AccountStatus.LIQUIDATING)
    if not closing.size:
        return []
    closing = closing[may_fail(x, closing, margin.equity[closing], margin.maintenance[closing])]
    worth, level, blocked = look_for_takeover(
        x, closing, margin.equity[closing], margin.maintenance[closing]
    )
    closing = closing[(worth < level) & (blocked < 0)]
    closing = failing(x, closing, partial(stands, x))
    return commands(command.TAKE_OVER, account=closing[takeovers_with_room(x, closing)])


def shortfalls(x: PolicyState, margin: MarginColumns) -> list[Run]:
    """Return `RecordShortfall` if a shortfall of the liquidator is a loss now (rule 4.14)."""
    liquidator = x.single(Role.LIQUIDATOR)
    if shortfall_due(x) == 0 or has_blocked_price(x, liquidator):
        return []
    return commands(command.RECORD_SHORTFALL, account=[liquidator])


TOPIC: Topic[PolicyState] = Topic(
    name="takeover",
    decisions=(
        ColumnDecision(command.TAKE_OVER, decide_take_overs, No, is_engine_only=True),
        Decision(command.RECORD_SHORTFALL, decide_record_shortfall, No, is_engine_only=True),
    ),
    applications=(
        Application(
            event.ACCOUNT_TAKEN_OVER,
            apply_account_taken_over,
            GROUP,
            is_by_column=True,
            older=((1, apply_whole_account_taken_over),),
        ),
        Application(event.LOSS_RECORDED, apply_loss_recorded, NOBODY, is_by_column=True),
    ),
    stages=(takeovers, shortfalls),
)
