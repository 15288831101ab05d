"""Laws of a service: many clients share one writer, and none of them can harm another."""

from __future__ import annotations

import functools
import os
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from novate.adapter.memory_journal import MemoryJournal
from novate.canonical import Run
from novate.engine.batch import Batch
from novate.engine.engine import Engine
from novate.engine.notice import Notice
from novate.engine.outbox import Outbox
from novate.engine.pending import Pending
from novate.engine.recover import audit, recover
from novate.engine.submission import LINKABLE, LINKED_MAX
from novate.engine.view import View, ViewBook
from novate.errors import ConflictError, InputError
from novate.kernel.clearing.sweep import HEALTH_EQUITY, HEALTH_INITIAL, HEALTH_MAINTENANCE
from novate.message import command
from novate.message.declare import TEXT, Message
from novate.message.refusal import LinkedRefusal
from tests.law.strategies import events_of, play, row_by_row, seeds, stream_of

few = settings(max_examples=int(os.environ.get("NOVATE_LAW_EXAMPLES", "6")), deadline=None)
"""Examples of a law; `make soak` takes more."""

DEPOSIT = command.POST_COLLATERAL.row(account=0, asset=0, amount=1)
TICK = command.ADVANCE_TIME.row(instant_ns=1)


# ---- bad batches


BAD: list[tuple[list[Run], dict[str, Any]]] = [
    ([DEPOSIT, Run("Guess", 1, 0, ())], {}),
    ([Run("PostCollateral", 99, 0, ())], {}),
    ([DEPOSIT, Run("PostCollateral", 1, 1, (("account", np.zeros(1, np.uint32)),))], {}),
    ([DEPOSIT], {"source": "x", "source_sequence": 0}),
    ([DEPOSIT], {"source": "x", "source_sequence": True}),
    ([DEPOSIT], {"source": "line\nbreak", "source_sequence": 1}),
    ([DEPOSIT, TICK], {"linked": True}),
    ([command.REPORT_PRICE.row(source=0, price_e8=1, observed_ns=1)], {"linked": True}),
    ([DEPOSIT] * (LINKED_MAX + 1), {"linked": True}),
    ([DEPOSIT, DEPOSIT], {"source": "feed", "source_sequence": 1}),  # the key of another call
    ([DEPOSIT], {"source": "feed", "source_sequence": 1, "linked": True}),
]


@few
@given(seeds, st.data())
def test_a_bad_batch_of_one_client_changes_nothing_for_the_others(
    seed: int, data: st.DataObject
) -> None:
    stream = [runs for runs in stream_of(seed) if runs]
    plain, engine = Engine(MemoryJournal()), Engine(MemoryJournal())
    for number, runs in enumerate(stream, 1):
        plain.submit(runs, source="feed", source_sequence=number)
    for number, runs in enumerate(stream, 1):
        engine.decide(runs, source="feed", source_sequence=number)
        for bad, options in data.draw(st.lists(st.sampled_from(BAD), max_size=3)):
            with pytest.raises((InputError, ConflictError)):
                engine.decide(bad, **options)
        if data.draw(st.booleans()):
            engine.commit()
    engine.commit()
    assert engine.head_hash == plain.head_hash
    assert engine.state.digest() == plain.state.digest()


