"""The default fund of the members that did not fail: the mutual layer (EMIR 42)."""

from __future__ import annotations

from novate.default_management.loss.policy import Bearer, LayerTerms, Place, Prefunded
from novate.kernel.codes import Layer, Role


class DefaultFund(Prefunded):
    """Contributions of all other members."""

    role = Role.DEFAULT_FUND
    terms = LayerTerms(
        Layer.DEFAULT_FUND, "default_fund", "default-fund",
        Place.PREFUNDED, Bearer.OTHERS,
        "Default fund of others", "Default fund",
    )  # fmt: skip
