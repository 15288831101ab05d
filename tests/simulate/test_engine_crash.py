"""The engine over its real journal under power cuts, kills and damaged files.

The law: what `recover` gives is the state after some call of `submit` that was acknowledged, or
one after it; never less in silence, and never half of a call.  A source that goes on with the keys
it used before ends in the state that an undisturbed run ends in.
"""

from __future__ import annotations

import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from novate.adapter.memory_journal import MemoryJournal
from novate.adapter.sqlite_journal import SqliteJournal, database
from novate.app.cli import main
from novate.canonical import GENESIS, Run, seal
from novate.engine.batch import Batch, decode_batch
from novate.engine.engine import Engine
from novate.engine.recover import audit, recover
from novate.errors import ConflictError
from novate.kernel.codes import ShortfallPolicy
from novate.message import command
from tests.simulate.recorded_disk import RecordedDisk, images
from tests.unit.clearing import COIN, HOUR, MINUTE, START, ClearingHouse

SEED = 20_261_121
SOURCE = "feed"
ROOT = Path(__file__).parents[2]


class Script(ClearingHouse):
    """A clearing house that remembers what was submitted to it, call by call."""

    def __init__(self) -> None:
        self.calls: list[tuple[Run, ...]] = []
        super().__init__()

    def submit(self, *runs: Run, allow_refusals: bool = False) -> list[Batch]:
        self.calls.append(runs)
        return super().submit(*runs, allow_refusals=allow_refusals)


@cache
def calls() -> tuple[tuple[Run, ...], ...]:
    """A short run: prices, trades, a margin call, a liquidation with fills, a loss."""
    script = Script()
    script.list_contract(funding_ns=HOUR, funding_cap_e9=10**6, interest_e9=10**5)
    script.open_member("N", default_fund=100 * COIN)
    script.open_client("A", deposit=5_500 * COIN)
    script.open_client("B", deposit=90_000 * COIN)
    script.open_client(
        "D", deposit=5_500 * COIN, shortfall_policy=ShortfallPolicy.CALL_THEN_DEFAULT
    )
    script.price(500)
    script.trade("A", "B", lots=100, ticks=500)
    script.trade("D", "B", lots=100, ticks=500)
    script.price(468, at_ns=START + MINUTE)
    script.fill(1, 25, 467)
    script.price(466, at_ns=START + 2 * MINUTE)
    script.deposit("D", 2_000 * COIN)
    script.price(467, at_ns=START + HOUR)
    script.price(430, at_ns=START + HOUR + MINUTE)
    script.price(425, at_ns=START + 2 * HOUR)
    return tuple(script.calls)


@cache
def digests() -> dict[int, bytes]:
    """State digest after each call, by the sequence of its last record."""
    engine = Engine(MemoryJournal())
    found = {0: engine.state.digest()}
    for number, runs in enumerate(calls(), start=1):
        engine.submit(runs, source=SOURCE, source_sequence=number)
        found[engine.sequence] = engine.state.digest()
    return found


def final() -> bytes:
    """State digest of the undisturbed run."""
    return digests()[max(digests())]


def open_journal(folder: Path, **options: object) -> SqliteJournal:
    return SqliteJournal(folder / "journal.db", **options)  # type: ignore[arg-type]


def run(
    journal: SqliteJournal,
    *,
    acknowledge: Callable[[int], None] = lambda sequence: None,
    together: int = 1,
) -> Engine:
    """Recover, then decide every call under its key, from the first one on.

    ``together`` calls share a commit.
    """
    engine = recover(journal)
    for number, runs in enumerate(calls(), start=1):
        engine.decide(runs, source=SOURCE, source_sequence=number)
        if number % together and number < len(calls()):
            continue
        engine.commit()
        if number == 8:
            engine.snapshot()
        acknowledge(engine.sequence)
    return engine


