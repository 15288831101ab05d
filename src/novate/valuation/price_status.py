"""Whether there is a price to decide by: what waits for one, and what nobody may add to."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from novate.kernel.codes import Kind
from novate.valuation import ClearingState

WAITING = -1
"""In the place of a due instant: as soon as the price that it waits for is back."""


def is_blocked(x: ClearingState, instrument: int) -> bool:
    """Whether decisions on an instrument must wait: no mark yet, or what it is made of is stale.

    That is the index of the underlying and of the settlement asset.  A smile is not: the last one
    goes on to mark an option with every index, so that whoever holds it is no safer from decisions.
    """
    return bool(x.marks.mark[instrument] <= 0) or has_stale_index(x, instrument)


def is_halted(x: ClearingState, instrument: int) -> bool:
    """Whether nobody may open or add to a position: a blocked price, or an option's old smile."""
    return is_blocked(x, instrument) or (x.is_option(instrument) and x.smile_row(instrument) < 0)


def blocked_prices(x: ClearingState) -> npt.NDArray[np.bool_]:
    """`is_blocked` of every instrument, by number; each index is looked at once."""
    c = x.instruments
    underlying, settled_in = c.used("underlying"), c.used("settlement_asset")
    stale = np.zeros(x.assets.count, np.bool_)
    for asset in np.unique(np.concatenate((underlying, settled_in))).tolist():
        stale[asset] = not x.is_fresh(asset)
    blocked: npt.NDArray[np.bool_] = (
        (x.marks.used("mark") <= 0) | stale[underlying] | stale[settled_in]
    )
    return blocked


def halted_among(x: ClearingState, instruments: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """`is_halted` of the instruments named, by number of all; others, and unknown ones, are not.

    Each index and each smile is looked at once: a run of trades names hundreds of contracts.
    """
    c = x.instruments
    out = np.zeros(c.count, np.bool_)
    if len(instruments) == 1:  # most runs of a service: the general way costs a few times more
        i = int(instruments[0])
        if i < c.count:
            out[i] = is_halted(x, i)
        return out
    wanted = np.unique(instruments[instruments < c.count]).astype(np.int64)
    underlying, settled_in = c.underlying[wanted], c.settlement_asset[wanted]
    stale = np.zeros(x.assets.count, np.bool_)
    for asset in np.unique(np.concatenate((underlying, settled_in))).tolist():
        stale[asset] = not x.is_fresh(asset)
    out[wanted] = (x.marks.mark[wanted] <= 0) | stale[underlying] | stale[settled_in]
    live: dict[tuple[int, int], bool] = {}
    for i in wanted[~out[wanted] & (c.kind[wanted] != Kind.DELTA_ONE)].tolist():
        key = int(c.underlying[i]), int(c.expiry_ns[i])
        if key not in live:
            live[key] = x.smile_row(i) >= 0
        out[i] = not live[key]
    return out


def has_stale_index(x: ClearingState, instrument: int) -> bool:
    """Whether the index of the underlying or of the settlement asset is not fresh."""
    settled_in = int(x.instruments.settlement_asset[instrument])
    return not x.is_fresh(int(x.instruments.underlying[instrument])) or not x.is_fresh(settled_in)


def is_unsettled(x: ClearingState, i: int) -> bool:
    """Whether a settlement price is not to be had: an option needs the index alone."""
    return has_stale_index(x, i) if x.is_option(i) else is_blocked(x, i)
