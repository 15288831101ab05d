"""OKX's portfolio margin against the risk unit of its position builder, and the example of MR9.

The API guide's reply of January 2025 holds a short of 10 contracts of BTC-USDT-SWAP, 0.1 BTC in
all.  It prints what the position is worth (9,703.42) and its cash delta (-9,704.90 USD): their
ratio is taken for the price of USDT.  Tolerance 1e-8 USD, the digits that the reply carries.
"""

from __future__ import annotations

import msgspec
import pytest

from novate.margin.methodology.outcome import NotValuedError, Outcome
from novate.margin.methodology.portfolio import Contract, Portfolio, Position, Snapshot
from novate.margin.methodology.risk_unit import PegBand, PegRisk, RiskUnit, Slice, sliced
from tests.golden.margin_preset import part, preset

QUANTITY = -0.1
WORTH, CASH_DELTA = 9703.424370599994, 9704.903689800001
TOLERANCE = 1e-8


def shipped() -> RiskUnit:
    found = preset("okx_2025_01").methodology
    assert isinstance(found, RiskUnit)
    return found


def swap(settlement: str, quantity: float) -> Position:
    contract = Contract(
        symbol=f"BTC-{settlement}-SWAP", kind="perpetual", underlying="BTC", settlement=settlement
    )
    return Position(contract=contract, quantity=quantity)


def outcome() -> Outcome:
    market = Snapshot(
        instant_ns=0, index={"USDT": CASH_DELTA / WORTH}, mark={"BTC-USDT-SWAP": WORTH / 0.1}
    )
    return shipped().outcome(Portfolio(positions=(swap("USDT", QUANTITY),)), market)


def test_the_risk_unit_of_the_reply() -> None:
    found = outcome()

    assert part(found, "MR1")[1] == pytest.approx(1164.4109244719994, abs=TOLERANCE)
    assert part(found, "MR4")[1] == pytest.approx(19.4098073796, abs=TOLERANCE)
    assert found.maintenance == pytest.approx(1183.8207318516002, abs=TOLERANCE)
    assert found.initial == pytest.approx(1538.9669514070802, abs=TOLERANCE)
    assert found.binding == {"BTC": "MR1"}
    assert found.notes == ()


def test_the_worst_of_mr1_is_the_largest_rise_and_mr6_is_half_of_twice_that() -> None:
    by_label = {one.label: one.profit for one in outcome().scenarios}

    assert len(by_label) == 9
    assert by_label["MR1 +12.0%, volatility same"] == pytest.approx(
        -1164.4109244719994, abs=TOLERANCE
    )
    assert by_label["MR6 +24.0%, volatility same"] == pytest.approx(
        -1164.4109244720003, abs=TOLERANCE
    )


def test_the_minimum_charge_of_the_reply_and_the_published_example_of_slices() -> None:
    slices = shipped().minimum_slices

    assert sliced(0.0045 * CASH_DELTA, slices) == pytest.approx(43.67206660410001, abs=TOLERANCE)
    assert sliced(30_000.0, slices) == 50_000.0


def test_the_worked_example_of_mr9() -> None:
    """10m USD hedged between USDT and USD: 1m at 0.75%, 4m at 1.75%, 5m at 2.5%: 202,500 USD."""
    band = PegBand(
        price_min=0.99,
        slices=(
            Slice(up_to=1e6, factor=0.0075), Slice(up_to=5e6, factor=0.0175),
            Slice(up_to=1e7, factor=0.025),
        ),
    )  # fmt: skip
    peg = PegRisk(pairs=(("USDT", "USD"), ("USDT", "USDC"), ("USDC", "USD")), bands=(band,))
    market = Snapshot(
        instant_ns=0, index={"USDT": 1.0},
        mark={"BTC-USDT-SWAP": 100_000.0, "BTC-USD-SWAP": 100_000.0},
    )  # fmt: skip
    book = Portfolio(positions=(swap("USDT", 100.0), swap("USD", -120.0)))

    found = msgspec.structs.replace(shipped(), peg=peg).outcome(book, market)

    assert part(found, "MR9")[1] == pytest.approx(202_500.0, abs=1e-6)
    with pytest.raises(NotValuedError, match=r"\['USD', 'USDT'\] hedge one another"):
        shipped().outcome(book, market)
