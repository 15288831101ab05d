"""Standing of members, and transfers between accounts of one holder."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from novate.kernel.codes import AccountStatus, MemberStatus, Role
from novate.message import refusal
from novate.message.parameter import Parameter
from tests.simulate.naive import obligation
from tests.simulate.naive.account import Account, Position
from tests.simulate.naive.accrued import accrued_funding
from tests.simulate.naive.cash import gain_of, share_of_unpaid
from tests.simulate.naive.number import AMOUNT_MAX, RefusedError, ceil_div, refuse_if, worth_up
from tests.simulate.naive.order import group_gap
from tests.simulate.naive.other_price import at_every_price
from tests.simulate.naive.world import Numbers, World

Row = dict[str, Any]
MILLION = 1_000_000


@pytest.mark.rule("6.50")
def set_member_status(w: World, row: Row, _: int) -> None:
    code = refusal.SetMemberStatusRefusal
    number, status = row["member"], row["status"]
    refuse_if(number >= len(w.accounts), code.UNKNOWN_MEMBER)
    member = w.accounts[number]
    refuse_if(member.role != Role.MEMBER, code.UNKNOWN_MEMBER)
    refuse_if(status not in list(MemberStatus), code.UNKNOWN_STATUS)
    refuse_if(member.status == MemberStatus.DEFAULTED, code.MEMBER_DEFAULTED)
    refuse_if(member.status == status, code.STATUS_UNCHANGED)
    member.status = status
    w.emit("MemberStatusSet", **row)


@pytest.mark.rule("5.66", "6.9")
def lacks_a_price(w: World, account: Account) -> bool:
    """Whether an index or a smile that the worth of the account's group hangs on is missing."""
    needed: set[int] = set()
    for one in w.accounts_of(account.group):
        needed |= {a for a, held in one.balance.items() if held and w.unit_price(a) > 0}
        for k, p in one.positions.items():
            i = w.instruments[k]
            if p.lots:
                needed |= {i.terms["underlying"], i.settles_in}
                if i.is_option and w.smile(i) is None:
                    return True
    return any(not w.is_fresh(a) or w.is_narrow(a) for a in needed - {0})


@pytest.mark.rule("5.40", "6.80", "6.110")
def lacks_an_assessment(w: World, account: Account) -> bool:
    """Whether a price that the group of an account hangs on was reported and not assessed.

    Or something was settled, and the group gained something in the window.
    """
    if w.has_settled and gain_of(w, account, w.assess(account)):
        return True
    assets: set[int] = set()
    for one in w.accounts_of(account.group):
        assets |= {a for a, held in one.balance.items() if held and w.unit_price(a) > 0}
        for k, p in one.positions.items():
            i = w.instruments[k]
            if not (p.lots or p.buys or p.sells):
                continue
            assets |= {i.terms["underlying"], i.settles_in}
            smile = (i.terms["underlying"], i.terms["expiry_ns"])
            if i.is_option and w.last_smile(i) is not None:
                if ("smile", smile) in w.reported:
                    return True
            elif ("last", k) in w.reported:
                return True
    return any(("index", a) in w.reported for a in assets)


@pytest.mark.rule("6.10", "6.11", "7.93")
def must_stay(w: World, account: Account, after: Numbers) -> tuple[int, int]:
    """What a withdrawal must leave: margin and cost, and with gains that are not proven."""
    rate = w.parameter(Parameter.LIQUIDATION_COST_PPM, account)
    margin = after.initial + ceil_div(after.notional * rate, MILLION)
    margin += group_gap(w, account) + accrued_funding(w, account)
    return margin, margin + after.unproven + w.group(account).encumbered


