"""Trades, reservations and settlement: how positions and cash move."""

from __future__ import annotations

import copy
from collections.abc import Callable
from fractions import Fraction

import pytest

from novate.kernel.codes import DueKind, InstrumentStatus, Role, Style
from novate.message.parameter import Parameter
from novate.message.settlement import Basis
from tests.simulate.naive.account import Account
from tests.simulate.naive.market import extend_sums
from tests.simulate.naive.number import (
    AMOUNT_MAX,
    MS,
    ceil_div,
    clamp,
    half_up,
    worth_down,
    worth_up,
)
from tests.simulate.naive.option import payoff
from tests.simulate.naive.world import LINEAR, Instrument, World

BILLION = 10**9
WAITING = -1  # for a price, not for an instant


@pytest.mark.rule("7.14", "7.15", "7.16", "7.17", "7.18", "7.19", "7.20")
def book_leg(w: World, account: Account, number: int, ticks: int, lots: int, value: int) -> None:
    """One side of a trade: signed lots and signed value of the account."""
    i = w.instruments[number]
    p = account.positions[number]
    if i.is_option:
        account.balance[i.settles_in] -= value
    else:
        p.settlement_cost += value
    closes = min(abs(lots), abs(p.lots)) if p.lots * lots < 0 else 0
    if not closes:
        p.entry_cost += value
        p.lots += lots
        return
    if closes == abs(lots):
        size = abs(p.entry_cost) * closes // abs(p.lots)
        closed_cost = size if p.entry_cost >= 0 else -size
        closed_value, rest = value, 0
        p.entry_cost -= closed_cost
    else:
        closed_cost = p.entry_cost
        closed_value = -i.value(ticks, p.lots)
        rest = value - closed_value
        p.entry_cost = rest
    profit = -closed_value - closed_cost
    p.realised = counted(p.realised + profit)
    p.lots += lots
    price = w.price_in(i)
    if i.terms["style"] == Style.AT_CLOSE:
        pay_early(w, account, number, profit)
    if i.terms["style"] != Style.EACH_CYCLE:
        add_window_gain(account, profit, price)
    unproven = profit
    if i.slow > 0:
        closed = closes if lots > 0 else -closes
        unproven = min(i.value(i.slow, closed) - i.value(ticks, closed), profit)
    if unproven > 0:
        account.encumbered = min(account.encumbered + worth_up(unproven, price), AMOUNT_MAX)


@pytest.mark.rule("15.71")
def counted(realised: int) -> int:
    """Realised profit, which counts as 2**61 at most in size."""
    return clamp(realised, -2 * AMOUNT_MAX, 2 * AMOUNT_MAX)


@pytest.mark.rule("2.10", "8.3")
def add_window_gain(account: Account, amount: int, price: float) -> None:
    """Count a gain or loss of settlement units in the window; it stays within 2**60."""
    gain = account.window_gain + worth_down(amount, price)
    account.window_gain = clamp(gain, -AMOUNT_MAX, AMOUNT_MAX)


@pytest.mark.rule("7.18", "12.3")
def pay_early(w: World, account: Account, number: int, amount: int) -> None:
    """Pay part of what is pending now; the settlement account takes the other side."""
    asset = w.instruments[number].settles_in
    house = w.single(Role.SETTLEMENT)
    account.balance[asset] += amount
    house.balance[asset] -= amount
    account.positions[number].settlement_cost += amount
    house.positions[number].settlement_cost -= amount


def holders(w: World, number: int) -> list[Account]:
    return [a for a in w.accounts if number in a.positions]


def lots_held(account: Account, number: int) -> int:
    return account.positions[number].lots if number in account.positions else 0


def still_held(account: Account, number: int, lots: int) -> int:
    """How many of some lots an account has, 0 if it has lots of the other side."""
    mine = lots_held(account, number)
    return sorted((0, lots, mine))[1] if lots * mine > 0 else 0


@pytest.mark.rule("8.1", "8.2")
def settle_at(w: World, number: int, ticks: int) -> None:
    """Variation margin for every holder; rounding goes to the residue account."""
    i = w.instruments[number]
    paid = 0
    for account in holders(w, number):
        p = account.positions[number]
        value = i.value(ticks, p.lots)
        payment = value - p.settlement_cost
        p.settlement_cost = value
        account.balance[i.settles_in] += payment
        add_window_gain(account, payment, w.price_in(i))
        paid += payment
    w.single(Role.RESIDUE).balance[i.settles_in] -= paid


