"""Measure every case of `tests/bench/bench_*.py` and write a table: python -m tests.bench FILE.

A file offers `cases() -> Iterable[Case]`.  A case is called once for its answer, which also
compiles and warms, and then until it has run for a second and at least five times.
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


def cases() -> Iterator[Case]:
    """Every case of every file, in the order of their names."""
    for path in sorted(FOLDER.glob("bench_*.py")):
        yield from importlib.import_module(f"tests.bench.{path.stem}").cases()


def main(target: Path) -> None:
    """Measure, show and write the table."""
    machine = f"{os.cpu_count()} cores ({platform.machine()})"
    lines = [
        "# Measurements",
        "",
        f"{machine}, Python {platform.python_version()}; at least {CALLS_MIN} calls each.",
        "ms per call is the median; spread is the distance of the quartiles over it.",
        "",
        "| case | regime | rate | ms per call | spread | calls |",
        "|---|---|---|---|---|---|",
    ]
    print("\n".join(lines))
    for case in cases():
        lines.append(row(case))
        print(lines[-1], flush=True)
    target.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
