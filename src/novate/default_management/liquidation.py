"""Liquidation of accounts through orders to the external market (rulebook chapter 11).

An account in liquidation is closed a slice at a time, as its method says, at the prices of the
fills: it keeps its own profit and loss, pays a fee on every fill to the insurance fund, and is
released when its equity is at its release level again.

Sources: venues such as dYdX liquidate accounts below maintenance margin in parts and take a limited
fee for their insurance fund; for members of a clearing house EMIR Article 48 and CPMI-IOSCO PFMI
Principle 13 ask for rules of close-out that contain losses.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from novate.book.reservation import release_all
from novate.canonical import Run
from novate.default_management.close_out import (
    assess_many,
    bindings_of,
    covers_maintenance,
    failing,
    held_up,
    holds_anywhere,
    is_flat,
    is_only_decayed,
    known_groups,
    look_at,
)
from novate.default_management.deciding_price import (
    Decided,
    assess_protected,
    best_of,
    decided_at,
    maintenance_figures,
)
from novate.default_management.index_failure import (
    insolvent,
    open_insolvent,
    owing_at_index,
    stands_at_index,
)
from novate.default_management.liquidation_method.method import closable, require_reducing
from novate.default_management.liquidation_method.slices import Slices
from novate.default_management.outbox import (
    cancel_before_slices,
    close_orders,
    place_orders,
)
from novate.default_management.policy_state import PolicyState
from novate.default_management.refused import B1, Refused, known
from novate.default_management.state import DefaultState
from novate.kernel.clearing.assess import EQUITY, INITIAL, MAINTENANCE, NET, TOTAL_MAX
from novate.kernel.clearing.close_out import want_conversions
from novate.kernel.clearing.columns import I64, MarginColumns
from novate.kernel.codes import AccountStatus, DueKind, OrderKind, Role, ShortfallPolicy
from novate.market.reference import PPM
from novate.message import command, event
from novate.message.deciding_price import DecidingPrice
from novate.message.declare import Emit, Refusal, Row
from novate.message.parameter import Parameter
from novate.message.refusal import EngineCommandRefusal as No
from novate.message.topic import (
    NOBODY,
    Application,
    ColumnDecision,
    Topic,
    column_work,
    commands,
)
from novate.valuation import ClearingState
from novate.valuation.other_price import at_ramps, every_price, index_prices, priced_at
from novate.valuation.price_status import WAITING


def decide_start_liquidations(
    x: ClearingState, columns: Row, emit: Emit
) -> Sequence[tuple[int, Refusal]]:
    """Decide which accounts begin to be closed (rules 4.18, 5.80, 11.1, 11.2 and 11.28).

    Emits `LiquidationStarted` with equity and maintenance margin, at the mark, at the index and at
    the prices that decided, net in numeraire units and what bound the margin, then `MarginReleased`
    for the reservations of the accounts.

    Parameters
    ----------
    columns
        ``account``: numbers of accounts, shape (rows,).

    Returns
    -------
    Sequence[tuple[int, Refusal]]
        Refused rows, ascending: UNKNOWN_SUBJECT without such an account of policy auto-liquidate,
        or one that is insolvent at the index, CAUSE_GONE unless it is open and short, at every
        price of rule 5.80 and not by decay alone, or insolvent; NOT_DUE while none of its open
        positions has a price.
    """
    accounts, is_known = known_groups(x, columns["account"])
    refused = Refused(accounts.size)
    is_insolvent = insolvent(x, accounts)
    is_auto = x.accounts.shortfall_policy[accounts] == ShortfallPolicy.AUTO_LIQUIDATE
    is_known &= is_auto | is_insolvent
    refused.where(~is_known, No.UNKNOWN_SUBJECT, columns["account"], x.accounts.count - 1)
    numbers = assess_many(x, accounts)
    there = numbers.copy()
    is_covered = holds_anywhere(x, accounts, there, covers_maintenance)
    is_gone = (is_covered | is_only_decayed(x, accounts)) & ~is_insolvent
    is_gone |= x.accounts.status[accounts] != AccountStatus.OPEN
    refused.where(is_gone, No.CAUSE_GONE, there[:, EQUITY], there[:, MAINTENANCE])
    equity, maintenance = numbers[:, EQUITY], numbers[:, MAINTENANCE]
    is_held_up = held_up(x, accounts, look_at(x, accounts).blocked)
    refused.where(is_held_up, No.NOT_DUE, 0, 1)
    rows = refused.passing()
    if rows.size:
        short = accounts[rows]
        with priced_at(x, index_prices(x)):
            at_index = assess_many(x, short)
        instrument, bound, scenario = bindings_of(x, short)
        emit.columns(
            event.LIQUIDATION_STARTED,
            account=short,
            equity=equity[rows],
            requirement=maintenance[rows],
            binding=instrument,
            mark=np.where(instrument >= 0, x.marks.mark[instrument], 0),
            net=numbers[rows, NET],
            model=x.accounts.margin_model[short],
            bound=bound,
            scenario=scenario,
            index_equity=at_index[:, EQUITY],
            index_requirement=at_index[:, MAINTENANCE],
            **_what_failed(x, short, is_insolvent[rows]).columns(),
        )
        release_all(x, x.accounts_of(short)[0], emit)
    return refused.reasons()


def _what_failed(x: ClearingState, accounts: I64, is_insolvent: B1) -> Decided:
    """Return what decided that accounts are closed, at the mark or beside it (rule 10.64)."""
    found = best_of(x, accounts, every_price(x), maintenance_figures, assess_many)
    return owing_at_index(x, accounts, found, is_insolvent)


def apply_liquidation_started(x: DefaultState, columns: Row) -> None:
    """Set the status of accounts to *liquidating*, with a slice due now."""
    accounts = x.accounts_of(columns["account"].astype(np.int64))[0]
    x.accounts.status[accounts] = AccountStatus.LIQUIDATING
    x.set_slices(accounts, x.now_ns)


def release_level(x: ClearingState, accounts: I64, initial: I64, maintenance: I64) -> I64:
    """Return the equity at which a liquidation stops (rule 11.3).

    Parameters
    ----------
    accounts
        Numbers of the accounts, shape (accounts,).
    initial, maintenance
        Their margin, numeraire units, not negative; same shape.

    Returns
    -------
    I64
        ``ceil(maintenance * release_ppm / 10**6)``, numeraire units; at least initial margin for an
        account of policy call then default.
    """
    share = x.parameter_of(Parameter.RELEASE_PPM, accounts)
    level = maintenance // PPM * share - -(maintenance % PPM) * share // PPM
    # Where 64 bits do not hold it, no equity does either.
    level[maintenance * (share / PPM) >= TOTAL_MAX] = TOTAL_MAX + 1
    is_called = x.accounts.shortfall_policy[accounts] == ShortfallPolicy.CALL_THEN_DEFAULT
    return np.where(is_called, np.maximum(level, initial), level)


def _released(x: ClearingState, accounts: I64) -> Decided:
    """Equity and release level of accounts at the prices that stop it (rules 5.81 and 11.4).

    At the marks it stops for an account of policy auto-liquidate that is not below maintenance
    margin at the protected prices; at the protected prices, and at ramp prices, for every one.  One
    that stays in liquidation is told at the best of the last.
    """
    figures = partial(release_figures, x)
    numbers = assess_many(x, accounts)
    at_marks = decided_at(DecidingPrice.MARK, figures(accounts, numbers))
    there = assess_protected(x, accounts, numbers, assess_many)
    found = decided_at(DecidingPrice.PROTECTED, figures(accounts, there))
    is_auto = x.accounts.shortfall_policy[accounts] == ShortfallPolicy.AUTO_LIQUIDATE
    holds = np.where(is_auto, covers_maintenance(accounts, there), found.room() >= 0)
    if (ramps := at_ramps(x)) is not None:
        slow = best_of(x, accounts, ((DecidingPrice.RAMP, ramps),), figures, assess_many)
        found.put_where(slow.room() > found.room(), slow)
    found.put_where((at_marks.room() >= 0) & holds, at_marks)
    return found


def release_figures(x: ClearingState, accounts: I64, numbers: I64) -> tuple[I64, I64]:
    """Return equity and release level (rule 11.3), numeraire units."""
    level = release_level(x, accounts, numbers[:, INITIAL], numbers[:, MAINTENANCE])
    return numbers[:, EQUITY], level


def decide_stop_liquidations(
    x: DefaultState, columns: Row, emit: Emit
) -> Sequence[tuple[int, Refusal]]:
    """Decide for which accounts liquidation stops (rules 4.15, 5.81 and 11.4).

    They stand at the index too (rule 11.29).  Emits `OrderClosed` for their open orders, then
    `LiquidationStopped` with equity and level at the prices that decided, numeraire units.

    Parameters
    ----------
    columns
        ``account``: numbers of accounts, shape (rows,).

    Returns
    -------
    Sequence[tuple[int, Refusal]]
        Refused rows, ascending: UNKNOWN_SUBJECT unless in liquidation, CAUSE_GONE with equity below
        the level, or takeover worth below the takeover level at the index (rule 11.29).
    """
    accounts, is_known = known_groups(x, columns["account"])
    refused = Refused(accounts.size)
    is_known &= x.accounts.status[accounts] == AccountStatus.LIQUIDATING
    refused.where(~is_known, No.UNKNOWN_SUBJECT, columns["account"], x.accounts.count - 1)
    found = _released(x, accounts)
    is_short = (found.room() < 0) | ~stands_at_index(x, accounts)
    refused.where(is_short, No.CAUSE_GONE, found.worth, found.level)
    rows = refused.passing()
    if rows.size:
        close_orders(x, x.accounts_of(accounts[rows])[0], emit)
        told = found.take(rows)
        emit.columns(
            event.LIQUIDATION_STOPPED,
            account=accounts[rows], equity=told.worth, requirement=told.level,
            decided_by=told.price,
        )  # fmt: skip
    return refused.reasons()


def apply_liquidation_stopped(x: DefaultState, columns: Row) -> None:
    """Set the status of accounts to *open*, without a slice instant."""
    accounts = x.accounts_of(columns["account"].astype(np.int64))[0]
    x.accounts.status[accounts] = AccountStatus.OPEN
    x.set_slices(accounts, 0)


def decide_place_slices(x: PolicyState, columns: Row, emit: Emit) -> Sequence[tuple[int, Refusal]]:
    """Decide the next slice of accounts in liquidation and of the liquidator (rules 11.5 to 11.13).

    Each position is closed as the liquidation method of its account says.  Debts in other assets
    are bought back; an account short of numeraire sells as much of its other assets as its debt
    needs, the liquidator sells all of them.  Emits `OrderPlaced` and `SliceScheduled`, before them
    `OrderClosed` for orders whose limit the price has left, and excess orders of the liquidator.

    Parameters
    ----------
    columns
        ``account``: numbers of accounts, shape (rows,).

    Returns
    -------
    Sequence[tuple[int, Refusal]]
        Refused rows, ascending: UNKNOWN_SUBJECT for an account neither in liquidation nor the
        liquidator, NOT_DUE before its slice instant.
    """
    accounts, is_known = known(columns["account"], x.accounts.count)
    refused = Refused(accounts.size)
    liquidator = x.single(Role.LIQUIDATOR)
    is_liquidator = accounts == liquidator
    is_known &= is_liquidator | (x.accounts.status[accounts] == AccountStatus.LIQUIDATING)
    refused.where(~is_known, No.UNKNOWN_SUBJECT, columns["account"], x.accounts.count - 1)
    due = x.accounts.slice_ns[accounts]
    refused.where(x.now_ns < due, No.NOT_DUE, x.now_ns, due)
    rows = refused.passing()
    if not rows.size:
        return refused.reasons()
    cancel_before_slices(x, accounts[rows], emit)
    wanted = wanted_orders(x, accounts[rows])
    place_orders(x, accounts[rows], wanted, emit)
    next_ns = x.now_ns + x.parameter_of(Parameter.SLICE_INTERVAL_NS, accounts[rows])
    next_ns[~np.isin(accounts[rows], wanted[:, 0])] = WAITING
    if is_liquidator[rows].any() and is_flat(x, liquidator):
        next_ns[is_liquidator[rows]] = 0
    emit.columns(event.SLICE_SCHEDULED, account=accounts[rows], instant_ns=next_ns)
    return refused.reasons()


def wanted_orders(x: PolicyState, accounts: I64) -> I64:
    """Return the next orders of some accounts, those that are out already among them.

    The method of an account says what is traded.  Debts are bought back, and assets sold for them,
    the same way whatever the method: an account short of numeraire sells as much of its other
    assets as its debt needs, the liquidator sells all.

    Parameters
    ----------
    accounts
        Numbers of the accounts, each once.

    Returns
    -------
    ndarray
        Rows of (account, kind, subject, quantity): account by account in the given order, its
        positions as its method orders them, then its conversions by asset.
    """
    method = x.accounts.liquidation_method[accounts]
    wanted = [
        _of_kind(OrderKind.POSITION, _closing(x, number, accounts[method == number]))
        for number in np.unique(method).tolist()
    ]
    conversions = want_conversions(
        x.account_arrays(), x.asset_arrays(), x.assets.is_stale | (x.assets.jump_ns > 0),
        accounts, x.single(Role.LIQUIDATOR),
    )  # fmt: skip
    if not conversions.size and len(wanted) == 1:
        return wanted[0]
    rows = np.concatenate((*wanted, _of_kind(OrderKind.CONVERSION, conversions)))
    by_number = np.argsort(accounts)
    place = by_number[np.searchsorted(accounts[by_number], rows[:, 0])]
    in_order: I64 = rows[np.lexsort((rows[:, 1], place))]
    return in_order


def _closing(x: PolicyState, number: int, accounts: I64) -> I64:
    """What a method says of some accounts: rows of (account, instrument, lots), checked."""
    method = x.liquidation_methods[number]
    orders = method.orders(x, accounts)
    if not isinstance(method, Slices):  # what its kernel says is held to the same by laws
        require_reducing(method.name, closable(x, accounts), orders)
    return orders


def _of_kind(kind: OrderKind, orders: I64) -> I64:
    """Rows of (account, subject, quantity) as rows of (account, kind, subject, quantity)."""
    return np.insert(orders, 1, int(kind), axis=1)


def apply_slice_scheduled(x: DefaultState, columns: Row) -> None:
    """Set when the next slices are due, ns, 0 for none."""
    x.set_slices(columns["account"], columns["instant_ns"])


def breaches(x: DefaultState, margin: MarginColumns) -> list[Run]:
    """Return `StartLiquidation` for open accounts that fail (rules 4.18, 4.22, 5.80 and 11.28).

    Parameters
    ----------
    margin
        Equity and maintenance margin of all accounts, numeraire units.

    Returns
    -------
    list[Run]
        Accounts of policy auto-liquidate below maintenance margin, and those that are insolvent at
        the index, those aside that nothing could be closed of, the largest shortfall first, ties by
        number.
    """
    short, a = margin.short, x.accounts
    short = short[
        (a.status[short] == AccountStatus.OPEN)
        & (a.shortfall_policy[short] == ShortfallPolicy.AUTO_LIQUIDATE)
        & (margin.equity[short] < margin.maintenance[short])
    ]
    short = failing(x, short, covers_maintenance)
    short = np.union1d(short[~is_only_decayed(x, short)], open_insolvent(x, margin))
    short = short[~held_up(x, short, look_at(x, short).blocked)]
    missing = margin.maintenance[short] - margin.equity[short]
    short = short[np.argsort(-missing, kind="stable")]
    return commands(command.START_LIQUIDATION, account=short)


def cures(x: DefaultState, margin: MarginColumns) -> list[Run]:
    """Return `StopLiquidation` for accounts that are cured, by number (4.15, 5.81 and 11.29)."""
    closing = x.groups_with_status(AccountStatus.LIQUIDATING)
    if not closing.size:
        return []
    cured = closing[_released(x, closing).room() >= 0]
    return commands(command.STOP_LIQUIDATION, account=cured[stands_at_index(x, cured)])


def slices(x: PolicyState, margin: MarginColumns) -> list[Run]:
    """Return `PlaceSlice` for the slices that are due, the liquidator's last (rules 4.20, 4.92)."""
    closing = x.accounts.with_status(AccountStatus.LIQUIDATING)
    closing = np.append(closing, x.single(Role.LIQUIDATOR))
    at_ns = x.accounts.slice_ns[closing]
    is_due = (at_ns > 0) & (at_ns <= x.now_ns)
    waiting = np.flatnonzero(at_ns == WAITING)
    if waiting.size:
        is_due[waiting] = np.isin(closing[waiting], wanted_orders(x, closing[waiting])[:, 0])
    return commands(command.PLACE_SLICE, account=closing[is_due])


def _next_slices(x: DefaultState) -> I64:
    return x.accounts.used("slice_ns")


def _place_slices(x: DefaultState, accounts: I64) -> Run:
    return command.PLACE_SLICE.run({"account": accounts})


SLICE = column_work(DueKind.SLICE, _next_slices, _place_slices)

TOPIC: Topic[PolicyState] = Topic(
    name="liquidation",
    decisions=(
        ColumnDecision(
            command.START_LIQUIDATION, decide_start_liquidations, No, is_engine_only=True
        ),
        ColumnDecision(command.STOP_LIQUIDATION, decide_stop_liquidations, No, is_engine_only=True),
        ColumnDecision(command.PLACE_SLICE, decide_place_slices, No, is_engine_only=True),
    ),
    applications=(
        Application(
            event.LIQUIDATION_STARTED, apply_liquidation_started, NOBODY, is_by_column=True
        ),
        Application(
            event.LIQUIDATION_STOPPED, apply_liquidation_stopped, NOBODY, is_by_column=True
        ),
        Application(event.SLICE_SCHEDULED, apply_slice_scheduled, NOBODY, is_by_column=True),
    ),
    work=(SLICE,),
    stages=(breaches, cures, slices),
)
