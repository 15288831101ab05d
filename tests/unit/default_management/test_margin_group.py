from __future__ import annotations

import pytest

from novate.engine.recover import audit, recover
from novate.kernel.codes import AccountStatus, Layer, OrderKind, ShortfallPolicy
from novate.message import command
from novate.message.parameter import Parameter, set_parameter
from tests.unit.clearing import COIN, HOUR, ClearingHouse
from tests.unit.margin.test_group_choice import open_sub


def failing_house(
    *, policy: ShortfallPolicy = ShortfallPolicy.AUTO_LIQUIDATE, netted: bool = True,
    last: Layer = Layer.GAINS_HAIRCUT,
) -> ClearingHouse:  # fmt: skip
    """A is long 60 of X, its sub-account A2 short 20, bought and sold at 100; both stand with 500.

    The group is called or liquidated below a price of 90, and bust below 87.5.
    """
    house = ClearingHouse(default_fund=0)
    house.submit(set_parameter(Parameter.LIQUIDATION_FEE_PPM, 0))
    house.list_contract("X", cycle_ns=0)
    house.waterfall(last)
    house.open_client("A", deposit=200 * COIN, shortfall_policy=policy)
    house.open_client("B", deposit=100_000 * COIN)
    open_sub(house, "A2", "A", group="A", netting_set="A" if netted else "")
    house.deposit("A2", (300 if netted else 600) * COIN)
    house.price(100)
    house.trade("B", "A2", lots=20, ticks=100)
    house.trade("A", "B", lots=60, ticks=100)
    return house


def statuses(house: ClearingHouse) -> list[int]:
    return [house.status("A"), house.status("A2")]


@pytest.mark.rule("6.39", "6.40")
def test_a_group_is_liquidated_as_one_and_only_its_net_position_goes_to_the_market() -> None:
    house = failing_house()
    order = {"account": house.number("A2"), "instrument": 0, "lots": -1, "limit_ticks": 100}
    house.submit(command.RESERVE_MARGIN.row(**order))

    house.price(94)
    assert statuses(house) == [AccountStatus.OPEN] * 2
    house.price(89)

    started = house.events("LiquidationStarted")
    assert [row["account"] for row in started] == [house.number("A")]
    assert (started[0]["equity"], started[0]["requirement"]) == (60 * COIN, 178 * COIN)
    assert statuses(house) == [AccountStatus.LIQUIDATING] * 2
    assert len(house.events("MarginReleased")) == 1
    placed = house.events("OrderPlaced")
    assert [(row["account"], row["kind"], row["quantity"]) for row in placed] == [
        (house.number("A"), OrderKind.POSITION, -40)
    ]
    scheduled = [row["account"] for row in house.events("SliceScheduled", last=True)]
    assert scheduled == [house.number("A"), house.number("A2")]


@pytest.mark.rule("6.40")
def test_what_a_set_does_not_offset_is_given_to_its_accounts_in_order() -> None:
    house = failing_house()
    open_sub(house, "A3", "A", group="A", netting_set="A")
    house.deposit("A3", 100 * COIN)
    house.trade("B", "A", lots=20, ticks=100)
    house.trade("A3", "B", lots=35, ticks=100)  # 40 - 20 + 35

    house.price(92)

    placed = house.events("OrderPlaced")
    assert [(row["account"], row["quantity"]) for row in placed] == [
        (house.number("A"), -40),
        (house.number("A3"), -15),
    ]


@pytest.mark.rule("6.40")
def test_legs_of_different_netting_sets_are_closed_each() -> None:
    house = failing_house(netted=False)

    house.price(88)

    placed = house.events("OrderPlaced")
    assert [(row["account"], row["quantity"]) for row in placed] == [
        (house.number("A"), -60),
        (house.number("A2"), 20),
    ]


@pytest.mark.rule("6.39")
def test_a_group_that_is_closed_enough_is_open_again() -> None:
    house = failing_house()
    house.price(89)
    order = house.events("OrderPlaced")[0]["order"]

    house.fill(order, 40, 89)
    house.assess()

    assert [row["account"] for row in house.events("LiquidationStopped")] == [house.number("A")]
    assert statuses(house) == [AccountStatus.OPEN] * 2
    assert house.state.accounts.slice_ns[[house.number("A"), house.number("A2")]].tolist() == [0, 0]


