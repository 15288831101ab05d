"""What the owner of an account keeps when it is taken over, and what the liquidator takes."""

from __future__ import annotations

from typing import Any

import pytest

from novate.default_management.takeover import apply_whole_account_taken_over
from novate.kernel.codes import AccountStatus, MarginMode, ShortfallPolicy
from novate.message import command
from novate.message.deciding_price import DecidingPrice
from novate.message.parameter import Parameter, Scope, set_parameter
from tests.unit.clearing import COIN, E8, HOUR, START, ClearingHouse
from tests.unit.default_management.houses import failing_house

BTC, ALT = 1, 2


def alt_house(**parameters: int) -> ClearingHouse:
    """A backs 90 lots, bought at 100, with 2,000 ALT at 1 and a haircut of a half."""
    house = ClearingHouse(
        assets=(("BTC", 8, 0), ("ALT", 8, 5_000)),
        parameters={Parameter[name.upper()]: value for name, value in parameters.items()},
    )
    house.list_contract(cycle_ns=0)
    house.open_client("A")
    house.deposit("A", 2_000 * E8, asset=ALT)
    house.open_client("B", deposit=10**6 * COIN)
    house.price(100, e8={1: E8})
    house.trade("A", "B", lots=90, ticks=100)
    return house


def taken(house: ClearingHouse) -> dict[str, Any]:
    """The one takeover there was."""
    [row] = house.events("AccountTakenOver")
    return row


@pytest.mark.rule("12.20", "12.22", "12.23", "12.25")
def test_what_is_left_after_debts_and_charge_stays_with_its_owner_in_kind() -> None:
    house = alt_house()

    house.price(89, e8={1: E8})  # equity 1,000 - 990, net 2,000 - 990

    # 90 x 89 x 0.5% = 40.05; with the debt of 990 it is paid by ALT at 1 - 0.5 x 0.2.
    assert taken(house) == {
        "account": house.number("A"), "equity": 1_010 * COIN, "maintenance": 400_500_000,
        "is_first": True, "charge": 40_050_000, "conversion_ppm": 200_000, "kept": 855_500_000,
        "decided_by": DecidingPrice.MARK, "worth": 10 * COIN, "level": 133_499_866,
    }  # fmt: skip
    assert house.balance("A", ALT) == 85_550_000_000
    assert house.balance("LIQUIDATOR", ALT) == 114_450_000_000
    assert (house.balance("A"), house.balance("LIQUIDATOR")) == (0, -990 * COIN)
    assert (house.lots("A"), house.status("A")) == (0, AccountStatus.TAKEN_OVER)


@pytest.mark.rule("12.23")
def test_numeraire_pays_before_other_assets() -> None:
    house = alt_house(takeover_ppm=1_000_000)
    house.deposit("A", 50 * COIN)
    house.price(89, e8={1: E8})  # equity 60, below 400.5

    assert taken(house)["equity"] == 1_060 * COIN
    assert house.balance("A", ALT) == 2_000 * E8 - 108_894_444_445  # (1,030.05 - 50) / 0.9


@pytest.mark.rule("12.23")
@pytest.mark.parametrize("source", [1, 2])
def test_an_asset_with_a_fresh_index_pays_before_one_without(source: int) -> None:
    house = ClearingHouse(
        assets=(("BTC", 8, 0), ("ALT", 8, 9_000), ("OLD", 8, 9_000)),
        parameters={
            Parameter.CLOSE_OUT_CHARGE_PPM: 0, Parameter.CONVERSION_CHARGE_PPM: 0,
            Parameter.INDEX_STALENESS_NS: HOUR,
        },
    )  # fmt: skip
    house.list_contract(cycle_ns=0)
    house.open_client("A", deposit=900 * COIN)
    house.open_client("B", deposit=10**6 * COIN)
    for asset in (2, 3):
        house.deposit("A", E8, asset=asset)
    house.price(100, e8={1: 1_000 * E8, 2: 1_000 * E8})
    house.trade("A", "B", lots=90, ticks=100)

    at_ns = START + 2 * HOUR
    house.price(79, e8={source: 1_000 * E8}, at_ns=at_ns)  # a debt of 990, net 1,010

    assert taken(house)["kept"] == 1_010 * COIN
    # The source of an asset has the number before it.
    assert house.balance("A", source + 1) == E8 // 100
    assert house.balance("A", 4 - source) == E8


@pytest.mark.rule("12.4", "12.8", "12.20")
@pytest.mark.parametrize(("price", "net"), [(440, -500), (445, 0)])
def test_an_account_that_is_worth_nothing_hands_over_everything(price: int, net: int) -> None:
    house = failing_house(price)

    assert (taken(house)["equity"], taken(house)["kept"]) == (net * COIN, 0)
    assert house.balance("A") == 0
    assert [row["amount"] for row in house.events("LossRecorded")] == [-net * COIN] * (net < 0)


