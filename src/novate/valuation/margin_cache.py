"""Health of the margin groups of all accounts, kept up with the events.

`MarginCache` is a cache: it is no part of the state or of any digest, and dropping it changes no
event.  It holds exactly what a full assessment would give.  Whoever changes the book says whose
health it touched (`touch`), or that it touched everything (`touch_all`); marks, index prices and
haircuts are compared with those of the last time, so nobody has to say that they moved.

Three ways lead to the present, the cheapest that fits is taken: the holders of a moved instrument
are shifted from the old mark to the new one; touched accounts are assessed anew; and when most of
the book moved, everything is swept.  An instrument that ticks again while its holders rest gets a
copy of their lots by margin tier, in the order that a tick reads them; a touch of any holder drops
it.  Accounts of groups with several accounts have the health of their group: they are assessed anew
whenever one of them is touched or holds what moved.  Over all that lies what groups with a margin
model of their own must hold (`modelled_margin`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from novate.kernel.clearing.columns import I64, MarginColumns
from novate.kernel.clearing.position import note_instruments
from novate.kernel.clearing.shift import TierLots, make_tier_lots, shift_holders, shift_tier_lots
from novate.kernel.clearing.sweep import (
    HEALTH_WIDTH,
    RowIndex,
    ascending_rows,
    assess_some,
    describe_terms,
    empty_terms,
    index_start,
    index_tail,
    margin_totals,
    sweep,
)
from novate.kernel.clearing.value import LINEAR
from novate.kernel.codes import Style
from novate.valuation.clearing_state import ClearingState
from novate.valuation.modelled_margin import ModelledMargin

SWEEP_SHARE = 8
"""A row costs about this many times more on its own than in a sweep."""

TAIL_ROWS = 4096
"""Rows that may lie unsorted in a book of any size; in a larger one an eighth of it may."""

ORDERS_SEARCHED = 65_536
"""Reservations among which an open one is looked for."""

MOVED_SHARE = 16
"""A copy of lots by tier is made anew when one in so many holders has left its tier."""


_PREMIUM = int(Style.PREMIUM)


class MarginCache:
    """Equity, initial and maintenance margin of every account of one clearing state.

    Attributes
    ----------
    moves
        How often figures changed of accounts that nobody touched: by a mark, a price, a haircut, a
        parameter of a margin model, or another account of their group.
    """

    def __init__(self, state: ClearingState) -> None:
        self._x = state
        self._touched: list[npt.NDArray[np.int64]] = []
        self._recent: list[npt.NDArray[np.int64]] | None = []
        self._is_stale = True
        self.moves = 0
        self._layout = -1
        self._known_tail = 0
        self._health: I64 = np.zeros((0, HEALTH_WIDTH), np.int64)
        self._mark: I64 = np.zeros(0, np.int64)
        self._short: I64 = np.zeros((2, 0), np.int64)
        self._aged: I64 = np.zeros(0, np.int64)
        self._worth = np.zeros((2, 0))
        self._worth_bytes = (b"", b"")
        self._debt_shares: tuple[bytes, ...] = ()
        self._unheld: set[int] = set()
        self._index = _empty_index(0, 0)
        self._tier_lots: dict[int, TierLots | None] = {}
        self._tier_lots_layout = -1
        self._modelled = ModelledMargin(state)
        self._columns: MarginColumns | None = None
        self._listed: npt.NDArray[np.bool_] | None = None

    def touch(self, *accounts: int) -> None:
        """Note accounts whose balances, positions or open orders changed."""
        self._note(np.array(accounts, np.int64))

    def touch_many(self, accounts: npt.NDArray[np.integer]) -> None:
        """Note a column of accounts, repeats allowed."""
        self._note(accounts.astype(np.int64, copy=False))

    def _note(self, accounts: npt.NDArray[np.int64]) -> None:
        self._touched.append(accounts)
        if self._recent is not None:
            self._recent.append(accounts)

    def touch_all(self) -> None:
        """Note that anything may have changed, terms and tiers included."""
        self._is_stale = True
        self._recent = None

    def take_touched(self) -> npt.NDArray[np.int64] | None:
        """Return the accounts touched since the last time it was asked, repeats left in.

        Nothing stands for all of them.
        """
        recent, self._recent = self._recent, []
        if recent is None:
            return None
        return np.concatenate(recent) if recent else np.zeros(0, np.int64)

    def numbers(self) -> I64:
        """Return the present health; shape (accounts, 3), columns of `kernel.clearing.sweep`.

        The array is the cache itself: read it before the next event, and do not write to it.
        """
        x = self._x
        if self._modelled.has_any:
            self._columns = None
        self._modelled.lift(self._health)
        self._follow_balances()
        self._follow_accounts()
        may_be_anything = self._is_stale  # else prices moved and accounts touched are known
        self._follow_prices()
        self._follow_tier_lots()
        aged = self._aged_anew()
        moved = sorted({*self._moved(), *aged})
        self.moves += bool(moved) or self._is_stale
        if not self._is_stale and moved:
            rows = self._held(moved)
            self._is_stale = len(rows) < len(moved)
        if not self._is_stale:
            for at, i in enumerate(moved):
                if i in aged:  # what margin asks for it is another, whatever the mark did
                    self._tier_lots.pop(i, None)
                    self._touched.append(x.positions.account[rows[at]].astype(np.int64))
                    continue
                self._shift(i, rows[at])
                self._touch_groups(rows[at])
            self._assess_touched()
        if self._is_stale:
            self._sweep()
        self.moves += self._modelled.lay(self._health, moved, self._touched, is_all=may_be_anything)
        if self._touched or self._is_stale or moved or self._modelled.has_any:
            self._columns = None
        for i in moved:
            self._mark[i] = x.marks.mark[i]
        self._touched.clear()
        self._is_stale = False
        return self._health

    def _held(self, contracts: list[int]) -> list[I64]:
        """Position rows of some contracts; of fewer where these are too many to shift them."""
        rows: list[I64] = []
        held = 0
        for i in contracts:
            rows.append(self._x.holders(i))
            held += len(rows[-1])
            if held * SWEEP_SHARE > self._x.positions.count:
                return rows[:-1]
        return rows

    def columns(self) -> MarginColumns:
        """Return the present health by column, with the groups that it concerns.

        The lists are kept until a figure or a group changes.
        """
        health, groups = self.numbers(), self._x.margin_groups()
        if self._columns is None or self._listed is not groups:
            short, low = np.empty((2, groups.size), np.int64)
            slack = self._x.assets.count + 1
            totals = margin_totals(groups, health, slack, short, low)
            lists = short[: totals[5]].copy(), low[: totals[6]].copy()
            equity, initial, maintenance = health.T
            self._columns = MarginColumns(equity, initial, maintenance, *lists, totals[:5])
            self._listed = groups
        return self._columns

    def _moved(self) -> list[int]:
        """Contracts whose mark, or whose margin of a short lot, is not that of the last time."""
        x = self._x
        has_moved = x.marks.used("mark") != self._mark
        if x.surfaces.count:  # else no option has a margin
            short = np.stack((x.marks.used("short_initial"), x.marks.used("short_maintenance")))
            has_moved |= (short != self._short).any(axis=0)
            self._short = short
        moved: list[int] = np.flatnonzero(has_moved).tolist()
        return moved

    def _aged_anew(self) -> list[int]:
        """Contracts whose stale add-on is not that of the last time."""
        present = self._x.instruments.used("stale_ppm")
        if np.array_equal(present, self._aged):
            return []
        before = np.zeros(present.size, np.int64)
        before[: self._aged.size] = self._aged
        self._aged = present.copy()
        changed: list[int] = np.flatnonzero(present != before).tolist()
        return changed

    def _follow_accounts(self) -> None:
        """Make room for accounts and instruments that are new; they count as touched."""
        x = self._x
        known, count = len(self._health), x.accounts.count
        if known < count:
            self._health = np.concatenate(
                (self._health, np.zeros((count - known, HEALTH_WIDTH), np.int64))
            )
            self._touched.append(np.arange(known, count))
        if len(self._mark) != x.marks.count:
            self._mark = np.zeros(x.marks.count, np.int64)
            self._short = np.zeros((2, x.marks.count), np.int64)
            self._is_stale = True

    def _follow_balances(self) -> None:
        """Forget that nobody holds an asset, where a touched account may hold it now."""
        if not self._unheld or not (self._is_stale or self._touched):
            return
        accounts = np.concatenate(self._touched) if self._touched else np.zeros(0, np.int64)
        if self._is_stale or accounts.size * len(self._unheld) > self._x.accounts.count:
            self._unheld.clear()
            return
        assets = np.array(sorted(self._unheld))
        is_held = self._x.accounts.balance[accounts[:, None], assets].any(axis=0)
        self._unheld -= set(assets[is_held].tolist())

    def _is_held(self, asset: int) -> bool:
        """Return whether any account has a balance in an asset; what nobody has is remembered."""
        if asset in self._unheld:
            return False
        if self._x.accounts.used("balance")[:, asset].any():
            return True
        self._unheld.add(asset)
        return False

    def _follow_prices(self) -> None:
        """Sweep when the worth of an asset changed that anybody holds or is paid in.

        Or the shares that debts ask for.
        """
        x = self._x
        as_bytes = (
            x.assets.used("unit_price").tobytes(),
            x.assets.used("collateral_factor").tobytes(),
        )
        shares = debt_shares(x)
        if shares != self._debt_shares:
            self._debt_shares = shares
            self._is_stale = True
        if as_bytes == self._worth_bytes:
            return
        self._worth_bytes = as_bytes
        worth = np.stack((x.assets.used("unit_price"), x.assets.used("collateral_factor")))
        if worth.shape != self._worth.shape:
            self._is_stale = True
        elif not self._is_stale:
            changed = np.flatnonzero((worth != self._worth).any(axis=0))
            settled_in = set(x.instruments.used("settlement_asset").tolist())
            self._is_stale = any(
                asset in settled_in or self._is_held(asset) for asset in changed.tolist()
            )
        self._worth = worth

    def _follow_tier_lots(self) -> None:
        """Forget the copies of lots of instruments that a touched account may have traded."""
        x = self._x
        if self._is_stale or self._tier_lots_layout != x.layout:
            self._tier_lots.clear()
            self._tier_lots_layout = x.layout
        if self._touched and self._tier_lots:
            is_held = np.zeros(x.instruments.count, np.bool_)
            accounts = np.concatenate(self._touched)
            note_instruments(x.positions.arrays(), x.accounts.head, accounts, is_held)
            for i in [i for i in self._tier_lots if is_held[i]]:
                del self._tier_lots[i]

    def _shift(self, i: int, rows: npt.NDArray[np.int64]) -> None:
        """Follow one mark; where a row's value needs rounding, its account is assessed anew."""
        x = self._x
        p, c = x.positions, x.instruments
        unit, before, after = int(c.unit[i]), int(self._mark[i]), int(x.marks.mark[i])
        is_whole = (
            c.form[i] == LINEAR and c.style[i] != _PREMIUM and c.settlement_asset[i] == 0
            and x.assets.unit_price[0] == 1.0
        )  # fmt: skip
        if not is_whole or before <= 0 or after <= 0:
            self._touched.append(p.account[rows].astype(np.int64))
            return
        step = (unit * before, unit * after)
        tiers = (
            c.tier_floor[i], c.maintenance_rate[i], c.maintenance_deduction[i],
            c.initial_rate[i], c.initial_deduction[i],
        )  # fmt: skip
        health = self._health.reshape(-1)
        columns = (p.lots, p.buy_lots, p.sell_lots, p.account)
        by_tier = self._tier_lots.get(i)
        if by_tier is not None:
            moved_tier = np.empty(len(by_tier.lots), np.int64)
            left = shift_tier_lots(
                by_tier.start, by_tier.account, by_tier.lots, *step, *tiers, moved_tier, health
            )
            rows = by_tier.odd
            if left:
                rows = np.concatenate((rows, by_tier.row[moved_tier[:left]]))
            if left * MOVED_SHARE > len(by_tier.lots):
                del self._tier_lots[i]
        elif i in self._tier_lots:
            self._tier_lots[i] = TierLots(*make_tier_lots(*columns, rows, step[1], tiers[0]))
        else:
            self._tier_lots[i] = None
        if len(rows):
            shift_holders(*columns, self._has_orders(), rows, *step, *tiers, health)

    def _touch_groups(self, rows: npt.NDArray[np.int64]) -> None:
        """Note those holders of a moved instrument that are not a group alone: no shift fits."""
        x = self._x
        if x.accounts.grouped:
            holders = x.positions.account[rows]
            self._touched.append(holders[x.accounts.group_link[holders] >= 0].astype(np.int64))

    def _has_orders(self) -> bool:
        """Whether lots may be reserved; after a long history it is cheaper to say yes."""
        lots = self._x.reservations.used("lots")
        return bool(lots.size > ORDERS_SEARCHED or lots.any())

    def _assess_touched(self) -> None:
        if not self._touched:
            return
        x = self._x
        touched = np.unique(np.concatenate(self._touched))
        subjects = x.whole_groups(touched)
        self.moves += subjects.size > touched.size
        if subjects.size * SWEEP_SHARE > x.accounts.count + TAIL_ROWS:
            self._is_stale = True
            return
        self._assess(subjects)

    def _assess(self, accounts: I64) -> None:
        x = self._x
        assess_some(
            x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), x.asset_arrays(),
            accounts, self._health,
        )  # fmt: skip

    def _sweep(self) -> None:
        x = self._x
        self._follow_rows()
        count = x.instruments.count
        terms = empty_terms(count, x.instruments.tier_floor.shape[1])
        describe_terms(x.instrument_arrays(), x.asset_arrays(), count, terms)
        sweep(
            x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), x.asset_arrays(),
            terms, self._index, self._health,
        )  # fmt: skip
        grouped = np.flatnonzero(x.accounts.used("group_link") >= 0) if x.accounts.grouped else ()
        if len(grouped):
            self._assess(np.asarray(grouped))

    def _follow_rows(self) -> None:
        """Bring the row index up to the table; sort the table when too much of it is not."""
        x = self._x
        held = int(self._index.size[0])
        if self._layout == x.layout and x.positions.count - held > TAIL_ROWS + held // 8:
            x.compact()
        if self._layout != x.layout:
            self._index_rows()
        start, head, link, hint, size = self._index
        rest = x.positions.count - int(size[0])
        if len(head) < x.accounts.count:
            more = x.accounts.count - len(head)
            start = np.concatenate((start, np.full(more, size[0], np.int64)))
            head = np.concatenate((head, np.full(more, -1, np.int32)))
        if len(link) < rest:
            link = np.concatenate((link, np.full(rest, -1, np.int32)))
        self._index = RowIndex(start, head, link, hint, size)
        if rest > self._known_tail:
            index_tail(x.positions.arrays(), self._index, self._known_tail)
            self._known_tail = rest

    def _index_rows(self) -> None:
        """Index the table anew; it is sorted first where that is worth it."""
        x = self._x
        held = int(ascending_rows(x.positions.arrays()))
        if x.positions.count - held > TAIL_ROWS + held // 8:
            x.compact()
            held = x.positions.count
        self._index = _empty_index(x.accounts.count, held)
        index_start(x.positions.arrays(), self._index)
        self._layout = x.layout
        self._known_tail = 0


def debt_shares(x: ClearingState) -> tuple[bytes, ...]:
    """Return the shares that debts ask for, of all and of single groups, to compare."""
    a = x.asset_arrays()
    return a.debt_ppm.tobytes(), a.debt_group.tobytes(), a.debt_group_ppm.tobytes()


def _empty_index(accounts: int, rows: int) -> RowIndex:
    return RowIndex(
        np.zeros(accounts + 1, np.int64),
        np.full(accounts, -1, np.int32),
        np.zeros(0, np.int32),
        np.zeros(rows, np.uint8),
        np.array([rows], np.int64),
    )
