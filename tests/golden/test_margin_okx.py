"""OKX's portfolio margin against an account of its position builder, and the example of MR9.

The API guide's reply of 15 January 2025 holds a short of 10 contracts of BTC-USDT-SWAP (0.1 BTC in
all) and a long of 10 contracts of LTC-USDT-SWAP (10 LTC).  It prints marks, cash deltas, every
scenario and the parts.  Cash deltas over the worth at the mark give the price of USDT, 0.99954, for
both contracts; profits over moves give the indices in USDT, 97,078.9 and 101.9951.  Tolerance 1e-8
USD, the digits that the reply carries.
"""

from __future__ import annotations

import msgspec
import pytest

from novate.margin.methodology.outcome import NotValuedError, Outcome
from novate.margin.methodology.portfolio import Contract, Portfolio, Position, Snapshot
from novate.margin.methodology.risk_unit import RiskUnit, sliced
from novate.margin.methodology.risk_unit_terms import PegBand, PegRisk, Slice
from tests.golden.margin_preset import part, preset

TOLERANCE = 1e-8
USDT = 0.99954
MARKET = Snapshot(
    instant_ns=0,
    index={"USDT": USDT, "BTC": 97_078.9 * USDT, "LTC": 101.9951 * USDT},
    mark={"BTC-USDT-SWAP": 97_093.7, "LTC-USDT-SWAP": 102.0},
)
BTC = {
    "MR1": 1164.4109244719994, "MR4": 19.4098073796, "MR6": 1164.4109244720003,
    "MR7": 43.67206660410001, "maintenance": 1183.8207318516002, "initial": 1538.9669514070802,
}  # fmt: skip
LTC = {
    "MR1": 183.50672805719995, "MR4": 8.1562464, "MR6": 183.5067280572, "MR7": 7.1367156,
    "maintenance": 191.6629744572, "initial": 249.16186679436,
}  # fmt: skip
BTC_PROFIT = {0.0: 0.0, 0.04: -388.1369748240002, 0.08: -776.2739496480004,
              0.12: -1164.4109244719994, -0.04: 388.1369748240002, -0.08: 776.2739496480004,
              -0.12: 1164.4109244719994}  # fmt: skip
LTC_PROFIT = {0.0: 0.0, 0.06: 61.168909352399936, 0.12: 122.33781870480001,
              0.18: 183.50672805719995, -0.06: -61.168909352399936, -0.12: -122.33781870480001,
              -0.18: -183.50672805719995}  # fmt: skip
BORROW_INITIAL, BORROW_MAINTENANCE = 7855.32188898, 1571.064377796
ACCOUNT_INITIAL, ACCOUNT_MAINTENANCE = 9643.45070718144, 2946.5480841048


def shipped(**changes: object) -> RiskUnit:
    found = preset("okx_2025_01").methodology
    assert isinstance(found, RiskUnit)
    return msgspec.structs.replace(found, **changes)


def swap(quantity: float, *, underlying: str = "BTC", settlement: str = "USDT") -> Position:
    contract = Contract(
        symbol=f"{underlying}-{settlement}-SWAP", kind="perpetual", underlying=underlying,
        settlement=settlement,
    )  # fmt: skip
    return Position(contract=contract, quantity=quantity)


SHORT_BTC, LONG_LTC = swap(-0.1), swap(10.0, underlying="LTC")


def outcome(*positions: Position, **changes: object) -> Outcome:
    return shipped(**changes).outcome(Portfolio(positions=positions), MARKET)


@pytest.mark.parametrize(
    ("position", "printed", "profits"),
    [(SHORT_BTC, BTC, BTC_PROFIT), (LONG_LTC, LTC, LTC_PROFIT)],
    ids=["BTC", "LTC"],
)
def test_a_risk_unit_of_the_reply(
    position: Position, printed: dict[str, float], profits: dict[float, float]
) -> None:
    found = outcome(position)
    mr1 = {one.move: one.profit for one in found.scenarios if one.label.startswith("MR1")}
    mr6 = min(one.profit for one in found.scenarios if one.label.startswith("MR6"))

    assert mr1 == pytest.approx(profits, abs=TOLERANCE)
    assert -mr6 == pytest.approx(printed["MR6"], abs=TOLERANCE)
    # Half of twice the largest move of MR1: the two are equal, and either may bind.
    stress = max(part(found, "MR1")[1], part(found, "MR6")[1])
    assert stress == pytest.approx(printed["MR1"], abs=TOLERANCE)
    assert part(found, "MR4")[1] == pytest.approx(printed["MR4"], abs=TOLERANCE)
    assert found.maintenance == pytest.approx(printed["maintenance"], abs=TOLERANCE)
    assert found.initial == pytest.approx(printed["initial"], abs=TOLERANCE)
    assert found.notes == ()


def test_the_account_of_the_reply_with_what_its_borrowing_asks_for() -> None:
    found = outcome(
        SHORT_BTC, LONG_LTC, borrow_initial=BORROW_INITIAL, borrow_maintenance=BORROW_MAINTENANCE
    )

    assert found.initial == pytest.approx(ACCOUNT_INITIAL, abs=TOLERANCE)
    assert found.maintenance == pytest.approx(ACCOUNT_MAINTENANCE, abs=TOLERANCE)
    assert set(found.binding) == {"BTC", "LTC"}


@pytest.mark.parametrize(
    ("position", "printed"), [(SHORT_BTC, BTC), (LONG_LTC, LTC)], ids=["BTC", "LTC"]
)
def test_the_minimum_charge_of_the_reply(position: Position, printed: dict[str, float]) -> None:
    """It binds where the stresses are taken away."""
    bare = tuple(
        msgspec.structs.replace(terms, moves=(0.0,), extreme_share=0.0, basis_rate=0.0)
        for terms in shipped().units
    )
    found = outcome(position, units=bare)

    assert found.maintenance == pytest.approx(printed["MR7"], abs=TOLERANCE)
    assert list(found.binding.values()) == ["MR7"]


def test_the_published_example_of_slices() -> None:
    assert sliced(30_000.0, shipped().units[0].minimum_slices) == 50_000.0


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
        instant_ns=0, index={"USDT": 1.0, "BTC": 100_000.0},
        mark={"BTC-USDT-SWAP": 100_000.0, "BTC-USD-SWAP": 100_000.0},
    )  # fmt: skip
    book = Portfolio(positions=(swap(100.0), swap(-120.0, settlement="USD")))

    found = shipped(peg=peg).outcome(book, market)

    assert part(found, "MR9")[1] == pytest.approx(202_500.0, abs=1e-6)
    with pytest.raises(NotValuedError, match=r"\['USD', 'USDT'\] hedge one another"):
        shipped().outcome(book, market)
