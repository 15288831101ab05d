"""Largest payoff of an option that one move of the index reaches (rules 9.53 to 9.55).

A share of the index covers what a plain option gains by a move of that share.  A digital, and an
option whose barrier may still be touched, jump: near the strike or the barrier the whole payoff is
one move away, and no call for margin can be met in between.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from novate.instrument.columns import InstrumentColumns
from novate.kernel.clearing.columns import I64
from novate.kernel.codes import Barrier, Kind, Monitoring
from novate.market.option import is_out, plain_ticks
from novate.market.reference import PPM

UP = (Barrier.UP_IN, Barrier.UP_OUT)


class Window(NamedTuple):
    """A settlement window: what it has added up, in 1e-8 times ms, its time and the rest, ms."""

    total: int
    seen_ms: int
    left_ms: int

    def settles(self, price_e8: int) -> int:
        """Return the settlement price in 1e-8 if the index is at a price from now on, half up."""
        if not self.seen_ms:
            return price_e8
        weight = self.seen_ms + self.left_ms
        return max((2 * (self.total + price_e8 * self.left_ms) + weight) // (2 * weight), 1)


NO_WINDOW = Window(0, 0, 0)
"""Of a price that is a settlement price."""


def jumps(instruments: InstrumentColumns, rows: I64) -> I64:
    """Return the places in ``rows`` of options whose payoff jumps: digitals, barriers to touch."""
    is_digital = instruments.kind[rows] == Kind.DIGITAL
    waits = (instruments.barrier[rows] != Barrier.NONE) & ~instruments.is_knocked[rows]
    places: I64 = np.flatnonzero(is_digital | waits)
    return places


def reached_ticks(
    instruments: InstrumentColumns, i: int, index_e8: int, window: Window, move_ppm: int
) -> int:
    """Return the largest payoff of a lot, ticks, over moves of the index up to a share of it.

    Parameters
    ----------
    instruments, i
        Terms, and number of the option.
    index_e8
        Index now, 1e-8.
    window
        Its settlement window.
    move_ppm
        Largest move to either side, 1e-6 of the index.
    """
    low = max(index_e8 * (PPM - move_ppm) // PPM, 1)
    high = -(index_e8 * (PPM + move_ppm) // -PPM)
    barrier = int(instruments.barrier[i])
    if barrier == Barrier.NONE or instruments.is_knocked[i]:
        return max(plain_ticks(instruments, i, window.settles(end)) for end in (low, high))
    level = int(instruments.barrier_e8[i])
    if instruments.monitoring[i] == Monitoring.AT_EXPIRY:
        # Looked at by the settlement price itself.
        low, high, window = window.settles(low), window.settles(high), NO_WINDOW
    before, beyond = (low, min(high, level - 1)), (max(low, level), high)
    if barrier not in UP:
        before, beyond = (max(low, level + 1), high), (low, min(high, level))
    alive, other = (before, beyond) if is_out(barrier) else (beyond, before)
    # A payoff rises or falls with the price: it is largest at an end.
    found = [
        plain_ticks(instruments, i, window.settles(end)) for end in alive if alive[0] <= alive[1]
    ]
    if other[0] <= other[1]:
        found.append(int(instruments.rebate_ticks[i]))
    return max(found)
