"""Portfolio margin of OKX: per risk unit the worst of stresses, charges on top, and a floor.

A risk unit holds every contract on one underlying.  Its maintenance margin is ``max(max(MR1, MR2,
MR6) + MR3 + MR4 + MR5, MR7) + MR9``, its initial margin a multiple of that; what borrowing asks
for (MR8) is added once.  Source: OKX, API guide, position builder (reply of January 2025); OKX,
"OKX will further adjust portfolio margin parameters", 2 January 2025.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from novate.margin.methodology.option_book import YEAR_NS, OptionBook, option_book
from novate.margin.methodology.outcome import (
    MissingInputError,
    NotValuedError,
    Outcome,
    Part,
    ScenarioResult,
)
from novate.margin.methodology.parameters import Shock, Table
from novate.margin.methodology.portfolio import Portfolio, Position, Snapshot
from novate.margin.methodology.risk_unit_terms import (
    OptionStress,
    PegBand,
    PegRisk,
    Slice,
    UnitTerms,
)
from novate.margin.methodology.shock import shocked

MANY_NOTE = (
    "several contracts on one underlying: MR4 by expiry and MR7 on gross delta are not confirmed"
)
OPTIONS_NOTE = (
    "options: stresses of volatility and MR2 are not confirmed, MR3 and MR5 are as stated"
)
INVERSE_NOTE = "contracts paid in coin: valued in quote currency at the moved price, not confirmed"


class RiskUnit(Table, frozen=True, kw_only=True):
    """The parameters.

    Attributes
    ----------
    units
        Terms by underlying.
    initial_factor
        Initial over maintenance margin of a unit.
    peg
        MR9; without it a unit that hedges across settlement currencies is refused.
    options
        Without it options are refused.
    borrow_initial, borrow_maintenance
        What borrowing asks for (MR8), as the venue states it; quote currency.
    """

    currency: str
    units: tuple[UnitTerms, ...]
    initial_factor: float
    peg: PegRisk | None = None
    options: OptionStress | None = None
    borrow_initial: float = 0.0
    borrow_maintenance: float = 0.0

    def outcome(self, portfolio: Portfolio, snapshot: Snapshot) -> Outcome:
        """Return what a portfolio must hold.

        A perpetual or future earns its quantity times the index times the move; its cash delta,
        which MR4, MR7 and MR9 charge, is its quantity times its mark, at the price of what it is
        paid in.

        Raises
        ------
        MissingInputError
            If the market lacks an index, a mark, the price of a settlement currency, a forward or a
            volatility, a contract has expired, or the parameters lack what the venue states for an
            option book.
        NotValuedError
            If an underlying is not in the parameters, there is collateral or an order, or there
            are options or a hedge across currencies and no parameters for them.
        """
        if portfolio.collateral or portfolio.orders:
            raise NotValuedError(
                f"{len(portfolio.collateral)} assets and {len(portfolio.orders)} orders: not "
                "valued; allowed: positions and cash"
            )
        parts: list[Part] = []
        results: list[ScenarioResult] = []
        notes: dict[str, None] = {}
        binding, value = {}, 0.0
        for underlying in portfolio.underlyings():
            unit = self._unit(underlying, portfolio.on(underlying), snapshot)
            charges = self._charges(unit, snapshot)
            binding[underlying] = self._bind(underlying, charges, parts)
            results += unit.results
            value += unit.value
            notes |= dict.fromkeys(unit.notes)
        if self.borrow_initial or self.borrow_maintenance:
            parts.append(
                Part(
                    name="MR8 borrowing", subject="", initial=self.borrow_initial,
                    maintenance=self.borrow_maintenance,
                )
            )  # fmt: skip
        return Outcome(
            currency=self.currency,
            initial=sum(part.initial for part in parts),
            maintenance=sum(part.maintenance for part in parts),
            equity=portfolio.cash + value + sum(p.unrealised for p in portfolio.positions),
            parts=tuple(parts),
            scenarios=tuple(results),
            binding=binding,
            notes=tuple(notes),
        )

    def _bind(self, underlying: str, charges: dict[str, float], parts: list[Part]) -> str:
        """Append the parts of a unit and return the name of the greatest of what competes."""
        stress = max(("MR1", "MR6", "MR2"), key=lambda name: charges[name])
        risk = {name: charges[name] for name in (stress, "MR3", "MR4", "MR5")}
        beyond = max(charges["MR7"] - sum(risk.values()), 0.0)
        counted = {**risk, "MR7 beyond the risk": beyond, "MR9": charges["MR9"]}
        parts += [
            Part(
                name=name, subject=underlying, initial=amount * self.initial_factor,
                maintenance=amount,
            )
            for name, amount in counted.items()
            if amount or name == stress
        ]  # fmt: skip
        return "MR7" if beyond else stress

    def _unit(self, underlying: str, positions: tuple[Position, ...], snapshot: Snapshot) -> Unit:
        """Revalue the contracts on one underlying."""
        terms = self._terms(underlying)
        book = option_book(positions, snapshot)
        if len(book) and self.options is None:
            raise NotValuedError(
                f"{underlying}: {len(book)} options, and the parameters do not cover them; "
                "allowed: perpetuals and futures"
            )
        worth, deltas = 0.0, []
        for p in (p for p in positions if not p.contract.is_option):
            if p.contract.expiry_ns is not None and p.contract.expiry_ns <= snapshot.instant_ns:
                raise MissingInputError(
                    f"{p.contract.symbol}: expired at {p.contract.expiry_ns}, the market is of "
                    f"{snapshot.instant_ns}; allowed: contracts that are alive"
                )
            mark = _known(snapshot.mark, p.contract.symbol, "mark")
            worth += p.quantity * _known(snapshot.index, underlying, "index")
            price = self._price(p, snapshot)
            deltas.append((p.contract.settlement, p.contract.expiry_ns, p.quantity * mark * price))
        deltas += self._option_deltas(positions, book, snapshot)
        flags = (
            (MANY_NOTE, len(positions) > 1),
            (OPTIONS_NOTE, len(book) > 0),
            (INVERSE_NOTE, any(p.contract.is_inverse for p in positions)),
        )
        value = float((book.quantity * book.prices()).sum())
        return Unit(
            underlying=underlying, terms=terms, book=book, value=value, deltas=tuple(deltas),
            results=tuple(self._moved(underlying, terms, book, worth, value)),
            notes=tuple(text for text, applies in flags if applies),
        )  # fmt: skip

    def _terms(self, underlying: str) -> UnitTerms:
        for terms in self.units:
            if underlying in terms.underlyings:
                return terms
        known = sorted(name for terms in self.units for name in terms.underlyings)
        raise NotValuedError(
            f"{underlying}: not an underlying of these parameters; allowed: {known}"
        )

    def _price(self, position: Position, snapshot: Snapshot) -> float:
        """Return what a unit of quote currency that a contract pays is worth."""
        contract = position.contract
        if contract.settlement == self.currency or contract.is_inverse:
            return 1.0
        return _known(snapshot.index, contract.settlement, "index")

    def _option_deltas(
        self, positions: tuple[Position, ...], book: OptionBook, snapshot: Snapshot
    ) -> list[tuple[str, int | None, float]]:
        """Return cash deltas of options by settlement currency and expiry."""
        found: list[tuple[str, int | None, float]] = []
        held = [p for p in positions if p.contract.is_option]
        held.sort(key=lambda p: p.contract.expiry_ns or 0)
        if held:
            deltas = book.quantity * book.deltas() * book.forward[book.expiry]
            for position, delta in zip(held, deltas.tolist(), strict=True):
                contract = position.contract
                price = self._price(position, snapshot)
                found.append((contract.settlement, contract.expiry_ns, delta * price))
        return found

    def _moved(
        self, underlying: str, terms: UnitTerms, book: OptionBook, worth: float, value: float
    ) -> list[ScenarioResult]:
        """Return the scenarios of MR1, then the two of MR6."""
        shocks: tuple[Shock, ...] = ("up", "same", "down") if len(book) else ("same",)

        def result(name: str, move: float, shock: Shock, weight: float) -> ScenarioResult:
            profit = worth * move
            if len(book) and self.options is not None:
                vol = shocked(shock, book.volatility, book.option_years, self.options.volatility)
                profit += float((book.quantity * book.prices(move, vol)).sum()) - value
            return ScenarioResult(
                subject=underlying, label=f"{name} {move:+.1%}, volatility {shock}", move=move,
                volatility=shock, weight=weight, profit=profit * weight,
            )  # fmt: skip

        sides = sorted({side * move for move in terms.moves for side in (1.0, -1.0)}, reverse=True)
        found = [result("MR1", move, shock, 1.0) for move in sides for shock in shocks]
        extremes = (terms.extreme_move, -terms.extreme_move)
        return found + [result("MR6", x, "same", terms.extreme_share) for x in extremes]

    def _charges(self, unit: Unit, snapshot: Snapshot) -> dict[str, float]:
        """Return MR1 to MR7 and MR9 of a unit; none is below 0."""
        worst = {
            name: max(-min(one.profit for one in unit.results if one.label.startswith(name)), 0.0)
            for name in ("MR1", "MR6")
        }
        raw = unit.terms.minimum_rate * sum(abs(delta) for _, _, delta in unit.deltas)
        stated = {"MR2": 0.0, "MR3": 0.0, "MR5": 0.0}
        if len(unit.book) and self.options is not None:
            stress, name = self.options, unit.underlying
            stated = {
                "MR2": max(unit.value - _later(unit.book, stress.decay_hours), 0.0),
                "MR3": _known(stress.term_structure, name, "stated MR3"),
                "MR5": _known(stress.interest_rate, name, "stated MR5"),
            }
        return {
            **worst,
            **stated,
            "MR4": self._basis(unit, snapshot),
            "MR7": sliced(raw, unit.terms.minimum_slices),
            "MR9": self._peg(unit, snapshot),
        }

    def _basis(self, unit: Unit, snapshot: Snapshot) -> float:
        """Return what expiries that move apart cost; they do not offset one another."""
        net: dict[int | None, float] = {}
        for _, expiry, delta in unit.deltas:
            net[expiry] = net.get(expiry, 0.0) + delta
        total = 0.0
        for expiry, delta in net.items():
            years = 0.0 if expiry is None else (expiry - snapshot.instant_ns) / YEAR_NS
            move = float(np.expm1(unit.terms.basis_annualised * years))
            total += abs(delta) * max(unit.terms.basis_rate, move)
        return total

    def _peg(self, unit: Unit, snapshot: Snapshot) -> float:
        """Return the charge on hedges between contracts that are paid in different currencies."""
        net: dict[str, float] = {}
        for settlement, _, delta in unit.deltas:
            paid = self.currency if settlement == unit.underlying else settlement
            net[paid] = net.get(paid, 0.0) + delta
        if min(net.values(), default=0.0) >= 0 or max(net.values()) <= 0:
            return 0.0
        if self.peg is None:
            raise NotValuedError(
                f"{unit.underlying}: contracts paid in {sorted(net)} hedge one another, and the "
                "parameters have no table for it; allowed: one currency, or net deltas of one sign"
            )
        total = 0.0
        for first, second in self.peg.pairs:
            one, other = net.get(first, 0.0), net.get(second, 0.0)
            if one * other < 0:
                size = min(abs(one), abs(other))
                net[first] = one - np.copysign(size, one)
                net[second] = other - np.copysign(size, other)
                total += sliced(size, self._band(self.peg, first, second, snapshot).slices)
        return total

    def _band(self, peg: PegRisk, first: str, second: str, snapshot: Snapshot) -> PegBand:
        prices = [
            1.0 if name == self.currency else _known(snapshot.index, name, "index")
            for name in (first, second)
        ]
        price = prices[0] / prices[1]
        reached = [band for band in peg.bands if price >= band.price_min]
        if not reached:
            raise NotValuedError(
                f"{first} at {price} {second}: below every band; allowed: at least "
                f"{min(band.price_min for band in peg.bands)}"
            )
        return max(reached, key=lambda band: band.price_min)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """The contracts on one underlying, revalued.

    Attributes
    ----------
    value
        Of options.
    deltas
        Settlement currency, expiry and cash delta of each position; quote currency.
    """

    underlying: str
    terms: UnitTerms
    book: OptionBook
    value: float
    deltas: tuple[tuple[str, int | None, float], ...]
    results: tuple[ScenarioResult, ...]
    notes: tuple[str, ...]


def sliced(amount: float, slices: tuple[Slice, ...]) -> float:
    """Return an amount with each slice of it times its factor.

    Raises
    ------
    NotValuedError
        If it is beyond the last slice.
    """
    total = below = 0.0
    for one in slices:
        total += max(min(amount, one.up_to) - below, 0.0) * one.factor
        below = one.up_to
    if amount > below:
        raise NotValuedError(f"{amount}: beyond the last slice; allowed: up to {below}")
    return total


def _later(book: OptionBook, hours: float) -> float:
    """Return what options are worth after some hours, not beyond their expiry."""
    years = np.maximum(book.years - hours / (24.0 * 365.0), 0.0)
    moved = OptionBook(
        quantity=book.quantity, strike=book.strike, volatility=book.volatility, right=book.right,
        expiry=book.expiry, expiries=book.expiries, years=years, forward=book.forward,
        rate=book.rate, discount=book.discount, confidence=book.confidence,
    )  # fmt: skip
    return float((moved.quantity * moved.prices()).sum())


def _known(found: dict[str, float], name: str, what: str) -> float:
    if name not in found:
        raise MissingInputError(f"{name}: no {what} of it; needed: one")
    return found[name]
