"""Default management: calls, liquidation, takeover, and who bears a loss."""

from __future__ import annotations

import bisect
import math
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any, NamedTuple

import pytest

from novate.kernel.codes import (
    AccountStatus,
    InstrumentStatus,
    Layer,
    OrderKind,
    Role,
    ShortfallPolicy,
    Style,
)
from novate.message.deciding_price import DecidingPrice
from novate.message.obligation import ObligationOutcome
from novate.message.parameter import Parameter
from novate.message.refusal import EngineCommandRefusal, SetLiquidationMethodRefusal
from tests.simulate.naive import book, other_price
from tests.simulate.naive.account import Account, Position
from tests.simulate.naive.book import book_leg, pay_early, still_held
from tests.simulate.naive.number import (
    AMOUNT_MAX,
    ceil_at,
    ceil_div,
    floor_at,
    refuse_if,
    share_out,
)
from tests.simulate.naive.obligation import (
    call_level,
    close,
    holder_misses_enough,
    is_in_arrears,
    missing,
    note_arrears,
)
from tests.simulate.naive.order import order_stages, without_orders
from tests.simulate.naive.world import Instrument, Loss, Numbers, Obligation, Order, World

MILLION = 1_000_000
GONE = EngineCommandRefusal.CAUSE_GONE

EQUITY_SHARE, JUNIOR_MEMBERS = 8, 9
"""Layers of `tests.tiny_loss_policy`."""
PREFUNDED = (
    Layer.OWN_CONTRIBUTION, Layer.INSURANCE_FUND, Layer.SKIN_IN_THE_GAME, Layer.DEFAULT_FUND,
    JUNIOR_MEMBERS,
)  # fmt: skip
LAST = (Layer.GAINS_HAIRCUT, Layer.AUTO_DELEVERAGING, EQUITY_SHARE)
HOUSE_PAYS = {
    Layer.INSURANCE_FUND: Role.INSURANCE_FUND,
    Layer.SKIN_IN_THE_GAME: Role.SKIN_IN_THE_GAME,
}
OTHERS_PAY = (Layer.DEFAULT_FUND, JUNIOR_MEMBERS)


@pytest.mark.rule("10.3")
def takeover_level(w: World, account: Account, numbers: Numbers) -> int:
    beyond = max(numbers.maintenance + w.worth_of_options(account)[1], 0)
    return beyond * w.parameter(Parameter.TAKEOVER_PPM, account) // MILLION


@pytest.mark.rule("10.2")
def takeover_worth(w: World, account: Account, numbers: Numbers) -> int:
    return numbers.equity + sum(w.worth_of_options(account))


@pytest.mark.rule("11.3")
def release_level(w: World, account: Account, numbers: Numbers) -> int:
    level = ceil_div(numbers.maintenance * w.parameter(Parameter.RELEASE_PPM, account), MILLION)
    return (
        max(level, numbers.initial)
        if account.shortfall_policy == ShortfallPolicy.CALL_THEN_DEFAULT
        else level
    )


Holds = Callable[[Account, Numbers], bool]


def covers_maintenance(_: Account, n: Numbers) -> bool:
    return n.equity >= n.maintenance


def meets_call(account: Account, n: Numbers) -> bool:
    return n.equity >= call_level(account, n)


@pytest.mark.rule("10.2", "10.3")
def stands(w: World) -> Holds:
    return lambda account, n: takeover_worth(w, account, n) >= takeover_level(w, account, n)


@pytest.mark.rule("5.80")
def where_it_holds(
    w: World, account: Account, holds: Holds, assess: Callable[[World, Account], Numbers]
) -> Numbers | None:
    """The first assessment at which something holds: at the marks, then at the other prices."""
    n = assess(w, account)
    if holds(account, n):
        return n
    for prices in other_price.other_prices(w):
        with prices:
            n = assess(w, account)
            if holds(account, n):
                return n
    return None


class Told(NamedTuple):
    """Which prices decided, what was compared there, and with what."""

    price: DecidingPrice
    worth: int
    level: int

    @property
    def room(self) -> int:
        return self.worth - self.level

    @property
    def columns(self) -> dict[str, int]:
        return {"decided_by": self.price, "worth": self.worth, "level": self.level}


Figures = Callable[[Account, Numbers], tuple[int, int]]


def look(
    w: World,
    account: Account,
    prices: other_price.Named,
    figures: Figures,
    assess: Callable[[World, Account], Numbers],
) -> list[Told]:
    found = []
    for name, there in prices:
        with there:
            found.append(Told(name, *figures(account, assess(w, account))))
    return found


def best(found: list[Told]) -> Told:
    """The first of those with the most room."""
    return max(found, key=lambda told: told.room)


def of_call(account: Account, n: Numbers) -> tuple[int, int]:
    return n.equity, call_level(account, n)


def of_maintenance(_: Account, n: Numbers) -> tuple[int, int]:
    return n.equity, n.maintenance


def of_takeover(w: World) -> Figures:
    return lambda account, n: (takeover_worth(w, account, n), takeover_level(w, account, n))


def of_release(w: World) -> Figures:
    return lambda account, n: (n.equity, release_level(w, account, n))


@pytest.mark.rule("10.64")
def what_decided(
    w: World, account: Account, figures: Figures, assess: Callable[[World, Account], Numbers]
) -> Told:
    """Of all prices at which it fails those at which it is best off."""
    prices = other_price.at_mark() + other_price.protecting(w)
    told = best(look(w, account, prices, figures, assess))
    return owed_at_index(w, account) if told.room >= 0 and is_insolvent(w, account) else told


@pytest.mark.rule("10.64")
def owed_at_index(w: World, account: Account) -> Told:
    with w.seen_as("no decay"), other_price.at_index(w):
        return Told(DecidingPrice.INDEX, takeover_worth(w, account, w.assess(account)), 0)


@pytest.mark.rule("5.81", "10.64")
def worse_of_mark_and_protected(w: World, account: Account) -> Told:
    prices = other_price.at_mark() + other_price.protecting(w)[:1]
    return min(look(w, account, prices, of_call, without_orders), key=lambda told: told.room)


@pytest.mark.rule("5.81", "10.64")
def at_deadline(w: World, account: Account) -> Told:
    """Where the deadline of a call is decided."""
    return best(look(w, account, other_price.protecting(w), of_call, without_orders))


@pytest.mark.rule("5.81", "10.64", "11.4")
def where_released(w: World, account: Account) -> Told:
    """Where a liquidation stops; where nothing lets go there is no room."""
    figures = of_release(w)
    (at_mark,) = look(w, account, other_price.at_mark(), figures, with_orders)
    protecting = look(w, account, other_price.protecting(w), figures, with_orders)
    with other_price.protected(w):
        covers = covers_maintenance(account, w.assess(account))
    is_auto = account.shortfall_policy == ShortfallPolicy.AUTO_LIQUIDATE
    holds = covers if is_auto else protecting[0].room >= 0
    return at_mark if at_mark.room >= 0 and holds else best(protecting)


@pytest.mark.rule("5.94")
def is_insolvent(w: World, account: Account) -> bool:
    """Whether a group owes money at the index, and did for as long as its slow average takes."""
    with w.seen_as("no decay"):
        for prices in [*other_price.index_prices(w), other_price.at_slow(w)]:
            with prices:
                if takeover_worth(w, account, w.assess(account)) >= 0:
                    return False
    return True


