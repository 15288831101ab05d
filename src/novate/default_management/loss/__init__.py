"""Loss policies: the layers of the waterfall, listed by hand in order of loss absorption.

Loss allocation, parameter files, observers, summaries and the report take their names, order and
payers from here.
"""

from __future__ import annotations

from novate.default_management.loss.auto_deleveraging import AutoDeleveraging
from novate.default_management.loss.default_fund import DefaultFund
from novate.default_management.loss.gains_haircut import GainsHaircut
from novate.default_management.loss.insurance_fund import InsuranceFund
from novate.default_management.loss.own_contribution import OwnContribution
from novate.default_management.loss.policy import LossPolicy, by_number, terms_of
from novate.default_management.loss.skin_in_the_game import SkinInTheGame

CATALOGUE: tuple[LossPolicy, ...] = (
    OwnContribution(),
    InsuranceFund(),
    SkinInTheGame(),
    DefaultFund(),
    GainsHaircut(),
    AutoDeleveraging(),
)

LAYERS = terms_of(CATALOGUE)
"""Terms of every layer of this release, then of what nobody bears."""

BY_CHOICE = {terms.choice: int(terms.number) for terms in LAYERS if terms.choice}
"""Numbers of the layers by their names in parameter files."""

__all__ = ["BY_CHOICE", "CATALOGUE", "LAYERS", "LossPolicy", "by_number"]
