"""What a phase causes elsewhere: commands of the next batch, from the engine itself.

A cascade is therefore a readable sequence in the journal and not a recursion.  `due` lists work
that an instant makes due; `consequences` lists what the present state calls for.  Both are pure
functions of the state: an auditor who recomputes them must find the commands that were journaled.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from novate.canonical import Run
from novate.default_management.call import takeover_level
from novate.default_management.liquidation import (
    closing_accounts,
    has_blocked_price,
    is_cured,
    is_flat,
    position_rows,
    takeover_worth,
)
from novate.default_management.takeover import shortfall_due
from novate.engine.state import State
from novate.kernel.clearing.sweep import HEALTH_EQUITY, HEALTH_INITIAL, HEALTH_MAINTENANCE
from novate.kernel.codes import AccountStatus, DueKind, Role, ShortfallPolicy
from novate.message import command
from novate.message.declare import Message
from novate.message.parameter import Parameter
from novate.valuation import Assessment
from novate.valuation.price_status import WAITING, is_unsettled


class Due(NamedTuple):
    """Work due at an instant; the tuple order is the order in which it is done."""

    instant_ns: int
    kind: DueKind
    subject: int


def due_list(state: State, until_ns: int) -> list[Due]:
    """Return what is due up to an instant, only the earliest instant's work, in order."""
    x = state
    found: list[Due] = []
    for kind, column in (
        (DueKind.FUNDING, x.instruments.used("next_funding_ns")),
        (DueKind.CYCLE, x.instruments.used("next_cycle_ns")),
        (DueKind.OBSERVATION, x.instruments.used("next_observation_ns")),
        (DueKind.EXPIRY, x.instruments.used("next_expiry_ns")),
        (DueKind.CALL_DEADLINE, x.accounts.used("deadline_ns")),
        (DueKind.SLICE, x.accounts.used("slice_ns")),
    ):
        due = np.flatnonzero((column > 0) & (column <= until_ns))
        found.extend(Due(int(column[subject]), kind, int(subject)) for subject in due)
    found.extend(_unanswered(state, until_ns))
    window = x.window_ns + x.parameter(Parameter.GAINS_WINDOW_NS)
    if x.window_ns and window <= until_ns:
        found.append(Due(window, DueKind.GAINS_WINDOW, 0))
    if not found:
        return []
    first = min(found).instant_ns
    return sorted(entry for entry in found if entry.instant_ns == first)


def _unanswered(state: State, until_ns: int) -> list[Due]:
    """Orders whose life without a fill ends up to an instant."""
    life = state.parameter(Parameter.ORDER_LIFE_NS)
    if life == 0:
        return []
    orders = state.defaults.orders
    waiting = np.flatnonzero(orders.used("is_open"))
    ends = orders.answered_ns[waiting] + life
    return [
        Due(int(end), DueKind.ORDER_LIFE, int(order) + 1)
        for end, order in zip(ends, waiting, strict=True)
        if end <= until_ns
    ]


def due_commands(state: State, due: list[Due]) -> list[Run]:
    """Return the commands that do what is due."""
    x = state
    runs = []
    for _, kind, subject in due:
        if kind == DueKind.FUNDING:
            period = int(x.instruments.period[subject]) + 1
            runs.append(command.SETTLE_FUNDING.row(instrument=subject, period=period))
        elif kind == DueKind.CYCLE:
            cycle = int(x.instruments.cycle[subject]) + 1
            runs.append(command.SETTLE_CYCLE.row(instrument=subject, cycle=cycle))
        elif kind == DueKind.OBSERVATION:
            runs.append(command.OBSERVE_BARRIER.row(instrument=subject))
        elif kind == DueKind.EXPIRY:
            runs.append(command.SETTLE_EXPIRY.row(instrument=subject))
        elif kind == DueKind.CALL_DEADLINE:
            runs.append(command.EXPIRE_CALL.row(account=subject))
        elif kind == DueKind.ORDER_LIFE:
            runs.append(command.EXPIRE_ORDER.row(order=subject))
        elif kind == DueKind.SLICE:
            runs.append(command.PLACE_SLICE.row(account=subject))
        else:
            runs.append(command.START_GAINS_WINDOW.row(instant_ns=due[0].instant_ns))
    return runs


