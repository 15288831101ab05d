"""Liquidation in slices through the outbox, answered by the market.

An account in breach is closed a slice at a time: it keeps its own profit and loss, pays a fee to
the insurance fund, and is released when it is well above maintenance margin again.
"""

from __future__ import annotations

import numpy as np

from novate.book.reservation import release_all
from novate.canonical import Run
from novate.default_management.close_out import (
    has_blocked_price,
    is_flat,
    notional_of,
    position_rows,
)
from novate.default_management.conversion import wanted_conversions
from novate.default_management.outbox import cancel_excess_orders, close_orders, place_order
from novate.default_management.state import DefaultState
from novate.kernel.clearing.columns import I64, MarginColumns
from novate.kernel.codes import AccountStatus, Bound, DueKind, OrderKind, Role, ShortfallPolicy
from novate.market.reference import PPM
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.parameter import Parameter
from novate.message.refusal import EngineCommandRefusal as No
from novate.message.topic import NOBODY, Application, Decision, Topic, Work, commands, next_of
from novate.valuation import Assessment, ClearingState
from novate.valuation.price_status import is_blocked


def decide_start_liquidation(x: ClearingState, row: Row, emit: Emit) -> Refusal | None:
    """Begin to close an auto-liquidated account whose equity is below maintenance margin."""
    account = row["account"]
    if (
        account >= x.accounts.count
        or x.accounts.shortfall_policy[account] != ShortfallPolicy.AUTO_LIQUIDATE
    ):
        return Refusal(No.UNKNOWN_SUBJECT, account, x.accounts.count - 1)
    numbers = x.assess(account)
    if x.accounts.status[account] != AccountStatus.OPEN or numbers.equity >= numbers.maintenance:
        return Refusal(No.CAUSE_GONE, numbers.equity, numbers.maintenance)
    if has_blocked_price(x, account):
        return Refusal(No.NOT_DUE, 0, 1)
    binding = x.requirement(account).binding
    instrument = binding.subject if binding.kind == Bound.CONTRACT else -1
    emit(
        event.LIQUIDATION_STARTED,
        account=account,
        equity=numbers.equity,
        requirement=numbers.maintenance,
        binding=instrument,
        mark=int(x.marks.mark[instrument]) if instrument >= 0 else 0,
        net=numbers.net,
        model=int(x.accounts.margin_model[account]),
        bound=int(binding.kind),
        scenario=binding.number if binding.kind == Bound.SCENARIO else -1,
    )
    release_all(x, account, emit)
    return None


def apply_liquidation_started(x: ClearingState, row: Row) -> None:
    """The account is closed out from now on."""
    x.accounts.status[row["account"]] = AccountStatus.LIQUIDATING
    x.accounts.slice_ns[row["account"]] = x.now_ns


