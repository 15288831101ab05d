"""The insurance fund: what liquidations left over, kept for those that leave a loss."""

from __future__ import annotations

from novate.default_management.loss.policy import Bearer, LayerTerms, Place, Prefunded
from novate.kernel.codes import Layer, Role


class InsuranceFund(Prefunded):
    """The clearing house's insurance fund."""

    role = Role.INSURANCE_FUND
    terms = LayerTerms(
        Layer.INSURANCE_FUND, "insurance_fund", "insurance-fund",
        Place.PREFUNDED, Bearer.CLEARING_HOUSE,
        "Insurance fund", "Insurance fund",
    )  # fmt: skip
