"""Open orders: what they may lose, what a way out concedes, and when they are asked back."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import pytest

from novate.kernel.codes import AccountStatus
from novate.message.parameter import Parameter
from novate.message.refusal import EngineCommandRefusal
from tests.simulate.naive.account import Account, Position, within
from tests.simulate.naive.accrued import accrued_funding
from tests.simulate.naive.book import fee_of
from tests.simulate.naive.number import AMOUNT_MAX, ceil_div, refuse_if, worth_up
from tests.simulate.naive.other_price import at_index
from tests.simulate.naive.world import Instrument, Numbers, Reservation, World

MILLION = 10**6


def dearer_fee(i: Instrument, value: int) -> int:
    return max(fee_of(i, value, is_maker=True), fee_of(i, value, is_maker=False))


@pytest.mark.rule("7.50")
def moved(i: Instrument, lots: int, share: int) -> int:
    """The mark moved against an order."""
    move = ceil_div(i.mark * share, MILLION)
    return max(i.mark - move, 1) if lots > 0 else min(i.mark + move, int(i.terms["ticks_max"]))


@pytest.mark.rule("3.52", "7.23", "7.24", "7.50")
def order_loss(w: World, account: Account, i: Instrument, lots: int, limit: int, bands: int) -> int:
    """Loss at the limit some bands away, and the dearer fee, both rounded up, in numeraire."""
    share = bands * w.parameter(Parameter.ORDER_BAND_PPM, instrument=i)
    value = i.value(limit, lots)
    behind = value if i.is_option else value - i.value(moved(i, lots, share), lots)
    price = w.price_in(i)
    if i.settles_in != 0:
        price *= (MILLION + share) / MILLION
        price *= 1 + w.debt_shares(w.accounts[account.group], i.settles_in)[0]
    return worth_up(max(behind, 0), price) + worth_up(dearer_fee(i, value), price)


@pytest.mark.rule("3.71")
def order_gap(w: World, r: Reservation) -> int:
    """What an order loses more, filled at its limit, where prices are other ones than the marks."""
    i = w.instruments[r.instrument]
    mark = w.kept_marks[r.instrument] if w.kept_marks else 0
    if i.is_option or mark <= 0:
        return 0
    paid = i.value(r.limit, r.lots)
    there, here = (max(paid - i.value(ticks, r.lots), 0) for ticks in (i.mark, mark))
    return worth_up(max(there - here, 0), w.price_in(i))


@pytest.mark.rule("3.71")
def group_gap(w: World, account: Account) -> int:
    """The same of all open orders of a group."""
    mine = [r for r in w.reservations if r.lots and w.accounts[r.account].group == account.group]
    return within(sum(order_gap(w, r) for r in mine))


@pytest.mark.rule("3.70")
def short_worth(w: World, account: Account, *others: Account) -> int:
    """What the options of a group are worth that are short when its sells fill."""
    total = 0
    for (k, _), p in w.group(account, *others).positions.items():
        i, worst = w.instruments[k], max(p.sells - p.lots, 0)
        if i.is_option and i.mark > 0:
            total += worth_up(i.value(i.mark, worst), w.price_in(i))
    return min(total, 2 * AMOUNT_MAX)


@pytest.mark.rule("7.92")
def concedes_nothing(i: Instrument, lots: int, paid: int, rebate: int) -> bool:
    """Whether lots are closed no worse than at the present prices; a rebate goes to others."""
    worth = 0 if i.is_option and lots < 0 else i.value(i.mark, lots)
    return paid + max(rebate, 0) <= worth


@pytest.mark.rule("7.52")
def concession(w: World, i: Instrument, lots: int, paid: int) -> int:
    """What closing lots for an amount, fee included, costs beyond the mark."""
    if not (i.is_option and lots < 0):
        paid -= i.value(i.mark, lots)
    return worth_up(max(paid, 0), w.price_in(i))


def conceded_by(w: World, r: Reservation) -> int:
    """The same of an order that fills at its limit."""
    i = w.instruments[r.instrument]
    value = i.value(r.limit, r.lots)
    return concession(w, i, r.lots, value + dearer_fee(i, value))


def conceded_by_all(w: World, orders: list[Reservation]) -> int:
    return within(sum(conceded_by(w, r) for r in orders))


def beside(w: World, account: Account, number: int, lots: int) -> list[Reservation]:
    """Open orders of a contract and a direction in an account's netting set."""
    return [
        r
        for r in w.reservations
        if r.lots * lots > 0 and r.instrument == number
        if w.accounts[r.account].netting_set == account.netting_set
    ]