@pytest.mark.rule("6.53", "6.100")
def parties(w: World, row: Row, code: Any) -> tuple[Account, Account]:
    """Sender and receiver of a transfer."""
    found = []
    for name in ("sender", "receiver"):
        known = row[name] < len(w.accounts) and w.accounts[row[name]].has_margin
        refuse_if(not known, code[f"UNKNOWN_{name.upper()}"])
        found.append(w.accounts[row[name]])
    sender, receiver = found
    refuse_if(sender is receiver, code.SAME_ACCOUNT)
    refuse_if(sender.pool != receiver.pool, code.OTHER_POOL)
    refuse_if(sender.status != AccountStatus.OPEN, code.ACCOUNT_NOT_OPEN)
    may_pay = code is refusal.TransferCollateralRefusal and receiver.status == AccountStatus.CALLED
    refuse_if(receiver.status != AccountStatus.OPEN and not may_pay, code.ACCOUNT_NOT_OPEN)
    refuse_if(w.is_suspended(sender), code.MEMBER_NOT_ACTIVE)
    return sender, receiver


@pytest.mark.rule("6.54", "6.55", "6.56", "6.57")
def transfer_collateral(w: World, row: Row, _: int) -> None:
    code = refusal.TransferCollateralRefusal
    sender, receiver = parties(w, row, code)
    asset, amount = row["asset"], row["amount"]
    refuse_if(asset >= len(w.assets), code.UNKNOWN_ASSET)
    refuse_if(amount <= 0, code.AMOUNT_NOT_POSITIVE)
    held = sender.balance[asset]
    refuse_if(held < amount, code.INSUFFICIENT_BALANCE, amount, held)
    room = AMOUNT_MAX - abs(receiver.balance[asset])
    refuse_if(amount > room, code.AMOUNT_TOO_LARGE, amount, room)
    before = w.assess(sender)
    if sender.group != receiver.group:
        refuse_if(lacks_a_price(w, sender), code.INDEX_STALE)

        def check() -> None:
            sender.balance[asset] -= amount
            after = w.assess(sender)
            sender.balance[asset] += amount
            margin, everything = must_stay(w, sender, after)
            refuse_if(after.equity < margin, code.INSUFFICIENT_MARGIN, after.equity, margin)
            refuse_if(after.equity < everything, code.GAINS_UNPROVEN, after.equity, everything)
            everything += share_of_unpaid(w, sender, after)
            refuse_if(after.equity < everything, code.GAINS_NOT_PAID, after.equity, everything)

        at_every_price(w, check)
        refuse_if(lacks_an_assessment(w, sender), code.PRICE_NOT_ASSESSED)
    gained = max(w.group(sender).window_gain + before.gain, 0)
    gain = min(worth_up(amount, w.unit_price(asset)), gained)
    gain = min(gain, AMOUNT_MAX + sender.window_gain, AMOUNT_MAX - receiver.window_gain)
    worth = obligation.payment_of(w, receiver, asset, amount)
    sender.balance[asset] -= amount
    receiver.balance[asset] += amount
    sender.window_gain -= gain
    receiver.window_gain += gain
    w.emit("CollateralTransferred", **row, window_gain=gain)
    obligation.pay(w, receiver.group, worth)


@pytest.mark.rule("7.43")
def share(cost: int, lots: int, held: int) -> int:
    """What of a cost goes with some of the lots held."""
    size = abs(cost) * abs(lots) // abs(held)
    return size if cost > 0 else -size


@contextmanager
def undone_if_refused(w: World, *numbers: int) -> Iterator[None]:
    """Put accounts back as they were when what is tried with them is refused."""
    before = {k: copy.deepcopy(w.accounts[k]) for k in numbers}
    try:
        yield
    except RefusedError:
        for k, account in before.items():
            w.accounts[k] = account
        raise


@pytest.mark.rule("7.42", "7.43")
def transfer_position(w: World, row: Row, _: int) -> None:
    code = refusal.TransferPositionRefusal
    sender, receiver = parties(w, row, code)
    number, lots = row["instrument"], row["lots"]
    refuse_if(number >= len(w.instruments), code.UNKNOWN_INSTRUMENT)
    p = sender.positions.get(number, Position())
    fits = lots * p.lots > 0 and abs(lots) <= abs(p.lots)
    refuse_if(not fits, code.LOTS_OUT_OF_RANGE, lots, p.lots)
    other = receiver.positions.get(number, Position())
    refuse_if(other.lots * lots < 0, code.OPPOSITE_POSITION, lots, other.lots)
    elsewhere = receiver.is_isolated and any(
        k != number and (q.lots or q.buys or q.sells) for k, q in receiver.positions.items()
    )
    refuse_if(elsewhere, code.ISOLATED_ELSEWHERE)
    entry = share(p.entry_cost, lots, p.lots)
    settled = share(p.settlement_cost, lots, p.lots)
    with undone_if_refused(w, row["sender"], row["receiver"]):
        other = receiver.positions[number]
        p.lots, other.lots = p.lots - lots, other.lots + lots
        p.entry_cost, other.entry_cost = p.entry_cost - entry, other.entry_cost + entry
        p.settlement_cost -= settled
        other.settlement_cost += settled
        refuse_sizes(w, row)
        refuse_margins(w, row)
    w.emit("PositionTransferred", **row, entry_cost=entry, settlement_cost=settled)