def consequences(state: State) -> list[Run]:
    """Return the next batch that the present state calls for; empty when it is at rest.

    One stage at a time, in the order of `_STAGES`: what a stage changes is seen by the next.
    """
    x = state
    if x.single(Role.LIQUIDATOR) < 0:
        return []
    numbers = _margin_numbers(state)
    for stage in _STAGES:
        runs = stage(state, numbers)
        if runs:
            return runs
    return []


class _Numbers(NamedTuple):
    """Assessment of all accounts, and which of them are margin accounts."""

    equity: np.ndarray[tuple[int], np.dtype[np.int64]]
    initial: np.ndarray[tuple[int], np.dtype[np.int64]]
    maintenance: np.ndarray[tuple[int], np.dtype[np.int64]]
    is_margin: np.ndarray[tuple[int], np.dtype[np.bool_]]


def _margin_numbers(state: State) -> _Numbers:
    x = state
    health = state.margin_cache.numbers()
    role = x.accounts.used("role")
    return _Numbers(
        health[:, HEALTH_EQUITY],
        health[:, HEALTH_INITIAL],
        health[:, HEALTH_MAINTENANCE],
        (role == Role.HOUSE) | (role == Role.CLIENT),
    )


def _rows(message: Message, subjects: list[int]) -> list[Run]:
    return [message.run({"account": subjects})] if subjects else []


def _looks(state: State, numbers: _Numbers) -> list[Run]:
    """Looks at barriers that waited for an index which is back."""
    x = state
    waiting = np.flatnonzero(x.instruments.used("next_observation_ns") == WAITING)
    back = [int(i) for i in waiting if x.is_fresh(int(x.instruments.underlying[i]))]
    return [command.OBSERVE_BARRIER.run({"instrument": back})] if back else []


def _expiries(state: State, numbers: _Numbers) -> list[Run]:
    """Contracts past their expiry whose settlement price is to be had again."""
    x = state
    waiting = np.flatnonzero(x.instruments.used("next_expiry_ns") == WAITING)
    back = [int(i) for i in waiting if not is_unsettled(x, int(i))]
    return [command.SETTLE_EXPIRY.run({"instrument": back})] if back else []


def _losses(state: State, numbers: _Numbers) -> list[Run]:
    losses = np.flatnonzero(state.defaults.losses.used("is_open"))
    return [command.ALLOCATE_LOSS.run({"loss": losses + 1})] if losses.size else []


def _takeovers(state: State, numbers: _Numbers) -> list[Run]:
    """Accounts in liquidation below the takeover level, with their long options."""
    x = state
    share = x.parameter(Parameter.TAKEOVER_PPM)
    closing = np.flatnonzero(x.accounts.used("status") == AccountStatus.LIQUIDATING)
    level = _level(numbers.maintenance[closing], share)
    failing = [
        int(a)
        for a, least in zip(closing, level, strict=True)
        if numbers.equity[a] < least
        and takeover_worth(x, int(a), int(numbers.equity[a])) < least
        and not has_blocked_price(x, int(a))
    ]
    return _rows(command.TAKE_OVER, failing)


