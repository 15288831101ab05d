"""What an account that is closed out still holds, and what it is worth to whoever takes it over."""

from __future__ import annotations

import math
from typing import TypeVar

from novate.default_management.state import DefaultState
from novate.kernel.clearing.columns import I64
from novate.kernel.clearing.settle import value_of
from novate.kernel.clearing.value import WORTH_MAX
from novate.market.reference import PPM
from novate.message.parameter import Parameter
from novate.valuation import ClearingState
from novate.valuation.price_status import is_blocked

N = TypeVar("N", int, I64)
"""One amount, or a column of them."""


def position_rows(x: ClearingState, account: int) -> list[int]:
    """Rows of an account's open positions, by instrument."""
    rows = []
    row = int(x.accounts.head[account])
    while row >= 0:
        if x.positions.lots[row] != 0:
            rows.append(row)
        row = int(x.positions.link[row])
    return sorted(rows, key=lambda r: int(x.positions.instrument[r]))


def blocked_instrument(x: ClearingState, account: int) -> int:
    """Lowest number of an open position whose price is blocked, -1 for none.

    A long option is left out: it is no collateral and asks for nothing, so that its price decides
    nothing.
    """
    p = x.positions
    held = (
        int(p.instrument[row])
        for row in position_rows(x, account)
        if p.lots[row] < 0 or not x.is_option(int(p.instrument[row]))
    )
    return next((i for i in held if is_blocked(x, i)), -1)


def has_blocked_price(x: ClearingState, account: int) -> bool:
    """Whether a position that decides waits for a price: nothing is liquidated at a guess."""
    return blocked_instrument(x, account) >= 0


def takeover_worth(x: ClearingState, account: int, equity: int) -> int:
    """Equity and the long options at their marks, numeraire units: what a takeover would take.

    Each is rounded down; one whose price is blocked counts as nothing.
    """
    p = x.positions
    for row in position_rows(x, account):
        i = int(p.instrument[row])
        if p.lots[row] > 0 and x.is_option(i) and not is_blocked(x, i):
            value = int(x.instruments.unit[i]) * int(p.lots[row]) * int(x.marks.mark[i])
            price = float(x.assets.unit_price[x.instruments.settlement_asset[i]])
            equity += math.floor(min(value * price, WORTH_MAX))
    return equity


def takeover_level(x: ClearingState, maintenance: N) -> N:
    """Equity below which an account in liquidation is taken over, numeraire units, rounded down.

    Parameters
    ----------
    maintenance
        Maintenance margin of one account, or of many.
    """
    share = x.parameter(Parameter.TAKEOVER_PPM)
    # In two parts: the product of the whole could leave 64 bits.
    return maintenance // PPM * share + maintenance % PPM * share // PPM


def notional_of(x: ClearingState, row: int) -> int:
    """Notional of a position at its mark, numeraire units, rounded up."""
    i = int(x.positions.instrument[row])
    value = value_of(
        x.instruments.form[i], x.instruments.unit[i], x.marks.mark[i], x.positions.lots[row]
    )
    price = float(x.assets.unit_price[x.instruments.settlement_asset[i]])
    return math.ceil(abs(int(value)) * price)


def is_flat(x: DefaultState, account: int) -> bool:
    """No positions, no open orders, and nothing but numeraire, paid or still owed."""
    row = int(x.accounts.head[account])
    while row >= 0:
        pending = x.positions.settlement_cost[row] != 0
        if x.positions.lots[row] or (
            pending and x.instruments.settlement_asset[x.positions.instrument[row]] != 0
        ):
            return False
        row = int(x.positions.link[row])
    # An asset without a price cannot be converted: it waits and stands in nobody's way.
    priced = x.assets.used("unit_price")[1:] > 0.0
    return not x.defaults.open_orders(account).size and not (
        x.accounts.balance[account, 1:][priced].any()
    )
