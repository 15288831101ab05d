"""Tables of a risk unit's parameters, as presets state them."""

from __future__ import annotations

from novate.margin.methodology.parameters import Table, VolatilityShock


class Slice(Table, frozen=True, kw_only=True):
    """A slice of an amount up to a bound, quote currency, and what of it counts."""

    up_to: float = float("inf")
    factor: float


class PegBand(Table, frozen=True, kw_only=True):
    """Slices of a hedge across settlement currencies while one is worth at least ``price_min``."""

    price_min: float
    slices: tuple[Slice, ...]


class PegRisk(Table, frozen=True, kw_only=True):
    """MR9: a charge on what contracts that are paid in different currencies hedge.

    Attributes
    ----------
    pairs
        Settlement currencies, in the order in which hedges are counted.
    bands
        By what the first is worth in the second; the highest that the price reaches applies.
    """

    pairs: tuple[tuple[str, str], ...]
    bands: tuple[PegBand, ...]


class OptionStress(Table, frozen=True, kw_only=True):
    """What options need beyond moves of the spot.

    Attributes
    ----------
    volatility
        Shocks up and down, crossed with the moves of MR1.
    decay_hours
        Time that passes in MR2.
    term_structure, interest_rate
        MR3 and MR5 by underlying, as the venue states them; quote currency.
    """

    volatility: VolatilityShock
    decay_hours: float
    term_structure: dict[str, float]
    interest_rate: dict[str, float]


class UnitTerms(Table, frozen=True, kw_only=True):
    """Stresses and charges of the underlyings that share them.

    Attributes
    ----------
    underlyings
        What the terms hold for.
    moves
        Sizes of the moves of MR1, to both sides.
    extreme_move, extreme_share
        Move of MR6, and the share of its loss that counts.
    basis_rate, basis_annualised
        MR4: share of the absolute cash delta of each expiry, the least of it and that per year.
    minimum_rate, minimum_slices
        MR7: share of the absolute cash delta, and what counts of the sum slice by slice.
    """

    underlyings: tuple[str, ...]
    moves: tuple[float, ...]
    extreme_move: float
    extreme_share: float
    basis_rate: float
    basis_annualised: float
    minimum_rate: float
    minimum_slices: tuple[Slice, ...]
