"""What groups with a model of their own, an add-on or spreads must hold, in the margin cache.

The cache follows every account by the rules of contracts.  Before it does, the numbers of these
groups are those of the rules again; afterwards what models and add-ons ask is laid over them.
"""

from __future__ import annotations

import numpy as np

from novate.kernel.clearing.assess import DEBT_INITIAL, DEBT_MAINTENANCE, WIDTH
from novate.kernel.clearing.close_out import assess_subjects
from novate.kernel.clearing.columns import I64
from novate.kernel.clearing.sweep import HEALTH_INITIAL
from novate.market.columns import SurfaceColumns
from novate.valuation.add_on import numbers_in
from novate.valuation.clearing_state import ClearingState
from novate.valuation.group_book import GroupBooks, book_of, books_of, joined
from novate.valuation.margin_model import MarketChange


class ModelledMargin:
    """Margin of the groups of one clearing state that the kernels' sum does not say.

    They have a model of their own or an add-on, or options on both sides.

    Whether a group is assessed again is for these to say, unless its own book was touched.
    """

    def __init__(self, state: ClearingState) -> None:
        self._x = state
        self._groups: I64 = np.zeros(0, np.int64)
        self._models: I64 = np.zeros(0, np.int64)
        self._accounts: I64 = np.zeros(0, np.int64)
        self._sets: I64 = np.zeros(0, np.int64)
        self._books: GroupBooks = joined([])
        self._by_rules: I64 = np.zeros((0, 2), np.int64)
        self._asked: I64 = np.zeros((0, 2), np.int64)
        self._debts: I64 = np.zeros((0, 2), np.int64)
        self._parameters = b""
        self._seen = _Seen(state)

    @property
    def has_any(self) -> bool:
        """Whether there were such groups when they were last asked."""
        return bool(self._groups.size)

    def lift(self, health: I64) -> None:
        """Put the margin by the rules of contracts back into a health array."""
        if self._accounts.size:
            health[self._accounts, HEALTH_INITIAL:] = self._by_rules

    def lay(self, health: I64, moved: list[int], touched: list[I64], *, is_all: bool) -> bool:
        """Put what the models ask into a health array that has followed the rules.

        Returns whether any of them asks something else than the last time: a parameter or the time
        may change that, without a touch or a mark.

        Parameters
        ----------
        health
            Shape (accounts, 3), columns of `kernel.clearing.sweep`.
        moved
            Instruments with another mark, or margin of a short lot, than the last time.
        touched
            Accounts whose balances, positions or open orders changed, repeats allowed.
        is_all
            Whether anything may have changed.
        """
        x, groups = self._x, self._x.groups_asked()
        if not groups.size:
            self._groups = self._accounts = groups
            return False
        models = x.accounts.margin_model[groups].astype(np.int64)
        accounts, place = x.accounts_of(groups)
        is_all |= not np.array_equal(groups, self._groups)
        is_all |= not np.array_equal(accounts, self._accounts)
        is_all |= not np.array_equal(models, self._models)
        sets = x.accounts.add_ons[groups]
        is_all |= not np.array_equal(sets, self._sets)
        parameters = _values_in_force(x)
        is_all |= parameters != self._parameters
        self._parameters = parameters
        self._groups, self._accounts = groups, accounts
        self._models, self._sets = models, sets
        change = self._seen.change(moved)
        before = self._asked, self._debts
        if is_all:
            self._books = books_of(x, groups)
            self._asked = x.margins(groups, self._books)
        else:
            self._follow(change, touched)
        if is_all or touched or not change.is_none:
            self._debts = _debts(x, groups)
        self._by_rules = health[accounts, HEALTH_INITIAL:].copy()
        health[accounts, HEALTH_INITIAL:] = (self._asked + self._debts)[place]
        return not (
            np.array_equal(before[0], self._asked) and np.array_equal(before[1], self._debts)
        )

    def _follow(self, change: MarketChange, touched: list[I64]) -> None:
        """Assess the groups whose book was touched, and those whose model or add-on says so."""
        x, groups = self._x, self._groups
        is_due = np.zeros(groups.size, np.bool_)
        if touched:
            is_due |= np.isin(groups, x.groups()[np.concatenate(touched)])
        own = {k: book_of(x, int(groups[k])) for k in np.flatnonzero(is_due).tolist()}
        if own:
            self._books = self._books.replaced(own)
        if change.is_later or not change.is_none:
            for number in np.unique(self._models).tolist():
                mine = np.flatnonzero(self._models == number)
                books = self._books.take(mine)
                is_due[mine] |= x.margin_models[number].affected(x, change, books)
            for number in numbers_in(self._sets):
                mine = np.flatnonzero(self._sets >> number & 1)
                books = self._books.take(mine)
                is_due[mine] |= x.add_ons[number].affected(x, change, books)
        due = np.flatnonzero(is_due)
        if due.size:
            self._asked = self._asked.copy()
            self._asked[due] = x.margins(groups[due], self._books.take(due))


