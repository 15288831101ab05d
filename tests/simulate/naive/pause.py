"""Jumps, halts and ramps of an index."""

from __future__ import annotations

import pytest

from novate.kernel.codes import InstrumentStatus
from novate.message.parameter import Parameter
from novate.message.pause import ResumeReason
from tests.simulate.naive.ramp import where
from tests.simulate.naive.world import World

MILLION = 1_000_000


@pytest.mark.rule("5.83")
def leaps(w: World, asset: int, old: int, new: int) -> bool:
    """Whether an index moves beyond its band."""
    on_it = [
        w.parameter(Parameter.JUMP_PPM, instrument=i)
        for i in w.instruments
        if i.status == InstrumentStatus.ACTIVE and i.terms["underlying"] == asset
    ]
    bands = on_it or [w.parameters[Parameter.JUMP_PPM]]
    return 0 not in bands and abs(new - old) * MILLION > max(bands) * old


@pytest.mark.rule("5.83", "5.84", "5.88")
def follow(w: World, asset: int, old: int, updated: int) -> None:
    """After an index was updated that was ``old`` at an assessment before."""
    a = w.assets[asset]
    if not old:
        move_range(w, asset)
        return
    if a.is_stale:
        if a.halted is None:
            a.halted = w.now
            w.emit("HaltBegun", asset=asset)
        return
    since = updated + w.parameters[Parameter.INDEX_STALENESS_NS]
    if a.halted is not None:
        since = a.halted
        a.halted = None
        w.emit("HaltEnded", asset=asset, since_ns=since)
    if a.jumped is not None:
        follow_jump(w, asset)
    elif leaps(w, asset, old, a.price):
        a.jumped, a.before_jump, a.agreed = w.now, old, None
        w.emit("JumpPaused", asset=asset, from_e8=old, price_e8=a.price)
    elif w.now - since > w.parameters[Parameter.HALT_MIN_NS]:
        start_ramp(w, asset, old)
    end_ramp(w, asset)
    move_range(w, asset)


@pytest.mark.rule("8.67")
def move_range(w: World, asset: int) -> None:
    """The lowest and the highest index of two halves of the time."""
    a = w.assets[asset]
    if not a.price or a.is_stale or a.jumped is not None:
        return
    before = (a.low, a.high, a.half_from)
    if not a.half_from or w.now - a.half_from >= w.parameters[Parameter.SETTLEMENT_RANGE_NS] // 2:
        a.past_low, a.past_high = a.low, a.high
        a.low = a.high = a.price
        a.half_from = w.now
    a.low, a.high = min(a.low, a.price), max(a.high, a.price)
    if before != (a.low, a.high, a.half_from):
        w.emit(
            "RangeMoved",
            asset=asset,
            low_e8=a.low,
            high_e8=a.high,
            past_low_e8=a.past_low,
            past_high_e8=a.past_high,
            since_ns=a.half_from,
        )


@pytest.mark.rule("5.85")
def quorum(w: World, asset: int) -> int:
    there = len([s for s in w.sources if s.asset == asset and s.weight])
    asked = max(w.parameters[Parameter.JUMP_QUORUM], w.parameters[Parameter.INDEX_SOURCES_MIN])
    return there if 2 <= there < asked else asked


@pytest.mark.rule("5.85", "5.136")
def who_agrees(w: World, asset: int, since: int) -> list[int]:
    """Sources near the index that were observed later, and whose money others confirm likewise."""
    price, apart = w.assets[asset].price, w.parameters[Parameter.INDEX_OUTLIER_PPM]
    return [
        k
        for k in w.usable_sources(asset)
        if (w.sources[k].observed or 0) > since
        if abs(w.price_told_by(k) - price) * MILLION <= apart * price
        if not (quote := w.sources[k].quote) or len(who_agrees(w, quote, since)) >= quorum(w, quote)
    ]


@pytest.mark.rule("5.85", "5.86")
def follow_jump(w: World, asset: int) -> None:
    """A jump is over when it is undone, confirmed, or old."""
    a, p = w.assets[asset], w.parameters
    assert a.jumped is not None
    started = a.jumped
    agreeing, needed = who_agrees(w, asset, started), quorum(w, asset)
    enough = len(agreeing) >= needed
    if not leaps(w, asset, a.before_jump, a.price):
        resume(w, asset, ResumeReason.RETURNED)
    elif enough and a.agreed is not None and w.now - a.agreed >= p[Parameter.JUMP_CONFIRM_NS]:
        resume(w, asset, ResumeReason.QUORUM)
    elif w.now - started >= p[Parameter.JUMP_PAUSE_NS]:
        resume(w, asset, ResumeReason.TIME)
    elif enough != (a.agreed is not None):
        a.agreed = w.now if enough else None
        w.emit("JumpChecked", asset=asset, sources=len(agreeing), agreed_ns=a.agreed or 0)


@pytest.mark.rule("5.86", "5.88")
def resume(w: World, asset: int, reason: ResumeReason) -> None:
    a = w.assets[asset]
    a.jumped = a.agreed = None
    w.emit("JumpResumed", asset=asset, reason=reason, price_e8=a.price)
    if reason != ResumeReason.RETURNED:
        start_ramp(w, asset, a.before_jump)


@pytest.mark.rule("5.88")
def start_ramp(w: World, asset: int, start: int) -> None:
    """From the price of before, or from where a ramp is that runs already."""
    a = w.assets[asset]
    if a.ramped is not None:
        start = where(w, a)
    if start == a.price or not w.parameters[Parameter.RAMP_PPM]:
        return
    a.ramped, a.ramp_from, a.ramp_up = w.now, start, a.price > start
    w.emit("RampStarted", asset=asset, from_e8=start, side=1 if a.ramp_up else -1)


@pytest.mark.rule("5.89")
def end_ramp(w: World, asset: int) -> None:
    a = w.assets[asset]
    if a.ramped is not None and a.jumped is None and where(w, a) == a.price:
        a.ramped = None
        w.emit("RampEnded", asset=asset, price_e8=a.price)


@pytest.mark.rule("8.80", "8.82", "8.83")
def follow_house(w: World) -> None:
    """After all indices: whether any of them is fresh."""
    known = [k for k in {source.asset for source in w.sources} if w.assets[k].price]
    fresh = any(w.is_fresh(k) for k in known)
    most = w.parameters[Parameter.HOUSE_PAUSE_MAX_NS]
    if w.paused is None:
        if known and not fresh and most:
            w.paused, w.is_pause_over = w.now, False
            w.emit("HousePaused", assets=len(known))
        return
    length = w.now - w.paused
    given = 0 if w.is_pause_over else length
    if fresh:
        w.emit("HouseResumed", since_ns=w.paused, length_ns=given)
        w.paused = None
    elif not w.is_pause_over and length >= most:
        w.emit("HousePauseExpired", since_ns=w.paused, length_ns=length)
        w.is_pause_over = True
