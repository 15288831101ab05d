"""The summary of a run, and of its variants."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from novate.app.replay.summary import summary_of
from novate.app.replay.verification import Verification
from novate.errors import RowFault
from novate.insight.figure import Outcome, outcome
from tests.unit.app.replay.small import finished, job

PASSED = Verification(recovered=True, audited=True, elapsed_s=1.0)


def summary(outcomes: dict[str, Outcome]) -> dict[str, Any]:
    """The summary of the small run, of which a row of prices was left out."""
    day, done = finished()
    fault = RowFault("prices.csv", 7, "close", "x", "a price")
    inputs = replace(day.inputs, faults=(fault,), faulty_rows=1)
    with TemporaryDirectory() as folder:
        asked = job(Path(folder), notes=("A note.",), commands=("novate replay",))
    return summary_of(asked, replace(day, inputs=inputs), done.run, PASSED, outcomes)


def test_a_summary_says_what_ran_and_what_was_left_out() -> None:
    found = summary({})

    assert found["title"] == "A small replay"
    assert (found["bars"], found["steps"], found["accounts"], found["options"]) == (10, 40, 3, 0)
    assert found["quarantine"] == [
        {"file": "prices.csv", "row": 7, "column": "close", "value": "x", "allowed": "a price"}
    ]
    assert found["quarantined_rows"] == 1
    assert (found["bounds"], found["controls"]) == (None, None)
    assert found["verification"]["audited"] is True
    assert "elapsed_s" not in found["verification"]
    assert (found["notes"], found["commands"]) == (["A note."], ["novate replay"])


def test_variants_stand_beside_the_run() -> None:
    mine = outcome(finished()[1].run)
    other, off = replace(mine, calls_made=70), replace(mine, calls_made=80)

    found = summary({"other": other, "off": off})

    assert found["controls"] == {"on": mine.shown(), "off": off.shown()}
    assert list(found["bounds"]) == ["high_first", "low_first"]
    assert found["bounds"] == {"high_first": other.shown(), "low_first": mine.shown()}
