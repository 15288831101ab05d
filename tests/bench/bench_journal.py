"""Durable batches: the journal against a flat file that syncs as often."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from novate.adapter.sqlite_journal import SqliteJournal
from novate.canonical import decode_runs, encode_runs, seal
from novate.engine.engine import Engine
from novate.message import command, event
from tests.bench import venue
from tests.bench.contest import Contest, Side

ROWS, ACCOUNTS = 10_000, 2_000


class Files:
    """A journal, a flat file and its anchor, in one temporary folder on the same disk."""

    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="novate-bench-", dir=Path.cwd())
        at = Path(self.folder.name)
        self.journal = SqliteJournal(at / "alone")
        flags = os.O_RDWR | os.O_CREAT
        self.flat = os.open(at / "flat", flags | os.O_APPEND)
        self.anchor = os.open(at / "flat.anchor", flags)
        os.pwrite(self.anchor, bytes(8192), 0)
        os.fsync(self.anchor)
        self.engine = venue.open_house(SqliteJournal(at / "engine"), ACCOUNTS, 3, 1)
        self.engine.submit([venue.deposits(ACCOUNTS, 10**6 * venue.UNIT)])
        rng = np.random.default_rng(2)
        there = venue.trades(ACCOUNTS, ROWS, venue.start_prices(), rng)
        # There and back: margin and fees would run out if the same trades came again and again.
        self.trades = (there, venue.reverse(there))
        self.turn = 0
        self.body = self.one_body()
        self.seal_one()

    def one_body(self) -> bytes:
        """Commands and events of one batch of trades, as a record holds them."""
        self.submit()
        last = list(self.engine.journal.read(self.engine.sequence))
        return last[-1].body

    def seal_one(self) -> None:
        """Make the next record; its hash is not part of appending it."""
        sequence, previous = self.journal.head()
        self.record = seal(
            sequence=sequence + 1, instant_ns=1, engine_version=1, previous=previous, body=self.body
        )

    def append(self) -> None:
        """Make one record durable, and its head in the anchor."""
        self.journal.append([self.record], epoch=0)

    def write_flat(self) -> None:
        """Append the same bytes, sync, write an anchor of the same size, sync."""
        os.write(self.flat, self.body)
        os.fdatasync(self.flat)
        os.pwrite(self.anchor, self.body[:128], 0)
        os.fdatasync(self.anchor)

    def submit(self) -> None:
        """The whole way: decide, book, encode, hash, make durable."""
        self.engine.submit([self.trades[self.turn % 2]])
        self.turn += 1

    def is_whole(self) -> bool:
        """Whether the journal gives back what went in, and every trade was booked."""
        records = list(self.journal.read())
        commands, events = decode_runs(records[-1].body)
        booked = {run.name: run.rows for run in events}.get(event.TRADE_NOVATED.name, 0)
        return (
            records[-1].body == self.body
            and encode_runs(commands, events) == self.body
            and commands[0].name == command.SUBMIT_TRADE.name
            and booked == ROWS
        )


def contests() -> Iterator[Contest]:
    """Append alone, then the whole engine, against the flat file."""
    files = Files()
    size = len(files.body) / 1e6
    regime = f"{ROWS:,} trades a batch, {size:.2f} MB, WAL with synchronous FULL"
    flat = Side(name="flat file, two fdatasync", amount=ROWS, call=files.write_flat)
    yield Contest(
        name="durable append",
        regime=f"{regime}, head anchored",
        unit="trades",
        ours=Side(name="journal", amount=ROWS, call=files.append, ready=files.seal_one),
        theirs=flat,
        goal=0.5,
        holds=files.is_whole,
    )
    yield Contest(
        name="whole engine",
        regime=f"{regime}; decide with margin checks, book, encode, hash, append",
        unit="trades",
        ours=Side(name="Engine.submit", amount=ROWS, call=files.submit),
        theirs=flat,
        goal=0,
        holds=files.is_whole,
    )
    engine: Engine = files.engine
    engine.journal.close()
    files.journal.close()
    files.folder.cleanup()
