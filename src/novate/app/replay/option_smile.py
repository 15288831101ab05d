"""Smiles of the generated day against the quotes: what a fit would have to hit."""

from __future__ import annotations

from typing import Any

import numpy as np

from novate.kernel.columns import F64
from novate.kernel.svi import least_density
from novate.stress.option_book import OptionBook
from novate.stress.option_market import SurfacePath
from novate.stress.option_quote import OptionQuotes, option_quotes
from novate.valuation.implied import implied_volatility

Rows = list[dict[str, Any]]
WING, STEPS = 3.0, 1200


def smile_rows(
    book: OptionBook, paths: tuple[SurfacePath, ...], instants: tuple[int, ...], seed: int
) -> dict[str, Rows]:
    """Return quotes as volatilities and slices with their quality, at some instants."""
    quotes: Rows = []
    slices: Rows = []
    for at in instants:
        shown = option_quotes(book, paths, at, seed)
        bid, ask = _volatilities(book, shown)
        for number, path in enumerate(paths):
            for expiry in np.flatnonzero(path.expiry_ns > path.instant_ns[at]).tolist():
                rows = _out_of_the_money(book, shown, number, expiry)
                place = (at, number, expiry)
                quotes += _quote_rows(book, paths, place, (rows, bid, ask, shown))
                slices.append(_slice_row(path, place, shown.volatility[rows], bid[rows], ask[rows]))
    return {"option_quotes": quotes, "option_slices": slices}


def _volatilities(book: OptionBook, shown: OptionQuotes) -> tuple[F64, F64]:
    """Implied volatilities of bid and ask; a bid below intrinsic value bounds it by zero."""
    contracts = book.contracts
    unit = np.where(contracts.is_coin_settled == 1, shown.forward, 1.0)
    found = [
        implied_volatility(
            side * unit, shown.forward, contracts.strikes(), shown.years, contracts.side
        ).vol
        for side in (shown.bid, shown.ask)
    ]
    return found[0], found[1]


def _out_of_the_money(book: OptionBook, shown: OptionQuotes, coin: int, expiry: int) -> Any:
    """Rows of the out-of-the-money, numeraire-settled options with two sides, by strike."""
    contracts = book.contracts
    is_out = contracts.side * (contracts.strikes() - shown.forward) >= 0.0
    return np.flatnonzero(
        (contracts.underlying == coin)
        & (contracts.expiry == expiry)
        & (contracts.is_coin_settled == 0)
        & is_out
        & np.isfinite(shown.bid)
        & np.isfinite(shown.ask)
    )


def _quote_rows(
    book: OptionBook, paths: tuple[SurfacePath, ...], place: tuple[int, int, int], found: Any
) -> Rows:
    at, number, expiry = place
    rows, bid, ask, shown = found
    path = paths[number]
    return [
        {
            "instant_ns": int(path.instant_ns[at]),
            "underlying": path.terms.symbol,
            "expiry_ns": int(path.expiry_ns[expiry]),
            "strike": float(book.contracts.strikes()[row]),
            "side": "call" if book.contracts.side[row] > 0 else "put",
            "bid": float(shown.bid[row]),
            "ask": float(shown.ask[row]),
            "bid_vol": float(bid[row]),
            "ask_vol": float(ask[row]),
            "fit_vol": float(shown.volatility[row]),
        }
        for row in rows
    ]


def _slice_row(
    path: SurfacePath, place: tuple[int, int, int], fit: F64, bid: F64, ask: F64
) -> dict[str, Any]:
    """One slice and how good it is."""
    at, _, expiry = place
    years, raw = path.years(at), path.raw(at, expiry)
    grid = np.linspace(-WING, WING, STEPS + 1)
    gap = float("nan")
    if expiry > 0 and years[expiry - 1] > 0.0:
        gap = float((_variance(raw, grid) - _variance(path.raw(at, expiry - 1), grid)).min())
    mid = 0.5 * (bid + ask)
    forward = float(path.forward(at)[expiry])
    return {
        "instant_ns": int(path.instant_ns[at]),
        "underlying": path.terms.symbol,
        "expiry_ns": int(path.expiry_ns[expiry]),
        "forward": forward,
        "years": float(years[expiry]),
        "atm_vol": float(path.volatility(at, np.array([expiry]), np.array([forward]))[0]),
        **dict(zip(("a", "b", "rho", "m", "sigma"), raw, strict=True)),
        "least_density": float(least_density(-WING, WING, STEPS, *raw)),
        "calendar_gap": gap,
        "quotes": len(fit),
        "inside": int(((fit >= bid) & (fit <= ask)).sum()),
        "rms_vol": float(np.sqrt(np.nanmean((fit - mid) ** 2))) if len(fit) else float("nan"),
    }


def _variance(raw: tuple[float, float, float, float, float], k: F64) -> F64:
    a, b, rho, m, sigma = raw
    x = k - m
    variance: F64 = a + b * (rho * x + np.sqrt(x * x + sigma * sigma))
    return variance