@pytest.mark.rule("7.44", "7.45")
def refuse_sizes(w: World, row: Row) -> None:
    """Refuse a transfer that was booked if the position limit, 64 bits or open orders say so."""
    code, number, lots = refusal.TransferPositionRefusal, row["instrument"], row["lots"]
    sender, receiver = w.accounts[row["sender"]], w.accounts[row["receiver"]]
    i, p = w.instruments[number], receiver.positions[number]
    most = i.terms["lots_max"]
    held = abs(p.lots + (p.buys if lots > 0 else -p.sells))
    for one in w.accounts_of(receiver.group):
        if one is not receiver and number in one.positions:
            held += one.positions[number].widest
    refuse_if(held > most, code.POSITION_LIMIT, held, most)
    largest = max(abs(p.entry_cost), abs(p.settlement_cost), gross(w, sender), gross(w, receiver))
    largest = max(largest, abs(receiver.balance[i.settles_in]))
    refuse_if(largest > AMOUNT_MAX, code.AMOUNT_TOO_LARGE)
    if sender.netting_set == receiver.netting_set:
        return
    own = [one.positions.get(number, Position()) for one in w.accounts_of(sender.group)
           if one.netting_set == sender.netting_set]  # fmt: skip
    rest = max(sum(q.lots for q in own) * (1 if lots > 0 else -1), 0)
    orders = sum(q.sells if lots > 0 else q.buys for q in own)
    refuse_if(orders > rest, code.ORDERS_UNCOVERED, orders, rest)


@pytest.mark.rule("2.9", "6.36")
def gross(w: World, account: Account) -> int:
    """Gross of the group of an account."""
    return sum(
        abs(p.settlement_cost) + w.instruments[k].reach(p.widest)
        for one in w.accounts_of(account.group)
        for k, p in one.positions.items()
    )


@pytest.mark.rule("7.46", "7.47", "7.48")
def refuse_margins(w: World, row: Row) -> None:
    """Refuse a transfer that was booked if a group no longer has what it must hold."""
    code, i = refusal.TransferPositionRefusal, w.instruments[row["instrument"]]
    sides = [w.accounts[row["sender"]], w.accounts[row["receiver"]]]
    refuse_if(w.is_halted(i), code.PRICE_BLOCKED, row["instrument"], -1)
    if sides[0].group == sides[1].group:
        if sides[0].netting_set != sides[1].netting_set:
            n = w.assess(sides[0])
            refuse_if(n.equity < n.initial, code.INSUFFICIENT_MARGIN, n.equity, n.initial)
        return
    refuse_if(any(lacks_a_price(w, one) for one in sides), code.INDEX_STALE)

    def check() -> None:
        found = [(w.assess(one), must_stay(w, one, w.assess(one))) for one in sides]
        for n, (margin, _) in found:
            refuse_if(n.equity < margin, code.INSUFFICIENT_MARGIN, n.equity, margin)
        for n, (_, everything) in found:
            refuse_if(n.equity < everything, code.GAINS_UNPROVEN, n.equity, everything)
        for one, (n, (_, everything)) in zip(sides, found, strict=True):
            needed = everything + share_of_unpaid(w, one, n)
            refuse_if(n.equity < needed, code.GAINS_NOT_PAID, n.equity, needed)

    at_every_price(w, check)
    refuse_if(any(lacks_an_assessment(w, one) for one in sides), code.PRICE_NOT_ASSESSED)
