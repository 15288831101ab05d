"""Takeover: what goes to the liquidator, what its owner keeps, and how an account comes back."""

from __future__ import annotations

import math
from typing import Any

import pytest

from novate.kernel.codes import AccountStatus, Role
from novate.message.parameter import Parameter
from novate.message.refusal import ReopenAccountRefusal
from tests.simulate.naive.account import Account, within
from tests.simulate.naive.book import book_leg, pay_early
from tests.simulate.naive.failure import (
    GONE,
    cancel_excess_orders,
    close_orders,
    close_out_charge,
    fails,
    is_flat,
    net_that_counts,
    of_takeover,
    open_to_market,
    record_loss,
    shortfall,
    stands,
    what_decided,
    with_orders,
)
from tests.simulate.naive.number import AMOUNT_MAX, refuse_if, worth_down, worth_up
from tests.simulate.naive.world import World

MOST = 2 * AMOUNT_MAX


@pytest.mark.rule("6.41", "12.6", "12.7", "12.8", "12.9", "12.20", "12.25", "12.26", "12.27")
def take_over(w: World, number: int) -> None:
    first, n = w.accounts[number], w.assess(w.accounts[number])
    net = net_that_counts(w, first)
    below = fails(w, first, stands(w))
    decided = what_decided(w, first, of_takeover(w), with_orders)
    refuse_if(first.status != AccountStatus.LIQUIDATING or not below, GONE)
    liquidator, group = w.single(Role.LIQUIDATOR), w.accounts_of(number)
    charge = close_out_charge(w, first)
    share = w.parameter(Parameter.CONVERSION_CHARGE_PPM, first)
    for one in group:
        close_orders(w, one.number)
    is_first = is_flat(w, liquidator) and shortfall(w) <= 0
    if is_first:
        w.answerable = set()
    w.answerable |= {one.payer for one in group}
    stays = trade_positions(w, group, keeps_options=net > 0)
    if net > 0:
        rest = within(take_debts(w, group) + charge)
        rest = take_assets(w, group, share, rest)
        take_options(w, stays, share, rest)
    else:
        for one in group:
            for asset in list(one.balance):
                give(w, one, asset, one.balance[asset])
    kept = w.assess(first).net
    for one in group:
        one.status, one.slice_at = AccountStatus.TAKEN_OVER, 0
        if kept <= 0:
            one.window_gain = one.encumbered = 0
    cancel_excess_orders(w)
    first.owed += max(-net, 0)
    liquidator.slice_at = liquidator.slice_at if liquidator.slice_at > 0 else w.now
    w.emit(
        "AccountTakenOver",
        account=number,
        equity=net,
        maintenance=n.maintenance,
        is_first=is_first,
        charge=charge,
        conversion_ppm=share,
        kept=kept,
        **decided.columns,
    )
    if net < 0:
        record_loss(w, number, -net)


def give(w: World, account: Account, asset: int, amount: int) -> None:
    account.balance[asset] -= amount
    w.single(Role.LIQUIDATOR).balance[asset] += amount


def trade(w: World, account: Account, k: int, lots: int) -> int:
    """Lots go to the liquidator at the mark; returns their value."""
    i = w.instruments[k]
    value = i.value(i.mark, lots)
    book_leg(w, account, k, i.mark, -lots, -value)
    book_leg(w, w.single(Role.LIQUIDATOR), k, i.mark, lots, value)
    return value


@pytest.mark.rule("12.2", "12.3")
def trade_positions(
    w: World, group: list[Account], *, keeps_options: bool
) -> list[tuple[Account, int]]:
    """Trade what must be closed; returns the long options that stay for now."""
    held = [(one, k) for one in group for k in sorted(one.positions)]
    stays = {
        (one.number, k): open_to_market(w, one, k)
        for one, k in held
        if keeps_options and w.instruments[k].is_option and one.positions[k].lots > 0
    }
    for one, k in held:
        lots = one.positions[k].lots - stays.get((one.number, k), 0)
        if lots:
            trade(w, one, k, lots)
        pay_early(w, one, k, -one.positions[k].settlement_cost)
    return [(one, k) for one, k in held if stays.get((one.number, k), 0)]


@pytest.mark.rule("12.22")
def take_debts(w: World, group: list[Account]) -> int:
    """Debts go, with what the group has of the same asset; returns what is still to be paid."""
    rest = 0
    for asset in range(len(w.assets)):
        debt = 0
        for one in group:
            if one.balance[asset] < 0:
                debt = within(debt - one.balance[asset])
                give(w, one, asset, one.balance[asset])
        for one in group:
            paid = min(debt, max(one.balance[asset], 0))
            give(w, one, asset, paid)
            debt -= paid
        if asset == 0:
            rest = debt
        elif w.unit_price(asset) > 0:
            rest = within(rest + worth_up(debt, w.unit_price(asset)))
    return rest


def needed(held: int, rest: int, each: float) -> int:
    """How many of what is held pay the rest."""
    return held if each <= 0 else min(held, math.ceil(rest / each))


@pytest.mark.rule("12.23")
def take_assets(w: World, group: list[Account], share: int, rest: int) -> int:
    """Numeraire, then other assets, those with a fresh index first."""
    for one in group:
        paid = min(rest, max(one.balance[0], 0))
        give(w, one, 0, paid)
        rest -= paid
    others = [a for a in range(1, len(w.assets)) if w.unit_price(a) > 0]
    for asset in sorted(others, key=lambda a: (not w.is_fresh(a), a)):
        each = w.unit_price(asset) * (1 - w.assets[asset].haircut * share / 10**10)
        for one in group:
            if rest > 0 and one.balance[asset] > 0:
                given = needed(one.balance[asset], rest, each)
                give(w, one, asset, given)
                rest = max(rest - worth_down(given, each), 0)
    return rest


@pytest.mark.rule("12.24")
def take_options(w: World, stays: list[tuple[Account, int]], share: int, rest: int) -> None:
    """Long options pay last, those that are halted after the others."""
    for wanted in (False, True):
        for one, k in stays:
            i = w.instruments[k]
            if rest <= 0 or w.is_halted(i) != wanted:
                continue
            per_unit = w.price_in(i) * (1 - share / 10**6)
            each = float(i.terms["unit"] * i.mark) * per_unit
            value = trade(w, one, k, needed(one.positions[k].lots, rest, each))
            give(w, one, i.settles_in, value)
            rest = max(rest - worth_down(value, per_unit), 0)


@pytest.mark.rule("12.28")
def repay(w: World, account: Account, amount: int) -> int:
    """What of a deposit pays what the group owes; it goes to the insurance fund."""
    first = w.accounts[account.group]
    paid = min(amount, first.owed)
    first.owed -= paid
    account.balance[0] -= paid
    w.single(Role.INSURANCE_FUND).balance[0] += paid
    return paid


@pytest.mark.rule("12.29")
def reopen_account(w: World, row: dict[str, Any], _: int) -> None:
    code = ReopenAccountRefusal
    refuse_if(row["account"] not in w.margin_groups(), code.UNKNOWN_ACCOUNT)
    first = w.accounts[row["account"]]
    refuse_if(first.status != AccountStatus.TAKEN_OVER, code.NOT_TAKEN_OVER)
    refuse_if(first.owed > 0, code.STILL_OWED, first.owed, 0)
    refuse_if(w.is_suspended(first), code.MEMBER_NOT_ACTIVE)
    for one in w.accounts_of(row["account"]):
        one.status = AccountStatus.OPEN
    w.emit("AccountReopened", **row)
