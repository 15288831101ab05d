"""Digitals, barriers and double barriers: price and every Greek, against QuantLib one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import QuantLib

from novate.kernel.clearing.columns import F64
from novate.kernel.pricing.barrier import barrier_prices
from novate.kernel.pricing.barrier_greeks import barrier_greeks
from novate.kernel.pricing.digital import digital_greeks
from novate.kernel.pricing.double_barrier import double_barrier_greeks, double_barrier_prices
from novate.kernel.pricing.term import GREEKS
from tests.bench.contest import Contest, Side

SIZE, ONE_BY_ONE, BUMPED = 20_000, 1_000, 200
RATE, YIELD, SPOT = 0.04, 0.01, 60_000.0
TODAY = QuantLib.Date(1, 1, 2026)
COUNT = QuantLib.Actual365Fixed()
BARRIERS = {
    (-1.0, 1.0): QuantLib.Barrier.DownIn, (-1.0, 0.0): QuantLib.Barrier.DownOut,
    (1.0, 1.0): QuantLib.Barrier.UpIn, (1.0, 0.0): QuantLib.Barrier.UpOut,
}  # fmt: skip


class Book:
    """Exotics of a listed market; whole days, because QuantLib counts them."""

    def __init__(self) -> None:
        draw = np.random.Generator(np.random.PCG64(11))
        n = SIZE
        self.days = draw.integers(7, 365, n)
        self.T = self.days / 365
        self.vol = draw.uniform(0.3, 1.0, n)
        s = self.vol * np.sqrt(self.T)
        self.K = SPOT * np.exp(draw.normal(0, 0.7, n) * s)
        self.side = np.where(draw.random(n) < 0.5, 1.0, -1.0)
        self.u = np.where(draw.random(n) < 0.5, 1.0, -1.0)
        self.is_in = (draw.random(n) < 0.5).astype(np.float64)
        self.H = SPOT * np.exp(self.u * draw.uniform(0.1, 2.0, n) * s)
        self.rebate = np.where(draw.random(n) < 0.5, 0.0, 600.0)
        self.lower = SPOT * np.exp(-draw.uniform(0.4, 2.0, n) * s)
        self.upper = SPOT * np.exp(draw.uniform(0.4, 2.0, n) * s)
        self.K_inside = np.clip(self.K, self.lower * 1.01, self.upper * 0.99)

    def single(self) -> F64:
        one = np.ones(SIZE)
        rows = [
            self.side, self.u, self.is_in, 0 * one, SPOT * one, self.K, self.H, one, self.rebate,
            self.T, self.vol, RATE * one, YIELD * one, one, 0 * one, 0 * one, 0 * one,
        ]  # fmt: skip
        return np.ascontiguousarray(rows)

    def double(self) -> F64:
        one = np.ones(SIZE)
        rows = [
            self.side, self.is_in, SPOT * one, self.K_inside, self.lower, self.upper, self.T,
            self.vol, RATE * one, YIELD * one, 0 * one, 0 * one,
        ]  # fmt: skip
        return np.ascontiguousarray(rows)

    def digital(self) -> F64:
        one = np.ones(SIZE)
        forward = SPOT * np.exp((RATE - YIELD) * self.T)
        rows = [self.side, 0 * one, 0 * one, one, forward, self.K, self.T, self.vol, RATE * one]
        return np.ascontiguousarray(rows)


class Pricer:
    """One QuantLib process whose quotes move, which is the fastest way to bump."""

    def __init__(self) -> None:
        QuantLib.Settings.instance().evaluationDate = TODAY
        self.spot, self.vol = QuantLib.SimpleQuote(SPOT), QuantLib.SimpleQuote(0.5)
        self.rate = QuantLib.SimpleQuote(RATE)
        handle = QuantLib.QuoteHandle
        self.process = QuantLib.BlackScholesMertonProcess(
            handle(self.spot),
            QuantLib.YieldTermStructureHandle(QuantLib.FlatForward(TODAY, YIELD, COUNT)),
            QuantLib.YieldTermStructureHandle(
                QuantLib.FlatForward(TODAY, handle(self.rate), COUNT)
            ),
            QuantLib.BlackVolTermStructureHandle(
                QuantLib.BlackConstantVol(TODAY, QuantLib.NullCalendar(), handle(self.vol), COUNT)
            ),
        )
        self.single = QuantLib.AnalyticBarrierEngine(self.process)
        self.double = QuantLib.AnalyticDoubleBarrierEngine(self.process, 5)
        self.european = QuantLib.AnalyticEuropeanEngine(self.process)

    def option(self, kind: str, book: Book, k: int) -> Any:
        """One option with its engine."""
        side = QuantLib.Option.Call if book.side[k] > 0 else QuantLib.Option.Put
        exercise = QuantLib.EuropeanExercise(TODAY + int(book.days[k]))
        self.vol.setValue(float(book.vol[k]))
        if kind == "digital":
            payoff = QuantLib.CashOrNothingPayoff(side, float(book.K[k]), 1.0)
            option, engine = QuantLib.VanillaOption(payoff, exercise), self.european
        elif kind == "barrier":
            payoff = QuantLib.PlainVanillaPayoff(side, float(book.K[k]))
            name = BARRIERS[float(book.u[k]), float(book.is_in[k])]
            option = QuantLib.BarrierOption(
                name, float(book.H[k]), float(book.rebate[k]), payoff, exercise
            )
            engine = self.single
        else:
            payoff = QuantLib.PlainVanillaPayoff(side, float(book.K_inside[k]))
            name = (
                QuantLib.DoubleBarrier.KnockIn if book.is_in[k] else QuantLib.DoubleBarrier.KnockOut
            )
            option = QuantLib.DoubleBarrierOption(
                name, float(book.lower[k]), float(book.upper[k]), 0.0, payoff, exercise
            )
            engine = self.double
        option.setPricingEngine(engine)
        return option

    def greeks(self, option: Any) -> list[float]:
        """Price, and delta, gamma, vega, rho, vanna, volga, speed, zomma by bumping quotes.

        Theta, charm and colour need another date and are left out, in QuantLib's favour.
        """
        S, vol, h, e = SPOT, self.vol.value(), SPOT * 1e-3, 1e-3

        def at(ds: float = 0.0, dv: float = 0.0, dr: float = 0.0) -> float:
            self.spot.setValue(S + ds * h)
            self.vol.setValue(vol + dv * e)
            self.rate.setValue(RATE + dr * e)
            return float(option.NPV())

        middle, up, down, up2, down2 = at(), at(1), at(-1), at(2), at(-2)
        vega_up, vega_down, rho_up, rho_down = at(0, 1), at(0, -1), at(0, 0, 1), at(0, 0, -1)
        pp, pm, mp, mm = at(1, 1), at(1, -1), at(-1, 1), at(-1, -1)
        at()
        return [
            middle, (up - down) / (2 * h), (up - 2 * middle + down) / h**2,
            (vega_up - vega_down) / (2 * e), (rho_up - rho_down) / (2 * e),
            (pp - pm - mp + mm) / (4 * h * e), (vega_up - 2 * middle + vega_down) / e**2,
            (up2 - 2 * up + 2 * down - down2) / (2 * h**3),
            ((pp - 2 * vega_up + mp) - (pm - 2 * vega_down + mm)) / (2 * h**2 * e),
        ]  # fmt: skip


class Race:
    """A book of one kind on both sides."""

    def __init__(self, kind: str, book: Book, pricer: Pricer) -> None:
        self.kind, self.book, self.pricer = kind, book, pricer
        self.at: F64 = {"digital": book.digital, "barrier": book.single, "double": book.double}[
            kind
        ]()
        self.out, self.status = np.empty((GREEKS, SIZE)), np.empty(SIZE, np.int8)
        self.price = np.empty(SIZE)
        self.theirs = np.zeros(ONE_BY_ONE)
        self.bumped: list[list[float]] = []

    def greeks(self) -> None:
        if self.kind == "digital":
            digital_greeks(self.at, self.out, self.status)
        else:
            fill = barrier_greeks if self.kind == "barrier" else double_barrier_greeks
            fill(self.at, False, self.out, self.status)

    def prices(self) -> None:
        fill = barrier_prices if self.kind == "barrier" else double_barrier_prices
        fill(self.at, self.price, self.status)
        self.out[0] = self.price

    def quantlib_prices(self) -> None:
        for k in range(ONE_BY_ONE):
            self.theirs[k] = self.pricer.option(self.kind, self.book, k).NPV()

    def quantlib_greeks(self) -> None:
        self.bumped = [
            self.pricer.greeks(self.pricer.option(self.kind, self.book, k)) for k in range(BUMPED)
        ]

    def prices_agree(self) -> bool:
        gap = np.abs(self.out[0, :ONE_BY_ONE] - self.theirs)
        unit = 1.0 if self.kind == "digital" else SPOT
        return not self.status.any() and bool((gap < 1e-8 * unit).all())

    def deltas_agree(self) -> bool:
        theirs = np.array(self.bumped)
        ours = self.out[1, :BUMPED]
        if self.kind == "digital":  # ours is by the forward
            ours = ours * self.at[4, :BUMPED] / SPOT
        size = np.abs(theirs[:, 1]).max()
        return bool((np.abs(ours - theirs[:, 1]) < 1e-3 * size).all())


NAMES = {
    "digital": ("Cash or nothing", "AnalyticEuropeanEngine", 400),
    "barrier": ("Single barriers", "AnalyticBarrierEngine", 100),
    "double": ("Double barriers", "AnalyticDoubleBarrierEngine, 11 images", 30),
}


def contests() -> Iterator[Contest]:
    """Prices with every Greek against prices alone, and against bumps; prices against prices."""
    book, pricer = Book(), Pricer()
    for kind, (title, engine, goal) in NAMES.items():
        race = Race(kind, book, pricer)
        ours = Side(name="kernel: price and 11 Greeks", amount=SIZE, call=race.greeks)
        alone = Side(
            name=f"QuantLib's {engine}, price alone",
            amount=ONE_BY_ONE,
            call=race.quantlib_prices,
        )
        regime = f"one thread, N = {SIZE:,}, QuantLib on {{:,}} of them from Python"
        yield _contest(title, regime.format(ONE_BY_ONE), ours, alone, 0, race.prices_agree)
        bumps = Side(
            name=f"QuantLib's {engine}, price and 8 Greeks from 13 prices",
            amount=BUMPED,
            call=race.quantlib_greeks,
        )
        yield _contest(title, regime.format(BUMPED), ours, bumps, goal, race.deltas_agree)
        if kind != "digital":
            prices = Side(name="kernel: price alone", amount=SIZE, call=partial(race.prices))
            yield _contest(title, regime.format(ONE_BY_ONE), prices, alone, 0, race.prices_agree)


def _contest(
    name: str, regime: str, ours: Side, theirs: Side, goal: float, holds: Callable[[], bool]
) -> Contest:
    return Contest(
        name=name, regime=regime, unit="options", ours=ours, theirs=theirs, goal=goal, holds=holds
    )
