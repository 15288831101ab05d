"""Snapshots: the columns of a state as bytes, which every later release reads.

A payload is the tag ``nvsn`` and msgpack: snapshot format, state version, engine version, and a
list of [name, element type, shape, bytes].  The three numbers stay in front in every format.
Release 2026.11.0 wrote the list alone: state version 1.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import numpy as np

from novate.canonical import digest_columns
from novate.engine.earlier_state import Named
from novate.engine.plugin import PLUGINS, Plugins
from novate.engine.state import State
from novate.engine.state_version import STATE_VERSION, upcast_state
from novate.engine.version import ENGINE_VERSION
from novate.errors import JournalError

SNAPSHOT_FORMAT = 2
"""Raise it when the bytes of a payload are laid out in another way."""

_TAG = b"nvsn"
_Items = list[tuple[str, str, list[int], bytes]]


class Snapshot(NamedTuple):
    """A state as it is kept: its 32-byte digest and its payload."""

    digest: bytes
    payload: bytes


def take_snapshot(state: State) -> Snapshot:
    """Return digest and payload of a state, from one pass over its columns."""
    named = state.columns()
    return Snapshot(digest_columns(sorted(named.items())), _encode(named))


def encode_snapshot(state: State) -> bytes:
    """Return a state as the payload of a snapshot."""
    return _encode(state.columns())


def _encode(named: Named) -> bytes:
    """Write columns as msgpack, each copied once: together they are most of the state.

    The bytes are those of the whole list encoded at once.
    """
    head = (SNAPSHOT_FORMAT, STATE_VERSION, ENGINE_VERSION)
    parts: list[Any] = [_TAG, _ARRAY_OF_FOUR, *map(msgspec.msgpack.encode, head)]
    parts.append(_array_head(len(named)))
    for name, array in named.items():
        flat = array.reshape(-1).view(np.uint8)
        item = (name, array.dtype.str, list(array.shape))
        parts += (_ARRAY_OF_FOUR, *map(msgspec.msgpack.encode, item), _bytes_head(flat.size))
        parts.append(flat.data)
    return b"".join(parts)


_ARRAY_OF_FOUR = b"\x94"


def _array_head(length: int) -> bytes:
    """Begin an array of so many items in msgpack."""
    if length < 2**4:
        return bytes([0x90 | length])
    return b"\xdc" + length.to_bytes(2) if length < 2**16 else b"\xdd" + length.to_bytes(4)


def _bytes_head(length: int) -> bytes:
    """Begin so many bytes in msgpack."""
    for kind, width in ((b"\xc4", 1), (b"\xc5", 2)):
        if length < 2 ** (8 * width):
            return kind + length.to_bytes(width)
    return b"\xc6" + length.to_bytes(4)


def decode_snapshot(payload: bytes, digest: bytes, plugins: Plugins = PLUGINS) -> State:
    """Rebuild a state from a snapshot of this or an earlier release.

    Parameters
    ----------
    payload
        What `encode_snapshot` returned, now or then.
    digest
        The state digest that it was kept with; it is that of the columns as they were stored.
    plugins
        What the state was decided with.

    Raises
    ------
    JournalError
        If the payload is no snapshot, does not have the digest, or is of a later release.
    """
    try:
        version, named = _read(payload)
        if digest_columns(sorted(named.items())) != digest:
            raise JournalError("the snapshot does not have the digest it claims")
        return State.restored(upcast_state(named, version), version, plugins)
    except (msgspec.DecodeError, ValueError, KeyError, TypeError) as error:
        raise JournalError(f"the snapshot cannot be read: {error!r}") from error


def _read(payload: bytes) -> tuple[int, Named]:
    """Return state version and columns as they were stored."""
    version = 1
    packed: Any = payload
    if payload.startswith(_TAG):
        kind = tuple[int, int, int, msgspec.Raw]
        layout, version, engine, packed = msgspec.msgpack.decode(payload[len(_TAG) :], type=kind)
        if layout != SNAPSHOT_FORMAT:
            raise JournalError(
                f"the snapshot has format {layout} and is of engine version {engine}:"
                " read it with the release that wrote it, or a later one"
            )
    items = msgspec.msgpack.decode(packed, type=_Items)
    return version, {
        name: np.frombuffer(data, dtype).reshape(shape).copy() for name, dtype, shape, data in items
    }
