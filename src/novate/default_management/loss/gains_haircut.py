"""Variation-margin gains haircutting: a loss is shared pro rata over the gains of a window.

The gain of an account is the variation margin that it received since the window began plus what is
unsettled at the mark.  Accounts without a gain and the external market bear nothing.

A cut is limited to equity above maintenance margin: an account that has withdrawn its gain, or lost
it elsewhere, would be liquidated by a larger one, and its shortfall would be a new loss for the
same layer.

Sources: rule 13.9; CPMI-IOSCO, *Recovery of financial market infrastructures* (2014, revised 2017),
names it as a tool for uncovered losses; ESMA's answer 887 holds it to be compatible with EMIR
Article 45(4), because unpaid variation margin is not margin that a member posted.  Vega shares
losses so as its last layer.
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
from novate.default_management.loss.share import above_maintenance, within_bounds
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
    """Return how much a haircut may take from every margin group (rules 13.9, 6.42 and 15.70).

    Returns
    -------
    I64
        ``max(min(window gain + GAIN, equity - maintenance margin), 0)`` in numeraire units, as far
        as numbers stay in bounds, shape (accounts,), at the account that the group began with; zero
        for the others, and for groups that are not standing.  No cut up to it takes equity below
        maintenance margin.
    """
    window = np.maximum(x.accounts.used("window_gain") + AMOUNT_MAX, 0)
    return within_bounds(x, np.minimum(_bearable(x), window))


def _bearable(x: ClearingState, *, limits_risk: bool = True) -> I64:
    """Return `bearable` without its bounds; ``limits_risk`` as of `ClearingState.assess_all`."""
    numbers = x.assess_all(limits_risk=limits_risk)
    gains = np.maximum(x.window_gains() + numbers[:, GAIN], 0)
    spare: I64 = np.minimum(gains, above_maintenance(x, numbers))
    return spare


class Cut(NamedTuple):
    """Result of cutting gains for losses in turn; int64, each of shape (losses,).

    Attributes
    ----------
    taken
        Numeraire units taken for the loss, not negative.
    total
        Numeraire units that all accounts could bear before it.
    winners
        Number of accounts that could bear something before it.
    """

    taken: I64
    total: I64
    winners: I64


def cut_in_turn(x: ClearingState, wanted: I64, spare: I64) -> Cut:
    """Cut gains pro rata for losses in their order, and book what is taken (rules 1.7 and 13.9).

    Each account pays the liquidator in numeraire and its window gain falls by the same amount.
    Units that rounding leaves go to the largest gains, ties to the lower account number.

    Parameters
    ----------
    x
        State; changed.
    wanted
        What is left of each loss, numeraire units, not negative; shape (losses,).
    spare
        What each account can bear, numeraire units, not negative; shape (accounts,).

    Returns
    -------
    Cut
        What was taken; less than wanted where gains do not suffice.
    """
    by_size = np.argsort(-spare, kind="stable")
    winners = by_size[: np.count_nonzero(spare)]
    cut = Cut(*(np.empty(wanted.size, np.int64) for _ in Cut._fields))
    cut_gains(
        x.account_arrays(), winners, spare[winners], x.single(Role.LIQUIDATOR), wanted, *cut,
    )  # fmt: skip
    return cut


def allocate(x: ClearingState, losses: I64, rest: I64, emit: Emit) -> I64:
    """Decide gains cuts for what is left of some losses, in their order: `GainsCut`.

    Parameters
    ----------
    losses, rest
        Numbers of the losses, and numeraire units left of each, not negative; shape (losses,).

    Returns
    -------
    I64
        Numeraire units that gains could not bear, not negative; shape (losses,).
    """
    cut = cut_in_turn(x, rest, bearable(x))
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
    """Book cuts: the accounts are found anew from the state, and pay the liquidator pro rata.

    Parameters
    ----------
    columns
        ``amount`` taken and ``gains`` that could be cut before it, numeraire units, shape (rows,);
        a state in which they differ from what is found is a fault.
    """
    _book(x, columns, bearable(x))


def apply_gains_cut_without_bounds(x: ClearingState, row: Row) -> None:
    """As `apply_gains_cut`, for one loss, without bounds and without rule 3.60: version 1."""
    spare = _bearable(x, limits_risk=False)
    require(spare.sum(dtype=np.float64) < AMOUNT_MAX * 4, "the gains of all accounts fit 64 bits")
    _book(x, {name: np.array([row[name]], np.int64) for name in ("amount", "gains")}, spare)


def _book(x: ClearingState, columns: Row, spare: I64) -> None:
    cut = cut_in_turn(x, columns["amount"], spare)
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
