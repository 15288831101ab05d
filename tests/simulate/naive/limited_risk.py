"""Options that limit one another, of the naive model: the worst of all settlement prices."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from novate.kernel.codes import Barrier, Kind
from tests.simulate.naive.account import Group, Position
from tests.simulate.naive.number import half_up, unit_price_of, worth_up

if TYPE_CHECKING:
    from tests.simulate.naive.world import Instrument, World

HIGHEST = 10**17
COIN_E8 = 10**8


@pytest.mark.rule("3.60")
def settlement_of(i: Instrument, netting_set: int) -> tuple[int, ...] | None:
    """What options must have in common to be settled at one price; nothing if it is not plain."""
    t = i.terms
    begun = t.get("barrier") in (Barrier.UP_IN, Barrier.DOWN_IN) and i.is_knocked
    if not i.is_option or t["kind"] != Kind.EUROPEAN or (t["barrier"] and not begun):
        return None
    return (netting_set, t["underlying"], t["expiry_ns"], i.settles_in,
            t["settlement_window_ns"], i.final_sum, i.final_rest, i.final_ms)  # fmt: skip


@pytest.mark.rule("3.60", "3.61")
def reliefs(w: World, group: Group, asked: dict[tuple[int, int], tuple[int, int]]) -> list[int]:
    """By how much initial and maintenance margin of the options' rules are too high."""
    buckets: dict[tuple[int, ...], list[tuple[int, int]]] = {}
    for place in sorted(group.positions):
        key = settlement_of(w.instruments[place[0]], place[1])
        if key is not None:
            buckets.setdefault(key, []).append(place)
    out = [0, 0]
    for places in buckets.values():
        held = [(w.instruments[k], group.positions[k, s]) for k, s in places]
        for which in (0, 1):
            lost = largest_loss(w, [(i, lots_of(i, p, which)) for i, p in held])
            total = sum(asked.get(place, (0, 0))[which] for place in places)
            if lost is not None:
                out[which] += max(total - lost, 0)
    return out


@pytest.mark.rule("3.62")
def lots_of(i: Instrument, p: Position, which: int) -> int:
    """Lots if all sells fill (initial) or those held; a long option without a mark is none."""
    lots = p.lots - p.sells if which == 0 else p.lots
    return lots if lots < 0 or i.mark > 0 else 0


def pays(i: Instrument, price: int) -> int:
    """Payoff of a lot in ticks."""
    inside = i.terms["side"] * (price - i.terms["strike_e8"])
    if inside <= 0:
        return 0
    exact = Fraction(inside, i.terms["tick_e8"])
    if i.settles_in:
        exact *= Fraction(COIN_E8, price)
    return min(half_up(exact.numerator, exact.denominator), i.terms["ticks_max"])


@pytest.mark.rule("3.61", "3.63")
def largest_loss(w: World, legs: list[tuple[Instrument, int]]) -> int | None:
    """Loss at the worst of the prices at which the sum of payoffs bends; None without a limit."""
    legs = [(i, n) for i, n in legs if n]
    if not any(n > 0 for _, n in legs):
        return None
    in_coin = legs[0][0].settles_in
    if in_coin and grows_without_end(legs):
        return None
    prices = {1, HIGHEST} if not in_coin else {1}
    prices |= {price for i, _ in legs for price in bends(i)}
    return max(loss_at(w, legs, price, in_coin) for price in prices if 1 <= price <= HIGHEST)


def bends(i: Instrument) -> set[int]:
    """Strike, and where the payoff reaches its limit."""
    strike, side = i.terms["strike_e8"], i.terms["side"]
    span = i.terms["ticks_max"] * i.terms["tick_e8"]
    if not i.settles_in:
        return {strike, strike + side * span}
    if side > 0:
        return {strike}
    low = Fraction(strike * COIN_E8, COIN_E8 + span)
    return {strike, math.floor(low), math.ceil(low)}


@pytest.mark.rule("3.63")
def grows_without_end(legs: list[tuple[Instrument, int]]) -> bool:
    """Whether calls paid in coin owe ever more numeraire, or are cut."""
    calls = [(i, n) for i, n in legs if i.terms["side"] > 0]
    is_cut = any(i.terms["ticks_max"] * i.terms["tick_e8"] < COIN_E8 for i, _ in calls)
    return is_cut or sum(Fraction(n * i.terms["unit"], i.terms["tick_e8"]) for i, n in calls) < 0


def loss_at(w: World, legs: list[tuple[Instrument, int]], price: int, in_coin: int) -> int:
    """What is lost at a settlement price and at most by rounding beside it, in numeraire."""
    rounding = Fraction(sum(abs(n) * i.terms["unit"] for i, n in legs), 2)
    grids = {
        (i.terms["side"], i.terms["tick_e8"], i.terms["strike_e8"] % i.terms["tick_e8"])
        for i, _ in legs
    }
    if len(grids) == 1 and not in_coin:
        rounding = Fraction(0)
    loss = -sum(n * i.terms["unit"] * pays(i, price) for i, n in legs) + math.ceil(rounding)
    if in_coin and loss > 0:
        decimals = w.assets[in_coin].decimals
        loss = worth_up(loss, unit_price_of(price, decimals, w.assets[0].decimals))
    return max(loss, 0)
