"""Funding, and what comes back of it to payers that paid with a return to the index."""

from __future__ import annotations

import math
from collections import defaultdict

import pytest

from novate.kernel.codes import DueKind, Role
from tests.simulate.naive.account import Account
from tests.simulate.naive.accrued import rate_of
from tests.simulate.naive.book import (
    BILLION,
    add_window_gain,
    holders,
    lots_held,
    postpone,
)
from tests.simulate.naive.market import counted_time
from tests.simulate.naive.number import AMOUNT_MAX, ceil_div, clamp, share_out
from tests.simulate.naive.order import conceded_by, group_gap, is_closing, order_gap, short_worth
from tests.simulate.naive.other_price import at_index, undone
from tests.simulate.naive.world import World

Payments = list[tuple[Account, int]]
"""Accounts and what they paid, negative of who received."""


@pytest.mark.rule("8.6", "8.7", "8.8", "8.9", "8.40", "8.70", "15.72")
def settle_funding(w: World, number: int) -> None:
    i = w.instruments[number]
    interval = i.terms["funding_ns"]
    due = i.next_funding or i.funding_waits_from
    if w.lacks_price(i):
        postpone(w, number, DueKind.FUNDING, -due)
        i.next_funding, i.funding_waits_from = 0, due
        return
    periods = 1
    if i.next_funding == 0:
        periods += (w.now - due) // interval
    i.next_funding, i.funding_waits_from = due + periods * interval, 0
    extra = counted_time(i, (w.now - max(i.updated, i.funded)) // 1_000_000)
    total, ms = i.premium_sum + i.premium_e9 * extra, i.premium_ms + extra
    if ms == 0:
        postpone(w, number, DueKind.FUNDING, i.next_funding)
        return
    i.next_funding, i.funding_waits_from = due + periods * interval, 0
    premium = total // ms
    rate = clamp(periods * rate_of(i, premium), -BILLION, BILLION)
    payments = []
    for account in holders(w, number):
        lots = account.positions[number].lots
        size = abs(i.value(i.mark, lots)) * abs(rate)
        pays = (lots > 0) == (rate > 0)
        payments.append((account, ceil_div(size, BILLION) if pays else -(size // BILLION)))
    left = [abs(account.balance[i.settles_in] - paid) for account, paid in payments if paid]
    if max(left, default=0) >= AMOUNT_MAX:
        postpone(w, number, DueKind.FUNDING, i.next_funding)
        return
    for account, paid in payments:
        account.balance[i.settles_in] -= paid
        add_window_gain(account, -paid, w.price_in(i))
    excused = paid_for_others(w, number, rate)
    i.taken_over, i.liquidator_had = 0, lots_held(w.single(Role.LIQUIDATOR), number)
    kept = sum(paid for _, paid in payments)
    w.single(Role.RESIDUE).balance[i.settles_in] += kept
    i.period += periods
    i.premium_sum = i.premium_ms = 0
    i.funded = w.now
    w.emit(
        "FundingSettled",
        instrument=number,
        period=i.period,
        ticks=i.mark,
        rate_e9=rate,
        instant_ns=w.now,
        periods=periods,
    )
    return_funding(w, number, payments, kept, (premium, periods), excused)


@pytest.mark.rule("8.76", "8.77")
def paid_for_others(w: World, number: int, rate: int) -> dict[int, int]:
    """What liquidator and external market pay for lots that came to them by liquidation."""
    i, market = w.instruments[number], w.single(Role.EXTERNAL_MARKET)
    liquidator = w.single(Role.LIQUIDATOR)
    lots = {
        liquidator.number: taken_since(lots_held(liquidator, number), i.liquidator_had),
        market.number: i.taken_over,
    }
    return {
        account: ceil_div(abs(i.value(i.mark, some)) * abs(rate), BILLION)
        for account, some in lots.items()
        if some * rate > 0
    }


@pytest.mark.rule("8.76")
def taken_since(held: int, before: int) -> int:
    """Lots that came since: all, where before there were none or lots of the other side."""
    kept = min(abs(held), abs(before)) if held * before > 0 else 0
    return held - kept if held > 0 else held + kept


@pytest.mark.rule("8.71", "8.74", "8.75")
def return_funding(
    w: World,
    number: int,
    payments: Payments,
    kept: int,
    time: tuple[int, int],
    excused: dict[int, int],
) -> None:
    """What some paid without having it, or for lots of others, comes back from who received it."""
    i = w.instruments[number]
    groups: defaultdict[int, Payments] = defaultdict(list)
    for account, paid in payments:
        groups[account.group].append((account, paid))
    net = {g: sum(paid for _, paid in parts) for g, parts in groups.items()}
    back = {
        g: returned(w, w.accounts[g], paid, number, time)
        if w.accounts[g].has_margin
        else excused.get(g, 0)
        for g, paid in net.items()
    }
    residue = w.single(Role.RESIDUE).number
    received = sorted([*((g, -paid) for g, paid in net.items() if paid < 0), (residue, kept)])
    amounts: defaultdict[int, int] = defaultdict(int)
    for g, amount in back.items():
        paid_by = sorted((a.number, paid) for a, paid in groups[g] if paid > 0)
        amounts.update(share_out(amount, paid_by) if amount else ())
    for g, amount in share_out(sum(back.values()), received) if any(back.values()) else ():
        got = sorted((a.number, -paid) for a, paid in groups[g] if paid < 0)
        shares = share_out(amount, got) if g != residue else [(residue, amount)]
        amounts.update((account, -share) for account, share in shares)
    for account, amount in sorted(amounts.items()):
        w.accounts[account].balance[i.settles_in] += amount
        add_window_gain(w.accounts[account], amount, w.price_in(i))
        w.emit("FundingReturned", instrument=number, account=account, amount=amount)


@pytest.mark.rule("8.73", "8.79")
def returned(w: World, first: Account, paid: int, number: int, time: tuple[int, int]) -> int:
    """What a group gets back: what it is short of at the index and not elsewhere, if it paid it."""
    if paid <= 0:
        return 0
    premium, periods = time
    there, away = funding_shortfalls(w, first, number, premium)
    if periods > 1:
        away = max(away - max(-w.assess(first).net, 0), 0)
    unit_price = w.unit_price(w.instruments[number].settles_in)
    return min(paid, max(math.ceil((there - away) / unit_price), 0))


@pytest.mark.rule("8.72", "8.78")
def funding_shortfalls(w: World, first: Account, number: int, premium: int) -> tuple[int, int]:
    """How much a group is worth less than it must be, at the index and at other prices."""
    n, hold = w.assess(first), w.group(first).open_order_hold
    needed = hold + min(short_worth(w, first), n.initial - hold)
    with at_index(w):
        index = w.instruments[number].mark
        equity, gap = w.assess(first).equity, group_gap(w, first) - spared(w, first)
    with undone(w):
        i = w.instruments[number]
        band = index * i.terms["basis_clamp_ppm"] // 1_000_000
        away = clamp((index * premium + BILLION // 2) // BILLION, -band, band)
        i.mark = clamp(index + away, 1, i.terms["ticks_max"])
        most = max(n.equity, w.assess(first).equity)
    return max(needed + gap - equity, 0), max(needed - most, 0)


@pytest.mark.rule("7.51", "7.52", "8.72")
def spared(w: World, first: Account) -> int:
    """What closing orders of a group hold beyond what they concede where prices are other ones."""
    mine = [r for r in w.reservations if r.lots and w.accounts[r.account].group == first.group]
    return sum(
        max(r.open_order_hold + order_gap(w, r) - conceded_by(w, r), 0)
        for r in mine
        if is_closing(w, r)
    )
