from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from novate.adapter.memory_journal import MemoryJournal
from novate.canonical import Record, Run, encode_runs
from novate.engine.batch import Batch, apply_record, decode_batch, present_batch, split_at_control
from novate.engine.catalogue import DECISIONS
from novate.engine.engine import Engine
from novate.engine.notice import Notice
from novate.engine.recover import recover
from novate.engine.snapshot import decode_snapshot
from novate.engine.state import State
from novate.engine.version import ENGINE_VERSION
from novate.errors import ConflictError, FencedError, InputError, InvariantError, JournalError
from novate.kernel.codes import Origin
from novate.message import command
from novate.message.declare import TEXT, Emit, Field, Message, Refusal, rows_of
from novate.message.topic import Decision
from tests.unit.aged import aged
from tests.unit.clearing import COIN, HOUR, MINUTE, START, ClearingHouse

TICK = command.ADVANCE_TIME.row(instant_ns=START + 1)
ASSESS = command.ASSESS_MARGIN.row(instant_ns=START + 1)
LAST = command.REPORT_LAST.row(instrument=0, ticks=5)
DEPOSIT = command.POST_COLLATERAL.row(account=0, asset=0, amount=7)


def content(batches: Sequence[Batch]) -> list[tuple[int, int, int, bytes]]:
    """Everything that batches say, in comparable form."""
    return [
        (b.sequence, b.instant_ns, int(b.origin), encode_runs(b.commands, b.events))
        for b in batches
    ]


# ---- rows and batches


@pytest.mark.rule("14.4")
def test_a_batch_gives_the_same_events_as_its_rows_one_by_one() -> None:
    runs = [
        command.ADVANCE_TIME.run({"instant_ns": [START + HOUR, START + 2 * HOUR]}),
        command.REPORT_PRICE.row(source=0, price_e8=490 * 10**8, observed_ns=START + 2 * HOUR),
        command.ASSESS_MARGIN.row(instant_ns=START + 2 * HOUR),
        command.POST_COLLATERAL.row(account=0, asset=0, amount=7),
    ]
    at_once, apart = traded_house(), traded_house()
    at_once.submit(*runs)
    for part in split_at_control(runs):
        apart.submit(*part)

    assert at_once.engine.state.digest() == apart.engine.state.digest()
    assert at_once.engine.head_hash == apart.engine.head_hash


# ---- records


def traded_house(**options: object) -> ClearingHouse:
    house = ClearingHouse(**options)  # type: ignore[arg-type]
    house.list_contract(funding_ns=8 * HOUR)
    house.open_client("A", deposit=5_500 * COIN)
    house.open_client("B", deposit=20_000 * COIN)
    house.price(500)
    house.trade("A", "B", lots=100, ticks=500)
    return house


@pytest.mark.rule("14.1")
def test_records_continue_the_chain_and_say_who_made_them() -> None:
    house = traded_house()
    house.price(468)

    records = list(house.engine.journal.read())

    assert [record.sequence for record in records] == list(range(1, len(records) + 1))
    assert {record.engine_version for record in records} == {ENGINE_VERSION}
    assert [Origin(record.origin) for record in records[-3:]] == [
        Origin.EXTERNAL,
        Origin.ENGINE,
        Origin.ENGINE,
    ]
    assert house.engine.sequence == len(records)
    assert house.engine.head_hash == records[-1].hash


def test_what_is_returned_is_what_is_journaled() -> None:
    house = traded_house()
    batches = house.price(468)

    records = list(house.engine.journal.read(batches[0].sequence))

    assert content(batches) == content([decode_batch(record) for record in records])


@pytest.mark.rule("14.2")
def test_applying_records_gives_the_state_that_deciding_gave() -> None:
    house = traded_house()
    house.price(440)
    house.advance(START + 9 * HOUR)
    state = State()

    for record in house.engine.journal.read():
        apply_record(state, record)

    assert state.digest() == house.engine.state.digest()


@pytest.mark.rule("14.9")
def test_an_unknown_command_changes_nothing_and_the_engine_goes_on() -> None:
    house = traded_house()
    before, head = house.engine.state.digest(), house.engine.head_hash

    with pytest.raises(InputError, match="command 'Guess' version 1 is unknown"):
        house.engine.submit([DEPOSIT, Run("Guess", 1, 0, ())])

    assert house.engine.state.digest() == before
    assert house.engine.head_hash == head
    house.deposit("A", 1)


