"""One byte form for batches, the hash chain over them, and the digests of state.

Three digests are never confused.  The *record hash* chains the journal: it covers the hash before,
the head and the body of one batch.  The *state digest* covers columns in memory.  The *command
digest* tells whether a batch that came back under the same key is the same batch.

A body is laid out so that a reader points into it instead of copying::

    offset 0   8 bytes   tag b"nvt1", length of the header as little-endian uint32
           8   header    msgpack: for commands, then for events, a list of
                         [name, version, rows, [[field, kind, texts or nil], ...]]
           .   zeros up to the next multiple of 8
           .   one little-endian buffer for each numeric column, in header order, each followed
               by zeros up to a multiple of 8

Text columns (kind ``str``) lie in the header.  Exactly one body exists for given runs: integers
have their shortest msgpack form, padding is zero, a boolean is the byte 0 or 1, zero has no minus
sign and NaN does not occur.  ``decode_runs`` refuses everything else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from novate.errors import JournalError

Column = NDArray[Any] | tuple[str, ...]

HASH_BYTES = 32
GENESIS = bytes(HASH_BYTES)  # stands for the record before the first one
ORIGIN_EXTERNAL, ORIGIN_ENGINE, ORIGIN_LINKED = 0, 1, 2

_TAG, _ALIGNMENT = b"nvt1", 8
_PADDING = tuple(bytes(-length % _ALIGNMENT) for length in range(_ALIGNMENT))
_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1
_UINT32_MAX = 2**32 - 1
_TEXT = "str"
_DTYPES = {
    "bool": np.dtype("|b1"),
    "int8": np.dtype("|i1"),
    "int16": np.dtype("<i2"),
    "int32": np.dtype("<i4"),
    "int64": np.dtype("<i8"),
    "uint8": np.dtype("|u1"),
    "uint16": np.dtype("<u2"),
    "uint32": np.dtype("<u4"),
    "uint64": np.dtype("<u8"),
    "float64": np.dtype("<f8"),
}
_KINDS = {dtype: kind for kind, dtype in _DTYPES.items()}

_FieldHeader = tuple[str, str, tuple[str, ...] | None]
_RunHeader = tuple[str, int, int, tuple[_FieldHeader, ...]]
_BodyHeader = tuple[tuple[_RunHeader, ...], tuple[_RunHeader, ...]]
_header_decoder = msgspec.msgpack.Decoder(_BodyHeader)


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """Consecutive rows of one message type.

    Two runs are equal when their canonical bytes are.

    Attributes
    ----------
    name, version
        Message type, for example ``"SubmitTrade"``, and its version, from 1.
    rows
        Number of rows, from 0.
    columns
        Pairs (field, values) in declaration order.  Values are a 1-D array of ``rows`` elements
        (bool, int8..int64, uint8..uint64 or float64; units are those of the message's declaration)
        or ``rows`` texts.
    """

    name: str
    version: int
    rows: int
    columns: tuple[tuple[str, Column], ...]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Run):
            return NotImplemented
        return encode_runs((self,), ()) == encode_runs((other,), ())

    __hash__ = None  # type: ignore[assignment]  # columns are arrays


@dataclass(frozen=True, slots=True)
class Record:
    """One journaled batch.

    Attributes
    ----------
    sequence
        Dense, from 1.
    instant_ns
        Journal time of the batch, nanoseconds since 1970 UTC.
    engine_version
        Version of the deciding engine, from 0.
    origin
        0 when the commands came from outside, 1 from the engine, 2 from outside, all or none.
    source, source_sequence
        Name of the bulk source and its own number of the batch, from 1; empty and 0 without one.
    previous
        Hash of the record before, 32 bytes; zeros for the first record.
    body
        Commands and events in the form of ``encode_runs``.
    hash
        SHA-256 over ``previous``, the msgpack head and ``body``, 32 bytes.
    """

    sequence: int
    instant_ns: int
    engine_version: int
    origin: int
    source: str
    source_sequence: int
    previous: bytes
    body: bytes
    hash: bytes


def encode_runs(commands: Sequence[Run], events: Sequence[Run]) -> bytes:
    """Write commands and events as one canonical body.

    Parameters
    ----------
    commands, events
        Runs in the order in which they were decided.  Arrays of another byte order or with strides
        are converted; minus zero is written as zero.

    Returns
    -------
    bytes
        The body described at the top of the module.

    Raises
    ------
    JournalError
        If a name is empty or repeated, a length differs from ``rows``, an element type is not
        allowed, a float is NaN, or a text cannot be written as UTF-8.
    """
    buffers: list[NDArray[Any]] = []
    header: _BodyHeader = (
        tuple(_run_header(run, buffers) for run in commands),
        tuple(_run_header(run, buffers) for run in events),
    )
    packed = _pack(header, "a name or text of the batch")
    size = len(packed)
    _hold(size <= _UINT32_MAX, f"header of {size} bytes, at most {_UINT32_MAX}")
    parts: list[Any] = [_TAG, size.to_bytes(4, "little"), packed, _PADDING[size % _ALIGNMENT]]
    for buffer in buffers:
        parts += (buffer, _PADDING[buffer.nbytes % _ALIGNMENT])
    return b"".join(parts)


def decode_runs(body: bytes) -> tuple[list[Run], list[Run]]:
    """Read a body back without copying its numeric columns.

    Parameters
    ----------
    body
        Bytes made by ``encode_runs``.

    Returns
    -------
    tuple of list of Run
        Commands, events.  Arrays are read-only views into ``body``, aligned to 8 bytes.

    Raises
    ------
    JournalError
        If ``encode_runs`` cannot have written the body: wrong tag, truncated, left-over bytes,
        unknown element type, length that differs from ``rows``, or a value with another form.
    """
    _hold(body[:4] == _TAG, f"body starts with {bytes(body[:4])!r}, {_TAG!r} is expected")
    length = int.from_bytes(body[4:_ALIGNMENT], "little")
    packed = body[_ALIGNMENT : _ALIGNMENT + length]
    _hold(len(packed) == length, f"header of {length} bytes in a body of {len(body)} bytes")
    try:
        header = _header_decoder.decode(packed)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        message = f"header cannot be read: {error}"
        raise JournalError(message) from error
    _hold(msgspec.msgpack.encode(header) == packed, "header is not in its shortest form")
    reader = _Reader(body, _ALIGNMENT + length)
    commands, events = ([_read_run(reader, run) for run in side] for side in header)
    _hold(reader.offset == len(body), f"columns end at byte {reader.offset} of {len(body)} bytes")
    return commands, events


def command_digest(runs: Sequence[Run]) -> bytes:
    """Identify the commands of a batch.

    Parameters
    ----------
    runs
        Command runs in order.

    Returns
    -------
    bytes
        SHA-256 of their canonical bytes, 32 bytes.

    Raises
    ------
    JournalError
        As ``encode_runs``.
    """
    return hashlib.sha256(encode_runs(runs, ())).digest()


def digest_columns(items: Iterable[tuple[str, NDArray[Any]]]) -> bytes:
    """Digest columns in memory: the state digest.

    Parameters
    ----------
    items
        Pairs (name, array of any shape) in a fixed order; the order is part of the digest.  Only
        elements in use belong here: capacity is not state.  Unlike in the journal a float may be
        NaN ("no value yet"); all NaN count as the same one, and minus zero as zero.

    Returns
    -------
    bytes
        SHA-256 over names, element types, shapes and little-endian bytes, 32 bytes.

    Raises
    ------
    JournalError
        If a name is repeated or an element type is not allowed.
    """
    digest = hashlib.sha256()
    seen: set[str] = set()
    for name, values in items:
        _hold(name not in seen, f"column {name!r} is digested twice")
        seen.add(name)
        kind, plain = _little_endian(name, values)
        if kind == "float64":
            plain = np.where(np.isnan(plain), np.nan, plain + 0.0)
        digest.update(_pack((name, kind, plain.shape), f"column name {name!r}"))
        digest.update(plain.reshape(-1).data)
    return digest.digest()


def seal(  # noqa: PLR0913 - the fields of one record, by keyword
    *,
    sequence: int,
    instant_ns: int,
    engine_version: int,
    previous: bytes,
    body: bytes,
    origin: int = ORIGIN_EXTERNAL,
    source: str = "",
    source_sequence: int = 0,
) -> Record:
    """Make the record that follows the record with hash ``previous``.

    Parameters
    ----------
    sequence, instant_ns, engine_version, previous, body, origin, source, source_sequence
        As in ``Record``.

    Returns
    -------
    Record
        With its hash.

    Raises
    ------
    JournalError
        If a value is outside the range given at ``Record``.
    """
    head = (sequence, instant_ns, engine_version, origin, source, source_sequence)
    record = Record(*head, previous, body, GENESIS)
    _check_record(record)  # before the hash, so that errors name the value
    object.__setattr__(record, "hash", _record_hash(record))  # nobody else has seen it yet
    return record


def check_chain(
    records: Iterable[Record], head: tuple[int, bytes] = (0, GENESIS)
) -> tuple[int, bytes]:
    """Check that records continue a chain, and every hash in it.

    Parameters
    ----------
    records
        Records in order.
    head
        (sequence, hash) of the record before the first one; by default the start of a journal.

    Returns
    -------
    tuple of int and bytes
        Sequence and hash of the last record; ``head`` when there is none.

    Raises
    ------
    JournalError
        Naming the first sequence that is missing, out of order, unlinked or altered.
    """
    for record in records:
        head = check_links((record,), head)
        is_intact = record.hash == _record_hash(record)
        _hold(is_intact, f"record {record.sequence} is altered: its hash differs")
    return head


def check_links(
    records: Iterable[Record], head: tuple[int, bytes] = (0, GENESIS)
) -> tuple[int, bytes]:
    """Check and return what ``check_chain`` does, apart from the hash over each body.

    For records that ``seal`` has just made: to hash a large body again would be slow.

    Raises
    ------
    JournalError
        Naming the first sequence that is missing, out of order, unlinked, or out of range.
    """
    sequence, previous = head
    for record in records:
        found = record.sequence
        if found != sequence + 1:
            raise JournalError(f"record {sequence + 1} is missing: {found!r} is in its place")
        _check_record(record)
        if record.previous != previous:
            raise JournalError(f"record {record.sequence} does not continue record {sequence}")
        sequence, previous = record.sequence, record.hash
    return sequence, previous


def _hold(condition: bool, message: str) -> None:
    """Refuse the journal unless the condition holds; the message says what was found instead."""
    if not condition:
        raise JournalError(message)


def _pack(value: object, what: str) -> bytes:
    """Write msgpack; only text with lone surrogates has no such form."""
    try:
        return msgspec.msgpack.encode(value)
    except UnicodeEncodeError as error:
        message = f"{what} is not UTF-8: {error}"
        raise JournalError(message) from error


def _record_hash(record: Record) -> bytes:
    head = (
        record.sequence, record.instant_ns, record.engine_version, record.origin, record.source,
        record.source_sequence,
    )  # fmt: skip
    digest = hashlib.sha256(record.previous)
    digest.update(_pack(head, f"record {record.sequence}: source {record.source!r}"))
    digest.update(record.body)
    return digest.digest()


def _check_record(record: Record) -> None:
    """Refuse values that a store could not give back as they are, or that mean nothing."""
    place = f"record {record.sequence!r}"
    integers = (
        ("sequence", record.sequence, 1, _INT64_MAX),
        ("instant_ns", record.instant_ns, _INT64_MIN, _INT64_MAX),
        ("engine_version", record.engine_version, 0, _UINT32_MAX),
        ("origin", record.origin, ORIGIN_EXTERNAL, ORIGIN_LINKED),
        ("source_sequence", record.source_sequence, 0, _INT64_MAX),
    )
    for name, value, low, high in integers:
        # Only int itself: True, or a numpy scalar, would be written in another form.
        if type(value) is not int or not low <= value <= high:
            raise JournalError(f"{place}: {name} is {value!r}, an int in {low}..{high} is allowed")
    # SQLite's own tools end a text at NUL.
    if type(record.source) is not str or "\0" in record.source:
        raise JournalError(f"{place}: source is {record.source!r}, text without NUL is allowed")
    if (record.source == "") != (record.source_sequence == 0):
        raise JournalError(
            f"{place}: source {record.source!r} with number {record.source_sequence}; "
            "a source numbers from 1, without a source the number is 0"
        )
    if type(record.body) is not bytes:
        raise JournalError(f"{place}: body is {type(record.body)}, not bytes")
    for digest in (record.previous, record.hash):
        if type(digest) is not bytes or len(digest) != HASH_BYTES:
            raise JournalError(f"{place}: a hash is {digest!r}, {HASH_BYTES} bytes are allowed")


def _run_header(run: Run, buffers: list[NDArray[Any]]) -> _RunHeader:
    """Describe one run and put its numeric columns behind those already in ``buffers``."""
    _check_run(run.name, run.version, run.rows, [field for field, _ in run.columns])
    fields: list[_FieldHeader] = []
    for field, values in run.columns:
        if isinstance(values, np.ndarray):
            kind, plain = _KINDS.get(values.dtype), values
            if kind is None or not values.flags.c_contiguous:
                kind, plain = _little_endian(f"{run.name}.{field}", values)
            if plain.ndim != 1:
                raise JournalError(f"{run.name}.{field} has {plain.ndim} dimensions, 1 is allowed")
            if kind == "float64":
                missing = np.flatnonzero(np.isnan(plain))[:5].tolist()
                _hold(not missing, f"{run.name}.{field} is NaN in rows {missing}")
                plain = plain + 0.0  # minus zero becomes zero
            buffers.append(plain)
            fields.append((field, kind, None))
        else:
            is_text = type(values) is tuple and all(type(text) is str for text in values)
            _hold(is_text, f"{run.name}.{field} is neither an array nor a tuple of texts")
            fields.append((field, _TEXT, values))
        if len(values) != run.rows:
            raise JournalError(f"{run.name}.{field} has {len(values)} values, not {run.rows}")
    return run.name, int(run.version), int(run.rows), tuple(fields)


def _check_run(name: str, version: int, rows: int, fields: Sequence[str]) -> None:
    if not name or not all(fields):
        raise JournalError(f"run {name!r}, fields {fields!r}: a name is empty")
    if len(set(fields)) != len(fields):
        raise JournalError(f"run {name}, fields {fields!r}: a name is repeated")
    for what, number, least in (("version", version, 1), ("rows", rows, 0)):
        if not least <= number <= _UINT32_MAX:
            raise JournalError(f"run {name}: {what} {number}, {least}..{_UINT32_MAX} allowed")


def _little_endian(place: str, values: NDArray[Any]) -> tuple[str, NDArray[Any]]:
    """Give the name of the element type, and the values as contiguous little-endian bytes."""
    kind = _KINDS.get(values.dtype) or values.dtype.name  # to ask for the name is slow
    return kind, np.asarray(values, dtype=_dtype(place, kind), order="C")  # keeps no dimensions


def _dtype(place: str, kind: str) -> np.dtype[Any]:
    dtype = _DTYPES.get(kind)
    if dtype is None:
        raise JournalError(f"{place} has element type {kind!r}, allowed are {', '.join(_DTYPES)}")
    return dtype


class _Reader:
    """Walks over the column buffers of a body."""

    def __init__(self, body: bytes, offset: int) -> None:
        self.body = body
        self.offset = offset
        self.align()

    def align(self) -> None:
        """Step over padding, which must be zero and present."""
        padding = _PADDING[self.offset % _ALIGNMENT]
        found = self.body[self.offset : self.offset + len(padding)]
        _hold(found == padding, f"padding at byte {self.offset} is missing or not zero")
        self.offset += len(padding)

    def take(self, place: str, kind: str, rows: int) -> NDArray[Any]:
        """View the next ``rows`` elements."""
        dtype = _dtype(place, kind)
        end = self.offset + rows * dtype.itemsize
        _hold(end <= len(self.body), f"{place} ends at byte {end} of {len(self.body)} bytes")
        values = np.frombuffer(self.body, dtype=dtype, count=rows, offset=self.offset)
        self.offset = end
        self.align()
        if kind == "bool":
            plain = bool((values.view(np.uint8) <= 1).all())
            _hold(plain, f"{place} holds a byte that is neither 0 nor 1")
        elif kind == "float64":
            odd = np.isnan(values) | (np.signbit(values) & (values == 0.0))
            _hold(not odd.any(), f"{place} holds NaN or minus zero")
        return values


def _read_run(reader: _Reader, header: _RunHeader) -> Run:
    name, version, rows, fields = header
    _check_run(name, version, rows, [field for field, _, _ in fields])
    return Run(name, version, rows, tuple(_read_columns(reader, name, rows, fields)))


def _read_columns(
    reader: _Reader, name: str, rows: int, fields: Sequence[_FieldHeader]
) -> Iterator[tuple[str, Column]]:
    for field, kind, texts in fields:
        place = f"{name}.{field}"
        if kind == _TEXT:
            _hold(texts is not None, f"{place} is text without texts")
            _hold(len(texts or ()) == rows, f"{place} has {len(texts or ())} texts, not {rows}")
            yield field, texts or ()
        else:
            _hold(texts is None, f"{place} has element type {kind!r} and texts")
            yield field, reader.take(place, kind, rows)
