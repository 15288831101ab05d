"""Perpetual contracts: no expiry, tied to the index by funding payments."""

from __future__ import annotations

from dataclasses import dataclass

from novate.instrument.contract import Contract


@dataclass(frozen=True, slots=True, kw_only=True)
class Perpetual(Contract):
    """A contract without expiry, linear or inverse; a quanto when it settles in another coin.

    Attributes
    ----------
    funding_ns
        Interval of funding, 0 for none.
    funding_cap_e9, funding_damper_e9
        Largest rate per period, and the clamp of interest minus premium, 1e-9.
    interest_e9
        Interest per period, 1e-9.
    """

    funding_ns: int = 0
    funding_cap_e9: int = 0
    funding_damper_e9: int = 0
    interest_e9: int = 0

    def dates(self) -> dict[str, int]:
        """Return funding terms and no expiry."""
        return {
            "funding_ns": self.funding_ns,
            "funding_cap_e9": self.funding_cap_e9,
            "funding_damper_e9": self.funding_damper_e9,
            "interest_e9": self.interest_e9,
            "expiry_ns": 0,
            "settlement_window_ns": 0,
        }
