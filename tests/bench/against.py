"""Compare this tree with an earlier commit: python -m tests.bench.against BASE FILE.

Each workload of `tests.bench.workload` is set up once in a process of either tree; then the two
take turns, so that both see the same neighbours.  What counts is the processor's time, on one
thread, and a workload must lead to the same events on both trees.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.workload.process import Process, Tree

ROOT = Path(__file__).resolve().parents[2]
ALONE_SECONDS = 120.0
"""How long a turn that only this tree takes may last."""

Sizes = dict[str, int]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured: workloads with their sizes on both trees, and those on this tree alone."""

    shared: Sequence[tuple[str, Sizes]]
    alone: Sequence[tuple[str, Sizes]]
    rounds: int


def plan_of(done: int, rounds: int) -> Plan:
    """The sizes of `make bench-against`; ``done`` reservations and orders lie behind a book."""
    return Plan(
        shared=(
            ("market", {"accounts": 100_000, "batch": 10_000}),
            ("durable", {"accounts": 2_000, "rows": 1_000}),
            ("mass default", {"accounts": 1_000}),
            ("mass default", {"accounts": 10_000}),
            ("mass default", {"accounts": 10_000, "bust_every": 1}),
            ("history", {"accounts": 2_000, "done": done}),
        ),
        alone=(("mass default", {"accounts": 100_000}),),
        rounds=rounds,
    )


@dataclass(frozen=True, slots=True)
class Pair:
    """All turns of one workload: those of the base, and those of this tree, round by round."""

    name: str
    base: list[dict[str, Any]]
    here: list[dict[str, Any]]

    @property
    def differing(self) -> dict[str, tuple[int, int]]:
        """Events whose rows differ: base, this tree."""
        found = {}
        for base, here in zip(self.base, self.here, strict=True):
            was, now = base["outcome"], here["outcome"]
            for event in sorted(was.keys() | now.keys()):
                counts = was.get(event, 0), now.get(event, 0)
                if counts[0] != counts[1]:
                    found[event] = counts
        return found


def measured(trees: Sequence[Tree], name: str, sizes: Sizes, rounds: int) -> list[Pair]:
    """Set one workload up on both trees at the same time, and let them take turns."""
    processes = [Process(tree, name, sizes) for tree in trees]
    try:
        pairs = [Pair(turn, [], []) for turn in processes[0].ready()]
        processes[1].ready()
        for k in range(rounds):
            for pair in pairs:
                # In every other round the base goes second: who goes second finds memory warm.
                turns = list(zip(processes, (pair.base, pair.here), strict=True))
                for process, taken in turns[:: -1 if k % 2 else 1]:
                    taken.append(process.turn(pair.name))
    finally:
        for process in processes:
            process.end()
    return pairs


HEAD = (
    "| workload | base | this tree | ratio of rates (least … greatest) | on the wall | events |",
    "|---|---|---|---|---|---|",
)


def row(pair: Pair) -> str:
    """One line of the table."""
    middle, least, greatest = spread(pair, "processor")
    wall, _, _ = spread(pair, "wall")
    events = sum(pair.here[0]["outcome"].values())
    same = f"the same {events:,}" if events else "none"
    outcome = f"**differ** {pair.differing}" if pair.differing else same
    return (
        f"| {pair.name} | {cost(pair.base)} | {cost(pair.here)} "
        f"| **{middle:.3g}** ({least:.3g} … {greatest:.3g}) | {wall:.3g} | {outcome} |"
    )


def spread(pair: Pair, clock: str) -> tuple[float, float, float]:
    """Median, least and greatest ratio of the rate here over that of the base, round by round."""
    ratios = [
        base[clock] / max(here[clock], 1e-9)
        for base, here in zip(pair.base, pair.here, strict=True)
    ]
    return statistics.median(ratios), min(ratios), max(ratios)


def cost(turns: Sequence[dict[str, Any]]) -> str:
    """Seconds of the processor a turn, and units per such second."""
    seconds = statistics.median(turn["processor"] for turn in turns)
    rate = turns[0]["amount"] / max(seconds, 1e-9)
    return f"{seconds:.4g} s, {rate:,.4g} {turns[0]['unit']}/s"