def test_a_journal_with_records_wants_their_state() -> None:
    house = traded_house()

    with pytest.raises(JournalError, match=r"holds \d+ records: recover their state first"):
        Engine(house.engine.journal)


# ---- repeats


STEP = [
    command.ADVANCE_TIME.row(instant_ns=START + 2 * HOUR),  # two cycles are due on the way
    command.REPORT_PRICE.row(source=0, price_e8=440 * 10**8, observed_ns=START + 2 * HOUR),
    command.ASSESS_MARGIN.row(instant_ns=START + 2 * HOUR),
]


@pytest.mark.rule("14.5", "14.6")
def test_a_repeat_returns_the_recorded_outcome_and_changes_nothing() -> None:
    house = traded_house()
    house.advance(START + MINUTE)
    first = house.engine.submit(STEP, source="feed", source_sequence=1)
    assert {batch.origin for batch in first} == {Origin.ENGINE, Origin.EXTERNAL}
    house.advance(START + 4 * HOUR)  # work due later belongs to another call
    before, head = house.engine.state.digest(), house.engine.head_hash

    again = house.engine.submit(STEP, source="feed", source_sequence=1)

    assert content(again) == content(first)
    assert house.engine.state.digest() == before
    assert house.engine.head_hash == head


@pytest.mark.rule("14.6")
def test_sources_count_on_their_own() -> None:
    house = traded_house()
    [one] = house.engine.submit([DEPOSIT], source="feed", source_sequence=1)
    [two] = house.engine.submit([DEPOSIT], source="desk", source_sequence=1)
    [three] = house.engine.submit([DEPOSIT], source="feed", source_sequence=2)

    assert (two.sequence, three.sequence) == (one.sequence + 1, one.sequence + 2)
    assert house.balance("INSURANCE_FUND") == 21
    assert house.engine.state.sources_seen == {"feed": 2, "desk": 1}


@pytest.mark.rule("14.6")
def test_a_key_with_other_commands_is_a_conflict() -> None:
    house = traded_house()
    house.engine.submit(STEP, source="feed", source_sequence=1)
    other = [STEP[0], command.ASSESS_MARGIN.row(instant_ns=START + 2 * HOUR)]

    for commands in (other, STEP[:-1], [*STEP, DEPOSIT], []):
        with pytest.raises(ConflictError, match="'feed' sequence 1 was used with other commands"):
            house.engine.submit(commands, source="feed", source_sequence=1)

    house.engine.submit([DEPOSIT], source="feed", source_sequence=2)  # the engine goes on


@pytest.mark.rule("14.6")
def test_a_key_that_was_skipped_is_too_late() -> None:
    house = traded_house()
    house.engine.submit([DEPOSIT], source="feed", source_sequence=5)

    with pytest.raises(ConflictError, match="'feed' is at 5; 3 was never used and is too late"):
        house.engine.submit([DEPOSIT], source="feed", source_sequence=3)


@pytest.mark.parametrize("key", [0, -1])
def test_keys_count_from_one(key: int) -> None:
    house = traded_house()

    with pytest.raises(InputError, match=f"'feed': sequence {key}; allowed: from 1"):
        house.engine.submit([DEPOSIT], source="feed", source_sequence=key)


# ---- commands of earlier versions


LATER_DEPOSIT = Message(
    "PostCollateral",
    2,
    (
        Field("account", "uint32", "account"),
        Field("asset", "uint32", "asset"),
        Field("quantity", "int64", "ledger units, positive"),
        Field("reason", TEXT, "why", since=2, default="unknown"),
    ),
    "Credit a deposit; custody takes the other side.",
    renamed={2: {"amount": "quantity"}},
)


