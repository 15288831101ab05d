"""The account tree, balances, positions and reservations as columns."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from novate.book.numbered import NumberedColumns
from novate.kernel.clearing.columns import (
    ACCOUNT_BLOCK,
    I8,
    I16,
    I32,
    I64,
    NONE,
    U8,
    Columns,
    PositionArrays,
)
from novate.kernel.clearing.open_interest import sum_open
from novate.kernel.clearing.order import hold_orders
from novate.kernel.clearing.position import rebuild_index
from novate.kernel.codes import AccountStatus, Collateral


class AccountColumns(Columns):
    """Accounts with their place in the tree, their state and one balance per asset.

    Attributes
    ----------
    role, mode, status, shortfall_policy, segregation
        Codes of `kernel.codes`; shape (accounts,), as all columns but ``balance``.
    margin_model, liquidation_method
        Numbers of their catalogues, 0 the standard ones.
    add_ons
        Add-ons of its margin group, a bit for each number of the catalogue.
    is_suspended
        Whether its member is not active (rule 6.50).
    can_trade, is_margined, shares_losses
        What it may do and owes (`book.account.Policies`), filled by its role when it opens.
    collateral
        `kernel.codes.Collateral`: what may be deposited.
    parent
        Account of the member it belongs to, -1 for none.
    payer
        Account of the member whose contribution pays first for its losses, -1 for none.
    pool, margin_group, netting_set
        Number of the account that each began with (rules 6.30 to 6.35).
    group_link
        Next account of its margin group in an ascending ring, -1 of a group alone; derived.
    head
        First row of the account in `PositionColumns`, -1 for none; derived.
    encumbered
        Closed gains that the slow index has not confirmed, numeraire units, not negative (rule
        7.20).
    window_gain
        Cash gained since the gains window began, numeraire units, negative for a loss (chapter 8).
    open_order_hold
        What open orders set aside for the loss and the fees of their fills, numeraire units, not
        negative (rules 7.23 to 7.25).
    owed
        Of the account that a margin group began with: numeraire units that the group still owes
        from its takeover (rule 12.27).
    deadline_ns, slice_ns
        When what was called is due, and when the next slice is; 0 for never.
    is_closing_out
        Whether the account was taken over since the liquidator was last flat (rule 12.7).
    balance
        Ledger units of each asset, positive if the account holder has them; shape (accounts,
        assets).
    balance_sum
        Total of all balances of each asset as the bookings leave it; derived, shape (assets,).
    moved_block
        Per block of accounts, 1 where money or lots moved; derived.
    grouped
        How many accounts are in a group of several; derived.
    """

    SPEC: ClassVar[dict[str, tuple[Any, Any]]] = {
        "role": (np.int8, 0),
        "can_trade": (np.bool_, False),
        "is_margined": (np.bool_, False),
        "shares_losses": (np.bool_, False),
        "collateral": (np.int8, int(Collateral.NONE)),
        "is_suspended": (np.bool_, False),
        "mode": (np.int8, 0),
        "status": (np.int8, int(AccountStatus.OPEN)),
        "margin_model": (np.int16, 0),
        "add_ons": (np.int64, 0),
        "liquidation_method": (np.int16, 0),
        "shortfall_policy": (np.int8, 0),
        "segregation": (np.int8, 0),
        "parent": (np.int32, NONE),
        "payer": (np.int32, NONE),
        "pool": (np.int32, NONE),
        "margin_group": (np.int32, NONE),
        "netting_set": (np.int32, NONE),
        "group_link": (np.int32, NONE),
        "head": (np.int32, NONE),
        "encumbered": (np.int64, 0),
        "window_gain": (np.int64, 0),
        "open_order_hold": (np.int64, 0),
        "owed": (np.int64, 0),
        "deadline_ns": (np.int64, 0),
        "slice_ns": (np.int64, 0),
        "is_closing_out": (np.bool_, False),
        "balance": (np.int64, 0),
    }
    role: I8
    can_trade: npt.NDArray[np.bool_]
    is_margined: npt.NDArray[np.bool_]
    shares_losses: npt.NDArray[np.bool_]
    collateral: I8
    is_suspended: npt.NDArray[np.bool_]
    mode: I8
    status: I8
    margin_model: I16
    add_ons: I64
    liquidation_method: I16
    shortfall_policy: I8
    segregation: I8
    parent: I32
    payer: I32
    pool: I32
    margin_group: I32
    netting_set: I32
    group_link: I32
    head: I32
    encumbered: I64
    window_gain: I64
    open_order_hold: I64
    owed: I64
    deadline_ns: I64
    slice_ns: I64
    is_closing_out: npt.NDArray[np.bool_]
    balance: I64

    def __init__(self, capacity: int = 64) -> None:
        super().__init__(capacity)
        self.references: list[str] = []
        self.number: MutableMapping[str, int] = {}
        self.balance = np.zeros((capacity, 1), np.int64)
        self.balance_sum: I64 = np.zeros(1, np.int64)
        self.moved_block: U8 = np.zeros(blocks_of(capacity), np.uint8)
        self.grouped = 0

    def ensure(self, rows: int) -> None:
        """Make room for ``rows`` accounts."""
        super().ensure(rows)
        more = blocks_of(self.capacity) - len(self.moved_block)
        self.moved_block = np.concatenate((self.moved_block, np.zeros(more, np.uint8)))

    def widen(self, assets: int) -> None:
        """Give every account a balance in each of ``assets`` assets."""
        wider = np.zeros((self.capacity, assets), np.int64)
        wider[:, : self.balance.shape[1]] = self.balance
        self.balance = wider
        more = assets - len(self.balance_sum)
        self.balance_sum = np.concatenate((self.balance_sum, np.zeros(more, np.int64)))

    def add(self, account: int, asset: int, amount: int) -> None:
        """Add signed ledger units to one balance: one leg of a movement.

        The caller books the other leg in the same call; the sum of the asset is zero after both.
        """
        self.balance[account, asset] += amount
        self.balance_sum[asset] += amount
        self.moved_block[account // ACCOUNT_BLOCK] = 1

    def add_many(self, accounts: I64, asset: int, amounts: I64) -> None:
        """Add signed ledger units to balances of one asset: many legs of a movement.

        Parameters
        ----------
        accounts, amounts
            Account, repeats allowed, and ledger units of each leg; shape (legs,).
        asset
            Asset of all legs.
        """
        np.add.at(self.balance[:, asset], accounts, amounts)
        self.balance_sum[asset] += amounts.sum()
        self.moved_block[accounts // ACCOUNT_BLOCK] = 1

    def name(self, reference: str) -> None:
        """Remember the outside name of the account just appended."""
        self.number[reference] = self.count - 1
        self.references.append(reference)

    def name_all(self, references: list[str]) -> None:
        """Remember the outside names of all accounts, in order of number."""
        self.references = list(references)
        self.number = {reference: number for number, reference in enumerate(references)}

    def ring_of(self, account: int) -> tuple[int, ...]:
        """Return the accounts of the margin group of an account, ascending."""
        ring, other = [account], int(self.group_link[account])
        while other not in (NONE, account):
            ring.append(other)
            other = int(self.group_link[other])
        return tuple(sorted(ring))

    def join(self, account: int, group: int) -> None:
        """Put an account that is alone into a margin group."""
        self.margin_group[account] = group
        self._link((*self.ring_of(group), account))

    def leave(self, account: int) -> None:
        """Take an account out of its margin group, which goes on without it; it is one alone."""
        rest = [other for other in self.ring_of(account) if other != account]
        self.margin_group[account] = account
        self.group_link[account] = NONE
        self.grouped -= 1
        self._link(rest)

    def _link(self, accounts: Sequence[int]) -> None:
        """Make some accounts a ring, ascending; one alone is none."""
        ring = sorted(accounts)
        self.grouped -= int(np.count_nonzero(self.group_link[ring] >= 0))
        is_alone = len(ring) == 1
        self.group_link[ring] = NONE if is_alone else [*ring[1:], ring[0]]
        self.grouped += 0 if is_alone else len(ring)

    def link_groups(self) -> None:
        """Make the rings of all margin groups anew."""
        self.group_link[: self.count] = NONE
        self.grouped = 0
        group = self.used("margin_group").copy()
        for account in np.flatnonzero(group != np.arange(self.count)).tolist():
            self.join(account, int(group[account]))

    def with_status(self, status: int) -> I64:
        """Return the accounts that have a status, ascending."""
        # A plain number: numpy compares with a member of an enumeration twenty times slower.
        accounts: I64 = np.flatnonzero(self.used("status") == int(status))
        return accounts

    def export(self) -> dict[str, npt.NDArray[Any]]:
        """Return the rows in use by column; ``head`` is derived and left out."""
        columns = super().export()
        del columns["head"], columns["group_link"]
        return columns

    def restore(self, columns: dict[str, npt.NDArray[Any]]) -> None:
        """Take exported rows; the position table rebuilds ``head``."""
        self.widen(columns["balance"].shape[1])
        none = np.full(len(columns["role"]), NONE, np.int32)
        super().restore({**columns, "head": none, "group_link": none})
        self.balance_sum = self.used("balance").sum(axis=0)
        self.link_groups()

    def copy(self) -> AccountColumns:
        """Return an independent copy."""
        twin = super().copy()
        twin.references = list(self.references)
        twin.number = dict(self.number)
        return twin


def blocks_of(accounts: int) -> int:
    """Return the number of blocks that hold so many accounts."""
    return -(-accounts // ACCOUNT_BLOCK)


class PositionColumns(Columns):
    """Positions with a hash index over (account, instrument); see `kernel.clearing.position`.

    Attributes
    ----------
    account, instrument
        Whose and of what; shape (rows,), as all columns.  A pair has one row, kept when it is
        closed.
    lots
        Lots held, positive long, negative short.
    entry_cost, settlement_cost
        Value at which the lots were opened, and value that has been settled in cash, units of the
        settlement asset, with the sign of the lots' value.
    realised
        What closed lots made against their entry cost, units of the settlement asset, negative for
        a loss.
    buy_lots, sell_lots
        Lots of open orders on each side, not negative.
    link
        Next row of the same account, -1 for none; derived.
    long_lots, short_lots
        Lots of all holders that are long if all open buys fill, and short if all open sells do, not
        negative, by instrument; derived.
    """

    SPEC: ClassVar[dict[str, tuple[Any, Any]]] = {
        "account": (np.int32, 0),
        "instrument": (np.int32, 0),
        "lots": (np.int64, 0),
        "entry_cost": (np.int64, 0),
        "settlement_cost": (np.int64, 0),
        "realised": (np.int64, 0),
        "buy_lots": (np.int64, 0),
        "sell_lots": (np.int64, 0),
        "link": (np.int32, NONE),
    }
    account: I32
    instrument: I32
    lots: I64
    entry_cost: I64
    settlement_cost: I64
    realised: I64
    buy_lots: I64
    sell_lots: I64
    link: I32

    def __init__(self, capacity: int = 64) -> None:
        self.size = np.zeros(1, np.int64)
        super().__init__(capacity)
        self.slot = np.full(2 * capacity, NONE, np.int32)
        self.long_lots: I64 = np.zeros(64, np.int64)
        self.short_lots: I64 = np.zeros(64, np.int64)

    @property
    def count(self) -> int:
        """Rows in use; kernels move it."""
        return int(self.size[0])

    @count.setter
    def count(self, value: int) -> None:
        self.size[0] = value

    def reserve(self, rows: int, accounts: AccountColumns) -> None:
        """Make room for ``rows`` more pairs, so that a kernel never runs out."""
        needed = self.count + rows
        if needed <= self.capacity:
            return
        self.ensure(needed)
        self.slot = np.full(2 * self.capacity, NONE, np.int32)
        self.reindex(accounts)

    def widen(self, instruments: int) -> None:
        """Make room for the totals of ``instruments`` instruments."""
        more = np.zeros(max(instruments - len(self.long_lots), 0), np.int64)
        if more.size:
            more = np.zeros(max(more.size, len(self.long_lots)), np.int64)
            self.long_lots = np.concatenate((self.long_lots, more))
            self.short_lots = np.concatenate((self.short_lots, more))

    def sum_open(self, instruments: int) -> tuple[I64, I64]:
        """Return `long_lots` and `short_lots` as the rows make them; shape (instruments,)."""
        longs, shorts = np.zeros(instruments, np.int64), np.zeros(instruments, np.int64)
        sum_open(self.arrays(), longs, shorts)
        return longs, shorts

    def hold_orders(self, head: I32, account: int, i: int, buys: int, sells: int) -> None:
        """Add lots of open orders on each side, not negative, to a position, made if it is new.

        ``head`` is that of the accounts; room was reserved before.
        """
        hold_orders(self.arrays(), head, account, i, buys, sells)

    def reindex(self, accounts: AccountColumns) -> None:
        """Rebuild the hash index and the lists of rows by account."""
        rebuild_index(self.arrays(), accounts.head)

    def compact(self, accounts: AccountColumns) -> None:
        """Sort rows by account and instrument; only the layout changes, never a digest."""
        order = np.lexsort((self.used("instrument"), self.used("account")))
        for name in self.SPEC:
            column = getattr(self, name)
            column[: self.count] = column[: self.count][order]
        self.reindex(accounts)

    def arrays(self) -> PositionArrays:
        """Return the table as kernels take it."""
        return PositionArrays(
            self.account, self.instrument, self.lots, self.entry_cost, self.settlement_cost,
            self.realised, self.buy_lots, self.sell_lots, self.link, self.slot, self.size,
            self.long_lots, self.short_lots,
        )  # fmt: skip

    def export(self) -> dict[str, npt.NDArray[Any]]:
        """Return the rows by account and instrument, without links: layout is not state."""
        order = np.lexsort((self.used("instrument"), self.used("account")))
        return {name: self.used(name)[order] for name in self.SPEC if name != "link"}

    def restore(self, columns: dict[str, npt.NDArray[Any]]) -> None:
        """Take exported rows; call `reindex` when the accounts are there too."""
        count = len(columns["account"])
        super().restore({**columns, "link": np.full(count, NONE, np.int32)})
        self.slot = np.full(2 * self.capacity, NONE, np.int32)


class ReservationArrays(NamedTuple):
    """Reservations as kernels take them, by row."""

    account: I32
    instrument: I32
    lots: I64
    limit_ticks: I64
    open_order_hold: I64
    done: I64  # [rows whose reservation has ended]


class ReservationColumns(NumberedColumns):
    """Margin reserved for open orders, numbered from 1 (rules 7.23 to 7.31).

    Attributes
    ----------
    number, account, instrument
        Which reservation, whose and of what; shape (rows,), as all columns.
    lots
        Signed lots that are still open, positive to buy; 0 once the reservation has ended.
    limit_ticks
        Worst price of a fill, ticks.
    open_order_hold
        Numeraire units set aside for the loss and the fee of the fill, not negative.
    is_cancelling
        1 once the venue was asked to cancel the order.
    """

    LIVE = "lots"
    SPEC: ClassVar[dict[str, tuple[Any, Any]]] = {
        "number": (np.int64, 0),
        "account": (np.int32, 0),
        "instrument": (np.int32, 0),
        "lots": (np.int64, 0),
        "limit_ticks": (np.int64, 0),
        "open_order_hold": (np.int64, 0),
        "is_cancelling": (np.int8, 0),
    }
    account: I32
    instrument: I32
    lots: I64
    limit_ticks: I64
    open_order_hold: I64
    is_cancelling: I8

    def arrays(self) -> ReservationArrays:
        """Return the table as kernels take it."""
        return ReservationArrays(
            self.account, self.instrument, self.lots, self.limit_ticks, self.open_order_hold,
            self.done,
        )  # fmt: skip