def _level(
    maintenance: np.ndarray[tuple[int], np.dtype[np.int64]], share_ppm: int
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Floor of maintenance * share without leaving 64 bits."""
    whole, part = np.divmod(maintenance, 1_000_000)
    return np.asarray(whole * share_ppm + part * share_ppm // 1_000_000, np.int64)


def _shortfall(state: State, numbers: _Numbers) -> list[Run]:
    x = state
    liquidator = x.single(Role.LIQUIDATOR)
    short = shortfall_due(x, state.defaults)
    if short == 0 or has_blocked_price(x, liquidator):
        return []
    return _rows(command.RECORD_SHORTFALL, [liquidator])


def _cures(state: State, numbers: _Numbers) -> list[Run]:
    x = state
    closing = np.flatnonzero(x.accounts.used("status") == AccountStatus.LIQUIDATING)
    cured = [int(a) for a in closing if is_cured(x, int(a), _present(numbers, int(a)))]
    return _rows(command.STOP_LIQUIDATION, cured)


def _present(numbers: _Numbers, account: int) -> Assessment:
    """The part of an assessment that levels are made of; the rest is zero."""
    equity, initial, maintenance = (
        int(column[account]) for column in (numbers.equity, numbers.initial, numbers.maintenance)
    )
    return Assessment(equity, 0, initial, maintenance, 0, 0, 0)


def _calls_met(state: State, numbers: _Numbers) -> list[Run]:
    called = state.accounts.used("status") == AccountStatus.CALLED
    met = np.flatnonzero(called & (numbers.equity >= numbers.initial))
    return _rows(command.MEET_CALL, [int(a) for a in met])


def _early_defaults(state: State, numbers: _Numbers) -> list[Run]:
    """Called accounts below the takeover level, or whose deadline waited for a price."""
    x = state
    called = np.flatnonzero(x.accounts.used("status") == AccountStatus.CALLED)
    failing = [
        int(a)
        for a in called
        if x.accounts.deadline_ns[a] == WAITING
        or takeover_worth(x, int(a), int(numbers.equity[a]))
        < takeover_level(x, Assessment(0, 0, 0, int(numbers.maintenance[a]), 0, 0, 0))
    ]
    return _rows(command.EXPIRE_CALL, [a for a in failing if not has_blocked_price(x, a)])


def _liquidations(state: State, numbers: _Numbers) -> list[Run]:
    """Open auto-liquidated accounts below maintenance margin, the worst first."""
    x = state
    breach = (
        numbers.is_margin
        & (x.accounts.used("status") == AccountStatus.OPEN)
        & (x.accounts.used("shortfall_policy") == ShortfallPolicy.AUTO_LIQUIDATE)
        & (numbers.equity < numbers.maintenance)
    )
    short = numbers.maintenance - numbers.equity
    failing = sorted((int(a) for a in np.flatnonzero(breach)), key=lambda a: (-int(short[a]), a))
    return _rows(command.START_LIQUIDATION, [a for a in failing if not has_blocked_price(x, a)])


def _calls(state: State, numbers: _Numbers) -> list[Run]:
    """Open accounts that are called when equity is below initial margin."""
    x = state
    breach = (
        numbers.is_margin
        & (x.accounts.used("status") == AccountStatus.OPEN)
        & (x.accounts.used("shortfall_policy") == ShortfallPolicy.CALL_THEN_DEFAULT)
        & (numbers.equity < numbers.initial)
    )
    return _rows(
        command.CALL_MARGIN,
        [int(a) for a in np.flatnonzero(breach) if not has_blocked_price(x, int(a))],
    )


def _slices(state: State, numbers: _Numbers) -> list[Run]:
    """Slices that are due at this very instant."""
    x = state
    due = [a for a in closing_accounts(x) if 0 < x.accounts.slice_ns[a] <= x.now_ns]
    return _rows(command.PLACE_SLICE, due)


def _surplus(state: State, numbers: _Numbers) -> list[Run]:
    x = state
    liquidator = x.single(Role.LIQUIDATOR)
    if position_rows(x, liquidator) or not is_flat(x, state.defaults, liquidator):
        return []
    if x.assess(liquidator).net <= 0:
        return []
    return _rows(command.SWEEP_SURPLUS, [liquidator])


_STAGES = (
    _looks,
    _expiries,
    _losses,
    _takeovers,
    _shortfall,
    _cures,
    _calls_met,
    _early_defaults,
    _liquidations,
    _calls,
    _slices,
    _surplus,
)
