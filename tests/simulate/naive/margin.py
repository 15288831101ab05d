"""Margin models of groups: the standard one and `tests.tiny_model`, each in plain integers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from novate.kernel.codes import AccountStatus, Bound
from novate.message import refusal
from tests.simulate.naive.account import Group
from tests.simulate.naive.number import AMOUNT_MAX, ceil_div, clamp, refuse_if
from tests.simulate.naive.world import Instrument, Numbers, World

STANDARD, TWO_MOVES = 0, 1
MODELS = (0, 1, 2)
"""Numbers of the catalogue; 2 is the standard one again."""
MILLION = 1_000_000
MOST = 2 * AMOUNT_MAX


def units(w: World, i: Instrument, amount: int) -> int:
    """Numeraire units, rounded up."""
    return math.ceil(clamp(amount * w.price_in(i), -float(AMOUNT_MAX), float(AMOUNT_MAX)))


def loss(w: World, i: Instrument, lots: int, move_ppm: int) -> int:
    """What lots lose when the mark moves; a short option asks for what it is then worth."""
    if i.mark <= 0:
        return 0
    moved = max(i.mark + i.mark * move_ppm // MILLION, 1)
    if i.is_option:
        return units(w, i, i.value(moved, -min(lots, 0)))
    return units(w, i, i.value(i.mark, lots) - i.value(moved, lots))


def losses(w: World, group: Group, move_ppm: int, *, with_orders: bool) -> int:
    """Loss of the whole book in one move."""
    total = 0
    for (number, _), p in group.positions.items():
        held = {p.lots}
        if with_orders:
            held |= {p.lots + p.buys, p.lots - p.sells}
        total += max(loss(w, w.instruments[number], lots, move_ppm) for lots in held)
    return clamp(total, 0, MOST)


@pytest.mark.rule("3.30", "11.2")
def two_moves(w: World, group: Group, out: Numbers) -> None:
    """The worse of a fall and a rise by a tenth; half of it to stay; a hundredth of the gross."""
    gross = 0
    for (number, _), p in group.positions.items():
        i = w.instruments[number]
        if not i.is_option and i.mark > 0:
            gross += units(w, i, abs(i.value(i.mark, p.lots)))
    floor = min(ceil_div(gross * 10_000, MILLION), MOST)
    initial = [losses(w, group, move, with_orders=True) for move in (-100_000, 100_000)]
    to_stay = [losses(w, group, move, with_orders=False) for move in (-50_000, 50_000)]
    out.maintenance = max(*to_stay, floor)
    out.initial = max(*initial, out.maintenance)
    out.share = {}
    out.bound = (Bound.NONE, -1)
    if out.maintenance:
        out.bound = (Bound.FLOOR, -1)
        if max(to_stay) >= floor:
            out.bound = (Bound.SCENARIO, 0 if to_stay[0] >= to_stay[1] else 1)


MARGIN: dict[int, Callable[[World, Group, Numbers], None]] = {TWO_MOVES: two_moves}


@pytest.mark.rule("6.18", "6.19")
def set_margin_model(w: World, row: dict[str, Any], _: int) -> None:
    code = refusal.SetMarginModelRefusal
    known = row["group"] in w.margin_groups()
    refuse_if(not known, code.UNKNOWN_GROUP)
    account = w.accounts[row["group"]]
    refuse_if(row["model"] not in MODELS, code.UNKNOWN_MODEL, row["model"], max(MODELS))
    refuse_if(account.status != AccountStatus.OPEN, code.GROUP_NOT_OPEN)
    blocked = [k for k in w.group(account).contracts if w.is_blocked(w.instruments[k])]
    refuse_if(bool(blocked), code.PRICE_BLOCKED, blocked[0] if blocked else 0, -1)
    before = account.model
    give_model(w, row["group"], row["model"])
    n = w.assess(account)
    if n.equity < n.initial:
        give_model(w, row["group"], before)
    refuse_if(n.equity < n.initial, code.INSUFFICIENT_MARGIN, n.equity, n.initial)
    w.emit("MarginModelSet", **row, equity=n.equity, requirement=n.initial)


def give_model(w: World, group: int, model: int) -> None:
    for account in w.accounts_of(group):
        account.model = model
