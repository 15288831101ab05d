"""What is really there: custody, and what the external market owes."""

from __future__ import annotations

from typing import Any

import pytest

from novate.kernel.codes import Role
from novate.message import refusal
from tests.simulate.naive.account import Account
from tests.simulate.naive.number import AMOUNT_MAX, ceil_div, refuse_if, worth_up
from tests.simulate.naive.world import Numbers, World

Row = dict[str, Any]


@pytest.mark.rule("6.90")
def there_is(w: World, asset: int) -> int:
    """What the clearing house holds of an asset."""
    return -w.single(Role.CUSTODY).balance[asset]


@pytest.mark.rule("3.19")
def market_total(w: World, asset: int) -> int:
    """Balance and unsettled profit of the external market in an asset."""
    market = w.single(Role.EXTERNAL_MARKET)
    total = market.balance[asset]
    for k, p in market.positions.items():
        i = w.instruments[k]
        if i.settles_in == asset:
            is_marked = i.mark > 0 and not i.is_option
            total += (i.value(i.mark, p.lots) if is_marked else 0) - p.settlement_cost
    return total


@pytest.mark.rule("6.92")
def call_external_market(w: World) -> None:
    """Tell what the external market owes, asset by asset, where that is news."""
    if w.number_of(Role.EXTERNAL_MARKET) < 0:
        return
    for k, asset in enumerate(w.assets):
        owes = max(-w.single(Role.EXTERNAL_MARKET).balance[k], 0)
        if owes != asset.called:
            asset.called = owes
            w.emit("ExternalMarketCalled", asset=k, amount=owes)


@pytest.mark.rule("6.93")
def settle_external_market(w: World, row: Row, _: int) -> None:
    code = refusal.SettleExternalMarketRefusal
    asset, amount = row["asset"], row["amount"]
    refuse_if(asset >= len(w.assets), code.UNKNOWN_ASSET)
    refuse_if(amount == 0, code.AMOUNT_ZERO)
    market = w.single(Role.EXTERNAL_MARKET)
    owes = max(-market.balance[asset], 0)
    refuse_if(amount > owes, code.MORE_THAN_OWED, amount, owes)
    may_take = max(min(market.balance[asset], market_total(w, asset)), 0)
    refuse_if(-amount > may_take, code.INSUFFICIENT_BALANCE, None, may_take)
    refuse_if(amount > AMOUNT_MAX - abs(there_is(w, asset)), code.AMOUNT_TOO_LARGE)
    refuse_if(-amount > max(there_is(w, asset), 0), code.CUSTODY_SHORT, -amount, there_is(w, asset))
    market.balance[asset] += amount
    w.single(Role.CUSTODY).balance[asset] -= amount
    if amount > 0:
        w.assets[asset].called = max(w.assets[asset].called - amount, 0)
    w.emit("ExternalMarketSettled", **row)


@pytest.mark.rule("6.94")
def unpaid_now(w: World) -> int:
    """What nobody has paid for yet."""
    if w.number_of(Role.EXTERNAL_MARKET) < 0 or w.number_of(Role.LIQUIDATOR) < 0:
        return 0
    market, own = w.single(Role.EXTERNAL_MARKET), w.assess(w.single(Role.LIQUIDATOR))
    total = sum(
        worth_up(max(-market.balance[k], -market_total(w, k), 0), w.unit_price(k))
        for k in range(len(w.assets))
    )
    pending = sum(loss.amount for loss in w.losses if loss.is_open) + w.uncovered
    total += max(-(own.net + pending), 0) + pending
    total += sum(max(-w.assess(w.accounts[k]).net, 0) for k in w.margin_groups())
    return min(total, 4 * AMOUNT_MAX - 1)


@pytest.mark.rule("6.95")
def gain_of(w: World, account: Account, n: Numbers) -> int:
    """What the group of an account has gained in the window."""
    return max(w.group(account).window_gain + n.gain, 0)


@pytest.mark.rule("6.95")
def hold_gains(w: World) -> None:
    """Tell what is unpaid and which gains wait for it, where that is news."""
    unpaid, gains = unpaid_now(w), 0
    if unpaid:
        for first in (w.accounts[k] for k in w.margin_groups()):
            n = w.assess(first)
            gains += min(gain_of(w, first, n), max(n.net, 0))
        gains = min(gains, 4 * AMOUNT_MAX - 1)
    if (unpaid, gains) != (w.unpaid, w.gains):
        w.unpaid, w.gains = unpaid, gains
        w.emit("GainsHeld", unpaid=unpaid, gains=gains)


@pytest.mark.rule("6.96")
def share_of_unpaid(w: World, account: Account, n: Numbers) -> int:
    """What the gains of a group must leave in while something is unpaid."""
    gain = gain_of(w, account, n)
    if not w.unpaid or not gain:
        return 0
    return min(gain, ceil_div(w.unpaid * gain, max(w.gains, gain)))
