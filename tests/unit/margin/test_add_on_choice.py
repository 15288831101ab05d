"""Add-ons of groups, from end to end: the one of the catalogue, and `tests.tiny_add_on`."""

from __future__ import annotations

import numpy as np
import pytest

from novate.engine.recover import audit, recover
from novate.errors import JournalError
from novate.kernel.codes import AccountStatus, Bound
from novate.message import command
from novate.message.parameter import Parameter, Scope, set_parameter
from novate.message.refusal import (
    ReserveMarginRefusal,
    SubmitTradeRefusal,
    WithdrawCollateralRefusal,
)
from novate.message.refusal import SetAddOnRefusal as No
from novate.valuation.requirement import Binding, Component
from tests.tiny_model import PLUGINS
from tests.unit.clearing import COIN, DAY, START, ClearingHouse

CONCENTRATION, PER_LOT = 0, 1
LOT = 20_000
"""Units that the add-on of the tests asks for a lot."""


def house_with(deposit: int = 2_000, floor: int = 2_000, rate_ppm: int = 100_000) -> ClearingHouse:
    """A is long 40 of X at 100 and B short; a tenth of what is beyond the floor is charged."""
    house = ClearingHouse(plugins=PLUGINS)
    house.list_contract("X")
    house.list_contract("Y")
    house.open_client("A", deposit=deposit * COIN)
    house.open_client("B", deposit=100_000 * COIN)
    house.price(100)
    house.submit(set_parameter(Parameter.CONCENTRATION_FLOOR, floor * COIN))
    house.submit(set_parameter(Parameter.CONCENTRATION_PPM, rate_ppm))
    house.trade("A", "B", lots=40, ticks=100)
    return house


def asked(house: ClearingHouse, name: str = "A") -> tuple[int, int]:
    numbers = house.state.assess(house.number(name))
    return numbers.initial, numbers.maintenance


@pytest.mark.rule("3.31", "6.20")
def test_a_group_is_asked_for_what_its_add_ons_ask_until_they_are_switched_off() -> None:
    house = house_with()
    assert asked(house) == (400 * COIN, 200 * COIN)

    house.set_add_on("A", CONCENTRATION)
    assert asked(house) == (600 * COIN, 400 * COIN)
    house.set_add_on("A", PER_LOT)
    assert asked(house) == (600 * COIN + 40 * LOT, 400 * COIN + 40 * LOT)
    assert asked(house, "B") == (400 * COIN, 200 * COIN)
    house.set_add_on("A", CONCENTRATION, is_on=False)
    house.set_add_on("A", CONCENTRATION, is_on=False)
    assert asked(house) == (400 * COIN + 40 * LOT, 200 * COIN + 40 * LOT)

    account = house.number("A")
    assert house.events("AddOnSet") == [
        {
            "group": account, "add_on": add_on, "is_on": is_on, "equity": 2_000 * COIN,
            "requirement": requirement,
        }
        for add_on, is_on, requirement in (
            (CONCENTRATION, True, 600 * COIN),
            (PER_LOT, True, 600 * COIN + 40 * LOT),
            (CONCENTRATION, False, 400 * COIN + 40 * LOT),
            (CONCENTRATION, False, 400 * COIN + 40 * LOT),
        )
    ]  # fmt: skip


@pytest.mark.rule("3.31")
def test_a_requirement_names_its_add_ons_and_is_bound_by_what_the_model_says() -> None:
    house = house_with()
    house.set_add_on("A", PER_LOT)
    house.set_add_on("A", CONCENTRATION)

    found = house.state.requirement(house.number("A"))

    assert found.components == (
        Component("notional tier", 0, 400 * COIN, 200 * COIN),
        Component("concentration", 1, 200 * COIN, 200 * COIN),
        Component("per lot", 0, 40 * LOT, 40 * LOT),
    )
    assert (found.initial, found.maintenance) == asked(house)
    assert found.binding == Binding(Bound.CONTRACT, 0, 0)


@pytest.mark.rule("3.31")
def test_an_add_on_stands_on_top_of_another_model_too() -> None:
    house = house_with()
    house.set_add_on("A", CONCENTRATION)

    house.set_model("A", 1)

    # The worse of two moves of a tenth, and half of it to stay.
    assert asked(house) == (600 * COIN, 400 * COIN)
    (event,) = house.events("MarginModelSet")
    assert event["requirement"] == 600 * COIN


