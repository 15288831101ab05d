"""Executed trades of a file, as commands at their instants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from novate.adapter.book_file import TradeTable
from novate.app.replay.venue import Venue
from novate.canonical import Run
from novate.errors import InputError
from novate.message import command
from novate.units import format_instant


@dataclass(frozen=True, slots=True)
class Scheduled:
    """Trades of one instant, in the order of their file."""

    instant_ns: int
    run: Run


def schedule(
    venue: Venue, table: TradeTable, numbers: Mapping[str, int], window: tuple[int, int]
) -> list[Scheduled]:
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
        count = int(until) - int(first)
        run = command.SUBMIT_TRADE.run(
            {
                "buyer": account[table.buyer[rows]],
                "seller": account[table.seller[rows]],
                "instrument": instrument[table.instrument[rows]],
                "ticks": table.ticks[rows],
                "lots": table.lots[rows],
                "buyer_is_maker": table.maker_side[rows] == 1,
                "buyer_reservation": np.zeros(count, np.uint32),
                "seller_reservation": np.zeros(count, np.uint32),
            }
        )
        made.append(Scheduled(int(table.instant_ns[first]), run))
    return made


def due(trades: list[Scheduled], instant_ns: int) -> tuple[list[Run], list[Run]]:
    """Take the trades up to an instant off a schedule.

    Returns
    -------
    Commands for the time before the instant, each with its own clock, and those at the instant.
    """
    before: list[Run] = []
    at: list[Run] = []
    while trades and trades[0].instant_ns <= instant_ns:
        next_one = trades.pop(0)
        if next_one.instant_ns == instant_ns:
            at.append(next_one.run)
        else:
            before += [command.ADVANCE_TIME.row(instant_ns=next_one.instant_ns), next_one.run]
    return before, at
