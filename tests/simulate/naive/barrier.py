"""Barriers of the naive model: when they are looked at, and what a touch does."""

from __future__ import annotations

from novate.kernel.codes import DueKind, InstrumentStatus, Monitoring, OrderKind
from tests.simulate.naive import book
from tests.simulate.naive.option import following_look, is_beyond, is_out
from tests.simulate.naive.world import World

MINUTE = 60 * 10**9


def touch_barriers(w: World) -> None:
    """Barriers watched with every index; those of the schedule have their own instants."""
    for number, i in enumerate(w.instruments):
        if i.status != InstrumentStatus.ACTIVE or not i.is_option or i.is_knocked:
            continue
        asset = w.assets[i.terms["underlying"]]
        seen = i.terms["monitoring"] == Monitoring.CONTINUOUS and asset.price and not asset.is_stale
        if seen and is_beyond(i.terms, asset.price):
            knock(w, number)


def knock(w: World, number: int) -> None:
    """A touch: in, it is a plain option from now on; out, it pays its rebate and is over."""
    i = w.instruments[number]
    i.is_knocked, i.next_observation = True, 0
    price = w.assets[i.terms["underlying"]].price
    w.emit("BarrierTouched", instrument=number, index_e8=price, instant_ns=w.now)
    if is_out(i):
        book.close_contract(w, number, i.terms["rebate_ticks"])
        for k, order in enumerate(w.orders, 1):
            if order.is_open and (order.kind, order.subject) == (OrderKind.POSITION, number):
                order.is_open = False
                w.emit("OrderClosed", order=k)


def observe_barrier(w: World, number: int) -> None:
    i = w.instruments[number]
    if not w.is_fresh(i.terms["underlying"]):
        i.next_observation += MINUTE
        kind = DueKind.OBSERVATION
        w.emit("CyclePostponed", instrument=number, kind=kind, instant_ns=w.now)
        return
    price = w.assets[i.terms["underlying"]].price
    if is_beyond(i.terms, price):
        knock(w, number)
        return
    i.next_observation = following_look(w, i)
    w.emit("BarrierObserved", instrument=number, index_e8=price, next_ns=i.next_observation)