@pytest.mark.rule("6.20")
@pytest.mark.parametrize("number", [2, -1, 62, 32_767])
def test_an_unknown_add_on_is_refused(number: int) -> None:
    house = house_with()

    house.set_add_on("A", number, allow_refusals=True)

    assert house.refusals() == [No.UNKNOWN_ADD_ON]
    (row,) = house.events("CommandRefused", last=True)
    assert (row["actual"], row["allowed"]) == (number, 1)


@pytest.mark.rule("6.20")
@pytest.mark.parametrize("name", ["M", "INSURANCE_FUND", "LIQUIDATOR", "EXTERNAL_MARKET"])
def test_only_margin_accounts_have_add_ons(name: str) -> None:
    house = house_with()

    house.set_add_on(name, CONCENTRATION, allow_refusals=True)
    assert house.refusals() == [No.UNKNOWN_GROUP]
    group = house.state.accounts.count
    run = command.SET_ADD_ON.row(group=group, add_on=0, is_on=True)
    house.submit(run, allow_refusals=True)
    assert house.refusals() == [No.UNKNOWN_GROUP]


@pytest.mark.rule("6.21")
def test_a_group_gets_no_add_on_that_it_cannot_bear_but_may_lose_one() -> None:
    house = house_with(deposit=599)
    house.set_add_on("A", CONCENTRATION, allow_refusals=True)

    assert house.refusals() == [No.INSUFFICIENT_MARGIN]
    (row,) = house.events("CommandRefused", last=True)
    assert (row["actual"], row["allowed"]) == (599 * COIN, 600 * COIN)
    assert asked(house) == (400 * COIN, 200 * COIN)

    house.deposit("A", COIN)
    house.set_add_on("A", CONCENTRATION)
    house.submit(set_parameter(Parameter.CONCENTRATION_PPM, 150_000))
    assert asked(house) == (700 * COIN, 500 * COIN)
    house.set_add_on("A", CONCENTRATION, is_on=False)
    assert asked(house) == (400 * COIN, 200 * COIN)


@pytest.mark.rule("6.21")
@pytest.mark.parametrize("is_on", [True, False])
def test_a_group_that_is_not_open_or_without_a_price_keeps_its_add_ons(is_on: bool) -> None:
    house = house_with()
    house.state.accounts.status[house.number("A")] = AccountStatus.CALLED
    house.set_add_on("A", CONCENTRATION, is_on=is_on, allow_refusals=True)
    assert house.refusals() == [No.GROUP_NOT_OPEN]
    house.state.accounts.status[house.number("A")] = AccountStatus.OPEN

    house.advance(START + 2 * DAY)
    house.set_add_on("A", CONCENTRATION, is_on=is_on, allow_refusals=True)

    assert house.refusals() == [No.PRICE_BLOCKED]


@pytest.mark.rule("3.31", "7.8")
@pytest.mark.parametrize(("lots", "is_refused"), [(50, False), (51, True)])
def test_trades_orders_and_withdrawals_are_held_to_add_ons(lots: int, is_refused: bool) -> None:
    # 90 lots ask 900 and 700 beyond the floor, 91 lots 20 more.
    house = house_with(deposit=1_600)
    house.set_add_on("A", CONCENTRATION)
    a = house.number("A")

    order = {"account": a, "instrument": 0, "lots": lots, "limit_ticks": 100}
    house.submit(command.RESERVE_MARGIN.row(**order), allow_refusals=True)
    assert house.refusals() == [ReserveMarginRefusal.INSUFFICIENT_MARGIN] * is_refused
    if not is_refused:
        house.submit(command.RELEASE_MARGIN.row(reservation=1))
    rows = [house.trade_run("A", "B", lots=n, ticks=100) for n in (lots - 1, 1)]
    house.submit(*rows, allow_refusals=True)
    assert house.refusals() == [SubmitTradeRefusal.INSUFFICIENT_MARGIN] * is_refused

    house.submit(set_parameter(Parameter.LIQUIDATION_COST_PPM, 0))
    run = command.WITHDRAW_COLLATERAL.row(account=a, asset=0, amount=COIN)
    house.submit(run, allow_refusals=True)
    assert house.refusals() == [WithdrawCollateralRefusal.INSUFFICIENT_MARGIN]


