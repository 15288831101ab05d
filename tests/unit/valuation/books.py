"""A small world of contracts: spot, futures and options, linear and coin-settled."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from novate.kernel.clearing.value import INVERSE, LINEAR
from novate.valuation.holding import NO_EXPIRY, Contracts, Kind, Market

DAY = 86_400 * 10**9
NOW = 1_780_000_000 * 10**9
BTC, ETH, USDT = 0, 1, 2
SPOT = {BTC: 60_000.0, ETH: 3_000.0}
USDT_PRICE = 0.999


def contract(kind: int, form: int = LINEAR, **terms: Any) -> dict[str, Any]:
    """One row of terms; what is not given is a plain one on BTC."""
    row = {
        "kind": kind, "form": form, "underlying": BTC, "side": 1.0, "strike": 60_000.0,
        "expiry_ns": NOW + 30 * DAY, "unit": 1.0,
    } | terms  # fmt: skip
    row.setdefault("settlement", USDT if form == LINEAR else row["underlying"])
    return row


WORLD = [
    contract(Kind.SPOT, expiry_ns=NO_EXPIRY),
    contract(Kind.FUTURE, expiry_ns=NO_EXPIRY, strike=58_000.0, unit=0.001),
    contract(Kind.FUTURE, INVERSE, strike=61_000.0, unit=100.0),
    contract(Kind.EUROPEAN, strike=65_000.0, unit=0.1),
    contract(Kind.EUROPEAN, side=-1.0, strike=55_000.0, expiry_ns=NOW + 3 * DAY),
    contract(Kind.EUROPEAN, INVERSE, strike=62_000.0),
    contract(Kind.EUROPEAN, INVERSE, side=-1.0, strike=70_000.0, expiry_ns=NOW + 90 * DAY),
    contract(Kind.EUROPEAN, underlying=ETH, strike=3_100.0, side=-1.0),
    contract(Kind.EUROPEAN, INVERSE, underlying=ETH, strike=2_900.0, unit=10.0),
    contract(Kind.FUTURE, underlying=ETH, strike=3_050.0),
]


def contracts(rows: list[dict[str, Any]] = WORLD) -> Contracts:
    """Columns of rows of terms."""
    types = {
        "kind": np.int8, "form": np.int8, "underlying": np.int32, "settlement": np.int32,
        "side": np.float64, "strike": np.float64, "expiry_ns": np.int64, "unit": np.float64,
    }  # fmt: skip
    return Contracts(
        **{name: np.array([row[name] for row in rows], kind) for name, kind in types.items()}
    )


def market(terms: Contracts, **changes: Any) -> Market:
    """A market in contango with a smile, and prices of the settlement assets."""
    spot = np.array([SPOT.get(int(u), 1.0) for u in terms.underlying])
    years = np.where(terms.expiry_ns == NO_EXPIRY, 0.0, (terms.expiry_ns - NOW) / (365 * DAY))
    forward = spot * np.exp(0.05 * years)
    price = {BTC: SPOT[BTC] * USDT_PRICE, ETH: SPOT[ETH] * USDT_PRICE, USDT: USDT_PRICE}
    base = Market(
        as_of_ns=NOW,
        spot=spot,
        forward=forward,
        vol=0.6 + 0.3 * np.log(np.abs(terms.strike) / forward) ** 2,
        rate=np.full(len(terms), 0.03),
        settlement_price=np.array([price[int(asset)] for asset in terms.settlement]),
    )
    return replace(base, **changes)


def bumped(terms: Contracts, at: Market, spot: float = 0.0, vol: float = 0.0) -> Market:
    """The market after a relative move of spot, the coin with it, and a move of volatility."""
    ratio = 1.0 + spot
    return replace(
        at,
        spot=at.spot * ratio,
        forward=at.forward * ratio,
        vol=at.vol + vol,
        settlement_price=at.settlement_price * np.where(terms.is_coin, ratio, 1.0),
    )
