"""Columns of text, floats or times to exact integers, with the cells that failed.

The common case is vectorised: Arrow writes a float64 as its shortest decimal text and reads a
decimal text into a 128-bit integer, both exactly.  Every other spelling goes through
`novate.units.parse_decimal`, cell by cell, with the same result.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from novate.errors import InputError
from novate.units import (
    INSTANT_MAX,
    INSTANT_SCALE,
    Rounding,
    format_decimal,
    parse_decimal,
    parse_zoned_instant,
)

I64 = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

UTC_NAMES = frozenset({"UTC", "Etc/UTC", "GMT", "Z", "+00:00"})

# Integers since 1970 show their unit by their size: each range is 2001 to 2261 in that unit, and
# the ranges do not touch.
_UNIT_RANGE = {
    unit: (10**18 // scale, INSTANT_MAX // scale)
    for unit, scale in INSTANT_SCALE.items()
    if unit != "s"
}


@dataclass(frozen=True, slots=True)
class Scaled:
    """Integers of a column.

    Attributes
    ----------
    values
        Int64 ``[n]``; zero where the cell is absent or failed.
    is_present
        Bool ``[n]``: the cell is not null.
    faults
        (value, allowed) of each failed cell, by position.
    """

    values: I64
    is_present: Mask
    faults: dict[int, tuple[str, str]]


def _as_text(file: str, column: str, array: pa.Array) -> pa.Array:
    kind = array.type
    is_number = pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind)
    if is_number or pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return pc.cast(array, pa.string())
    if pa.types.is_null(kind):
        return pa.nulls(len(array), pa.string())
    message = f"{file}, {column}: column type {kind}; allowed: numbers or decimal text"
    raise InputError(message)


def scale_column(
    file: str,
    column: str,
    array: pa.Array,
    bounds: tuple[int, int],
    rounding: Rounding = Rounding.EXACT,
) -> Scaled:
    """Return a column as integers in units of 1e-8.

    Parameters
    ----------
    file, column
        Names for the message when the whole column has an unusable type.
    array
        Floats (by their shortest decimal text), integers, decimals or text.
    bounds
        Smallest and largest value accepted, inclusive, in units of 1e-8.
    rounding
        Rule for digits beyond the eighth decimal.

    Raises
    ------
    InputError
        If the column's type is neither a number nor text.
    """
    text = _as_text(file, column, array)
    count = len(text)
    values = np.zeros(count, np.int64)
    is_present = np.asarray(pc.is_valid(text), dtype=np.bool_)
    plain = pc.match_substring_regex(text, r"^-?[0-9]{1,10}(\.[0-9]{1,8})?$")
    is_plain = np.asarray(pc.fill_null(plain, False), dtype=np.bool_)
    if is_plain.any():
        exact = pc.cast(text.filter(pa.array(is_plain)), pa.decimal128(38, 8))
        # 18 digits fit into the lower 64-bit word of each 128-bit integer.
        words = np.frombuffer(exact.buffers()[1], np.int64).reshape(-1, 2)
        values[is_plain] = words[exact.offset : exact.offset + len(exact), 0]
    minimum, maximum = bounds
    allowed = f"{format_decimal(minimum, 8)} to {format_decimal(maximum, 8)}, 8 decimals"
    faults: dict[int, tuple[str, str]] = {}
    for position in np.flatnonzero(is_present & ~is_plain):
        cell = text[position].as_py()
        try:
            values[position] = parse_decimal(cell, 8, rounding=rounding)
        except InputError:
            faults[int(position)] = (cell, allowed)
    outside = is_present & ((values < minimum) | (values > maximum))
    for position in np.flatnonzero(outside):
        faults.setdefault(int(position), (text[position].as_py(), allowed))
        values[position] = 0
    return Scaled(values, is_present, faults)


def instant_column(file: str, column: str, array: pa.Array) -> Scaled:
    """Return a column of times as nanoseconds since 1970 UTC.

    Integers (and text that is all digits) are milliseconds, microseconds or nanoseconds, told
    apart by their size; text is ISO 8601 with a zone; Arrow timestamps must carry UTC.

    Raises
    ------
    InputError
        If times have no zone, or one file uses two zones, two integer units, or two spellings.
    """
    kind = array.type
    if pa.types.is_timestamp(kind):
        return _from_timestamps(file, column, array)
    if pa.types.is_integer(kind):
        return _from_integers(file, column, [cell.as_py() for cell in array])
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        message = f"{file}, {column}: column type {kind}; allowed: UTC times, integers or text"
        raise InputError(message)
    texts: list[str | None] = array.to_pylist()
    is_count = [text.isascii() and text.isdigit() for text in texts if text is not None]
    if all(is_count):
        return _from_integers(file, column, [None if t is None else int(t[:24]) for t in texts])
    if any(is_count):
        message = f"{file}, {column}: integers and ISO 8601 text are mixed; allowed: one of them"
        raise InputError(message)
    return _from_texts(file, column, texts)


def _from_timestamps(file: str, column: str, array: pa.Array) -> Scaled:
    zone = array.type.tz
    if zone not in UTC_NAMES:
        message = f"{file}, {column}: time zone {zone!r}; allowed: UTC"
        raise InputError(message)
    is_present = np.asarray(pc.is_valid(array), dtype=np.bool_)
    try:
        nanoseconds = pc.cast(array, pa.timestamp("ns", tz="UTC")).cast(pa.int64())
    except pa.ArrowInvalid as error:
        message = f"{file}, {column}: {error}; allowed: 1970-01-01 to 2261-12-31 UTC"
        raise InputError(message) from error
    values = np.asarray(pc.fill_null(nanoseconds, 0), dtype=np.int64).copy()
    return _bounded(values, is_present, {})


def _bounded(values: I64, is_present: Mask, faults: dict[int, tuple[str, str]]) -> Scaled:
    outside = is_present & ((values < 0) | (values >= INSTANT_MAX))
    for position in np.flatnonzero(outside):
        faults[int(position)] = (str(values[position]), "1970-01-01 to 2261-12-31 UTC")
        values[position] = 0
    for position in np.flatnonzero(~is_present):
        faults[int(position)] = ("", "a time")
    return Scaled(values, is_present, faults)


def _unit_of(count: int) -> str | None:
    for unit, (minimum, maximum) in _UNIT_RANGE.items():
        if minimum <= count < maximum:
            return unit
    return None


def _from_integers(file: str, column: str, counts: list[int | None]) -> Scaled:
    units = {unit for count in counts if count is not None and (unit := _unit_of(count))}
    if len(units) > 1:
        message = f"{file}, {column}: units {sorted(units)} are mixed; allowed: one unit per file"
        raise InputError(message)
    scale = INSTANT_SCALE[units.pop()] if units else 1
    faults: dict[int, tuple[str, str]] = {}
    values = np.zeros(len(counts), np.int64)
    for position, count in enumerate(counts):
        if count is None:
            continue
        if _unit_of(count) is None:
            allowed = "ms, us or ns since 1970 UTC, 2001 to 2261"
            faults[position] = (str(count), allowed)
        else:
            values[position] = count * scale
    is_present = np.array([count is not None for count in counts], np.bool_)
    return _bounded(values, is_present, faults)


def _is_naive(text: str) -> bool:
    """Tell whether only the zone is missing."""
    try:
        parse_zoned_instant(text + "Z")
    except InputError:
        return False
    return True


def _from_texts(file: str, column: str, texts: list[str | None]) -> Scaled:
    faults: dict[int, tuple[str, str]] = {}
    values = np.zeros(len(texts), np.int64)
    offsets: dict[int, str] = {}
    for position, text in enumerate(texts):
        if text is None:
            continue
        try:
            values[position], offset = parse_zoned_instant(text)
        except InputError as error:
            if _is_naive(text):
                message = f"{file}, {column}: {text!r} has no zone; allowed: Z or one UTC offset"
                raise InputError(message) from error
            faults[position] = (text, "ISO 8601 such as 2021-05-19T12:00:00Z")
        else:
            offsets.setdefault(offset, text)
    if len(offsets) > 1:
        examples = list(offsets.values())[:2]
        message = f"{file}, {column}: time zones are mixed: {examples}; allowed: one per file"
        raise InputError(message)
    is_present = np.array([text is not None for text in texts], np.bool_)
    return _bounded(values, is_present, faults)
