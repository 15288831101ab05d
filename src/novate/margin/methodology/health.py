"""Health: what an account is worth with assets weighted down and liabilities weighted up.

Mango v4 and Drift v2 let a single number decide: health is the sum over tokens of
``amount * price * weight``, with the asset weight where the amount is positive and the liability
weight where it is negative, once with initial and once with maintenance weights.  Perpetuals bring
their weighted profit less a share of their notional into the token that they settle in, in the
worse of all bids and all asks filling at the oracle price.

A requirement follows as ``equity - health``: equity is the value without weights, so that equity is
below the requirement where health is below 0.  Every part is what one weight takes away.

Sources: blockworks-foundation/mango-v4, programs/mango-v4/src/health; drift-labs/protocol-v2,
programs/drift/src/math/margin.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from msgspec import field

from novate.margin.methodology.health_weight import PerpetualTerms, TokenTerms
from novate.margin.methodology.lookup import Holding, holdings, known
from novate.margin.methodology.outcome import NotValuedError, Outcome, Part
from novate.margin.methodology.parameters import Table
from novate.margin.methodology.portfolio import Portfolio, Snapshot

Kind = Literal["initial", "maintenance"]


@dataclass(frozen=True, slots=True)
class Charge:
    """What a weight takes away, currency of the requirement."""

    name: str
    subject: str
    amount: float


class Health(Table, frozen=True, kw_only=True):
    """Weights of tokens and perpetuals.

    Attributes
    ----------
    currency
        Token whose price is the unit of all others'.
    tokens
        By asset.
    perpetuals
        By symbol.
    default_perpetual
        Of all others; without it they are refused.
    spot_orders
        ``reserved`` where an order locks what it would pay, which then counts as the worse of
        landing in either token, marginal to everything else that may land there (Mango);
        ``margined`` where nothing is locked and the worse of all bids and all asks of a market
        filling at the oracle price counts (Drift).
    profit_weight_on
        What the weight of a gain is applied to: ``net``, the gain less its margin (Mango), or
        ``profit``, before it (Drift).
    order_charge
        For each open order, initial margin alone; currency.
    """

    currency: str
    tokens: dict[str, TokenTerms]
    perpetuals: dict[str, PerpetualTerms] = field(default_factory=dict)
    default_perpetual: PerpetualTerms | None = None
    spot_orders: Literal["reserved", "margined"]
    profit_weight_on: Literal["net", "profit"]
    order_charge: float = 0.0

    def __post_init__(self) -> None:
        """Check that the rules go together.

        Raises
        ------
        ValueError
            If reserved funds meet weights that go with size, for which no venue has a rule, or the
            currency has no weights.
        """
        sized = [asset for asset, terms in self.tokens.items() if terms.size_factor]
        if self.spot_orders == "reserved" and sized:
            raise ValueError(
                f"size factors of {sorted(sized)}; allowed: 0 where funds are reserved"
            )
        if self.currency not in self.tokens:
            raise ValueError(f"{self.currency}: not among {sorted(self.tokens)}; needed: weights")

    def outcome(self, portfolio: Portfolio, snapshot: Snapshot) -> Outcome:
        """Return what a portfolio must hold, which is its equity less its health.

        Raises
        ------
        MissingInputError
            If the market lacks a mark, an index, or deposits that scale a weight.
        NotValuedError
            If a token or a contract has no weights, or is an option or a future.
        """
        held = holdings(portfolio)
        amounts = self._amounts(portfolio, held)
        prices = {asset: self._price(asset, snapshot) for asset in amounts}
        equity = sum(amount * prices[asset] for asset, amount in amounts.items())
        equity += sum(one.unrealised * prices[one.contract.settlement] for one in held)
        book = _Book(portfolio=portfolio, held=held, amounts=amounts, prices=prices)
        initial = self._charges("initial", book, snapshot)
        maintenance = self._charges("maintenance", book, snapshot)
        parts = tuple(
            Part(name=one.name, subject=one.subject, initial=one.amount, maintenance=other.amount)
            for one, other in zip(initial, maintenance, strict=True)
        )
        return Outcome(
            currency=self.currency,
            initial=sum((part.initial for part in parts), 0.0),
            maintenance=sum((part.maintenance for part in parts), 0.0),
            equity=equity,
            parts=parts,
        )

    def _amounts(self, portfolio: Portfolio, held: tuple[Holding, ...]) -> dict[str, float]:
        """Return what is held of each token, those of contracts and orders included."""
        amounts: dict[str, float] = defaultdict(float)
        amounts[self.currency] += portfolio.cash
        for one in portfolio.collateral:
            amounts[one.asset] += one.quantity
        for holding in held:
            contract = holding.contract
            amounts[contract.settlement] += 0.0
            if contract.kind == "spot":
                amounts[contract.underlying] += 0.0
            elif contract.kind != "perpetual" or contract.is_inverse:
                raise NotValuedError(
                    f"{contract.symbol}: {contract.kind} paid in {contract.settlement}; allowed: "
                    "perpetuals that are not paid in their underlying"
                )
        for asset in amounts:
            if asset not in self.tokens:
                raise NotValuedError(f"{asset}: no weights for it; allowed: {sorted(self.tokens)}")
        return dict(sorted(amounts.items()))

    def _price(self, asset: str, snapshot: Snapshot) -> float:
        if asset == self.currency:
            return snapshot.index.get(asset, 1.0)
        return known(snapshot.index, asset, "index")

    def _charges(self, kind: Kind, book: _Book, snapshot: Snapshot) -> list[Charge]:
        """Return what weights take away, in the same order for both kinds."""
        amounts = dict(book.amounts)
        charges = []
        for holding in book.held:
            contract = holding.contract
            if contract.kind == "perpetual":
                health = self._perpetual(kind, holding, snapshot)
                amounts[contract.settlement] += health
                lost = holding.unrealised - health
                price = book.prices[contract.settlement]
                charges.append(Charge("perpetual", contract.symbol, lost * price))
        spot = [one for one in book.held if one.contract.kind == "spot"]
        if self.spot_orders == "reserved":
            charges += self._reserved(kind, spot, amounts, book.prices, snapshot)
        else:
            self._fill(kind, spot, amounts, book.prices, snapshot)
        for asset, amount in amounts.items():
            value = amount * book.prices[asset]
            weight = self._weight(kind, asset, amount, book.prices[asset], snapshot)
            charges.append(Charge("token", asset, value - value * weight))
        orders = len(book.portfolio.orders) if kind == "initial" else 0
        return [*charges, Charge("open orders", "", orders * self.order_charge)]

    def _weight(
        self, kind: Kind, asset: str, amount: float, price: float, snapshot: Snapshot
    ) -> float:
        """Return the weight of an amount of a token."""
        terms = self.tokens[asset]
        weight = terms.weight(kind, amount)
        if kind == "initial" and amount > 0 and terms.deposit_scale_start is not None:
            total = known(snapshot.deposits, asset, "total of deposits") * price
            if total > terms.deposit_scale_start:
                weight = min(weight, terms.initial_asset * terms.deposit_scale_start / total)
        return weight

    def _perpetual(self, kind: Kind, holding: Holding, snapshot: Snapshot) -> float:
        """Return the health of a perpetual in the token that it settles in."""
        symbol = holding.contract.symbol
        terms = self.perpetuals.get(symbol, self.default_perpetual)
        if terms is None:
            raise NotValuedError(f"{symbol}: no weights for it; allowed: {sorted(self.perpetuals)}")
        mark = known(snapshot.mark, symbol, "mark")
        margin = max(
            abs(units) * mark * terms.rate(kind, units) for units in (holding.bought, holding.sold)
        )
        profit = holding.unrealised
        if self.profit_weight_on == "net":
            net = profit - margin
            return net * terms.profit_weight(kind, net) if net > 0 else net
        if profit > 0:
            profit *= terms.profit_weight(kind, profit)
        return profit - margin

    def _reserved(
        self,
        kind: Kind,
        spot: list[Holding],
        amounts: dict[str, float],
        prices: Mapping[str, float],
        snapshot: Snapshot,
    ) -> list[Charge]:
        """Take reserved funds out of amounts, and return what their worse landing takes away."""
        landing: dict[str, float] = defaultdict(float)
        markets = []
        for one in spot:
            base, quote = one.contract.underlying, one.contract.settlement
            paid = sum(o.quantity * o.price for o in one.orders if o.quantity > 0)
            amounts[quote] -= paid
            amounts[base] -= one.asks
            value = paid * prices[quote] + one.asks * prices[base]
            markets.append((one.contract.symbol, base, quote, value))
            for asset in (base, quote):
                landing[asset] += value / prices[asset]
        charges = []
        for symbol, base, quote, value in markets:
            worth = []
            for asset in (base, quote):
                units = value / prices[asset]
                most = amounts[asset] + landing[asset]
                above = min(max(most, 0.0), units)
                asset_part = above * self._weight(kind, asset, 1.0, prices[asset], snapshot)
                debt_part = (units - above) * self.tokens[asset].weight(kind, -1.0)
                worth.append((asset_part + debt_part) * prices[asset])
            charges.append(Charge("reserved by orders", symbol, value - min(worth)))
        return charges

    def _fill(
        self,
        kind: Kind,
        spot: list[Holding],
        amounts: dict[str, float],
        prices: Mapping[str, float],
        snapshot: Snapshot,
    ) -> None:
        """Let the worse of all bids and all asks of each market fill at the oracle price."""
        for one in spot:
            base, quote = one.contract.underlying, one.contract.settlement
            price, before = prices[base], amounts[base]
            worth = {}
            for filled in (one.bids, -one.asks):
                units = before + filled
                weight = self._weight(kind, base, units, price, snapshot)
                worth[filled] = (units * weight - filled) * price
            filled = min(worth, key=worth.__getitem__)
            amounts[base] += filled
            amounts[quote] -= filled * price / prices[quote]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Book:
    """A portfolio with its tokens added up and priced."""

    portfolio: Portfolio
    held: tuple[Holding, ...]
    amounts: dict[str, float]
    prices: dict[str, float]
