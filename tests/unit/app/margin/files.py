"""A book, its market and its collateral as files."""

from __future__ import annotations

from pathlib import Path

BOOK = """\
symbol,kind,underlying,side,strike,expiry,settlement,unit,quantity,price
BTC-PERP,perpetual,BTC,,65000,,,1,2,
BTC-20MAR26-70000-C,european,BTC,call,70000,2026-03-20T08:00:00Z,,1,-10,
BTC-20MAR26-65000-P,european,BTC,put,65000,2026-03-20T08:00:00Z,,1,5,
"""
MARKET = """\
as_of = "2026-03-12T08:00:00Z"
reporting = "USD"
[assets]
USDT = 0.9995
[underlyings.BTC]
spot = 70000.0
rate = 0.04
[[underlyings.BTC.expiries]]
expiry = "2026-03-20T08:00:00Z"
forward = 70060.0
strikes = [60000.0, 65000.0, 70000.0, 75000.0, 80000.0]
vols = [0.62, 0.55, 0.52, 0.54, 0.60]
"""
COLLATERAL = "asset,amount\nUSD,300000\n"


def write(folder: Path, *, book: str = BOOK, collateral: str = COLLATERAL) -> tuple[Path, ...]:
    """Write the files; returns their paths: book, market, collateral."""
    paths = tuple(folder / name for name in ("book.csv", "market.toml", "collateral.csv"))
    for path, text in zip(paths, (book, MARKET, collateral), strict=True):
        path.write_text(text, encoding="utf-8")
    return paths
