"""What attackers do in several moves that belong together: plots, and the list of all moves.

Like single moves, they are drawn by the stream's generator and know none of the rules' numbers.
"""

from __future__ import annotations

from novate.message import command
from tests.simulate.adversary.moves import (
    CONTRACTS,
    NETTED,
    Draw,
    Move,
    affordable,
    bring_money,
    cancel_an_order,
    close_at_the_mark,
    fill_an_order,
    mark,
    move_between_own_accounts,
    move_one_source,
    pair,
    pick,
    place_an_order,
    print_a_last_price,
    reach_a_settlement,
    regroup,
    reserve,
    silence,
    some_lots,
    take_money_out,
    trade,
    trade_among_themselves,
    trade_with_an_uninvolved_account,
    two,
    wait,
    who,
)
from tests.simulate.adversary.venue import (
    AT_CLOSE,
    ATTACKERS,
    CALL,
    FUTURE,
    HONEST,
    INVERSE,
    LINEAR,
    OPTION_EXPIRY,
    SETTLEMENT,
    SOURCES,
    Venue,
)
from tests.unit.clearing import E8, HOUR, MINUTE

OWN = ("A", "A2", "A3")
"""Accounts of one holder."""


def pick_name(draw: Draw, names: tuple[str, ...]) -> str:
    return names[int(draw.integers(len(names)))]


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

    The side that loses by the return is as large as it is let be, directly or by an order.
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
            if draw.random() < 0.5:
                venue.withdraw_most(loser, 0)
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
    """Hold two contracts against each other, move both marks, and close what gains by the return.

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


def order_the_way_out(
    venue: Venue, draw: Draw, name: str, i: int
) -> list[tuple[int, int, int, int]]:
    """Place orders that close a position in parts, each at the worst limit that is granted.

    Returns number, contract, signed lots and limit of each.
    """
    found = []
    held, parts = venue.house.lots(name, i), pick(draw, (1, 1, 2, 3))
    lots = -(held // parts)
    for _ in range(parts if lots else 0):
        for step in range(18):
            share = 0.095 * 0.8**step
            limit = max(int(mark(venue, i) * (1 + (share if lots > 0 else -share))), 1)
            order = reserve(venue, name, i, lots, limit)
            if order:
                found.append((order, i, lots, limit))
                break
    return found


def squeeze(venue: Venue, draw: Draw) -> None:
    """Hold about what is margined, let the mark go against it, and close at the worst prices.

    Closing orders stand in every contract at once, in parts; some lots are closed directly beside
    them, and a friend fills what was granted.
    """
    loser, friend = pair(draw)
    side = pick(draw, (1, -1))
    contracts = [int(i) for i in draw.choice(NETTED, int(draw.integers(1, 3)), replace=False)]
    for i in contracts:
        lots = max(affordable(venue, draw, loser, i) // len(contracts), 1)
        trade(venue, *two(loser, friend, side), i, lots, mark(venue, i))
    for i in contracts:
        venue.last[i] = int(HONEST * (1 - side * draw.uniform(0.0, 0.03)))
    for _ in range(pick(draw, (1, 2, 12))):
        venue.settle(5 * MINUTE)
    orders = [order for i in contracts for order in order_the_way_out(venue, draw, loser, i)]
    if draw.random() < 0.5:
        for i in contracts:
            held = venue.house.lots(loser, i)
            if held:
                trade(venue, *two(loser, friend, -held), i, abs(held), mark(venue, i))
    for order, i, lots, limit in orders:
        key = "buyer_reservation" if lots > 0 else "seller_reservation"
        trade(venue, *two(loser, friend, lots), i, abs(lots), limit, **{key: order})
    venue.withdraw_most(friend, 0)
    venue.last.update(dict.fromkeys(contracts, HONEST))


def hear_one_source_alone(venue: Venue, draw: Draw) -> None:
    """Hold something of an uninvolved account, then hear only the source that may say otherwise."""
    trade_with_an_uninvolved_account(venue, draw)
    factor = draw.choice((0.85, 0.9, 0.97, 1.03, 1.1, 1.15))
    venue.liar = max(int(HONEST * E8 * float(factor)), 1)
    venue.say("one source alone", venue.liar / E8)
    venue.settle(3 * HOUR, sources=SOURCES[:1])
    for _ in range(int(draw.integers(1, 4))):
        venue.settle(pick(draw, (MINUTE, HOUR, 3 * HOUR)), sources=SOURCES[:1])
    if draw.random() < 0.5:
        venue.cash_out()


def leave_a_loss_behind(venue: Venue, draw: Draw) -> None:
    """One account of a holder loses to a friend off the mark; what it has goes to another."""
    loser, friend = pick_name(draw, OWN), pick_name(draw, ("B", "C", "D"))
    i, side = pick(draw, CONTRACTS), pick(draw, (1, -1))
    at, lots = mark(venue, i), affordable(venue, draw, loser, i)
    for share in (0.095, 0.05, 0.03, 0.01, 0.003):
        ticks = max(int(at * (1 + side * share)), 1)
        if trade(venue, *two(loser, friend, side), i, lots, ticks):
            break
        lots = max(lots // 2, 1)
    for _ in range(int(draw.integers(1, 4))):
        (regroup if draw.random() < 0.3 else move_between_own_accounts)(venue, draw)
    for name in (*OWN, friend):
        venue.withdraw_most(name, 0)


def fill_an_order_otherwise(venue: Venue, draw: Draw) -> None:
    """Place an order, and trade by it at another price, by more lots, or for somebody else."""
    owner, friend = pair(draw)
    i, side = pick(draw, CONTRACTS), pick(draw, (1, -1))
    at, lots = mark(venue, i), affordable(venue, draw, owner, i)
    away = max(int(at * (1 + side * draw.uniform(0.0, 0.099))), 1)
    way = pick(draw, (0, 1, 2))
    limit = at if way == 0 else away
    ordered = max(lots // 50, 1) if way == 1 else lots
    order = reserve(venue, owner, i, side * ordered, limit)
    trader = who(draw) if way == 2 else owner
    if not order or trader == friend:
        return
    key = "buyer_reservation" if side > 0 else "seller_reservation"
    trade(venue, *two(trader, friend, side), i, lots, away, **{key: order})
    if draw.random() < 0.5:
        venue.withdraw_most(friend, 0)


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
    (squeeze, 1.5),
    (hear_one_source_alone, 0.7),
    (leave_a_loss_behind, 1),
    (fill_an_order_otherwise, 1.5),
)
