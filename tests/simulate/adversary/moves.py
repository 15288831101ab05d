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


def affordable(venue: Venue, draw: Draw, name: str, i: int) -> int:
    """About as many lots as its equity margins."""
    equity = max(venue.house.equity(name), 0)
    lot = {CALL: 30, PUT: 30}.get(i, 100 / 50 if i == INVERSE else HONEST / 50) * COIN
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
    lots = -held if held and draw.random() < 0.6 else pick(draw, LOTS) * pick(draw, (1, -1))
    reserve(venue, name, i, lots, off_mark(venue, draw, i))


def open_orders(venue: Venue) -> list[dict[str, int]]:
    r = venue.state.reservations
    names = ("number", "account", "instrument", "lots", "limit_ticks")
    rows = [{n: int(getattr(r, n)[row]) for n in names} for row in range(r.count)]
    return [row for row in rows if row["lots"]]


def fill_an_order(venue: Venue, draw: Draw) -> None:
    """A friend fills an open order, at its limit or at the mark."""
    orders = open_orders(venue)
    if not orders:
        return
    order = orders[int(draw.integers(len(orders)))]
    owner = next(n for n in ATTACKERS if venue.house.number(n) == order["account"])
    friends = [name for name in (*ATTACKERS, "A", "B") if name != owner]
    friend = friends[int(draw.integers(len(friends)))]
    i, lots = order["instrument"], abs(order["lots"])
    if draw.random() < 0.2:
        lots = max(lots // 2, 1)
    ticks = order["limit_ticks"]
    if order["lots"] > 0:
        trade(venue, owner, friend, i, lots, ticks, buyer_reservation=order["number"])
    else:
        trade(venue, friend, owner, i, lots, ticks, seller_reservation=order["number"])


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
        i = pick(draw, CONTRACTS)
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


def pull_the_position_from_under_an_order(venue: Venue, draw: Draw) -> None:
    """Open, order the way out, close directly, let the friend fill the order; again and again."""
    first, second = pair(draw)
    i = pick(draw, (LINEAR, INVERSE, AT_CLOSE, CALL))
    at, side = mark(venue, i), pick(draw, (1, -1))
    lots = min(affordable(venue, draw, first, i), affordable(venue, draw, second, i))
    trade(venue, *two(first, second, side), i, lots, at)
    for _ in range(int(draw.integers(1, 8))):
        for share in (0.049, 0.02, 0.01, 0.003):
            limit = max(int(at * (1 - side * share)), 1)
            order = reserve(venue, first, i, -side * lots, limit)
            if order:
                break
        else:
            return
        trade(venue, *two(first, second, -side), i, lots, at)
        key = "seller_reservation" if side > 0 else "buyer_reservation"
        trade(venue, *two(first, second, -side), i, lots, limit, **{key: order})
        side = -side


def two(first: str, second: str, side: int) -> tuple[str, str]:
    """Buyer and seller when the first buys (1) or sells (-1)."""
    return (first, second) if side > 0 else (second, first)


def pump_and_lose_to_a_friend(venue: Venue, draw: Draw) -> None:
    """Gain by a last price, lose it off the mark to a friend, who takes it out."""
    winner, loser = pair(draw)
    i = pick(draw, (LINEAR, INVERSE, FUTURE))
    lots = affordable(venue, draw, loser, i)
    if not trade(venue, winner, loser, i, lots, mark(venue, i)):
        return
    venue.last[i] = int(HONEST * 1.5)
    for _ in range(3):
        venue.settle(5 * MINUTE)
    friend = who(draw)
    for _ in range(4):
        if friend == winner:
            break
        trade(venue, friend, winner, LINEAR, lots, max(int(mark(venue, LINEAR) * 0.95), 1))
        trade(venue, winner, friend, LINEAR, lots, int(mark(venue, LINEAR) * 1.05))
    venue.withdraw_most(friend, 0)
    venue.last[i] = HONEST
    venue.say("pump", winner, loser, friend)


def empty_a_called_account(venue: Venue, draw: Draw) -> None:
    """An account that is short closes off the mark with a friend."""
    loser, friend = pair(draw)
    for i in CONTRACTS:
        held = venue.house.lots(loser, i)
        if not held:
            continue
        at = mark(venue, i)
        for share in (0.099, 0.05, 0.02, 0.005):
            ticks = max(int(at * (1 - share if held > 0 else 1 + share)), 1)
            buyer, seller = (friend, loser) if held > 0 else (loser, friend)
            if trade(venue, buyer, seller, i, abs(held), ticks):
                return


def set_last(venue: Venue, i: int, ticks: int, hours: int = 1) -> None:
    """Let a contract trade at a price elsewhere for so long that its mark is there."""
    venue.last[i] = max(ticks, 1)
    venue.say("last", i, ticks, hours)
    for _ in range(12 * hours):
        venue.settle(5 * MINUTE)


def enter_away_from_the_index(venue: Venue, draw: Draw) -> None:
    """Enter at a mark that stands away from the index, and let it come back; or hold it there.

    The side that loses on the way back is as large as it is let be, directly or by an order.
    """
    loser, friend = pair(draw)
    i = pick(draw, (*NETTED, AT_CLOSE))
    side = pick(draw, (1, -1))
    set_last(venue, i, int(HONEST * (1 + side * draw.uniform(0.01, 0.08))))
    lots = some_lots(venue, draw, loser, i)
    at = mark(venue, i)
    for share in (1.0, 0.7, 0.4, 0.2):
        size = max(int(lots * share), 1)
        if draw.random() < 0.3:
            order = reserve(venue, loser, i, side * size, at)
            key = "buyer_reservation" if side > 0 else "seller_reservation"
            if order:
                trade(venue, *two(loser, friend, side), i, size, at, **{key: order})
        else:
            trade(venue, *two(loser, friend, side), i, size, at)
    if draw.random() < 0.5:
        venue.settle(pick(draw, (HOUR, 8 * HOUR, 30 * HOUR)))
    if draw.random() < 0.8:
        set_last(venue, i, HONEST)
    venue.withdraw_most(friend, 0)


def close_one_leg_of_a_hedge(venue: Venue, draw: Draw) -> None:
    """Hold two contracts against each other, move both marks, and close what gains on the way back.

    What is left loses when the marks come back.
    """
    name, friend = pair(draw)
    first, second = draw.choice((LINEAR, INVERSE, FUTURE), 2, replace=False)
    i, j, side = int(first), int(second), pick(draw, (1, -1))
    lots = min(affordable(venue, draw, name, i), affordable(venue, draw, name, j))
    trade(venue, *two(name, friend, side), i, lots, mark(venue, i))
    trade(venue, *two(name, friend, -side), j, lots, mark(venue, j))
    ticks = int(HONEST * (1 + side * draw.uniform(0.02, 0.06)))
    venue.last[j] = ticks
    set_last(venue, i, ticks)
    trade(venue, *two(name, friend, side), j, abs(venue.house.lots(name, j)) or 1, mark(venue, j))
    venue.withdraw_most(friend, 0)
    if draw.random() < 0.7:
        venue.last[j] = HONEST
        set_last(venue, i, HONEST)


def concede_a_pumped_gain(venue: Venue, draw: Draw) -> None:
    """Gain at a mark away from the index, concede it in another contract, and wait with it."""
    winner, friend = pair(draw)
    i, side = pick(draw, (LINEAR, INVERSE, FUTURE)), pick(draw, (1, -1))
    other = pick(draw, (LINEAR, INVERSE, FUTURE, AT_CLOSE, CALL))
    if mark(venue, i) != HONEST:
        return
    trade(venue, *two(winner, "H", side), i, affordable(venue, draw, winner, i), HONEST)
    set_last(venue, i, int(HONEST * (1 + side * draw.uniform(0.02, 0.06))))
    lots = affordable(venue, draw, winner, other)
    for _ in range(int(draw.integers(1, 4))):
        at, way = mark(venue, other), pick(draw, (1, -1))
        away = int(at * draw.uniform(0.01, 0.09))
        trade(venue, *two(winner, friend, way), other, lots, max(at + way * away, 1))
        trade(venue, *two(winner, friend, -way), other, lots, at)
    venue.settle(pick(draw, (HOUR, 8 * HOUR, 30 * HOUR)))
    venue.withdraw_most(friend, 0)
    if draw.random() < 0.7:
        set_last(venue, i, HONEST)


def take_out_right_after_a_settlement(venue: Venue, draw: Draw) -> None:
    """Let time pass without an assessment, settle what is due, and withdraw at once."""
    now = venue.state.now_ns
    at_ns = pick(draw, (now // HOUR * HOUR + HOUR, SETTLEMENT, OPTION_EXPIRY))
    if at_ns <= now:
        return
    venue.say("unassessed until", at_ns)
    venue.settle(at_ns - now - 1)
    venue.attempt(command.ADVANCE_TIME.row(instant_ns=at_ns))
    for name in ATTACKERS:
        venue.withdraw_most(name, 0)


MOVES: tuple[tuple[Move, float], ...] = (
    (trade_among_themselves, 8),
    (trade_with_an_uninvolved_account, 5),
    (close_at_the_mark, 3),
    (place_an_order, 6),
    (fill_an_order, 6),
    (cancel_an_order, 1),
    (take_money_out, 4),
    (bring_money, 0.5),
    (move_between_own_accounts, 2),
    (regroup, 1),
    (wait, 4),
    (silence, 1),
    (reach_a_settlement, 1.5),
    (move_one_source, 2),
    (print_a_last_price, 2),
    (pull_the_position_from_under_an_order, 2),
    (pump_and_lose_to_a_friend, 1),
    (empty_a_called_account, 3),
    (enter_away_from_the_index, 1.5),
    (close_one_leg_of_a_hedge, 1),
    (concede_a_pumped_gain, 1),
    (take_out_right_after_a_settlement, 0.7),
)
