from __future__ import annotations

import numpy as np
import pytest

from novate.adapter.memory_journal import MemoryJournal
from novate.app.replay import driver
from novate.engine.batch import decode_batch
from novate.engine.recover import audit, recover
from novate.errors import InvariantError
from novate.kernel.clearing.assess import NET
from novate.kernel.codes import Origin
from novate.message import command
from novate.message.declare import columns_of
from tests.unit.app.replay.small import finished, ready


def test_every_step_of_the_feed_is_taken_under_its_own_key() -> None:
    prepared, done = finished()

    records = list(done.engine.journal.read())

    keys = {(record.source, record.source_sequence) for record in records}
    assert keys == {("opening", 1), *(("feed", k) for k in range(1, len(prepared.feed) + 1))}
    assert done.engine.state.sources_seen == {"opening": 1, "feed": len(prepared.feed)}


def test_a_step_is_prices_then_fills_then_the_assessment() -> None:
    _, done = finished()
    steps: dict[int, list[str]] = {}
    for record in done.engine.journal.read():
        if record.source == "feed" and record.origin == Origin.EXTERNAL:
            names = [run.name for run in decode_batch(record).commands]
            steps.setdefault(record.source_sequence, []).extend(names)

    order = ["AdvanceTime", "ReportPrice", "ReportLast", "ReportFill", "AssessMargin"]
    with_fills = [names for names in steps.values() if "ReportFill" in names]
    assert with_fills
    assert all(names == order for names in with_fills)
    assert all(names == [n for n in order if n in names] for names in steps.values())


def test_the_run_can_be_recovered_and_audited() -> None:
    _, done = finished()

    digest = done.engine.state.digest()

    assert recover(done.engine.journal).state.digest() == digest
    assert audit(done.engine.journal).digest == digest


def test_equity_at_start_and_end_is_net_of_nothing_but_haircuts() -> None:
    prepared, done = finished()

    numbers = done.engine.state.assess_all()
    assert np.array_equal(done.equity_end, numbers[prepared.book.accounts, NET])
    assert done.equity_start.shape == done.equity_end.shape == (3,)
    assert done.elapsed_s > 0


def test_fund_levels_are_sums_of_balances() -> None:
    _, done = finished()

    assert done.funds_start == {
        "fund": 2_600 * 10**6,  # 2 % of a long notional of 130,000
        "skin": 650 * 10**6,
        "default_fund": 2_600 * 10**6,
    }
    accounts = done.engine.state.accounts
    fund = int(accounts.balance[accounts.number["insurance-fund"], 0])
    assert driver.fund_levels(done.engine)["fund"] == fund


def test_progress_is_told_step_by_step_and_the_same_run_gives_the_same_journal() -> None:
    prepared = ready()
    told: list[tuple[int, int]] = []

    again = driver.run(prepared, MemoryJournal(), lambda done, total: told.append((done, total)))

    steps = len(prepared.feed)
    assert told == [(k, steps) for k in range(1, steps + 1)]
    assert again.engine.head_hash == finished()[1].engine.head_hash


def test_a_book_that_the_engine_does_not_take_stops_the_run() -> None:
    prepared = ready()
    trades = next(run for run in prepared.book.runs if run.name == "SubmitTrade")
    columns = {**columns_of(trades), "lots": columns_of(trades)["lots"] * 100}
    prepared.book.runs[prepared.book.runs.index(trades)] = command.SUBMIT_TRADE.run(columns)

    with pytest.raises(InvariantError, match=r"the opening is accepted, \d+ refused"):
        driver.run(prepared, MemoryJournal(), lambda done, total: None)
