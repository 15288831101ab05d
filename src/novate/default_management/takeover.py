"""Takeover: what is left of a failing account goes to the ring-fenced liquidator, at the mark.

The liquidator is an ordinary account with ordinary positions.  It owns what it took over and
nothing else.  A shortfall that came along is taken through the waterfall at once; what it loses
while it closes the rest, when it is flat or beyond the house's own means (`shortfall_due`).  What
it gains goes to the insurance fund when it is flat.
"""

from __future__ import annotations

import numpy as np

from novate.book.ledger import transfer
from novate.canonical import Run
from novate.default_management.close_out import (
    has_blocked_price,
    is_flat,
    position_rows,
    takeover_level,
    takeover_levels,
    takeover_worth,
)
from novate.default_management.outbox import cancel_excess_orders, close_orders
from novate.default_management.state import DefaultState
from novate.errors import require
from novate.kernel.clearing.assess import TOTAL_MAX
from novate.kernel.clearing.columns import MarginColumns
from novate.kernel.clearing.settle import apply_takeover, settle_pending
from novate.kernel.codes import AccountStatus, Role
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.layer import OWN_FUNDS
from novate.message.refusal import EngineCommandRefusal as No
from novate.message.topic import ACCOUNT, NOBODY, Application, Decision, Topic, commands
from novate.valuation import ClearingState


def decide_take_over(x: DefaultState, row: Row, emit: Emit) -> Refusal | None:
    """Take over an account in liquidation whose worth fell below the takeover level.

    Its long options count at their marks: while they are worth more than what is missing, slices
    sell them and what is left stays with the account.
    """
    account = row["account"]
    if account >= x.accounts.count or x.accounts.status[account] != AccountStatus.LIQUIDATING:
        return Refusal(No.UNKNOWN_SUBJECT, account, x.accounts.count - 1)
    numbers = x.assess(account)
    level = takeover_level(x, account, numbers.maintenance)
    worth = takeover_worth(x, account, numbers.equity)
    if worth >= level:
        return Refusal(No.CAUSE_GONE, min(worth, TOTAL_MAX), level)
    if has_blocked_price(x, account):
        return Refusal(No.NOT_DUE, 0, 1)
    close_orders(x, account, emit)
    liquidator = x.single(Role.LIQUIDATOR)
    is_first = is_flat(x, liquidator) and liquidator_shortfall(x) == 0
    emit(
        event.ACCOUNT_TAKEN_OVER,
        account=account, equity=numbers.net, maintenance=numbers.maintenance, is_first=is_first,
    )  # fmt: skip
    cancel_excess_orders(x, emit)
    if numbers.net < 0:
        emit(
            event.LOSS_RECORDED,
            loss=x.defaults.losses.count + 1, account=account, amount=-numbers.net,
        )  # fmt: skip
    return None


def apply_account_taken_over(x: ClearingState, row: Row) -> None:
    """Move everything; the liquidator starts closing at once.

    The account joins those whose members answer for what the liquidator loses, or is the first of
    them.
    """
    account = row["account"]
    liquidator = x.single(Role.LIQUIDATOR)
    x.positions.reserve(len(position_rows(x, account)), x.accounts)
    apply_takeover(
        x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), x.asset_arrays(),
        x.single(Role.FEES), x.checksum, account, liquidator,
    )  # fmt: skip
    x.accounts.status[account] = AccountStatus.TAKEN_OVER
    x.accounts.slice_ns[account] = 0
    if row["is_first"]:
        x.accounts.used("is_closing_out")[:] = False
    x.accounts.is_closing_out[account] = True
    if x.accounts.slice_ns[liquidator] == 0:
        x.accounts.slice_ns[liquidator] = x.now_ns


def apply_loss_recorded(x: DefaultState, row: Row) -> None:
    """The loss waits for the waterfall."""
    number = x.defaults.losses.append()
    require(number == row["loss"] - 1, "losses are numbered densely")
    x.defaults.losses.account[number] = row["account"]
    x.defaults.losses.amount[number] = row["amount"]
    x.defaults.losses.is_open[number] = True


def liquidator_shortfall(x: DefaultState) -> int:
    """What the liquidator is short of beyond losses already recorded, numeraire units, >= 0."""
    liquidator = x.single(Role.LIQUIDATOR)
    if liquidator < 0:
        return 0
    losses = x.defaults.losses
    pending = int(losses.used("amount")[losses.used("is_open")].sum())
    uncovered = int(losses.used("uncovered").sum())
    return max(-(x.assess(liquidator).net + pending + uncovered), 0)