@pytest.mark.rule("7.51")
def is_closing(w: World, r: Reservation) -> bool:
    """Whether an open order, with those beside it, does no more than close a position."""
    account = w.accounts[r.account]
    p = w.group(account).positions.get((r.instrument, account.netting_set), Position())
    wanted = sum(other.lots for other in beside(w, account, r.instrument, r.lots))
    return p.lots * wanted < 0 and abs(wanted) <= abs(p.lots)


@pytest.mark.rule("7.51", "7.53")
def may_concede(w: World, account: Account, number: int, lots: int, closed: Numbers) -> int:
    """Share of the cover that stands for what maintenance margin falls by, debts left aside.

    ``number`` and ``lots`` are contract and direction of what closes.
    """
    n, shorts = w.assess(account), 0
    for (other, _), p in w.group(account).positions.items():
        i = w.instruments[other]
        if i.is_option and p.lots < 0 and i.mark > 0:
            shorts += worth_up(-i.value(i.mark, p.lots), w.price_in(i))
    mine = beside(w, account, number, lots)
    lost, conceded = 0, 0
    for r in w.reservations:
        if not r.lots or w.accounts[r.account].group != account.group or r in mine:
            continue
        if is_closing(w, r):
            conceded += conceded_by(w, r)
        else:
            owner = w.accounts[r.account]
            lost += order_loss(w, owner, w.instruments[r.instrument], r.lots, r.limit, 0)
    cover = max(max(n.equity - within(shorts), 0) - within(lost), 0)
    freed = (n.maintenance - n.debts[1]) - (closed.maintenance - closed.debts[1])
    if freed < 0:
        return freed
    share = cover * freed // n.maintenance if n.maintenance else 0
    return max(min(share, cover - within(conceded)), 0)


@pytest.mark.rule("7.27", "7.53")
def closing_terms(w: World, mine: Reservation) -> tuple[int, int]:
    """What a closing order and those beside it concede, and the most that they may."""
    account, number, lots = w.accounts[mine.account], mine.instrument, mine.lots
    others = beside(w, account, number, lots)
    conceded = conceded_by(w, mine) + conceded_by_all(w, others)
    closed = when_closed(w, account, number, lots, others)
    return conceded, may_concede(w, account, number, lots, closed)


def when_closed(
    w: World, account: Account, number: int, lots: int, others: list[Reservation]
) -> Numbers:
    """What is asked when lots and some orders have been closed at the mark."""
    twin = copy.deepcopy(account)
    twin.positions[number].lots += lots + sum(r.lots for r in others)
    return w.assess(twin)


@pytest.mark.rule("3.40")
def without_orders(w: World, account: Account) -> Numbers:
    """What a group is worth and must hold as if it had no open orders."""
    twins = copy.deepcopy(w.accounts_of(account.group))
    for twin in twins:
        twin.open_order_hold = 0
        for p in twin.positions.values():
            p.buys = p.sells = 0
    return w.assess(*twins)


@pytest.mark.rule("7.56", "7.57")
def next_hold(w: World, r: Reservation) -> int:
    """What a reservation is to hold at the present mark."""
    i, owner = w.instruments[r.instrument], w.accounts[r.account]
    least, most = (order_loss(w, owner, i, r.lots, r.limit, bands) for bands in (0, 2))
    if least <= r.open_order_hold <= most:
        return r.open_order_hold
    change = order_loss(w, owner, i, r.lots, r.limit, 1) - r.open_order_hold
    free = max(AMOUNT_MAX - w.group(w.accounts[r.account]).open_order_hold, 0)
    return r.open_order_hold + min(change, free)


