"""Deciding one record: row by row, or linked, all or none of its rows.

Linked commands are decided first on an *extract*: a state in which only the rows lie that they
touch.  If a row is refused there, the record holds the refusals, nothing was booked, and nothing is
taken back.  Else they are decided once more on the state itself, which must accept them too.

Rows of an extract have the numbers that they have in the state, so that nothing is translated.  Its
accounts are as many as those of the state but are filled and cleared only where they are used: a
linked call costs what it touches, whatever the number of accounts.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Sequence

import numpy as np

from novate.book.columns import AccountColumns, PositionColumns, ReservationColumns
from novate.canonical import Run
from novate.default_management.columns import DefaultColumns
from novate.engine.decide import Events, decide_run, refuse
from novate.engine.state import State
from novate.engine.submission import LINKED_MAX
from novate.errors import require
from novate.kernel.clearing.columns import I64, NONE
from novate.kernel.clearing.position import copy_rows, rows_of_accounts
from novate.kernel.codes import Origin, Role
from novate.message import command, event
from novate.message.declare import Refusal, columns_of, rows_of
from novate.message.parameter import Scope
from novate.message.refusal import LinkedRefusal
from novate.valuation import MarginCache

_ACCOUNTS = (
    "account", "buyer", "seller", "sender", "receiver", "member", "parent", "margin_group", "group",
    "netting_set",
)  # fmt: skip
"""Columns of commands that hold numbers of accounts."""

_RESERVATIONS = ("reservation", "buyer_reservation", "seller_reservation")
"""Columns of commands that hold numbers of reservations, 0 for none."""

_MARKET = (
    "overrides", "parameter_changes", "tier_changes", "rule_changes",
    "instruments", "option_rules", "marks", "assets", "sources", "surfaces",
)  # fmt: skip
"""Tables without a row per account: they are copied whole."""


def decide_record(
    state: State, commands: Sequence[Run], origin: Origin, extract: Extract
) -> list[Run]:
    """Decide the commands of one record, apply and return their events.

    Parameters
    ----------
    state
        Where they are booked.
    commands
        Runs in order, checked.
    origin
        Who asks; `Origin.LINKED` books all of the rows or none of them.
    extract
        Where linked commands of this state are tried.

    Raises
    ------
    NovateError
        A fault: the state may be half way through, and is not to be used any more.
    """
    events = Events(state)
    failed = None
    if origin == Origin.LINKED:
        failed = _failing_row(state, commands, extract)
    if failed is not None:
        _refuse_all(events, commands, *failed)
    else:
        for run in commands:
            decide_run(state, run, origin, events)
    events.flush()
    if origin == Origin.LINKED and failed is None:
        is_refused = any(run.name == event.COMMAND_REFUSED.name for run in events.runs)
        require(not is_refused, "what the extract accepts is accepted")
    return events.runs


def _failing_row(
    state: State, commands: Sequence[Run], extract: Extract
) -> tuple[int, Refusal] | None:
    """Place of the first row that is refused, counted over all linked rows, and why."""
    extract.fill(state, commands)
    before = 0
    try:
        for run in commands:
            events = Events(extract.state)
            decide_run(extract.state, run, Origin.LINKED, events)
            events.flush()
            for found in events.runs:
                if found.name == event.COMMAND_REFUSED.name:
                    row = rows_of(found)[0]
                    refusal = Refusal(row["code"], row["actual"], row["allowed"])
                    return before + row["row"], refusal
            before += run.rows
    finally:
        extract.clear()
    return None


def _refuse_all(events: Events, commands: Sequence[Run], failing: int, own: Refusal) -> None:
    """Journal the refusal of every row: its own for the failing one, the link for the others."""
    other = Refusal(LinkedRefusal.LINKED, failing, -1)
    place = 0
    for run in commands:
        for row in range(run.rows):
            refuse(events, command.BY_NAME[run.name], row, own if place == failing else other)
            place += 1


class Extract:
    """A state with the rows that some commands touch, and nothing else in its large tables."""

    def __init__(self) -> None:
        self.state = State()
        self._accounts: I64 = np.zeros(0, np.int64)
        self._count = 0

    def fill(self, real: State, commands: Sequence[Run]) -> None:
        """Bring in what the commands touch, and the clearing house's own accounts."""
        x = self.state
        x.now_ns, x.window_ns = real.now_ns, real.window_ns
        x.interest_ns = real.interest_ns
        x.unpaid, x.gains = real.unpaid, real.gains
        x.has_settled = real.has_settled
        x.use(real.plugins)
        x.parameters, x.checksum = real.parameters.copy(), real.checksum.copy()
        for name in _MARKET:
            setattr(x, name, getattr(real, name).copy())
        x.forget_lists()
        x.defaults = DefaultColumns()
        x.defaults.waterfall = real.defaults.waterfall.copy()
        x.margin_cache = MarginCache(x)
        self._count = real.accounts.count
        named = real.reservations.rows_of(np.unique(_named(commands, _RESERVATIONS)))
        named = named[named >= 0]
        self._fill_accounts(real, commands, real.reservations.account[named].astype(np.int64))
        self._fill_positions(real)
        self._fill_reservations(real, named)

    def _fill_reservations(self, real: State, named: I64) -> None:
        """Bring the open reservations that are named, and all others of the accounts."""
        x, rows = self.state, named
        p = x.positions
        if p.used("buy_lots").any() or p.used("sell_lots").any():
            is_mine = np.zeros(real.accounts.count, np.bool_)
            is_mine[self._accounts] = True
            r = real.reservations
            is_open = (r.used("lots") != 0) & is_mine[r.used("account")]
            rows = np.union1d(rows, np.flatnonzero(is_open))
        x.reservations = ReservationColumns(rows.size + LINKED_MAX)
        x.reservations.count, x.reservations.given = rows.size, real.reservations.given
        for name in ReservationColumns.SPEC:
            getattr(x.reservations, name)[: rows.size] = getattr(real.reservations, name)[rows]

    def _fill_accounts(self, real: State, commands: Sequence[Run], owners: I64) -> None:
        """Bring the accounts that are named, those of reservations, and the house's own.

        Their members come too: a refusal says how they stand.
        """
        count = real.accounts.count
        named = np.concatenate(
            (_named(commands, _ACCOUNTS), _subjects(commands), _contributions(real, commands))
        )
        found = np.unique(np.concatenate((named, real.own_accounts(), owners)))
        found = found[(found >= 0) & (found < count)].astype(np.int64)
        members = real.accounts.parent[found]
        found = np.union1d(found, members[members >= 0]).astype(np.int64)
        self._accounts = real.whole_groups(found)
        accounts, assets = self.state.accounts, real.accounts.balance.shape[1]
        if accounts.capacity < count + LINKED_MAX or accounts.balance.shape[1] != assets:
            self.state.accounts = accounts = AccountColumns(real.accounts.capacity + LINKED_MAX)
            accounts.widen(assets)
        accounts.count = count
        for name in AccountColumns.SPEC:
            getattr(accounts, name)[self._accounts] = getattr(real.accounts, name)[self._accounts]
        accounts.head[self._accounts] = NONE
        accounts.grouped = real.accounts.grouped
        accounts.balance_sum[:] = 0
        accounts.references = []
        accounts.number = ChainMap({}, real.accounts.number)

    def _fill_positions(self, real: State) -> None:
        start = np.zeros(self._accounts.size + 1, np.int64)
        rows = rows_of_accounts(real.positions.arrays(), real.accounts.head, self._accounts, start)
        x = self.state
        x.positions = PositionColumns(1 << (rows.size + 4 * LINKED_MAX).bit_length())
        x.positions.long_lots = real.positions.long_lots.copy()
        x.positions.short_lots = real.positions.short_lots.copy()
        copy_rows(real.positions.arrays(), rows, x.positions.arrays(), x.accounts.head)
        x.locate_suspense()

    def clear(self) -> None:
        """Take out of the accounts what was brought in or added."""
        accounts = self.state.accounts
        added = np.arange(self._count, accounts.count)
        accounts.reset(np.concatenate((self._accounts, added)))


def _named(commands: Sequence[Run], names: Sequence[str]) -> I64:
    """Numbers in some columns of commands."""
    found = [
        columns[name].astype(np.int64)
        for columns in map(columns_of, commands)
        for name in names
        if name in columns
    ]
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def _subjects(commands: Sequence[Run]) -> I64:
    """Margin groups whose parameters are to be set: whether there is one is looked up."""
    groups = [
        row["subject"]
        for run in commands
        if run.name == command.SET_PARAMETER.name
        for row in rows_of(run)
        if row["scope"] == Scope.GROUP
    ]
    return np.array(groups, np.int64)


def _contributions(real: State, commands: Sequence[Run]) -> I64:
    """Default-fund contributions of members that are to open one: each may have one."""
    wanted = [
        row["parent"]
        for run in commands
        if run.name == command.OPEN_ACCOUNT.name
        for row in rows_of(run)
        if row["role"] == Role.DEFAULT_FUND
    ]
    if not wanted:
        return np.zeros(0, np.int64)
    accounts = real.accounts
    is_fund = accounts.used("role") == Role.DEFAULT_FUND
    return np.flatnonzero(is_fund & np.isin(accounts.used("parent"), wanted))
