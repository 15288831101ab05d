"""Weights of tokens and perpetuals that shrink and grow with the square root of a size.

Source: drift-labs/protocol-v2, programs/drift/src/math/margin (size premium and size discount).
"""

from __future__ import annotations

import math
from typing import Literal

from novate.margin.methodology.parameters import Table

DISCOUNT = 1.1
"""Numerator of the size discount."""
PREMIUM = 0.8
"""Share of a base weight from which the size premium starts."""


def asset_weight(base: float, size_factor: float, size: float) -> float:
    """Return ``min(base, 1.1 / (1 + factor sqrt(size)))``, the base where the factor is 0."""
    if not size_factor:
        return base
    return min(base, DISCOUNT / (1.0 + size_factor * math.sqrt(size)))


def liability_weight(base: float, size_factor: float, size: float) -> float:
    """Return ``max(base, 0.8 base + factor sqrt(size))``, the base where the factor is 0."""
    if not size_factor:
        return base
    return max(base, PREMIUM * base + size_factor * math.sqrt(size))


class TokenTerms(Table, frozen=True, kw_only=True):
    """Weights of a token.

    Attributes
    ----------
    initial_asset, maintenance_asset
        Of what is held, 0 to 1.
    initial_liability, maintenance_liability
        Of what is owed, 1 and above.
    size_factor
        How weights go with the square root of units; 0 where they do not.
    deposit_scale_start
        Value of everybody's deposits, currency, beyond which the initial asset weight falls as
        ``start / value``; nothing where it does not.
    """

    initial_asset: float
    maintenance_asset: float
    initial_liability: float
    maintenance_liability: float
    size_factor: float = 0.0
    deposit_scale_start: float | None = None

    def __post_init__(self) -> None:
        """Check that weights take away and never add.

        Raises
        ------
        ValueError
            If an asset weight is outside 0 to 1 or a liability weight is below 1.
        """
        assets = (self.initial_asset, self.maintenance_asset)
        debts = (self.initial_liability, self.maintenance_liability)
        if not all(0 <= weight <= 1 for weight in assets) or min(debts) < 1:
            raise ValueError(
                f"asset weights {assets}, liability weights {debts}; allowed: 0 to 1, and 1 and "
                "above"
            )

    def weight(self, kind: Literal["initial", "maintenance"], units: float) -> float:
        """Return the weight of units held, or owed where they are negative."""
        is_initial = kind == "initial"
        if units >= 0:
            base = self.initial_asset if is_initial else self.maintenance_asset
            return asset_weight(base, self.size_factor, units)
        base = self.initial_liability if is_initial else self.maintenance_liability
        return liability_weight(base, self.size_factor, -units)


class PerpetualTerms(Table, frozen=True, kw_only=True):
    """Margin rates and weights of a perpetual.

    Attributes
    ----------
    initial_long, initial_short, maintenance_long, maintenance_short
        Shares of notional.  Asset and liability weights of a venue give ``1 - asset weight`` for a
        long and ``liability weight - 1`` for a short.
    initial_profit, maintenance_profit
        Weights of a gain, 0 to 1.
    size_factor
        How rates grow with the square root of units.
    profit_size_factor
        How the initial weight of a gain shrinks with its square root.
    """

    initial_long: float
    initial_short: float
    maintenance_long: float
    maintenance_short: float
    initial_profit: float = 1.0
    maintenance_profit: float = 1.0
    size_factor: float = 0.0
    profit_size_factor: float = 0.0

    def rate(self, kind: Literal["initial", "maintenance"], units: float) -> float:
        """Return the share of notional that units must hold, signed units."""
        rates = {
            ("initial", True): self.initial_long,
            ("initial", False): self.initial_short,
            ("maintenance", True): self.maintenance_long,
            ("maintenance", False): self.maintenance_short,
        }
        return liability_weight(rates[kind, units >= 0], self.size_factor, abs(units))

    def profit_weight(self, kind: Literal["initial", "maintenance"], profit: float) -> float:
        """Return the weight of a gain, which is not negative."""
        if kind == "maintenance":
            return self.maintenance_profit
        return asset_weight(self.initial_profit, self.profit_size_factor, profit)
