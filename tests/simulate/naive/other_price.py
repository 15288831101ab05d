"""What an account is worth at other prices than the marks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import pytest

from novate.kernel.codes import InstrumentStatus
from novate.message.deciding_price import DecidingPrice
from tests.simulate.naive.market import settled_if
from tests.simulate.naive.number import clamp, half_up
from tests.simulate.naive.option import value_short
from tests.simulate.naive.ramp import ramp_price
from tests.simulate.naive.world import Asset, Instrument, World


@contextmanager
def undone(w: World) -> Iterator[None]:
    """Put prices back as they were."""
    names = ("mark", "slow", "short_initial", "short_maintenance")
    marks = [{name: getattr(i, name) for name in names} for i in w.instruments]
    prices = [a.price for a in w.assets]
    w.kept_marks = [i.mark for i in w.instruments]
    try:
        yield
    finally:
        w.kept_marks = None
        for i, mark in zip(w.instruments, marks, strict=True):
            vars(i).update(mark)
        for a, price in zip(w.assets, prices, strict=True):
            a.price = price


@pytest.mark.rule("5.112")
def at_index(w: World) -> AbstractContextManager[None]:
    """Every contract at its index, options at their marks."""
    return at_own_price(w, lambda i: i.index)


@pytest.mark.rule("5.80", "5.110")
def protected(w: World) -> AbstractContextManager[None]:
    """Every contract at its index with the basis that stood, options at their marks."""
    return at_own_price(w, with_basis)


@pytest.mark.rule("5.110")
def with_basis(i: Instrument) -> int:
    band = i.index * i.terms["basis_clamp_ppm"] // 1_000_000
    return i.index + clamp(half_up(i.slow_basis_e8, 10**8), -band, band)


@contextmanager
def at_own_price(w: World, price: Callable[[Instrument], int]) -> Iterator[None]:
    with undone(w):
        for i in w.instruments:
            if i.mark > 0 and not i.is_option:
                i.mark = clamp(settled_if(w, i, price(i)), 1, i.terms["ticks_max"])
        yield


@pytest.mark.rule("5.93")
@contextmanager
def at_slow(w: World) -> Iterator[None]:
    """Every contract at its slow index, options at their marks."""
    with undone(w):
        for i in w.instruments:
            if i.mark > 0 and not i.is_option:
                i.mark = i.slow
        yield


@pytest.mark.rule("5.90")
@contextmanager
def at_ramps(
    w: World, others: Callable[[World], AbstractContextManager[None]] = protected
) -> Iterator[None]:
    """Assets that jump or have a ramp at the price of before, and what hangs on them.

    All others at other prices.
    """
    with others(w):
        prices = {k: p for k in range(len(w.assets)) if (p := ramp_price(w, k)) is not None}
        for k, price in prices.items():
            w.assets[k].price = price
        for i in w.instruments:
            active = i.status == InstrumentStatus.ACTIVE and i.mark > 0
            if active and i.terms["underlying"] in prices:
                price_at(w, i, w.assets[i.terms["underlying"]])
        yield


@pytest.mark.rule("5.11", "9.11", "9.18")
def price_at(w: World, i: Instrument, a: Asset) -> None:
    """The price of a contract, or marks and margins of an option, at the price of its asset."""
    if not i.is_option:
        ticks = min(max(half_up(a.price, i.terms["tick_e8"]), 1), i.terms["ticks_max"])
        i.mark = max(settled_if(w, i, ticks), 1)
        return
    smile = w.last_smile(i)
    if smile is not None:
        value_short(w, i, smile, a.price / 1e8, a.slow / 1e8)


def has_ramps(w: World) -> bool:
    return any(a.jumped is not None or a.ramped is not None for a in w.assets)


@pytest.mark.rule("5.80", "5.91")
def other_prices(w: World) -> list[AbstractContextManager[None]]:
    """Prices beside the marks at which an account must fail too."""
    return [protected(w), *([at_ramps(w)] if has_ramps(w) else [])]


@pytest.mark.rule("5.95")
def index_prices(w: World) -> list[AbstractContextManager[None]]:
    """The index prices, and with ramps while an asset has one."""
    return [at_index(w), *([at_ramps(w, at_index)] if has_ramps(w) else [])]


Named = list[tuple[DecidingPrice, AbstractContextManager[None]]]


@pytest.mark.rule("5.81", "5.91")
def protecting(w: World) -> Named:
    """Prices that decide at a deadline."""
    ramps: Named = [(DecidingPrice.RAMP, at_ramps(w))] if has_ramps(w) else []
    return [(DecidingPrice.PROTECTED, protected(w)), *ramps]


def at_mark() -> Named:
    return [(DecidingPrice.MARK, nullcontext())]


@pytest.mark.rule("5.92")
def at_every_price(w: World, check: Callable[[], None]) -> None:
    """Let something be refused at the marks, at the index or at ramp prices."""
    check()
    for there in [at_index(w), *([at_ramps(w)] if has_ramps(w) else [])]:
        with there:
            check()