def hold(w: World, r: Reservation, amount: int) -> None:
    w.accounts[r.account].open_order_hold += amount - r.open_order_hold
    r.open_order_hold = amount


@pytest.mark.rule("4.40")
def to_margin(w: World) -> list[int]:
    """Reservations that are to hold another amount; each sees what those before it will hold."""
    before = [r.open_order_hold for r in w.reservations]
    found = []
    for number, r in enumerate(w.reservations, 1):
        if r.lots and (amount := next_hold(w, r)) != r.open_order_hold:
            hold(w, r, amount)
            found.append(number)
    for r, amount in zip(w.reservations, before, strict=True):
        hold(w, r, amount)
    return found


@pytest.mark.rule("7.56")
def remargin_order(w: World, number: int) -> None:
    r = w.reservations[number - 1]
    hold(w, r, next_hold(w, r))
    w.emit("OrderRemargined", reservation=number, open_order_hold=r.open_order_hold)


@pytest.mark.rule("7.59")
def is_way_out(w: World, r: Reservation) -> bool:
    """Whether an order, with those beside it, closes a position within what it may concede."""
    if not is_closing(w, r):
        return False
    account = w.accounts[r.account]
    orders = beside(w, account, r.instrument, r.lots)
    closed = when_closed(w, account, r.instrument, 0, orders)
    most = may_concede(w, account, r.instrument, r.lots, closed)
    return conceded_by_all(w, orders) <= most and not sells_protection(w, account, orders)


@pytest.mark.rule("3.64", "7.59")
def sells_protection(w: World, account: Account, orders: list[Reservation]) -> bool:
    """Whether orders to sell an option ask for more initial margin than there is without them."""
    i = w.instruments[orders[0].instrument]
    if not i.is_option or orders[0].lots > 0:
        return False
    twins = copy.deepcopy(w.accounts_of(account.group))
    for twin in twins:
        for r in orders:
            if r.account == twin.number:
                twin.positions[r.instrument].sells += r.lots
    return w.assess(account).initial > w.assess(*twins).initial


@pytest.mark.rule("4.41", "7.58", "7.59")
def to_cancel(w: World) -> list[int]:
    """Reservations whose orders the venue is asked to cancel."""
    found = []
    for number, r in enumerate(w.reservations, 1):
        if not r.lots or r.is_asked_back:
            continue
        account = w.accounts[r.account]
        n = w.assess(account)
        is_standing = account.status in (AccountStatus.OPEN, AccountStatus.CALLED)
        is_short = n.equity < n.initial or lacks_funding(w, account, n)
        if is_standing and is_short and not is_way_out(w, r):
            found.append(number)
    return found


@pytest.mark.rule("7.58", "7.93")
def lacks_funding(w: World, account: Account, n: Numbers) -> bool:
    """Whether funding has accrued, and the group has less at the index than it and its orders."""
    hold = w.group(account).open_order_hold
    accrued = accrued_funding(w, account, is_average=True)
    with at_index(w):
        equity, gap = w.assess(account).equity, group_gap(w, account)
    needed = hold + gap + min(short_worth(w, account), n.initial - hold) + accrued
    return accrued > 0 and equity < needed


@pytest.mark.rule("7.58")
def request_cancellation(w: World, number: int) -> None:
    r = w.reservations[number - 1]
    refuse_if(r.is_asked_back, EngineCommandRefusal.CAUSE_GONE)
    r.is_asked_back = True
    w.emit("CancellationRequested", reservation=number)


def order_stages(w: World) -> Iterator[list[tuple[str, dict[str, int]]]]:
    """Orders that hold too little or far too much, then those that are asked back."""
    yield [("RemarginOrder", {"reservation": k}) for k in to_margin(w)]
    yield [("RequestCancellation", {"reservation": k}) for k in to_cancel(w)]