@pytest.mark.rule("5.96")
def stands_at_index(w: World, account: Account) -> bool:
    """Whether a group is at its takeover level at the index, or on the way of a ramp to it."""
    for prices in other_price.index_prices(w):
        with prices:
            if stands(w)(account, w.assess(account)):
                return True
    return False


@pytest.mark.rule("11.29")
def is_cured(w: World, account: Account) -> bool:
    return where_released(w, account).room >= 0 and stands_at_index(w, account)


def with_orders(w: World, account: Account) -> Numbers:
    return w.assess(account)


def fails(w: World, account: Account, holds: Holds) -> bool:
    """Whether it holds nowhere."""
    return where_it_holds(w, account, holds, with_orders) is None


def fails_call(w: World, account: Account) -> bool:
    """Whether a call is met nowhere."""
    return where_it_holds(w, account, meets_call, without_orders) is None


# --- calls and liquidation -----------------------------------------------------------------


@pytest.mark.rule("6.39")
def give_status(w: World, group: int, status: AccountStatus) -> None:
    """The status of a group is that of all its accounts."""
    for account in w.accounts_of(group):
        account.status = status


@pytest.mark.rule("10.40")
def is_only_decayed(w: World, account: Account) -> bool:
    """Whether an account would hold maintenance margin if nothing decayed."""
    if all(a.decay == 1.0 or a.price == 0 for a in w.assets[1:]):
        return False
    with w.seen_as("no decay"):
        return not fails(w, account, covers_maintenance)


@pytest.mark.rule("10.6", "10.41", "11.30")
def fails_early(w: World, account: Account) -> bool:
    """Whether a called account fails before its deadline."""
    if is_insolvent(w, account):
        return True
    is_auto = account.shortfall_policy == ShortfallPolicy.AUTO_LIQUIDATE

    def does_stand(account: Account, n: Numbers) -> bool:
        return stands(w)(account, n) and not (is_auto and n.equity < n.maintenance)

    with w.seen_as("no decay"):
        return where_it_holds(w, account, does_stand, without_orders) is None


@pytest.mark.rule("10.54", "10.55")
def is_worth_a_call(w: World, number: int) -> bool:
    """Whether a group misses what is called."""
    if not missing(w, number):
        return False
    return holder_misses_enough(w, number) or fails_early(w, w.accounts[number])


@pytest.mark.rule("11.2")
def binding(w: World, account: Account, n: Numbers) -> dict[str, int]:
    """What bound maintenance margin of an account with its assessment."""
    held = [place for place in n.share if w.group(account).positions[place].lots]
    first, _ = min(held, key=lambda place: (-n.share[place], place), default=(-1, -1))
    return {
        "binding": first,
        "mark": w.instruments[first].mark if first >= 0 else 0,
        "model": account.model,
        "bound": n.bound[0],
        "scenario": n.bound[1],
    }


@pytest.mark.rule("10.1", "10.52", "10.53", "10.57")
def call_margin(w: World, number: int) -> None:
    account, n = w.accounts[number], without_orders(w, w.accounts[number])
    amount = missing(w, number)
    decided = what_decided(w, account, of_call, without_orders)
    if account.status == AccountStatus.OPEN:
        give_status(w, number, AccountStatus.CALLED)
        account.deadline = w.now + w.parameter(Parameter.CALL_GRACE_NS, account)
    new = Obligation(len(w.obligations) + 1, number, amount, w.now)
    w.obligations.append(new)
    w.emit(
        "MarginCalled",
        account=number,
        amount=amount,
        deadline_ns=account.deadline,
        equity=n.equity,
        requirement=call_level(account, n),
        obligation=new.number,
        **binding(w, account, w.assess(account)),
        **decided.columns,
    )


@pytest.mark.rule("10.4")
def meet_call(w: World, number: int) -> None:
    account = w.accounts[number]
    refuse_if(account.status != AccountStatus.CALLED, GONE)
    told = worse_of_mark_and_protected(w, account)
    refuse_if(told.room < 0, GONE)
    met(w, number, told)


def met(w: World, number: int, told: Told) -> None:
    price = told.price
    w.emit(
        "MarginCallMet",
        account=number,
        equity=told.worth,
        requirement=told.level,
        decided_by=price,
    )
    end_call(w, number, ObligationOutcome.MET)


@pytest.mark.rule("10.4", "10.59")
def end_call(w: World, number: int, outcome: ObligationOutcome) -> None:
    give_status(w, number, AccountStatus.OPEN)
    w.accounts[number].deadline = 0
    close(w, number, outcome)


@pytest.mark.rule("4.85")
def cannot_act(w: World, account: Account) -> bool:
    return w.is_paused or w.is_held_up(account)


@pytest.mark.rule("4.85")
def grace_left(w: World, account: Account) -> int:
    """How long before its deadline the last price went by which an account could act."""

    def lost(number: int) -> int:
        i = w.instruments[number]
        if i.mark <= 0:
            return 0
        expired = [i.terms["expiry_ns"]] if w.is_over(i) else []
        return min([*expired, *(w.index_went(a) for a in (i.terms["underlying"], i.settles_in))])

    if w.is_held_up(account):
        since = [lost(k) for (k, _), p in w.group(account).positions.items() if p.lots]
        since += [w.index_went(a) for a in assets_of_debts(w, account)]
    else:
        since = [w.index_went(a) for a in {s.asset for s in w.sources} if w.assets[a].price]
    could = w.assessed[-2 if w.assessed[-1] == w.now else -1]
    left = account.deadline - max([*since, could])
    return min(max(left, 0), w.parameter(Parameter.CALL_GRACE_NS, account))


@pytest.mark.rule("4.85")
def assets_of_debts(w: World, account: Account) -> set[int]:
    """Assets by whose conversion a debt would be paid, had they a fresh index."""
    found = set()
    for one in w.accounts_of(account.group):
        for a in range(1, len(w.assets)):
            held = one.balance[a]
            if w.assets[a].price and (held < 0 or (held > 0 and one.balance[0] < 0)):
                found.add(a)
    return found


def is_due(w: World, account: Account) -> bool:
    """Whether the deadline of a call has come."""
    waits = account.deadline == book.WAITING
    return account.grace_left == 0 if waits else account.deadline <= w.now


@pytest.mark.rule("4.86", "10.6", "10.7", "10.8", "10.58", "10.59", "10.63")
def expire_call(w: World, number: int) -> None:
    if number == w.run_rows[0]["account"]:
        of_record = [w.accounts[row["account"]] for row in w.run_rows]
        note_arrears(w, {a.number for a in of_record if may_be_met(w, a)})
    account = w.accounts[number]
    refuse_if(account.status != AccountStatus.CALLED, GONE)
    if may_be_met(w, account):
        met(w, number, at_deadline(w, account))
    elif cannot_act(w, account):
        extend(w, account)
    elif not is_due(w, account) and not fails_early(w, account):
        account.deadline = w.now + account.grace_left
        w.emit("CallResumed", account=number, deadline_ns=account.deadline)
    else:
        end_unmet(w, account)


@pytest.mark.rule("10.6")
def may_be_met(w: World, account: Account) -> bool:
    """Whether a call is decided by what prices protect, and met by it."""
    early = fails_early(w, account) and not cannot_act(w, account)
    return (is_due(w, account) or early) and at_deadline(w, account).room >= 0


@pytest.mark.rule("4.85", "10.7")
def extend(w: World, account: Account) -> None:
    due, left = account.deadline, grace_left(w, account)
    account.deadline, account.grace_left = book.WAITING, left
    first = [*w.blocked_positions(account), -1][0]
    w.emit("CallExtended", account=account.number, deadline_ns=due, instrument=first, grace_ns=left)


