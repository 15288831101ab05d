"""Which prices are blocked and which instruments halted (rules 5.19 to 5.22, 5.42)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from novate.kernel.clearing.value import LINEAR
from novate.kernel.codes import InstrumentStatus, Kind
from novate.market.pause import with_ramp
from novate.valuation import ClearingState

_DELTA_ONE = int(Kind.DELTA_ONE)  # a column is compared with a number ten times faster

WAITING = -1
"""In the place of a due instant: as soon as the price that it waits for is back."""


def is_blocked(x: ClearingState, instrument: int) -> bool:
    """Return whether the price of an instrument is blocked (rule 5.20).

    That is without a mark, while the index of its underlying or settlement asset is not fresh, and
    from its expiry on.  The smile of an option does not count: the last one goes on to mark it with
    every index.
    """
    return is_unpriced(x, instrument) or is_over(x, instrument)


def is_unpriced(x: ClearingState, instrument: int) -> bool:
    """Return whether a contract has no mark, or one whose index is not fresh."""
    return bool(x.marks.mark[instrument] <= 0) or has_stale_index(x, instrument)


def is_over(x: ClearingState, instrument: int) -> bool:
    """Return whether the expiry of a contract has come: it is only settled from then on (5.42)."""
    return bool(0 < x.instruments.expiry_ns[instrument] <= x.now_ns)


def without_the_expired(x: ClearingState, instruments: npt.NDArray[Any]) -> npt.NDArray[np.int8]:
    """Return the status of every instrument, that of those named that are over as `EXPIRED`.

    A contract whose expiry has come and which is not settled yet takes no trade (rule 5.42).  The
    column itself is returned where there is none.

    Parameters
    ----------
    instruments
        Numbers, repeats and unknown ones allowed.
    """
    c = x.instruments
    status: npt.NDArray[np.int8] = c.status
    if len(instruments) == 1:
        i = int(instruments[0])
        over = [i] if i < c.count and is_over(x, i) else []
    else:
        known = instruments[instruments < c.count].astype(np.int64)
        expiry = c.expiry_ns[known]
        over = known[(expiry > 0) & (expiry <= x.now_ns)].tolist()
    if over:
        status = status.copy()
        status[over] = InstrumentStatus.EXPIRED
    return status


def is_halted(x: ClearingState, instrument: int) -> bool:
    """Return whether an instrument is halted (rule 5.21).

    That is while it is suspended, with a blocked price, a narrow index or a ramp, inherited ones
    too, of its underlying or settlement asset, or, of an option, without a live smile.
    """
    c = x.instruments
    if is_suspended(x, instrument) or is_below_a_tick(x, instrument):
        return True
    if x.marks.mark[instrument] <= 0 or is_over(x, instrument):
        return True
    # What is broad is fresh: no blocked price is left.
    for asset in {int(c.underlying[instrument]), int(c.settlement_asset[instrument])}:
        if x.assets.ramp_ns[asset] or not x.is_broad(asset):
            return True
        if x.sources.quotes(asset) and with_ramp(x, (asset,)):
            return True
    return x.is_option(instrument) and x.smile_row(instrument) < 0


def is_below_a_tick(x: ClearingState, instrument: int) -> bool:
    """Return whether a linear contract would settle at 0 now, where its mark is one tick (5.41)."""
    c, marks = x.instruments, x.marks
    if int(marks.final_index[instrument]) or int(marks.mark[instrument]) <= 0:
        return False
    return int(c.form[instrument]) == LINEAR and not x.is_option(instrument)


def below_a_tick(x: ClearingState, instruments: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Return `is_below_a_tick` of some instruments; same shape."""
    c, marks = x.instruments, x.marks
    is_linear = (c.form[instruments] == LINEAR) & (c.kind[instruments] == _DELTA_ONE)
    found: npt.NDArray[np.bool_] = is_linear & (marks.mark[instruments] > 0)
    found &= marks.final_index[instruments] == 0
    return found


def is_suspended(x: ClearingState, instrument: int) -> bool:
    """Return whether a contract is suspended now (rules 8.60 and 8.62)."""
    return bool(0 < x.instruments.suspend_ns[instrument] <= x.now_ns)


def blocked_prices(x: ClearingState, *, may_jump: bool = False) -> npt.NDArray[np.bool_]:
    """Return `is_blocked` of every instrument, by number; bool, shape (instruments,).

    With ``may_jump`` an index that jumps does not block.
    """
    is_there = x.is_reported if may_jump else x.is_fresh
    c = x.instruments
    underlying, settled_in = c.used("underlying"), c.used("settlement_asset")
    stale = np.zeros(x.assets.count, np.bool_)
    with x.looking_once():
        for asset in np.unique(np.concatenate((underlying, settled_in))).tolist():
            stale[asset] = not is_there(asset)
    expiry = c.used("expiry_ns")
    blocked: npt.NDArray[np.bool_] = (
        (x.marks.used("mark") <= 0) | stale[underlying] | stale[settled_in]
        | ((expiry > 0) & (expiry <= x.now_ns))
    )  # fmt: skip
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
    assets = np.unique(np.concatenate((underlying, settled_in))).tolist()
    with x.looking_once():
        for asset in assets:
            thin[asset] = not x.is_broad(asset)
    thin[sorted(with_ramp(x, assets))] = True
    expiry = c.expiry_ns[wanted]
    out[wanted] = (
        (x.marks.mark[wanted] <= 0) | thin[underlying] | thin[settled_in]
        | ((expiry > 0) & (expiry <= x.now_ns))
    )  # fmt: skip
    suspended_from = c.suspend_ns[wanted]
    out[wanted] |= (suspended_from > 0) & (suspended_from <= x.now_ns)
    out[wanted] |= below_a_tick(x, wanted)
    live: dict[tuple[int, int], bool] = {}
    for i in wanted[~out[wanted] & (c.kind[wanted] != _DELTA_ONE)].tolist():
        key = int(c.underlying[i]), int(c.expiry_ns[i])
        if key not in live:
            live[key] = x.smile_row(i) >= 0
        out[i] = not live[key]
    return out


def has_stale_index(x: ClearingState, instrument: int) -> bool:
    """Return whether the index of underlying or settlement asset is not fresh (rule 5.19)."""
    settled_in = int(x.instruments.settlement_asset[instrument])
    return not x.is_fresh(int(x.instruments.underlying[instrument])) or not x.is_fresh(settled_in)
