"""Parameters of the scenario grid, as presets state them; a table that does not fit is refused.

Shares are of one: 0.02 is 2%.  Moves are relative: -0.18 is a fall by 18%.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from novate.errors import InputError

Shock = Literal["up", "same", "down", "linear skew", "absolute skew"]


class Table(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of a preset: unknown keys are refused."""


class Scenario(Table, frozen=True, kw_only=True):
    """One scenario: a move of the spot, what happens to volatilities, and how much of it counts."""

    move: float
    volatility: Shock
    weight: float = 1.0


class Grid(Table, frozen=True, kw_only=True):
    """The core of a grid: equal steps to both sides, each with some volatility shocks.

    Attributes
    ----------
    reach
        Largest move.
    steps
        Steps to each side.
    volatility
        Shocks of every node but the outermost.
    edge
        Shocks of the outermost nodes.
    """

    reach: float
    steps: int
    volatility: tuple[Shock, ...]
    edge: tuple[Shock, ...]

    def __post_init__(self) -> None:
        """Check that it has steps, and none to a price of zero or less."""
        if self.steps < 1 or not 0 < self.reach < 1:
            allowed = "allowed: a reach between 0 and 1, in one step or more"
            raise ValueError(f"reach {self.reach} in {self.steps} steps; {allowed}")


class Tail(Table, frozen=True, kw_only=True):
    """Moves beyond the grid, with volatilities up: a linear position loses ``cap`` at each.

    ``weight = cap / |move|``.
    """

    moves: tuple[float, ...]
    cap: float


class VolatilityShock(Table, frozen=True, kw_only=True):
    """How far volatilities move: by a share that grows as an expiry comes nearer.

    ``up: max(floor, v (1 + up f))``, ``down: max(0, v (1 - down f))``, and
    ``f = (30 / max(days_min, days to expiry)) ** power``.

    Attributes
    ----------
    floor
        Least volatility after a shock up.
    short_power, long_power
        Power before and after 30 days to expiry.
    is_short_at_30_days
        Which of them holds at exactly 30 days, where both give 1.
    """

    up: float
    down: float
    floor: float = 0.0
    short_power: float
    long_power: float
    days_min: float
    is_short_at_30_days: bool


class Skew(Table, frozen=True, kw_only=True):
    """A tilt of volatilities over log-moneyness, against each expiry in its worse direction.

    ``v (1 + clip(k cap / k_star, -cap, cap))`` with ``cap = cap_base + cap_slope sqrt(T)`` and
    ``k_star = max(k_star_min, sqrt(T) width (v_base + v_slope sqrt(T)))``; ``k = ln(K / F)``, its
    size in an absolute skew.
    """

    linear_cap_base: float
    linear_cap_slope: float
    absolute_cap_base: float
    absolute_cap_slope: float
    k_star_min: float
    width: float
    v_base: float
    v_slope: float


class StaticDiscount(Table, frozen=True, kw_only=True):
    """Discounting of what an expiry is worth in a scenario.

    Of a gain ``long_factor exp(-T (r long_multiple + long_addition))``; of a debt
    ``min(1 / D, short_factor exp(T (r short_multiple + short_addition)))``.
    """

    long_factor: float
    long_multiple: float
    long_addition: float
    short_factor: float
    short_multiple: float
    short_addition: float


class Basis(Table, frozen=True, kw_only=True):
    """Forwards that move apart: ``(addition + multiple T)`` of what each expiry loses by itself.

    At the moves ``down`` and ``up`` with volatilities unchanged and no static discount; the sum
    over expiries stands beside the scenarios as one more.
    """

    down: float
    up: float
    addition: float
    multiple: float


class PerUnit(Table, frozen=True, kw_only=True):
    """A charge for each unit held, in shares of the index; the initial one is on top."""

    initial: float
    maintenance: float


class Confidence(Table, frozen=True, kw_only=True):
    """Initial margin on what an unsure oracle prices: below ``threshold``, ``(1 - c) share``."""

    threshold: float
    share: float


class Peg(Table, frozen=True, kw_only=True):
    """A stable currency below ``threshold`` raises the factor of initial margin by ``factor``."""

    threshold: float
    factor: float


class CollateralTerms(Table, frozen=True, kw_only=True):
    """How an asset counts as collateral.

    Attributes
    ----------
    maintenance_haircut, initial_haircut
        Shares of its value; that of initial margin comes on top of that of maintenance margin.
    moves_with
        Underlying in whose scenarios its value moves too; empty where it cancels no risk.
    """

    maintenance_haircut: float
    initial_haircut: float
    moves_with: str = ""


class MinimumDelta(Table, frozen=True, kw_only=True):
    """Least requirement for the scan: shares of the index for net delta and for hedged delta.

    Hedged delta is ``(sum of |delta| - |net delta|) / 2``.
    """

    unhedged: float
    hedged: float


def scenarios_of(
    stated: tuple[Scenario, ...], grid: Grid | None, tail: Tail | None
) -> tuple[Scenario, ...]:
    """Return scenarios one by one, those of a grid and its tail before what is stated.

    Raises
    ------
    InputError
        If there is none.
    """
    found: list[Scenario] = []
    if grid is not None:
        for step in range(grid.steps, -grid.steps - 1, -1):
            move = grid.reach * step / grid.steps
            shocks = grid.edge if abs(step) == grid.steps else grid.volatility
            found += [Scenario(move=move, volatility=shock) for shock in shocks]
    if tail is not None:
        found += [
            Scenario(move=move, volatility="up", weight=tail.cap / abs(move)) for move in tail.moves
        ]
    found += stated
    if not found:
        raise InputError("a scenario grid without scenarios; allowed: a grid, a tail or a list")
    return tuple(found)