def release_level(x: ClearingState, account: int, numbers: Assessment) -> int:
    """Equity at which a liquidation stops: a multiple of maintenance margin, numeraire units.

    An account in default of a call owes initial margin: it is not released below it.
    """
    level = -(-numbers.maintenance * x.parameter(Parameter.RELEASE_PPM) // PPM)
    if x.accounts.shortfall_policy[account] == ShortfallPolicy.CALL_THEN_DEFAULT:
        return max(level, numbers.initial)
    return level


def is_cured(x: ClearingState, account: int, numbers: Assessment) -> bool:
    """Whether equity is at the release level."""
    return numbers.equity >= release_level(x, account, numbers)


def decide_stop_liquidation(x: DefaultState, row: Row, emit: Emit) -> Refusal | None:
    """Release an account that cured."""
    account = row["account"]
    if account >= x.accounts.count or x.accounts.status[account] != AccountStatus.LIQUIDATING:
        return Refusal(No.UNKNOWN_SUBJECT, account, x.accounts.count - 1)
    numbers = x.assess(account)
    if not is_cured(x, account, numbers):
        return Refusal(No.CAUSE_GONE, numbers.equity, release_level(x, account, numbers))
    close_orders(x, account, emit)
    emit(
        event.LIQUIDATION_STOPPED,
        account=account, equity=numbers.equity, requirement=release_level(x, account, numbers),
    )  # fmt: skip
    return None


def apply_liquidation_stopped(x: ClearingState, row: Row) -> None:
    """The account is open again."""
    x.accounts.status[row["account"]] = AccountStatus.OPEN
    x.accounts.slice_ns[row["account"]] = 0


def decide_place_slice(x: DefaultState, row: Row, emit: Emit) -> Refusal | None:
    """Send the next slice of each position and debt that has no order out.

    A slice is the configured share of the position, or all of it below the slice floor.  Debts in
    other assets are bought back; an account short of numeraire sells as much of its other assets
    as its debt needs, the liquidator sells all.
    """
    account = row["account"]
    if account >= x.accounts.count or not is_closing(x, account):
        return Refusal(No.UNKNOWN_SUBJECT, account, x.accounts.count - 1)
    if x.now_ns < x.accounts.slice_ns[account]:
        return Refusal(No.NOT_DUE, x.now_ns, int(x.accounts.slice_ns[account]))
    if x.accounts.role[account] == Role.LIQUIDATOR:
        # Cycles and funding in coins change what there is to convert between takeovers.
        cancel_excess_orders(x, emit)
    orders = x.defaults.orders
    waiting = {
        (int(orders.kind[o]), int(orders.subject[o])) for o in x.defaults.open_orders(account)
    }
    for held in position_rows(x, account):
        i = int(x.positions.instrument[held])
        if (OrderKind.POSITION, i) not in waiting and not is_blocked(x, i):
            place_order(
                x, account, OrderKind.POSITION, i, _slice(x, held),
                int(x.marks.mark[i]), emit,
            )  # fmt: skip
    for asset, quantity in wanted_conversions(x, account):
        if (OrderKind.CONVERSION, asset) not in waiting:
            place_order(
                x, account, OrderKind.CONVERSION, asset, quantity,
                int(x.assets.price_e8[asset]), emit,
            )  # fmt: skip
    is_done = x.accounts.role[account] == Role.LIQUIDATOR and is_flat(x, account)
    next_ns = 0 if is_done else x.now_ns + x.parameter(Parameter.SLICE_INTERVAL_NS)
    emit(event.SLICE_SCHEDULED, account=account, instant_ns=next_ns)
    return None


def is_closing(x: ClearingState, account: int) -> bool:
    """Whether slices are sent for this account: in liquidation, or the liquidator itself."""
    return bool(
        x.accounts.status[account] == AccountStatus.LIQUIDATING
        or x.accounts.role[account] == Role.LIQUIDATOR
    )


def _slice(x: ClearingState, row: int) -> int:
    """Signed lots that close the next slice of a position."""
    lots = int(x.positions.lots[row])
    size = abs(lots)
    if notional_of(x, row) > x.parameter(Parameter.SLICE_FLOOR):
        size = -(-size * x.parameter(Parameter.SLICE_PPM) // PPM)
    return -size if lots > 0 else size


def apply_slice_scheduled(x: ClearingState, row: Row) -> None:
    """Remember when the next slice is due."""
    x.accounts.slice_ns[row["account"]] = row["instant_ns"]


def closing_accounts(x: ClearingState) -> list[int]:
    """Accounts in liquidation, then the liquidator, in order of number."""
    found = np.flatnonzero(x.accounts.used("status") == AccountStatus.LIQUIDATING)
    liquidator = x.single(Role.LIQUIDATOR)
    rest = [liquidator] if liquidator >= 0 and x.accounts.slice_ns[liquidator] > 0 else []
    return [int(a) for a in found] + rest


def breaches(x: DefaultState, margin: MarginColumns) -> list[Run]:
    """Open auto-liquidated accounts below maintenance margin, the worst first."""
    breach = (
        x.margin_accounts()
        & (x.accounts.used("status") == AccountStatus.OPEN)
        & (x.accounts.used("shortfall_policy") == ShortfallPolicy.AUTO_LIQUIDATE)
        & (margin.equity < margin.maintenance)
    )
    short = margin.maintenance - margin.equity
    failing = sorted((int(a) for a in np.flatnonzero(breach)), key=lambda a: (-int(short[a]), a))
    return commands(
        command.START_LIQUIDATION, account=[a for a in failing if not has_blocked_price(x, a)]
    )


def cures(x: DefaultState, margin: MarginColumns) -> list[Run]:
    """Accounts in liquidation that are above their release level again."""
    closing = np.flatnonzero(x.accounts.used("status") == AccountStatus.LIQUIDATING)
    return commands(
        command.STOP_LIQUIDATION,
        account=[int(a) for a in closing if is_cured(x, int(a), _present(margin, int(a)))],
    )


def _present(margin: MarginColumns, account: int) -> Assessment:
    """The part of an assessment that levels are made of; the rest is zero."""
    equity, initial, maintenance = (int(column[account]) for column in margin)
    return Assessment(equity, 0, initial, maintenance, 0, 0, 0)


def slices(x: DefaultState, margin: MarginColumns) -> list[Run]:
    """Slices that are due at this very instant."""
    due = [a for a in closing_accounts(x) if 0 < x.accounts.slice_ns[a] <= x.now_ns]
    return commands(command.PLACE_SLICE, account=due)


def _next_slices(x: DefaultState) -> tuple[I64, I64]:
    return next_of(x.accounts.used("slice_ns"))


def _place_slice(x: DefaultState, account: int, instant_ns: int) -> Run:
    return command.PLACE_SLICE.row(account=account)


SLICE = Work(kind=DueKind.SLICE, due=_next_slices, command=_place_slice)

TOPIC: Topic[DefaultState] = Topic(
    name="liquidation",
    decisions=(
        Decision(command.START_LIQUIDATION, decide_start_liquidation, No, is_engine_only=True),
        Decision(command.STOP_LIQUIDATION, decide_stop_liquidation, No, is_engine_only=True),
        Decision(command.PLACE_SLICE, decide_place_slice, No, is_engine_only=True),
    ),
    applications=(
        Application(event.LIQUIDATION_STARTED, apply_liquidation_started, NOBODY),
        Application(event.LIQUIDATION_STOPPED, apply_liquidation_stopped, NOBODY),
        Application(event.SLICE_SCHEDULED, apply_slice_scheduled, NOBODY),
    ),
    work=(SLICE,),
    stages=(breaches, cures, slices),
)
