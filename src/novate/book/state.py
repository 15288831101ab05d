"""The book of the clearing state: accounts, positions and reservations in one object."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from novate.book.columns import AccountColumns, PositionColumns, ReservationColumns
from novate.book.obligation import ObligationColumns
from novate.kernel.clearing.columns import I64, AccountArrays
from novate.kernel.clearing.requirement import STANDARD
from novate.kernel.clearing.settle import hold_row
from novate.kernel.codes import Role
from novate.message.declare import Row

SINGLE_ROLES = (
    Role.INSURANCE_FUND,
    Role.SKIN_IN_THE_GAME,
    Role.LIQUIDATOR,
    Role.FEES,
    Role.RESIDUE,
    Role.SETTLEMENT,
    Role.CUSTODY,
    Role.EXTERNAL_MARKET,
)
"""Roles of which the clearing house has exactly one account."""


class BookState:
    """Accounts, positions, reservations, obligations; the states above inherit from it.

    Attributes
    ----------
    accounts, positions, reservations
        Tables of `book.columns`.
    obligations
        Table of `book.obligation`.
    checksum
        Running checksum of the bookings; uint64, shape (1,).
    layout
        How often position rows were renumbered: a row number is valid for one layout.
    """

    def __init__(self) -> None:
        super().__init__()
        self.accounts = AccountColumns()
        self.positions = PositionColumns()
        self.reservations = ReservationColumns()
        self.obligations = ObligationColumns()
        self.checksum = np.zeros(1, np.uint64)
        self.layout = 0
        self._single: dict[Role, int] = {}
        self._own: I64 = np.zeros(0, np.int64)
        self._holders: _Holders | None = None
        self._modelled: I64 | None = None
        self._groups: npt.NDArray[np.bool_] | None = None

    def single(self, role: Role) -> int:
        """Return the clearing house's own account of a role, or -1 before it is opened."""
        if role not in self._single:
            found = np.flatnonzero(self.accounts.used("role") == role)
            if not found.size:
                return -1
            self._single[role] = int(found[0])
        return self._single[role]

    def own_accounts(self) -> I64:
        """Numbers of the clearing house's own accounts that are open, in the order of roles."""
        if self._own.size < len(SINGLE_ROLES):
            found = [self.single(role) for role in SINGLE_ROLES]
            self._own = np.array([number for number in found if number >= 0], np.int64)
        return self._own

    def account_arrays(self) -> AccountArrays:
        """Return the accounts as kernels take them."""
        a = self.accounts
        return AccountArrays(
            a.can_trade.view(np.int8),
            a.is_margined.view(np.int8),
            a.is_suspended.view(np.int8),
            a.mode,
            a.status,
            a.margin_model,
            a.margin_group,
            a.netting_set,
            a.group_link,
            a.add_ons,
            a.head,
            a.encumbered,
            a.window_gain,
            a.open_order_hold,
            a.balance,
            a.balance_sum,
            a.moved_block,
        )

    def margin_groups(self) -> npt.NDArray[np.bool_]:
        """Which accounts began a margin group, which goes by their number; shape (accounts,)."""
        a = self.accounts
        if self._groups is None or len(self._groups) != a.count:
            is_first: npt.NDArray[np.bool_] = a.used("margin_group") == np.arange(a.count)
            self._groups = a.used("is_margined") & is_first
        return self._groups

    def groups_with_status(self, status: int) -> I64:
        """Return the margin groups that have a status, ascending."""
        accounts = self.accounts.with_status(status)
        return accounts[self.margin_groups()[accounts]]

    def is_group(self, group: int) -> bool:
        """Whether a number is that of a margin group."""
        a = self.accounts
        return bool(
            0 <= group < a.count and a.is_margined[group] and a.margin_group[group] == group
        )

    def is_netting_set(self, netting_set: int, group: int) -> bool:
        """Whether a number is that of a netting set in a margin group."""
        a = self.accounts
        return bool(
            0 <= netting_set < a.count
            and a.margin_group[netting_set] == group
            and a.netting_set[netting_set] == netting_set
        )

    def group_of(self, account: int) -> int:
        """Return the margin group of an account: the account that it began with."""
        return int(self.accounts.margin_group[account])

    def group_accounts(self, group: int) -> tuple[int, ...]:
        """Return the accounts of a margin group, ascending."""
        return self.accounts.ring_of(group)

    def accounts_of(self, groups: I64) -> tuple[I64, I64]:
        """Return the accounts of some margin groups, group by group, each ascending.

        Returns
        -------
        accounts, place
            Numbers of the accounts, and where in ``groups`` the group of each stands.
        """
        place = np.arange(len(groups))
        if not self.accounts.grouped:
            return groups, place
        rings = [self.accounts.ring_of(group) for group in groups.tolist()]
        sizes = [len(ring) for ring in rings]
        return np.array([a for ring in rings for a in ring], np.int64), np.repeat(place, sizes)

    def whole_groups(self, accounts: I64) -> I64:
        """Return the accounts of all margin groups in which one of these is, each once, ascending.

        ``accounts`` are ascending and each there once.
        """
        a = self.accounts
        if not a.grouped or not (a.group_link[accounts] >= 0).any():
            return accounts
        return np.sort(self.accounts_of(np.unique(a.margin_group[accounts]))[0])

    def groups(self) -> I64:
        """Return the margin group of every account; shape (accounts,)."""
        return self.accounts.used("margin_group").astype(np.int64)

    def modelled_groups(self) -> I64:
        """Return the groups, ascending, that hold more than the rules of contracts ask.

        They have another margin model than the standard one, or an add-on.

        The list is kept until `forget_modelled`.
        """
        if self._modelled is None:
            a = self.accounts
            is_modelled = (a.used("margin_model") != STANDARD) | (a.used("add_ons") != 0)
            self._modelled = np.flatnonzero(is_modelled & self.margin_groups())
        return self._modelled

    def forget_modelled(self) -> None:
        """Forget `modelled_groups`, when a group gets another margin model or other add-ons."""
        self._modelled = None

    def forget_groups(self) -> None:
        """Forget `margin_groups` and `modelled_groups`, when an account joins or leaves a group."""
        self._groups = None
        self._modelled = None

    def hold(self, account: int, instrument: int) -> int:
        """Return the position row of a pair, made if it is new; room was reserved before."""
        return int(hold_row(self.positions.arrays(), self.accounts.head, account, instrument))

    def holders(self, instrument: int) -> npt.NDArray[np.int64]:
        """Return the position rows of an instrument, in row order."""
        count = self.positions.count
        if self._holders is None or not self._holders.covers(count):
            self._holders = _Holders(self.positions.used("instrument"))
        return self._holders.of(instrument, self.positions.used("instrument"))

    def compact_positions(self) -> None:
        """Sort the position rows by account and instrument; only the layout changes."""
        self.positions.compact(self.accounts)
        self._holders = None
        self.layout += 1

    def drop_caches(self) -> None:
        """Forget everything derived; no event depends on it."""
        self.forget_holders()
        self.forget_groups()
        self._single.clear()
        self._own = np.zeros(0, np.int64)

    def forget_holders(self) -> None:
        """Forget the lists of rows by instrument: the tables were filled anew."""
        self._holders = None


