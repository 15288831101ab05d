"""The market that answers liquidation orders in options.

An option does not trade at its mark.  A dealer quotes around the day's surface at its index of the
last minute (not at the perpetual's last price, whose wicks are the venue's own): the half-spread of
a calm market (`option_market.half_spread`) widened with the range of the bar, and on top of it what
earlier orders have moved.  In a minute it takes at most a share of the contract's opening open
interest; each lot it takes moves the volatility of that underlying and expiry by the square root of
the share of the expiry's open interest that it has taken, and the move fades.

Shares, impact and half-life are *assumptions*, terms of the agent; no venue publishes them.  A
dealer pays one tick for an option whose bid would be below it, so that a close-out can end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from novate.errors import InputError
from novate.kernel.pricing.black import black_prices
from novate.simulation.options.book import OptionBook
from novate.simulation.options.market import IntArray, SurfacePath, half_spread
from novate.units import MINUTE


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionAgentTerms:
    """How the dealer absorbs orders.

    Attributes
    ----------
    latency_ns
        An order placed at t is not filled before t + latency.
    depth_ppm
        Share of a contract's opening open interest that is taken in a minute; one lot at least.
    impact
        Volatility per year by which an order for all of an expiry's open interest moves it.
    half_life_ns
        Time in which that move halves.
    wide_range_ppm
        Range of a bar (high / low - 1) at which the spread has doubled.
    """

    latency_ns: int = 250_000_000
    depth_ppm: int = 20_000
    impact: float = 0.30
    half_life_ns: int = 10 * MINUTE
    wide_range_ppm: int = 10_000

    def __post_init__(self) -> None:
        """Check the ranges; raises InputError."""
        for name, least in (
            ("latency_ns", 0), ("depth_ppm", 1), ("impact", 0.0), ("half_life_ns", 1),
            ("wide_range_ppm", 1),
        ):  # fmt: skip
            if getattr(self, name) < least:
                raise InputError(f"{name} {getattr(self, name)}; allowed is {least} or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionFills:
    """Fills, at most one per order; columns of shape (fills,).

    Attributes
    ----------
    row
        Row of the order.
    lots
        Signed as the order.
    ticks
        Price.
    """

    row: IntArray
    lots: IntArray
    ticks: IntArray


class OptionAgent:
    """A dealer with memory: how far each expiry is displaced, and what the minute has used.

    Parameters
    ----------
    terms
        Terms of the agent.
    book
        Listed options with their opening open interest.
    paths
        Surface of each underlying.
    """

    def __init__(
        self, terms: OptionAgentTerms, book: OptionBook, paths: tuple[SurfacePath, ...]
    ) -> None:
        contracts = book.contracts
        self.terms, self._contracts, self._paths = terms, contracts, paths
        interest = book.lots_of()
        expiries = len(paths[0].expiry_ns)
        self._smile = contracts.underlying * expiries + contracts.expiry
        coins = np.bincount(
            self._smile, interest * contracts.lots_size(), minlength=len(paths) * expiries
        )
        self._interest = np.maximum(coins, 1e-12)
        self._depth = np.maximum(interest * terms.depth_ppm // 1_000_000, 1)
        self._used = np.zeros(len(contracts), dtype=np.int64)
        self._moved = np.zeros((len(self._interest), 2))  # squared; sales, purchases
        self._instant_ns = 0
        self._at = 0
        self._widening = np.ones(len(paths))

    def observe(self, instant_ns: int, range_ppm: IntArray) -> None:
        """Take in the range of the bar by underlying at an instant."""
        passed = instant_ns - self._instant_ns if self._instant_ns else 0
        self._moved *= 0.25 ** (max(passed, 0) / self.terms.half_life_ns)
        if instant_ns // MINUTE != self._instant_ns // MINUTE:
            self._used[:] = 0
        self._instant_ns = instant_ns
        instants = self._paths[0].instant_ns
        self._at = max(int(np.searchsorted(instants, instant_ns, side="right")) - 1, 0)
        self._widening = 1.0 + range_ppm / self.terms.wide_range_ppm

    def answer(
        self, contract: IntArray, lots: IntArray, placed_ns: IntArray, limit: IntArray
    ) -> OptionFills:
        """Fill what the minute's depth allows, in the order given; expired options not at all.

        Of an order whose size moves the price beyond its limit half is tried, then half of that.

        Parameters
        ----------
        contract, lots, placed_ns
            Row of the option, signed lots still open, and instant of each order, oldest first.
        limit
            Worst price of each order in ticks, 0 for any.
        """
        rows, filled, ticks = [], [], []
        for row in range(len(lots)):
            c, wanted = int(contract[row]), int(lots[row])
            is_ready = placed_ns[row] + self.terms.latency_ns <= self._instant_ns
            room = int(self._depth[c] - self._used[c])
            size = min(abs(wanted), room)
            expiry = self._paths[0].expiry_ns[self._contracts.expiry[c]]
            if not is_ready or size <= 0 or expiry <= self._instant_ns:
                continue
            sign = 1 if wanted > 0 else -1
            price = self._price(c, sign * size)
            while limit[row] and (price - int(limit[row])) * sign > 0 and size:
                size //= 2
                price = self._price(c, sign * size)
            if not size:
                continue
            self._take(c, sign * size)
            rows.append(row)
            filled.append(sign * size)
            ticks.append(price)
        columns = (np.array(column, dtype=np.int64) for column in (rows, filled, ticks))
        return OptionFills(**dict(zip(("row", "lots", "ticks"), columns, strict=True)))

    def displacement(self, contract: int) -> tuple[float, float]:
        """Volatility by which sales and purchases have moved an option's expiry, per year."""
        sales, purchases = np.sqrt(self._moved[self._smile[contract]])
        return float(sales), float(purchases)

    def _take(self, contract: int, lots: int) -> None:
        """Remember what a fill used and moved."""
        self._used[contract] += abs(lots)
        self._moved[self._smile[contract], int(lots > 0)] += self._push(contract, lots)

    def _push(self, contract: int, lots: int) -> float:
        """What a fill adds to the square of how far its side has moved the volatility."""
        size = abs(lots) * float(self._contracts.lots_size()[contract])
        return self.terms.impact**2 * size / float(self._interest[self._smile[contract]])

    def _price(self, contract: int, lots: int) -> int:
        """Price in ticks that a fill would have, against the order."""
        contracts, side = self._contracts, int(lots > 0)
        mid, away, forward, years = self._quote(contract)
        coin = int(contracts.underlying[contract])
        spread = half_spread(self._paths[coin].terms, np.array([away]), np.array([years]))
        before = float(self._moved[self._smile[contract], side])
        moved = float(np.sqrt(before + self._push(contract, lots)))
        offset = float(spread[0] * self._widening[coin]) + moved
        vol = max(mid + offset if side else mid - offset, 0.0)
        price = np.empty(1)
        strike = float(contracts.strikes()[contract])
        c, F, K, T, v, r = np.array(
            [contracts.side[contract], forward, strike, years, vol, 0.0], dtype=np.float64
        )[:, None]
        black_prices(c, F, K, T, v, r, price)
        value = float(price[0]) / (forward if contracts.is_coin_settled[contract] else 1.0)
        exact = value / float(contracts.ticks()[contract])
        return max(int(np.ceil(exact) if side else np.floor(exact)), 1)

    def _quote(self, contract: int) -> tuple[float, float, float, float]:
        """Mid volatility, deviations out of the money, forward and years of an option now."""
        contracts = self._contracts
        path = self._paths[int(contracts.underlying[contract])]
        expiry = int(contracts.expiry[contract])
        forward = float(path.forward(self._at)[expiry])
        strike = np.array([contracts.strikes()[contract]])
        vol = float(path.volatility(self._at, np.array([expiry]), strike)[0])
        years = float(path.years(self._at)[expiry])
        away = float(np.log(strike[0] / forward)) / max(vol * np.sqrt(years), 1e-12)
        return vol, away, forward, years
