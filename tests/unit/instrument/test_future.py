from __future__ import annotations

from tests.unit.instrument.listed import ALL, HOUR


def test_a_future_expires_and_is_never_funded() -> None:
    listing = ALL[2].listing()

    assert (listing["expiry_ns"], listing["settlement_window_ns"]) == (10**18, HOUR)
    assert listing["funding_ns"] == listing["funding_cap_e9"] == listing["interest_e9"] == 0
