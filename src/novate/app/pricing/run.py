"""Price a file of instruments in a market, all rows at once, and say what came of each."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from novate.adapter.quarantine import Quarantine
from novate.app.pricing.exotic_sheet import group
from novate.app.pricing.instrument_sheet import (
    KINDS,
    OPTIONS,
    Instrument,
    read_instruments,
)
from novate.app.pricing.market_file import read_market
from novate.app.pricing.quotes import Quotes
from novate.kernel.clearing.columns import F64, I8
from novate.kernel.clearing.value import INVERSE, LINEAR
from novate.kernel.codes import PricingStatus
from novate.units import format_instant
from novate.valuation.book_risk import Positions, book_risk
from novate.valuation.holding import (
    NATIVE,
    REPORTING,
    Contracts,
    Market,
    UnitRisk,
    unit_risk,
    years_to_expiry,
)
from novate.valuation.implied import implied_volatility, implied_volatility_inverse


def price_file(path: Path, market: Path) -> dict[str, Any]:
    """Price a file of instruments.

    Returns
    -------
    dict
        ``as_of``, ``reporting``; ``instruments``: one entry per row that could be read, with the
        value and Greeks of 1.00 in the settlement asset and a status; ``totals``: reporting
        measures of quantity times row by underlying, and ``total_value``, where there are
        quantities; ``unpriced`` entries; ``quarantined`` rows with the first faults of each column.

    Raises
    ------
    InputError
        If the market cannot be used, or the file cannot be read at all.
    """
    quotes = read_market(market)
    quarantine = Quarantine(examples_max=20)
    found = read_instruments(path, quotes.check, quarantine)
    names = sorted(
        {quotes.reporting, *quotes.underlyings}
        | {one.settlement for one in found if one.settlement}
    )
    contracts, at = columns(found, quotes, names)
    years = years_to_expiry(contracts, at.as_of_ns)
    terms = [one.terms for one in found]
    exotics = group([one.kind for one in found], terms, contracts, years)
    contracts = replace(contracts, exotics=exotics)
    risk = unit_risk(contracts, at)
    return {
        "as_of": format_instant(quotes.as_of_ns),
        "reporting": quotes.reporting,
        "instruments": _entries(found, quotes, contracts, at, risk),
        **_totals(found, contracts, risk, names),
        "unpriced": int((~risk.is_priced).sum()),
        "quarantined": {
            "rows": quarantine.count,
            "faults": [
                {
                    "file": fault.file,
                    "row": fault.row,
                    "column": fault.column,
                    "value": fault.value,
                    "allowed": fault.allowed,
                }
                for fault in quarantine.examples
            ],
        },
    }


def columns(found: list[Instrument], quotes: Quotes, names: list[str]) -> tuple[Contracts, Market]:
    """Return the columns of instruments and of their market; assets are numbered by ``names``."""
    place = {name: k for k, name in enumerate(names)}
    settlement = [one.settlement or quotes.reporting for one in found]
    forward = [quotes.forward(one) for one in found]
    is_coin = [
        asset == one.underlying and one.kind != "spot"
        for one, asset in zip(found, settlement, strict=True)
    ]
    contracts = Contracts(
        kind=np.array([KINDS[one.kind] for one in found], np.int8),
        form=np.array([INVERSE if coin else LINEAR for coin in is_coin], np.int8),
        underlying=np.array([place[one.underlying] for one in found], np.int32),
        settlement=np.array([place[asset] for asset in settlement], np.int32),
        side=np.array([one.side for one in found], np.float64),
        strike=np.array(
            [
                at if one.level is None else one.level
                for one, at in zip(found, forward, strict=True)
            ],
            np.float64,
        ),
        expiry_ns=np.array([one.expiry_ns for one in found], np.int64),
        unit=np.array([one.unit for one in found], np.float64),
    )
    prices = [quotes.asset_price(asset) for asset in settlement]
    market = Market(
        as_of_ns=quotes.as_of_ns,
        spot=np.array([quotes.underlyings[one.underlying].spot for one in found], np.float64),
        forward=np.array(forward, np.float64),
        vol=np.array([quotes.vol(one) for one in found], np.float64),
        rate=np.array([quotes.underlyings[one.underlying].rate for one in found], np.float64),
        settlement_price=np.array([math.nan if p is None else p for p in prices], np.float64),
        reporting_asset=place[quotes.reporting],
    )
    return contracts, market


def _entries(
    found: list[Instrument], quotes: Quotes, contracts: Contracts, at: Market, risk: UnitRisk
) -> list[dict[str, Any]]:
    implied, implied_status = _implied(found, contracts, at)
    net = risk.native[1] * np.where(contracts.is_coin, at.spot, 1.0)
    entries = []
    for k, one in enumerate(found):
        is_option = one.kind in OPTIONS
        entry: dict[str, Any] = {
            "symbol": one.symbol,
            "kind": one.kind,
            "underlying": one.underlying,
            "settlement": one.settlement or quotes.reporting,
            "status": PricingStatus(risk.status[k]).name,
            "forward": _finite(at.forward[k]),
            "vol": _finite(at.vol[k]) if is_option else None,
            **{name: _finite(risk.native[m, k]) for m, name in enumerate(NATIVE)},
            "net_delta": _finite(net[k]),
            "quantity": one.quantity,
            "value_reporting": _finite((one.quantity or 0.0) * risk["value"][k]),
        }
        if one.price is not None and one.kind == "european":
            entry["price"] = one.price
            entry["implied_vol"] = _finite(implied[k])
            entry["implied_status"] = PricingStatus(implied_status[k]).name
        entries.append(entry)
    return entries


def _implied(found: list[Instrument], contracts: Contracts, at: Market) -> tuple[F64, I8]:
    """Volatilities of market prices per unit of the underlying; NaN where a row has no price."""
    price = np.array([math.nan if one.price is None else one.price for one in found], np.float64)
    side = np.where(contracts.side == 0.0, 1.0, contracts.side)
    years = years_to_expiry(contracts, at.as_of_ns)
    linear = implied_volatility(price, at.forward, contracts.strike, years, side, at.rate)
    coin = implied_volatility_inverse(price, at.forward, contracts.strike, years, side)
    is_inverse = contracts.form == INVERSE
    return (
        np.where(is_inverse, coin.vol, linear.vol),
        np.where(is_inverse, coin.status, linear.status).astype(np.int8),
    )


def _totals(
    found: list[Instrument], contracts: Contracts, risk: UnitRisk, names: list[str]
) -> dict[str, Any]:
    """Reporting measures by underlying, and the value of all, where quantities are given."""
    rows = [k for k, one in enumerate(found) if one.quantity is not None]
    book = book_risk(
        Positions(
            account=np.zeros(len(rows), np.int32),
            contract=np.array(rows, np.int32),
            quantity=np.array([found[k].quantity for k in rows], np.float64),
        ),
        contracts,
        risk,
        member=np.zeros(1, np.int32),
        bucket=np.zeros(len(contracts), np.int64),
    )
    table = book.by("underlying")
    return {
        "totals": [
            {
                "underlying": names[int(table.keys["underlying"][k])],
                "unpriced": int(table.unpriced[k]),
                "at_kink": int(table.at_kink[k]),
                **{name: _finite(table[name][k]) for name in REPORTING},
            }
            for k in range(len(table))
        ],
        "total_value": _finite(book.by()["value"][0]) if rows else None,
    }


def _finite(value: float) -> float | None:
    """A JSON number; None for what is none."""
    return float(value) if math.isfinite(value) else None