def commit_ends(together: int) -> set[int]:
    """Sequences at which a commit of so many calls ends."""
    ends = sorted(digests())[1:]
    return {0, *ends[together - 1 :: together], ends[-1]}


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory where there is one: hundreds of images are synced in it."""
    memory = Path("/dev/shm")  # noqa: S108 - a fresh folder inside it
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        yield Path(name)


def put(folder: Path, files: dict[str, bytes]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)


def test_the_run_is_worth_interrupting() -> None:
    journal = MemoryJournal()
    engine = Engine(journal)
    for runs in calls():
        engine.submit(runs)

    batches = [decode_batch(record) for record in journal.read()]
    names = {each.name for batch in batches for each in batch.events}
    assert names >= {
        "AccountTakenOver",
        "CycleSettled",
        "DefaultDeclared",
        "FundingSettled",
        "LossAllocated",
        "MarginCalled",
        "OrderFilled",
    }


@pytest.mark.rule("14.7")
@pytest.mark.parametrize("together", [1, 4])
def test_a_power_cut_at_any_write_leaves_an_acknowledged_state_or_a_later_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch, together: int
) -> None:
    monkeypatch.setattr(database, "CHECKPOINT_PAGES", 12)  # the log is copied back meanwhile
    disk = RecordedDisk(folder / "recorded")
    disk.folder.mkdir()
    with monkeypatch.context() as patch:
        disk.watch_os(patch)
        journal = open_journal(disk.folder, connection_factory=disk.connect)
        run(journal, acknowledge=disk.promise, together=together)
        journal.close()
    seen: set[tuple[int, tuple[tuple[str, bytes], ...]]] = set()
    resumed: set[int] = set()
    later = 0
    variants = ("all", "none", "torn")
    for boundary, variant, files in images(disk.operations, SEED, variants=variants):
        promised = disk.promised(boundary)
        if (key := (promised, tuple(sorted(files.items())))) in seen:
            continue
        seen.add(key)
        put(folder / "image", files)
        place = f"{variant} at {boundary}: {disk.operations[boundary - 1].kind}"

        journal = open_journal(folder / "image")
        engine = recover(journal)

        assert engine.sequence in commit_ends(together), f"{place}: half of a commit"
        assert engine.sequence >= promised, place
        assert engine.state.digest() == digests()[engine.sequence], place
        later += engine.sequence > promised
        if engine.sequence not in resumed:
            resumed.add(engine.sequence)
            assert run(journal).state.digest() == final(), place
        journal.close()

    print(f"seed {SEED}: {len(disk.operations)} operations, {len(seen)} images")
    assert len(seen) > 100 / together
    assert later > 0
    assert resumed == commit_ends(together)


WORKER = """
import sys
from pathlib import Path
from tests.simulate.test_engine_crash import open_journal, run

run(open_journal(Path(sys.argv[1])), acknowledge=lambda head: print(head, flush=True))
"""


def test_a_killed_process_is_recovered_and_goes_on_with_its_keys(tmp_path: Path) -> None:
    dice = np.random.default_rng(SEED)
    for lines in sorted(int(n) for n in dice.choice(np.arange(1, len(calls())), 3, replace=False)):
        worker = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert worker.stdout is not None
        head = 0
        for _ in range(lines):
            head = int(worker.stdout.readline())
        worker.send_signal(signal.SIGKILL)
        head = max([head, *(int(line) for line in worker.stdout if line.endswith("\n"))])
        worker.wait()
        worker.stdout.close()

        journal = open_journal(tmp_path)
        engine = recover(journal)

        assert engine.sequence >= head
        assert engine.state.digest() == digests()[engine.sequence]
        journal.close()

    journal = open_journal(tmp_path)
    engine = run(journal)

    assert engine.state.digest() == final()
    assert audit(journal).digest == final()
    assert engine.sequence == max(digests())  # repeats left no record
    journal.close()


# ---- damaged journals, as a person finds them out


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the journal of the whole run."""
    folder = tmp_path_factory.mktemp("finished")
    journal = open_journal(folder)
    run(journal).snapshot()
    journal.close()
    return folder


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    """A copy of it to damage."""
    return Path(shutil.copytree(finished, tmp_path / "copy"))


