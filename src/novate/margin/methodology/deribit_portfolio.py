"""Portfolio margin of Deribit: a risk matrix in coin, with charges for rolls and for large deltas.

Source: Deribit, API reference, `private/pme/simulate` (parameters, vectors and the parts of a
margin as a reply prints them) and help centre, "Portfolio Margin" (what the parts are for).  The
replies published hold perpetuals and futures alone; what options do follows the text.
"""

from __future__ import annotations

import numpy as np

from novate.margin.methodology.option_book import YEAR_NS, OptionBook, option_book
from novate.margin.methodology.outcome import (
    MissingInputError,
    NotValuedError,
    Outcome,
    Part,
    ScenarioResult,
)
from novate.margin.methodology.parameters import Shock, Table, VolatilityShock
from novate.margin.methodology.portfolio import Portfolio, Position, Snapshot
from novate.margin.methodology.shock import shocked
from novate.valuation import pricing

SHOCKS: tuple[Shock, ...] = ("up", "same", "down")
OPTIONS_NOTE = "options: no published reply holds any, so that no published number confirms them"
DELTA_NOTE = "delta shock: no published reply has one above 0, so that none confirms it"
TAIL_NOTE = (
    "extended moves bind: the published replies show them at 0 alone, so that none confirms them"
)


class DeribitPortfolio(Table, frozen=True, kw_only=True):
    """Parameters of one coin; the names are those of the venue's replies.

    Attributes
    ----------
    currency
        The coin: requirement, cash and what contracts pay are in it, and it is their underlying.
    price_range, buckets_each_side
        Largest move of the matrix, and equal steps to it on each side.
    volatility
        Shocks crossed with every move; on extended moves volatilities go up.
    extended_moves, extended_table_factor, extended_dampener
        Moves beyond the matrix, the share of them that counts, and what moves each towards 0 per
        multiple of the range beyond the first, in quote currency.
    pnl_offset, max_offsetable_pnl
        Share of a gain that counts in the aggregated vector, and its bound in quote currency.
    annualised_move_risk, min_annualised_move
        Rate per year by which an expiry may move apart, and the least move of any.
    delta_total_liq_shock_threshold, m_inc, max_delta_shock
        Net delta in quote currency that is free of the delta shock, the price move per unit of
        quote currency beyond it, and the largest such move as a share of the index.
    mm_factor
        Maintenance margin as a share of the margin of the risk matrix.
    worst_case_decimals
        To how many the worst case is rounded before anything is added to it.
    correlation_contingency, mmp_margin, spot_margin
        Stated parts, coin: the venue prints them and publishes no rule.
    open_orders_margin
        The same of open orders; a portfolio with orders needs it.
    notes
        What every reader of an outcome has to know.
    """

    currency: str
    price_range: float
    buckets_each_side: int
    volatility: VolatilityShock
    extended_moves: tuple[float, ...]
    extended_table_factor: float
    extended_dampener: float
    pnl_offset: float
    max_offsetable_pnl: float
    annualised_move_risk: float
    min_annualised_move: float
    delta_total_liq_shock_threshold: float
    m_inc: float
    max_delta_shock: float
    mm_factor: float
    worst_case_decimals: int
    correlation_contingency: float = 0.0
    mmp_margin: float = 0.0
    spot_margin: float = 0.0
    open_orders_margin: float | None = None
    notes: tuple[str, ...] = ()

    def outcome(self, portfolio: Portfolio, snapshot: Snapshot) -> Outcome:
        """Return what a portfolio must hold, in coin.

        A position is stated in coin: its contracts' worth in quote currency over their mark.

        Raises
        ------
        MissingInputError
            If the market lacks the index, a forward or a volatility, or a contract has expired, or
            there are orders and no margin of orders is stated.
        InputError
            If an option has no price at the market's inputs.
        NotValuedError
            If a contract has another underlying or is not paid in the coin, or other assets than
            the coin are held.
        """
        index = snapshot.index.get(self.currency)
        if index is None:
            raise MissingInputError(f"{self.currency}: the market has no index of it; needed: one")
        self._check(portfolio, snapshot)
        book = option_book(portfolio.positions, snapshot)
        value = book.quantity * book.coin_prices()
        linear = sum(p.quantity for p in portfolio.positions if not p.contract.is_option)
        results = self._results(book, float(value.sum()), linear, index)
        worst = min(results, key=lambda one: one.profit)
        deltas = self._deltas(portfolio.positions, book)
        delta_shock = self._delta_shock(sum(deltas.values()), index)
        matrix = {
            "worst case": round(max(-worst.profit, 0.0), self.worst_case_decimals),
            "roll shock": self._roll_shock(deltas, snapshot),
            "delta shock": delta_shock,
            "correlation contingency": self.correlation_contingency,
        }
        stated = {
            "open orders": self.open_orders_margin or 0.0,
            "market maker protection": self.mmp_margin,
            "spot": self.spot_margin,
        }
        parts = [
            Part(name=k, subject=self.currency, initial=v, maintenance=v * self.mm_factor)
            for k, v in matrix.items()
        ]
        parts += [
            Part(name=k, subject=self.currency, initial=v, maintenance=0.0)
            for k, v in stated.items()
            if v
        ]
        held = sum(asset.quantity for asset in portfolio.collateral)
        unrealised = sum(p.unrealised for p in portfolio.positions)
        is_tail = worst.profit < 0 and abs(worst.move) > self.price_range
        notes = ((OPTIONS_NOTE, len(book) > 0), (DELTA_NOTE, delta_shock > 0), (TAIL_NOTE, is_tail))
        return Outcome(
            currency=self.currency,
            initial=sum(part.initial for part in parts),
            maintenance=sum(part.maintenance for part in parts),
            equity=portfolio.cash + held + unrealised + float(value.sum()),
            parts=tuple(parts),
            scenarios=tuple(results),
            binding={self.currency: worst.label},
            notes=(*self.notes, *(text for text, applies in notes if applies)),
        )

    def _check(self, portfolio: Portfolio, snapshot: Snapshot) -> None:
        contracts = [position.contract for position in portfolio.positions]
        contracts += [order.contract for order in portfolio.orders]
        for contract in contracts:
            if contract.underlying != self.currency or not contract.is_inverse:
                raise NotValuedError(
                    f"{contract.symbol}: on {contract.underlying}, paid in {contract.settlement}; "
                    f"allowed: contracts on {self.currency} that are paid in it"
                )
            if contract.expiry_ns is not None and contract.expiry_ns <= snapshot.instant_ns:
                raise MissingInputError(
                    f"{contract.symbol}: expired at {contract.expiry_ns}, the market is of "
                    f"{snapshot.instant_ns}; allowed: contracts that are alive"
                )
        for asset in portfolio.collateral:
            if asset.asset != self.currency:
                raise NotValuedError(
                    f"{asset.asset}: not valued as collateral; allowed: {self.currency}"
                )
        if portfolio.orders and self.open_orders_margin is None:
            raise MissingInputError(
                f"{len(portfolio.orders)} open orders: the venue publishes no rule for them; "
                "needed: open_orders_margin in the parameters"
            )

    def _results(
        self, book: OptionBook, value: float, linear: float, index: float
    ) -> list[ScenarioResult]:
        """Return the aggregated vector: the matrix, lowest move first, then the extended moves."""

        def profit(move: float, shock: Shock) -> float:
            vol = shocked(shock, book.volatility, book.option_years, self.volatility)
            options = float((book.quantity * book.coin_prices(move, vol)).sum()) - value
            # An inverse contract pays the difference of two reciprocals of its price.
            return options + linear * (1.0 - 1.0 / (1.0 + move))

        def result(
            move: float, shock: Shock, weight: float = 1.0, damping: float = 0.0
        ) -> ScenarioResult:
            gained = self._aggregated(profit(move, shock) * weight, index)
            return ScenarioResult(
                subject=self.currency, label=f"{move:+.1%}, volatility {shock}", move=move,
                volatility=shock, weight=weight,
                profit=gained - float(np.copysign(min(damping, abs(gained)), gained)),
            )  # fmt: skip

        steps = range(-self.buckets_each_side, self.buckets_each_side + 1)
        moves = [self.price_range * step / self.buckets_each_side for step in steps]
        found = [result(move, shock) for move in moves for shock in SHOCKS]
        for move in self.extended_moves:
            edge = 1.0 + float(np.copysign(self.price_range, move))
            times = abs(move) / self.price_range
            weight = self.extended_table_factor * (1.0 + move) / (times * edge)
            damping = (max(times, 1.0) - 1.0) * self.extended_dampener / (edge * index)
            found.append(result(move, "up", weight, damping))
        return found

    def _aggregated(self, gained: float, index: float) -> float:
        """Return a profit with a gain cut to the share that may offset other losses."""
        if gained <= 0:
            return gained
        return min(gained * self.pnl_offset, self.max_offsetable_pnl / index)

    def _deltas(self, positions: tuple[Position, ...], book: OptionBook) -> dict[int | None, float]:
        """Return net deltas by instant of expiry, coin; perpetuals under None."""
        found: dict[int | None, float] = {}
        for position in positions:
            if not position.contract.is_option:
                expiry = position.contract.expiry_ns
                found[expiry] = found.get(expiry, 0.0) + position.quantity
        if len(book):
            greeks = pricing.inverse_greeks(
                book.right, book.forward[book.expiry], book.strike, book.option_years,
                book.volatility,
            )  # fmt: skip
            by_expiry = book.by_expiry(book.quantity * greeks.net_delta)
            for expiry, delta in zip(book.expiries.tolist(), by_expiry.tolist(), strict=True):
                found[expiry] = found.get(expiry, 0.0) + delta
        return found

    def _roll_shock(self, deltas: dict[int | None, float], snapshot: Snapshot) -> float:
        """Return what expiries that move apart cost; they do not offset one another."""
        total = 0.0
        for expiry, delta in deltas.items():
            years = 0.0 if expiry is None else (expiry - snapshot.instant_ns) / YEAR_NS
            move = float(np.expm1(self.annualised_move_risk * years))
            total += abs(delta) * max(self.min_annualised_move, move)
        return total

    def _delta_shock(self, delta: float, index: float) -> float:
        """Return what closing a large net delta moves the price by against it, coin."""
        beyond = max(abs(delta) * index - self.delta_total_liq_shock_threshold, 0.0)
        move = min(beyond * self.m_inc, self.max_delta_shock * index)
        return abs(delta) * move / index
