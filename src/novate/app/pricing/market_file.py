"""Read a market: a TOML file, or a chain of quotes as a table.  Whole, or refused."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from novate.adapter.book_file.sheet import CellError, Row, read_rows
from novate.app.pricing.cell import NUMBER_MAX, number
from novate.app.pricing.quotes import SABR, SVI, Quotes, Slice, Underlying
from novate.errors import InputError, RowFault
from novate.units import parse_instant

CHAIN = ("as_of", "underlying", "spot", "expiry", "forward", "strike", "vol")
REPORTING = "USD"
TOP = {"as_of", "reporting", "assets", "underlyings"}
UNDERLYING = {"spot", "rate", "yield", "vol", "expiries"}
RATE_MAX = 10.0
"""Largest rate and yield, continuous per year."""
PRICE_MIN = 1e-15
APART_MAX = 0.05
"""How far the price of a coin may be from its spot in one of the market's currencies."""
EXPIRY = {"expiry", "forward", "vol", "strikes", "vols", "svi", "sabr"}


def read_market(path: Path) -> Quotes:
    """Read a market file.

    Parameters
    ----------
    path
        ``.toml``: ``as_of``, ``reporting`` (USD by default), ``[assets]`` with prices in it, and a
        table ``[underlyings.NAME]`` with ``spot``, ``rate``, ``yield``, ``vol`` and expiries:
        ``expiry``, ``forward`` and one of ``vol``, ``strikes`` with ``vols``, ``svi``
        or ``sabr``.
        Otherwise a chain, in a format of `adapter.book_file.format`: one row per quote with
        ``as_of, underlying, spot, expiry, forward, strike, vol`` and optionally ``rate``.

    Raises
    ------
    InputError
        If anything in it cannot be used: a market is read whole or not at all.
    """
    if path.suffix.lower() != ".toml":
        return _chain(path)
    try:
        with path.open("rb") as file:
            tree = tomllib.load(file)
    except OSError as error:
        raise InputError(f"{path}: not readable ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not TOML ({error}); allowed: a TOML file, UTF-8") from error
    try:
        return _quotes(tree)
    except CellError as error:
        raise InputError(f"{path}, {error}") from error


def _quotes(tree: dict[str, Any]) -> Quotes:
    _require_known("", tree, TOP)
    assets = _table("assets", tree.get("assets", {}))
    underlyings = _table("underlyings", tree.get("underlyings", {}))
    reporting = tree.get("reporting", REPORTING)
    if not isinstance(reporting, str) or not reporting:
        raise CellError("reporting", str(reporting), "the name of a currency")
    quotes = Quotes(
        as_of_ns=_instant("as_of", tree.get("as_of", "")),
        reporting=reporting,
        assets={name: _positive(f"assets.{name}", assets, name) for name in assets},
        underlyings={
            name: _underlying(f"underlyings.{name}", entry) for name, entry in underlyings.items()
        },
    )
    _require_one_price(quotes)
    return quotes


def _require_one_price(quotes: Quotes) -> None:
    """Refuse a price of a coin that its spot contradicts, whatever currency the spot is in."""
    assets, coins = quotes.assets, quotes.underlyings
    named = {name: price for name, price in assets.items() if name not in coins}
    if assets.get(quotes.reporting, 1.0) != 1.0:
        value = f"{assets[quotes.reporting]:g}"
        raise CellError(f"assets.{quotes.reporting}", value, "1, as the reporting currency")
    for name, known in coins.items():
        price, currencies = assets.get(name), {quotes.reporting: 1.0, **named}
        if name == quotes.reporting and named:
            price, currencies = 1.0, named
        if price is not None and not any(
            abs(price - known.spot * worth) <= APART_MAX * price for worth in currencies.values()
        ):
            said = [f"{known.spot * worth:g} ({asset})" for asset, worth in currencies.items()]
            allowed = f"about its spot in a currency of the market: {', '.join(said)}"
            raise CellError(f"assets.{name}", f"{price:g}", allowed)