def field_values(dtype: str) -> st.SearchStrategy[Any]:
    """Any value of a column, the limits of its type more often."""
    if dtype == TEXT:
        return st.text(max_size=3)
    if dtype == "bool":
        return st.booleans()
    if dtype == "float64":
        return st.floats()
    low, high = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    return st.one_of(
        st.integers(max(low, -2), 12),
        st.sampled_from([low, high, low + 1, high - 1, high // 2]),
        st.integers(low, high),
    )


@functools.cache
def lived(seed: int) -> Engine:
    """An engine that has lived through a stream, or through nothing; to be forked."""
    return play(stream_of(seed)) if seed else Engine(MemoryJournal())


@st.composite
def any_run(draw: st.DrawFn) -> Run:
    """One row of any command, with anything in its columns."""
    message: Message = draw(st.sampled_from(command.COMMANDS))
    values = {field.name: draw(field_values(field.dtype)) for field in message.fields}
    return message.row(**values)


@settings(max_examples=20 * few.max_examples, deadline=None)
@given(st.lists(any_run(), min_size=1, max_size=6), st.booleans(), st.sampled_from([0, 3, 8]))
def test_no_command_whatever_it_says_stops_the_engine(
    runs: list[Run], linked: bool, start: int
) -> None:
    engine = lived(start).fork(MemoryJournal())
    engine.decide([command.REPORT_LAST.row(instrument=0, ticks=1)] if start else [TICK])
    try:
        engine.decide(runs, linked=linked)
    except InputError:
        engine.decide([command.SET_HAIRCUT.row(asset=0, haircut_bps=0)])
    engine.commit()
    engine.state.require_sound()


# ---- one commit


@few
@given(seeds, st.data())
def test_calls_of_one_commit_are_journaled_as_if_each_had_its_own(
    seed: int, data: st.DataObject
) -> None:
    stream = stream_of(seed)
    together = Engine(MemoryJournal())
    calls = []
    for runs in stream:
        calls.append(together.decide(runs))
        if data.draw(st.booleans()):
            together.commit()
    together.commit()
    alone = Engine(MemoryJournal())
    outcomes = [alone.submit(runs) for runs in stream]
    assert together.head_hash == alone.head_hash
    assert [said(call.batches) for call in calls] == [said(batches) for batches in outcomes]


def said(batches: list[Batch]) -> list[tuple[Any, ...]]:
    """Everything that batches say, in comparable form."""
    return [(b.sequence, b.instant_ns, b.origin, b.commands, b.events) for b in batches]


@few
@given(seeds, st.data())
def test_what_is_lost_between_deciding_and_the_commit_was_never_reported(
    seed: int, data: st.DataObject
) -> None:
    stream = [runs for runs in stream_of(seed) if runs]
    journal = MemoryJournal()
    engine = Engine(journal)
    told: list[int] = []
    engine.subscribe(lambda notice: told.append(notice.sequence))
    digest, head, calls = engine.state.digest(), 0, []
    committed: list[Pending] = []
    for number, runs in enumerate(stream, 1):
        calls.append(engine.decide(runs, source="feed", source_sequence=number))
        if data.draw(st.booleans()):
            head = engine.commit()
            digest, committed, calls = engine.state.digest(), [*committed, *calls], []
            outbox = engine.outbox()
    # The process is killed here: what it had in memory is gone.
    assert journal.head()[0] == head
    assert all(call.is_committed and call.batches for call in committed)
    for call in calls:
        assert not call.is_committed
        with pytest.raises(InputError, match="not committed yet"):
            _ = call.batches
    assert not told or told[-1] == head
    again = recover(journal)
    assert again.state.digest() == digest
    if committed:
        assert same_orders(again.outbox(), outbox)
        assert same_orders(again.outbox(), engine.outbox())
    for number, runs in enumerate(stream, 1):
        again.submit(runs, source="feed", source_sequence=number)
    assert again.head_hash == engine.head_hash
    assert again.state.digest() == engine.state.digest()


def same_orders(one: Outbox, other: Outbox) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in Outbox.__slots__
    )


# ---- keys


@settings(max_examples=5 * few.max_examples, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("AB"), st.integers(1, 5), st.integers(1, 2), st.booleans(),
            st.booleans(),
        ),
        max_size=20,
    )
)  # fmt: skip
def test_a_key_stands_for_one_call_pending_or_committed(
    calls: list[tuple[str, int, int, bool, bool]],
) -> None:
    engine = Engine(MemoryJournal())
    known: dict[tuple[str, int], tuple[int, bool, Pending]] = {}
    for source, number, instant, linked, then_commit in calls:
        run = command.DECLARE_ASSET.row(symbol=str(instant), decimals=0, haircut_bps=0)
        key, sequence = (source, number), engine.sequence
        highest = max((n for s, n in known if s == source), default=0)
        options: dict[str, Any] = {
            "source": source, "source_sequence": number, "linked": linked,
        }  # fmt: skip
        if key in known and known[key][:2] != (instant, linked):
            with pytest.raises(ConflictError, match="other commands"):
                engine.decide([run], **options)
        elif key not in known and number < highest:
            with pytest.raises(ConflictError, match="too late"):
                engine.decide([run], **options)
        else:
            call = engine.decide([run], **options)
            if key in known and known[key][2].is_committed:
                assert said(call.batches) == said(known[key][2].batches)
            elif key in known:
                assert call is known[key][2]
            known.setdefault(key, (instant, linked, call))
        assert engine.sequence == sequence + (engine.sequence > sequence)
        if then_commit:
            engine.commit()
    engine.commit()
    assert all(call.is_committed for _, _, call in known.values())
    assert engine.sequence == len(known)


# ---- linked


def linkable(runs: list[Run]) -> list[Run]:
    """The first rows of a step that can be linked."""
    rows = [run for run in row_by_row(runs) if run.name in LINKABLE]
    return rows[:LINKED_MAX]


