"""What the clearing house is exposed to: contracts, prices, accounts, positions, collateral.

`ClearingState` bundles the columns of the floors below for those above, and answers two questions
exactly: what is an account worth, and what must its margin group hold?  The second is for the model
of the group to say; the standard one is what the kernels add up.  Nothing here is cached that could
decide anything: the by-instrument lists are derived from the rows and may be dropped at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from novate.book.state import BookState
from novate.kernel.clearing.assess import (
    DEBT_INITIAL,
    DEBT_MAINTENANCE,
    INITIAL,
    MAINTENANCE,
    PARALLEL_MIN,
    WIDTH,
    assess_all,
    assess_serial,
)
from novate.kernel.clearing.bound import AMOUNT_MAX
from novate.kernel.clearing.columns import I64
from novate.kernel.clearing.offset import find_both_sides, may_offset
from novate.kernel.clearing.position import sum_positions
from novate.kernel.clearing.requirement import STANDARD
from novate.kernel.clearing.settle import assess_changed, assess_one
from novate.kernel.clearing.value import LINEAR
from novate.kernel.codes import InstrumentStatus, Role, Style
from novate.market.settlement_mean import Seen
from novate.market.state import MarketState
from novate.valuation.add_on import AddOn, add_margins, numbers_in
from novate.valuation.group_book import GroupBook, GroupBooks, book_of, books_of, joined
from novate.valuation.margin_model import MarginModel, require_usable
from novate.valuation.requirement import Requirement


class Assessment(NamedTuple):
    """Figures of an account, numeraire ledger units (rules 3.19 to 3.26).

    Attributes
    ----------
    equity, net
        Worth that counts for margin, and worth without haircuts and with options; of either sign.
    initial, maintenance
        Margin requirements, not negative.
    notional, unproven
        Notional of the positions, and gain that the slow index has not confirmed, not negative.
    gain
        Unsettled profit and the gain of options, of either sign.
    debt_initial, debt_maintenance
        Parts of initial and maintenance margin that debts in other assets than the numeraire ask
        for, not negative.
    shorts
        Worth of the options that are short when all open sells fill, not negative (rule 3.70).
    """

    equity: int
    net: int
    initial: int
    maintenance: int
    notional: int
    gain: int
    unproven: int
    debt_initial: int
    debt_maintenance: int
    shorts: int = 0


class ClearingState(MarketState, BookState):
    """The columns of contracts, market and book, and the start of the gains window.

    Attributes
    ----------
    window_ns
        Start of the gains window.
    assessed_ns, assessed_before_ns
        Instants of the last two assessments, 0 before.
    interest_ns
        Instant of the last charge of interest, 0 before the first.
    pause_ns
        When the house paused, 0 while it does not; negative once that pause is over by its length
        and no index has been fresh since.
    unpaid, gains
        What nobody had paid for at the last assessment, and the gains of all margin groups then,
        0 while all was paid for; numeraire units (rules 6.94 and 6.95).
    has_settled
        Whether money moved since the last assessment that may leave something unpaid (rule 6.110).
    margin_models
        Models that groups may have, by number.  They are no part of the state: the floor above
        hands in those of its catalogue.
    add_ons
        Add-ons that groups may have, by number; likewise.
    option_values
        ``option_values(state, instruments, smiles, seen)``: marks and margins of options at the
        indices that the state has, by name of their column; likewise.
    """

    def __init__(self) -> None:
        super().__init__()
        self.window_ns = 0
        self.assessed_ns = 0
        self.assessed_before_ns = 0
        self.interest_ns = 0
        self.pause_ns = 0
        self.unpaid = 0
        self.gains = 0
        self.has_settled = False
        self.margin_models: Mapping[int, MarginModel] = {}
        self.add_ons: Mapping[int, AddOn] = {}
        self.option_values: Callable[[Self, I64, I64, Seen], dict[str, I64]] = _no_values

    def groups_of(self, accounts: I64) -> I64:
        """Return the margin groups of some accounts; the shape is that of ``accounts``."""
        groups: I64 = self.accounts.margin_group[accounts].astype(np.int64)
        return groups

    def assess(self, account: int) -> Assessment:
        """Assess the margin group of an account exactly."""
        numbers = assess_one(
            self.account_arrays(),
            self.positions.arrays(),
            self.instrument_arrays(),
            self.asset_arrays(),
            account,
        )
        book = None if self.is_summed(account) else book_of(self, account)
        return self._assessment(account, numbers, book)

    def assess_after(
        self, account: int, instrument: int, *, lots: int = 0, value: int = 0, buys: int = 0,
        sells: int = 0,
    ) -> Assessment:  # fmt: skip
        """Assess a group as if an account had traded, and had more lots open, in an instrument.

        Parameters
        ----------
        account, instrument
            Their numbers.
        lots, value
            Signed lots of the trade, and what it adds to the settlement cost (of an option: takes
            from the balance), settlement units.  The entry cost of an option stays as it is.
        buys, sells
            Lots that orders add to each side, not negative.
        """
        numbers = assess_changed(
            self.account_arrays(), self.positions.arrays(), self.instrument_arrays(),
            self.asset_arrays(), account, instrument, lots, value, buys, sells,
        )  # fmt: skip
        book = None
        if not self.is_summed(account, instrument):
            netting_set = int(self.accounts.netting_set[account])
            book = book_of(self, account).after(
                instrument, netting_set, lots=lots, buys=buys, sells=sells
            )
        return self._assessment(account, numbers, book)

    def _assessment(self, account: int, numbers: I64, book: GroupBook | None) -> Assessment:
        """Return what the kernels found, with the margin that the group's model asks of a book."""
        found = Assessment(*numbers.tolist())
        if book is None:
            return found
        group = self.group_of(account)
        initial, maintenance = self.margins([group], joined([book]))[0].tolist()
        return found._replace(
            initial=initial + found.debt_initial, maintenance=maintenance + found.debt_maintenance
        )

    def is_standard(self, account: int) -> bool:
        """Return whether an account's group has the standard model and no add-on (3.29, 3.31)."""
        a = self.accounts
        return bool(a.margin_model[account] == STANDARD and a.add_ons[account] == 0)

    def is_summed(self, account: int, instrument: int = -1) -> bool:
        """Return whether the kernels' sum is what an account's group must hold.

        It is if the group is `is_standard` and no options limit one another in it, also after a
        trade or an order in an instrument, -1 for none.
        """
        if not self.is_standard(account) or not self.option_rules.count:
            return self.is_standard(account)
        return not may_offset(
            self.account_arrays(), self.positions.arrays(), self.instrument_arrays(), account,
            instrument,
        )  # fmt: skip

    def modelled_among(self, accounts: I64) -> I64:
        """Return the places, in ``accounts``, of those whose group is not `is_summed`."""
        a = self.accounts
        is_modelled = (a.margin_model[accounts] != STANDARD) | (a.add_ons[accounts] != 0)
        if self.option_rules.count:
            has_both = np.zeros(accounts.size, np.bool_)
            find_both_sides(
                self.account_arrays(), self.positions.arrays(), self.instrument_arrays(), accounts,
                has_both,
            )  # fmt: skip
            is_modelled |= has_both
        rows: I64 = np.flatnonzero(is_modelled)
        return rows

    def groups_asked(self) -> I64:
        """Return the groups, ascending, whose margin is not the kernels' sum.

        Those of `modelled_groups`, and those that hold options on both sides.
        """
        modelled, c, p = self.modelled_groups(), self.instruments, self.positions
        if not self.option_rules.count:
            return modelled
        is_option = (c.used("style") == Style.PREMIUM) & (
            c.used("status") == InstrumentStatus.ACTIVE
        )
        rows = np.flatnonzero(is_option[p.used("instrument")])
        lots, groups = p.lots[rows], self.groups()[p.account[rows]]
        both = np.intersect1d(groups[lots > 0], groups[lots < p.sell_lots[rows]])
        return np.union1d(modelled, both) if both.size else modelled

    def requirement(self, group: int) -> Requirement:
        """Return the margin of a group now with its parts, add-ons and open-order hold included."""
        book = book_of(self, group)
        asked = self.margin_models[int(self.accounts.margin_model[group])].requirement(self, book)
        for number in numbers_in(int(self.accounts.add_ons[group])):
            asked = asked.with_parts(self.add_ons[number].components(self, group, book))
        found = self.assess(group)
        asked = asked.with_debts(found.debt_initial, found.debt_maintenance)
        return asked.with_hold(self.open_order_hold(group))

    def margins(
        self,
        groups: Sequence[int] | I64,
        books: GroupBooks,
        model: int | None = None,
        add_ons: int | None = None,
    ) -> I64:
        """Return what models and add-ons ask of groups with these books; shape (groups, 2).

        Columns are initial margin, what open orders hold included, and maintenance margin, in
        numeraire units; what debts ask for is no part of it.

        Parameters
        ----------
        groups, books
            Numbers of groups, and for each its book, or that of a what-if.
        model
            Number of a model to ask in the place of each group's own.
        add_ons
            Bit set of add-ons in the place of each group's own.
        """
        out = np.zeros((len(groups), 2), np.int64)
        numbers = self.accounts.margin_model[groups]
        if model is not None:
            numbers = np.full(len(groups), model)
        for number in np.unique(numbers).tolist():
            asked = self.margin_models[number]
            mine = np.flatnonzero(numbers == number)
            some = books if len(mine) == len(books) else books.take(mine)
            out[mine] = require_usable(asked, asked.margins(self, some))
        sets = self.accounts.add_ons[groups] if add_ons is None else np.full(len(groups), add_ons)
        add_margins(self, self.add_ons, sets, np.asarray(groups, np.int64), books, out)
        out[:, 0] += [self.open_order_hold(int(group)) for group in groups]
        return out

    def open_order_hold(self, account: int) -> int:
        """Return the numeraire units that the open orders of an account's group set aside."""
        a = self.accounts
        if a.group_link[account] < 0:
            return int(a.open_order_hold[account])
        return int(a.open_order_hold[list(self.group_accounts(account))].sum())

    def encumbered(self, account: int) -> int:
        """Return the closed gains of an account's group that are not confirmed (rule 6.35)."""
        gains = self.accounts.encumbered[list(self.group_accounts(account))]
        return min(sum(int(gain) for gain in gains), AMOUNT_MAX)

    def window_gain(self, account: int) -> int:
        """Return the window gain of an account's group, numeraire units (rule 6.35)."""
        gains: list[int] = self.accounts.window_gain[list(self.group_accounts(account))].tolist()
        return min(max(sum(gains), -AMOUNT_MAX), AMOUNT_MAX)

    def window_gains(self) -> I64:
        """Return the window gain of every margin group (rule 6.35).

        Returns
        -------
        I64
            Numeraire units, shape (accounts,), at every account the gain of its group.
        """
        gains = self.accounts.used("window_gain").copy()
        of_several = np.flatnonzero(self.accounts.used("group_link") >= 0)
        for group in np.unique(self.accounts.margin_group[of_several]).tolist():
            accounts = list(self.group_accounts(group))
            total = sum(self.accounts.window_gain[accounts].tolist())
            gains[accounts] = min(max(total, -AMOUNT_MAX), AMOUNT_MAX)
        return gains

    def assess_all(self, *, limits_risk: bool = True) -> I64:
        """Assess the groups of all accounts exactly.

        Parameters
        ----------
        limits_risk
            Whether options limit one another (rules 3.60 to 3.64); they did not when events of
            engine version 2 were decided.

        Returns
        -------
        ndarray
            Shape (accounts, WIDTH), columns of `clearing.assess`; the accounts of a group have its
            numbers, each.
        """
        out = self.sum_all()
        groups = self.groups_asked() if limits_risk else self.modelled_groups()
        if groups.size:
            books = books_of(self, groups)
            asked = self.margins(groups, books)
            if not limits_risk:
                self._sum_again(groups, books, out, asked)
            accounts, place = self.accounts_of(groups)
            out[accounts[:, None], [INITIAL, MAINTENANCE]] = (
                asked[place] + out[accounts[:, None], [DEBT_INITIAL, DEBT_MAINTENANCE]]
            )
        return out

    def sum_all(self) -> I64:
        """Return `assess_all` with the margin that each contract asks for alone.

        All else holds whatever a model or limited risk asks: equity, net and gains.
        """
        out = np.empty((self.accounts.count, WIDTH), np.int64)
        arrays = (
            self.account_arrays(),
            self.positions.arrays(),
            self.instrument_arrays(),
            self.asset_arrays(),
        )
        if self.accounts.count < PARALLEL_MIN:
            assess_serial(*arrays, self.accounts.count, out)
        else:
            assess_all(*arrays, self.accounts.count, out)
        return out

    def _sum_again(self, groups: I64, books: GroupBooks, summed: I64, asked: I64) -> None:
        """Put the kernels' sum and the add-ons in the place of what the standard model asks."""
        mine = np.flatnonzero(self.accounts.margin_model[groups] == STANDARD)
        rows = summed[groups[mine]]
        both = rows[:, [INITIAL, MAINTENANCE]] - rows[:, [DEBT_INITIAL, DEBT_MAINTENANCE]]
        sets = self.accounts.add_ons[groups[mine]]
        add_margins(self, self.add_ons, sets, groups[mine], books.take(mine), both)
        asked[mine] = both

    def forget_lists(self) -> None:
        """Forget the lists of holders, of modelled groups, of watched barriers and of parameters.

        To be called when the tables were filled anew.
        """
        self.forget_holders()
        self.forget_groups()
        self.forget_watched()
        self.forget_parameters()
        self.forget_age()

    def drop_caches(self) -> None:
        """Forget everything derived; no event depends on it."""
        MarketState.drop_caches(self)
        BookState.drop_caches(self)
        self.compact()

    def compact(self) -> None:
        """Sort the position rows by account and instrument; only the layout changes."""
        self.compact_positions()
        self.locate_suspense()

    def locate_suspense(self) -> None:
        """Find the settlement account's row of every instrument, after rows moved."""
        settlement = self.single(Role.SETTLEMENT)
        rows = np.flatnonzero(self.positions.used("account") == settlement)
        self.instruments.suspense[self.positions.instrument[rows]] = rows

    def sum_again(self) -> None:
        """Compute the running totals of the bookings anew, after the tables were filled."""
        lots, pending, _ = self.summed_positions()
        count = self.instruments.count
        self.instruments.lots_sum[:count] = lots
        self.instruments.pending_sum[:count] = pending
        self.positions.widen(count)
        longs, shorts = self.positions.sum_open(count)
        self.positions.long_lots[:count] = longs
        self.positions.short_lots[:count] = shorts
        self.accounts.balance_sum[:] = self.accounts.used("balance").sum(axis=0)

    def summed_positions(self) -> tuple[I64, I64, float]:
        """Add up all positions: lots and pending cash by instrument, and the gross of the book.

        The gross is all pending cash and what all lots could reach at any accepted price, in
        settlement units, as a float64.
        """
        count = self.instruments.count
        lots, pending = np.zeros(count, np.int64), np.zeros(count, np.int64)
        gross = sum_positions(self.positions.arrays(), self.reach_of_a_lot(), lots, pending)
        return lots, pending, float(gross)

    def reach_of_a_lot(self) -> npt.NDArray[np.float64]:
        """Largest value of one lot at any accepted price, settlement units; (instruments,)."""
        terms = self.instruments
        ticks = np.where(terms.used("form") == LINEAR, terms.used("ticks_max"), 1)
        reach: npt.NDArray[np.float64] = terms.used("unit").astype(np.float64) * ticks
        return reach

    def is_paused(self) -> bool:
        """Return whether the house pauses: nothing is decided against anybody (rule 8.81)."""
        return self.pause_ns > 0

    def assessed_before_now_ns(self) -> int:
        """Return the instant of the assessment before that of now, of the last one without it."""
        is_now = self.assessed_ns == self.now_ns
        return self.assessed_before_ns if is_now else self.assessed_ns

    def copy(self) -> Self:
        """Return an independent copy, for a fork."""
        twin = type(self)()
        twin.now_ns = self.now_ns
        twin.window_ns = self.window_ns
        twin.assessed_ns, twin.assessed_before_ns = self.assessed_ns, self.assessed_before_ns
        twin.interest_ns = self.interest_ns
        twin.pause_ns = self.pause_ns
        twin.unpaid, twin.gains = self.unpaid, self.gains
        twin.has_settled = self.has_settled
        twin.margin_models = self.margin_models
        twin.add_ons = self.add_ons
        twin.option_values = self.option_values
        twin.layout = self.layout
        for name in _TABLES:
            setattr(twin, name, getattr(self, name).copy())
        twin.parameters = self.parameters.copy()
        twin.checksum = self.checksum.copy()
        return twin


def _no_values(state: ClearingState, rows: I64, smiles: I64, seen: Seen) -> dict[str, I64]:
    """Values of options where nobody says how: what they have."""
    names = ("mark", "short_initial", "short_maintenance")
    return {name: getattr(state.marks, name)[rows] for name in names}


_TABLES = (
    "overrides",
    "parameter_changes",
    "tier_changes",
    "rule_changes",
    "instruments",
    "option_rules",
    "marks",
    "assets",
    "sources",
    "surfaces",
    "accounts",
    "positions",
    "reservations",
    "obligations",
)
