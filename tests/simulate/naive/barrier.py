"""Barriers of the naive model: when they are looked at, and what a touch does."""

from __future__ import annotations

import pytest

from novate.kernel.codes import DueKind, InstrumentStatus, Monitoring, OrderKind
from tests.simulate.naive import book, pause
from tests.simulate.naive.index import index_of
from tests.simulate.naive.option import following_look, is_beyond, is_out
from tests.simulate.naive.world import Instrument, World


@pytest.mark.rule("9.22")
def touch_barriers(w: World) -> None:
    """Look at barriers watched with every index, after an assessment of all of them."""
    for number, i in enumerate(w.instruments):
        asset = w.assets[i.terms["underlying"]]
        known = asset.price and not asset.is_stale and asset.jumped is None
        if known and is_seen(w, i, asset.price):
            knock(w, number, asset.price)


@pytest.mark.rule("5.87", "9.21")
def touch_by_report(w: World, asset: int) -> None:
    """Look at them after a report, by the index that an assessment would find now."""
    price, _, _ = index_of(w, asset)
    a = w.assets[asset]
    if a.jumped is not None or (a.price and price and pause.leaps(w, asset, a.price, price)):
        return
    for number, i in enumerate(w.instruments):
        if price and i.terms["underlying"] == asset and is_seen(w, i, price):
            knock(w, number, price)


@pytest.mark.rule("9.21", "9.22")
def is_seen(w: World, i: Instrument, price: int) -> bool:
    """Whether an index touches the barrier of an option that is watched with every index."""
    if i.status != InstrumentStatus.ACTIVE or not i.is_option or i.is_knocked:
        return False
    is_watched = i.terms["monitoring"] == Monitoring.CONTINUOUS and w.now <= i.terms["expiry_ns"]
    return is_watched and is_beyond(i.terms, price)


@pytest.mark.rule("9.20", "9.26")
def knock(w: World, number: int, price: int) -> None:
    """A touch: in, it is a plain option from now on; out, it pays its rebate and is over."""
    i = w.instruments[number]
    i.is_knocked, i.next_observation = True, 0
    w.emit("BarrierTouched", instrument=number, index_e8=price, instant_ns=w.now)
    if is_out(i):
        book.close_contract(w, number, i.terms["rebate_ticks"])
        for k, order in enumerate(w.orders, 1):
            if order.is_open and (order.kind, order.subject) == (OrderKind.POSITION, number):
                order.is_open = False
                w.emit("OrderClosed", order=k)


@pytest.mark.rule("9.23", "9.24")
def observe_barrier(w: World, number: int) -> None:
    i = w.instruments[number]
    if not w.is_fresh(i.terms["underlying"]):
        i.next_observation = book.WAITING
        kind = DueKind.OBSERVATION
        book.postpone(w, number, kind, book.WAITING)
        return
    price = w.assets[i.terms["underlying"]].price
    if is_beyond(i.terms, price):
        knock(w, number, price)
        return
    i.next_observation = following_look(w, i)
    w.emit("BarrierObserved", instrument=number, index_e8=price, next_ns=i.next_observation)
