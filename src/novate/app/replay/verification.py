"""Whether a run's journal gives the state that the run left."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from novate.engine.journal import JournalStore
from novate.engine.recover import audit
from novate.insight.retrace import StateObserver, retrace

Progress = Callable[[str, int, int], None]
"""Called with phase, what is done of it, and how much there is in all."""


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether recovery and audit came to the state that the run left, and how long both took."""

    recovered: bool
    audited: bool
    elapsed_s: float


def verify(
    journal: JournalStore,
    digest: bytes,
    progress: Progress,
    observers: Sequence[StateObserver] = (),
) -> Verification:
    """Recover and audit a journal, and compare with the digest of the state that the run left.

    ``observers`` see the state between the events of the recovery.
    """
    started = time.perf_counter()
    total = journal.head()[0]
    progress("recover", 0, total)
    recovered = retrace(journal, observers, lambda n: progress("recover", n, total))
    report = audit(journal, progress=lambda n: progress("audit", n, total))
    return Verification(
        recovered=recovered.digest() == digest,
        audited=report.digest == digest,
        elapsed_s=time.perf_counter() - started,
    )
