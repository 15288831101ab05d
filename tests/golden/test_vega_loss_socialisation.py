"""Loss socialisation against the published scenarios of Vega.

Sources: vegaprotocol/vega at commit a50750c, core/integration/features/verified/
0002-STTL-settlement-verified-loss-socialization-case{1,2,3}.feature (0002-STTL-009), and
vegaprotocol/vega-market-sim (MIT), examples/visualisations/{loss_socialisation,closed_out}.py.

A winner there gets floor(owed * collected / target), and the units that rounding leaves go to one
winner of the implementation's choice.  Here each loss is cut from the gains pro rata, rounded
down, and the units left over are cut one each from the largest gains: every unit is placed, and a
winner differs from the published floor by at most the published remainder.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from novate.kernel.codes import AccountStatus
from novate.message.parameter import Parameter
from tests.unit.clearing import COIN, HOUR, START, ClearingHouse

RICH = 10**6


@dataclass(frozen=True)
class Case:
    """Numbers of one published case; positions at 100, price after the move 180."""

    name: str
    positions: dict[str, int]
    available: dict[str, int]
    uncovered: dict[str, int]
    owed: dict[str, int]
    floors: dict[str, int]
    collected: int
    remainder: int
    ours: dict[str, int]  # what the rule of the rulebook gives, by hand


CASES = (
    Case(
        "case 1: one insolvent loser, one main winner",
        positions={"party1": -100, "party2": 100, "aux1": -1, "aux2": 1},
        available={"party1": 5000},
        uncovered={"party1": 3000},
        owed={"party2": 8000, "aux2": 80},
        floors={"party2": 5029, "aux2": 50},
        collected=5080,
        remainder=1,
        ours={"party2": 5029, "aux2": 51},
    ),
    Case(
        "case 2: one insolvent loser, several winners",
        positions={"party1": -100, "party2": 25, "party3": 75, "aux1": -1, "aux2": 1},
        available={"party1": 2500},
        uncovered={"party1": 5500},
        owed={"party2": 2000, "party3": 6000, "aux2": 80},
        floors={"party2": 638, "party3": 1915, "aux2": 25},
        collected=2580,
        remainder=2,
        ours={"party2": 639, "party3": 1915, "aux2": 26},
    ),
    Case(
        "case 3: several insolvent losers, several winners, empty pool",
        positions={
            "party1": -30, "party2": 90, "party3": -70, "party4": 10, "party5": 10, "party6": -10,
        },
        available={"party1": 2000, "party3": 3000},
        uncovered={"party1": 400, "party3": 2600},
        owed={"party2": 7200, "party4": 800, "party5": 800},
        floors={"party2": 4745, "party4": 527, "party5": 527},
        collected=5800,
        remainder=1,
        ours={"party2": 4744, "party4": 528, "party5": 528},
    ),
)  # fmt: skip


def play(case: Case) -> ClearingHouse:
    """Open the positions at 100 through a dealer that ends flat, then move the price to 180."""
    house = ClearingHouse()
    house.list_contract(unit=1)
    house.open_client("dealer", deposit=RICH)
    for name in case.positions:
        house.open_client(name, deposit=case.available.get(name, RICH))
    house.price(100)
    for name, lots in case.positions.items():
        buyer, seller = (name, "dealer") if lots > 0 else ("dealer", name)
        house.trade(buyer, seller, lots=abs(lots), ticks=100)
    assert house.lots("dealer") == 0
    house.price(180)
    return house


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_uncovered_loss_of_each_loser_is_recorded(case: Case) -> None:
    house = play(case)

    recorded = {row["account"]: row["amount"] for row in house.events("LossRecorded")}

    assert recorded == {house.number(name): loss for name, loss in case.uncovered.items()}
    for name in case.uncovered:
        assert house.status(name) == AccountStatus.TAKEN_OVER


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_winners_are_paid_what_was_collected_to_the_unit(case: Case) -> None:
    house = play(case)

    house.advance(START + HOUR)

    paid = {name: house.balance(name) - RICH for name in case.owed}
    assert sum(paid.values()) == case.collected
    for name, floor in case.floors.items():
        assert abs(paid[name] - floor) <= case.remainder
    assert paid == case.ours
    assert house.balance("INSURANCE_FUND") == 0


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_all_of_the_loss_is_taken_from_gains_and_from_nobody_else(case: Case) -> None:
    house = play(case)

    cut = {name: RICH - house.balance(name) for name in (*case.owed, "dealer")}
    assert cut.pop("dealer") == 0
    assert all(0 < cut[name] < case.owed[name] for name in case.owed)
    assert sum(cut.values()) == sum(case.uncovered.values())
    assert house.events("LossAllocated") == []
    assert [row["winners"] for row in house.events("GainsCut")] == [len(case.owed)] * len(
        case.uncovered
    )


def long_and_short(*path: int) -> ClearingHouse:
    """A long 100 and B short 100 at 500 with 20,000 each and no funds; one price an hour."""
    house = ClearingHouse(parameters={Parameter.SLICE_PPM: 1_000_000})
    house.list_contract()
    house.open_client("A", deposit=20_000 * COIN)
    house.open_client("B", deposit=20_000 * COIN)
    house.price(500)
    house.trade("A", "B", lots=100, ticks=500)
    for hour, price in enumerate(path, start=1):
        house.price(price, at_ns=START + hour * HOUR)
    return house


# vega-market-sim: at 550, 600 and 650 both are open
@pytest.mark.parametrize("path", [(550,), (550, 600), (550, 600, 650)])
def test_both_sides_stay_open_while_the_short_can_pay(path: tuple[int, ...]) -> None:
    house = long_and_short(*path)

    assert (house.lots("A"), house.lots("B")) == (100, -100)
    assert house.status("B") == AccountStatus.OPEN
    assert house.events("LossRecorded") == []
    assert house.equity("B") == (20_000 - 100 * (path[-1] - 500)) * COIN


# vega-market-sim: at 710 B is flat, A still holds 100, both have a loss socialisation amount
def test_a_shortfall_of_one_thousand_cuts_a_gain_of_twenty_one_thousand() -> None:
    house = long_and_short(550, 600, 650, 710)

    [loss] = house.events("LossRecorded")
    [cut] = house.events("GainsCut")
    assert (loss["account"], loss["amount"]) == (house.number("B"), 1000 * COIN)
    assert cut == {"loss": 1, "amount": 1000 * COIN, "gains": 21_000 * COIN, "winners": 1}
    assert (house.lots("A"), house.lots("B")) == (100, 0)
    assert (house.equity("A"), house.equity("B")) == (40_000 * COIN, 0)

    # A gets 20,000 of a gain of 21,000 in cash with the next cycle.
    house.advance(START + 5 * HOUR)
    received = house.balance("A") - 20_000 * COIN
    assert received == 20_000 * COIN
    assert round(1 - received / (21_000 * COIN), 6) == 0.047619
    assert house.state.accounts.used("balance").sum() == 0
    assert house.balance("LIQUIDATOR") == 0


def test_when_what_was_taken_over_is_bought_back_no_unit_is_left_anywhere() -> None:
    house = long_and_short(550, 600, 650, 710)
    [order] = house.events("OrderPlaced")
    assert (order["quantity"], order["reference"]) == (100, 710)

    house.fill(1, 100, 710)
    house.price(710, at_ns=START + 5 * HOUR)

    assert house.lots("LIQUIDATOR") == 0
    assert house.lots("A") + house.lots("EXTERNAL_MARKET") == 0
    assert house.balance("A") == 40_000 * COIN
    for name in ("B", "LIQUIDATOR", "INSURANCE_FUND", "RESIDUE", "SETTLEMENT", "EXTERNAL_MARKET"):
        assert house.balance(name) == 0
    assert house.balance("CUSTODY") == -40_000 * COIN


# vega-market-sim: the run to 690 leaves B flat without loss socialisation
def test_at_690_the_short_is_closed_without_any_haircut() -> None:
    house = long_and_short(550, 600, 650, 690)

    assert house.status("B") == AccountStatus.TAKEN_OVER
    assert (house.lots("A"), house.lots("B")) == (100, 0)
    assert house.events("LossRecorded") == []
    assert house.events("GainsCut") == house.events("LossAllocated") == []
    assert house.equity("A") == 39_000 * COIN
    # Of the 1,000 that B had left the pool of Vega gets all, here the charge for closing the lots:
    # 0.5% of 69,000 (rule 12.21).  B keeps the rest (rule 12.20).
    charge = 345 * COIN
    assert house.state.assess(house.number("LIQUIDATOR")).net == charge
    assert house.equity("B") == 1000 * COIN - charge

    # Closed at the market, what was charged goes to the insurance fund.
    house.fill(1, 100, 690)
    house.price(690, at_ns=START + 5 * HOUR)
    assert house.balance("INSURANCE_FUND") == charge
    assert house.balance("B") == 1000 * COIN - charge
    assert house.balance("A") == 39_000 * COIN
    assert house.balance("LIQUIDATOR") == 0
