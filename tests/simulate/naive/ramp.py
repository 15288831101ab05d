"""Ramp prices: that of a ramp, of before a jump, or what those of quote assets make of an index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from novate.message.parameter import MINUTE, Parameter
from tests.simulate.naive.index import index_of

if TYPE_CHECKING:
    from tests.simulate.naive.world import Asset, World

MILLION = 1_000_000


@pytest.mark.rule("5.89")
def where(w: World, a: Asset) -> int:
    """The price of a ramp now."""
    assert a.ramped is not None
    share = w.parameters[Parameter.RAMP_PPM]
    ran = max(w.now - a.ramped - w.parameters[Parameter.RAMP_GRACE_NS], 0)
    moved = a.ramp_from * share * ran // (MILLION * MINUTE)
    if not share:
        return a.price
    if a.ramp_up:
        return min(a.ramp_from + moved, a.price) if a.price > a.ramp_from else a.price
    return max(a.ramp_from - moved, a.price) if a.price < a.ramp_from else a.price


@pytest.mark.rule("5.90")
def ramp_price(w: World, asset: int) -> int | None:
    """The ramp price of an asset, its own or inherited; None for none."""
    a = w.assets[asset]
    if a.ramped is not None:
        return where(w, a)
    return a.before_jump if a.jumped is not None else inherited(w, asset)


@pytest.mark.rule("5.135")
def inherited(w: World, asset: int) -> int | None:
    """The index that the sources make with quote assets at their ramp prices, if it is another."""
    quotes = {s.quote for s in w.sources if s.asset == asset and s.quote}
    ramps = {q: ramp_price(w, q) for q in quotes}
    now, _, _ = index_of(w, asset)
    before = {q: w.assets[q].price for q in quotes}
    for q, price in ramps.items():
        w.assets[q].price = before[q] if price is None else price
    then, _, _ = index_of(w, asset)
    for q, price in before.items():
        w.assets[q].price = price
    return then if now and then and now != then else None


@pytest.mark.rule("5.21")
def has_ramp(w: World, asset: int) -> bool:
    """Whether an asset has a ramp or inherits one."""
    a = w.assets[asset]
    return a.ramped is not None or (a.jumped is None and inherited(w, asset) is not None)
