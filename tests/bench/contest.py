"""Two ways to the same answer, timed in turns."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

TURNS_MIN, SECONDS = 5, 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One contestant.

    Attributes
    ----------
    name
        What it is, in a few words.
    amount
        What one call works through, in the unit of the contest; the sides may differ.
    call
        The work; it leaves its input as it was, or ``ready`` puts it back.
    ready
        Done before each call, outside the time.
    """

    name: str
    amount: float
    call: Callable[[], object]
    ready: Callable[[], object] = lambda: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """A rate of ours over a rate of theirs, measured in one run.

    Attributes
    ----------
    name, regime, unit
        What is compared, on what input, and what a rate counts.
    ours, theirs
        The two sides.
    goal
        Least ratio wanted; 0 where there is none.
    floor
        Least rate of ours wanted, units a second of the processor; 0 where there is none.
    holds
        Whether the answers are right; called once, after one call of each side.
    """

    name: str
    regime: str
    unit: str
    ours: Side
    theirs: Side
    goal: float
    holds: Callable[[], bool]
    floor: float = 0.0


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of each turn of one side: on the wall and of the processor."""

    wall: list[float]
    processor: list[float]


def measure(contest: Contest) -> tuple[Times, Times]:
    """Check the answers, then time both sides in turns.

    Raises
    ------
    SystemExit
        If an answer is wrong: then its time means nothing.
    """
    sides = (contest.ours, contest.theirs)
    for side in sides:
        side.ready()
        side.call()
    if not contest.holds():
        message = f"{contest.name}: the answer is wrong, so its time means nothing"
        raise SystemExit(message)
    times = (Times([], []), Times([], []))
    gc.collect()
    while len(times[0].wall) < TURNS_MIN or sum(map(sum, (t.wall for t in times))) < SECONDS:
        for side, taken in zip(sides, times, strict=True):
            side.ready()
            wall, processor = time.perf_counter(), time.process_time()
            side.call()
            taken.processor.append(time.process_time() - processor)
            taken.wall.append(time.perf_counter() - wall)
    return times


HEAD = [
    (
        "| contest | regime | ours, best (median) | theirs, best (median) "
        "| per cpu-s, ours / theirs | ratio best (median) | goal | turns |"
    ),
    "|---|---|---|---|---|---|---|---|",
]


def row(contest: Contest) -> str:
    """Measure, and give one line of the table."""
    ours, theirs = measure(contest)
    rates = []
    for side, taken in ((contest.ours, ours), (contest.theirs, theirs)):
        best = side.amount / min(taken.wall)
        middle = side.amount / statistics.median(taken.wall)
        per_cpu = side.amount / max(min(taken.processor), 1e-9)
        rates.append((best, middle, per_cpu))
    (best, middle, cpu), (best_other, middle_other, cpu_other) = rates
    goal = "none"
    if contest.goal:
        reached = best / best_other >= contest.goal
        goal = f"≥ {contest.goal:g}: {'reached' if reached else 'missed'}"
    if contest.floor:
        reached = cpu >= contest.floor
        goal = f"≥ {_rate(contest.floor)}/s: {'reached' if reached else 'missed'}"
    return (
        f"| {contest.name}: {contest.ours.name} against {contest.theirs.name} | {contest.regime} "
        f"| {_rate(best)} ({_rate(middle)}) {contest.unit}/s "
        f"| {_rate(best_other)} ({_rate(middle_other)}) | {_rate(cpu)} / {_rate(cpu_other)} "
        f"| **{_ratio(best / best_other)}** ({_ratio(middle / middle_other)}) | {goal} "
        f"| {len(ours.wall)} |"
    )


def _rate(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _ratio(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
