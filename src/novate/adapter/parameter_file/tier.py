"""Margin tiers: checked rows, and the import of a venue's table.

Margin of a notional in tier k is ``notional * rate_k - deduction_k``.  The deductions make margin
continuous at the tier floors: ``deduction_k = deduction_(k-1) + floor_k * (rate_k - rate_(k-1))``
with ``deduction_0 = 0``.  A table that breaks this rule has a typing error in it and is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from novate.errors import InputError
from novate.units import AMOUNT_MAX, NUMERAIRE_DECIMALS, PPM, format_decimal, parse_decimal

TIERS_MAX = 16
LEVERAGE_MAX = 1_000
FIELDS = ("floor", "cap", "maintenance_rate", "max_leverage", "deduction")
VENUE_COLUMNS = {
    "floor": "minNotional",
    "cap": "maxNotional",
    "maintenance_rate": "maintenanceMarginRate",
    "max_leverage": "maxLeverage",
    "deduction": "cum",
}


def check_tiers(rows: Any, where: str) -> list[dict[str, int]]:
    """Return tier rows as integers, ascending.

    Parameters
    ----------
    rows
        Rows with ``floor, cap, maintenance_rate, max_leverage, deduction`` as decimal text.
    where
        Name of the table for messages.

    Returns
    -------
    list of dict
        ``floor, cap, deduction`` in numeraire units (6 decimals), ``maintenance_ppm``,
        ``initial_ppm`` (1 / leverage, rounded up) and ``max_leverage``.

    Raises
    ------
    InputError
        If there are no rows or too many, a key is missing or unknown, tiers do not join, rates
        fall, initial margin is below maintenance margin, or a deduction breaks continuity.
    """
    if not isinstance(rows, list) or not 1 <= len(rows) <= TIERS_MAX:
        count = len(rows) if isinstance(rows, list) else 0
        raise InputError(f"{where}: {count} tiers; allowed: a list of 1 to {TIERS_MAX} rows")
    checked: list[dict[str, int]] = []
    for number, row in enumerate(rows, start=1):
        place = f"{where}, tier {number}"
        tier = _tier(row, place)
        _check_join(tier, checked[-1] if checked else None, place)
        checked.append(tier)
    return checked


def _tier(row: Any, place: str) -> dict[str, int]:
    if not isinstance(row, Mapping) or set(row) != set(FIELDS):
        keys = sorted(row) if isinstance(row, Mapping) else row
        raise InputError(f"{place}: keys {keys}; allowed: exactly {list(FIELDS)}")
    floor, cap, deduction = (
        _number(row, key, NUMERAIRE_DECIMALS, (0, AMOUNT_MAX), place)
        for key in ("floor", "cap", "deduction")
    )
    rate = _number(row, "maintenance_rate", 6, (1, PPM - 1), place)
    leverage = _number(row, "max_leverage", 0, (1, LEVERAGE_MAX), place)
    initial = -(-PPM // leverage)
    if floor >= cap:
        raise InputError(f"{place}, cap: {row['cap']!r}; allowed: more than floor {row['floor']}")
    if initial < rate:
        raise InputError(
            f"{place}, max_leverage: {leverage}; allowed: initial margin 1 / leverage of at least "
            f"the maintenance rate {row['maintenance_rate']}"
        )
    return {
        "floor": floor,
        "cap": cap,
        "maintenance_ppm": rate,
        "initial_ppm": initial,
        "max_leverage": leverage,
        "deduction": deduction,
    }


def _number(
    row: Mapping[str, Any], key: str, decimals: int, limits: tuple[int, int], place: str
) -> int:
    minimum, maximum = limits
    allowed = f"decimal text, {format_decimal(minimum, decimals)} to " + format_decimal(
        maximum, decimals
    )
    if not isinstance(row[key], str):
        raise InputError(f"{place}, {key}: {row[key]!r}; allowed: {allowed}")
    try:
        value = parse_decimal(row[key], decimals)
    except InputError as error:
        raise InputError(f"{place}, {key}: {row[key]!r}; allowed: {allowed}") from error
    if not minimum <= value <= maximum:
        raise InputError(f"{place}, {key}: {row[key]!r}; allowed: {allowed}")
    return value


def _check_join(tier: dict[str, int], below: dict[str, int] | None, place: str) -> None:
    floor = below["cap"] if below else 0
    if tier["floor"] != floor:
        raise InputError(
            f"{place}, floor: {format_decimal(tier['floor'], NUMERAIRE_DECIMALS)}; allowed: "
            f"{format_decimal(floor, NUMERAIRE_DECIMALS)}, where the tier below ends"
        )
    rate = below["maintenance_ppm"] if below else tier["maintenance_ppm"]
    if tier["maintenance_ppm"] < rate:
        raise InputError(
            f"{place}, maintenance_rate: {tier['maintenance_ppm']} ppm; allowed: at least {rate}"
        )
    step = tier["floor"] * (tier["maintenance_ppm"] - rate)
    wanted = (below["deduction"] if below else 0) * PPM + step
    if tier["deduction"] * PPM != wanted:
        raise InputError(
            f"{place}, deduction: {format_decimal(tier['deduction'], NUMERAIRE_DECIMALS)}; "
            f"allowed: {format_decimal(wanted, 2 * NUMERAIRE_DECIMALS)}, which makes margin "
            "continuous at the floor"
        )


def load_tiers(path: Path | str, symbol: str) -> list[dict[str, str]]:
    """Read the tiers of one contract from a venue's table.

    Parameters
    ----------
    path
        Parquet with ``symbol, tier, minNotional, maxNotional, maintenanceMarginRate,
        maxLeverage, cum``.
    symbol
        The table's name of the contract, such as ``BTC/USDT:USDT``.

    Returns
    -------
    list of dict
        Rows as in a parameter file: decimal texts, ascending, accepted by `check_tiers`.

    Raises
    ------
    InputError
        If the file cannot be read, lacks a column or the symbol, or holds unusable tiers.
    """
    columns = ["symbol", "tier", *VENUE_COLUMNS.values()]
    try:
        with pq.ParquetFile(Path(path)) as file:
            table = file.read()
    except (OSError, pa.ArrowException) as error:
        raise InputError(
            f"{path}: not readable as Parquet ({error}); allowed: a complete Parquet file"
        ) from error
    missing = [name for name in columns if name not in table.column_names]
    if missing:
        raise InputError(f"{path}: columns missing: {missing}; found: {table.column_names}")
    chosen = table.filter(pc.equal(table["symbol"].cast(pa.string()), symbol))
    if chosen.num_rows == 0:
        raise InputError(f"{path}: symbol {symbol!r}; allowed: one that is in the file")
    rows = []
    for record in sorted(chosen.to_pylist(), key=lambda record: record["tier"] or 0):
        row = {key: _plain(record[column]) for key, column in VENUE_COLUMNS.items()}
        rows.append(row)
    check_tiers(rows, f"{path}, {symbol}")
    return rows


def _plain(value: float | None) -> str:
    """Return a float's shortest decimal text without exponent; other text stays as it is."""
    try:
        units = parse_decimal(repr(value), 8, limit=10**30)
    except InputError:
        return repr(value)
    whole, fraction = format_decimal(units, 8).split(".")
    return f"{whole}.{fraction}".rstrip("0").rstrip(".")


def tier_page(
    tables: Mapping[str, tuple[str, Sequence[Mapping[str, str]]]], source: str, as_of: str
) -> str:
    """Return tier tables as the text of a parameter file.

    Parameters
    ----------
    tables
        (venue's symbol, rows) by table name.
    source, as_of
        Where the numbers were read, and which state of the venue they show.
    """
    parts = []
    for name, (symbol, rows) in tables.items():
        head = (
            f'[tiers.{name}]\nsource = "{source}"\nas_of = "{as_of}"\nsymbol = "{symbol}"\nrows = ['
        )
        lines = [
            "  { " + ", ".join(f'{field} = "{row[field]}"' for field in FIELDS) + " },"
            for row in rows
        ]
        parts.append("\n".join((head, *lines, "]")))
    return "\n\n".join(parts) + "\n"