@pytest.mark.rule("12.20", "12.21")
def test_a_charge_takes_no_more_than_there_is() -> None:
    house = failing_house(446)  # net 100, 0.5% of 44,600 is 223

    assert (taken(house)["charge"], taken(house)["kept"]) == (223 * COIN, 0)
    assert house.balance("A") == 0
    assert house.events("LossRecorded") == []


@pytest.mark.rule("12.21")
@pytest.mark.parametrize(
    ("ppm", "depth", "charge"),
    [
        (0, 0, 0),
        (5_000, 0, 40_050_000),
        (5_000, 8_010, 80_100_000),  # a notional of 8,010 is the depth: twice as dear
        (5_000, 1, 400_500_000),  # never more than maintenance margin
        (60_000, 0, 400_500_000),
    ],
)
def test_the_charge_grows_with_the_size_up_to_maintenance_margin(
    ppm: int, depth: int, charge: int
) -> None:
    house = alt_house(close_out_charge_ppm=ppm)
    if depth:
        house.submit(set_parameter(Parameter.CLOSE_OUT_DEPTH, depth * COIN, Scope.INSTRUMENT, 0))

    house.price(89, e8={1: E8})

    assert taken(house)["charge"] == charge


@pytest.mark.rule("6.15", "12.21")
def test_the_charge_of_an_account_counts_before_that_of_the_contract() -> None:
    house = alt_house()
    a = house.number("A")
    house.submit(set_parameter(Parameter.CLOSE_OUT_CHARGE_PPM, 1_000, Scope.INSTRUMENT, 0))
    house.submit(set_parameter(Parameter.CLOSE_OUT_CHARGE_PPM, 2_000, Scope.ACCOUNT, a))
    house.submit(set_parameter(Parameter.CONVERSION_CHARGE_PPM, 0, Scope.ACCOUNT, a))

    house.price(89, e8={1: E8})

    assert (taken(house)["charge"], taken(house)["conversion_ppm"]) == (16_020_000, 0)
    assert taken(house)["kept"] == 1_010 * COIN - 16_020_000


@pytest.mark.rule("12.22")
def test_the_debts_of_a_group_are_paid_by_the_same_asset_first() -> None:
    house = alt_house()
    a = house.number("A")
    sub = {"reference": "A2", "account": a, "mode": int(MarginMode.CROSS), "group": a}
    house.submit(command.OPEN_SUB_ACCOUNT.row(**sub, netting_set=-1))
    house.deposit("A2", 5 * COIN)
    house.submit(set_parameter(Parameter.TAKEOVER_PPM, 1_000_000))

    house.price(89, e8={1: E8})  # A owes 990 in cash, and A2 has 5

    assert taken(house)["equity"] == 1_015 * COIN
    assert (house.balance("A2"), house.status("A2")) == (0, AccountStatus.TAKEN_OVER)
    assert house.balance("A", ALT) == 2_000 * E8 - 113_894_444_445  # (1,030.05 - 5) / 0.9


@pytest.mark.rule("12.26")
@pytest.mark.parametrize(("price", "stays"), [(89, True), (70, False)])
def test_what_is_not_proven_stays_so_with_what_was_kept(price: int, stays: bool) -> None:
    house = alt_house()
    a, accounts = house.number("A"), house.state.accounts
    accounts.encumbered[a], accounts.window_gain[a] = 5, 7

    house.price(price, e8={1: E8})

    assert (accounts.encumbered[a], accounts.window_gain[a]) == ((5, 7) if stays else (0, 0))


def option_house(cash: int, **parameters: int) -> tuple[ClearingHouse, int, int]:
    """A holds long calls, bought from the market, beside a future; the mark of a call too."""
    house = ClearingHouse(
        parameters={Parameter[name.upper()]: value for name, value in parameters.items()}
    )
    house.list_contract(cycle_ns=0, ticks_max=10**6)
    call = house.list_option()
    house.open_client("A", deposit=cash * COIN)
    house.open_client("B", deposit=10**6 * COIN)
    house.price(100)
    house.smile(0.6)
    house.price(100)
    mark = int(house.state.marks.mark[call])
    house.trade("A", "EXTERNAL_MARKET", lots=100, ticks=mark, instrument=call)
    return house, call, mark


