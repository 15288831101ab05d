"""A bounded search: streams of moves by seed, and what the attackers had at the end of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tests.simulate.adversary.plots import MOVES
from tests.simulate.adversary.venue import HONEST, Venue, open_venue
from tests.unit.clearing import DAY, E8, HOUR

STEPS = 30
PURPOSE = 0xAD5E


@dataclass(frozen=True)
class Found:
    """A stream at whose end the attackers took out more than they brought in."""

    seed: int
    gain: int  # numeraire units
    steps: tuple[str, ...]

    def __str__(self) -> str:
        return f"seed {self.seed}: gained {self.gain / 10**6}\n" + "\n".join(self.steps)


def stream(seed: int, steps: int = STEPS) -> Found | None:
    """Play one stream; what was found if the attackers could take money of others out."""
    venue = open_venue()
    draw = np.random.Generator(np.random.Philox(key=[seed, PURPOSE]))
    weights = np.array([weight for _, weight in MOVES])
    chosen = draw.choice(len(MOVES), steps, p=weights / weights.sum())
    for number in chosen:
        MOVES[int(number)][0](venue, draw)
    return verdict(venue, seed)


def verdict(venue: Venue, seed: int) -> Found | None:
    """Let everything settle at the honest price, close out, take out what is let go, and count.

    What attackers own together is an upper bound of what they can take out: without a surplus
    there is nothing to try.
    """
    venue.liar = HONEST * E8
    venue.last = dict.fromkeys(venue.last, HONEST)
    venue.smile()
    venue.settle(1)
    if venue.worth() <= 0:
        # What is behind a mark that is away from the honest price shows when it is back.
        for _ in range(2):
            venue.settle(HOUR // 2)
    if venue.worth() > 0:
        for _ in range(4):
            venue.settle(HOUR)
            venue.smile()
        for _ in range(3):
            venue.settle(DAY)
            venue.smile()
            venue.settle(1)
            venue.close_out()
            venue.cash_out()
    taken = venue.taken()
    return Found(seed, taken, tuple(venue.steps)) if taken > 0 else None