@pytest.mark.rule("10.8", "10.41", "10.58", "10.59", "10.64")
def end_unmet(w: World, account: Account) -> None:
    """Paid, or in default."""
    number, n = account.number, without_orders(w, account)
    unpaid = is_in_arrears(w, number)
    if not unpaid and not fails_early(w, account):
        with other_price.protected(w):
            there = without_orders(w, account)
            level = call_level(account, there)
        w.emit("MarginCallPaid", account=number, equity=there.equity, requirement=level)
        end_call(w, number, ObligationOutcome.WAIVED)
        return
    told = at_deadline(w, account)
    if not (unpaid and is_due(w, account)):
        is_auto = account.shortfall_policy == ShortfallPolicy.AUTO_LIQUIDATE
        figures = of_maintenance if is_auto else of_takeover(w)
        with w.seen_as("no decay"):
            told = what_decided(w, account, figures, without_orders)
    level = call_level(account, n)
    w.emit(
        "DefaultDeclared",
        account=number,
        equity=n.equity,
        requirement=level,
        net=n.net,
        **told.columns,
    )
    close(w, number, ObligationOutcome.FAILED)
    begin_closing(w, number)


@pytest.mark.rule("6.39", "10.8", "11.1")
def begin_closing(w: World, number: int) -> None:
    """Liquidating from now; what was reserved is released."""
    give_status(w, number, AccountStatus.LIQUIDATING)
    w.accounts[number].deadline = 0
    for account in w.accounts_of(number):
        account.slice_at = w.now
        for k, reservation in enumerate(w.reservations, 1):
            if reservation.account == account.number and reservation.lots:
                release(w, k)


@pytest.mark.rule("7.31")
def release(w: World, number: int) -> None:
    """Take what is left of a reservation out of the position's open orders."""
    r = w.reservations[number - 1]
    p = w.accounts[r.account].positions[r.instrument]
    p.buys -= max(r.lots, 0)
    p.sells -= max(-r.lots, 0)
    w.accounts[r.account].open_order_hold -= r.open_order_hold
    r.lots = r.open_order_hold = 0
    w.emit("MarginReleased", reservation=number)


@pytest.mark.rule("11.1", "11.2", "11.28")
def start_liquidation(w: World, number: int) -> None:
    account, n = w.accounts[number], w.assess(w.accounts[number])
    refuse_if(account.status != AccountStatus.OPEN, GONE)
    refuse_if(not fails(w, account, covers_maintenance) and not is_insolvent(w, account), GONE)
    with other_price.at_index(w):
        there = w.assess(account)
    w.emit(
        "LiquidationStarted",
        account=number,
        equity=n.equity,
        requirement=n.maintenance,
        net=n.net,
        **binding(w, account, n),
        index_equity=there.equity,
        index_requirement=there.maintenance,
        **what_decided(w, account, of_maintenance, with_orders).columns,
    )
    begin_closing(w, number)


@pytest.mark.rule("11.4")
def stop_liquidation(w: World, number: int) -> None:
    account = w.accounts[number]
    told = where_released(w, account)
    refuse_if(account.status != AccountStatus.LIQUIDATING or not is_cured(w, account), GONE)
    give_status(w, number, AccountStatus.OPEN)
    for one in w.accounts_of(number):
        close_orders(w, one.number)
        one.slice_at = 0
    w.emit(
        "LiquidationStopped",
        account=number,
        equity=told.worth,
        requirement=told.level,
        decided_by=told.price,
    )


# --- orders --------------------------------------------------------------------------------


@pytest.mark.rule("6.40")
def open_to_market(w: World, account: Account, number: int) -> int:
    """Lots of a position that the netting set of its account does not offset."""
    own = account.positions.get(number, Position()).lots
    held = [
        (a.number, a.positions[number].lots)
        for a in w.accounts_of(account.group)
        if a.netting_set == account.netting_set and number in a.positions
    ]
    left = sum(lots for _, lots in held)
    if own * left <= 0:
        return 0
    sign = 1 if own > 0 else -1
    left = abs(left)
    for k, lots in held:
        if lots * sign <= 0:
            continue
        if k == account.number:
            return sign * min(abs(own), left)
        left -= min(abs(lots), left)
    raise AssertionError(account)


SLICES, FULL, LARGEST_FIRST = range(3)
"""Liquidation methods; the last one is that of `tests.tiny_liquidation_method`."""


@pytest.mark.rule("11.24")
def set_liquidation_method(w: World, row: dict[str, Any], _: int) -> None:
    code = SetLiquidationMethodRefusal
    refuse_if(row["account"] >= len(w.accounts), code.UNKNOWN_ACCOUNT)
    account = w.accounts[row["account"]]
    may_have = account.has_margin or account.role == Role.LIQUIDATOR
    refuse_if(not may_have, code.UNKNOWN_ACCOUNT)
    refuse_if(row["method"] not in (SLICES, FULL, LARGEST_FIRST), code.UNKNOWN_METHOD)
    account.method = row["method"]
    w.emit("LiquidationMethodSet", **row)


@pytest.mark.rule("11.5", "11.6", "11.25", "11.26")
def closing_orders(w: World, account: Account) -> list[tuple[int, int]]:
    """Instrument and lots of the next orders, those that are out already among them."""
    wanted = []
    held = [(k, open_to_market(w, account, k)) for k in sorted(account.positions)]
    held = [(k, lots) for k, lots in held if lots and not w.is_blocked(w.instruments[k])]
    notional = {
        k: ceil_at(
            abs(w.instruments[k].value(w.instruments[k].mark, lots)), w.price_in(w.instruments[k])
        )
        for k, lots in held
    }
    if account.method == LARGEST_FIRST:
        largest = sorted(held, key=lambda pair: (-notional[pair[0]], pair[0]))
        return [(k, -1 if lots > 0 else 1) for k, lots in largest[:1]]
    for k, lots in held:
        i = w.instruments[k]
        share = w.parameter(Parameter.SLICE_PPM, account, i)
        whole = notional[k] <= w.parameter(Parameter.SLICE_FLOOR, account, i)
        whole = whole or account.method == FULL
        size = abs(lots) if whole else ceil_div(abs(lots) * share, MILLION)
        wanted.append((k, -size if lots > 0 else size))
    return wanted


@pytest.mark.rule("4.92", "11.11", "11.12", "11.13")
def place_slice(w: World, number: int) -> None:
    account = w.accounts[number]
    closing = account.status == AccountStatus.LIQUIDATING or account.role == Role.LIQUIDATOR
    refuse_if(not closing, GONE)
    cancel_before_slice(w, account)
    busy = {(o.kind, o.subject) for o in w.orders if o.is_open and o.account == number}
    orders = wanted(w, account)
    for kind, subject, quantity, reference in orders:
        if (kind, subject) not in busy:
            place(w, number, kind, subject, quantity, reference)
    account.slice_at = w.now + w.parameter(Parameter.SLICE_INTERVAL_NS, account)
    if not orders:
        account.slice_at = book.WAITING
    if account.role == Role.LIQUIDATOR and is_flat(w, account):
        account.slice_at = 0
    w.emit("SliceScheduled", account=number, instant_ns=account.slice_at)