@pytest.mark.rule("12.2", "12.24")
def test_long_options_stay_when_nothing_is_left_to_pay() -> None:
    house, call, mark = option_house(1_000, takeover_ppm=1_000_000)
    cash = house.balance("A")
    lots = cash // (10 * COIN)  # all of it is initial margin
    house.trade("B", "A", lots=lots, ticks=100)
    house.submit(set_parameter(Parameter.TAKEOVER_PPM, 1_000_000, Scope.ACCOUNT, house.number("A")))
    assert mark > 0
    house.state.parameters[Parameter.RELEASE_PPM] = 10_000_000
    house.state.accounts.status[house.number("A")] = AccountStatus.LIQUIDATING
    house.submit(set_parameter(Parameter.CLOSE_OUT_CHARGE_PPM, 0))
    house.state.instruments.maintenance_rate[0] = 0.9
    house.assess()

    row = taken(house)
    assert row["equity"] == row["kept"]
    assert house.lots("A", call) == 100
    assert house.lots("A") == 0
    assert house.balance("A") == cash


@pytest.mark.rule("12.20", "12.24")
def test_long_options_pay_what_cash_does_not_and_the_others_stay() -> None:
    house, call, mark = option_house(1_000)
    house.trade("B", "A", lots=5, ticks=100)
    a = house.number("A")
    cash = house.balance("A")
    worth = 100 * mark * COIN // 100
    fall = cash // COIN + worth // (2 * COIN)
    house.state.accounts.status[a] = AccountStatus.LIQUIDATING
    house.state.instruments.maintenance_rate[0] = 0.9
    house.state.parameters[Parameter.TAKEOVER_PPM] = 1_000_000
    house.submit(set_parameter(Parameter.CLOSE_OUT_CHARGE_PPM, 0))
    # The future lost half of what the calls are worth, beyond all cash.
    loss = fall * COIN
    house.state.accounts.balance[a, 0] -= loss
    house.state.accounts.balance[house.number("B"), 0] += loss

    house.assess()

    event = taken(house)
    owed = loss - cash
    # A call pays 80% of its mark; the lots are rounded up.
    lots = -(-owed * 100 // (80 * mark * COIN // 100))
    assert house.lots("LIQUIDATOR", call) == lots
    assert house.lots("A", call) == 100 - lots
    assert house.balance("A") == 0  # no cash is paid for them
    assert event["kept"] == (100 - lots) * mark * COIN // 100
    assert house.balance("LIQUIDATOR") == -owed


@pytest.mark.rule("10.2", "10.3")
@pytest.mark.parametrize("policy", ShortfallPolicy)
def test_what_a_short_option_is_worth_counts_in_the_takeover_level(
    policy: ShortfallPolicy,
) -> None:
    house = ClearingHouse()
    call = house.list_option(strike_e8=50_000 * E8, unit=100, ticks_max=10**9)
    house.open_client("L", deposit=100_000 * COIN)
    house.open_client("S", deposit=2_300 * COIN, shortfall_policy=policy)
    house.price(50_000)
    house.smile(0.5)
    house.price(50_000)
    house.trade("L", "S", lots=20, ticks=int(house.state.marks.mark[call]))
    assert house.balance("S") == 2_871_376_000  # the premium beside what it had

    house.price(60_000)  # worth 795.64, and 900 of margin beyond the value: a level of 300
    assert house.state.assess(house.number("S")).net == 795_640_000
    assert house.events("AccountTakenOver") == []

    house.price(63_200)

    # Maintenance margin is 7.5% of the index beyond the value, 948 of it, and a third of that 316.
    net = house.events("AccountTakenOver")[0]["equity"]
    assert 0 < net < 316 * COIN
    assert house.events("LossRecorded") == []


@pytest.mark.rule("11.15", "12.30")
def test_fees_and_a_takeover_take_no_more_than_net() -> None:
    house = failing_house(450, liquidation_fee_ppm=100_000, slice_ppm=1_000_000)
    house.submit(set_parameter(Parameter.TAKEOVER_PPM, 0))
    net = house.state.assess(house.number("A")).net
    order = house.events("OrderPlaced")[-1]
    if order["account"] == house.number("A"):
        house.fill(order["order"], 60, 450)
    house.submit(set_parameter(Parameter.TAKEOVER_PPM, 1_000_000))
    house.price(450)

    assert house.events("LossRecorded") == []
    assert house.state.assess(house.number("A")).net >= 0
    assert house.balance("INSURANCE_FUND") <= net or net == 0


@pytest.mark.rule("12.4")
def test_a_takeover_of_the_first_version_moves_everything() -> None:
    house = alt_house()
    a = house.number("A")

    apply_whole_account_taken_over(house.state, {"account": a, "is_first": True})

    assert house.balance("LIQUIDATOR", ALT) == 2_000 * E8
    assert (house.balance("A", ALT), house.lots("A")) == (0, 0)
    assert house.state.accounts.owed[a] == 0
    assert house.status("A") == AccountStatus.TAKEN_OVER
