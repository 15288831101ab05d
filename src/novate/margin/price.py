"""Whether there is a price to decide by: what waits for one, and what nobody may add to."""

from __future__ import annotations

from novate.valuation import Exposure

WAITING = -1
"""In the place of a due instant: as soon as the price that it waits for is back."""


def is_blocked(x: Exposure, instrument: int) -> bool:
    """Whether decisions on an instrument must wait: no mark yet, or what it is made of is stale.

    That is the index of the underlying and of the settlement asset.  A smile is not: the last one
    goes on to mark an option with every index, so that whoever holds it is no safer from decisions.
    """
    return bool(x.marks.mark[instrument] <= 0) or has_stale_index(x, instrument)


def is_halted(x: Exposure, instrument: int) -> bool:
    """Whether nobody may open or add to a position: a blocked price, or an option's old smile."""
    return is_blocked(x, instrument) or (x.is_option(instrument) and x.smile_row(instrument) < 0)


def has_stale_index(x: Exposure, instrument: int) -> bool:
    """Whether the index of the underlying or of the settlement asset is not fresh."""
    settled_in = int(x.instruments.settlement_asset[instrument])
    return not x.is_fresh(int(x.instruments.underlying[instrument])) or not x.is_fresh(settled_in)


def is_unsettled(x: Exposure, i: int) -> bool:
    """Whether a settlement price is not to be had: an option needs the index alone."""
    return has_stale_index(x, i) if x.is_option(i) else is_blocked(x, i)