def _debts(x: ClearingState, groups: I64) -> I64:
    """Return initial and maintenance margin for the debts of groups; shape (groups, 2).

    Without contracts settled in coins, only those are looked at that have a negative balance.
    """
    out = np.zeros((groups.size, 2), np.int64)
    rows = np.arange(groups.size)
    if not x.instruments.used("settlement_asset").any():
        accounts, place = x.accounts_of(groups)
        rows = np.unique(place[(x.accounts.balance[accounts, 1:] < 0).any(axis=1)])
    if rows.size:
        found = np.empty((rows.size, WIDTH), np.int64)
        assess_subjects(
            x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), x.asset_arrays(),
            groups[rows], found,
        )  # fmt: skip
        out[rows] = found[:, [DEBT_INITIAL, DEBT_MAINTENANCE]]
    return out


_OF_ASSET = ("price_e8", "slow_e8", "haircut_bps", "is_stale")
_OF_SMILE = tuple(name for name in SurfaceColumns.SPEC if name != "is_reported")


class _Seen:
    """The market as it was when the models were last asked."""

    def __init__(self, state: ClearingState) -> None:
        self._x = state
        self._now_ns = 0
        self._assets: I64 = np.zeros((0, 0), np.int64)
        self._surfaces: I64 = np.zeros((0, 0), np.int64)

    def change(self, moved: list[int]) -> MarketChange:
        """Return what moved since the last time, and remember the present."""
        x = self._x
        a, s = x.assets, x.surfaces
        columns = [a.used(name).astype(np.int64) for name in _OF_ASSET]
        columns.append(a.used("decay").view(np.int64))  # its bits: a rule may count entries (3.14)
        assets = np.stack(columns, axis=1)
        surfaces = np.stack([s.used(name).astype(np.int64) for name in _OF_SMILE], axis=1)
        change = MarketChange(
            instruments=np.array(moved, np.int64),
            assets=_changed(self._assets, assets),
            surfaces=_changed(self._surfaces, surfaces),
            is_later=x.now_ns != self._now_ns,
        )
        self._now_ns, self._assets, self._surfaces = x.now_ns, assets, surfaces
        return change


def _values_in_force(x: ClearingState) -> bytes:
    """Return all risk parameters, of the house and of narrower scopes, to compare."""
    narrower = (x.overrides.used(name).tobytes() for name in x.overrides.SPEC)
    return b"".join((x.parameters.tobytes(), *narrower))


def _changed(before: I64, after: I64) -> I64:
    """Return the rows that are new or differ; rows are only ever added."""
    known = len(before)
    differs = np.ones(len(after), np.bool_)
    if known:
        differs[:known] = (before != after[:known]).any(axis=1)
    rows: I64 = np.flatnonzero(differs)
    return rows
