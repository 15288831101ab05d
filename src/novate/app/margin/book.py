"""A book and its market from files, as the methodologies take them: whole, or refused.

The files are those of `novate price`: instruments with quantities, and a market.  A row that cannot
be used is refused with its reason; a requirement of the rest would be too small.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from novate.adapter.book_file.sheet import CellError, read_rows
from novate.adapter.quarantine import Quarantine
from novate.app.pricing.cell import optional
from novate.app.pricing.instrument_sheet import Instrument, read_instruments
from novate.app.pricing.market_file import read_market
from novate.app.pricing.quotes import Quotes
from novate.errors import InputError, RowFault
from novate.margin.methodology.option_book import with_option_marks
from novate.margin.methodology.outcome import NotValuedError
from novate.margin.methodology.portfolio import (
    Collateral,
    Contract,
    ContractKind,
    Curve,
    Portfolio,
    Position,
    Snapshot,
)

LINEAR_KINDS = ("future", "perpetual")


def read_book(
    path: Path, market: Path, collateral: Path | None = None
) -> tuple[Portfolio, Snapshot]:
    """Read a book and its market.

    Parameters
    ----------
    path
        CSV, Parquet or JSON lines as `novate price` reads them, each row with a quantity: futures,
        perpetuals and European options are positions, ``spot`` rows are collateral.
    market
        TOML, or a chain of quotes.
    collateral
        CSV, Parquet or JSON lines with ``asset`` and ``amount``; the market's reporting currency
        is cash.

    Raises
    ------
    InputError
        If a file or any row of it cannot be used.
    NotValuedError
        If the book holds a contract of another kind.
    """
    quotes = read_market(market)
    quarantine = Quarantine(examples_max=1)
    found = read_instruments(path, quotes.check, quarantine)
    if quarantine.count:
        fault = quarantine.examples[0]
        raise InputError(
            f"{fault.file}, row {fault.row}, {fault.column}: {fault.value!r}; allowed: "
            f"{fault.allowed} ({quarantine.count} rows cannot be used, and margin is asked of all)"
        )
    for one in found:
        if one.quantity is None:
            raise InputError(f"{path}, row {one.row}, quantity: none; allowed: a number")
    held = {} if collateral is None else read_collateral(collateral, quotes)
    return stated(found, quotes, held)


def read_collateral(path: Path, quotes: Quotes) -> dict[str, float]:
    """Read what is held of each asset, in its units.

    Raises
    ------
    InputError
        If a row cannot be used, or the market has no price of an asset.
    """
    faults: list[RowFault] = []
    held: dict[str, float] = {}
    for row in read_rows(path, ("asset", "amount"), faults.append):
        try:
            asset, quantity = row.text("asset"), optional(row, "amount")
            if quotes.asset_price(asset) is None or quantity is None:
                raise CellError("asset", asset, "an amount, and a price in the market")  # noqa: TRY301
        except CellError as error:
            faults.append(RowFault(str(path), row.number, error.column, error.value, error.allowed))
        else:
            held[asset] = held.get(asset, 0.0) + quantity
    for fault in faults:
        raise InputError(
            f"{fault.file}, row {fault.row}, {fault.column}: {fault.value!r}; allowed: "
            f"{fault.allowed}"
        )
    return held


def stated(
    found: list[Instrument], quotes: Quotes, held: Mapping[str, float]
) -> tuple[Portfolio, Snapshot]:
    """Return instruments with quantities, what is held of assets, and their market.

    A price is the mark of a future or perpetual.  An option is marked at its volatility, whatever
    price is stated, so that all questions are answered at one mark.

    Raises
    ------
    InputError
        If two symbols name one contract.
    NotValuedError
        If a row is of a kind that no methodology takes.
    """
    positions, assets = [], dict(held)
    index = {name: at.spot for name, at in quotes.underlyings.items()}
    index |= dict(quotes.assets)
    index[quotes.reporting] = 1.0
    mark: dict[str, float] = {}
    curve: dict[tuple[str, int], Curve] = {}
    volatility: dict[str, float] = {}
    named: dict[Contract, str] = {}
    for one in found:
        quantity = (one.quantity or 0.0) * one.unit
        if one.kind == "spot":
            assets[one.underlying] = assets.get(one.underlying, 0.0) + quantity
            continue
        contract = contract_of(one, quotes)
        terms = replace(contract, symbol="")
        if terms in named:
            raise InputError(
                f"{one.symbol}: the same contract as {named[terms]}; allowed: one row for it, "
                "for margin of a position may grow faster than the position"
            )
        named[terms] = one.symbol
        forward = quotes.forward(one)
        unrealised = 0.0
        if contract.is_option:
            curve[contract.underlying, one.expiry_ns] = Curve(
                forward=forward, rate=quotes.underlyings[one.underlying].rate
            )
            volatility[one.symbol] = quotes.vol(one)
        else:
            mark[one.symbol] = forward if one.price is None else one.price
            if contract.is_inverse:
                quantity /= mark[one.symbol]  # its unit is a face value in quote currency
            if one.strike is not None:
                unrealised = _unrealised(contract, quantity, one.strike, mark[one.symbol])
        positions.append(
            Position(
                contract=contract, quantity=quantity, unrealised=unrealised,
                entry_price=None if contract.is_option else one.strike,
            )
        )  # fmt: skip
    cash = assets.pop(quotes.reporting, 0.0)
    collateral = tuple(Collateral(asset=name, quantity=q) for name, q in sorted(assets.items()))
    portfolio = Portfolio(positions=tuple(positions), collateral=collateral, cash=cash)
    snapshot = Snapshot(
        instant_ns=quotes.as_of_ns, index=index, mark=mark, curve=curve, volatility=volatility
    )
    return portfolio, with_option_marks(positions, snapshot)


def contract_of(one: Instrument, quotes: Quotes) -> Contract:
    """Return the contract of a row.

    Raises
    ------
    NotValuedError
        If it is of a kind that no methodology takes.
    """
    settlement = one.settlement or quotes.reporting
    if one.kind in LINEAR_KINDS:
        kind: ContractKind = "perpetual" if one.kind == "perpetual" else "future"
        return Contract(
            symbol=one.symbol, kind=kind, underlying=one.underlying, settlement=settlement,
            expiry_ns=one.expiry_ns if kind == "future" else None,
        )  # fmt: skip
    if one.kind != "european":
        raise NotValuedError(
            f"{one.symbol}: kind {one.kind!r}; allowed: spot, future, perpetual and european"
        )
    return Contract(
        symbol=one.symbol, kind="option", underlying=one.underlying, settlement=settlement,
        expiry_ns=one.expiry_ns, strike=one.strike, is_call=one.side > 0,
    )  # fmt: skip


def _unrealised(contract: Contract, quantity: float, entry: float, mark: float) -> float:
    """Return the profit since entry, settlement units; ``quantity`` in units at the mark."""
    if contract.is_inverse:
        return quantity * mark * (1.0 / entry - 1.0 / mark)
    return quantity * (mark - entry)
