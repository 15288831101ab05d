"""What each commit tells its subscribers: whose figures changed, and which orders came and went."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from novate.engine.batch import Batch
from novate.engine.outbox import frozen
from novate.engine.state import State
from novate.kernel.clearing.columns import I8, I64
from novate.kernel.clearing.sweep import (
    HEALTH_EQUITY,
    HEALTH_INITIAL,
    HEALTH_MAINTENANCE,
    HEALTH_WIDTH,
)
from novate.message import event
from novate.message.declare import columns_of


@dataclass(frozen=True, slots=True)
class Notice:
    """One commit, as subscribers are told of it; arrays are read-only.

    Attributes
    ----------
    sequence
        Last record of the commit.
    instant_ns
        Journal time, nanoseconds since 1970 UTC.
    account
        Numbers of the accounts that were touched or whose figures changed, ascending.
    equity, initial, maintenance
        Their figures after the commit, numeraire ledger units.
    status
        Their `AccountStatus`.
    placed
        Columns of the orders placed (`OrderPlaced`), in order; empty without any.
    closed
        Numbers of the orders closed, in order.
    """

    sequence: int
    instant_ns: int
    account: I64
    equity: I64
    initial: I64
    maintenance: I64
    status: I8
    placed: dict[str, npt.NDArray[Any]]
    closed: I64


Subscriber = Callable[[Notice], object]


class Changes:
    """Accounts that the records since the last commit touched; nothing known stands for all."""

    def __init__(self) -> None:
        self._touched: list[I64] | None = []

    def add(self, touched: I64 | None, events: Sequence[Any]) -> None:
        """Note one record: whom it touched, and whom its events name (their status may change)."""
        if touched is None or self._touched is None:
            self._touched = None
            return
        self._touched.append(touched)
        for run in events:
            for name, column in run.columns:
                if name == "account":
                    self._touched.append(column.astype(np.int64))

    def take(self) -> I64 | None:
        """Return the accounts, each once and ascending, and begin anew; None for all of them."""
        touched, self._touched = self._touched, []
        if touched is None:
            return None
        return np.unique(np.concatenate(touched)) if touched else np.zeros(0, np.int64)


class Subscribers:
    """Who is told of each commit, and what they were told last.

    Attributes
    ----------
    dropped
        Subscribers that raised, with their exceptions: they are not told any more.
    """

    def __init__(self) -> None:
        self.dropped: list[tuple[Subscriber, Exception]] = []
        self._callbacks: list[Subscriber] = []
        self._told: I64 = np.zeros((0, HEALTH_WIDTH), np.int64)
        self._status: I8 = np.zeros(0, np.int8)
        self._moves = -1

    def __bool__(self) -> bool:
        return bool(self._callbacks)

    def add(self, state: State, callback: Subscriber) -> None:
        """Tell one more; it hears of the commits after the one that led to ``state``."""
        if not self._callbacks:
            self._told = state.margin_cache.numbers().copy()
            self._status = state.accounts.used("status").copy()
            self._moves = state.margin_cache.moves
        self._callbacks.append(callback)

    def tell(
        self, state: State, sequence: int, touched: I64 | None, batches: Sequence[Batch]
    ) -> None:
        """Hand a commit to all; one that raises is dropped, and the others are told all the same.

        Parameters
        ----------
        state
            After the commit.
        sequence
            Last record of the commit.
        touched
            Accounts that it touched, each once and ascending; None for all of them.
        batches
            Its records.
        """
        notice = self._notice(state, sequence, touched, batches)
        for callback in tuple(self._callbacks):
            try:
                callback(notice)
            except Exception as error:
                self._callbacks.remove(callback)
                self.dropped.append((callback, error))

    def _notice(
        self, state: State, sequence: int, touched: I64 | None, batches: Sequence[Batch]
    ) -> Notice:
        account = self._changed(state, touched)
        health = self._told[account]
        placed, closed = _orders(batches)
        return Notice(
            sequence,
            state.now_ns,
            frozen(account),
            frozen(health[:, HEALTH_EQUITY].copy()),
            frozen(health[:, HEALTH_INITIAL].copy()),
            frozen(health[:, HEALTH_MAINTENANCE].copy()),
            frozen(state.accounts.status[account]),
            placed,
            closed,
        )

    def _changed(self, state: State, touched: I64 | None) -> I64:
        """Bring what was told up to the present; return who was touched or has other figures.

        Where everybody was touched, another status is one of the figures.
        """
        cache = state.margin_cache
        health, status = cache.numbers(), state.accounts.used("status")
        known, told, seen = len(self._told), self._told, self._status
        if len(health) > known:
            told = np.concatenate((told, np.zeros_like(health[known:])))
            seen = np.concatenate((seen, np.zeros_like(status[known:])))
        if touched is None or cache.moves != self._moves:
            has_changed = (health != told).any(axis=1) | (status != seen)
            has_changed[known:] = True
            if touched is not None:
                has_changed[touched] = True
            touched = np.flatnonzero(has_changed)
        told[touched], seen[touched] = health[touched], status[touched]
        self._told, self._status, self._moves = told, seen, cache.moves
        return touched


def _orders(batches: Sequence[Batch]) -> tuple[dict[str, npt.NDArray[Any]], I64]:
    """Columns of the orders placed, and numbers of the orders closed."""
    placed: list[dict[str, Any]] = []
    closed: list[npt.NDArray[Any]] = []
    for batch in batches:
        for run in batch.events:
            if run.name == event.ORDER_PLACED.name:
                placed.append(columns_of(run))
            elif run.name == event.ORDER_CLOSED.name:
                closed.append(columns_of(run)["order"].astype(np.int64))
    names = list(placed[0]) if placed else []
    joined = {name: np.concatenate([columns[name] for columns in placed]) for name in names}
    return (
        {name: frozen(column) for name, column in joined.items()},
        frozen(np.concatenate(closed) if closed else np.zeros(0, np.int64)),
    )
