"""An observer of two accounts, a state with two contracts, and events one by one."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from novate.adapter.memory_journal import MemoryJournal
from novate.canonical import Run
from novate.engine.batch import Batch
from novate.engine.engine import Engine
from novate.engine.state import State
from novate.insight.observer import Observer
from novate.kernel.codes import Origin
from novate.message.declare import Message
from tests.unit.app.replay.small import venue

A, B = 9, 10
UNIT = 10**6


def observer() -> Observer:
    return Observer(np.array([A, B]))


@cache
def listed() -> State:
    """The small venue with marks of its two contracts, 50,000.0 and 3,000.00; BTC is at half."""
    engine = Engine(MemoryJournal())
    engine.submit(venue().opening)
    state = engine.state
    state.marks.mark[:2] = 500_000, 300_000
    state.assets.unit_price[:2] = 1.0, 0.5
    return state


def row(message: Message, **values: Any) -> Run:
    """One event; columns that are not given are zero."""
    zeros: dict[str, Any] = {
        field.name: "" if field.dtype == "text" else 0 for field in message.fields
    }
    return message.row(**{**zeros, **values})


def take(o: Observer, *runs: Run, at_ns: int = 5) -> None:
    o.take([Batch(7, at_ns, Origin.ENGINE, (), runs)], listed())