@pytest.mark.rule("4.91", "8.5", "8.13")
def following(w: World, due: int, interval: int) -> int:
    """An interval after the instant that was due, or the first multiple after what waited."""
    return due + interval if due != WAITING else (w.now // interval + 1) * interval


@pytest.mark.rule("8.14")
def postpone(w: World, number: int, kind: DueKind, until: int) -> None:
    w.emit("CyclePostponed", instrument=number, kind=kind, instant_ns=w.now, next_ns=until)


@pytest.mark.rule("8.4", "8.13")
def settle_cycle(w: World, number: int) -> None:
    i = w.instruments[number]
    due = i.next_cycle
    if w.is_blocked(i):
        i.next_cycle = WAITING
        postpone(w, number, DueKind.CYCLE, WAITING)
        return
    i.next_cycle = following(w, due, i.terms["cycle_ns"])
    i.cycle += 1
    settle_at(w, number, i.mark)
    w.emit("CycleSettled", instrument=number, cycle=i.cycle, ticks=i.mark, instant_ns=w.now)


@pytest.mark.rule("8.15", "8.42", "8.43", "8.44", "9.42")
def basis_of(w: World, i: Instrument) -> Basis | None:
    """What the price of a final settlement is made from now, nothing while it waits."""
    window = i.terms["settlement_window_ns"] // MS
    twin = copy.copy(i)
    twin_parameters = w.parameter(Parameter.SETTLEMENT_COVERAGE_PPM, instrument=i)
    extend_sums(w, twin)
    if window and Fraction(twin.final_ms, window) >= Fraction(twin_parameters, 1_000_000):
        return Basis.WINDOW
    is_late = w.now - i.updated > w.parameters[Parameter.INDEX_STALENESS_NS]
    if i.index and not is_late and not w.lacks_index(i):
        return Basis.WINDOW if window == 0 and not i.is_late_expiry else Basis.FIRST_FRESH
    wait = w.parameter(Parameter.SETTLEMENT_WAIT_NS, instrument=i)
    return Basis.LAST if w.now >= i.terms["expiry_ns"] + wait else None


@pytest.mark.rule("8.10", "8.42", "8.43", "8.44", "9.38")
def final_price(w: World, i: Instrument, basis: Basis) -> int:
    """In ticks, of an option in 1e-8."""
    extend_sums(w, i)
    last = w.assets[i.terms["underlying"]].price if i.is_option else i.final_index
    least = 0 if i.terms["form"] == LINEAR and not i.is_option else 1
    total, ms = i.final_sum, i.final_ms
    if basis == Basis.FIRST_FRESH:
        missing = max(i.terms["settlement_window_ns"] // MS - ms, 0)
        total, ms = total + missing * last, ms + missing
    if basis == Basis.LAST or ms == 0:
        return max(last, least)
    return max(half_up(total, ms), least)


@pytest.mark.rule("8.10", "8.15", "9.41", "9.42")
def settle_expiry(w: World, number: int) -> None:
    i = w.instruments[number]
    basis = basis_of(w, i)
    if basis is None:
        wait = w.parameter(Parameter.SETTLEMENT_WAIT_NS, instrument=i)
        i.next_expiry, i.is_late_expiry = i.terms["expiry_ns"] + wait, True
        postpone(w, number, DueKind.EXPIRY, i.next_expiry)
        return
    final = final_price(w, i, basis)
    told: dict[str, int] = {"instrument": number, "instant_ns": w.now, "basis": basis}
    if i.is_option:
        ticks = payoff(i, final)
        w.emit("OptionExpired", **told, final_e8=final, ticks=ticks)
    else:
        ticks = final
        settle_at(w, number, ticks)
        w.emit("ContractExpired", **told, ticks=ticks)
    close_contract(w, number, ticks)


@pytest.mark.rule("8.11", "8.12", "9.26", "9.41")
def close_contract(w: World, number: int, ticks: int) -> None:
    """Close every position at a last price; an option pays it now, others have been paid."""
    i = w.instruments[number]
    for account in holders(w, number):
        p = account.positions[number]
        if i.is_option:
            value = i.value(ticks, p.lots)
            account.balance[i.settles_in] += value
            add_window_gain(account, value - p.entry_cost, w.price_in(i))
        p.realised = counted(p.realised + i.value(ticks, p.lots) - p.entry_cost)
        p.lots = p.entry_cost = p.settlement_cost = p.buys = p.sells = 0
    for reservation in w.reservations:
        if reservation.instrument == number:
            w.accounts[reservation.account].open_order_hold -= reservation.open_order_hold
            reservation.lots = reservation.open_order_hold = 0
    i.status = InstrumentStatus.EXPIRED


@pytest.mark.rule("8.17")
def start_gains_window(w: World) -> None:
    w.window_from = w.now
    for account in w.accounts:
        account.window_gain = 0
        account.encumbered //= 2
    w.emit("GainsWindowStarted", instant_ns=w.now)


@pytest.mark.rule("8.30")
def next_interest(w: World) -> int:
    """The next multiple of the interval after the last charge, 0 for none."""
    interval = w.parameters[Parameter.INTEREST_INTERVAL_NS]
    since = w.interest_until or w.window_from or 0
    if not (interval and since and w.parameters[Parameter.DEBT_INTEREST_PPM]):
        return 0
    return (since // interval + 1) * interval


@pytest.mark.rule("8.31", "8.32", "15.74")
def charge_interest(w: World) -> None:
    """Who has a negative balance pays the fees account for the time since the last charge."""
    since = w.interest_until or w.window_from or 0
    elapsed = min(w.now - since, w.parameters[Parameter.INTEREST_INTERVAL_NS])
    yearly = w.parameters[Parameter.DEBT_INTEREST_PPM]
    rate = max(elapsed, 0) * yearly * BILLION // (1_000_000 * 365 * 86_400 * BILLION)
    fees = w.single(Role.FEES)
    for asset in range(len(w.assets)):
        owing = [a for a in w.accounts if a.has_margin and a.balance[asset] < 0]
        if not owing and asset:
            continue
        payments = []
        for account in owing:
            asked = ceil_div(-account.balance[asset] * rate, BILLION)
            payments.append(min(asked, max(AMOUNT_MAX + account.balance[asset], 0)))
        if fees.balance[asset] + sum(payments) <= AMOUNT_MAX:
            for account, paid in zip(owing, payments, strict=True):
                account.balance[asset] -= paid
                fees.balance[asset] += paid
        w.emit("InterestCharged", asset=asset, rate_e9=rate, instant_ns=w.now)
    w.interest_until = w.now


@pytest.mark.rule("3.28", "6.14", "9.44")
def add_new_terms(w: World, add: Callable[..., None]) -> None:
    """Parameters, tiers and rules that wait for their instant."""
    for k, (parameter, scope, subject, at) in enumerate(w.dated_parameters):
        add(at, DueKind.PARAMETER, k, "EnactParameter",
            parameter=parameter, scope=scope, subject=subject, effective_ns=at)  # fmt: skip
    for k, (instrument, at) in enumerate(w.dated_tiers):
        add(at, DueKind.TIERS, k, "EnactTiers", instrument=instrument, effective_ns=at)
    for k, (instrument, at) in enumerate(w.dated_rules):
        add(at, DueKind.MARGIN_RULE, k, "EnactMarginRule",
            instrument=instrument, effective_ns=at)  # fmt: skip


@pytest.mark.rule("4.3", "4.4", "4.5", "4.6")
def due_work(w: World, until: int) -> tuple[int, list[tuple[str, dict[str, int]]]]:
    """The earliest due instant up to ``until`` with its commands; none: an empty list."""
    found: list[tuple[int, DueKind, int, str, dict[str, int]]] = []

    def add(at: int, kind: DueKind, number: int, name: str, **values: int) -> None:
        if 0 < at <= until:
            found.append((at, kind, number, name, values))

    for k, i in enumerate(w.instruments):
        if i.status == InstrumentStatus.ACTIVE:
            add(i.next_funding, DueKind.FUNDING, k, "SettleFunding",
                instrument=k, period=i.period + 1)  # fmt: skip
            add(i.next_cycle, DueKind.CYCLE, k, "SettleCycle", instrument=k, cycle=i.cycle + 1)
            add(i.next_observation, DueKind.OBSERVATION, k, "ObserveBarrier", instrument=k)
            add(i.next_expiry, DueKind.EXPIRY, k, "SettleExpiry", instrument=k)
    for k, a in enumerate(w.accounts):
        if not w.is_paused:
            add(a.deadline, DueKind.CALL_DEADLINE, k, "ExpireCall", account=k)
        add(a.slice_at, DueKind.SLICE, k, "PlaceSlice", account=k)
    life = w.parameters[Parameter.ORDER_LIFE_NS]
    for k, order in enumerate(w.orders, 1):
        if order.is_open and life:
            add(order.answered + life, DueKind.ORDER_LIFE, k, "ExpireOrder", order=k)
    at = next_interest(w)
    add(at, DueKind.INTEREST, 0, "ChargeInterest", instant_ns=at)
    add_new_terms(w, add)
    first = min((at for at, *_ in found), default=0)
    ready = sorted((kind, k, name, v) for at, kind, k, name, v in found if at == first)
    new_terms = [work for work in ready if work[0] < DueKind.FUNDING]
    return first, [(name, values) for _, _, name, values in new_terms or ready]


@pytest.mark.rule("2.7", "7.21")
def fee_of(i: Instrument, value: int, *, is_maker: bool) -> int:
    rate = i.terms["maker_fee_ppm" if is_maker else "taker_fee_ppm"]
    return ceil_div(abs(value) * rate, 1_000_000)
