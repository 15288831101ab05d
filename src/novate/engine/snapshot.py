"""Snapshots: the columns of a state as bytes, which every later release reads.

A payload is the tag ``nvsn`` and msgpack: snapshot format, state version, engine version, and a
list of [name, element type, shape, bytes].  The three numbers stay in front in every format.
Release 2026.11.0 wrote the list alone: state version 1.
"""

from __future__ import annotations

from typing import Any

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


def encode_snapshot(state: State) -> bytes:
    """Return a state as the payload of a snapshot."""
    items = [
        (name, array.dtype.str, list(array.shape), array.tobytes())
        for name, array in state.columns().items()
    ]
    head = (SNAPSHOT_FORMAT, STATE_VERSION, ENGINE_VERSION)
    return _TAG + msgspec.msgpack.encode((*head, items))


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