@pytest.mark.rule("11.7", "11.8", "11.9", "11.10", "11.25")
def wanted(w: World, account: Account) -> list[tuple[int, int, int, int]]:
    """Kind, subject, quantity and reference of the next orders, those that are out among them."""
    found: list[tuple[int, int, int, int]] = [
        (OrderKind.POSITION, k, lots, w.instruments[k].mark)
        for k, lots in closing_orders(w, account)
    ]
    debt = max(-account.balance[0], 0)
    for asset in range(1, len(w.assets)):
        price, held = w.unit_price(asset), account.balance[asset]
        if price <= 0 or w.assets[asset].is_stale or w.assets[asset].jumped is not None:
            continue
        amount = -held if held < 0 else 0
        if held > 0 and account.role == Role.LIQUIDATOR:
            amount = -held
        elif held > 0 and debt > 0:
            amount = -min(held, math.ceil(debt / price))
            debt -= floor_at(-amount, price)
        if amount:
            found.append((OrderKind.CONVERSION, asset, amount, w.assets[asset].price))
    return found


@pytest.mark.rule("11.53")
def collar_of(w: World, kind: int, subject: int) -> int:
    """Collar of an order in millionths, 0 for none."""
    if kind == OrderKind.CONVERSION:
        return w.parameters[Parameter.CONVERSION_COLLAR_PPM]
    return w.parameter(Parameter.TRADE_COLLAR_PPM, instrument=w.instruments[subject])


