"""What a long stream reached, counted once for all workers of a run."""

from __future__ import annotations

import functools
import json
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

folder: Path | None = None
"""Where the workers of this run leave their counts; nowhere if there is one process."""


def counted_once(stream: Callable[..., Counter[str]]) -> Callable[..., Counter[str]]:
    """Keep what a stream reached, by its numbers, also for other workers.

    Nothing is kept of a stream that fails, and two workers that ask at the same time both run it.
    """

    @functools.cache
    def found(*numbers: int) -> Counter[str]:
        if folder is None:
            return stream(*numbers)
        file = folder / f"{'-'.join((stream.__name__, *map(str, numbers)))}.json"
        if file.exists():
            return Counter(json.loads(file.read_text()))
        reached = stream(*numbers)
        mine = file.with_suffix(f".{os.getpid()}")
        mine.write_text(json.dumps(reached))
        mine.replace(file)
        return reached

    return found
