"""Laws of the engine that hold for every stream of commands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from novate.adapter.memory_journal import MemoryJournal
from novate.canonical import Run
from novate.engine.batch import apply_record
from novate.engine.catalogue import ENGINE_ONLY
from novate.engine.engine import Engine
from novate.engine.recover import audit, recover
from novate.engine.state import State
from novate.errors import ConflictError, InvariantError
from novate.kernel.clearing.value import LINEAR
from novate.kernel.codes import Role
from novate.message import command
from novate.message.declare import rows_of
from tests.law.strategies import Stream, events_of, play, row_by_row, seeds, stream_of

few = settings(max_examples=int(os.environ.get("NOVATE_LAW_EXAMPLES", "6")))
"""Examples of a law; `make soak` takes more."""
cut = st.floats(0.0, 1.0)


def middle(stream: Stream, share: float) -> int:
    """A place in a stream."""
    return int(share * len(stream))


@pytest.mark.rule("14.8")
@few
@given(seeds)
def test_every_asset_sums_to_zero_after_every_batch(seed: int) -> None:
    stream = stream_of(seed)
    engine = Engine(MemoryJournal())
    for runs in stream:
        engine.submit(runs)
        assert not engine.state.accounts.used("balance").sum(axis=0).any()


@pytest.mark.rule("14.8")
@few
@given(seeds)
def test_positions_of_every_contract_sum_to_zero_after_every_batch(seed: int) -> None:
    stream = stream_of(seed)
    engine = Engine(MemoryJournal())
    for runs in stream:
        engine.submit(runs)
        p = engine.state.positions
        for instrument in range(engine.state.instruments.count):
            assert p.used("lots")[p.used("instrument") == instrument].sum() == 0


@pytest.mark.rule("8.2", "8.8")
@few
@given(seeds)
def test_a_cycle_pays_what_it_collects_and_rounding_alone_is_left(seed: int) -> None:
    stream = stream_of(seed)
    journal = play(stream).journal
    state, residue, seen = State(), -1, 0
    for record in journal.read(1):
        before = state.accounts.used("balance").copy()
        holders = state.positions.count
        batch = apply_record(state, record)
        residue = state.single(Role.RESIDUE)
        settled = [
            (name, row)
            for name, row in events_of([batch])
            if name in ("CycleSettled", "FundingSettled", "ContractExpired")
        ]
        if not settled:
            continue
        seen += len(settled)
        kept = state.accounts.used("balance")[residue] - before[residue]
        i = state.instruments
        numbers = [row["instrument"] for _, row in settled]
        funded = any(name == "FundingSettled" for name, _ in settled)
        assert np.abs(kept).max() <= holders * len(settled)
        if not funded and all(i.form[k] == LINEAR for k in numbers):
            assert not kept.any()
        if len(settled) == 1 and funded:
            assert kept.min() >= 0
    assert seen > 0, "the stream settles something"


@pytest.mark.rule("14.2")
@few
@given(seeds)
def test_recovery_from_the_first_record_gives_the_live_state(seed: int) -> None:
    stream = stream_of(seed)
    engine = play(stream)
    recovered = recover(engine.journal, from_snapshot=False)
    assert recovered.state.digest() == engine.state.digest()
    assert recovered.head_hash == engine.head_hash


@pytest.mark.rule("14.2")
@few
@given(seeds, cut)
def test_a_snapshot_and_the_tail_give_the_same_state_as_the_whole_journal(
    seed: int, share: float
) -> None:
    stream = stream_of(seed)
    at = middle(stream, share)
    engine = play(stream[:at])
    digest = engine.snapshot()
    assert recover(engine.journal).state.digest() == digest
    play(stream[at:], engine)
    recovered = recover(engine.journal)
    assert recovered.state.digest() == engine.state.digest()
    recovered.submit([command.ASSESS_MARGIN.row(instant_ns=recovered.state.now_ns)])
    engine.fork(MemoryJournal())
    later = recover(engine.journal, from_snapshot=False)
    assert later.state.digest() == recovered.state.digest()


@pytest.mark.rule("14.3")
@few
@given(seeds)
def test_an_audit_finds_nothing_and_arrives_at_the_live_state(seed: int) -> None:
    stream = stream_of(seed)
    engine = play(stream)
    report = audit(engine.journal)
    assert report.digest == engine.state.digest()
    assert report.records == engine.sequence


@pytest.mark.rule("14.6")
@few
@given(seeds, st.integers(0, 2**16))
def test_a_repeated_key_returns_the_recorded_outcome_and_changes_nothing(
    seed: int, pick: int
) -> None:
    stream = stream_of(seed)
    engine = Engine(MemoryJournal())
    outcomes = [
        engine.submit(runs, source="feed", source_sequence=k)
        for k, runs in enumerate(stream, 1)
        if runs
    ]
    kept = [(k, runs) for k, runs in enumerate(stream, 1) if runs]
    digest, head = engine.state.digest(), engine.head_hash
    place = pick % len(kept)
    number, runs = kept[place]
    again = engine.submit(runs, source="feed", source_sequence=number)
    assert [b.sequence for b in again] == [b.sequence for b in outcomes[place]]
    assert [b.commands for b in again] == [b.commands for b in outcomes[place]]
    assert [b.events for b in again] == [b.events for b in outcomes[place]]
    other = [*runs, command.RELEASE_MARGIN.row(reservation=12_345)]
    with pytest.raises(ConflictError, match="other commands"):
        engine.submit(other, source="feed", source_sequence=number)
    assert (engine.state.digest(), engine.head_hash) == (digest, head)


@pytest.mark.rule("4.26", "14.4")
@few
@given(seeds)
def test_a_batch_gives_the_same_events_and_state_as_its_rows_one_by_one(seed: int) -> None:
    stream = stream_of(seed)
    whole, single = Engine(MemoryJournal()), Engine(MemoryJournal())
    for runs in stream:
        together = events_of(whole.submit(runs))
        apart = [e for run in row_by_row(runs) for e in events_of(single.submit([run]))]
        assert sorted_events(together) == sorted_events(apart)
        assert whole.state.digest() == single.state.digest()


def sorted_events(events: list[tuple[str, dict[str, object]]]) -> list[str]:
    """Events without their row in the run; a run of trades tells what it refused at its end."""
    return sorted(f"{name} {dict(row) | {'row': 0}}" for name, row in events)


@pytest.mark.rule("1.5")
@few
@given(seeds)
def test_dropping_what_is_derived_before_any_batch_changes_nothing(seed: int) -> None:
    stream = stream_of(seed)
    engine = Engine(MemoryJournal())
    for runs in stream:
        engine.state.drop_caches()
        engine.submit(runs)
    assert engine.head_hash == play(stream).head_hash
    assert engine.state.digest() == play(stream).state.digest()


@few
@given(seeds, cut)
def test_a_fork_goes_its_own_way(seed: int, share: float) -> None:
    stream = stream_of(seed)
    at = middle(stream, share)
    engine = play(stream[:at])
    digest, head = engine.state.digest(), engine.head_hash
    fork = engine.fork(MemoryJournal())
    play(stream[at:], fork)
    assert (engine.state.digest(), engine.head_hash) == (digest, head)
    play(stream[at:], engine)
    assert engine.state.digest() == fork.state.digest()


@few
@given(seeds, cut)
def test_the_journal_of_a_fork_recovers_and_audits_alone(seed: int, share: float) -> None:
    stream = stream_of(seed)
    at = middle(stream, share)
    fork = play(stream[:at]).fork(MemoryJournal())
    play(stream[at:], fork)
    for from_snapshot in (True, False):
        recovered = recover(fork.journal, from_snapshot=from_snapshot)
        assert recovered.state.digest() == fork.state.digest()
    assert audit(fork.journal).digest == fork.state.digest()


@pytest.mark.rule("4.25")
@few
@given(seeds)
def test_a_refusal_leaves_the_state_as_it_was(seed: int) -> None:
    stream = stream_of(seed)
    engine = Engine(MemoryJournal())
    refused = 0
    for run in (row for runs in stream for row in row_by_row(runs)):
        before = engine.state.digest()
        batches = engine.submit([run])
        names = {name for name, _ in events_of(batches)}
        if names == {"CommandRefused"} and len(batches) == 1:
            refused += 1
            assert engine.state.digest() == before, (run.name, rows_of(run))
    assert refused > 0


def engine_commands() -> list[Run]:
    """One command of each kind that only the engine may issue."""
    return [
        command.BY_NAME[name].row(**{field.name: 1 for field in command.BY_NAME[name].fields})
        for name in sorted(ENGINE_ONLY)
    ]


@pytest.mark.rule("4.27")
@pytest.mark.parametrize("run", engine_commands(), ids=lambda run: run.name)
def test_a_command_of_the_engine_is_refused_from_outside(run: Run) -> None:
    engine = play(stream_of(1))
    digest = engine.state.digest()
    (batch,) = engine.submit([run])
    (refusal,) = events_of([batch])
    assert refusal == (
        "CommandRefused",
        {"command": run.name, "row": 0, "code": 1, "actual": 0, "allowed": 1},
    )
    assert engine.state.digest() == digest


@pytest.mark.rule("6.5", "6.8")
@pytest.mark.parametrize("amount", [-1, 0])
def test_a_transfer_that_creates_money_is_refused(amount: int) -> None:
    engine = play(stream_of(1))
    digest = engine.state.digest()
    runs = [
        command.POST_COLLATERAL.row(account=10, asset=0, amount=amount),
        command.WITHDRAW_COLLATERAL.row(account=10, asset=0, amount=amount),
    ]
    events = events_of(engine.submit(runs))
    assert [(name, row["code"]) for name, row in events] == [("CommandRefused", 3)] * 2
    assert engine.state.digest() == digest


@pytest.mark.rule("14.8")
def test_an_engine_whose_books_do_not_balance_stops() -> None:
    engine = play(stream_of(1))
    engine.state.accounts.add(10, 0, 1)
    fund = engine.state.single(Role.INSURANCE_FUND)
    run = command.POST_COLLATERAL.row(account=fund, asset=0, amount=1)
    head = engine.journal.head()
    with pytest.raises(InvariantError):
        engine.submit([run])
    assert engine.journal.head() == head
    with pytest.raises(InvariantError, match="recovered, not used"):
        engine.submit([run])


SCRIPT = """
import sys
from tests.law.strategies import play, stream_of
engine = play(stream_of(5, steps=int(sys.argv[1])))
print(engine.state.digest().hex(), engine.head_hash.hex(), engine.sequence)
"""


@pytest.mark.rule("1.5")
@pytest.mark.parametrize(
    ("given_environment", "steps"),
    [
        ({"PYTHONHASHSEED": "0", "NUMBA_NUM_THREADS": "1"}, 8),
        ({"PYTHONHASHSEED": "1", "NUMBA_NUM_THREADS": "2"}, 8),
        ({"PYTHONHASHSEED": "1", "NUMBA_DISABLE_JIT": "1"}, 3),  # a step takes many seconds
    ],
)
def test_hash_seed_threads_and_compiler_do_not_show_in_journal_or_state(
    given_environment: dict[str, str], steps: int
) -> None:
    root = Path(__file__).parents[2]
    engine = play(stream_of(5, steps=steps))
    expected = f"{engine.state.digest().hex()} {engine.head_hash.hex()} {engine.sequence}"
    process = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(steps)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": f"{root}:{root / 'src'}", **given_environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert process.stdout.strip() == expected
