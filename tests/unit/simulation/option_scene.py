"""A small option market that the tests of its parts share: a crash day and 200 holders."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from novate.simulation.crash_day import crash_day
from novate.simulation.options.book import OptionBook, generate_option_book
from novate.simulation.options.market import DEMO_SMILES, SurfacePath, surface_path
from novate.simulation.options.terms import EXPIRY_OFFSETS_NS, OptionTargets, list_options

MINUTE_NS = 60 * 10**9
START_NS = 20_000 * 86_400 * 10**9
COINS = ("BTC", "ETH")
INTEREST = np.array([450e6, 270e6])


@dataclass(frozen=True)
class Scene:
    paths: tuple[SurfacePath, ...]
    book: OptionBook


@cache
def paths(seed: int = 7) -> tuple[SurfacePath, ...]:
    day = crash_day(seed, START_NS)
    instants = START_NS + np.arange(1, len(day.index_e8) + 1, dtype=np.int64) * MINUTE_NS
    return tuple(
        surface_path(
            terms,
            day.index_e8[:, day.prices.symbols.index(terms.symbol)],
            instants,
            START_NS + np.array(EXPIRY_OFFSETS_NS),
        )
        for terms in DEMO_SMILES
    )


def holders() -> tuple[np.ndarray, np.ndarray]:
    kind = np.arange(200, dtype=np.int64) % 4
    return kind, (10**12 // (1 + np.arange(200, dtype=np.int64))).astype(np.int64)


@cache
def scene(gamma_share: float = -0.10) -> Scene:
    kind, size = holders()
    contracts = list_options(COINS, np.array([path.spot_e8[0] for path in paths()]))
    book = generate_option_book(
        contracts,
        paths(),
        kind=kind,
        size=size,
        perpetual_interest=INTEREST,
        targets=OptionTargets(maker_gamma_share=gamma_share),
    )
    return Scene(paths(), book)
