"""Two loss policies of the tests: a last layer and a prefunded one, each small enough to check."""

from __future__ import annotations

import numpy as np

from novate.default_management.loss import CATALOGUE
from novate.default_management.loss.policy import Bearer, LayerTerms, Place, Prefunded
from novate.default_management.loss.share import SharedLayer, standing_groups
from novate.default_management.state import DefaultState
from novate.kernel.clearing.assess import EQUITY, INITIAL
from novate.kernel.clearing.columns import I64
from novate.kernel.codes import Role


class EquityShare(SharedLayer):
    """Every standing group bears, pro rata to its equity beyond initial margin."""

    terms = LayerTerms(
        8, "equity_share", "equity-share", Place.LAST, Bearer.OTHERS,
        "Last layer: share of equity", "Equity share",
    )  # fmt: skip

    def bearable(self, x: DefaultState, numbers: I64) -> I64:
        beyond = np.maximum(numbers[:, EQUITY] - numbers[:, INITIAL], 0)
        spare: I64 = np.where(standing_groups(x), beyond, 0)
        return spare


class JuniorMembers(Prefunded):
    """Of the other members' contributions the later half, which bears before all of them do."""

    role = Role.DEFAULT_FUND
    terms = LayerTerms(
        9, "junior_members", "junior-members", Place.PREFUNDED, Bearer.OTHERS,
        "Default fund of junior members", "Junior members",
    )  # fmt: skip

    def payers(self, x: DefaultState) -> I64:
        funds = super().payers(x)
        return funds[funds.size // 2 :]


POLICIES = (*CATALOGUE, EquityShare(), JuniorMembers())
"""The catalogue of the tests."""
