"""What attackers do, one move at a time: each is one or several valid commands.

A move is drawn by the stream's generator; nothing in it knows the rules that it tries to beat.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from novate.message import command
from tests.simulate.adversary.venue import (
    AT_CLOSE,
    ATTACKERS,
    CALL,
    FUTURE,
    HONEST,
    INVERSE,
    LINEAR,
    OPTION_EXPIRY,
    PUT,
    SETTLEMENT,
    Venue,
    post,
)
from tests.unit.clearing import COIN, E8, HOUR, MINUTE, SECOND

Draw = np.random.Generator
Move = Callable[[Venue, Draw], None]

NETTED = (LINEAR, INVERSE, FUTURE)
"""Contracts in which uninvolved accounts trade: no funding, no time value."""

CONTRACTS = (LINEAR, LINEAR, LINEAR, INVERSE, INVERSE, FUTURE, AT_CLOSE, CALL, PUT)
LOTS = (1, 7, 50, 100, 100, 300, 900)


def pick(draw: Draw, values: tuple[int, ...]) -> int:
    return int(values[int(draw.integers(len(values)))])


def who(draw: Draw) -> str:
    return ATTACKERS[int(draw.integers(len(ATTACKERS)))]


def pair(draw: Draw) -> tuple[str, str]:
    """Two attackers: often the second is the one with the most money."""
    first, second = draw.choice(len(ATTACKERS), 2, replace=False)
    if draw.random() < 0.5 and ATTACKERS[int(first)] != "B":
        return ATTACKERS[int(first)], "B"
    return ATTACKERS[int(first)], ATTACKERS[int(second)]


def mark(venue: Venue, i: int) -> int:
    return max(int(venue.state.marks.mark[i]), 1)


def off_mark(venue: Venue, draw: Draw, i: int) -> int:
    """A price somewhere around the mark: at it, at the edge of the collar, or between."""
    at = mark(venue, i)
    shift = (
        0,
        0,
        1,
        -1,
        at // 10,
        -at // 10,
        at // 20,
        -at // 20,
        int(at * draw.uniform(-0.1, 0.1)),
    )
    return max(at + pick(draw, tuple(int(s) for s in shift)), 1)


def trade(
    venue: Venue, buyer: str, seller: str, i: int, lots: int, ticks: int, **reservation: int
) -> bool:
    done = venue.attempt(
        venue.house.trade_run(buyer, seller, instrument=i, lots=lots, ticks=ticks, **reservation)
    )
    venue.say("trade" if done else "refused trade", buyer, seller, i, lots, ticks, reservation)
    return done


def two(first: str, second: str, side: int) -> tuple[str, str]:
    """Buyer and seller when the first buys (1) or sells (-1)."""
    return (first, second) if side > 0 else (second, first)


def affordable(venue: Venue, draw: Draw, name: str, i: int) -> int:
    """About as many lots as its equity margins."""
    equity = max(venue.house.equity(name), 0)
    lot = {CALL: 140, PUT: 140}.get(i, 100 / 50 if i == INVERSE else HONEST / 50) * COIN
    return max(int(equity / lot * float(draw.choice((0.3, 0.9, 0.97)))), 1)


def some_lots(venue: Venue, draw: Draw, name: str, i: int) -> int:
    """Lots that it holds, or about what it can afford, or any number."""
    held = abs(venue.house.lots(name, i))
    if held and draw.random() < 0.6:
        return held
    return affordable(venue, draw, name, i) if draw.random() < 0.5 else pick(draw, LOTS)


# ---- moves


def trade_among_themselves(venue: Venue, draw: Draw) -> None:
    """A direct trade of two attackers, at the mark or off it."""
    buyer, seller = pair(draw)
    i = pick(draw, CONTRACTS)
    trade(venue, buyer, seller, i, some_lots(venue, draw, buyer, i), off_mark(venue, draw, i))


def trade_with_an_uninvolved_account(venue: Venue, draw: Draw) -> None:
    """At the honest price alone, and only while that is the mark."""
    i, name = pick(draw, NETTED), who(draw)
    if mark(venue, i) != HONEST:
        return
    lots = some_lots(venue, draw, name, i)
    buyer, seller = (name, "H") if draw.random() < 0.5 else ("H", name)
    trade(venue, buyer, seller, i, lots, HONEST)


def close_at_the_mark(venue: Venue, draw: Draw) -> None:
    """Flatten a position against an uninvolved account."""
    i, name = pick(draw, NETTED), who(draw)
    held = venue.house.lots(name, i)
    if held and mark(venue, i) == HONEST:
        buyer, seller = ("H", name) if held > 0 else (name, "H")
        trade(venue, buyer, seller, i, abs(held), HONEST)


def reserve(venue: Venue, name: str, i: int, lots: int, limit: int) -> int:
    """Place an order; its number, 0 if it was refused."""
    done = venue.attempt(
        command.RESERVE_MARGIN.row(
            account=venue.house.number(name), instrument=i, lots=lots, limit_ticks=limit
        )
    )
    venue.say("reserve" if done else "refused reserve", name, i, lots, limit)
    return int(venue.state.reservations.given) if done else 0


def place_an_order(venue: Venue, draw: Draw) -> None:
    """An order of any side and limit, often one that closes what is held."""
    name, i = who(draw), pick(draw, CONTRACTS)
    held = venue.house.lots(name, i)
    lots = -held if held and draw.random() < 0.6 else some_lots(venue, draw, name, i)
    lots *= 1 if draw.random() < 0.7 else -1
    reserve(venue, name, i, lots, off_mark(venue, draw, i))


def open_orders(venue: Venue) -> list[dict[str, int]]:
    r = venue.state.reservations
    names = ("number", "account", "instrument", "lots", "limit_ticks")
    rows = [{n: int(getattr(r, n)[row]) for n in names} for row in range(r.count)]
    return [row for row in rows if row["lots"]]


def fill_an_order(venue: Venue, draw: Draw) -> None:
    """A friend fills an open order: at its limit or worse, whole, in part or beyond what is left.

    Now and then somebody else than its owner trades by it.
    """
    orders = open_orders(venue)
    if not orders:
        return
    order = orders[int(draw.integers(len(orders)))]
    owner = next(n for n in ATTACKERS if venue.house.number(n) == order["account"])
    if draw.random() < 0.1:
        owner = who(draw)
    friends = [name for name in ATTACKERS if name != owner]
    friend = friends[int(draw.integers(len(friends)))]
    i, lots = order["instrument"], abs(order["lots"])
    if draw.random() < 0.2:
        lots = max(lots // 2, 1)
    elif draw.random() < 0.1:
        lots *= 10
    ticks = order["limit_ticks"]
    if draw.random() < 0.2:
        ticks = off_mark(venue, draw, i)
    key = "buyer_reservation" if order["lots"] > 0 else "seller_reservation"
    trade(venue, *two(owner, friend, order["lots"]), i, lots, ticks, **{key: order["number"]})


def cancel_an_order(venue: Venue, draw: Draw) -> None:
    orders = open_orders(venue)
    if orders:
        order = orders[int(draw.integers(len(orders)))]
        done = venue.attempt(command.RELEASE_MARGIN.row(reservation=order["number"]))
        venue.say("release", order["number"], done)


def take_money_out(venue: Venue, draw: Draw) -> None:
    name, asset = who(draw), pick(draw, (0, 0, 1))
    before = venue.flow
    venue.withdraw_most(name, asset)
    venue.say("withdraw", name, asset, venue.flow - before)


def bring_money(venue: Venue, draw: Draw) -> None:
    name, asset = who(draw), pick(draw, (0, 0, 1))
    amount = pick(draw, (100, 1_000)) * COIN if asset == 0 else pick(draw, (1, 5)) * E8
    venue.say("deposit", name, asset, amount, post(venue, name, asset, amount))


def move_between_own_accounts(venue: Venue, draw: Draw) -> None:
    """Collateral or a position from one account of A's holder to another."""
    names = ("A", "A2", "A3")
    first, second = draw.choice(3, 2, replace=False)
    sender, receiver = names[int(first)], names[int(second)]
    row = {"sender": venue.house.number(sender), "receiver": venue.house.number(receiver)}
    if draw.random() < 0.5:
        held = [i for i in range(6) if venue.house.lots(sender, i)]
        i = pick(draw, tuple(held) or CONTRACTS)
        lots = venue.house.lots(sender, i)
        done = lots != 0 and venue.attempt(
            command.TRANSFER_POSITION.row(**row, instrument=i, lots=lots)
        )
        venue.say("transfer lots", sender, receiver, i, lots, done)
        return
    asset = pick(draw, (0, 1))
    amount = venue.house.balance(sender, asset)
    if draw.random() < 0.5:
        amount //= 2
    done = amount > 0 and venue.attempt(
        command.TRANSFER_COLLATERAL.row(**row, asset=asset, amount=amount)
    )
    venue.say("transfer", sender, receiver, asset, amount, done)


