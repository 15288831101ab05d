"""Variation-margin gains haircutting: winners of the window forgo part of what they gained.

The gain of an account is the variation margin it received since the window began plus what it has
not yet been paid at the mark.  Accounts without a gain are untouched, and so is the external
market.  Published as the last layer of Vega and of many clearing-house recovery plans.

A winner bears no more than its equity above maintenance margin: one that has paid its gain out or
lost it elsewhere would only fail by the cut, and its own loss would come back to the last layer.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from novate.default_management.loss.policy import (
    NOTHING_PAID,
    Bearer,
    Borne,
    LastLayer,
    LayerTerms,
    Place,
)
from novate.default_management.loss.share import above_maintenance
from novate.default_management.state import DefaultState
from novate.errors import require
from novate.kernel.clearing.assess import GAIN
from novate.kernel.clearing.bound import AMOUNT_MAX
from novate.kernel.clearing.columns import I64
from novate.kernel.clearing.loss import cut_gains
from novate.kernel.codes import Layer, Role
from novate.message import event
from novate.message.declare import Emit, Row
from novate.valuation import ClearingState


def bearable(x: ClearingState) -> I64:
    """What of every account's gain a haircut may take, numeraire units; shape (accounts,).

    The gain of the window, but no more than equity above maintenance margin: no cut starts a
    liquidation.  Zero for accounts that do not stand.
    """
    numbers = x.assess_all()
    gains = x.accounts.used("window_gain") + numbers[:, GAIN]
    spare: I64 = np.minimum(np.maximum(gains, 0), above_maintenance(x, numbers))
    return spare


class Cut(NamedTuple):
    """What losses took in turn, of what all could bear, and how many could; each (losses,)."""

    taken: I64
    total: I64
    winners: I64


def cut_in_turn(x: ClearingState, wanted: I64) -> Cut:
    """Cut gains pro rata for some losses in their order, and book what is taken."""
    spare = bearable(x)
    require(spare.sum(dtype=np.float64) < AMOUNT_MAX * 4, "the gains of all accounts fit 64 bits")
    by_size = np.argsort(-spare, kind="stable")
    winners = by_size[: np.count_nonzero(spare)]
    cut = Cut(*(np.empty(wanted.size, np.int64) for _ in Cut._fields))
    cut_gains(
        x.account_arrays(), winners, spare[winners], x.single(Role.LIQUIDATOR), wanted, *cut,
    )  # fmt: skip
    return cut


def allocate(x: ClearingState, losses: I64, rest: I64, emit: Emit) -> I64:
    """Cut gains to cover the rest of some losses, in order; returns what gains could not bear."""
    cut = cut_in_turn(x, rest)
    is_cut = cut.taken > 0
    if is_cut.any():
        emit.booked(
            event.GAINS_CUT,
            loss=losses[is_cut],
            amount=cut.taken[is_cut],
            gains=cut.total[is_cut],
            winners=cut.winners[is_cut],
        )
    return rest - cut.taken


def apply_gains_cut(x: ClearingState, columns: Row) -> None:
    """Expand the cuts over the winners: they pay the liquidator in cash, pro rata to the unit."""
    cut = cut_in_turn(x, columns["amount"])
    is_same = (cut.total == columns["gains"]) & (cut.taken == columns["amount"])
    require(bool(is_same.all()), "the gains cut are the gains that were counted")


class GainsHaircut(LastLayer):
    """Winners of the gains window bear losses, in one event a loss."""

    moves_cash_alone = True
    terms = LayerTerms(
        Layer.GAINS_HAIRCUT, "variation_margin_gains_haircutting", "gains-haircut",
        Place.LAST, Bearer.OTHERS,
        "Last layer: gains haircut", "Gains haircut",
    )  # fmt: skip

    def bear(self, x: DefaultState, losses: I64, rest: I64, emit: Emit) -> Borne:
        """Cut gains for one loss after another."""
        return Borne(allocate(x, losses, rest, emit), NOTHING_PAID)