@pytest.mark.rule("6.39")
def test_a_group_is_called_once_and_meets_the_call_with_the_collateral_of_any_account() -> None:
    house = failing_house(policy=ShortfallPolicy.CALL_THEN_DEFAULT)

    house.price(95)

    called = house.events("MarginCalled")
    assert [(row["account"], row["amount"]) for row in called] == [(house.number("A"), 80 * COIN)]
    assert statuses(house) == [AccountStatus.CALLED] * 2
    house.deposit("A2", 80 * COIN)
    house.assess()
    assert len(house.events("MarginCallMet")) == 1
    assert statuses(house) == [AccountStatus.OPEN] * 2


@pytest.mark.rule("6.39")
def test_a_call_that_is_not_met_closes_the_whole_group() -> None:
    house = failing_house(policy=ShortfallPolicy.CALL_THEN_DEFAULT)
    house.price(95)

    house.advance(house.events("MarginCalled")[0]["deadline_ns"])
    house.price(95)

    assert [row["account"] for row in house.events("DefaultDeclared")] == [house.number("A")]
    assert statuses(house) == [AccountStatus.LIQUIDATING] * 2


@pytest.mark.rule("6.41")
def test_a_takeover_nets_the_accounts_of_a_group_into_one_loss() -> None:
    house = failing_house()

    house.price(86)

    taken = house.events("AccountTakenOver")
    assert [(row["account"], row["equity"]) for row in taken] == [(house.number("A"), -60 * COIN)]
    losses = house.events("LossRecorded")
    assert [(row["account"], row["amount"]) for row in losses] == [(house.number("A"), 60 * COIN)]
    assert statuses(house) == [AccountStatus.TAKEN_OVER] * 2
    assert house.lots("LIQUIDATOR") == 40
    for name in ("A", "A2"):
        assert (house.lots(name), house.balance(name)) == (0, 0)


@pytest.mark.rule("6.44")
def test_the_payer_answers_first_for_a_loss() -> None:
    house = failing_house()
    for name in ("N", "P"):
        house.open_member(name, default_fund=1_000 * COIN)
    house.state.accounts.payer[house.number("A")] = house.number("P")

    house.price(86)

    allocated = house.events("LossAllocated")
    assert [(row["layer"], row["payer"], row["amount"]) for row in allocated] == [
        (Layer.OWN_CONTRIBUTION, house.number("P-fund"), 60 * COIN)
    ]


@pytest.mark.rule("6.42")
def test_a_group_pays_once_for_its_gains_from_the_account_it_began_with() -> None:
    house = failing_house()
    open_sub(house, "B2", "B", group="B", netting_set="B")
    house.trade("B", "B2", lots=30, ticks=100)  # a hedge inside the group of the winner

    house.price(86)

    cut = house.events("GainsCut")
    assert [(row["amount"], row["winners"]) for row in cut] == [(60 * COIN, 1)]
    assert cut[0]["gains"] == 40 * 14 * COIN
    assert house.balance("B") == (100_000 - 60) * COIN
    assert house.balance("B2") == 0


@pytest.mark.rule("6.43")
def test_deleveraging_leaves_a_hedge_and_closes_the_rest_of_a_group() -> None:
    house = failing_house(last=Layer.AUTO_DELEVERAGING)
    open_sub(house, "B2", "B", group="B", netting_set="B")
    house.trade("B2", "B", lots=10, ticks=100)  # B is short 50, its group 40

    house.price(86)

    closed = house.events("PositionDeleveraged")
    assert [(row["account"], row["lots"]) for row in closed] == [(house.number("B"), 40)]
    assert (house.lots("B"), house.lots("B2")) == (-10, 10)


def test_default_of_a_group_is_recovered_and_audited() -> None:
    house = failing_house()
    house.price(89)
    house.advance(house.state.now_ns + HOUR)
    house.price(86)
    journal = house.engine.journal

    assert recover(journal).state.digest() == house.state.digest()
    assert audit(journal).digest == house.state.digest()
