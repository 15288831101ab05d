"""The engine end to end: ten times the accounts, and memory over a long quiet run."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from novate.adapter.memory_journal import MemoryJournal
from novate.adapter.sqlite_journal import SqliteJournal
from tests.bench import venue
from tests.bench.contest import Contest, Side

FEW, MANY, STEPS = 10_000, 100_000, 20


class Town:
    """A house of some size that falls a little with every step."""

    def __init__(self, accounts: int) -> None:
        self.house = venue.open_house(MemoryJournal(), accounts, 3, 1)
        self.engine = self.house

    def ready(self) -> None:
        self.engine = self.house.fork(MemoryJournal())

    def fall(self) -> None:
        venue.walk(self.engine, STEPS, 3, crash=-0.002)

    def liquidated(self) -> int:
        """Accounts that are no longer open."""
        return int((self.engine.state.accounts.used("status") != 1).sum())


def contests() -> Iterator[Contest]:
    """Accounts per second in the large house over those in the small one."""
    few, many = Town(FEW), Town(MANY)
    yield Contest(
        name="prices, assessment, liquidations",
        regime=f"{STEPS} steps down, every account assessed, breaches liquidated and filled",
        unit="account steps",
        ours=Side(name=f"{MANY:,} accounts", amount=MANY * STEPS, call=many.fall, ready=many.ready),
        theirs=Side(name=f"{FEW:,} accounts", amount=FEW * STEPS, call=few.fall, ready=few.ready),
        goal=10 / 11,
        holds=lambda: few.liquidated() > FEW // 100 and many.liquidated() > MANY // 100,
    )


def resident_kib() -> int:
    """Memory of this process that is in RAM, KiB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line[:6] == "VmRSS:")


def grown(part: int = 1_500, parts: int = 4) -> str:
    """Take a long run of quiet bars in this process, and say how memory grew."""
    with tempfile.TemporaryDirectory(prefix="novate-bench-", dir=Path.cwd()) as folder:
        engine = venue.open_house(SqliteJournal(Path(folder) / "long"), 1_000, 3, 1)
        found = []
        for at in range(parts):
            venue.walk(engine, part, at)
            found.append(resident_kib())
        engine.journal.close()
    growth = (found[-1] - found[1]) / ((parts - 2) * part)
    cells = ", ".join(f"{kib / 1024:.1f}" for kib in found)
    return (
        f"Memory after each {part:,} quiet bars (1,000 accounts, durable journal, a process of "
        f"its own): {cells} MiB; growth in the second half {growth:.3f} KiB a bar."
    )


def memory_rows() -> list[str]:
    """What `grown` says in a fresh process: in this one, freed memory would hide growth."""
    run = subprocess.run(
        [sys.executable, "-m", "tests.bench.bench_engine"], check=True, capture_output=True
    )
    return [run.stdout.decode().strip()]


if __name__ == "__main__":
    print(grown())
