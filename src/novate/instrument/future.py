"""Dated futures: settled at expiry at a time average of the index."""

from __future__ import annotations

from dataclasses import dataclass

from novate.instrument.contract import Contract


@dataclass(frozen=True, slots=True, kw_only=True)
class Future(Contract):
    """A dated contract, linear or inverse.

    Attributes
    ----------
    expiry_ns
        Instant of expiry.
    settlement_window_ns
        Length of the time average before expiry that is the final price, 0 for the last index.
    """

    expiry_ns: int
    settlement_window_ns: int = 0

    def dates(self) -> dict[str, int]:
        """Return the expiry and no funding."""
        return {
            "funding_ns": 0,
            "funding_cap_e9": 0,
            "funding_damper_e9": 0,
            "interest_e9": 0,
            "expiry_ns": self.expiry_ns,
            "settlement_window_ns": self.settlement_window_ns,
        }
