"""How a message is declared: once, and dtype, bytes, schema and documentation follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np

from novate.canonical import Run
from novate.errors import InputError

TEXT = "text"

Row: TypeAlias = dict[str, Any]
"""Values of a message by column: of one row, or of all rows where columns are asked for."""


class Refusal(NamedTuple):
    """Why a command may not proceed: code of its enum, the number that broke, the one allowed."""

    code: int
    actual: int
    allowed: int


class Emit(Protocol):
    """Journals an event and applies it to the state at once."""

    def __call__(self, message: Message, /, **values: Any) -> None:
        """Take one row of an event."""

    def columns(self, message: Message, /, **columns: Any) -> None:
        """Take many rows of an event."""

    def booked(self, message: Message, /, **columns: Any) -> None:
        """Take rows of an event that its kernel has applied already."""


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a message: name, dtype (``TEXT`` or a NumPy dtype name), unit and meaning."""

    name: str
    dtype: str
    doc: str


@dataclass(frozen=True, slots=True, eq=False)
class Message:
    """A command or an event: its columns, in the order in which they are encoded.

    There is one object of each: it is found by identity, not by comparing fields.
    """

    name: str
    version: int
    fields: tuple[Field, ...]
    doc: str

    def run(self, columns: Mapping[str, Any]) -> Run:
        """Build a run from columns of equal length.

        Raises
        ------
        InputError
            If a column is missing, unknown, of another length, or does not fit its dtype.
        """
        unknown = set(columns) - {field.name for field in self.fields}
        if unknown:
            raise InputError(f"{self.name}: unknown column {sorted(unknown)}")
        taken: list[tuple[str, Any]] = []
        rows = -1
        for field in self.fields:
            if field.name not in columns:
                raise InputError(f"{self.name}: column {field.name!r} is missing")
            column = _column(self.name, field, columns[field.name])
            if rows not in (-1, len(column)):
                raise InputError(
                    f"{self.name}.{field.name}: {len(column)} rows where {rows} are expected"
                )
            rows = len(column)
            taken.append((field.name, column))
        return Run(self.name, self.version, max(rows, 0), tuple(taken))

    def row(self, **values: Any) -> Run:
        """Build a run of one row."""
        return self.run({name: [value] for name, value in values.items()})


def declare(name: str, doc: str, *fields: Field, version: int = 1) -> Message:
    """Return the declaration of a message: its name, its meaning, and its columns in order."""
    return Message(name, version, fields, doc)


_NUMBERS = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float64"
_DTYPES = {name: np.dtype(name) for name in _NUMBERS.split()}
_BOUNDS = {
    name: (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))
    for name, dtype in _DTYPES.items()
    if dtype.kind in "iu"
}


def _fits(values: list[Any], low: int, high: int) -> bool:
    """Whether all are plain integers within bounds: the common case of a row of an event."""
    return all(type(value) is int and low <= value <= high for value in values)


def _column(message: str, field: Field, values: Any) -> Any:
    """Convert one column, refusing what does not fit exactly."""
    if field.dtype == TEXT:
        texts = tuple(values)
        for text in texts:
            if not isinstance(text, str):
                raise InputError(f"{message}.{field.name}: {text!r} is not text")
        return texts
    dtype = _DTYPES[field.dtype]
    if isinstance(values, np.ndarray) and values.dtype == dtype:
        return np.ascontiguousarray(values)
    if dtype.kind in "iu" and type(values) is list and _fits(values, *_BOUNDS[field.dtype]):
        return np.array(values, dtype)
    given = np.asarray(values)
    if given.size == 0:
        return np.empty(0, dtype)
    kinds = "iub" if dtype.kind in "iu" else "iubf"
    if given.dtype.kind not in kinds:
        raise InputError(f"{message}.{field.name}: {given.dtype} where {dtype} is expected")
    if dtype.kind in "iu":
        bounds = np.iinfo(dtype)
        low, high = int(given.min()), int(given.max())
        if low < bounds.min or high > bounds.max:
            bad = low if low < bounds.min else high
            raise InputError(
                f"{message}.{field.name}: {bad} is outside {bounds.min} .. {bounds.max}"
            )
    return np.ascontiguousarray(given.astype(dtype))


def columns_of(run: Run) -> dict[str, Any]:
    """Return the columns of a run by name."""
    return dict(run.columns)


def rows_of(run: Run) -> Sequence[dict[str, Any]]:
    """Return the rows of a run as dicts of Python values (for rare, scalar messages)."""
    names = [name for name, _ in run.columns]
    lists = [
        list(column) if isinstance(column, tuple) else column.tolist() for _, column in run.columns
    ]
    return [dict(zip(names, values, strict=True)) for values in zip(*lists, strict=True)]
