"""A last layer that shares losses: it says what each account can bear, and nothing else.

The rest is the same for every such layer: losses in their order, each pro rata over what is left
to bear, the payers pay the liquidator in cash.
"""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
import numpy.typing as npt

from novate.book.ledger import collect
from novate.default_management.loss.policy import Borne, LastLayer
from novate.default_management.state import DefaultState
from novate.errors import require
from novate.kernel.clearing.assess import EQUITY, MAINTENANCE
from novate.kernel.clearing.bound import AMOUNT_MAX, COST_STOP
from novate.kernel.clearing.columns import I64
from novate.kernel.clearing.loss import share_pro_rata
from novate.kernel.codes import AccountStatus, Role
from novate.message.declare import Emit
from novate.valuation import ClearingState


def standing_accounts(x: ClearingState) -> npt.NDArray[np.bool_]:
    """Return which accounts share losses and have not failed; bool, shape (accounts,)."""
    is_standing: npt.NDArray[np.bool_] = x.accounts.used("status") <= AccountStatus.CALLED
    return x.accounts.used("shares_losses") & is_standing


def standing_groups(x: ClearingState) -> npt.NDArray[np.bool_]:
    """Return which of them margin groups began with: these pay for their group (rule 6.42)."""
    return standing_accounts(x) & x.margin_groups()


def above_maintenance(x: ClearingState, numbers: I64) -> I64:
    """Return equity above maintenance margin of standing groups, else zero; shape (accounts,).

    Parameters
    ----------
    numbers
        `assess_all`.
    """
    above = np.maximum(numbers[:, EQUITY] - numbers[:, MAINTENANCE], 0)
    spare: I64 = np.where(standing_groups(x), above, 0)
    return spare


def within_bounds(x: ClearingState, spare: I64) -> I64:
    """Return what accounts can bear so that every number stays in bounds (rule 15.70).

    No balance of a payer falls below -2**60, and all of them together bear less than 2**61: while
    they could bear more, each counts half of it, rounded down.

    Parameters
    ----------
    spare
        What each account can bear, numeraire units, not negative; shape (accounts,).
    """
    spare = np.minimum(spare, np.maximum(x.accounts.used("balance")[:, 0] + AMOUNT_MAX, 0))
    while (int((spare >> 32).sum()) << 32) + int((spare & 0xFFFFFFFF).sum()) >= COST_STOP:
        spare //= 2
    return spare


class SharedLayer(LastLayer):
    """Losses are shared pro rata over what accounts can bear, and journaled payer by payer."""

    moves_cash_alone = True

    @abstractmethod
    def bearable(self, x: DefaultState, numbers: I64) -> I64:
        """Return what each group can bear at most, numeraire units, >= 0; shape (accounts,).

        It stands at the account that the group began with, which pays.

        Parameters
        ----------
        x
            The state; it is read and not changed.
        numbers
            Assessments of all accounts, columns of `kernel.clearing.assess`.
        """

    def bear(self, x: DefaultState, losses: I64, rest: I64, emit: Emit) -> Borne:
        """Share the losses in turn; the units lost to flooring go to the largest weights.

        Raises
        ------
        InvariantError
            If an account would bear more than its equity above maintenance margin, or has failed.
        """
        numbers = x.assess_all()
        spare = self.bearable(x, numbers)
        name = self.terms.key
        require(spare.shape == (x.accounts.count,), f"{name} says what every account can bear")
        is_spared = (spare >= 0) & (spare <= above_maintenance(x, numbers))
        require(bool(is_spared.all()), f"{name} spares maintenance margin")
        spare = within_bounds(x, spare)
        payers = np.flatnonzero(spare)
        spare, left = spare[payers], rest.copy()
        parts = []
        for k in np.flatnonzero(rest).tolist():
            shares = np.empty(payers.size, np.int64)
            share_pro_rata(min(int(rest[k]), int(spare.sum())), spare, shares)
            pays = np.flatnonzero(shares)
            if not pays.size:
                break
            spare -= shares
            left[k] -= shares.sum()
            row = np.full(pays.size, k), np.full(pays.size, self.terms.number)
            parts.append(np.stack((*row, payers[pays], shares[pays]), axis=1))
        paid = np.concatenate(parts) if parts else np.zeros((0, 4), np.int64)
        collect(x.accounts, 0, paid[:, 2], x.single(Role.LIQUIDATOR), paid[:, 3])
        return Borne(left, paid)
