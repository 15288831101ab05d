"""The story of one account: its items add up, and agree with the run that it is taken from."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
import pytest

from novate.app.replay import story
from novate.app.replay.bridge import Bridge
from novate.app.replay.driver import Finished
from novate.app.replay.observe import Observer
from novate.app.replay.retrace import MarginWatch, below, retrace
from novate.kernel.assess import EQUITY, INITIAL, MAINTENANCE, WIDTH
from tests.unit.app.replay.small import finished

UNIT = 10**6


@cache
def told() -> tuple[Any, Finished, Bridge, dict[str, Any]]:
    """The small run, the bridge of its account, and the story."""
    prepared, done = finished()
    bridge = story.bridge_of(done, prepared.book)
    assert bridge is not None
    state = retrace(done.engine.journal, [bridge], lambda sequence: None)
    assert state.digest() == done.engine.state.digest()
    return prepared, done, bridge, story.story_of(done, prepared.book, bridge)


def test_the_story_is_of_an_account_with_something_to_tell() -> None:
    prepared, _, _, found = told()

    assert found["reference"] in prepared.book.references
    assert found["facts"][0]["kind"] == "start"
    assert len(found["facts"]) > 1
    sequences = [fact["sequence"] for fact in found["facts"]]
    assert sequences == sorted(sequences)


def test_the_items_of_each_stage_add_up_to_its_ends() -> None:
    _, _, _, found = told()

    stages = found["failure"]["stages"]
    assert [(stage["from"], stage["to"]) for stage in stages] == [
        ("start", "failure"), ("failure", "takeover"),
    ]  # fmt: skip
    for stage in stages:
        items = {row["item"]: Decimal(row["amount"]) for row in stage["items"]}
        assert Decimal(stage["opening"]) + sum(items.values()) == Decimal(stage["closing"])
        # What the causes do not explain is the rounding of worths alone.
        assert abs(items.get("Rounding", Decimal(0))) <= Decimal("0.001")
        assert "Other" not in items
    assert stages[0]["closing"] == stages[1]["opening"] == found["failure"]["net"]


def test_the_comparison_that_failed_the_account_is_the_journals() -> None:
    _, _, _, found = told()
    failure = found["failure"]

    assert Decimal(failure["equity"]) < Decimal(failure["requirement"])
    assert Decimal(failure["net"]) + Decimal(failure["haircuts"]) == Decimal(failure["equity"])
    assert [held["instrument"] for held in failure["positions"]] == ["BTCUSDT"]


def test_profit_of_a_contract_is_size_times_price_move() -> None:
    """The long of 2 BTC was opened at 50,000: what it lost to the mark is by hand."""
    _, _, _, found = told()
    failure = found["failure"]
    items = {row["item"]: Decimal(row["amount"]) for row in failure["stages"][0]["items"]}
    mark = Decimal(failure["positions"][0]["mark"].replace(",", ""))

    assert failure["positions"][0]["size"] == "+2"
    assert items["Profit of BTCUSDT"] == 2 * (mark - 50_000)


def test_who_paid_adds_up_to_the_shortfall() -> None:
    _, _, _, found = told()

    assert sum(Decimal(row["amount"]) for row in found["paid"]) == Decimal(found["shortfall"])


def test_a_day_on_which_nothing_happened_has_no_story() -> None:
    prepared, done = finished()
    quiet = replace(done, observer=Observer(prepared.venue, prepared.book.accounts))

    assert story.bridge_of(quiet, prepared.book) is None
    assert story.story_of(quiet, prepared.book, None) == {
        "reference": "", "role": "", "member": "", "facts": [],
    }  # fmt: skip


def test_an_account_that_was_called_before_it_failed_is_preferred() -> None:
    prepared, done = finished()
    first, second = (int(account) for account in prepared.book.accounts[:2])
    observer = Observer(prepared.venue, prepared.book.accounts)
    for account, kinds in ((first, ("liquidation",)), (second, ("call", "default"))):
        observer.facts[account] = [{"kind": kind, "instant": 5} for kind in kinds]
        observer.taken_over_ns[account] = 9
    observer.shortfall.update({first: 700 * UNIT, second: 1})

    assert story.chosen_account(replace(done, observer=observer), prepared.book) == second


def test_accounts_below_a_margin_are_counted_with_what_they_lack() -> None:
    numbers = np.zeros((4, WIDTH), np.int64)
    numbers[:, INITIAL] = np.array([10, 10, 10, 0]) * UNIT
    numbers[:, MAINTENANCE] = np.array([5, 5, 5, 0]) * UNIT
    numbers[:, EQUITY] = np.array([10, 7, -1, -3]) * UNIT

    assert below(numbers) == (2, 1, 14.0, 6.0)


@pytest.mark.parametrize("bars", [1, 10])
def test_the_worst_assessment_of_a_bar_stands_in_its_row(bars: int) -> None:
    prepared, done = finished()
    rows = [dict(row) for row in done.observer.tables["solvency"][:bars]]
    watch = MarginWatch(prepared.book.accounts, rows)

    retrace(done.engine.journal, [watch], lambda sequence: None)

    for row in rows:
        assert row["below_maintenance"] <= row["below_initial"] <= len(prepared.book.accounts)
        assert row["assessed_ns"] <= row["instant_ns"]
    if bars == 10:
        assert max(row["below_maintenance"] for row in rows) > 0
        worst = max(rows, key=lambda row: row["maintenance_shortfall"])
        assert worst["initial_shortfall"] > worst["maintenance_shortfall"] > 0
