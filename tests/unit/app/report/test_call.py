from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import msgspec
import pyarrow as pa

from novate.app.report.call import MET, ended, explanation, not_met
from novate.app.report.load import Run, Table

HOUR = 3_600 * 10**9


def with_calls(run: Run, *calls: tuple[int, str, int]) -> Run:
    """A run whose calls, due after an hour, are these: account, outcome, hours until then."""
    data = pa.table(
        {
            "account": [account for account, _, _ in calls],
            "status": [status for _, status, _ in calls],
            "deadline_ns": [HOUR] * len(calls),
            "resolved_ns": [hours * HOUR for _, _, hours in calls],
        }
    )
    outcomes = Counter(status for _, status, _ in calls)
    result = msgspec.structs.replace(
        run.summary.result,
        calls_made=len(calls),
        calls_met=outcomes["paid"] + outcomes["met"],
        defaults=len({account for account, status, _ in calls if status == "missed"}),
    )
    summary = msgspec.structs.replace(run.summary, result=result)
    return replace(run, summary=summary, tables={"calls": Table(name="calls", data=data)})


def test_calls_that_were_missed_together_are_those_of_one_account(quiet_run: Run) -> None:
    run = with_calls(
        quiet_run, (1, "missed", 0), (1, "missed", 0), (2, "missed", 1), (3, "paid", 0),
        (4, "met", 0), (5, "waived", 1),
    )  # fmt: skip
    found = ended(run)

    assert (found.missed_accounts, found.at_deadline) == (2, 1)
    assert list(found.outcomes) == ["paid", "met", "missed", "waived"]
    assert not_met(run).startswith("3 missed by 2 accounts; 1 waived; 2 defaults (<a")
    text = explanation(run)
    assert "Of 6 calls: paid 1 (deposits paid the amount in full), met 1" in text
    assert "So 3 missed calls are those of 2 accounts, with 2 defaults: 1 before" in text
    assert "and 1 at the deadline" in text


def test_the_outcomes_add_up_to_the_calls_made(loss_run: Run) -> None:
    outcomes, result = ended(loss_run).outcomes, loss_run.summary.result

    assert sum(outcomes.values()) == result.calls_made
    assert sum(outcomes.get(name, 0) for name in MET) == result.calls_met
    shown = re.sub(r"\(.*?\)", "", explanation(loss_run).partition(". ")[0])
    numbers = [int(text.replace(",", "")) for text in re.findall(r"\d[\d,]*\b", shown)]
    assert numbers[0] == sum(numbers[1:])


def test_a_day_without_calls_says_so(quiet_run: Run) -> None:
    assert explanation(quiet_run) == "Calls by outcome: none."
    assert not_met(quiet_run) == "none missed; no defaults"


def test_calls_that_were_all_paid_need_no_word_on_defaults(quiet_run: Run) -> None:
    run = with_calls(quiet_run, (1, "paid", 0))

    assert not_met(run) == "none missed; no defaults"
    assert explanation(run) == "Of 1 call: paid 1 (deposits paid the amount in full)."
