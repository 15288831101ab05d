"""A chain of two currencies fitted, against SciPy's least squares on the same slices."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares

from novate.adapter.chain_file import load_chains
from novate.adapter.quarantine import Quarantine
from novate.market.volatility import Surface, check_butterfly, check_calendar, fit_surface
from novate.market.volatility.chain import F64, Chain
from novate.market.volatility.slice_data import HALF_MIN
from tests.bench.contest import Contest, Side
from tests.unit.market.volatility.synthetic import chain

ROOT = Path(__file__).parents[2]
MARKET = Path(os.environ.get("NOVATE_MARKET", ROOT.parent / "shared" / "market"))
FILE = MARKET / "options_deribit_chain_2026-01_daily.parquet"
STARTS = 3


def book() -> tuple[str, list[Chain]]:
    """The first snapshot of both currencies, or two generated chains of the same size."""
    if FILE.is_file():
        return "one Deribit snapshot, BTC and ETH", load_chains(FILE, Quarantine())[:2]
    days = (1, 2, 3, 4, 10, 17, 31, 59, 87, 178, 269, 360)
    return "two generated chains", [chain(days=days, strikes=27) for _ in range(2)]


def oracle(surface: Surface) -> float:
    """Fit every slice of a surface alone, from the same number of starts; return the cost.

    Quotes are cleaned already and no arbitrage is looked for: less work than ours.
    """
    quotes = surface.quotes
    total = 0.0
    for one in surface.slices:
        mine = quotes.expiry_ns == one.expiry_ns
        half = np.maximum(quotes.half_spread[mine], HALF_MIN)
        total += alone(quotes.k[mine], quotes.mid_vol[mine], half, one.years)
    return total


def alone(k: F64, vol: F64, half: F64, years: float) -> float:
    """Fit one slice with SciPy; return its cost."""

    def distances(p: F64) -> F64:
        w = p[0] + p[1] * (p[2] * (k - p[3]) + np.hypot(k - p[3], p[4]))
        return (np.sqrt(np.maximum(w, 1e-12) / years) - vol) / half

    level = float(np.median(vol)) ** 2 * years
    bounds = ([-1.0, 0.0, -0.995, -2.0, 1e-4], [1.0, 2.0, 0.995, 2.0, 5.0])
    return min(
        float(
            least_squares(
                distances,
                [0.5 * level, 0.3 * level**0.5, rho, 0.0, level**0.5],
                bounds=bounds,
                loss="soft_l1",
            ).cost
        )
        for rho in np.linspace(-0.4, 0.3, STARTS)
    )


def contests() -> Iterator[Contest]:
    """Clean, invert, fit and repair both chains; theirs fits the cleaned slices alone."""
    regime, chains = book()
    fitted = [fit_surface(source) for source in chains]
    surfaces = [one for one in fitted if isinstance(one, Surface)]
    slices = sum(len(one.slices) for one in surfaces)

    def is_free() -> bool:
        for surface in surfaces:
            raws = [one.raw for one in surface.slices]
            if not all(check_butterfly(raw).holds for raw in raws):
                return False
            pairs = pairwise(raws)
            if not all(check_calendar(*pair).holds for pair in pairs):
                return False
        return len(surfaces) == len(chains)

    yield Contest(
        name="fit the surfaces of a venue",
        regime=f"{regime}: {sum(map(len, chains)):,} rows, {slices} expiries",
        unit="expiries",
        ours=Side(
            name="whole chain, cleaned and free of arbitrage",
            amount=slices,
            call=lambda: [fit_surface(source) for source in chains],
        ),
        theirs=Side(
            name="SciPy least_squares on the cleaned slices, arbitrage ignored",
            amount=slices,
            call=lambda: [oracle(surface) for surface in surfaces],
        ),
        goal=5,
        holds=is_free,
    )