def _underlying(place: str, entry: object) -> Underlying:
    table = _table(place, entry)
    _require_known(place, table, UNDERLYING)
    expiries: dict[int, Slice] = {}
    for k, one in enumerate(_list(f"{place}.expiries", table.get("expiries", []), "tables")):
        where = f"{place}.expiries[{k}]"
        row = _table(where, one)
        expiry_ns = _instant(f"{where}.expiry", row.get("expiry", ""))
        if expiry_ns in expiries:
            raise CellError(f"{where}.expiry", str(row["expiry"]), "each expiry once")
        expiries[expiry_ns] = _slice(where, row)
    return Underlying(
        spot=_positive(f"{place}.spot", table, "spot"),
        rate=_float(f"{place}.rate", table.get("rate", 0.0), -RATE_MAX, RATE_MAX),
        yield_=_float(f"{place}.yield", table.get("yield", 0.0), -RATE_MAX, RATE_MAX),
        vol=_float(f"{place}.vol", table["vol"], 0.0) if "vol" in table else None,
        expiries=expiries,
    )


def _slice(place: str, row: dict[str, Any]) -> Slice:
    _require_known(place, row, EXPIRY)
    given = [name for name in ("vol", "strikes", "svi", "sabr") if name in row]
    if len(given) > 1 or ("vols" in row) != ("strikes" in row):
        allowed = "one of vol, strikes with vols, svi, sabr; or none of them"
        raise CellError(place, ", ".join(row), allowed)
    forward = _positive(f"{place}.forward", row, "forward") if "forward" in row else None
    if "svi" in row:
        svi = _table(f"{place}.svi", row["svi"])
        _require_known(f"{place}.svi", svi, set(SVI))
        terms = tuple(_float(f"{place}.svi.{name}", svi.get(name), -1e3) for name in SVI)
        if terms[1] < 0.0 or abs(terms[2]) >= 1.0 or terms[4] <= 0.0:
            raise CellError(f"{place}.svi", str(svi), "b at least 0, rho inside -1 to 1, sigma > 0")
        return Slice(forward=forward, svi=terms)
    if "sabr" in row:
        return Slice(forward=forward, sabr=_sabr(f"{place}.sabr", row["sabr"]))
    if "vol" in row:
        return Slice(forward=forward, strikes=(1.0,), vols=(_float(f"{place}.vol", row["vol"], 0),))
    strikes = _floats(f"{place}.strikes", row.get("strikes", []))
    vols = _floats(f"{place}.vols", row.get("vols", []))
    if len(strikes) != len(vols) or any(
        b <= a for a, b in zip((0.0, *strikes), strikes, strict=False)
    ):
        raise CellError(f"{place}.strikes", str(strikes), "increasing, above zero, one per vol")
    return Slice(forward=forward, strikes=strikes, vols=vols)


def _sabr(place: str, value: object) -> tuple[float, ...]:
    table = _table(place, value)
    _require_known(place, table, set(SABR))
    alpha, beta, rho, nu = (_float(f"{place}.{name}", table.get(name), -1.0) for name in SABR)
    if alpha <= 0.0 or not 0.0 <= beta <= 1.0 or abs(rho) >= 1.0 or nu < 0.0:
        allowed = "alpha above 0, beta from 0 to 1, rho inside -1 to 1, nu at least 0"
        raise CellError(place, str(table), allowed)
    return alpha, beta, rho, nu


# --- a chain of quotes -------------------------------------------------------------------------


