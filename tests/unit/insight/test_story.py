"""The story of one account: its items add up, and agree with the run that it is taken from."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import cache
from typing import Any

from novate.app.replay.driver import FinishedRun
from novate.insight import story
from novate.insight.bridge import Bridge
from novate.insight.observer import Observer
from novate.insight.retrace import retrace
from tests.unit.app.replay.small import finished

UNIT = 10**6


@cache
def told() -> tuple[Any, FinishedRun, Bridge, dict[str, Any]]:
    """The small run, the bridge of its account, and the story."""
    prepared, done = finished()
    bridge = story.bridge_of(done.run)
    assert bridge is not None
    state = retrace(done.engine.journal, [bridge], lambda sequence: None)
    assert state.digest() == done.engine.state.digest()
    return prepared, done, bridge, story.story_of(done.run, bridge)


def test_the_story_is_of_an_account_with_something_to_tell() -> None:
    prepared, _, _, found = told()

    assert found["reference"] in prepared.book.accounts.references
    assert found["facts"][0]["kind"] == "start"
    assert len(found["facts"]) > 1
    sequences = [fact["sequence"] for fact in found["facts"]]
    assert sequences == sorted(sequences)


def test_who_paid_adds_up_to_the_shortfall() -> None:
    _, _, _, found = told()

    assert sum(Decimal(row["amount"]) for row in found["paid"]) == Decimal(found["shortfall"])


def test_a_day_on_which_nothing_happened_has_no_story() -> None:
    run = finished()[1].run
    quiet = replace(run, observer=Observer(run.accounts.numbers))

    assert story.bridge_of(quiet) is None
    assert story.story_of(quiet, None) == {
        "reference": "", "role": "", "member": "", "facts": [],
    }  # fmt: skip


def test_an_account_that_was_called_before_it_failed_is_preferred() -> None:
    run = finished()[1].run
    first, second = (int(account) for account in run.accounts.numbers[:2])
    observer = Observer(run.accounts.numbers)
    for account, kinds in ((first, ("liquidation",)), (second, ("call", "default"))):
        observer.facts[account] = [{"kind": kind, "instant": 5} for kind in kinds]
        observer.taken_over_ns[account] = 9
    observer.shortfall.update({first: 700 * UNIT, second: 1})

    assert story.chosen_account(replace(run, observer=observer)) == second
