"""The state as default management decides on it: with the policies in force."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from novate.default_management import liquidation_method, loss
from novate.default_management.liquidation_method import LiquidationMethod
from novate.default_management.loss.policy import LastLayer, LossPolicy, Prefunded, by_number
from novate.default_management.state import DefaultState
from novate.errors import JournalError, require
from novate.kernel.clearing.columns import I8, I16


class PolicyState(DefaultState):
    """The clearing state with the catalogues of default management.

    Attributes
    ----------
    loss_policies
        Layers that a waterfall may have, by number.
    liquidation_methods
        Methods that accounts may have, by number.

    Neither is part of the state: the floor above hands in those of its catalogues.
    """

    def __init__(self) -> None:
        super().__init__()
        self.loss_policies: Mapping[int, LossPolicy] = by_number(loss.CATALOGUE)
        self.liquidation_methods: Mapping[int, LiquidationMethod] = liquidation_method.by_number(
            liquidation_method.CATALOGUE
        )

    def prefunded_layers(self) -> list[Prefunded]:
        """Return the prefunded layers of the declared waterfall, in order."""
        *first, _ = self.defaults.waterfall.tolist()
        found = [self.loss_policies[number] for number in first]
        return [policy for policy in found if isinstance(policy, Prefunded)]

    def last_layer(self) -> LastLayer:
        """Return the last layer of the declared waterfall."""
        policy = self.loss_policies[int(self.defaults.waterfall[-1])]
        require(isinstance(policy, LastLayer), "a waterfall ends with a last layer")
        return cast("LastLayer", policy)

    def require_known_layers(self, waterfall: I8) -> None:
        """Stop unless the catalogue has the layers of a waterfall.

        Raises
        ------
        JournalError
            If it has not: nobody could say who bears the next loss.
        """
        for number in waterfall.tolist():
            if number not in self.loss_policies:
                raise JournalError(f"a waterfall has layer {number}, the catalogue has no such")

    def require_known_methods(self, methods: I16) -> None:
        """Stop unless the catalogue has the liquidation methods of some accounts.

        Raises
        ------
        JournalError
            If it has not: nobody could place their next slice.
        """
        for number in sorted({*methods.tolist()} - set(self.liquidation_methods)):
            raise JournalError(
                f"an account has liquidation method {number}, the catalogue has no such"
            )
