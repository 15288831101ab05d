"""Commands that make margin groups and netting sets of the accounts of a pool."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from novate.kernel.codes import AccountStatus
from novate.message.refusal import OpenSubAccountRefusal, SetMarginGroupRefusal
from tests.simulate.naive.account import Account, Position
from tests.simulate.naive.cash import share_of_unpaid
from tests.simulate.naive.number import AMOUNT_MAX, refuse_if
from tests.simulate.naive.other_price import at_every_price
from tests.simulate.naive.transfer import lacks_a_price, lacks_an_assessment, must_stay
from tests.simulate.naive.world import World

Row = dict[str, Any]
GROUP_MAX = 64
Check: TypeAlias = Callable[[bool, int, int | None, int | None], None]
"""Refuses by a code, with the number that broke and the number allowed, if something is broken."""


@pytest.mark.rule("6.31", "6.32", "6.51")
def open_sub_account(w: World, row: Row, _: int) -> None:
    code = OpenSubAccountRefusal
    reference, mode, group, netting_set = (
        row[name] for name in ("reference", "mode", "group", "netting_set")
    )
    refuse_if(not reference or reference in w.references, code.REFERENCE_TAKEN)
    known = row["account"] < len(w.accounts) and w.accounts[row["account"]].has_margin
    refuse_if(not known, code.UNKNOWN_ACCOUNT)
    holder = w.accounts[row["account"]]
    refuse_if(mode not in (1, 2), code.UNKNOWN_MODE)
    inside = [a for a in w.accounts_of(group) if a.has_margin]
    number, model, add_ons = len(w.accounts), 0, frozenset[int]()
    if group != -1:
        refuse_if(not inside, code.UNKNOWN_GROUP)
        first = w.accounts[group]
        refuse_if(first.pool != holder.pool, code.OTHER_POOL)
        refuse_if(first.status != AccountStatus.OPEN, code.GROUP_NOT_OPEN)
        refuse_if(mode == 2 or first.is_isolated, code.ISOLATED_IN_GROUP)
        refuse_if(len(inside) >= GROUP_MAX, code.GROUP_FULL)
        model, add_ons = first.model, first.add_ons
    if netting_set != -1:
        known = netting_set in [a.netting_set for a in inside]
        refuse_if(not known, code.UNKNOWN_NETTING_SET)
    refuse_if(w.is_suspended(holder), code.MEMBER_NOT_ACTIVE)
    new = Account(
        number,
        holder.role,
        holder.parent,
        mode,
        holder.shortfall_policy,
        holder.segregation,
        holder.pool,
        number if group == -1 else group,
        number if netting_set == -1 else netting_set,
        holder.payer,
        model=model,
        add_ons=add_ons,
    )
    w.accounts.append(new)
    w.references.add(reference)
    w.emit(
        "SubAccountOpened",
        account=number,
        reference=reference,
        holder=row["account"],
        mode=mode,
        group=new.group,
        netting_set=new.netting_set,
    )


@pytest.mark.rule("6.33")
def set_margin_group(w: World, row: Row, _: int) -> None:
    code = SetMarginGroupRefusal
    number, group, netting_set = row["account"], row["group"], row["netting_set"]
    known = number < len(w.accounts) and w.accounts[number].has_margin
    refuse_if(not known, code.UNKNOWN_ACCOUNT)
    account = w.accounts[number]
    exists = any(a.has_margin for a in w.accounts_of(group))
    refuse_if(group != number and not exists, code.UNKNOWN_GROUP)
    first = w.accounts[group]
    refuse_if(first.pool != account.pool, code.OTHER_POOL)
    isolated = group != number and (first.is_isolated or account.is_isolated)
    refuse_if(isolated, code.ISOLATED_IN_GROUP)
    joined = [a for a in w.accounts_of(group) if a is not account]
    refuse_if(len(joined) >= GROUP_MAX, code.GROUP_FULL)
    refuse_if(
        netting_set not in [number, *(a.netting_set for a in joined)], code.UNKNOWN_NETTING_SET
    )
    left = [a for a in w.accounts_of(account.group) if a is not account]
    leaves_group = account.group == number and group != number
    same_set = group == account.group and netting_set == account.netting_set
    leaves_set = account.netting_set == number and not same_set
    of_set = [a for a in left if a.netting_set == number]
    refuse_if((leaves_group and bool(left)) or (leaves_set and bool(of_set)), code.FIRST_OF_OTHERS)
    move(w, account, group, netting_set)


@pytest.mark.rule("6.34", "6.58", "6.60")
def move(w: World, account: Account, group: int, netting_set: int) -> None:
    """Put an account into a group unless risk speaks against it."""
    code = SetMarginGroupRefusal
    firsts = [w.accounts[account.group], w.accounts[group]]
    refuse_if(any(a.status != AccountStatus.OPEN for a in firsts), code.NOT_OPEN)
    contracts = [k for a in firsts for k in w.group(a).contracts]
    blocked = [k for k in contracts if w.is_blocked(w.instruments[k])]
    refuse_if(bool(blocked), code.PRICE_BLOCKED, blocked[0] if blocked else 0)
    names = ("group", "netting_set", "model", "add_ons")
    before = {name: getattr(account, name) for name in names}
    closes = closing_sides(w, account, group, netting_set)
    account.group, account.netting_set = group, netting_set
    if group != account.number:
        account.model, account.add_ons = w.accounts[group].model, w.accounts[group].add_ons

    def check(broken: bool, code: int, actual: int | None, allowed: int | None) -> None:
        if broken:
            vars(account).update(before)
        refuse_if(broken, code, actual, allowed)

    check_sizes(w, account, check)
    left = before["group"]
    check_orders(w, closes, check)
    others = [w.accounts[left]] if w.accounts_of(left) and left != group else []
    n = w.assess(account)
    if others:
        check_parts(w, (*others, account), check)
    else:
        check(n.equity < n.initial, code.INSUFFICIENT_MARGIN, n.equity, n.initial)
    check(w.is_suspended(account), code.MEMBER_NOT_ACTIVE, None, None)
    for one in (*others, account) if others else ():
        n = w.assess(one)
        needed = must_stay(w, one, n)[1] + share_of_unpaid(w, one, n)
        check(n.equity < needed, code.GAINS_NOT_PAID, n.equity, needed)
    n = w.assess(account)
    is_new = any(lacks_an_assessment(w, one) for one in (*others, account) if others)
    check(is_new, code.PRICE_NOT_ASSESSED, None, None)
    w.emit(
        "MarginGroupSet",
        account=account.number,
        group=group,
        netting_set=netting_set,
        equity=n.equity,
        requirement=n.initial,
    )


@pytest.mark.rule("6.34", "6.37")
def check_sizes(w: World, account: Account, check: Check) -> None:
    """The position limit in every contract of the account, gross and holds of its group."""
    code = SetMarginGroupRefusal
    for k in sorted(account.positions):
        held = [a.positions.get(k, Position()).widest for a in w.accounts_of(account.group)]
        most = w.instruments[k].terms["lots_max"]
        check(sum(held) > most, code.POSITION_LIMIT, sum(held), most)
    gross = sum(
        abs(p.settlement_cost) + w.instruments[k].reach(p.widest)
        for one in w.accounts_of(account.group)
        for k, p in one.positions.items()
    )
    largest = max(gross, w.group(account).open_order_hold)
    # Of a gross that is too large only its being so is told: counting may end there.
    check(largest > AMOUNT_MAX, code.AMOUNT_TOO_LARGE, None, AMOUNT_MAX)


@pytest.mark.rule("6.58")
def check_parts(w: World, parts: tuple[Account, ...], check: Check) -> None:
    """Both parts of a group have what a withdrawal leaves."""
    code = SetMarginGroupRefusal
    check(any(lacks_a_price(w, one) for one in parts), code.INDEX_STALE, None, None)

    def ask() -> None:
        found = [(w.assess(one).equity, *must_stay(w, one, w.assess(one))) for one in parts]
        for equity, margin, _ in found:
            check(equity < margin, code.INSUFFICIENT_MARGIN, equity, margin)
        for equity, _, everything in found:
            check(equity < everything, code.GAINS_UNPROVEN, equity, everything)

    at_every_price(w, ask)


Sides: TypeAlias = list[tuple[int, int, list[Account]]]
"""Contract, sign of a position that orders close, and accounts of a netting set to come."""


@pytest.mark.rule("6.59")
def closing_sides(w: World, account: Account, group: int, netting_set: int) -> Sides:
    """Which orders need the position that they close, once an account is in another set."""
    if (account.group, account.netting_set) == (group, netting_set):
        return []
    own = [a for a in w.accounts_of(account.group) if a.netting_set == account.netting_set]
    left = [a for a in own if a is not account]
    joined = [a for a in w.accounts_of(group) if a is not account and a.netting_set == netting_set]
    found: Sides = []
    for k in sorted(account.positions):
        other = [a.positions.get(k, Position()) for a in (*left, *joined)]
        p = account.positions[k]
        if not any((p.lots, p.buys, p.sells)):
            continue
        if not any((q.lots, q.buys, q.sells) != (0, 0, 0) for q in other):
            continue
        nets = [sum(a.positions.get(k, Position()).lots for a in one) for one in (own, joined)]
        for accounts in (left, [account, *joined]):
            found += [(k, 1, accounts)] if max(nets) > 0 else []
            found += [(k, -1, accounts)] if min(nets) < 0 else []
    return found


@pytest.mark.rule("6.59")
def check_orders(w: World, closes: Sides, check: Check) -> None:
    """Orders of a closing side are no more than the lots that they close."""
    for k, sign, accounts in closes:
        held = [a.positions.get(k, Position()) for a in accounts]
        rest = max(sum(q.lots for q in held) * sign, 0)
        orders = sum(q.sells if sign > 0 else q.buys for q in held)
        check(orders > rest, SetMarginGroupRefusal.ORDERS_UNCOVERED, orders, rest)