@few
@given(seeds)
def test_linked_commands_are_all_or_none_also_through_recovery_and_audit(seed: int) -> None:
    engine = Engine(MemoryJournal())
    booked = refused = 0
    for number, runs in enumerate(stream_of(seed)):
        rows = linkable(runs)
        if number > 1 and len(rows) > 1:
            before, one_by_one = engine.state.digest(), engine.fork()
            apart = [events_of(one_by_one.submit([row])) for row in rows]
            found = events_of(engine.submit(rows, linked=True))
            failing = [k for k, events in enumerate(apart) if "CommandRefused" in dict(events)]
            if failing:
                refused += 1
                assert_refused(found, failing[0], apart[failing[0]], rows)
                assert engine.state.digest() == before
            else:
                booked += 1
                assert without_rows(found) == without_rows([e for each in apart for e in each])
                assert engine.state.digest() == one_by_one.state.digest()
        engine.submit(runs)
    assert booked + refused > 0
    recovered = recover(engine.journal)
    assert recovered.state.digest() == engine.state.digest()
    assert audit(engine.journal).digest == engine.state.digest()


def assert_refused(
    found: list[tuple[str, dict[str, Any]]], place: int, own: list[Any], rows: list[Run]
) -> None:
    """Every row is refused: the failing one for its own reason, the others for the link."""
    expected = [
        {"command": run.name, "row": 0, "code": int(LinkedRefusal.LINKED), "actual": place,
         "allowed": -1}
        for run in rows
    ]  # fmt: skip
    [(_, expected[place])] = own
    assert found == [("CommandRefused", row) for row in expected]


def without_rows(events: list[tuple[str, dict[str, Any]]]) -> list[str]:
    """Events without the place of their command in its run."""
    return [f"{name} {row | {'row': 0}}" for name, row in events]


# ---- views and notices


@few
@given(seeds, st.data())
def test_a_view_never_changes_under_its_reader_and_is_the_committed_book(
    seed: int, data: st.DataObject
) -> None:
    engine = Engine(MemoryJournal())
    held: list[tuple[View, bytes]] = []
    for now_ns, runs in enumerate(stream_of(seed)):
        engine.decide(runs)
        if held:
            assert engine.view(now_ns * 10**9) is held[-1][0]  # not while calls are pending
        engine.commit()
        if data.draw(st.booleans()):
            view = engine.view(now_ns * 10**9)
            assert view.sequence == engine.sequence
            assert spelled(view) == spelled(whole_view(engine))
            held.append((view, spelled(view)))
    for view, before in held:
        assert spelled(view) == before
        for array in arrays_of(view):
            assert not array.flags.writeable


def whole_view(engine: Engine) -> View:
    """A view made anew, without any block of another."""
    book = ViewBook()
    flags = engine.state.accounts.moved_block.copy()
    book.renew(engine.state, engine.sequence, Outbox.of(engine.state), 0)
    engine.state.accounts.moved_block[:] = flags
    return book.last()


def arrays_of(view: View) -> list[np.ndarray[Any, Any]]:
    """Every array of a view."""
    found = [view.mark, view.unit_price]
    for block in view.blocks:
        found += [block.health, block.balance, block.status, block.start]
        found += block.positions.values()
    for rows in view.reservations:
        found += rows.values()
    return found + [getattr(view.outbox, name) for name in Outbox.__slots__]


def spelled(view: View) -> bytes:
    """The bytes of everything that a view says."""
    head = repr((view.sequence, view.instant_ns, view.accounts, len(view.blocks))).encode()
    return head + b"|".join(array.tobytes() for array in arrays_of(view))


@few
@given(seeds)
def test_notices_alone_keep_a_copy_of_all_figures_and_of_the_outbox(seed: int) -> None:
    engine = Engine(MemoryJournal())
    figures: dict[int, tuple[int, int, int, int]] = {}
    orders: set[int] = set()

    def listen(notice: Notice) -> None:
        columns = (notice.equity, notice.initial, notice.maintenance, notice.status)
        rows = zip(*(column.tolist() for column in columns), strict=True)
        figures.update(zip(notice.account.tolist(), rows, strict=True))
        orders.update(notice.placed["order"].tolist() if notice.placed else ())
        orders.difference_update(notice.closed.tolist())

    engine.subscribe(listen)
    for runs in stream_of(seed):
        engine.submit(runs)
        health = engine.state.assess_all()
        fresh = engine.state.margin_cache.numbers()[
            :, [HEALTH_EQUITY, HEALTH_INITIAL, HEALTH_MAINTENANCE]
        ]
        assert len(figures) == len(health)
        for account, told in figures.items():
            status = int(engine.state.accounts.status[account])
            assert told == (*fresh[account].tolist(), status)
        assert orders == set(engine.outbox().number.tolist())
    assert engine.dropped == []
