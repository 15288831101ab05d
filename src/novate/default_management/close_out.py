"""Takeover worth, takeover level and blocked prices of accounts that are called or closed out."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from novate.default_management.refused import B1, known
from novate.default_management.state import DefaultState
from novate.kernel.clearing.assess import (
    DEBT_INITIAL,
    DEBT_MAINTENANCE,
    EQUITY,
    INITIAL,
    MAINTENANCE,
    TOTAL_MAX,
    WIDTH,
)
from novate.kernel.clearing.close_out import (
    add_charges,
    assess_subjects,
    assess_without_orders,
    find_binding,
    look_at_prices,
)
from novate.kernel.clearing.columns import I64, MarginColumns
from novate.kernel.clearing.settle import value_of
from novate.kernel.clearing.takeover import holds_nothing
from novate.kernel.codes import Bound
from novate.market.reference import PPM
from novate.message.parameter import Parameter
from novate.valuation import ClearingState
from novate.valuation.group_book import book_of, joined
from novate.valuation.other_price import other_prices, priced_at
from novate.valuation.price_status import blocked_prices
from novate.valuation.stale_collateral import decaying_assets, without_decay


def position_rows(x: ClearingState, account: int) -> list[int]:
    """Return the rows of an account's open positions, by instrument number."""
    rows = []
    row = int(x.accounts.head[account])
    while row >= 0:
        if x.positions.lots[row] != 0:
            rows.append(row)
        row = int(x.positions.link[row])
    return sorted(rows, key=lambda r: int(x.positions.instrument[r]))


def known_groups(x: ClearingState, numbers: npt.NDArray[np.integer[Any]]) -> tuple[I64, B1]:
    """Return numbers that index accounts, and which are those of a margin group; as `known`."""
    accounts, is_known = known(numbers, x.accounts.count)
    is_known &= x.accounts.margin_group[accounts] == accounts
    return accounts, is_known


def assess_many(x: ClearingState, accounts: I64) -> I64:
    """Assess the groups of some accounts exactly; (accounts, WIDTH) of `clearing.assess`.

    Margin is what the model of each group asks.
    """
    out = np.empty((accounts.size, WIDTH), np.int64)
    assess_subjects(
        x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), x.asset_arrays(),
        accounts, out,
    )  # fmt: skip
    rows = x.modelled_among(accounts)
    if rows.size:
        groups = x.groups_of(accounts[rows])
        asked = x.margins(groups, joined([book_of(x, group) for group in groups.tolist()]))
        debts = out[rows[:, None], [DEBT_INITIAL, DEBT_MAINTENANCE]]
        out[rows[:, None], [INITIAL, MAINTENANCE]] = asked + debts
    return out


def assess_positions(x: ClearingState, groups: I64) -> I64:
    """Assess some margin groups as if they had no open orders (rule 3.40); as `assess_many`."""
    out = np.empty((groups.size, WIDTH), np.int64)
    assess_without_orders(
        x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), x.asset_arrays(),
        groups, out,
    )  # fmt: skip
    rows = x.modelled_among(groups)
    if rows.size:
        some = groups[rows]
        books = [book_of(x, group).without_orders() for group in some.tolist()]
        asked = x.margins(some, joined(books))
        asked[:, 0] -= [x.open_order_hold(group) for group in some.tolist()]
        debts = out[rows[:, None], [DEBT_INITIAL, DEBT_MAINTENANCE]]
        out[rows[:, None], [INITIAL, MAINTENANCE]] = asked + debts
    return out


def position_margin(x: ClearingState, margin: MarginColumns, groups: I64) -> I64:
    """Return initial margin of some groups as if they had no open orders (rule 3.40).

    Parameters
    ----------
    margin
        Margin of all accounts, orders included: what a group without orders must hold.
    groups
        Numbers of margin groups.

    Returns
    -------
    I64
        Numeraire units, not negative; same shape as ``groups``.
    """
    initial: I64 = margin.initial[groups]
    if not groups.size:
        return initial
    rows = x.reservations.live()
    if rows.size:
        owners = x.groups_of(x.reservations.account[rows].astype(np.int64))
        has_orders = np.isin(groups, owners)
        initial = initial.copy()
        initial[has_orders] = assess_positions(x, groups[has_orders])[:, INITIAL]
    return initial


class PriceLook(NamedTuple):
    """What blocked prices and options say of some accounts; int64, each of shape (accounts,).

    Attributes
    ----------
    blocked
        Lowest number of an open position whose price is blocked, -1 for none: no takeover is
        decided on it (rule 4.22).  Long options are left out: they are no collateral and ask for no
        margin.
    long_worth
        Worth of the long options at their marks, numeraire units, each rounded down, not negative;
        one whose price is blocked, by more than a jump, counts as nothing (rule 10.2).
    short_worth
        The same of short options, not positive.
    """

    blocked: I64
    long_worth: I64
    short_worth: I64


