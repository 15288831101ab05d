"""Notional tiers: each position margined by its size, with deductions that avoid jumps.

Maintenance margin of a notional is ``notional * rate - deduction`` of the tier that it is in; the
deductions make it continuous, which is the same as charging each slice its own rate.  Initial
margin is ``notional / leverage`` of that tier, for the whole position, as venues cap leverage by
the size of a position; ``is_initial_marginal`` makes it continuous too.  Sources stand in the
presets.
"""

from __future__ import annotations

from itertools import pairwise

from msgspec import field

from novate.margin.methodology.lookup import (
    Holding,
    cash_of,
    holdings,
    known,
    require_linear,
)
from novate.margin.methodology.outcome import NotValuedError, Outcome, Part
from novate.margin.methodology.parameters import Table
from novate.margin.methodology.portfolio import Portfolio, Snapshot

ORDERS_NOTE = (
    "initial margin counts the larger of position with bids and position with asks, orders at the "
    "higher of mark and limit"
)


class Tier(Table, frozen=True, kw_only=True):
    """One tier of a table.

    Attributes
    ----------
    floor
        Notional from which it holds, currency of the requirement.
    max_leverage
        Notional over initial margin.
    maintenance_rate
        Maintenance margin of a further unit of notional.
    deduction
        As the venue prints it; checked against the tiers below.  Nothing where it prints none.
    """

    floor: float
    max_leverage: float
    maintenance_rate: float
    deduction: float | None = None


class TierTable(Table, frozen=True, kw_only=True):
    """The tiers of one instrument.

    Attributes
    ----------
    rows
        In order of floor, the first from 0.
    cap
        Largest notional that the venue allows; nothing where it has none.
    """

    rows: tuple[Tier, ...]
    cap: float | None = None

    def __post_init__(self) -> None:
        """Check the table.

        Raises
        ------
        ValueError
            If tiers are missing or out of order, rates fall, or a deduction is not continuous.
        """
        floors = [row.floor for row in self.rows]
        if not floors or floors[0] != 0 or any(b <= a for a, b in pairwise(floors)):
            raise ValueError(f"floors {floors}; allowed: ascending from 0")
        if min(row.max_leverage for row in self.rows) <= 0:
            raise ValueError("max_leverage not above 0; allowed: notional over initial margin")
        rates = [row.maintenance_rate for row in self.rows]
        leverages = [row.max_leverage for row in self.rows]
        if min(rates) < 0 or rates != sorted(rates) or leverages != sorted(leverages, reverse=True):
            raise ValueError(
                f"maintenance rates {rates} with leverages {leverages}; allowed: rates that do not "
                "fall, leverages that do not rise"
            )
        for row, deduction in zip(self.rows, self._deductions(rates), strict=True):
            stated = row.deduction
            if stated is not None and abs(stated - deduction) > 1e-9 * max(deduction, 1.0):
                raise ValueError(
                    f"deduction {stated} from {row.floor}; allowed: {deduction}, without a jump"
                )

    def _deductions(self, rates: list[float]) -> list[float]:
        """Return what each tier takes off, so that there is no jump at its floor."""
        found = [0.0]
        for (row, rate), below in zip(
            list(zip(self.rows, rates, strict=True))[1:], rates, strict=False
        ):
            found.append(found[-1] + row.floor * (rate - below))
        return found

    def _place(self, notional: float) -> int:
        return max(i for i, row in enumerate(self.rows) if row.floor <= notional)

    def maintenance(self, notional: float) -> float:
        """Return maintenance margin of a notional, not negative."""
        rates = [row.maintenance_rate for row in self.rows]
        place = self._place(notional)
        return notional * rates[place] - self._deductions(rates)[place]

    def initial(self, notional: float, *, is_marginal: bool) -> float:
        """Return initial margin of a notional, by slices or at the leverage of its tier."""
        rates = [1.0 / row.max_leverage for row in self.rows]
        place = self._place(notional)
        deduction = self._deductions(rates)[place] if is_marginal else 0.0
        return notional * rates[place] - deduction


class Tiers(Table, frozen=True, kw_only=True):
    """Tables of tiers by instrument.

    Attributes
    ----------
    currency
        In which contracts are paid and all notionals are.
    instruments
        By symbol, or by underlying where no symbol fits.
    default
        Of all others; without it they are refused.
    is_initial_marginal
        Whether initial margin too goes by slices.
    """

    currency: str
    instruments: dict[str, TierTable] = field(default_factory=dict)
    default: TierTable | None = None
    is_initial_marginal: bool = False

    def outcome(self, portfolio: Portfolio, snapshot: Snapshot) -> Outcome:
        """Return what a portfolio must hold: the sum over its positions, netted by contract.

        Raises
        ------
        MissingInputError
            If the market lacks a mark.
        NotValuedError
            If a contract has no tiers, is not linear, or is larger than its table; or if there is
            collateral in another asset than the currency.
        """
        held = holdings(portfolio)
        parts = tuple(self.part(one, snapshot) for one in held)
        return Outcome(
            currency=self.currency,
            initial=sum((part.initial for part in parts), 0.0),
            maintenance=sum((part.maintenance for part in parts), 0.0),
            equity=cash_of(portfolio, self.currency) + sum(one.unrealised for one in held),
            parts=parts,
            notes=(ORDERS_NOTE,) if portfolio.orders else (),
        )

    def table(self, holding: Holding) -> TierTable:
        """Return the tiers of a contract.

        Raises
        ------
        NotValuedError
            If it has none or is not linear.
        """
        contract = holding.contract
        require_linear(contract, self.currency)
        table = (
            self.instruments.get(contract.symbol)
            or self.instruments.get(contract.underlying)
            or self.default
        )
        if table is None:
            raise NotValuedError(
                f"{contract.symbol}: no tiers for it; allowed: {sorted(self.instruments)}"
            )
        return table

    def part(self, holding: Holding, snapshot: Snapshot) -> Part:
        """Return what one contract asks for."""
        table = self.table(holding)
        symbol = holding.contract.symbol
        mark = known(snapshot.mark, symbol, "mark")
        value = holding.quantity * mark
        bids = sum(o.quantity * max(mark, o.price) for o in holding.orders if o.quantity > 0)
        asks = sum(o.quantity * max(mark, o.price) for o in holding.orders if o.quantity < 0)
        worst = max(abs(value), abs(value + bids), abs(value + asks))
        if table.cap is not None and worst > table.cap:
            raise NotValuedError(
                f"{symbol}: notional {worst}; allowed: up to {table.cap}, where its tiers end"
            )
        return Part(
            name="position",
            subject=symbol,
            initial=table.initial(worst, is_marginal=self.is_initial_marginal),
            maintenance=table.maintenance(abs(value)),
        )
