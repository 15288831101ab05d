"""Variation-margin gains haircutting: winners of the window forgo part of what they gained.

The gain of an account is the variation margin it received since the window began plus what it has
not yet been paid at the mark.  Accounts without a gain are untouched, and so is the external
market.  Published as the last layer of Vega and of many clearing-house recovery plans.

A winner bears no more than its equity above maintenance margin: one that has paid its gain out or
lost it elsewhere would only fail by the cut, and its own loss would come back to the last layer.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from novate.errors import require
from novate.kernel.clearing.assess import EQUITY, GAIN, MAINTENANCE
from novate.kernel.clearing.bound import AMOUNT_MAX
from novate.kernel.clearing.columns import I64
from novate.kernel.clearing.settle import cut_gains
from novate.kernel.codes import AccountStatus, Role
from novate.message import event
from novate.message.declare import Emit, Row
from novate.valuation import ClearingState


def standing_accounts(x: ClearingState) -> npt.NDArray[np.bool_]:
    """Margin accounts that have not failed; shape (accounts,)."""
    is_standing: npt.NDArray[np.bool_] = x.accounts.used("status") <= AccountStatus.CALLED
    return x.margin_accounts() & is_standing


def window_gains(x: ClearingState) -> I64:
    """Gain of every account in the present window, numeraire units; zero for all others."""
    gains = x.accounts.used("window_gain") + x.assess_all()[:, GAIN]
    cut: I64 = np.where(standing_accounts(x), np.maximum(gains, 0), 0)
    return cut


def bearable(x: ClearingState) -> I64:
    """What of every account's gain a haircut may take, numeraire units; shape (accounts,).

    The gain, but no more than equity above maintenance margin: no cut starts a liquidation.
    """
    numbers = x.assess_all()
    spare = np.maximum(numbers[:, EQUITY] - numbers[:, MAINTENANCE], 0)
    most: I64 = np.minimum(window_gains(x), spare)
    return most


def allocate(x: ClearingState, loss: int, rest: int, emit: Emit) -> int:
    """Cut gains pro rata to cover ``rest``; returns what the gains could not bear."""
    gains = bearable(x)
    require(gains.sum(dtype=np.float64) < AMOUNT_MAX * 4, "the gains of all accounts fit 64 bits")
    total = int(gains.sum())
    taken = min(rest, total)
    if taken > 0:
        emit(
            event.GAINS_CUT,
            loss=loss, amount=taken, gains=total, winners=int(np.count_nonzero(gains)),
        )  # fmt: skip
    return rest - taken


def apply_gains_cut(x: ClearingState, row: Row) -> None:
    """Expand the cut over the winners: they pay the liquidator in cash, pro rata to the unit."""
    gains = bearable(x)
    require(int(gains.sum()) == row["gains"], "the gains cut are the gains that were counted")
    cut_gains(
        x.account_arrays(),
        gains,
        np.argsort(-gains, kind="stable"),
        row["amount"],
        row["gains"],
        x.single(Role.LIQUIDATOR),
    )
