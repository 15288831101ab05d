from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from novate.simulation.crash_day import CrashDay, crash_day
from novate.simulation.population.generate import Asset, Book, Instrument, Targets, generate_book
from novate.simulation.population.terms import LEDGER

ASSETS = (
    Asset(symbol="USDT", decimals=6, price_e8=10**8, haircut_ppm=0),
    Asset(symbol="BTC", decimals=8, price_e8=114_000 * 10**8, haircut_ppm=50_000),
    Asset(symbol="ETH", decimals=8, price_e8=4_100 * 10**8, haircut_ppm=70_000),
    Asset(symbol="USDE", decimals=6, price_e8=10**8, haircut_ppm=30_000),
)
INSTRUMENTS = tuple(
    Instrument(
        symbol=symbol,
        tick_e8=tick,
        lot_e8=lot,
        max_leverage=leverage,
        open_interest_share=share,
        coin=coin,
    )
    for symbol, tick, lot, leverage, share, coin in (
        ("BTC", 10**7, 10**5, 100.0, 0.5, 1),
        ("ETH", 10**6, 10**6, 100.0, 0.3, 2),
        ("SOL", 10**6, 10**7, 50.0, 0.2, None),
    )
)


def margin_by_size(instrument: int, notional: np.ndarray) -> np.ndarray:
    """Initial margin: one over the leverage, rising with the size of the position."""
    rate = (1.0 + np.minimum(notional / 1e12, 40.0) * 0.1) / INSTRUMENTS[instrument].max_leverage
    return np.ceil(notional * rate).astype(np.int64)


@pytest.fixture(scope="session")
def day() -> CrashDay:
    return crash_day(11, 1_700_000_000_000_000_000)


@pytest.fixture(scope="session")
def make_book(day: CrashDay) -> Callable[..., Book]:
    def make(seed: int = 1, **targets: object) -> Book:
        wanted: dict[str, object] = {
            "accounts": 3000,
            "members": 8,
            "open_interest": 200_000_000 * LEDGER,
        }
        return generate_book(
            Targets(**(wanted | targets)),  # type: ignore[arg-type]
            INSTRUMENTS,
            ASSETS,
            recent_e8=day.index_e8[:600, :3],
            initial_margin=margin_by_size,
            seed=seed,
        )

    return make


@pytest.fixture(scope="session")
def book(make_book: Callable[..., Book]) -> Book:
    return make_book()
