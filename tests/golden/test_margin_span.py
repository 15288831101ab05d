"""Scan risk of SPAN against a published example.

Source: L. G. McMillan, Options as a Strategic Investment, chapter 34: S&P 500 futures with a price
scan range of 10,000 USD and the risk array of the December 410 call.  Exact.
"""

from __future__ import annotations

from novate.margin.methodology.outcome import Outcome
from novate.margin.methodology.portfolio import Contract, Portfolio, Position, Snapshot
from tests.golden.margin_preset import part, preset

COVERED_WRITE = [
    -460, 610, 690, 1600, -2060, -990, 1460, 2130, -4130, -3240, 1940, 2360, -6620, -6010, 3870,
    -5500,
]  # fmt: skip
FUTURE = Contract(symbol="SP-DEC", kind="future", underlying="SP", settlement="USD", expiry_ns=1)
CALL = Contract(
    symbol="SP-DEC-410-C", kind="option", underlying="SP", settlement="USD", expiry_ns=1,
    strike=410.0, is_call=True,
)  # fmt: skip


def outcome(*positions: tuple[Contract, float], mark: float = 0.0) -> Outcome:
    """The option is marked at 0, so that scan risk stands alone."""
    market = Snapshot(instant_ns=0, index={}, mark={"SP-DEC-410-C": mark})
    held = tuple(Position(contract=contract, quantity=quantity) for contract, quantity in positions)
    return preset("span_classic").methodology.outcome(Portfolio(positions=held), market)


def test_a_long_call_needs_3990_by_scenario_14() -> None:
    found = outcome((CALL, 1.0))

    assert part(found, "scan risk")[1] == found.maintenance == 3990
    assert found.binding == {"SP": "scenario 14"}


def test_a_covered_write_needs_6620_by_scenario_13() -> None:
    found = outcome((FUTURE, 1.0), (CALL, -1.0))

    assert [one.profit for one in found.scenarios] == COVERED_WRITE
    assert part(found, "scan risk")[1] == found.maintenance == 6620
    assert found.binding == {"SP": "scenario 13"}
