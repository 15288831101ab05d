"""Margin of short options by formula, with perpetuals and futures by rates; nothing offsets.

The standard margin of Deribit (inverse options, in coin), Bybit and Derive.  A long option asks for
nothing, and what it is worth is not margin: equity holds cash, collateral and unsettled profit, but
no option values, and the requirement of a short option holds what it costs to buy back.  Where
``largest_loss`` is stated, the options of one expiry ask for the smaller of the sum of their
formulas and the most that they can lose together (Derive).  A contract that a book states twice is
margined twice, for each entry price is its own.  Sources stand in the presets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import field

from novate.margin.methodology.lookup import known
from novate.margin.methodology.option_rule import (
    LargestLoss,
    OptionTerms,
    unpaired_calls,
    worst_payoff,
)
from novate.margin.methodology.outcome import MissingInputError, NotValuedError, Outcome, Part
from novate.margin.methodology.parameters import CollateralTerms, Confidence, Peg, Table
from novate.margin.methodology.portfolio import Curve, Portfolio, Position, Snapshot

COIN = "coin"
"""As currency: each contract is paid in its own underlying."""


class LinearTerms(Table, frozen=True, kw_only=True):
    """Margin of perpetuals and futures: ``rate + slope * units`` of their value.

    Attributes
    ----------
    initial, maintenance
        Shares of value.
    initial_slope, maintenance_slope
        Shares of value for each unit of the underlying held.
    """

    initial: float
    maintenance: float
    initial_slope: float = 0.0
    maintenance_slope: float = 0.0


class OptionFormula(Table, frozen=True, kw_only=True):
    """Terms by underlying.

    Attributes
    ----------
    currency
        In which contracts are paid, or ``coin``, where each is paid in its own underlying and all
        amounts are in it.
    options, linear
        By underlying.
    largest_loss
        Cap of the options of one expiry; nothing where there is none.
    confidence, peg
        What unsure oracles and a stable currency off its peg add to initial margin, for each unit
        of perpetuals, futures and short options; unsure oracles also for collateral.
    collateral
        Haircuts by asset; the initial one comes on top of the maintenance one.
    """

    currency: str
    options: dict[str, OptionTerms] = field(default_factory=dict)
    linear: dict[str, LinearTerms] = field(default_factory=dict)
    largest_loss: LargestLoss | None = None
    confidence: Confidence | None = None
    peg: Peg | None = None
    collateral: dict[str, CollateralTerms] = field(default_factory=dict)

    def outcome(self, portfolio: Portfolio, snapshot: Snapshot) -> Outcome:
        """Return what a portfolio must hold: the sum over its positions.

        Raises
        ------
        MissingInputError
            If the market lacks a price or a forward, or a short option an entry price that counts.
        NotValuedError
            If there are orders, whose margin no formula here states, contracts on two underlyings
            where amounts are in coin, or a contract or an asset without terms.
        """
        if portfolio.orders:
            raise NotValuedError(
                f"{portfolio.orders[0].contract.symbol}: an open order; allowed: positions"
            )
        currency = self._currency(portfolio)
        parts: list[Part] = []
        for underlying in portfolio.underlyings():
            positions = portfolio.on(underlying)
            for position in positions:
                self._check(position)
            parts += self._options(underlying, [p for p in positions if p.contract.is_option],
                                   snapshot)  # fmt: skip
            parts += [self._linear(p, snapshot) for p in positions if not p.contract.is_option]
            parts += self._uncertain(underlying, positions, snapshot)
        haircuts, worth = self._collateral(portfolio, currency, snapshot)
        parts += haircuts
        unsettled = sum(p.unrealised for p in portfolio.positions if not p.contract.is_option)
        return Outcome(
            currency=currency,
            # A relief may leave less than nothing by the last bit.
            initial=max(sum(part.initial for part in parts), 0.0),
            maintenance=max(sum(part.maintenance for part in parts), 0.0),
            equity=portfolio.cash + unsettled + worth,
            parts=tuple(parts),
        )

    def _currency(self, portfolio: Portfolio) -> str:
        if self.currency != COIN:
            return self.currency
        found = portfolio.underlyings()
        if len(found) > 1:
            raise NotValuedError(
                f"contracts on {list(found)}; allowed: one underlying, in which all amounts are"
            )
        if found:
            return found[0]
        assets = {held.asset for held in portfolio.collateral}
        return assets.pop() if len(assets) == 1 else COIN

    def _check(self, position: Position) -> None:
        """Refuse what has no terms or is paid in another asset."""
        contract = position.contract
        terms: Mapping[str, object] = self.options if contract.is_option else self.linear
        paid = contract.underlying if self.currency == COIN else self.currency
        if contract.underlying not in terms or contract.settlement != paid:
            raise NotValuedError(
                f"{contract.symbol}: {contract.kind} on {contract.underlying} paid in "
                f"{contract.settlement}; allowed: on {sorted(terms)} paid in {paid}"
            )

    def _options(
        self, underlying: str, options: Sequence[Position], snapshot: Snapshot
    ) -> list[Part]:
        """Return one part for each short option, and a relief for each expiry that is capped."""
        parts = []
        for expiry in sorted({p.contract.expiry_ns or 0 for p in options}):
            held = [p for p in options if p.contract.expiry_ns == expiry]
            short = [self._short(p, snapshot) for p in held if p.quantity < 0]
            parts += short
            if self.largest_loss is not None and short:
                relief = self._relief(underlying, expiry, held, short, snapshot)
                if relief.initial or relief.maintenance:
                    parts.append(relief)
        return parts

    def _short(self, position: Position, snapshot: Snapshot) -> Part:
        """Return what one short option asks for by itself."""
        contract, size = position.contract, -position.quantity
        terms = self.options[contract.underlying]
        mark = known(snapshot.mark, contract.symbol, "mark")
        if terms.entry_counts and position.entry_price is None:
            raise MissingInputError(
                f"{contract.symbol}: no entry price; needed: one of each short option"
            )
        entry = position.entry_price or 0.0
        if terms.reference == "forward":
            reference = _curve(contract.underlying, contract.expiry_ns or 0, snapshot).forward
        else:
            reference = known(snapshot.index, contract.underlying, "index")
        # In coin, prices of options are in it already, and the index is one coin.
        scale = reference if self.currency == COIN else 1.0
        initial, maintenance = terms.short(
            is_call=bool(contract.is_call), reference=reference / scale,
            strike=(contract.strike or 0.0) / scale, mark=mark, entry=entry,
        )  # fmt: skip
        return Part(
            name="short option", subject=contract.symbol, initial=size * initial,
            maintenance=size * maintenance,
        )  # fmt: skip

    def _relief(
        self, underlying: str, expiry: int, held: Sequence[Position], short: Sequence[Part],
        snapshot: Snapshot,
    ) -> Part:  # fmt: skip
        """Return how much more the formulas ask for than the expiry can lose; not positive."""
        terms = self.largest_loss
        loss, unpaired = -worst_payoff(held), unpaired_calls(held)
        initial = maintenance = loss
        if terms is not None and unpaired:
            value = unpaired * _curve(underlying, expiry, snapshot).forward
            initial += terms.unpaired_initial * value
            maintenance += terms.unpaired_maintenance * value
        return Part(
            name="largest loss", subject=f"{underlying} {expiry}",
            initial=min(initial - sum(part.initial for part in short), 0.0),
            maintenance=min(maintenance - sum(part.maintenance for part in short), 0.0),
        )  # fmt: skip

    def _linear(self, position: Position, snapshot: Snapshot) -> Part:
        """Return what a perpetual or a future asks for."""
        contract, size = position.contract, abs(position.quantity)
        terms = self.linear[contract.underlying]
        mark = 1.0 if self.currency == COIN else known(snapshot.mark, contract.symbol, "mark")
        return Part(
            name=contract.kind,
            subject=contract.symbol,
            initial=size * mark * (terms.initial + terms.initial_slope * size),
            maintenance=size * mark * (terms.maintenance + terms.maintenance_slope * size),
        )

    def _uncertain(
        self, underlying: str, positions: Sequence[Position], snapshot: Snapshot
    ) -> list[Part]:
        """Return what unsure oracles and a broken peg add to initial margin."""
        units = unsure = 0.0
        spot = snapshot.confidence.get(underlying, 1.0)
        for position in positions:
            contract, size = position.contract, abs(position.quantity)
            own = snapshot.confidence.get(contract.symbol, 1.0)
            if contract.is_option:
                if position.quantity > 0:
                    continue
                curve = snapshot.curve.get((underlying, contract.expiry_ns or 0))
                own = min(own, curve.confidence if curve else 1.0)
            units += size
            unsure += size * self._doubt(min(own, spot))
        off = max(self.peg.threshold - snapshot.stable_price, 0.0) if self.peg else 0.0
        parts = []
        for name, amount in (
            ("oracle confidence", unsure),
            ("peg", units * off * (self.peg.factor if self.peg else 0.0)),
        ):
            if amount:
                index = known(snapshot.index, underlying, "index")
                parts.append(
                    Part(name=name, subject=underlying, initial=amount * index, maintenance=0.0)
                )
        return parts

    def _doubt(self, confidence: float) -> float:
        terms = self.confidence
        if terms is None or confidence >= terms.threshold:
            return 0.0
        return (1.0 - confidence) * terms.share

    def _collateral(
        self, portfolio: Portfolio, currency: str, snapshot: Snapshot
    ) -> tuple[list[Part], float]:
        """Return haircuts of collateral and what it is worth before them.

        An asset is worth more in a stable currency below 1, but counts as margin by its price.
        """
        parts, worth = [], 0.0
        for held in portfolio.collateral:
            if held.asset == currency:
                worth += held.quantity
                continue
            terms = self.collateral.get(held.asset)
            if terms is None or held.quantity < 0:
                raise NotValuedError(
                    f"{held.asset}: {held.quantity} of it as collateral; allowed: 0 and above of "
                    f"{sorted(self.collateral)}, and {currency}"
                )
            value = held.quantity * known(snapshot.index, held.asset, "index")
            stated = value / snapshot.stable_price
            counts = value * (1.0 - terms.maintenance_haircut)
            doubt = self._doubt(snapshot.confidence.get(held.asset, 1.0))
            parts.append(
                Part(
                    name="collateral haircut", subject=held.asset,
                    initial=stated - counts + value * (terms.initial_haircut + doubt),
                    maintenance=stated - counts,
                )
            )  # fmt: skip
            worth += stated
        return parts, worth


def _curve(underlying: str, expiry: int, snapshot: Snapshot) -> Curve:
    found = snapshot.curve.get((underlying, expiry))
    if found is None:
        raise MissingInputError(
            f"{underlying}: the market has no forward of instant {expiry}; needed: one for each "
            "expiry that is short"
        )
    return found