def holders(state: BookState, row: Row) -> I64:
    """Return whom an event of a contract touches: every account with a row in it."""
    return state.positions.account[state.holders(row["instrument"])].astype(np.int64)


HOLDERS = holders


def group_accounts(state: BookState, row: Row) -> I64:
    """Return whom an event of margin groups touches: their accounts, of a row or of all rows."""
    return state.accounts_of(np.asarray(row["account"], np.int64).reshape(-1))[0]


GROUP = group_accounts


class _Holders:
    """Rows by instrument: sorted once, the rows added since are scanned."""

    def __init__(self, instrument: npt.NDArray[np.int32]) -> None:
        self.count = len(instrument)
        self.order = np.argsort(instrument, kind="stable")
        top = int(instrument.max()) + 1 if self.count else 0
        self.start = np.searchsorted(instrument[self.order], np.arange(top + 1))

    def covers(self, count: int) -> bool:
        """Whether the rows added since are few enough to scan."""
        return self.count <= count <= self.count + 256 + self.count // 8

    def of(self, instrument: int, column: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
        """Rows of one instrument in row order."""
        known = np.empty(0, np.int64)
        if instrument + 1 < len(self.start):
            known = self.order[self.start[instrument] : self.start[instrument + 1]]
        if len(column) == self.count:
            return known
        added = np.flatnonzero(column[self.count :] == instrument) + self.count
        return np.concatenate((known, added))
