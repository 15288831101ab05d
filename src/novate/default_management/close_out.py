"""Takeover worth, takeover level and blocked prices of accounts that are called or closed out."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from novate.default_management.refused import B1, known
from novate.default_management.state import DefaultState
from novate.kernel.clearing.assess import EQUITY, INITIAL, MAINTENANCE, WIDTH
from novate.kernel.clearing.close_out import assess_subjects, find_binding, look_at_prices
from novate.kernel.clearing.columns import I64
from novate.kernel.clearing.settle import value_of
from novate.kernel.clearing.takeover import holds_nothing
from novate.kernel.codes import Bound
from novate.market.reference import PPM
from novate.message.parameter import Parameter
from novate.valuation import ClearingState
from novate.valuation.group_book import book_of, joined
from novate.valuation.other_price import other_prices, priced_at
from novate.valuation.price_status import blocked_prices


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
        out[rows[:, None], [INITIAL, MAINTENANCE]] = asked
    return out


class PriceLook(NamedTuple):
    """What blocked prices and long options say of some accounts; int64, each of shape (accounts,).

    Attributes
    ----------
    blocked
        Lowest number of an open position whose price is blocked, -1 for none: no liquidation, call
        or default is decided on it (rule 4.22).  Long options are left out: they are no collateral
        and ask for no margin.
    long_worth
        Worth of the long options at their marks, numeraire units, each rounded down, not negative;
        one whose price is blocked, by more than a jump, counts as nothing (rule 10.2).
    """

    blocked: I64
    long_worth: I64


def look_at(x: ClearingState, accounts: I64) -> PriceLook:
    """Return blocked positions and the worth of long options of some accounts."""
    look = PriceLook(np.full(accounts.size, -1, np.int64), np.zeros(accounts.size, np.int64))
    if accounts.size:
        look_at_prices(
            x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), x.asset_arrays(),
            blocked_prices(x), blocked_prices(x, may_jump=True), accounts, *look,
        )  # fmt: skip
    return look


def has_blocked_price(x: ClearingState, account: int) -> bool:
    """Return whether an open position of an account, long options aside, has a blocked price."""
    return bool(look_at(x, np.array([account])).blocked[0] >= 0)


Holds: TypeAlias = Callable[[I64, I64], B1]
"""``holds(accounts, numbers)``: of which accounts something holds, with their assessments at the
prices that the state has then; bool, shape (accounts,)."""


def covers_maintenance(accounts: I64, numbers: I64) -> B1:
    """Whether equity is at or above maintenance margin."""
    return np.asarray(numbers[:, EQUITY] >= numbers[:, MAINTENANCE])


def covers_initial(accounts: I64, numbers: I64) -> B1:
    """Whether equity is at or above initial margin."""
    return np.asarray(numbers[:, EQUITY] >= numbers[:, INITIAL])


def holds_elsewhere(x: ClearingState, accounts: I64, holds: Holds) -> tuple[B1, I64]:
    """Ask of accounts for which something does not hold at the marks whether it does elsewhere.

    Parameters
    ----------
    accounts
        Numbers of accounts, shape (accounts,).
    holds
        What is asked, at each of `other_prices`.

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
            there = assess_many(x, accounts[rows])
            is_met = holds(accounts[rows], there)
        numbers[rows[is_met]] = there[is_met]
        found[rows] = is_met
    return found, numbers


def failing(x: ClearingState, accounts: I64, holds: Holds) -> I64:
    """Return those accounts, failing at the marks, that fail at all other prices (rule 5.80)."""
    return accounts[~holds_elsewhere(x, accounts, holds)[0]]


def holds_anywhere(x: ClearingState, accounts: I64, numbers: I64, holds: Holds) -> B1:
    """Ask at the marks, then elsewhere; ``numbers`` becomes the assessments at which it holds."""
    is_met = holds(accounts, numbers)
    rows = np.flatnonzero(~is_met)
    found, there = holds_elsewhere(x, accounts[rows], holds)
    numbers[rows[found]] = there[found]
    is_met[rows] = found
    return is_met


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


def takeover_level(x: ClearingState, accounts: I64, maintenance: I64) -> I64:
    """Return the takeover worth below which an account is taken over (rule 10.3).

    Parameters
    ----------
    accounts, maintenance
        Numbers of the accounts, and their maintenance margin in numeraire units; shape (accounts,).

    Returns
    -------
    I64
        ``floor(maintenance * takeover_ppm / 10**6)``, numeraire units, same shape.
    """
    share = x.parameter_of(Parameter.TAKEOVER_PPM, accounts)
    # In two parts: the product of the whole could leave 64 bits.
    return maintenance // PPM * share + maintenance % PPM * share // PPM


def stands(x: ClearingState, accounts: I64, numbers: I64) -> B1:
    """Whether takeover worth is at or above the takeover level (rules 10.2 and 10.3)."""
    worth = numbers[:, EQUITY] + look_at(x, accounts).long_worth
    return np.asarray(worth >= takeover_level(x, accounts, numbers[:, MAINTENANCE]))


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
