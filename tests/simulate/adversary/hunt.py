"""Find the seeds at which each mutant pays: `python -m tests.simulate.adversary.hunt`.

Prints the table that `tests/simulate/test_adversary_mutants.py` keeps.  When rules or moves change
the streams change, and the seeds with them.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from multiprocessing import get_context

import pytest

from tests.simulate.adversary import venue
from tests.simulate.adversary.mutant import MUTANTS, Mutant
from tests.simulate.adversary.search import Found, stream

WANTED = 3
"""Seeds of a mutant that are kept."""


def found_under(mutant: Mutant, seeds: Iterable[int], wanted: int = 1) -> list[Found]:
    """Play streams under a mutant until some have paid; what was found."""
    found: list[Found] = []
    with pytest.MonkeyPatch.context() as patch:
        mutant(patch)
        venue.forget_opened()
        try:
            for seed in seeds:
                paid = stream(seed)
                if paid is not None:
                    found.append(paid)
                if len(found) == wanted:
                    break
        finally:
            venue.forget_opened()
    return found


def _hunt(task: tuple[str, int, int]) -> tuple[str, list[tuple[int, int]]]:
    name, first, streams = task
    mutant = next(m for m in MUTANTS if m.__name__ == name)
    found = found_under(mutant, range(first, first + streams), WANTED)
    kept = [paid for paid in found if stream(paid.seed) is None]
    return name, [(paid.seed, paid.gain) for paid in kept]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="mutants, all if none is named")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--streams", type=int, default=300, help="streams of each mutant at most")
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    names = given.names or [mutant.__name__ for mutant in MUTANTS]
    tasks = [(name, given.first, given.streams) for name in names]
    with get_context("spawn").Pool(given.processes) as pool:
        for name, found in pool.imap_unordered(_hunt, tasks):
            seeds = ", ".join(str(seed) for seed, _ in found)
            gains = ", ".join(f"{gain / 10**6:.2f}" for _, gain in found)
            print(f"    {name}: ({seeds}),  # {gains}", flush=True)


if __name__ == "__main__":
    main()
