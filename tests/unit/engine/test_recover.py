from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from novate.adapter.memory_journal import MemoryJournal
from novate.canonical import Record, Run, decode_runs, encode_runs, seal
from novate.engine.catalogue import APPLICATIONS
from novate.engine.recover import audit, recover
from novate.engine.snapshot import encode_snapshot
from novate.engine.version import ENGINE_VERSION
from novate.errors import JournalError
from novate.kernel.codes import Origin, ShortfallPolicy
from novate.message import command, event
from novate.message.declare import columns_of
from tests.unit.aged import aged, next_version, renamed
from tests.unit.clearing import COIN, HOUR, MINUTE, START, ClearingHouse


def eventful_house() -> ClearingHouse:
    """Cycles, funding, a call, a liquidation with fills, a takeover, a loss, a refusal."""
    house = ClearingHouse()
    house.list_contract(
        funding_ns=8 * HOUR, funding_cap_e9=10**6, interest_e9=10**5, funding_damper_e9=10**6
    )
    house.open_member("N", default_fund=50 * COIN)
    house.open_client("A", deposit=5_500 * COIN)
    house.open_client("B", deposit=90_000 * COIN)
    house.open_client("D", deposit=5_500 * COIN, shortfall_policy=ShortfallPolicy.CALL_THEN_DEFAULT)
    house.price(500)
    house.trade("A", "B", lots=100, ticks=500)
    house.trade("D", "B", lots=100, ticks=500)
    house.submit(house.trade_run("A", "B", lots=10**6 + 1, ticks=500), allow_refusals=True)
    house.price(468, at_ns=START + MINUTE)
    house.fill(1, 10, 467)
    house.price(466, at_ns=START + HOUR + MINUTE)
    house.price(430, at_ns=START + 2 * HOUR)
    house.price(431, at_ns=START + 9 * HOUR)
    return house


# ---- recover


@pytest.mark.rule("14.2")
def test_a_journal_gives_back_the_state_it_left() -> None:
    house = eventful_house()

    engine = recover(house.engine.journal)

    assert engine.state.digest() == house.engine.state.digest()
    assert (engine.sequence, engine.head_hash) == (house.engine.sequence, house.engine.head_hash)


def test_a_recovered_engine_goes_on_as_the_old_one_would() -> None:
    house = eventful_house()
    other = eventful_house()
    other.engine = recover(other.engine.journal)

    for each in (house, other):
        each.price(400, at_ns=START + 17 * HOUR)

    assert other.engine.head_hash == house.engine.head_hash
    assert other.engine.state.digest() == house.engine.state.digest()


@pytest.mark.rule("14.2")
def test_a_snapshot_saves_the_records_before_it() -> None:
    house = eventful_house()
    house.engine.snapshot()
    house.deposit("B", 7)
    seen: list[int] = []
    whole: list[int] = []

    quick = recover(house.engine.journal, progress=seen.append)
    slow = recover(house.engine.journal, from_snapshot=False, progress=whole.append)

    assert seen == [house.engine.sequence]
    assert whole == list(range(1, house.engine.sequence + 1))
    assert quick.state.digest() == slow.state.digest() == house.engine.state.digest()


def test_a_snapshot_that_is_not_what_it_claims_is_found_out() -> None:
    house = eventful_house()
    sequence = house.engine.sequence
    house.engine.journal.put_snapshot(sequence, bytes(32), encode_snapshot(house.engine.state))

    with pytest.raises(
        JournalError, match=f"after record {sequence}: the snapshot does not have the digest"
    ):
        recover(house.engine.journal)

    digest = recover(house.engine.journal, from_snapshot=False).state.digest()
    assert digest == house.engine.state.digest()


def test_an_empty_journal_is_a_new_clearing_house() -> None:
    engine = recover(MemoryJournal())

    assert engine.sequence == 0
    assert audit(MemoryJournal()).digest == engine.state.digest()


