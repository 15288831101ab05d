"""Risk factors for longs and shorts, and four levels of margin, as Vega publishes them.

Source: vegaprotocol/specs, 0019-MCAL and 0010-MARG, and the verified features of
vegaprotocol/vega.  Of one market, with ``q`` units open and orders on top::

    maintenance = ceil(max over the two sides of
                       mark * (open units * slippage + units with orders * risk factor))
                  + funding factor * max(0, q * funding accrued per unit)
    search, initial, release = floor(maintenance * factor of the level)

Slippage is charged on what is open only, a risk factor may be above 100%, and rounding is to the
smallest unit of the asset.  Margin accounts are by market: one below search is topped up to
initial, one above release is brought down to initial, and between the two nothing moves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from statistics import NormalDist

import msgspec

from novate.errors import InputError
from novate.margin.methodology.lookup import Holding, cash_of, holdings, known, require_linear
from novate.margin.methodology.outcome import MissingInputError, NotValuedError, Outcome, Part
from novate.margin.methodology.parameters import Table
from novate.margin.methodology.portfolio import Order, Portfolio, Snapshot


def lognormal_risk_factors(
    tail: float, years: float, drift: float, volatility: float
) -> tuple[float, float]:
    """Return the risk factors of a long and a short: expected shortfall of a lognormal price.

    With ``s = v sqrt(T)`` and ``z`` the quantile of the tail: ``1 - exp(m T) N(z - s) / tail`` and
    ``exp(m T) N(z + s) / tail - 1``.

    Parameters
    ----------
    tail
        Probability of the tail, between 0 and 1.
    years
        Over which a position is closed.
    drift, volatility
        Per year.

    Raises
    ------
    InputError
        If the tail, the years or the volatility is out of range.
    """
    if not 0 < tail < 1 or years < 0 or volatility < 0:
        raise InputError(
            f"tail {tail}, years {years}, volatility {volatility}; allowed: a tail between 0 and "
            "1, years and volatility of 0 and above"
        )
    spread = volatility * math.sqrt(years)
    quantile = NormalDist().inv_cdf(tail)
    growth = math.exp(drift * years) / tail
    # erfc keeps its digits in the tail, where 1 + erf has none left.
    below = 0.5 * math.erfc((spread - quantile) / math.sqrt(2))
    above = 0.5 * math.erfc(-(spread + quantile) / math.sqrt(2))
    return 1.0 - growth * below, growth * above - 1.0


class Scaling(Table, frozen=True, kw_only=True):
    """Levels above maintenance, as factors of it."""

    search: float
    initial: float
    release: float

    def __post_init__(self) -> None:
        """Check the order.

        Raises
        ------
        ValueError
            If the factors are not 1 < search < initial < release.
        """
        if not 1 < self.search < self.initial < self.release:
            raise ValueError(
                f"search {self.search}, initial {self.initial}, release {self.release}; allowed: "
                "ascending, above 1"
            )


class Market(Table, frozen=True, kw_only=True):
    """Parameters of one market.

    Attributes
    ----------
    long_factor, short_factor
        Risk factors, shares of the mark; may be above 1.
    slippage
        Share of the mark for closing what is open.
    funding_factor
        Share of accrued funding that counts; 0 leaves funding out.
    """

    long_factor: float
    short_factor: float
    slippage: float
    scaling: Scaling
    funding_factor: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """The four levels of one market; currency of the requirement."""

    maintenance: float
    search: float
    initial: float
    release: float

    def transfer(self, balance: float) -> float:
        """Return what a margin account receives from the general account; negative gives back.

        Below search it is filled to initial, above release it is brought down to initial, and in
        between it is left alone.
        """
        if self.search <= balance <= self.release:
            return 0.0
        return self.initial - balance


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelOutcome(Outcome):
    """A requirement with the levels of each market.

    Levels stand here and not among the parts: search and release are thresholds of single margin
    accounts, and add up to nothing that is required.

    Attributes
    ----------
    levels
        By symbol; none of a market in isolated margin, which is not topped up.
    """

    levels: dict[str, Levels] = field(default_factory=dict)


class RiskFactor(Table, frozen=True, kw_only=True):
    """Markets with their risk factors.

    Attributes
    ----------
    currency
        In which contracts are paid.
    unit
        Smallest unit of the currency, to which levels are rounded: 0.001 of an asset with three
        decimals.
    markets
        By symbol.
    default
        Of all others; without it they are refused.
    isolated
        Margin factor, by symbol, of markets in isolated margin: initial margin is that share of
        the entry price for what is open and of the limit for what orders would open.
    """

    currency: str
    unit: float
    markets: dict[str, Market] = msgspec.field(default_factory=dict)
    default: Market | None = None
    isolated: dict[str, float] = msgspec.field(default_factory=dict)

    def outcome(self, portfolio: Portfolio, snapshot: Snapshot) -> LevelOutcome:
        """Return what a portfolio must hold: the sum over its markets.

        Raises
        ------
        MissingInputError
            If the market lacks a mark, or accrued funding that counts; or if an entry price of a
            market in isolated margin is missing.
        NotValuedError
            If a contract has no terms or is not linear, or collateral is in another asset.
        """
        held = holdings(portfolio)
        parts: list[Part] = []
        levels: dict[str, Levels] = {}
        for one in held:
            symbol = one.contract.symbol
            if symbol in self.isolated:
                parts += self._isolated(one, portfolio, snapshot)
                continue
            level = levels[symbol] = self.levels(one, snapshot)
            parts.append(
                Part(
                    name="position and orders", subject=symbol, initial=level.initial,
                    maintenance=level.maintenance,
                )
            )  # fmt: skip
        return LevelOutcome(
            currency=self.currency,
            initial=sum((part.initial for part in parts), 0.0),
            maintenance=sum((part.maintenance for part in parts), 0.0),
            equity=cash_of(portfolio, self.currency) + sum(one.unrealised for one in held),
            parts=tuple(parts),
            levels=levels,
        )

    def levels(self, holding: Holding, snapshot: Snapshot) -> Levels:
        """Return the levels of one market in cross margin."""
        scaling = self._market(holding).scaling
        units = self._maintenance(holding, snapshot)
        factors = (scaling.search, scaling.initial, scaling.release)
        search, initial, release = (math.floor(units * _exact(factor)) for factor in factors)
        unit = _exact(self.unit)
        return Levels(
            maintenance=float(units * unit),
            search=float(search * unit),
            initial=float(initial * unit),
            release=float(release * unit),
        )

    def _maintenance(self, holding: Holding, snapshot: Snapshot) -> int:
        """Return maintenance margin in smallest units, rounded up."""
        market, symbol = self._market(holding), holding.contract.symbol
        mark = _exact(known(snapshot.mark, symbol, "mark"))
        quantity = _exact(holding.quantity)
        bought, sold = _exact(holding.bought), _exact(holding.sold)
        slippage = _exact(market.slippage)
        long = max(quantity, Fraction(0)) * slippage
        long += max(bought, Fraction(0)) * _exact(market.long_factor)
        short = max(-quantity, Fraction(0)) * slippage
        short += max(-sold, Fraction(0)) * _exact(market.short_factor)
        total = mark * max(long, short)
        if market.funding_factor:
            accrued = _exact(known(snapshot.funding, symbol, "accrued funding", is_signed=True))
            total += _exact(market.funding_factor) * max(quantity * accrued, Fraction(0))
        return math.ceil(total / _exact(self.unit))

    def _isolated(
        self, holding: Holding, portfolio: Portfolio, snapshot: Snapshot
    ) -> tuple[Part, Part]:
        """Return the parts of a market in isolated margin: what is open, and what orders open."""
        symbol = holding.contract.symbol
        alone = Holding(
            contract=holding.contract, quantity=holding.quantity, unrealised=0.0, orders=()
        )
        unit = _exact(self.unit)
        maintenance = self._maintenance(alone, snapshot)
        factor = _exact(self.isolated[symbol])
        entered = _entry(portfolio, symbol) * factor
        # What was put in at the entry price may be less than maintenance by now.
        initial = max(math.ceil(entered / unit), maintenance)
        ordered = max(order_margin(holding, side) for side in (1, -1)) * factor
        rounded = float(math.ceil(ordered / unit) * unit)
        return (
            Part(
                name="position", subject=symbol, initial=float(initial * unit),
                maintenance=float(maintenance * unit),
            ),
            Part(name="orders", subject=symbol, initial=rounded, maintenance=0.0),
        )  # fmt: skip

    def _market(self, holding: Holding) -> Market:
        contract = holding.contract
        require_linear(contract, self.currency)
        market = self.markets.get(contract.symbol, self.default)
        if market is None:
            raise NotValuedError(
                f"{contract.symbol}: no risk factors for it; allowed: {sorted(self.markets)}"
            )
        return market


def order_margin(holding: Holding, side: int) -> Fraction:
    """Return the value at their limits of orders of one side that open something.

    The opposite position is set off against the orders with the best price, which fill first.
    """
    orders: list[Order] = [o for o in holding.orders if o.quantity * side > 0]
    orders.sort(key=lambda order: -side * order.price)
    closing = max(-_exact(holding.quantity) * side, Fraction(0))
    total = Fraction(0)
    for order in orders:
        size = abs(_exact(order.quantity))
        closed = min(size, closing)
        closing -= closed
        total += (size - closed) * _exact(order.price)
    return total


def _entry(portfolio: Portfolio, symbol: str) -> Fraction:
    """Return the value at entry of what is open in a market."""
    total = Fraction(0)
    for position in portfolio.positions:
        if position.contract.symbol == symbol:
            if position.entry_price is None:
                raise MissingInputError(
                    f"{symbol}: a position without an entry price; needed: one in isolated margin"
                )
            total += _exact(position.quantity) * _exact(position.entry_price)
    return abs(total)


def _exact(value: float) -> Fraction:
    """Return the decimal that a float was stated as; its binary value would round the wrong way."""
    return Fraction(Decimal(repr(float(value))))