@pytest.fixture
def later_release(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Becomes the release after this one: a column of a deposit has another name, one is new."""
    decision = DECISIONS[command.POST_COLLATERAL]
    assert isinstance(decision, Decision)

    def decide_later(state: State, row: dict[str, Any], emit: Emit) -> Refusal | None:
        return decision.decide(state, {**row, "amount": row["quantity"]}, emit)

    def begin() -> None:
        monkeypatch.setitem(command.BY_NAME, "PostCollateral", LATER_DEPOSIT)
        later = replace(decision, command=LATER_DEPOSIT, decide=decide_later)
        monkeypatch.setitem(DECISIONS, LATER_DEPOSIT, later)

    return begin


def test_a_command_of_an_earlier_version_is_taken_and_journaled_in_the_present_one(
    later_release: Callable[[], None],
) -> None:
    house = traded_house()
    later_release()

    [batch] = house.engine.submit([DEPOSIT])

    assert (DEPOSIT.version, batch.commands[0].version) == (1, 2)
    assert rows_of(batch.commands[0]) == [
        {"account": 0, "asset": 0, "quantity": 7, "reason": "unknown"}
    ]
    assert house.balance("INSURANCE_FUND") == 7
    with pytest.raises(InputError, match="'PostCollateral' version 3 is unknown"):
        house.engine.submit([replace(DEPOSIT, version=3)])
    with pytest.raises(InputError, match=r"PostCollateral: unknown column \['amount'\]"):
        house.engine.submit([replace(DEPOSIT, version=2)])


def test_a_repeat_is_compared_after_both_sides_are_of_the_present_version(
    later_release: Callable[[], None],
) -> None:
    house = traded_house()
    [first] = house.engine.submit([DEPOSIT], source="feed", source_sequence=1)
    later_release()
    same = LATER_DEPOSIT.row(account=0, asset=0, quantity=7, reason="unknown")

    for run in (DEPOSIT, same):
        [again] = house.engine.submit([run], source="feed", source_sequence=1)
        assert again.sequence == first.sequence
        assert again.commands == (same,)
    for other in (
        LATER_DEPOSIT.row(account=0, asset=0, quantity=7, reason="else"),
        command.POST_COLLATERAL.row(account=0, asset=0, amount=8),
    ):
        with pytest.raises(ConflictError, match="was used with other commands"):
            house.engine.submit([other], source="feed", source_sequence=1)


def test_a_reader_is_given_the_present_version(later_release: Callable[[], None]) -> None:
    house = traded_house()
    house.engine.submit([DEPOSIT])
    later_release()
    record = list(house.engine.journal.read())[-1]

    batch = decode_batch(record)

    assert batch.commands == (DEPOSIT,)
    assert rows_of(present_batch(batch).commands[0])[0]["quantity"] == 7
    assert present_batch(batch).events == batch.events


def test_a_journal_of_a_later_release_is_not_written_to() -> None:
    house = traded_house()
    later = aged(house.engine.journal, ENGINE_VERSION + 1)

    with pytest.raises(JournalError, match="read it with a later release"):
        Engine(later, house.engine.state)


# ---- faults


class FailingJournal(MemoryJournal):
    """A journal whose disk is full from some moment on."""

    is_full = True

    def append(self, records: Sequence[Record], *, epoch: int) -> None:
        if self.is_full:
            raise JournalError("no space left")
        super().append(records, epoch=epoch)


@pytest.mark.rule("14.7")
def test_an_engine_whose_journal_fails_stops_for_good() -> None:
    engine = Engine(FailingJournal())

    with pytest.raises(JournalError, match="no space left"):
        engine.submit([TICK])

    with pytest.raises(InvariantError, match="a stopped engine is recovered, not used"):
        engine.submit([TICK])


@pytest.mark.rule("14.8")
def test_a_state_that_contradicts_itself_is_not_journaled() -> None:
    house = traded_house()
    house.state.accounts.add(house.number("A"), 0, 1)

    with pytest.raises(InvariantError, match="debits equal credits"):
        house.deposit("B", 1)

    assert house.engine.journal.head()[0] == house.batches[-1].sequence


# ---- deciding and committing


def test_nothing_leaves_before_the_commit() -> None:
    house = traded_house()
    engine, told = house.engine, []
    assert engine.journal is not None
    engine.subscribe(told.append)
    view, outbox, head = engine.view(0), engine.outbox(), engine.journal.head()
    clock = command.ADVANCE_TIME.row(instant_ns=house.state.now_ns + 1)
    price = command.REPORT_PRICE.row(
        source=0, price_e8=468 * 10**8, observed_ns=house.state.now_ns + 1
    )
    assess = command.ASSESS_MARGIN.row(instant_ns=house.state.now_ns + 1)

    call = engine.decide([clock, price, assess])

    assert house.state.defaults.orders.count == 1  # the state leads
    assert (engine.journal.head(), told) == (head, [])
    assert engine.view(10**12) is view
    assert engine.outbox() is outbox
    assert not call.is_committed

    assert engine.commit() == engine.sequence == engine.journal.head()[0]
    assert len(outbox) == 0
    assert engine.outbox().number.tolist() == [1]
    assert [notice.sequence for notice in told] == [engine.sequence]
    assert told[0].placed["order"].tolist() == [1]
    assert engine.view(10**12).sequence == engine.sequence
    assert [b.sequence for b in call.batches][-1] == engine.sequence


def test_a_commit_of_nothing_does_nothing() -> None:
    house = traded_house()
    told: list[object] = []
    house.engine.subscribe(told.append)

    assert house.engine.commit() == house.engine.sequence
    assert told == []


class CountingJournal(MemoryJournal):
    """A journal that counts what is appended at once."""

    def __init__(self) -> None:
        super().__init__()
        self.groups: list[int] = []

    def append(self, records: Sequence[Record], *, epoch: int) -> None:
        self.groups.append(len(records))
        super().append(records, epoch=epoch)


def test_a_hundred_clients_share_one_commit() -> None:
    journal = CountingJournal()
    house = traded_house(journal=journal)
    journal.groups.clear()

    calls = [
        house.engine.decide([DEPOSIT], source=f"client {n}", source_sequence=1) for n in range(100)
    ]
    house.engine.commit()

    assert journal.groups == [100]
    assert [len(call.batches) for call in calls] == [1] * 100
    assert house.balance("INSURANCE_FUND") == 700


def test_a_repeat_of_a_pending_key_waits_for_the_same_commit() -> None:
    house = traded_house()
    first = house.engine.decide(STEP, source="feed", source_sequence=1)
    head = house.engine.head_hash

    again = house.engine.decide(STEP, source="feed", source_sequence=1)

    assert again is first
    assert house.engine.head_hash == head
    with pytest.raises(ConflictError, match="other commands"):
        house.engine.decide(STEP[:1], source="feed", source_sequence=1)
    house.engine.commit()
    assert content(first.batches) == content(
        house.engine.decide(STEP, source="feed", source_sequence=1).batches
    )


def test_a_failed_commit_answers_nobody() -> None:
    journal = FailingJournal()
    journal.is_full = False
    house = traded_house(journal=journal)
    told: list[object] = []
    house.engine.subscribe(told.append)
    view = house.engine.view(0)
    call = house.engine.decide([DEPOSIT])
    journal.is_full = True

    with pytest.raises(JournalError, match="no space left"):
        house.engine.commit()

    assert not call.is_committed
    assert told == []
    assert house.engine.view(10**12) is view
    for use in (house.engine.commit, house.engine.snapshot, lambda: house.engine.decide([])):
        with pytest.raises(InvariantError, match="a stopped engine is recovered, not used"):
            use()


def test_a_writer_that_another_one_replaced_stops() -> None:
    house = traded_house()
    old, journal = house.engine, house.engine.journal
    assert journal is not None
    new = recover(journal)
    waiting = old.decide([DEPOSIT])
    new.submit([DEPOSIT])

    with pytest.raises(FencedError, match="epoch 1 is over"):
        old.commit()

    assert not waiting.is_committed
    with pytest.raises(InvariantError, match="a stopped engine"):
        old.decide([DEPOSIT])
    new.submit([DEPOSIT])
    assert recover(journal).state.digest() == new.state.digest()


def test_a_writer_whose_journal_went_on_before_it_began_stops() -> None:
    house = traded_house()
    journal = house.engine.journal
    assert journal is not None
    late = recover(journal)
    house.submit(DEPOSIT)

    with pytest.raises(JournalError, match="went on since this state was taken"):
        late.decide([DEPOSIT])

    with pytest.raises(InvariantError, match="a stopped engine"):
        late.decide([DEPOSIT])


def test_a_subscriber_that_raises_is_dropped_and_reported() -> None:
    house = traded_house()
    told: list[int] = []

    def fails(notice: Notice) -> None:
        raise ValueError("a reader's own fault")

    def calls_back(notice: Notice) -> None:
        house.engine.commit()

    for callback in (fails, calls_back, lambda notice: told.append(notice.sequence)):
        house.engine.subscribe(callback)
    house.engine.submit([DEPOSIT])
    house.engine.submit([DEPOSIT])

    assert told == [house.engine.sequence - 1, house.engine.sequence]
    assert [(who, str(error)) for who, error in house.engine.dropped] == [
        (fails, "a reader's own fault"),
        (calls_back, "a subscriber does not call the engine"),
    ]


def test_what_needs_a_commit_first_says_so() -> None:
    engine = traded_house().engine
    engine.decide([DEPOSIT])

    for use, words in (
        (engine.snapshot, "nothing pending"),
        (engine.fork, "fork after their commit"),
        (lambda: engine.subscribe(print), "subscribe after their commit"),
        (lambda: engine.view(0), "there is no view yet"),
    ):
        with pytest.raises(InputError, match=words):
            use()
    engine.commit()
    engine.snapshot()


# ---- forks and snapshots


def test_a_fork_goes_its_own_way() -> None:
    house = traded_house()
    before, head = house.engine.state.digest(), house.engine.head_hash
    fork = house.engine.fork(MemoryJournal())
    assert fork.state.digest() == before

    fork.submit([DEPOSIT])

    assert fork.sequence == 1
    assert house.engine.state.digest() == before
    assert house.engine.head_hash == head


def test_a_fork_begins_an_empty_journal_with_the_state_it_was_given() -> None:
    house = traded_house()
    used = MemoryJournal()
    house.engine.fork(used).submit([DEPOSIT])

    kept = used.latest_snapshot(0)
    assert kept is not None
    assert kept[:2] == (0, house.engine.state.digest())
    with pytest.raises(JournalError, match="a fork needs an empty journal, this one holds 1"):
        house.engine.fork(used)


def test_a_snapshot_is_kept_with_the_digest_of_its_state() -> None:
    house = traded_house()

    digest = house.engine.snapshot()

    kept = house.engine.journal.latest_snapshot()
    assert kept is not None
    sequence, kept_digest, payload = kept
    assert (sequence, kept_digest) == (house.engine.sequence, digest)
    assert decode_snapshot(payload, digest).digest() == digest == house.engine.state.digest()


def test_a_snapshot_of_a_state_that_is_not_sound_is_not_kept() -> None:
    house = traded_house()
    house.state.accounts.balance[house.number("A"), 0] += 1

    with pytest.raises(InvariantError, match="debits equal credits"):
        house.engine.snapshot()

    assert house.engine.journal is not None
    assert house.engine.journal.latest_snapshot() is None


def test_a_fork_without_a_journal_only_simulates() -> None:
    house = traded_house()
    before, head = house.engine.state.digest(), house.engine.head_hash
    fork, journaled = house.engine.fork(), house.engine.fork(MemoryJournal())

    batches, expected = fork.submit(STEP), journaled.submit(STEP)

    assert content(batches) == content(expected)
    assert fork.state.digest() == journaled.state.digest()
    assert (fork.journal, fork.head_hash) == (None, bytes(32))
    assert (house.engine.state.digest(), house.engine.head_hash) == (before, head)
    with pytest.raises(InputError, match="without a journal no outcome is kept"):
        fork.decide([DEPOSIT], source="feed", source_sequence=1)
    with pytest.raises(InputError, match="a snapshot needs a journal"):
        fork.snapshot()


@pytest.mark.rule("14.9")
def test_nothing_is_booked_before_the_house_has_its_own_accounts() -> None:
    engine = Engine(MemoryJournal())
    engine.submit([command.DECLARE_ASSET.row(symbol="USDT", decimals=6, haircut_bps=0)])

    with pytest.raises(InputError, match="the house's own accounts are not open"):
        engine.submit([command.DECLARE_ASSET.row(symbol="B", decimals=8, haircut_bps=0), DEPOSIT])

    assert engine.sequence == 1
    assert engine.state.assets.count == 1