def look_at(x: ClearingState, accounts: I64) -> PriceLook:
    """Return blocked positions and the worth of options of some accounts."""
    none = np.zeros(accounts.size, np.int64)
    look = PriceLook(np.full(accounts.size, -1, np.int64), none, none.copy())
    if accounts.size:
        look_at_prices(
            x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), x.asset_arrays(),
            blocked_prices(x), blocked_prices(x, may_jump=True), accounts, *look,
        )  # fmt: skip
    return look


def held_up(x: ClearingState, accounts: I64, blocked: I64) -> B1:
    """Return which accounts have open positions and a price of none: nothing could be closed.

    Rule 4.22; ``blocked`` is that of a `PriceLook`.  One position without a price shields no
    others, and no debt that could be converted.
    """
    found: B1 = blocked >= 0
    if found.any():
        is_blocked = blocked_prices(x)
        for k in np.flatnonzero(found).tolist():
            group = x.group_of(int(accounts[k]))
            book = book_of(x, group)
            found[k] = not (
                ((book.lots != 0) & ~is_blocked[book.instrument]).any()
                or owes_what_converts(x, group)
            )
    return found


def owes_what_converts(x: ClearingState, group: int) -> bool:
    """Return whether an account of a group has a debt that a conversion would pay now.

    Rule 4.22: a negative balance of an asset with a fresh index, or of the numeraire beside a
    balance of such an asset.
    """
    with x.looking_once():
        fresh = np.array([a for a in range(1, x.assets.count) if x.is_fresh(a)], np.int64)
    held = x.accounts.balance[x.accounts_of(np.array([group]))[0]]
    coins = held[:, fresh]
    is_owed = (coins < 0).any(axis=1) | ((held[:, 0] < 0) & (coins > 0).any(axis=1))
    return bool(is_owed.any())


def has_blocked_price(x: ClearingState, account: int) -> bool:
    """Return whether an open position of an account, long options aside, has a blocked price."""
    return bool(look_at(x, np.array([account])).blocked[0] >= 0)


Holds: TypeAlias = Callable[[I64, I64], B1]
"""``holds(accounts, numbers)``: of which accounts something holds, with their assessments at the
prices that the state has then; bool, shape (accounts,)."""

Assess: TypeAlias = Callable[[ClearingState, I64], I64]
"""`assess_many`, or `assess_positions` where open orders are no part of what is asked."""


def covers_maintenance(accounts: I64, numbers: I64) -> B1:
    """Whether equity is at or above maintenance margin."""
    return np.asarray(numbers[:, EQUITY] >= numbers[:, MAINTENANCE])


def holds_elsewhere(
    x: ClearingState, accounts: I64, holds: Holds, assess: Assess | None = None
) -> tuple[B1, I64]:
    """Ask of accounts for which something does not hold at the marks whether it does elsewhere.

    Parameters
    ----------
    accounts
        Numbers of accounts, shape (accounts,).
    holds
        What is asked, at each of `other_prices`.
    assess
        What assesses them, `assess_many` if not given.

    Returns
    -------
    tuple
        Of which it holds at one of them, shape (accounts,), and their assessments at the first such
        one, shape (accounts, WIDTH); other rows are without meaning.
    """
    found = np.zeros(accounts.size, np.bool_)
    numbers = np.zeros((accounts.size, WIDTH), np.int64)
    for prices in other_prices(x) if accounts.size else ():
        rows = np.flatnonzero(~found)
        with priced_at(x, prices):
            there = (assess or assess_many)(x, accounts[rows])
            is_met = holds(accounts[rows], there)
        numbers[rows[is_met]] = there[is_met]
        found[rows] = is_met
    return found, numbers


def failing(x: ClearingState, accounts: I64, holds: Holds, assess: Assess | None = None) -> I64:
    """Return those accounts, failing at the marks, that fail at all other prices (rule 5.80)."""
    return accounts[~holds_elsewhere(x, accounts, holds, assess)[0]]


def holds_anywhere(
    x: ClearingState, accounts: I64, numbers: I64, holds: Holds, assess: Assess | None = None
) -> B1:
    """Ask at the marks, then elsewhere; ``numbers`` becomes the assessments at which it holds."""
    is_met = holds(accounts, numbers)
    rows = np.flatnonzero(~is_met)
    found, there = holds_elsewhere(x, accounts[rows], holds, assess)
    numbers[rows[found]] = there[found]
    is_met[rows] = found
    return is_met


def is_only_decayed(x: ClearingState, accounts: I64) -> B1:
    """Return which accounts would hold maintenance margin if stale collateral did not decay.

    Rule 10.40; nobody while no collateral decays.  What a model asks does not depend on collateral.
    """
    if not decaying_assets(x).size or not accounts.size:
        return np.zeros(accounts.size, np.bool_)
    with without_decay(x):
        return holds_anywhere(x, accounts, assess_many(x, accounts), covers_maintenance)


