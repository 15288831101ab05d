"""Figures of a fitted smile: quotes beside the fit, and slices with their quality."""

from __future__ import annotations

from typing import Any

from novate.market.volatility import Chain, Surface, assess

Rows = list[dict[str, Any]]


def quote_rows(chain: Chain, surface: Surface) -> Rows:
    """Return each usable quote as volatilities, with that of the fit."""
    quotes = surface.quotes
    fitted, _ = surface.volatility(quotes.strike, quotes.expiry_ns)
    return [
        {
            "instant_ns": surface.instant_ns,
            "underlying": surface.underlying,
            "expiry_ns": int(quotes.expiry_ns[k]),
            "strike": float(quotes.strike[k]),
            "side": "call" if chain.side[row] > 0 else "put",
            "bid": float(chain.bid[row]),
            "ask": float(chain.ask[row]),
            "bid_vol": float(quotes.bid_vol[k]),
            "ask_vol": float(quotes.ask_vol[k]),
            "fit_vol": float(fitted[k]),
        }
        for k, row in enumerate(quotes.row.tolist())
    ]


def slice_rows(chain: Chain, surface: Surface) -> Rows:
    """Return the slice of each expiry, and how good its fit is."""
    quality = assess(chain, surface)
    written: Rows = []
    for one, good in zip(surface.slices, quality.slices, strict=True):
        atm, _ = surface.volatility(one.forward, one.expiry_ns)
        written.append(
            {
                "instant_ns": surface.instant_ns,
                "underlying": surface.underlying,
                "expiry_ns": one.expiry_ns,
                "forward": one.forward,
                "years": one.years,
                "atm_vol": float(atm),
                "a": one.raw.a,
                "b": one.raw.b,
                "rho": one.raw.rho,
                "m": one.raw.m,
                "sigma": one.raw.sigma,
                "least_density": good.least_g,
                "calendar_gap": good.calendar_gap,
                "source": good.source.name.lower(),
                "quotes": good.quotes,
                "rejected": sum(count for _, count in good.rejected),
                "inside": round(good.inside * good.quotes) if good.quotes else 0,
                "rms_vol": good.rms_vol,
            }
        )
    return written