@pytest.mark.rule("3.31", "11.2")
def test_a_group_below_what_it_holds_for_an_add_on_is_liquidated_as_its_model_says() -> None:
    house = house_with(deposit=700)
    house.set_add_on("A", CONCENTRATION)

    house.price(93)  # 420 left, 186 asked by the rules and 172 by the add-on
    assert house.events("LiquidationStarted", last=True) == []
    house.price(91)  # 340 left, 182 and 164
    (started,) = house.events("LiquidationStarted", last=True)

    assert started["requirement"] == 346 * COIN
    assert (started["model"], started["bound"]) == (0, int(Bound.CONTRACT))
    assert (started["binding"], started["mark"]) == (0, 91)


@pytest.mark.rule("3.31")
def test_a_hedge_that_an_add_on_counts_is_not_closed_as_a_reduction_of_risk() -> None:
    house = house_with(deposit=1_000, floor=0)
    house.trade("B", "A", lots=40, ticks=100, instrument=1)
    house.set_add_on("A", CONCENTRATION)
    assert asked(house) == (800 * COIN, 400 * COIN)

    house.submit(set_parameter(Parameter.CONCENTRATION_PPM, 500_000))
    # Without the short of Y the long of X asks 400 and 2,000 for its concentration.
    house.submit(house.trade_run("A", "B", lots=40, ticks=100, instrument=1), allow_refusals=True)

    assert house.refusals() == [SubmitTradeRefusal.INSUFFICIENT_MARGIN]


@pytest.mark.rule("6.14", "6.15")
def test_terms_of_a_group_are_followed_when_they_change() -> None:
    house = house_with()
    house.set_add_on("A", CONCENTRATION)
    house.assess()
    before = house.state.margin_cache.numbers()[house.number("A")].tolist()

    group = house.number("A")
    house.submit(set_parameter(Parameter.CONCENTRATION_PPM, 200_000, Scope.GROUP, group))

    assert before == [2_000 * COIN, 600 * COIN, 400 * COIN]
    numbers = house.state.margin_cache.numbers()[group].tolist()
    assert numbers == [2_000 * COIN, 800 * COIN, 600 * COIN]
    assert tuple(numbers[1:]) == asked(house)


def test_add_ons_survive_recovery_snapshot_and_fork() -> None:
    house = house_with()
    house.set_add_on("A", CONCENTRATION)
    house.set_add_on("A", PER_LOT)
    digest, expected = house.state.digest(), asked(house)

    assert audit(house.engine.journal, plugins=PLUGINS).digest == digest
    whole = recover(house.engine.journal, plugins=PLUGINS)
    house.engine.snapshot()
    tail = recover(house.engine.journal, plugins=PLUGINS)
    for engine in (whole, tail, house.engine.fork(type(house.engine.journal)())):
        assert engine.state.digest() == digest
        numbers = engine.state.assess(house.number("A"))
        assert (numbers.initial, numbers.maintenance) == expected


def test_a_journal_that_names_an_add_on_is_not_recovered_without_it() -> None:
    house = house_with()
    house.set_add_on("A", PER_LOT)

    for _ in range(2):  # from the event, then from a snapshot
        with pytest.raises(JournalError, match="add-on 1, the catalogue has no such"):
            recover(house.engine.journal)
        house.engine.snapshot()


def test_the_state_knows_which_groups_the_kernels_cannot_assess_alone() -> None:
    house = house_with()
    x, a, b = house.state, house.number("A"), house.number("B")
    house.set_add_on("A", PER_LOT)
    house.set_model("B", 1)

    assert x.modelled_groups().tolist() == [a, b]
    assert x.modelled_among(np.array([b, 0, a])).tolist() == [0, 2]
    assert not x.is_standard(a)
    house.set_add_on("A", PER_LOT, is_on=False)
    assert x.is_standard(a)
    assert x.modelled_groups().tolist() == [b]
