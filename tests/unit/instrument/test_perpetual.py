from __future__ import annotations

from novate.kernel.codes import Style
from tests.unit.instrument.listed import HOUR, linear


def test_a_perpetual_is_funded_and_never_expires() -> None:
    listing = linear(funding_ns=8 * HOUR, funding_cap_e9=7, style=Style.AT_CLOSE).listing()

    assert (listing["funding_ns"], listing["funding_cap_e9"]) == (8 * HOUR, 7)
    assert listing["expiry_ns"] == listing["settlement_window_ns"] == 0
    assert listing["style"] == Style.AT_CLOSE
