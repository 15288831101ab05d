"""One workload in one process: python -m tests.bench.workload NAME SIZES.

SIZES is a JSON object.  Answers are lines of JSON: first where the package was found and which
turns there are, then one for each turn that is asked for by a line with its name.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import novate
from tests.bench.workload.durable import Durable
from tests.bench.workload.history import History
from tests.bench.workload.market import Market
from tests.bench.workload.mass_default import MassDefault
from tests.bench.workload.turn import take

WORKLOADS = {
    "market": Market,
    "durable": Durable,
    "mass default": MassDefault,
    "history": History,
}


def say(answer: Any) -> None:
    """Answer with one line."""
    print(json.dumps(answer), flush=True)


def main(name: str, sizes: dict[str, int]) -> None:
    """Set up, warm up, and take turns until nobody asks any more."""
    turns = WORKLOADS[name](**sizes).turns()
    for turn in turns.values():
        if turn.warm is None:
            take(turn)
        else:
            turn.warm()
    say({"package": novate.__file__, "turns": list(turns)})
    for line in sys.stdin:
        say(take(turns[line.strip()]))


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
