"""Contracts of every kind for tests of their terms."""

from __future__ import annotations

from typing import Any

from novate.instrument.contract import Contract, Inverse, Linear
from novate.instrument.future import Future
from novate.instrument.perpetual import Perpetual

E8 = 10**8
HOUR = 3_600 * 10**9
COMMON: dict[str, Any] = {
    "symbol": "X",
    "underlying": 1,
    "settlement_asset": 0,
    "decimals": 6,
    "tick_e8": 10**7,
    "price_max_e8": 10**6 * E8,
}


def linear(*, lot_e8: int = 10**5, **terms: Any) -> Perpetual:
    return Perpetual(**{**COMMON, "size": Linear(lot_e8=lot_e8), **terms})


def inverse(**terms: Any) -> Perpetual:
    coin = {"settlement_asset": 1, "decimals": 8, "tick_e8": 5 * 10**7}
    return Perpetual(**{**COMMON, **coin, "size": Inverse(face_e8=100 * E8), **terms})


ALL: tuple[Contract, ...] = (
    linear(),
    inverse(),
    Future(**COMMON, size=Linear(lot_e8=10**5), expiry_ns=10**18, settlement_window_ns=HOUR),
    Future(**{**COMMON, "tick_e8": 10**6}, size=Inverse(face_e8=E8), expiry_ns=10**18),
)
NAMES = ("linear perpetual", "inverse perpetual", "linear future", "inverse future")