class Bindings(NamedTuple):
    """What bound maintenance margin of some accounts (rule 11.2); int64, shape (accounts,).

    Attributes
    ----------
    instrument
        Contract that bound, -1 where it was another reason, or none.
    bound
        `kernel.codes.Bound`.
    scenario
        Number of the scenario that bound, -1 for another reason.
    """

    instrument: I64
    bound: I64
    scenario: I64


def bindings_of(x: ClearingState, accounts: I64) -> Bindings:
    """Find what bound the maintenance margin of some accounts; ties go to the lower instrument."""
    instrument = np.empty(accounts.size, np.int64)
    find_binding(
        x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), x.asset_arrays(),
        accounts, instrument,
    )  # fmt: skip
    bound = np.where(instrument >= 0, int(Bound.CONTRACT), int(Bound.NONE))
    found = Bindings(instrument, bound, np.full(accounts.size, -1, np.int64))
    for row in x.modelled_among(accounts).tolist():
        binding = x.requirement(int(accounts[row])).binding
        found.bound[row] = binding.kind
        found.instrument[row] = binding.subject if binding.kind == Bound.CONTRACT else -1
        found.scenario[row] = binding.number if binding.kind == Bound.SCENARIO else -1
    return found


class TakeoverLook(NamedTuple):
    """What decides whether accounts fail; int64, each of shape (accounts,).

    Attributes
    ----------
    worth, level
        Takeover worth and takeover level, numeraire units (rules 10.2 and 10.3).
    blocked
        As in `PriceLook`.
    """

    worth: I64
    level: I64
    blocked: I64


def look_for_takeover(
    x: ClearingState, accounts: I64, equity: I64, maintenance: I64
) -> TakeoverLook:
    """Return takeover worth and takeover level of some accounts.

    Parameters
    ----------
    accounts, equity, maintenance
        Numbers of the accounts, and their equity and maintenance margin in numeraire units.
    """
    look = look_at(x, accounts)
    worth = np.clip(equity + look.long_worth, -TOTAL_MAX, TOTAL_MAX) + look.short_worth
    # What a short is worth is owed already; the rest of its margin is for moves to come.
    beyond = np.maximum(maintenance + look.short_worth, 0)
    return TakeoverLook(worth, takeover_level(x, accounts, beyond), look.blocked)


def may_fail(x: ClearingState, accounts: I64, equity: I64, maintenance: I64) -> B1:
    """Return which accounts may be below their takeover level: no other one is.

    Without options worth is equity; with them everybody is looked at.
    """
    if x.surfaces.count:  # no option has a mark before there is a smile
        return np.ones(accounts.size, np.bool_)
    below: B1 = equity < takeover_level(x, accounts, maintenance)
    return below


def takeover_level(x: ClearingState, accounts: I64, maintenance: I64) -> I64:
    """Return the takeover worth below which an account is taken over (rule 10.3).

    Parameters
    ----------
    accounts, maintenance
        Numbers of the accounts, and their maintenance margin beyond the value of short options, in
        numeraire units; shape (accounts,).

    Returns
    -------
    I64
        ``floor(maintenance * takeover_ppm / 10**6)``, numeraire units, same shape.
    """
    share = x.parameter_of(Parameter.TAKEOVER_PPM, accounts)
    # In two parts: the product of the whole could leave 64 bits.
    return maintenance // PPM * share + maintenance % PPM * share // PPM


def close_out_charges(x: ClearingState, groups: I64) -> I64:
    """Return the charge for closing the positions of some groups, numeraire units (rule 12.21).

    Shape (groups,), not negative.
    """
    charge = np.zeros(groups.size, np.int64)
    add_charges(
        x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), x.asset_arrays(), groups,
        *x.by_position(Parameter.CLOSE_OUT_CHARGE_PPM, groups),
        x.by_instrument(Parameter.CLOSE_OUT_DEPTH), charge,
    )  # fmt: skip
    return charge


def stands(x: ClearingState, accounts: I64, numbers: I64) -> B1:
    """Whether takeover worth is at or above the takeover level (rules 10.2 and 10.3)."""
    worth, level, _ = look_for_takeover(x, accounts, numbers[:, EQUITY], numbers[:, MAINTENANCE])
    return np.asarray(worth >= level)


def notional_of(x: ClearingState, i: int, lots: int) -> int:
    """Return the notional of lots at the mark, numeraire units, rounded up (rule 13.10)."""
    value = value_of(x.instruments.form[i], x.instruments.unit[i], x.marks.mark[i], lots)
    price = float(x.assets.unit_price[x.instruments.settlement_asset[i]])
    return math.ceil(abs(int(value)) * price)


def is_flat(x: DefaultState, account: int) -> bool:
    """Return whether an account has no lots, no orders and nothing but numeraire (rule 11.22)."""
    return bool(
        holds_nothing(
            x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), x.asset_arrays(),
            account,
        )
        and not x.defaults.orders.of(np.array([account])).size
    )  # fmt: skip
