from __future__ import annotations

import msgspec
import numpy as np
import pytest

from novate.canonical import digest_columns
from novate.engine import snapshot, state_version
from novate.engine.earlier_state import Named
from novate.engine.snapshot import SNAPSHOT_FORMAT, decode_snapshot, encode_snapshot
from novate.engine.state_version import StateStep
from novate.engine.version import ENGINE_VERSION
from novate.errors import JournalError
from tests.unit.clearing import ClearingHouse
from tests.unit.engine.test_state import busy_house


@pytest.fixture(autouse=True)
def first_state_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands here does not depend on how many versions there have been."""
    monkeypatch.setattr(snapshot, "STATE_VERSION", 1)
    monkeypatch.setattr(state_version, "STATE_VERSION", 1)
    monkeypatch.setattr(state_version, "STEPS", {})


def packed(named: Named) -> list[tuple[str, str, list[int], bytes]]:
    return [
        (name, array.dtype.str, list(array.shape), array.tobytes()) for name, array in named.items()
    ]


def payload_of(named: Named, version: int, layout: int = SNAPSHOT_FORMAT) -> bytes:
    """A payload of any columns and versions."""
    return b"nvsn" + msgspec.msgpack.encode((layout, version, ENGINE_VERSION, packed(named)))


def digest_of(named: Named) -> bytes:
    return digest_columns(sorted(named.items()))


def test_a_snapshot_brings_back_the_state() -> None:
    state = busy_house().engine.state

    again = decode_snapshot(encode_snapshot(state), state.digest())

    assert again.digest() == state.digest()
    again.require_sound()
    assert encode_snapshot(state) == payload_of(state.columns(), 1)


def test_the_payload_of_the_first_release_is_state_version_1() -> None:
    state = busy_house().engine.state

    again = decode_snapshot(msgspec.msgpack.encode(packed(state.columns())), state.digest())

    assert again.digest() == state.digest()


def test_a_renamed_column_is_found_under_its_new_name(monkeypatch: pytest.MonkeyPatch) -> None:
    state = busy_house().engine.state
    old = {name.replace("accounts.role", "accounts.kind"): a for name, a in state.columns().items()}
    monkeypatch.setattr(state_version, "STATE_VERSION", 2)
    monkeypatch.setattr(
        state_version, "STEPS", {2: StateStep(renamed={"accounts.kind": "accounts.role"})}
    )

    again = decode_snapshot(payload_of(old, 1), digest_of(old))

    assert digest_of(old) != state.digest()
    assert again.digest() == state.digest()


def test_the_digest_is_held_against_the_columns_as_they_were_stored() -> None:
    state = ClearingHouse().engine.state
    old = state.columns()
    del old["accounts.deadline_ns"]

    with pytest.raises(JournalError, match="does not have the digest it claims"):
        decode_snapshot(payload_of(old, 1), state.digest())
    assert decode_snapshot(payload_of(old, 1), digest_of(old)).digest() == state.digest()


def test_a_column_that_nobody_knows_is_named_with_its_state_version() -> None:
    named = {**ClearingHouse().engine.state.columns(), "accounts.mood": np.zeros(9, np.int8)}

    with pytest.raises(JournalError, match=r"'accounts\.mood' of state version 1 is unknown"):
        decode_snapshot(payload_of(named, 1), digest_of(named))


def test_a_snapshot_of_a_later_release_says_so() -> None:
    state = ClearingHouse().engine.state

    with pytest.raises(JournalError, match="state version 2, this release reads"):
        decode_snapshot(payload_of(state.columns(), 2), state.digest())
    with pytest.raises(JournalError, match=r"has format 9 .* read it with the release"):
        decode_snapshot(payload_of(state.columns(), 1, layout=9), state.digest())


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xc1",
        msgspec.msgpack.encode([1, 2]),
        msgspec.msgpack.encode([("clock", "<i8", [2], b"\0" * 15)]),
        snapshot._TAG,
        snapshot._TAG + msgspec.msgpack.encode([1, 2]),
    ],
)
def test_what_is_no_snapshot_is_refused(payload: bytes) -> None:
    with pytest.raises(JournalError, match="the snapshot cannot be read"):
        decode_snapshot(payload, bytes(32))


def test_a_snapshot_without_what_a_state_needs_is_refused() -> None:
    clock = {"clock": np.zeros(2, np.int64)}

    with pytest.raises(JournalError, match="the snapshot cannot be read"):
        decode_snapshot(payload_of(clock, 1), digest_of(clock))


@pytest.mark.parametrize("columns", [0, 3, 15, 16, 300])
def test_a_payload_is_what_msgpack_makes_of_the_whole_list(columns: int) -> None:
    sizes = (0, 1, 31, 32, 255, 256, 8_192, 70_000)
    named: Named = {
        f"table.column{k}": np.ones(sizes[k % len(sizes)], dtype=("<i8", "|i1", "|b1")[k % 3])
        for k in range(columns)
    }
    if named:
        named["table.two"] = np.ones((5, 3), np.float64)

    assert snapshot._encode(named) == payload_of(named, 1)


def test_digest_and_payload_are_those_of_the_state() -> None:
    state = busy_house().state

    assert snapshot.take_snapshot(state) == (state.digest(), encode_snapshot(state))
