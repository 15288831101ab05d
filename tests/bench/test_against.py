"""The comparison with an earlier commit works, at sizes that measure nothing."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.bench.against import Pair, Plan, compare
from tests.bench.workload.__main__ import WORKLOADS
from tests.bench.workload.durable import Durable
from tests.bench.workload.process import ROOT, Process, Tree
from tests.bench.workload.turn import take

HERE = Tree("here", ROOT / "src")
TINY = {
    "market": {"accounts": 40, "batch": 10},
    "durable": {"accounts": 40, "rows": 10},
    "mass default": {"accounts": 40},
    "history": {"accounts": 60, "done": 100},
}
EXPECTED = {
    "trades in batches": Counter(TradeNovated=100),
    "sweep after all marks moved": Counter(MarkUpdated=110, MarginAssessed=10),
    "tick of a mark with few holders": Counter(PriceReported=50, MarginAssessed=50),
    "one trade a submit": Counter(TradeNovated=100),
    "fork": Counter[str](),
    "durable batches": Counter(TradeNovated=1_000),
    "mass default of 40 accounts, 1 in 10 bust": Counter(
        LiquidationStarted=40, SliceScheduled=37, AccountTakenOver=4, MarginReleased=8
    ),
    "assessment, fresh": Counter(MarkUpdated=1_000, MarginAssessed=20),
    "assessment, 100 done": Counter(MarkUpdated=1_000, MarginAssessed=20),
    "reservation, fresh": Counter(MarginReserved=1_000),
    "reservation, 100 done": Counter(MarginReserved=1_000),
    "liquidation slice, fresh": Counter(OrderPlaced=2_000, SliceScheduled=40),
    "liquidation slice, 100 done": Counter(OrderPlaced=2_000, SliceScheduled=40),
}
"""Among the events of each turn, those that show that it did its work, all of it."""


@pytest.mark.parametrize("name", TINY)
def test_every_turn_does_its_work_and_leaves_what_it_found(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    workload = WORKLOADS[name](**TINY[name])
    turns = workload.turns()
    for turn in turns.values():
        if turn.warm is not None:
            turn.warm()
    for turn_name, turn in turns.items():
        found = [take(turn)["outcome"] for _ in range(2)]
        for outcome in found:
            outcome.pop("RangeMoved", None)  # the range of an index begins once
        assert found[0] == found[1]
        assert Counter(found[0]) >= EXPECTED[turn_name]
    if isinstance(workload, Durable):
        workload.house.engine.journal.close()


def test_two_trees_take_turns_and_their_events_are_compared() -> None:
    tiny = ("mass default", {"accounts": 40})

    lines, agree = compare((HERE, HERE), Plan([tiny], [tiny], rounds=2))

    assert agree
    assert [line for line in lines if "1 in 10 bust |" in line and "the same" in line]
    assert "1 in 10 bust, this tree alone" in lines[-1]


def test_events_that_differ_are_named_with_both_counts() -> None:
    pair = Pair("a turn", [{"outcome": {"A": 1, "B": 2}}], [{"outcome": {"B": 2, "C": 3}}])

    assert pair.differing == {"A": (1, 0), "C": (0, 3)}


def test_a_turn_that_takes_too_long_is_given_up() -> None:
    process = Process(HERE, "mass default", {"accounts": 2_000})
    try:
        (name,) = process.ready()
        assert process.turn(name, seconds=0.0) is None
    finally:
        process.end()
