"""Margin calls in words: how each ended, and how the ones that were missed become defaults.

Rules 10.1 to 10.8 and 10.50 to 10.59 of the rulebook.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from novate.app.report.load import Run
from novate.app.report.markup import Content, element, join
from novate.app.report.wording import NONE, count, counted, sentence, words

MISSED = "missed"
MET = ("paid", "met")
MEANINGS = {
    "paid": "deposits paid the amount in full",
    "met": "equity was back at the margin called for, without a payment in full",
    MISSED: "the account defaulted with the call open",
    "waived": "all but less than the minimum was paid at the deadline, and the rest is not asked",
    "open": "not due at the end of the run",
}
"""What each outcome says, in the order in which they are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How the calls of a run ended.

    Attributes
    ----------
    outcomes
        Number of calls by outcome, those of `MEANINGS` in its order first.
    missed_accounts
        Accounts with a missed call.
    at_deadline
        Of these, the accounts whose calls were missed at the deadline or later, not before it.
    """

    outcomes: dict[str, int]
    missed_accounts: int
    at_deadline: int


def ended(run: Run) -> Ended:
    """Return how the calls of a run ended."""
    calls = run.table("calls")
    statuses, accounts = calls.texts("status"), calls.texts("account")
    due, resolved = calls.integers("deadline_ns").tolist(), calls.integers("resolved_ns").tolist()
    found = Counter(statuses)
    missed = [row for row, status in enumerate(statuses) if status == MISSED]
    return Ended(
        outcomes={name: found[name] for name in (*MEANINGS, *sorted(found)) if found[name]},
        missed_accounts=len({accounts[row] for row in missed}),
        at_deadline=len({accounts[row] for row in missed if resolved[row] >= due[row]}),
    )


def not_met(run: Run) -> Content:
    """Return what became of the calls that were not met, for the figure of the first screen."""
    found, defaults = ended(run), counted(run.summary.result.defaults, "default")
    parts = [
        f"{count(number)} {words(name).lower()}"
        + (f" by {counted(found.missed_accounts, 'account')}" if name == MISSED else "")
        for name, number in found.outcomes.items()
        if name not in MET
    ]
    text = "; ".join([*(parts or ["none missed"]), defaults])
    return join([text, " (", element("a", "how", href="#calls"), ")"]) if parts else text


def explanation(run: Run) -> str:
    """Return how the calls ended, how a missed one becomes a default, and counts that add up."""
    found, result = ended(run), run.summary.result
    if not found.outcomes:
        return f"Calls by outcome: {NONE}."
    each = [
        f"{words(name).lower()} {count(number)}"
        + (f" ({MEANINGS[name]})" if name in MEANINGS else "")
        for name, number in found.outcomes.items()
    ]
    text = f"Of {counted(result.calls_made, 'call')}: {sentence(each)}."
    missed = found.outcomes.get(MISSED, 0)
    if not missed:
        return text
    early = found.missed_accounts - found.at_deadline
    return (
        f"{text} Every amount asked for is a call of its own: an account that falls further is "
        "called for more, with the deadline of its first call, and when it defaults all its open "
        f"calls are missed together. So {counted(missed, 'missed call')} "
        f"{'is' if missed == 1 else 'are'} those of {counted(found.missed_accounts, 'account')}, "
        f"with {counted(result.defaults, 'default')}: {count(early)} before the deadline, because "
        f"equity fell below the takeover level, and {count(found.at_deadline)} at the deadline, "
        "because what was asked had not been paid."
    )