@pytest.mark.rule("11.53")
def width_of(w: World, kind: int, subject: int, quantity: int, reference: int) -> int:
    """How far a fill may be from what an order's subject is worth."""
    base = reference
    if kind == OrderKind.POSITION and quantity > 0 and w.instruments[subject].is_option:
        base = max(base, w.instruments[subject].short_maintenance)
    return max(base * collar_of(w, kind, subject) // MILLION, 1)


@pytest.mark.rule("11.50", "11.53")
def limit_of(w: World, kind: int, subject: int, quantity: int, reference: int) -> int:
    """The worst price of an order that is placed now."""
    most = 10**17
    if kind == OrderKind.POSITION:
        most = w.instruments[subject].terms["ticks_max"]
    collar = collar_of(w, kind, subject)
    if not collar:
        return 1 if quantity < 0 else most
    far, there = width_of(w, kind, subject, quantity, reference), reference
    if kind == OrderKind.POSITION:
        there = price_at_index(w, w.instruments[subject])
    if quantity < 0:
        return min(max(reference - far, 1), max(there - far // 2, 1))
    return max(min(reference + far, most), min(there + far // 2, most))


@pytest.mark.rule("5.112")
def price_at_index(w: World, i: Instrument) -> int:
    with other_price.at_index(w):
        return i.mark


@pytest.mark.rule("11.13", "11.52")
def cancel_before_slice(w: World, account: Account) -> None:
    """Close orders that the next slice places anew, and excess ones of the liquidator."""
    for k, order in enumerate(w.orders, 1):
        if order.is_open and order.account == account.number:
            in_excess = account.role == Role.LIQUIDATOR and is_in_excess(w, order)
            if in_excess or is_outrun(w, order):
                close_order(w, k)


@pytest.mark.rule("11.52")
def is_outrun(w: World, order: Order) -> bool:
    """Whether mark or index has passed an order's limit, or that is far worse than one of now."""
    if order.kind == OrderKind.POSITION:
        i = w.instruments[order.subject]
        has_price, price = not w.is_blocked(i), i.mark
        prices = [price, price_at_index(w, i)]
    else:
        asset = w.assets[order.subject]
        has_price, price = w.unit_price(order.subject) > 0 and not asset.is_stale, asset.price
        prices = [price]
    if not has_price:
        return False
    now = limit_of(w, order.kind, order.subject, order.quantity, price)
    is_sale = order.quantity < 0
    if order.limit > min(prices) if is_sale else order.limit < max(prices):
        return True
    worse = now - order.limit if is_sale else order.limit - now
    far = width_of(w, order.kind, order.subject, order.quantity, price)
    return collar_of(w, order.kind, order.subject) > 0 and worse > far


def place(w: World, number: int, kind: int, subject: int, quantity: int, reference: int) -> None:
    limit = limit_of(w, kind, subject, quantity, reference)
    w.orders.append(Order(number, kind, subject, quantity, limit, w.now))
    w.emit(
        "OrderPlaced",
        order=len(w.orders),
        account=number,
        kind=kind,
        subject=subject,
        quantity=quantity,
        reference=reference,
        instant_ns=w.now,
        limit=limit,
    )


def close_order(w: World, order: int) -> None:
    w.orders[order - 1].is_open = False
    w.emit("OrderClosed", order=order)


@pytest.mark.rule("11.20")
def expire_order(w: World, number: int) -> None:
    """Nobody answered for as long as an order lives."""
    refuse_if(not w.orders[number - 1].is_open, GONE)
    close_order(w, number)


@pytest.mark.rule("8.12")
def settle_expiry(w: World, number: int) -> None:
    """A contract that expired leaves no orders behind."""
    book.settle_expiry(w, number)
    if w.instruments[number].status == InstrumentStatus.EXPIRED:
        for k, order in enumerate(w.orders, 1):
            if order.is_open and (order.kind, order.subject) == (OrderKind.POSITION, number):
                close_order(w, k)


def close_orders(w: World, account: int) -> None:
    for k, order in enumerate(w.orders, 1):
        if order.is_open and order.account == account:
            close_order(w, k)


@pytest.mark.rule("11.31", "12.20")
def net_that_counts(w: World, first: Account) -> int:
    """Net at the mark; what is above zero there alone, and not at the index, is none."""
    net = w.assess(first).net
    with other_price.at_index(w):
        there = w.assess(first).net
    return 0 if net > 0 >= there else net


@pytest.mark.rule("8.77", "11.14", "11.15", "11.16", "11.17")
def fill(w: World, number: int, quantity: int, price: int) -> None:
    """An order traded with the external market."""
    order = w.orders[number - 1]
    order.answered = w.now
    account, market = w.accounts[order.account], w.single(Role.EXTERNAL_MARKET)
    if order.kind == OrderKind.CONVERSION:
        asset = w.assets[order.subject]
        top = abs(quantity) * price * 10 ** w.assets[0].decimals
        bottom = 10 ** (8 + asset.decimals)
        proceeds = top // bottom if quantity < 0 else -ceil_div(top, bottom)
        for party, sign in ((account, 1), (market, -1)):
            party.balance[order.subject] += sign * quantity
            party.balance[0] += sign * proceeds
        w.emit(
            "AssetConverted",
            order=number,
            account=order.account,
            asset=order.subject,
            amount=quantity,
            price_e8=price,
            proceeds=proceeds,
        )
        return
    i = w.instruments[order.subject]
    value = i.value(price, quantity)
    notional = ceil_at(abs(value), w.price_in(i))
    rate = w.parameter(Parameter.LIQUIDATION_FEE_PPM, account, i)
    first = w.accounts[account.group]
    after = net_that_counts(w, first) + floor_at(i.value(i.mark, quantity) - value, w.price_in(i))
    fee = min(ceil_div(notional * rate, MILLION), max(after, 0), fee_room(w, account))
    if account.role == Role.LIQUIDATOR:
        fee = 0
    book_leg(w, account, order.subject, price, quantity, value)
    book_leg(w, market, order.subject, price, -quantity, -value)
    i.taken_over = still_held(market, order.subject, i.taken_over - quantity)
    account.balance[0] -= fee
    w.single(Role.INSURANCE_FUND).balance[0] += fee
    w.emit(
        "OrderFilled",
        order=number,
        account=order.account,
        instrument=order.subject,
        lots=quantity,
        ticks=price,
        value=value,
        fee=fee,
    )


@pytest.mark.rule("15.66")
def fee_room(w: World, account: Account) -> int:
    """The largest fee that leaves both balances within 2**60."""
    fund = w.single(Role.INSURANCE_FUND).balance[0]
    return max(min(AMOUNT_MAX - fund, AMOUNT_MAX + account.balance[0]), 0)


@pytest.mark.rule("15.6", "15.69")
def room_of_trade(w: World, number: int, value: int, *both: Account) -> int:
    """The largest number that a trade could leave with both sides or the settlement account."""
    i = w.instruments[number]
    moved = [value + abs(a.positions.get(number, Position()).entry_cost) for a in both]
    sizes = [w.load(a, i.settles_in) + size for a, size in zip(both, moved, strict=True)]
    if i.terms["style"] == Style.AT_CLOSE:
        house = w.single(Role.SETTLEMENT)
        cost = house.positions[number].settlement_cost
        sizes.append(max(abs(house.balance[i.settles_in]), abs(cost)) + sum(moved))
    return max(sizes)


# --- takeover and losses -------------------------------------------------------------------


@pytest.mark.rule("15.65")
def used_by_house(w: World, asset: int) -> int:
    """What stands in the books of liquidator and settlement account before a takeover."""
    own, house = w.single(Role.LIQUIDATOR), w.single(Role.SETTLEMENT)
    mine = [k for k, i in enumerate(w.instruments) if i.settles_in == asset]
    costs = [abs(house.positions[k].settlement_cost) for k in mine if k in house.positions]
    entries = sum(abs(own.positions[k].entry_cost) for k in mine if k in own.positions)
    return max(w.load(own, asset), abs(house.balance[asset]), *costs, 0) + entries


@pytest.mark.rule("15.65")
def moved_by_takeover(w: World, group: int, asset: int) -> int:
    """What the takeover of a group moves in an asset, as often as it may be booked."""
    total = 0
    for account in w.accounts_of(group):
        total += abs(account.balance[asset])
        for k, p in account.positions.items():
            i = w.instruments[k]
            if i.settles_in == asset:
                value = abs(i.value(max(i.mark, 1), p.lots)) if p.lots else 0
                total += 3 * value + abs(p.settlement_cost) + abs(p.entry_cost)
    return total


@pytest.mark.rule("15.65")
def with_room(w: World, groups: list[int]) -> list[int]:
    """Takeovers, in their order, for which the books of the house have room."""
    assets = range(len(w.assets))
    used = {a: used_by_house(w, a) for a in assets}
    fits = []
    for group in groups:
        moved = {a: moved_by_takeover(w, group, a) for a in assets}
        if all(not moved[a] or used[a] + moved[a] <= 2 * AMOUNT_MAX for a in assets):
            fits.append(group)
            used = {a: used[a] + moved[a] for a in assets}
    return fits


@pytest.mark.rule("11.23")
def cancel_excess_orders(w: World) -> None:
    """Close orders of the liquidator that would no longer reduce what it holds."""
    number = w.number_of(Role.LIQUIDATOR)
    for k, order in enumerate(w.orders, start=1):
        if order.is_open and order.account == number and is_in_excess(w, order):
            close_order(w, k)


@pytest.mark.rule("11.23")
def is_in_excess(w: World, order: Order) -> bool:
    """Whether an order does not reduce what its account holds, or is larger than it."""
    own = w.accounts[order.account]
    if order.kind == OrderKind.CONVERSION:
        held = own.balance[order.subject]
    else:
        held = own.positions[order.subject].lots if order.subject in own.positions else 0
    reduces = (held > 0 > order.quantity) or (held < 0 < order.quantity)
    return not reduces or abs(order.quantity) > abs(held)


def record_loss(w: World, number: int, amount: int) -> None:
    w.losses.append(Loss(number, amount))
    w.emit("LossRecorded", loss=len(w.losses), account=number, amount=amount)


@pytest.mark.rule("15.67")
def payable(w: World) -> int:
    """How much the liquidator may be paid for the losses of a record."""
    if w.number_of(Role.LIQUIDATOR) < 0 or not w.assets:
        return 0
    own = w.single(Role.LIQUIDATOR)
    costs = w.load(own, 0) - abs(own.balance[0])
    return max(2 * AMOUNT_MAX - costs - own.balance[0], 0)


@pytest.mark.rule("12.10")
def shortfall(w: World) -> int:
    pending = sum(loss.amount for loss in w.losses if loss.is_open) + w.uncovered
    return -(w.assess(w.single(Role.LIQUIDATOR)).net + min(pending, 4 * AMOUNT_MAX))


@pytest.mark.rule("5.82")
def least_shortfall(w: World) -> int:
    """What the liquidator is short of, the least at any price; when it is flat, at the marks."""
    found = [shortfall(w)]
    for prices in [] if is_flat(w, w.single(Role.LIQUIDATOR)) else other_price.other_prices(w):
        with prices:
            found.append(shortfall(w))
    return min(found)


@pytest.mark.rule("12.11", "12.13")
def shortfall_is_due(w: World) -> bool:
    """A loss once the liquidator is flat, or beyond the clearing house's own means."""
    roles = [HOUSE_PAYS[Layer(layer)] for layer in w.waterfall if layer in HOUSE_PAYS]
    means = sum(max(w.single(role).balance[0], 0) for role in roles)
    short = least_shortfall(w)
    return short > 0 and (short > means or is_flat(w, w.single(Role.LIQUIDATOR)))


def record_shortfall(w: World, number: int) -> None:
    refuse_if(not shortfall_is_due(w), GONE)
    record_loss(w, number, least_shortfall(w))


@pytest.mark.rule("6.44", "13.3", "13.4", "13.5", "13.6", "13.16", "13.17", "13.18", "13.20")
def allocate_loss(w: World, number: int) -> None:
    """Take a loss through the layers in their declared order."""
    loss = w.losses[number - 1]
    refuse_if(not loss.is_open, GONE)
    rest = min(loss.amount, w.payable)
    w.payable -= rest
    unpayable = loss.amount - rest
    failed = w.accounts[loss.account]
    own = w.answerable if failed.role == Role.LIQUIDATOR else {failed.payer}
    funds = [k for k, a in enumerate(w.accounts) if a.role == Role.DEFAULT_FUND]
    for layer in w.waterfall:
        payers = {
            Layer.OWN_CONTRIBUTION: [k for k in funds if w.accounts[k].parent in own],
            Layer.DEFAULT_FUND: [k for k in funds if w.accounts[k].parent not in own],
            JUNIOR_MEMBERS: [
                k for k in funds[len(funds) // 2 :] if w.accounts[k].parent not in own
            ],
            Layer.INSURANCE_FUND: [w.number_of(Role.INSURANCE_FUND)],
            Layer.SKIN_IN_THE_GAME: [w.number_of(Role.SKIN_IN_THE_GAME)],
        }
        if layer == Layer.AUTO_DELEVERAGING and rest > 0:
            rest = deleverage(w, number, rest)
            cancel_excess_orders(w)
        if layer == Layer.AUTO_DELEVERAGING:
            rest = haircut_gains(w, number, rest, winners(w))
            continue
        if layer == Layer.GAINS_HAIRCUT:
            rest = haircut_gains(w, number, rest, w.able or winners(w))
            continue
        if layer == EQUITY_SHARE:
            rest = bear(w, number, layer, rest, w.able or beyond_initial(w))
            continue
        able = [(k, max(w.accounts[k].balance[0], 0)) for k in payers[layer]]
        rest = bear(w, number, layer, rest, able)
    rest += unpayable
    if rest > 0:
        payer = w.number_of(Role.LIQUIDATOR)
        w.uncovered = min(w.uncovered + rest, 4 * AMOUNT_MAX)
        w.emit("LossAllocated", loss=number, layer=Layer.UNCOVERED, payer=payer, amount=rest)
    loss.is_open = False
    w.emit("LossClosed", loss=number)


@pytest.mark.rule("13.7", "13.8")
def bear(w: World, loss: int, layer: int, rest: int, able: list[tuple[int, int]]) -> int:
    """Let accounts pay what they can, pro rata; return what is left."""
    able = [(k, most) for k, most in able if most > 0]
    if layer == EQUITY_SHARE:
        able = within_bounds(w, able)
    amount = min(rest, sum(most for _, most in able))
    if amount <= 0:
        return rest
    shares = share_out(amount, able)
    if layer == EQUITY_SHARE:
        keep_left(w, able, shares)
    for k, share in shares:
        w.accounts[k].balance[0] -= share
        w.single(Role.LIQUIDATOR).balance[0] += share
        w.emit("LossAllocated", loss=loss, layer=layer, payer=k, amount=share)
    return rest - amount


@pytest.mark.rule("13.21")
def beyond_initial(w: World) -> list[tuple[int, int]]:
    """What standing accounts can bear: their equity above initial margin."""
    able = []
    for k in w.margin_groups():
        account = w.accounts[k]
        if account.is_standing:
            n = w.assess(account)
            able.append((k, n.equity - n.initial))
    return able


@pytest.mark.rule("6.42", "13.9")
def winners(w: World) -> list[tuple[int, int]]:
    """What standing groups have gained and can bear."""
    standing = [w.accounts[k] for k in w.margin_groups() if w.accounts[k].is_standing]
    return [(a.group, most_cut(w, a)) for a in standing]


def haircut_gains(w: World, loss: int, rest: int, able: list[tuple[int, int]]) -> int:
    able = within_bounds(w, [(k, gain) for k, gain in able if gain > 0])
    gains = sum(gain for _, gain in able)
    amount = min(rest, gains)
    if amount <= 0:
        return rest
    shares = share_out(amount, able)
    keep_left(w, able, shares)
    for k, share in shares:
        w.accounts[k].balance[0] -= share
        w.accounts[k].window_gain -= share
        w.single(Role.LIQUIDATOR).balance[0] += share
    w.emit("GainsCut", loss=loss, amount=amount, gains=gains, winners=len(able))
    return rest - amount


HOUR = 3600 * 10**9
PAYS_AS = {
    Role.INSURANCE_FUND: Layer.INSURANCE_FUND,
    Role.SKIN_IN_THE_GAME: Layer.SKIN_IN_THE_GAME,
    Role.DEFAULT_FUND: Layer.DEFAULT_FUND,
}


@pytest.mark.rule("13.30")
def still_missing(w: World) -> int:
    """What is uncovered, less what the liquidator has made good since."""
    return min(w.uncovered, max(-w.assess(w.single(Role.LIQUIDATOR)).net, 0))


@pytest.mark.rule("13.30", "13.31", "13.34")
def share_uncovered(w: World, _: int) -> None:
    """Later gains bear what is uncovered, and when it has waited for an hour everybody does."""
    due, asked = w.share_due or w.now + HOUR, still_missing(w)
    most = min(asked, payable(w))
    rest = haircut_gains(w, 0, most, winners(w))
    if w.now >= due:
        rest = share_by_worth(w, rest)
        due = w.now + HOUR
    rest += asked - most
    w.uncovered, w.share_due = rest, due if rest else 0
    w.emit("UncoveredShared", amount=asked - rest, left=rest, due_ns=w.share_due)


@pytest.mark.rule("13.32", "13.33")
def share_by_worth(w: World, rest: int) -> int:
    """The clearing house's own money first, then contributions and groups by what they have."""
    own = (Role.INSURANCE_FUND, Role.SKIN_IN_THE_GAME, Role.FEES)
    rest = pay_by_worth(
        w, rest, [(k, a.balance[0]) for k, a in enumerate(w.accounts) if a.role in own]
    )
    funds = [(k, a.balance[0]) for k, a in enumerate(w.accounts) if a.role == Role.DEFAULT_FUND]
    groups = [w.accounts[k] for k in w.margin_groups() if w.accounts[k].is_standing]
    others = sorted([*funds, *((a.group, w.assess(a).net) for a in groups)])
    return pay_by_worth(w, rest, others)


def pay_by_worth(w: World, rest: int, able: list[tuple[int, int]]) -> int:
    """Let accounts pay pro rata to what they have; return what is left."""
    able = [(k, min(most, w.accounts[k].balance[0] + AMOUNT_MAX)) for k, most in able]
    able = [(k, most) for k, most in able if most > 0]
    amount = min(rest, sum(most for _, most in able))
    for k, share in share_out(amount, able) if amount else []:
        w.accounts[k].balance[0] -= share
        w.single(Role.LIQUIDATOR).balance[0] += share
        layer = PAYS_AS.get(Role(w.accounts[k].role), Layer.NET_WORTH)
        w.emit("LossAllocated", loss=0, layer=layer, payer=k, amount=share)
    return rest - amount


@pytest.mark.rule("6.35", "13.9")
def most_cut(w: World, account: Account) -> int:
    """The gain, or what equity is above maintenance margin if that is less."""
    n = w.assess(account)
    gain = min(w.group(account).window_gain + n.gain, n.equity - n.maintenance)
    return min(gain, w.accounts[account.group].window_gain + AMOUNT_MAX)


@pytest.mark.rule("15.70")
def within_bounds(w: World, able: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """What accounts can bear with no balance below -2**60 and no sum of 2**61."""
    able = [(k, min(most, w.accounts[k].balance[0] + AMOUNT_MAX)) for k, most in able]
    while sum(max(most, 0) for _, most in able) >= 2 * AMOUNT_MAX:
        able = [(k, most // 2) for k, most in able]
    return [(k, most) for k, most in able if most > 0]


@pytest.mark.rule("13.9", "13.21")
def keep_left(w: World, able: list[tuple[int, int]], shares: list[tuple[int, int]]) -> None:
    """Let the next losses of this record find what these shares leave."""
    borne = dict(shares)
    w.able = [(k, most - borne.get(k, 0)) for k, most in able]


@pytest.mark.rule("13.10")
def deleverage(w: World, loss: int, rest: int) -> int:
    """Close winners against the liquidator, its largest position first."""
    number = w.number_of(Role.LIQUIDATOR)
    held = [(k, p.lots) for k, p in w.accounts[number].positions.items() if p.lots]

    def notional(k: int, lots: int) -> int:
        i = w.instruments[k]
        return ceil_at(abs(i.value(i.mark, lots)), w.price_in(i))

    for k, lots in sorted(held, key=lambda pair: (-notional(*pair), pair[0])):
        if rest > 0:
            rest = deleverage_contract(w, loss, rest, k, lots)
    return rest


@pytest.mark.rule("13.11", "13.15")
def deleverage_contract(w: World, loss: int, rest: int, k: int, held: int) -> int:
    """Walk the winners of one contract, best score first."""
    i, liquidator = w.instruments[k], w.single(Role.LIQUIDATOR)
    price = w.price_in(i)

    def borne(lots: int, ticks: int) -> int:
        """What the liquidator gains by trading away ``lots`` at a price and not at the mark."""
        return floor_at(i.value(i.mark, -lots) - i.value(ticks, -lots), price)

    step = 1 if held > 0 else -1
    limit = i.terms["ticks_max"] if held > 0 else 1
    prices = range(i.mark, limit + step, step)
    at = bisect.bisect_left(prices, rest, key=lambda t: borne(held, t))
    ticks = prices[at] if at < len(prices) else limit
    open_lots = abs(held)
    while rest > 0 and open_lots > 0:
        first = best_winner(w, k, held)
        if first is None:
            break
        number, lots = first
        size = min(open_lots, abs(lots))
        signed = size if held > 0 else -size
        numbers = w.assess(w.accounts[number])
        room = max(numbers.equity - numbers.maintenance, 0)

        def is_borne(at: int, signed: int = signed, room: int = room) -> bool:
            return borne(signed, at) <= room

        at_price = no_loss_price(i, w.accounts[number].positions[k], signed, ticks, is_borne)
        value = i.value(at_price, signed)
        both = (w.accounts[number], liquidator)
        if room_of_trade(w, k, abs(value), *both) >= 2 * AMOUNT_MAX:
            break
        amount = min(borne(signed, at_price), rest)
        book_leg(w, w.accounts[number], k, at_price, signed, value)
        book_leg(w, liquidator, k, at_price, -signed, -value)
        w.emit(
            "PositionDeleveraged",
            loss=loss,
            account=number,
            instrument=k,
            lots=signed,
            ticks=at_price,
            value=value,
            amount=amount,
        )
        rest -= amount
        open_lots -= size
    return rest


@pytest.mark.rule("6.43", "13.12", "13.13")
def best_winner(w: World, k: int, held: int) -> tuple[int, int] | None:
    """The winner with the highest score now, and its lots that are open to the market."""
    i, winners = w.instruments[k], []
    for number, account in enumerate(w.accounts):
        p, most = account.positions.get(k), open_to_market(w, account, k)
        if not account.is_standing or p is None or most * held >= 0:
            continue
        value = i.value(i.mark, p.lots)
        profit, equity = value - p.entry_cost, w.assess(account).net
        if profit > 0:
            leverage = abs(value) * w.price_in(i) / equity if equity > 0 else 1.0
            score = profit / abs(p.entry_cost) * leverage if p.entry_cost else 0.0
            winners.append((-score, number, most))
    return min(winners)[1:] if winners else None


@pytest.mark.rule("13.14")
def no_loss_price(i: Any, p: Any, lots: int, ticks: int, is_borne: Callable[[int], bool]) -> int:
    """The price nearest ``ticks`` from the mark on at which closing is no loss, and is borne."""
    closed = abs(p.entry_cost) * abs(lots) // abs(p.lots)
    closed = closed if p.entry_cost > 0 else -closed
    step = 1 if ticks > i.mark else -1
    best, far = 0, abs(ticks - i.mark)
    while best < far:
        middle = (best + far + 1) // 2
        there = i.mark + step * middle
        if -i.value(there, lots) - closed >= 0 and is_borne(there):
            best = middle
        else:
            far = middle - 1
    return int(i.mark + step * best)


@pytest.mark.rule("11.22")
def is_flat(w: World, account: Account) -> bool:
    """No lots, no orders, no other asset, nothing pending in another asset."""
    if any(o.is_open and o.account == account.number for o in w.orders):
        return False
    if any(amount for a, amount in account.balance.items() if a and w.unit_price(a) > 0):
        return False
    return not any(
        p.lots or (p.settlement_cost and w.instruments[k].settles_in)
        for k, p in account.positions.items()
    )


@pytest.mark.rule("12.12", "12.33", "15.68")
def surplus(w: World) -> int:
    """What the liquidator pays to the insurance fund, as far as that has room for it."""
    own, worth = w.single(Role.LIQUIDATOR), w.assess(w.single(Role.LIQUIDATOR)).net
    room = AMOUNT_MAX - w.single(Role.INSURANCE_FUND).balance[0]
    if not is_flat(w, own):
        return max(min(spare(w), asked_by_losses(w), room), 0)
    for asset in range(len(w.assets)):
        pending = w.load(own, asset) - abs(own.balance[asset])
        if used_by_house(w, asset) + pending > 2 * AMOUNT_MAX:
            return 0
    return max(min(worth, room), 0)


@pytest.mark.rule("12.31")
def spare(w: World) -> int:
    """What the liquidator has beyond what its positions may need, at the worst of all prices."""
    own = w.single(Role.LIQUIDATOR)
    if w.blocked_positions(own):
        return 0
    lost = sum(loss.amount for loss in w.losses if loss.is_open)
    found = [own.balance[0] + lost]
    for prices in [nullcontext(), *other_price.other_prices(w), other_price.at_index(w)]:
        with prices:
            n = w.assess(own)
            found.append(n.equity + lost - n.initial - close_out_charge(w, own))
    return max(min(found), 0)


@pytest.mark.rule("12.32")
def asked_by_losses(w: World) -> int:
    """What open losses need that neither their members nor the insurance fund have."""
    if Layer.INSURANCE_FUND not in w.waterfall:
        return 0
    lost: Counter[int] = Counter()
    for loss in w.losses:
        failed = w.accounts[loss.account]
        if loss.is_open:
            lost[-1 if failed.role == Role.LIQUIDATOR else failed.payer] += loss.amount
    asked = 0
    for member, amount in lost.items():
        funds = [a for a in w.accounts if a.role == Role.DEFAULT_FUND and a.parent == member]
        asked += max(amount - sum(max(a.balance[0], 0) for a in funds), 0)
    return max(asked - w.single(Role.INSURANCE_FUND).balance[0], 0) if asked else 0


@pytest.mark.rule("12.21")
def close_out_charge(w: World, first: Account) -> int:
    """A share of the notional of what is to be closed, dearer with its size."""
    total = 0
    for (k, _), p in w.group(first).positions.items():
        i = w.instruments[k]
        if not p.lots or i.mark <= 0 or (i.is_option and p.lots > 0):
            continue
        notional = min(float(abs(i.value(i.mark, p.lots))) * w.price_in(i), float(AMOUNT_MAX))
        cost = notional * (w.parameter(Parameter.CLOSE_OUT_CHARGE_PPM, first, i) / MILLION)
        depth = w.parameter(Parameter.CLOSE_OUT_DEPTH, None, i)
        if depth:
            cost *= 1 + notional / depth
        asked = math.ceil(min(cost, float(AMOUNT_MAX)))
        total += min(asked, w.maintenance_by_rule(k, p.lots))
    return min(total, 2 * AMOUNT_MAX)


@pytest.mark.rule("12.12", "12.33")
def sweep_surplus(w: World, number: int) -> None:
    liquidator = w.accounts[number]
    amount, was_flat = surplus(w), is_flat(w, liquidator)
    refuse_if(amount <= 0, GONE)
    for k, p in liquidator.positions.items() if was_flat else ():
        pay_early(w, liquidator, k, -p.settlement_cost)
    liquidator.balance[0] -= amount
    w.single(Role.INSURANCE_FUND).balance[0] += amount
    w.uncovered = w.share_due = 0
    w.emit("SurplusSwept", account=number, amount=amount, is_flat=was_flat)


# --- what the state calls for --------------------------------------------------------------


Work = list[tuple[str, dict[str, int]]]


def account_work(name: str, found: list[int]) -> Work:
    """One command per account or group."""
    return [(name, {"account": k}) for k in found]


@pytest.mark.rule("4.10", "4.11", "4.50", "4.91")
def waiting_stages(w: World) -> Iterator[Work]:
    """What waited for an index that is back: looks at barriers, funding, then expiries."""
    active = [(k, i) for k, i in enumerate(w.instruments) if i.status == InstrumentStatus.ACTIVE]
    looks = [
        {"instrument": k}
        for k, i in active
        if i.next_observation == book.WAITING and w.is_fresh(i.terms["underlying"])
    ]
    yield [("ObserveBarrier", look) for look in looks]
    late = [
        {"instrument": k, "period": i.period + 1}
        for k, i in active
        if i.funding_waits_from and not w.lacks_price(i)
    ]
    yield [("SettleFunding", one) for one in late]
    ended = [
        {"instrument": k} for k, i in active if w.is_over(i) and book.basis_of(w, i) is not None
    ]
    back = [(k, i) for k, i in active if not w.is_blocked(i)]
    yield [
        ("SettleCycle", {"instrument": k, "cycle": i.cycle + 1})
        for k, i in back
        if i.next_cycle == book.WAITING
    ]
    yield [("SettleExpiry", end) for end in ended]


@pytest.mark.rule("4.9", "4.12", "4.13", "4.14", "4.21", "8.81")
def loss_stages(w: World) -> Iterator[Work]:
    """What the liquidator has left, losses, takeovers, and what the liquidator is short of."""
    left = [w.number_of(Role.LIQUIDATOR)] if surplus(w) > 0 else []
    yield account_work("SweepSurplus", left)
    yield [("AllocateLoss", {"loss": k}) for k, loss in enumerate(w.losses, 1) if loss.is_open]
    failed = [
        k
        for k, a, _ in assessed(w, AccountStatus.LIQUIDATING)
        if fails(w, a, stands(w)) and not w.blocked_positions(a)
    ]
    yield account_work("TakeOver", [] if w.is_paused else with_room(w, failed))
    number = w.number_of(Role.LIQUIDATOR)
    is_short = shortfall_is_due(w) and not w.blocked_positions(w.accounts[number])
    yield account_work("RecordShortfall", [number] if is_short else [])
    yield account_work("ShareUncovered", [number] if may_be_borne(w) else [])


@pytest.mark.rule("4.71")
def may_be_borne(w: World) -> bool:
    """Whether something is uncovered that has not waited yet, has waited enough, or finds gains."""
    if not w.uncovered:
        return False
    if not w.share_due or w.now >= w.share_due or still_missing(w) < w.uncovered:
        return True
    standing = [w.accounts[k] for k in w.margin_groups() if w.accounts[k].is_standing]
    able = [(a.group, most_cut(w, a)) for a in standing]
    return payable(w) > 0 and bool(within_bounds(w, [(k, gain) for k, gain in able if gain > 0]))


def assessed(w: World, status: AccountStatus) -> list[tuple[int, Account, Numbers]]:
    """Margin groups of a status, with the account that each began with and what it is worth."""
    found = [(k, w.accounts[k]) for k in w.margin_groups()]
    return [(k, a, w.assess(a)) for k, a in found if a.status == status]


@pytest.mark.rule("4.15", "4.16", "4.17", "4.23", "8.81", "10.63")
def cure_stages(w: World) -> Iterator[Work]:
    """Accounts that recovered, calls whose account cannot act, and calls that nobody can meet."""
    closing, called = (assessed(w, s) for s in (AccountStatus.LIQUIDATING, AccountStatus.CALLED))
    cured = [k for k, a, _ in closing if is_cured(w, a)]
    yield account_work("StopLiquidation", cured)
    met = [k for k, a, _ in called if worse_of_mark_and_protected(w, a).room >= 0]
    yield account_work("MeetCall", met)
    stuck = [k for k, a, _ in called if a.deadline != book.WAITING and cannot_act(w, a)]
    yield account_work("ExpireCall", stuck)
    lost = [
        k
        for k, a, _ in called
        if a.deadline == book.WAITING or fails_early(w, a)
        if not cannot_act(w, a)
    ]
    yield account_work("ExpireCall", lost)


@pytest.mark.rule("4.18", "4.19", "4.22", "8.81", "10.40")
def breach_stages(w: World) -> Iterator[Work]:
    """Open groups that are short of margin, and called ones that miss more than they were asked."""
    if w.is_paused:
        return
    trading = [(k, a, n) for k, a, n in assessed(w, AccountStatus.OPEN) if not w.is_held_up(a)]
    failing = [
        (n.equity - n.maintenance, k)
        for k, a, n in trading
        if fails_maintenance(w, a) or is_insolvent(w, a)
    ]
    yield account_work("StartLiquidation", [k for _, k in sorted(failing)])
    called = [a for _, a, _ in assessed(w, AccountStatus.CALLED)]
    called = [a for a in called if a.deadline != book.WAITING and not w.is_held_up(a)]
    callable_ = [a for a in [a for _, a, _ in trading] + called if may_be_called(w, a)]
    yield account_work(
        "CallMargin", sorted(a.number for a in callable_ if is_worth_a_call(w, a.number))
    )


@pytest.mark.rule("4.18", "10.40")
def fails_maintenance(w: World, account: Account) -> bool:
    """Whether a group of policy auto-liquidate is short, and not by decay alone."""
    is_auto = account.shortfall_policy == ShortfallPolicy.AUTO_LIQUIDATE
    return is_auto and fails(w, account, covers_maintenance) and not is_only_decayed(w, account)


@pytest.mark.rule("4.19", "10.40")
def may_be_called(w: World, account: Account) -> bool:
    """Whether a group is short of what its policy calls it for."""
    if account.shortfall_policy == ShortfallPolicy.CALL_THEN_DEFAULT:
        return fails_call(w, account)
    return fails(w, account, covers_maintenance) and is_only_decayed(w, account)


@pytest.mark.rule("4.20")
def closing_stages(w: World) -> Iterator[Work]:
    """Slices that are due now."""
    number = w.number_of(Role.LIQUIDATOR)
    due = [k for k, a in enumerate(w.accounts) if 0 < a.slice_at <= w.now]
    due += [k for k, a in enumerate(w.accounts) if a.slice_at == book.WAITING and wanted(w, a)]
    due.sort(key=lambda k: (k == number, k))
    yield account_work("PlaceSlice", due)


@pytest.mark.rule("4.6", "4.70", "8.50")
def window_stages(w: World) -> Iterator[Work]:
    """The gains window turns when it is over and nothing it saw can still cost anything."""
    end = (w.window_from or 0) + w.parameters[Parameter.GAINS_WINDOW_NS]
    closing = any(a.has_margin and a.status == AccountStatus.LIQUIDATING for a in w.accounts)
    is_over = w.now >= end and not w.unpaid and not closing
    yield [("StartGainsWindow", {"instant_ns": end})] if is_over else []


@pytest.mark.rule("4.9", "4.24")
def consequences(w: World) -> Work:
    """Commands of the first stage that has work."""
    if w.number_of(Role.LIQUIDATOR) < 0:
        return []
    stages = (
        waiting_stages(w),
        order_stages(w),
        loss_stages(w),
        cure_stages(w),
        breach_stages(w),
        closing_stages(w),
        window_stages(w),
    )
    return next((work for stage in stages for work in stage if work), [])