def verify(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit code of `novate verify` and what it printed, on one line."""
    code = main(["verify", str(folder)])
    shown = capsys.readouterr()
    return code, " ".join((shown.out + shown.err).split())


def test_a_sound_journal_is_verified(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, shown = verify(copy, capsys)

    assert code == 0
    assert "chain, recovery and audit agree" in shown
    assert final().hex()[:20] in shown.replace(" ", "")


def truncate(folder: Path) -> None:
    path = folder / "journal.db"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(folder: Path) -> None:
    (folder / "journal.db").write_bytes(b"")


def lose_the_anchor(folder: Path) -> None:
    (folder / "journal.db.anchor").unlink()


def edit(folder: Path, sql: str, values: Sequence[object] = ()) -> None:
    connection = sqlite3.connect(folder / "journal.db", isolation_level=None)
    connection.execute(sql, values)
    connection.close()


def flip_a_bit_of_a_record(folder: Path) -> None:
    path = folder / "journal.db"
    connection = sqlite3.connect(path)
    [body] = connection.execute("SELECT body FROM record WHERE sequence = 9").fetchone()
    connection.close()
    content = path.read_bytes()
    flipped = body[:-40] + bytes([body[-40] ^ 1]) + body[-39:]
    assert body in content
    path.write_bytes(content.replace(body, flipped))  # a page that moved may hold it twice


def delete_a_record(folder: Path) -> None:
    edit(folder, "DELETE FROM record WHERE sequence = 9")


def roll_back(folder: Path) -> None:
    edit(folder, "DELETE FROM record WHERE sequence > 20")
    edit(folder, "DELETE FROM snapshot")


def damage_the_snapshot(folder: Path) -> None:
    edit(folder, "UPDATE snapshot SET payload = x'00'")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (truncate, "journal.db"),
        (empty, r"ends at record 0, its anchor says \d+"),
        (lose_the_anchor, "has no head anchor"),
        (flip_a_bit_of_a_record, "record 9 is altered"),
        (delete_a_record, "record 9 is missing"),
        (roll_back, r"ends at record 20, its anchor says \d+: \d+ records are lost"),
        (damage_the_snapshot, r"snapshot after record \d+ is altered"),
    ],
)
def test_verify_finds_damage_and_says_where(
    copy: Path,
    capsys: pytest.CaptureFixture[str],
    damage: Callable[[Path], None],
    message: str,
) -> None:
    damage(copy)

    code, shown = verify(copy, capsys)

    assert code == 3
    assert "fault:" in shown
    assert re.search(message, shown), shown


def test_verify_finds_a_record_that_was_forged_and_sealed_again(
    copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Someone with the whole disk pays a deposit twice, and seals every later record again."""
    journal = open_journal(copy)
    records = list(journal.read())
    journal.close()
    target = next(k for k, record in enumerate(records) if b"CollateralPosted" in record.body)
    previous, forged = GENESIS, []
    for number, record in enumerate(records):
        body = record.body
        if number == target:
            amount = int(100 * COIN).to_bytes(8, "little")
            assert body.count(amount) == 2  # of the command, of the event
            at = body.rindex(amount)
            body = body[:at] + int(200 * COIN).to_bytes(8, "little") + body[at + 8 :]
        sealed = seal(
            sequence=record.sequence,
            instant_ns=record.instant_ns,
            engine_version=record.engine_version,
            previous=previous,
            body=body,
            origin=record.origin,
            source=record.source,
            source_sequence=record.source_sequence,
        )
        forged.append(sealed)
        previous = sealed.hash
    other = tmp_path / "forged"
    other.mkdir()
    journal = open_journal(other)
    journal.append(forged, epoch=0)
    journal.close()

    code, shown = verify(other, capsys)

    assert code == 3
    assert f"record {target + 1}: events do not follow" in shown


def test_verify_of_nothing_is_a_bad_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, shown = verify(tmp_path / "nowhere", capsys)

    assert code == 1
    assert "does not exist; give a run directory or a journal file" in shown


def test_a_keyed_call_with_another_body_is_refused_after_recovery_too(copy: Path) -> None:
    journal = open_journal(copy)
    engine = recover(journal)
    other = [command.POST_COLLATERAL.row(account=0, asset=0, amount=1)]

    with pytest.raises(ConflictError, match="sequence 3 was used with other commands"):
        engine.submit(other, source=SOURCE, source_sequence=3)
    journal.close()
