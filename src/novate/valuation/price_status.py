"""Which prices are blocked and which instruments halted (rules 5.19 to 5.22 and 5.66)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from novate.kernel.codes import Kind
from novate.valuation import ClearingState

WAITING = -1
"""In the place of a due instant: as soon as the price that it waits for is back."""


def is_blocked(x: ClearingState, instrument: int) -> bool:
    """Return whether the price of an instrument is blocked (rule 5.20).

    That is without a mark, or while the index of its underlying or settlement asset is not fresh.
    The smile of an option does not count: the last one goes on to mark it with every index.
    """
    return bool(x.marks.mark[instrument] <= 0) or has_stale_index(x, instrument)


def is_halted(x: ClearingState, instrument: int) -> bool:
    """Return whether an instrument is halted (rule 5.21).

    That is blocked, with a narrow index of its underlying or settlement asset, or without a live
    smile.
    """
    c = x.instruments
    assets = int(c.underlying[instrument]), int(c.settlement_asset[instrument])
    if x.marks.mark[instrument] <= 0 or not all(x.is_broad(asset) for asset in assets):
        return True
    return x.is_option(instrument) and x.smile_row(instrument) < 0


def blocked_prices(x: ClearingState) -> npt.NDArray[np.bool_]:
    """Return `is_blocked` of every instrument, by number; bool, shape (instruments,)."""
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
    """Return `is_halted` of the instruments named; others, and unknown numbers, are not.

    Each index and each smile is looked at once, for all instruments of a run of trades.

    Parameters
    ----------
    instruments
        Numbers, repeats allowed.

    Returns
    -------
    ndarray
        bool, by number, shape (all instruments,).
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
    thin = np.zeros(x.assets.count, np.bool_)
    for asset in np.unique(np.concatenate((underlying, settled_in))).tolist():
        thin[asset] = not x.is_broad(asset)
    out[wanted] = (x.marks.mark[wanted] <= 0) | thin[underlying] | thin[settled_in]
    live: dict[tuple[int, int], bool] = {}
    for i in wanted[~out[wanted] & (c.kind[wanted] != Kind.DELTA_ONE)].tolist():
        key = int(c.underlying[i]), int(c.expiry_ns[i])
        if key not in live:
            live[key] = x.smile_row(i) >= 0
        out[i] = not live[key]
    return out


def has_stale_index(x: ClearingState, instrument: int) -> bool:
    """Return whether the index of underlying or settlement asset is not fresh (rule 5.19)."""
    settled_in = int(x.instruments.settlement_asset[instrument])
    return not x.is_fresh(int(x.instruments.underlying[instrument])) or not x.is_fresh(settled_in)


def is_unsettled(x: ClearingState, i: int) -> bool:
    """Return whether an expiry must wait for its price (rules 8.15 and 9.42).

    A contract waits while its price is blocked, an option only for its indices.
    """
    return has_stale_index(x, i) if x.is_option(i) else is_blocked(x, i)