def regroup(venue: Venue, draw: Draw) -> None:
    """Put an account of A's holder into another margin group, or into its own."""
    name = ("A2", "A3")[int(draw.integers(2))]
    number, first = venue.house.number(name), venue.house.number("A")
    group = pick(draw, (number, first))
    netting_set = group if draw.random() < 0.5 else number
    done = venue.attempt(
        command.SET_MARGIN_GROUP.row(account=number, group=group, netting_set=netting_set)
    )
    venue.say("group", name, group, netting_set, done)


def wait(venue: Venue, draw: Draw) -> None:
    """Let time pass, with the sources reporting."""
    after = pick(draw, (1, SECOND, 10 * SECOND, MINUTE, 5 * MINUTE, HOUR, 3 * HOUR))
    venue.say("wait", after)
    venue.settle(after)
    if draw.random() < 0.7:
        venue.smile()
        venue.settle(1)


def silence(venue: Venue, draw: Draw) -> None:
    """Let time pass without a report of any source; orders meet what is stale."""
    after = pick(draw, (MINUTE, HOUR, 3 * HOUR, 9 * HOUR))
    venue.say("silence", after)
    venue.settle(after, is_fed=False)


def reach_a_settlement(venue: Venue, draw: Draw) -> None:
    """Wait up to shortly before, at, or after the next instant at which money moves."""
    now = venue.state.now_ns
    nexts = (
        now // HOUR * HOUR + HOUR,
        (now // (8 * HOUR) + 1) * 8 * HOUR,
        SETTLEMENT,
        OPTION_EXPIRY,
    )
    at = pick(draw, nexts)
    shift = pick(draw, (-10 * SECOND, -1, 0, 1, SECOND))
    if at + shift <= now:
        return
    venue.say("until", at + shift)
    if at - now > 2 * HOUR:
        venue.settle(at - now - HOUR // 2)
    venue.settle(at + shift - venue.state.now_ns)


def move_one_source(venue: Venue, draw: Draw) -> None:
    """One of three sources says something else, from now on."""
    factor = draw.choice((0.01, 0.5, 0.9, 0.97, 1.0, 1.0, 1.0, 1.03, 1.1, 2.0, 100.0))
    venue.liar = max(int(HONEST * E8 * float(factor)), 1)
    venue.say("source", venue.liar / E8)
    venue.settle(pick(draw, (1, SECOND, MINUTE)))


def print_a_last_price(venue: Venue, draw: Draw) -> None:
    """Trades among themselves elsewhere set the last price."""
    i = pick(draw, (LINEAR, INVERSE, FUTURE, AT_CLOSE))
    factor = float(draw.choice((0.5, 0.8, 0.95, 1.0, 1.0, 1.05, 1.3, 1.5)))
    venue.last[i] = max(int(HONEST * factor), 1)
    venue.say("last", i, venue.last[i])
    venue.settle(pick(draw, (1, SECOND, MINUTE, 5 * MINUTE)))