def _chain(path: Path) -> Quotes:
    """Put the rows of a chain together: what rows say of the same thing has to be the same."""
    said: dict[tuple[str, ...], tuple[str, float]] = {}
    smiles: dict[tuple[str, int], dict[float, float]] = {}

    def refuse(fault: RowFault) -> None:
        raise InputError(f"{fault} (a market is read whole or not at all)")

    for row in read_rows(path, CHAIN, refuse):
        try:
            _take(row, said, smiles)
        except CellError as error:
            refuse(RowFault(str(path), row.number, error.column, error.value, error.allowed))
    numbers = {key: value for key, (_, value) in said.items()}
    names = dict.fromkeys(name for name, _ in smiles)
    return Quotes(
        as_of_ns=int(numbers["as_of",]),
        reporting=REPORTING,
        assets={},
        underlyings={
            name: Underlying(
                spot=numbers["spot", name],
                rate=numbers.get(("rate", name), 0.0),
                expiries={
                    expiry: Slice(
                        forward=numbers["forward", name, str(expiry)],
                        strikes=tuple(sorted(smile)),
                        vols=tuple(smile[strike] for strike in sorted(smile)),
                    )
                    for (owner, expiry), smile in smiles.items()
                    if owner == name
                },
            )
            for name in names
        },
    )


def _take(
    row: Row,
    said: dict[tuple[str, ...], tuple[str, float]],
    smiles: dict[tuple[str, int], dict[float, float]],
) -> None:
    """Take one quote."""
    cells, name = row.cells, row.text("underlying")
    expiry = _instant("expiry", cells["expiry"])
    values: dict[tuple[str, ...], float] = {
        ("as_of",): _instant("as_of", cells["as_of"]),
        ("spot", name): _above_zero("spot", cells["spot"]),
        ("forward", name, str(expiry)): _above_zero("forward", cells["forward"]),
    }
    if cells.get("rate"):
        values["rate", name] = number("rate", cells["rate"], -RATE_MAX, RATE_MAX)
    for key, value in values.items():
        text = cells[key[0]]
        before, known = said.setdefault(key, (text, value))
        if known != value:
            raise CellError(key[0], text, f"{before}, as an earlier row says")
    strike, vol = _above_zero("strike", cells["strike"]), number("vol", cells["vol"], 0.0)
    smile = smiles.setdefault((name, expiry), {})
    if smile.setdefault(strike, vol) != vol:
        raise CellError("vol", cells["vol"], f"{smile[strike]!r}, as an earlier row says")


# --- values of either --------------------------------------------------------------------------


def _above_zero(column: str, value: str) -> float:
    found = number(column, value, 0.0)
    if found == 0.0:
        raise CellError(column, value, "more than zero")
    return found


def _instant(place: str, value: object) -> int:
    if isinstance(value, datetime) and value.tzinfo is not None:
        value = value.astimezone(UTC).isoformat()
    try:
        return parse_instant(value if isinstance(value, str) else "")
    except InputError as error:
        allowed = "ISO 8601 with a zone, for example 2026-06-26T08:00:00Z"
        raise CellError(place, str(value)[:80], allowed) from error


def _float(place: str, value: object, least: float, most: float = NUMBER_MAX) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise CellError(place, str(value)[:80], "a number")
    if not least <= value <= most:
        is_short = isinstance(value, float) or abs(value) < 10**80
        text = str(value) if is_short else "beyond 1e80"
        raise CellError(place, text, f"a number from {least:g} to {most:g}")
    return float(value)


def _floats(place: str, values: object) -> tuple[float, ...]:
    listed = _list(place, values, "numbers")
    return tuple(_float(f"{place}[{k}]", value, 0.0) for k, value in enumerate(listed))


def _list(place: str, values: object, of: str) -> list[Any]:
    if not isinstance(values, list):
        raise CellError(place, str(values)[:80], f"a list of {of}")
    return values


def _positive(place: str, table: Mapping[str, Any], name: str) -> float:
    return _float(place, table.get(name), PRICE_MIN)


def _table(place: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise CellError(place, str(value)[:80], "a table")
    return value


def _require_known(place: str, table: Mapping[str, Any], known: set[str]) -> None:
    for name in table:
        if name not in known:
            raise CellError(f"{place}.{name}".lstrip("."), name, ", ".join(sorted(known)))
