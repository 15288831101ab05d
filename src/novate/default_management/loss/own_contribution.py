"""The defaulting member's own contribution to the default fund, the first to pay (EMIR 45(2))."""

from __future__ import annotations

from novate.default_management.loss.policy import Bearer, LayerTerms, Place, Prefunded
from novate.kernel.codes import Layer, Role


class OwnContribution(Prefunded):
    """Contributions of the members whose accounts failed."""

    role = Role.DEFAULT_FUND
    terms = LayerTerms(
        Layer.OWN_CONTRIBUTION, "own_members_default_fund", "own-contribution",
        Place.PREFUNDED, Bearer.OWN_MEMBERS,
        "Own members\u2019 default-fund contributions", "Own members",
    )  # fmt: skip