def test_a_journal_that_calls_a_column_by_its_old_name_gives_the_same_state(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    house = eventful_house()
    old = aged(
        house.engine.journal,
        ENGINE_VERSION,
        write=lambda run: renamed(run, "AccountOpened", "mode", "way"),
    )
    opened = event.ACCOUNT_OPENED
    later = next_version(opened, "way", "mode")
    with pytest.raises(KeyError):
        recover(old)

    monkeypatch.setitem(event.BY_NAME, opened.name, later)
    monkeypatch.setitem(APPLICATIONS, later, APPLICATIONS[opened])

    assert recover(old).state.digest() == house.engine.state.digest()


# ---- audit


@pytest.mark.rule("14.3")
def test_an_honest_journal_passes_and_is_counted() -> None:
    house = eventful_house()
    seen: list[int] = []

    report = audit(house.engine.journal, progress=seen.append)

    assert report.digest == house.engine.state.digest()
    assert report.records == house.engine.sequence == len(seen)
    assert report.events == sum(run.rows for batch in house.batches for run in batch.events)
    assert report.commands == sum(run.rows for batch in house.batches for run in batch.commands)


@pytest.mark.rule("4.8")
def test_a_breach_that_funding_caused_waits_for_the_next_assessment() -> None:
    house = ClearingHouse()
    house.list_contract(
        funding_ns=HOUR, funding_cap_e9=10**7, interest_e9=10**7, funding_damper_e9=10**9
    )
    house.open_client("A", deposit=5_541 * COIN)
    house.open_client("B", deposit=90_000 * COIN)
    house.price(500)
    house.trade("A", "B", lots=100, ticks=500)
    house.price(468, at_ns=START + MINUTE)  # 2,341 of 2,340
    assert house.events("LiquidationStarted") == []

    house.advance(START + HOUR)  # longs pay one percent
    house.price(468, at_ns=START + HOUR + MINUTE)

    assert len(house.events("FundingSettled")) == 1
    assert len(house.events("LiquidationStarted")) == 1
    assert audit(house.engine.journal).digest == house.engine.state.digest()


Edit = Callable[[list[Record]], None]


def forged(house: ClearingHouse, edit: Edit) -> MemoryJournal:
    """The journal after an edit by someone who can seal every record again."""
    records = list(house.engine.journal.read())
    edit(records)
    journal = MemoryJournal()
    for record in records:
        sequence, previous = journal.head()
        journal.append(
            [
                seal(
                    sequence=sequence + 1,
                    instant_ns=record.instant_ns,
                    engine_version=record.engine_version,
                    previous=previous,
                    body=record.body,
                    origin=record.origin,
                    source=record.source,
                    source_sequence=record.source_sequence,
                )
            ],
            epoch=0,
        )
    return journal


def altered(run: Run, **columns: object) -> Run:
    """The run with other values in its first row."""
    changed = columns_of(run)
    for name, value in columns.items():
        changed[name] = changed[name].copy()
        changed[name][0] = value
    return replace(run, columns=tuple(changed.items()))


def find(records: list[Record], name: str, *, side: str = "events", nth: int = 0) -> int:
    """Position of the nth record with an event (or command) of a name."""
    which = 1 if side == "events" else 0
    found = [
        at
        for at, record in enumerate(records)
        if name in {run.name for run in decode_runs(record.body)[which]}
    ]
    return found[nth]


def edited(record: Record, name: str, **columns: object) -> Record:
    """The record with other values in the run of a name, command or event."""
    commands, events = (
        [altered(run, **columns) if run.name == name else run for run in side]
        for side in decode_runs(record.body)
    )
    return replace(record, body=encode_runs(commands, events))


def alter_event(records: list[Record]) -> None:
    at = find(records, "LossAllocated")
    records[at] = edited(records[at], "LossAllocated", amount=1)


def alter_fee(records: list[Record]) -> None:
    at = find(records, "OrderFilled")
    records[at] = edited(records[at], "OrderFilled", fee=0)


def alter_engine_command(records: list[Record]) -> None:
    at = find(records, "StartLiquidation", side="commands")
    records[at] = edited(records[at], "StartLiquidation", account=10)


def alter_cycle(records: list[Record]) -> None:
    at = find(records, "SettleCycle", side="commands")
    records[at] = edited(records[at], "SettleCycle", cycle=9)


def alter_instant_of_due_work(records: list[Record]) -> None:
    at = find(records, "SettleCycle", side="commands")
    later = edited(records[at], "AdvanceTime", instant_ns=START + HOUR + 5)
    records[at] = edited(later, "TimeAdvanced", instant_ns=START + HOUR + 5)


def drop_consequence(records: list[Record]) -> None:
    del records[find(records, "AllocateLoss", side="commands")]


def drop_last_consequence(records: list[Record]) -> None:
    del records[find(records, "PlaceSlice", side="commands")]


def due_work(records: list[Record]) -> list[int]:
    """Positions of the records of due work."""
    return [
        at
        for at, record in enumerate(records)
        if record.origin == Origin.ENGINE and decode_runs(record.body)[0][0].name == "AdvanceTime"
    ]


def drop_due_work(records: list[Record]) -> None:
    del records[due_work(records)[-1]]


def repeat_due_work(records: list[Record]) -> None:
    at = find(records, "SettleCycle", side="commands")
    records.insert(at, records[at])


def cut_the_tail(records: list[Record]) -> None:
    del records[find(records, "AllocateLoss", side="commands") :]


def cut_after_due_work(records: list[Record]) -> None:
    del records[find(records, "SettleCycle", side="commands") + 1 :]


def do_work_early(records: list[Record]) -> None:
    """Due work of a later call before an external command of the present."""
    at = due_work(records)[0]
    records.insert(at - 1, records.pop(at))


def add_engine_command(records: list[Record]) -> None:
    body = encode_runs([command.SWEEP_SURPLUS.row(account=2)], [])
    records.append(replace(records[-1], origin=int(Origin.ENGINE), body=body))


def alter_version(records: list[Record]) -> None:
    records[4] = replace(records[4], engine_version=7)


@pytest.mark.rule("4.3", "4.8", "14.3")
@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (alter_event, r"record \d+: events do not follow"),
        (alter_fee, r"record \d+: events do not follow"),
        (alter_engine_command, r"record \d+: engine commands do not follow"),
        (alter_cycle, r"record \d+: engine commands do not follow"),
        (alter_instant_of_due_work, r"record \d+: engine commands do not follow"),
        (drop_consequence, r"record \d+: engine commands do not follow"),
        (drop_last_consequence, r"record \d+: consequences before it are missing"),
        (drop_due_work, r"record \d+: due work before it is missing"),
        (repeat_due_work, r"record \d+: engine commands do not follow"),
        (cut_the_tail, "ends before what its last command causes"),
        (cut_after_due_work, "ends before what its last command causes"),
        (do_work_early, r"record \d+: work before it was not due yet"),
        (add_engine_command, r"record \d+: engine commands do not follow"),
        (alter_version, r"record 5 was decided by engine version 7, this release has version \d+"),
    ],
)
def test_a_journal_that_was_sealed_again_does_not_pass(edit: Edit, message: str) -> None:
    journal = forged(eventful_house(), edit)

    with pytest.raises(JournalError, match=message):
        audit(journal)


def test_the_message_names_the_first_wrong_record() -> None:
    house = eventful_house()
    at = find(list(house.engine.journal.read()), "LossAllocated")

    with pytest.raises(JournalError, match=rf"record {at + 1}: events .*'LossAllocated'"):
        audit(forged(house, alter_event))


def test_sealing_again_without_an_edit_changes_nothing() -> None:
    house = eventful_house()

    journal = forged(house, lambda records: None)

    assert journal.head() == house.engine.journal.head()
    assert audit(journal).digest == house.engine.state.digest()
