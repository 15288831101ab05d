"""Margin models and add-ons of groups, in plain integers, with those of the tests' catalogues."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from novate.kernel.codes import AccountStatus, Bound
from novate.message import refusal
from novate.message.parameter import Parameter
from tests.simulate.naive.account import Group
from tests.simulate.naive.number import AMOUNT_MAX, ceil_div, clamp, refuse_if
from tests.simulate.naive.world import Account, Instrument, Numbers, World

STANDARD, TWO_MOVES = 0, 1
CONCENTRATION, PER_LOT = 0, 1
LOT_UNITS = 20_000
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


def notional(w: World, i: Instrument, lots: int) -> int:
    """Notional at the mark, negative of a short; options do not count."""
    if i.is_option or i.mark <= 0:
        return 0
    size = units(w, i, abs(i.value(i.mark, lots)))
    return size if lots > 0 else -size


@pytest.mark.rule("3.32", "3.33")
def concentration(w: World, group: Group) -> tuple[int, int]:
    """What the net notional of each underlying is beyond the floor, and a share of it."""
    first = w.accounts[group.accounts[0].group]
    floor = w.parameter(Parameter.CONCENTRATION_FLOOR, first)
    rate = w.parameter(Parameter.CONCENTRATION_PPM, first)
    held: dict[int, list[tuple[int, int, int]]] = {}
    for (number, _), p in group.positions.items():
        i = w.instruments[number]
        sizes = (p.lots, p.lots + p.buys, p.lots - p.sells)
        row = tuple(notional(w, i, lots) for lots in sizes)
        held.setdefault(i.terms["underlying"], []).append(row)  # type: ignore[arg-type]
    asked = [0, 0]
    for rows in held.values():
        net, most, least = (clamp(sum(column), -MOST, MOST) for column in zip(*rows, strict=True))
        for k, reached in enumerate((max(most, -least), abs(net))):
            asked[k] += ceil_div(max(reached - floor, 0) * rate, MILLION)
    return min(asked[0], MOST), min(asked[1], MOST)


def per_lot(_: World, group: Group) -> tuple[int, int]:
    """An amount for each lot; see `tests.tiny_add_on`."""
    positions = group.positions.values()
    initial = sum(min(p.widest * LOT_UNITS, MOST) for p in positions)
    maintenance = sum(min(abs(p.lots) * LOT_UNITS, MOST) for p in positions)
    return min(initial, MOST), min(maintenance, MOST)


ADD_ONS: dict[int, Callable[[World, Group], tuple[int, int]]] = {
    CONCENTRATION: concentration,
    PER_LOT: per_lot,
}


@pytest.mark.rule("6.20", "6.21")
def set_add_on(w: World, row: dict[str, Any], _: int) -> None:
    code = refusal.SetAddOnRefusal
    refuse_if(row["group"] not in w.margin_groups(), code.UNKNOWN_GROUP)
    account = w.accounts[row["group"]]
    refuse_if(row["add_on"] not in ADD_ONS, code.UNKNOWN_ADD_ON, row["add_on"], max(ADD_ONS))
    refuse_if(account.status != AccountStatus.OPEN, code.GROUP_NOT_OPEN)
    blocked = blocked_in(w, account)
    refuse_if(bool(blocked), code.PRICE_BLOCKED, blocked[0] if blocked else 0, -1)
    before, changed = account.add_ons, {row["add_on"]}
    give_add_ons(w, row["group"], before | changed if row["is_on"] else before - changed)
    n = w.assess(account)
    is_short = row["is_on"] and n.equity < n.initial
    if is_short:
        give_add_ons(w, row["group"], before)
    refuse_if(is_short, code.INSUFFICIENT_MARGIN, n.equity, n.initial)
    w.emit("AddOnSet", **row, equity=n.equity, requirement=n.initial)


def blocked_in(w: World, account: Account) -> list[int]:
    """Contracts in use in the group of an account whose price is blocked, ascending."""
    return [k for k in w.group(account).contracts if w.is_blocked(w.instruments[k])]


@pytest.mark.rule("6.18", "6.19")
def set_margin_model(w: World, row: dict[str, Any], _: int) -> None:
    code = refusal.SetMarginModelRefusal
    known = row["group"] in w.margin_groups()
    refuse_if(not known, code.UNKNOWN_GROUP)
    account = w.accounts[row["group"]]
    refuse_if(row["model"] not in MODELS, code.UNKNOWN_MODEL, row["model"], max(MODELS))
    refuse_if(account.status != AccountStatus.OPEN, code.GROUP_NOT_OPEN)
    blocked = blocked_in(w, account)
    refuse_if(bool(blocked), code.PRICE_BLOCKED, blocked[0] if blocked else 0, -1)
    before = account.model
    give_model(w, row["group"], row["model"])
    n = w.assess(account)
    if n.equity < n.initial:
        give_model(w, row["group"], before)
    refuse_if(n.equity < n.initial, code.INSUFFICIENT_MARGIN, n.equity, n.initial)
    w.emit("MarginModelSet", **row, equity=n.equity, requirement=n.initial)


def give_add_ons(w: World, group: int, add_ons: frozenset[int]) -> None:
    for account in w.accounts_of(group):
        account.add_ons = add_ons


def give_model(w: World, group: int, model: int) -> None:
    for account in w.accounts_of(group):
        account.model = model
