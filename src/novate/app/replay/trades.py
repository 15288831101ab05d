"""Executed trades of a file, as commands at their instants."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from novate.adapter.book_file import TradeTable
from novate.app.replay.opening import trade_run
from novate.app.replay.venue import Venue
from novate.canonical import Run
from novate.errors import InputError
from novate.message import command
from novate.units import format_instant


@dataclass(frozen=True, slots=True)
class DatedTrades:
    """Trades of one instant, in the order of their file."""

    instant_ns: int
    run: Run


def dated_trades(
    venue: Venue, table: TradeTable, numbers: Mapping[str, int], window: tuple[int, int]
) -> tuple[DatedTrades, ...]:
    """Return the trades of a file by instant.

    Parameters
    ----------
    venue
        Venue of the run.
    table
        Trades, sorted by instant.
    numbers
        Account numbers by reference.
    window
        First and last instant of the run's steps, nanoseconds since 1970 UTC, both included.

    Raises
    ------
    InputError
        If a trade names an account that is not open, or lies outside the window.
    """
    unknown = [name for name in table.accounts if name not in numbers]
    if unknown:
        raise InputError(
            f"a trade of account {unknown[0]!r}; allowed: accounts of the positions and collateral "
            "files"
        )
    late = np.flatnonzero((table.instant_ns < window[0]) | (table.instant_ns > window[1]))
    if late.size:
        k = int(late[0])
        raise InputError(
            f"trade {table.trade_ids[k]!r} at {format_instant(int(table.instant_ns[k]))}; allowed: "
            f"{format_instant(window[0])} to {format_instant(window[1])}, the steps of the run"
        )
    account = np.array([numbers[name] for name in table.accounts], np.int64)
    symbols = [contract.symbol for contract in venue.contracts]
    instrument = np.array([symbols.index(name) for name in table.instruments], np.int64)
    starts = np.flatnonzero(np.diff(table.instant_ns, prepend=-1))
    made = []
    for first, until in zip(starts, [*starts[1:], len(table)], strict=True):
        rows = slice(int(first), int(until))
        run = trade_run(
            (account[table.buyer[rows]], account[table.seller[rows]]),
            instrument[table.instrument[rows]],
            table.ticks[rows],
            table.lots[rows],
            table.maker_side[rows] == 1,
        )
        made.append(DatedTrades(int(table.instant_ns[first]), run))
    return tuple(made)


class TradeQueue:
    """Trades that have not been submitted yet, by instant."""

    def __init__(self, trades: Iterable[DatedTrades]) -> None:
        self._trades = deque(trades)

    def __len__(self) -> int:
        return len(self._trades)

    def due(self, instant_ns: int) -> tuple[list[Run], list[Run]]:
        """Take the trades up to an instant.

        Returns
        -------
        Commands for the time before the instant, each with its own clock, and those at the instant.
        """
        before: list[Run] = []
        at: list[Run] = []
        while self._trades and self._trades[0].instant_ns <= instant_ns:
            trades = self._trades.popleft()
            if trades.instant_ns == instant_ns:
                at.append(trades.run)
            else:
                before += [command.ADVANCE_TIME.row(instant_ns=trades.instant_ns), trades.run]
        return before, at
