"""One trade of one client at a large book, commits, forks, views and linked pairs."""

from __future__ import annotations

import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from novate.adapter.memory_journal import MemoryJournal
from novate.adapter.sqlite_journal import SqliteJournal, database
from novate.canonical import Run
from novate.engine.engine import Engine
from novate.message import command as c
from tests.bench import venue

POSITIONS = 1_400_000
ACCOUNTS = 200_000
FORKED = 100_000
READERS = 1_000_000
CLIENTS = 100
ROUNDS = 300


def small_trades(engine: Engine, accounts: int, rows: int, seed: int) -> list[Run]:
    """Trades of one lot between two margin accounts at the mark, each a run of its own."""
    rng = np.random.default_rng(seed)
    buyer = rng.integers(0, accounts, rows)
    seller = (buyer + rng.integers(1, accounts, rows)) % accounts
    instrument = rng.integers(0, venue.INSTRUMENTS, rows)
    mark = engine.state.marks.mark[instrument]
    return [
        c.SUBMIT_TRADE.row(
            buyer=venue.FIRST + int(buyer[k]), seller=venue.FIRST + int(seller[k]),
            instrument=int(instrument[k]), ticks=int(mark[k]), lots=1, buyer_is_maker=False,
            buyer_reservation=0, seller_reservation=0,
        )
        for k in range(rows)
    ]  # fmt: skip


def spent(calls: list[Callable[[], object]]) -> tuple[float, float]:
    """Least and median seconds of the processor that one of these calls takes."""
    taken = []
    for call in calls:
        start = time.process_time_ns()
        call()
        taken.append((time.process_time_ns() - start) / 1e9)
    return min(taken), statistics.median(taken)


def large_house() -> Engine:
    """A house with about `POSITIONS` positions that has assessed all accounts."""
    return venue.open_house(MemoryJournal(), ACCOUNTS, POSITIONS // ACCOUNTS + 1, 1)


def say(name: str, least: float, median: float, unit: str = "µs") -> str:
    scale = 1e6 if unit == "µs" else 1e3
    best, middle = least * scale, median * scale
    return f"{name}: {best:,.1f} {unit} of the processor at best, {middle:,.1f} in the middle."


def one_by_one(engine: Engine) -> Iterator[str]:
    """What one trade costs: decided and committed alone, told to a subscriber, linked in pairs."""
    held = engine.state.positions.count

    def submit(runs: list[Run], **options: bool) -> Callable[[], object]:
        def call() -> None:
            engine.decide(runs, **options)
            engine.commit()

        return call

    trades = small_trades(engine, ACCOUNTS, ROUNDS, 2)
    place = f"at {held:,} positions of {engine.state.accounts.count:,} accounts"
    yield say(f"one trade {place}", *spent([submit([run]) for run in trades]))
    pairs = small_trades(engine, ACCOUNTS, 2 * ROUNDS, 3)
    linked = [submit(list(pair), linked=True) for pair in zip(pairs[::2], pairs[1::2], strict=True)]
    yield say(f"two linked trades {place}", *spent(linked))
    alone = [submit(list(pair)) for pair in zip(pairs[::2], pairs[1::2], strict=True)]
    yield say(f"the same two not linked {place}", *spent(alone))
    engine.subscribe(lambda notice: None)
    trades = small_trades(engine, ACCOUNTS, ROUNDS, 4)
    yield say(f"one trade with a subscriber {place}", *spent([submit([run]) for run in trades]))


def commits(engine: Engine) -> str:
    """Count the transactions of `CLIENTS` clients with one trade each."""
    statements: list[str] = []

    def watched(uri: str) -> sqlite3.Connection:
        connection = database.connect(uri)
        connection.set_trace_callback(statements.append)
        return connection

    with tempfile.TemporaryDirectory(prefix="novate-bench-", dir=Path.cwd()) as folder:
        journal = SqliteJournal(Path(folder) / "journal", connection_factory=watched)
        fork = engine.fork(journal)
        fork.submit(small_trades(fork, ACCOUNTS, 1, 5))  # claims the journal
        statements.clear()
        start, processor = time.perf_counter(), time.process_time()
        for number, run in enumerate(small_trades(fork, ACCOUNTS, CLIENTS, 6)):
            fork.decide([run], source=f"client {number}", source_sequence=1)
        fork.commit()
        wall, processor = time.perf_counter() - start, time.process_time() - processor
        journal.close()
    count = sum(statement == "COMMIT" for statement in statements)
    return (
        f"{CLIENTS} clients with one keyed trade each, durable: {count} commit(s), "
        f"{1e3 * wall:.1f} ms, {1e3 * processor:.1f} ms of the processor."
    )


def forks() -> str:
    """What a fork without a journal costs."""
    engine = venue.open_house(MemoryJournal(), FORKED, 3, 1)
    least, median = spent([engine.fork for _ in range(9)])
    return say(f"a fork of {FORKED:,} accounts", least, median, "ms")


def views() -> Iterator[str]:
    """What a view costs when few blocks changed."""
    engine = venue.open_house(MemoryJournal(), READERS, 1, 1)
    clock = iter(range(0, 10**15, 20_000_000))
    least, median = spent([lambda: engine.view(next(clock))])
    yield say(f"the first view of {READERS:,} accounts", least, median, "ms")
    for clients in (1, CLIENTS):
        taken = []
        for turn in range(20):
            for run in small_trades(engine, READERS, clients, turn):
                engine.decide([run])
            engine.commit()
            taken.append(spent([lambda: engine.view(next(clock))])[0])
        name = f"a view of {READERS:,} accounts after {clients} trade(s)"
        yield say(name, min(taken), statistics.median(taken), "ms")


def remarks() -> Iterator[str]:
    """Figures of the service, by the processor's clock: wall time would measure the neighbours."""
    engine = large_house()
    yield commits(engine)
    yield from one_by_one(engine)
    yield forks()
    yield from views()


if __name__ == "__main__":
    for line in remarks():
        print(line, flush=True)
