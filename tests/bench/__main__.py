"""Measure `tests/bench/bench_*.py` and write tables: python -m tests.bench FILE [NAME ...].

A file offers `contests() -> Iterable[Contest]`, two ways to the same answer timed in turns, or
`cases() -> Iterable[Case]`, one way.  Each is called once for its answer, which also compiles and
warms, and then at least five times.  `remarks() -> Iterable[str]` says what could not be measured.
With names, only files whose name has one of them in it.
"""

from __future__ import annotations

import gc
import importlib
import os
import platform
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench import bench_engine, contest
from tests.bench.case import Case

FOLDER = Path(__file__).parent
CALLS_MIN, CALLS_MAX, SECONDS = 5, 1_000, 1.0


def seconds_per_call(case: Case) -> list[float]:
    """Wall-clock time of each measured call."""
    if not case.holds(case.call()):
        message = f"{case.name}: the answer is wrong, so its time means nothing"
        raise SystemExit(message)
    times: list[float] = []
    gc.collect()
    while len(times) < CALLS_MIN or (sum(times) < SECONDS and len(times) < CALLS_MAX):
        start = time.perf_counter()
        case.call()
        times.append(time.perf_counter() - start)
    return times


def row(case: Case) -> str:
    """One line of the table: the median, and the spread between the quartiles."""
    times = seconds_per_call(case)
    low, median, high = statistics.quantiles(times, n=4)
    rate = f"{case.amount / median:,.0f} {case.unit}/s"
    spread = f"{100 * (high - low) / median:.0f}%"
    return (
        f"| {case.name} | {case.regime} | {rate} | {1e3 * median:.3f} | {spread} | {len(times)} |"
    )


def offered(kind: str, names: list[str]) -> Iterator[Any]:
    """Every case, contest or remark of the files asked for, in the order of their names."""
    for path in sorted(FOLDER.glob("bench_*.py")):
        if not names or any(name in path.stem for name in names):
            module = importlib.import_module(f"tests.bench.{path.stem}")
            yield from getattr(module, kind, list)()


def main(target: Path, names: list[str]) -> None:
    """Measure, show and write the tables."""
    lines: list[str] = []

    def say(*more: str) -> None:
        lines.extend(more)
        print("\n".join(more), flush=True)

    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    say(
        "# Measurements",
        "",
        f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}, "
        f"load at the start {load}.",
        "",
        "## Ratios",
        "",
        "Both sides take turns in this run; the goal is for the best of each.  The processor's "
        "seconds tell the work from the neighbours.",
        "",
        *contest.HEAD,
    )
    for pair in offered("contests", names):
        say(contest.row(pair))
    for remark in offered("remarks", names):
        say("", remark)
    if not names or "engine" in names:
        say("", *bench_engine.memory_rows())
    say(
        "",
        "## Rates",
        "",
        "ms per call is the median; spread is the distance of the quartiles over it.",
        "",
        "| case | regime | rate | ms per call | spread | calls |",
        "|---|---|---|---|---|---|",
    )
    for case in offered("cases", names):
        say(row(case))
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