def shortfall_due(x: DefaultState) -> int:
    """What of the liquidator's shortfall is a loss now, numeraire units; 0 while it may turn.

    While the liquidator still closes, a move of the marks against it may come back.  It is a loss
    when the liquidator is flat, or at once when it exceeds what the insurance fund and the skin in
    the game hold: the clearing house never carries more than its own means.
    """
    short = liquidator_shortfall(x)
    if short == 0 or is_flat(x, x.single(Role.LIQUIDATOR)):
        return short
    own = (x.single(role) for role in OWN_FUNDS.values())
    means = sum(max(int(x.accounts.balance[a, 0]), 0) for a in own if a >= 0)
    return short if short > means else 0


def decide_record_shortfall(x: DefaultState, row: Row, emit: Emit) -> Refusal | None:
    """Record the liquidator's own loss at the marks."""
    liquidator = x.single(Role.LIQUIDATOR)
    if row["account"] != liquidator:
        return Refusal(No.UNKNOWN_SUBJECT, row["account"], liquidator)
    if has_blocked_price(x, liquidator):
        return Refusal(No.NOT_DUE, 0, 1)
    short = shortfall_due(x)
    if short == 0:
        return Refusal(No.CAUSE_GONE, 0, 1)
    emit(event.LOSS_RECORDED, loss=x.defaults.losses.count + 1, account=liquidator, amount=short)
    return None


def decide_sweep_surplus(x: DefaultState, row: Row, emit: Emit) -> Refusal | None:
    """Pay what a flat liquidator is left with to the insurance fund."""
    liquidator = x.single(Role.LIQUIDATOR)
    if row["account"] != liquidator:
        return Refusal(No.UNKNOWN_SUBJECT, row["account"], liquidator)
    amount = x.assess(liquidator).net
    if amount <= 0 or not is_flat(x, liquidator):
        return Refusal(No.CAUSE_GONE, amount, 1)
    emit(event.SURPLUS_SWEPT, account=liquidator, amount=amount)
    return None


def apply_surplus_swept(x: DefaultState, row: Row) -> None:
    """Move the surplus; a liquidator worth more than zero has made up for what was uncovered."""
    liquidator = row["account"]
    settle_pending(x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), liquidator)
    transfer(x.accounts, 0, liquidator, x.single(Role.INSURANCE_FUND), row["amount"])
    x.defaults.losses.used("uncovered")[:] = 0


def takeovers(x: DefaultState, margin: MarginColumns) -> list[Run]:
    """Accounts in liquidation below the takeover level, with their long options."""
    closing = np.flatnonzero(x.accounts.used("status") == AccountStatus.LIQUIDATING)
    level = takeover_levels(x, closing, margin.maintenance[closing])
    failing = [
        int(a)
        for a, least in zip(closing, level, strict=True)
        if margin.equity[a] < least
        and takeover_worth(x, int(a), int(margin.equity[a])) < least
        and not has_blocked_price(x, int(a))
    ]
    return commands(command.TAKE_OVER, account=failing)


def shortfalls(x: DefaultState, margin: MarginColumns) -> list[Run]:
    """A shortfall of the liquidator that is a loss now."""
    liquidator = x.single(Role.LIQUIDATOR)
    if shortfall_due(x) == 0 or has_blocked_price(x, liquidator):
        return []
    return commands(command.RECORD_SHORTFALL, account=[liquidator])


def surpluses(x: DefaultState, margin: MarginColumns) -> list[Run]:
    """What a flat liquidator is left with."""
    liquidator = x.single(Role.LIQUIDATOR)
    if position_rows(x, liquidator) or not is_flat(x, liquidator):
        return []
    if x.assess(liquidator).net <= 0:
        return []
    return commands(command.SWEEP_SURPLUS, account=[liquidator])


TOPIC: Topic[DefaultState] = Topic(
    name="takeover",
    decisions=(
        Decision(command.TAKE_OVER, decide_take_over, No, is_engine_only=True),
        Decision(command.RECORD_SHORTFALL, decide_record_shortfall, No, is_engine_only=True),
        Decision(command.SWEEP_SURPLUS, decide_sweep_surplus, No, is_engine_only=True),
    ),
    applications=(
        Application(event.ACCOUNT_TAKEN_OVER, apply_account_taken_over, ACCOUNT),
        Application(event.LOSS_RECORDED, apply_loss_recorded, NOBODY),
        Application(event.SURPLUS_SWEPT, apply_surplus_swept, ACCOUNT),
    ),
    stages=(takeovers, shortfalls, surpluses),
)
