"""Requirements of a book by one methodology or by all, before and after trades, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from novate.app.pricing.cell import NUMBER_MAX
from novate.errors import InputError
from novate.margin.methodology.outcome import MissingInputError, NotValuedError, Outcome
from novate.margin.methodology.portfolio import Portfolio, Snapshot
from novate.margin.methodology.preset import Preset
from novate.margin.methodology.restate import restated
from novate.margin.methodology.what_if import liquidation_price, traded


def requirement(preset: Preset, portfolio: Portfolio, snapshot: Snapshot) -> dict[str, Any]:
    """Return what a portfolio must hold by a preset, explained.

    Returns
    -------
    dict
        ``model``, ``version``; the fields of `Outcome`; ``liquidation``: by underlying, where
        equity meets maintenance margin; ``confirmed`` and ``unconfirmed`` of the preset.
    """
    portfolio, taken = restated(preset.methodology, portfolio, snapshot)
    outcome = preset.methodology.outcome(portfolio, snapshot)
    return {
        **_head(preset),
        **_figures(outcome),
        "binding": outcome.binding,
        "parts": [asdict(part) for part in outcome.parts],
        "scenarios": [asdict(one) for one in outcome.scenarios],
        "liquidation": [
            asdict(liquidation_price(preset.methodology, portfolio, snapshot, underlying))
            for underlying in portfolio.underlyings()
        ],
        "notes": [*taken, *outcome.notes],
        "confirmed": preset.terms.confirmed,
        "unconfirmed": preset.terms.unconfirmed,
    }


def compared(
    presets: Sequence[Preset], portfolio: Portfolio, snapshot: Snapshot
) -> list[dict[str, Any]]:
    """Return the requirement by each preset; where it has none, why.

    A preset that lacks an input, or does not value a contract, is listed with the reason.
    """
    rows = []
    for preset in presets:
        there, taken = restated(preset.methodology, portfolio, snapshot)
        try:
            outcome = preset.methodology.outcome(there, snapshot)
        except (MissingInputError, NotValuedError) as error:
            rows.append({**_head(preset), "refused": str(error)})
        else:
            rows.append({**_head(preset), **_figures(outcome), "notes": [*taken, *outcome.notes]})
    return rows


def after_trades(
    preset: Preset, portfolio: Portfolio, snapshot: Snapshot, trades: Sequence[str]
) -> dict[str, Any]:
    """Return figures before and after trades at the mark, and what they change.

    Parameters
    ----------
    trades
        ``SYMBOL=QUANTITY``: units of the underlying, positive bought, of a contract in the book.

    Raises
    ------
    InputError
        If a trade is not of that form, or the book has no such contract.
    """
    portfolio, _ = restated(preset.methodology, portfolio, snapshot)
    before = _figures(preset.methodology.outcome(portfolio, snapshot))
    contracts = {p.contract.symbol: p.contract for p in portfolio.positions}
    for trade in trades:
        symbol, _, text = trade.partition("=")
        if symbol not in contracts:
            raise InputError(f"trade {trade!r}; allowed: SYMBOL=QUANTITY of {sorted(contracts)}")
        try:
            quantity = float(text)
        except ValueError as error:
            raise InputError(f"trade {trade!r}; allowed: a number behind the symbol") from error
        if not abs(quantity) <= NUMBER_MAX:
            raise InputError(f"trade {trade!r}; allowed: a number of at most {NUMBER_MAX:g}")
        portfolio = traded(portfolio, snapshot, contracts[symbol], quantity)
    after = _figures(preset.methodology.outcome(portfolio, snapshot))
    numbers = [name for name, value in before.items() if isinstance(value, float)]
    return {
        **_head(preset),
        "trades": list(trades),
        "before": before,
        "after": after,
        "change": {name: after[name] - before[name] for name in numbers},
    }


def _head(preset: Preset) -> dict[str, Any]:
    return {
        "model": preset.terms.name,
        "title": preset.terms.title,
        "as_of": preset.terms.as_of,
        "is_confirmed": preset.is_confirmed,
        "version": preset.digest,
    }


def _figures(outcome: Outcome) -> dict[str, Any]:
    return {
        "currency": outcome.currency,
        "equity": float(outcome.equity),
        "initial": float(outcome.initial),
        "maintenance": float(outcome.maintenance),
        "initial_excess": float(outcome.initial_excess),
        "maintenance_excess": float(outcome.maintenance_excess),
    }
