"""How a message is declared: once, and dtype, bytes, schema and documentation follow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np

from novate.canonical import Run
from novate.errors import InputError, require

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


Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
"""Makes the columns of a version, by name, from those of the version before."""


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a message: name, dtype (``TEXT`` or a NumPy dtype name), unit and meaning.

    ``since`` is the version of the message that added it, ``default`` what it is in older rows.
    """

    name: str
    dtype: str
    doc: str
    since: int = 1
    default: Any = None


@dataclass(frozen=True, slots=True, eq=False)
class Message:
    """A command or an event: its columns, in the order in which they are encoded.

    There is one object of each: it is found by identity, not by comparing fields.

    Attributes
    ----------
    name, version, fields, doc
        Name for ever, present version from 1, present columns, meaning.
    renamed
        By version: the columns that it renamed, old name to new name.  An empty mapping says that
        the columns stayed as they were and only what the message does is new.
    upcasters
        By version: a function in the place of renames and defaults, where those do not suffice.

    Raises
    ------
    InvariantError
        If a version after the first does not say what it changed.
    """

    name: str
    version: int
    fields: tuple[Field, ...]
    doc: str
    renamed: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    upcasters: Mapping[int, Upcaster] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check that every version can be reached from the one before."""
        added = {column.since for column in self.fields}
        told = added | set(self.renamed) | set(self.upcasters)
        versions = set(range(1, self.version + 1))
        missing = sorted(versions - told - {1})
        require(not missing, f"{self.name}: every version says what it changed, not {missing}")
        beyond = sorted(told - versions)
        require(not beyond, f"{self.name} has version {self.version}, it names {beyond}")
        for version, names in self.renamed.items():
            require(
                version > 1 and version not in self.upcasters,
                f"{self.name}: version {version} either renames or has a function",
            )
            present = {self.name_in(version, column) for column in self.fields}
            strange = sorted(set(names.values()) - present)
            is_last = not any(later > version for later in self.upcasters)
            require(not strange or not is_last, f"{self.name}: {strange} is renamed to a column")
        for column in self.fields:
            is_filled = column.since == 1 or column.default is not None
            require(
                is_filled or column.since in self.upcasters,
                f"{self.name}.{column.name}: a column added later has a default",
            )

    def name_in(self, version: int, column: Field) -> str:
        """Return what a column was called in a version, from ``column.since`` on."""
        name = column.name
        for later in range(self.version, version, -1):
            for old, new in self.renamed.get(later, {}).items():
                if new == name:
                    name = old
                    break
        return name

    def run(self, columns: Mapping[str, Any]) -> Run:
        """Build a run from columns of equal length.

        Raises
        ------
        InputError
            If a column is missing, unknown, of another length, or does not fit its dtype.
        """
        taken: list[tuple[str, Any]] = []
        rows = -1
        for column in self.fields:
            if column.name not in columns:
                self._refuse_unknown(columns)
                raise InputError(f"{self.name}: column {column.name!r} is missing")
            values = _column(self.name, column, columns[column.name])
            if rows not in (-1, len(values)):
                raise InputError(
                    f"{self.name}.{column.name}: {len(values)} rows where {rows} are expected"
                )
            rows = len(values)
            taken.append((column.name, values))
        if len(columns) != len(taken):
            self._refuse_unknown(columns)
        return Run(self.name, self.version, max(rows, 0), tuple(taken))

    def _refuse_unknown(self, columns: Mapping[str, Any]) -> None:
        """Refuse columns that the message does not have."""
        unknown = set(columns) - {column.name for column in self.fields}
        if unknown:
            raise InputError(f"{self.name}: unknown column {sorted(unknown)}")

    def row(self, **values: Any) -> Run:
        """Build a run of one row."""
        return self.run({name: [value] for name, value in values.items()})


def declare(name: str, doc: str, *fields: Field, version: int = 1, **history: Any) -> Message:
    """Return the declaration of a message: its name, its meaning, and its columns in order.

    ``history`` says what each version after the first changed, see `Message`.
    """
    return Message(name, version, fields, doc, **history)


_NUMBERS = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float64"
_DTYPES = {name: np.dtype(name) for name in _NUMBERS.split()}
_BOUNDS = {
    name: (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))
    for name, dtype in _DTYPES.items()
    if dtype.kind in "iu"
}


def _fits(values: list[Any], low: int, high: int) -> bool:
    """Whether all are plain integers within bounds: the common case of a row of an event."""
    if not values:
        return True
    return set(map(type, values)) == {int} and low <= min(values) and max(values) <= high


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