def slowed(pairs: Sequence[Pair]) -> Iterator[str]:
    """How much more a turn takes on the old book than on the fresh one, on either tree."""
    yield "| turn | base | this tree |"
    yield "|---|---|---|"
    for fresh, old in zip(pairs[::2], pairs[1::2], strict=True):
        times = [
            statistics.median(
                after["processor"] / max(before["processor"], 1e-9)
                for before, after in zip(getattr(fresh, side), getattr(old, side), strict=True)
            )
            for side in ("base", "here")
        ]
        yield f"| {old.name} | {times[0]:.3g} | {times[1]:.3g} |"


def alone(tree: Tree, name: str, sizes: Sizes) -> Iterator[str]:
    """Take one turn on this tree alone, and say what it took, or that it took too long."""
    process = Process(tree, name, sizes)
    try:
        for turn in process.ready():
            found = process.turn(turn, ALONE_SECONDS)
            took = f"more than {ALONE_SECONDS:.0f} s" if found is None else cost([found])
            yield f"{turn}, this tree alone: {took}"
    finally:
        process.end()


def compare(trees: Sequence[Tree], plan: Plan) -> tuple[list[str], bool]:
    """Measure everything and show it on the way; the lines, and whether the events agree."""
    lines: list[str] = []

    def say(*more: str) -> None:
        lines.extend(more)
        print("\n".join(more), flush=True)

    say(
        f"# This tree against {trees[0].name}",
        "",
        f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}; "
        f"this tree: {trees[1].name}.  Seconds of the processor on one thread, {plan.rounds} "
        "rounds, the two trees in turns; a ratio above 1 is faster here.",
        "",
        *HEAD,
    )
    agree, aged = True, []
    for name, sizes in plan.shared:
        print(f"setting up {name} {sizes} ...", file=sys.stderr, flush=True)
        pairs = measured(trees, name, sizes, plan.rounds)
        agree = agree and not any(pair.differing for pair in pairs)
        aged += pairs if name == "history" else []
        say(*(row(pair) for pair in pairs))
    if aged:
        say("", "Time of a turn on the old book over that on the fresh one:", "")
        say(*slowed(aged))
    for name, sizes in plan.alone:
        print(f"setting up {name} {sizes} ...", file=sys.stderr, flush=True)
        say("", *alone(trees[1], name, sizes))
    return lines, agree


def git(*arguments: str) -> str:
    """What git answers."""
    answer = subprocess.run(
        ["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return answer.stdout.strip()


def checked_out(base: str) -> Tree:
    """The sources of a commit in a folder of its own, which keeps their compiled kernels."""
    commit = git("rev-parse", "--short", f"{base}^{{commit}}")
    folder = ROOT / "build" / f"base-{commit}"
    if not (folder / "src").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        packed = subprocess.run(
            ["git", "archive", commit, "src"], cwd=ROOT, check=True, capture_output=True
        )
        subprocess.run(["tar", "-x"], cwd=folder, check=True, input=packed.stdout)
    return Tree(commit, folder / "src")


def main(arguments: Sequence[str]) -> int:
    """Compare, write the table, and fail if a workload leads to other events."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("base", help="commit to compare with")
    parser.add_argument("file", type=Path, help="where the table goes")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--done", type=int, default=1_000_000, help="done reservations and orders")
    parser.add_argument("--only", default="", help="one workload: market, durable, ...")
    given = parser.parse_args(arguments)
    plan = plan_of(given.done, given.rounds)
    if given.only:
        kept = [entry for entry in plan.shared if entry[0] == given.only]
        plan = Plan(kept, [entry for entry in plan.alone if entry[0] == given.only], plan.rounds)
    here = Tree(git("describe", "--always", "--dirty", "--exclude=*"), ROOT / "src")
    lines, agree = compare((checked_out(given.base), here), plan)
    given.file.parent.mkdir(parents=True, exist_ok=True)
    given.file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
