from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from novate.adapter.memory_journal import MemoryJournal
from novate.app.replay.driver import drive
from novate.engine.recover import audit, recover
from novate.errors import InvariantError
from novate.kernel.clearing.assess import NET
from novate.message import command
from novate.message.declare import columns_of
from tests.unit.app.replay.small import finished, ready


def test_every_step_of_the_feed_is_taken_under_its_own_key() -> None:
    prepared, done = finished()

    records = list(done.engine.journal.read())

    keys = {(record.source, record.source_sequence) for record in records}
    assert keys == {("opening", 1), *(("feed", k) for k in range(1, len(prepared.feed) + 1))}
    assert done.engine.state.sources_seen == {"opening": 1, "feed": len(prepared.feed)}


def test_the_run_can_be_recovered_and_audited() -> None:
    _, done = finished()

    digest = done.engine.state.digest()

    assert recover(done.engine.journal).state.digest() == digest
    assert audit(done.engine.journal).digest == digest


def test_equity_at_start_and_end_is_net_of_nothing_but_haircuts() -> None:
    prepared, done = finished()

    numbers = done.engine.state.assess_all()
    assert np.array_equal(done.run.equity_end, numbers[prepared.book.accounts.numbers, NET])
    assert done.run.opening.equity.shape == done.run.equity_end.shape == (3,)
    assert done.elapsed_s > 0


def test_progress_is_told_step_by_step_and_the_same_run_gives_the_same_journal() -> None:
    prepared = ready()
    told: list[tuple[int, int]] = []

    again = drive(prepared, MemoryJournal(), lambda done, total: told.append((done, total)))

    steps = len(prepared.feed)
    assert told == [(k, steps) for k in range(steps + 1)]
    assert again.engine.head_hash == finished()[1].engine.head_hash


def test_a_book_that_the_engine_does_not_take_stops_the_run() -> None:
    prepared = ready()
    opening = list(prepared.opening)
    [place] = [k for k, run in enumerate(opening) if run.name == "SubmitTrade"]
    columns = columns_of(opening[place])
    opening[place] = command.SUBMIT_TRADE.run({**columns, "lots": columns["lots"] * 100})

    with pytest.raises(InvariantError, match=r"the opening is accepted, \d+ refused"):
        drive(replace(prepared, opening=tuple(opening)), MemoryJournal(), lambda done, total: None)
