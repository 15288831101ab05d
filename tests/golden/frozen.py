"""Frozen journals: files that every later release must recover to the ledger they left.

A journal is JSON: what led to it, the head, the state digest, and the records as msgpack, deflated
and in base64 for URLs.  Four days of a small clearing house fit into 26 kilobytes.

Beside it lies a *sidecar*: the SHA-256 of the journal, its ledger digest, a snapshot halfway as the
release of its time wrote it, and the state digest of each state version that is known.  Journals
are never changed; a sidecar only gets another pair of state version and digest.
"""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import zlib
from pathlib import Path
from typing import Any

import msgspec

from novate.adapter.memory_journal import MemoryJournal
from novate.canonical import GENESIS, Record
from novate.engine.engine import Engine
from novate.engine.ledger_digest import ledger_digest
from novate.engine.recover import recover
from novate.engine.snapshot import encode_snapshot
from novate.engine.state_version import STATE_VERSION

DATA = Path(__file__).with_name("data")
LINE = 96


def journals(folder: Path = DATA) -> list[Path]:
    """The frozen journals of a folder, in order of their numbers."""
    paths = [path for path in folder.glob("frozen-*.json") if number_of(path)]
    return sorted(paths, key=number_of)


def number_of(path: Path) -> int:
    """Number of a frozen journal, 0 for a sidecar."""
    number = path.stem.removeprefix("frozen-")
    return int(number) if number.isdigit() else 0


def sidecar_path(path: Path) -> Path:
    """Where the sidecar of a frozen journal lies."""
    return path.with_name(f"{path.stem}.sidecar.json")


def packed(content: bytes) -> list[str]:
    """Bytes as lines of text."""
    text = base64.urlsafe_b64encode(zlib.compress(content, 9)).decode()
    return [text[at : at + LINE] for at in range(0, len(text), LINE)]


def unpacked(lines: list[str]) -> bytes:
    """What `packed` was given."""
    return zlib.decompress(base64.urlsafe_b64decode("".join(lines)))


def freeze(engine: Engine, note: str) -> str:
    """Return an engine's journal and where it ends as the text of a file."""
    records = [
        (
            record.sequence,
            record.instant_ns,
            record.engine_version,
            record.origin,
            record.source,
            record.source_sequence,
            record.body,
            record.hash,
        )
        for record in engine.journal.read()
    ]
    document = {
        "note": note,
        "sequence": engine.sequence,
        "head": engine.head_hash.hex(),
        "digest": engine.state.digest().hex(),
        "records": packed(msgspec.msgpack.encode(records)),
    }
    return json.dumps(document, indent=1) + "\n"


def thaw(path: Path, until: int | None = None) -> tuple[MemoryJournal, dict[str, Any]]:
    """Return a journal with the records of a file up to one, and the file's other fields."""
    document = json.loads(path.read_text())
    content = unpacked(document.pop("records"))
    kind = list[tuple[int, int, int, int, str, int, bytes, bytes]]
    records: list[Record] = []
    for *head, body, own in msgspec.msgpack.decode(content, type=kind)[:until]:
        previous = records[-1].hash if records else GENESIS
        records.append(Record(*head, previous, body, own))
    journal = MemoryJournal()
    journal.append(records, epoch=0)
    return journal, document


def sidecar_of(path: Path) -> dict[str, Any]:
    """Return the sidecar of a frozen journal as this release writes it."""
    journal, stated = thaw(path)
    state = recover(journal).state
    halfway, _ = thaw(path, until=stated["sequence"] // 2)
    half = recover(halfway)
    return {
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "ledger_digest": ledger_digest(state).hex(),
        "snapshot": {
            "sequence": half.sequence,
            "digest": half.state.digest().hex(),
            "payload": packed(encode_snapshot(half.state)),
        },
        "states": [[STATE_VERSION, state.digest().hex()]],
    }


def write_sidecar(path: Path) -> None:
    """Write the sidecar of a frozen journal that has none."""
    with sidecar_path(path).open("x") as file:
        file.write(json.dumps(sidecar_of(path), indent=1) + "\n")


def read_sidecar(path: Path) -> dict[str, Any]:
    """Return the sidecar of a frozen journal.

    Raises
    ------
    ValueError
        If the journal is not the one that the sidecar was written for.
    """
    sidecar: dict[str, Any] = json.loads(sidecar_path(path).read_text())
    if hashlib.sha256(path.read_bytes()).hexdigest() != sidecar["sha256"]:
        raise ValueError(f"{path.name} was edited: a frozen journal stays as it is, add another")
    return sidecar


def require_appended(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Stop unless a sidecar is an earlier one with more pairs of state version and digest.

    Raises
    ------
    ValueError
        Naming what was changed.
    """
    for name, value in before.items():
        kept = after.get(name)
        if name == "states" and kept is not None:
            kept = kept[: len(value)]
        if kept != value:
            raise ValueError(f"{name!r} of a sidecar was edited")
    versions = [version for version, _ in after["states"]]
    if versions != sorted(set(versions)):
        raise ValueError(f"state versions of a sidecar rise, these are {versions}")


def committed(path: Path) -> list[dict[str, Any]]:
    """Every committed content of a JSON file, as far as there is a history to look at."""

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=path.parent, capture_output=True, text=True, check=False
        )
        return done.stdout if done.returncode == 0 else ""

    commits = git("log", "--format=%H", "--", path.name).split()
    contents = [git("show", f"{commit}:./{path.name}") for commit in commits]
    return [json.loads(content) for content in contents if content]
