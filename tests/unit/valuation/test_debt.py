"""A debt in another asset than the numeraire is a position: it asks for margin."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from novate.kernel.clearing.assess import EQUITY, INITIAL, MAINTENANCE
from novate.kernel.codes import AccountStatus, ShortfallPolicy
from novate.message import command
from novate.message.parameter import Parameter, Scope, set_parameter
from novate.message.refusal import WithdrawCollateralRefusal as No
from novate.valuation import MarginCache
from novate.valuation.requirement import DEBTS
from tests.tiny_model import PLUGINS
from tests.unit.clearing import COIN, E8, HOUR, START, ClearingHouse

INVERSE: dict[str, Any] = {
    "form": 2, "settlement_asset": 1, "unit": 100 * E8, "ticks_max": 10**6, "lots_max": 10**6,
}  # fmt: skip
"""A lot is 100 of face value, paid in coin."""


def debtor(
    haircut_bps: int = 500, *, coins: int = 1, price: int = 50_000, **other: Any
) -> ClearingHouse:
    """A has 120,000 USDT and owes coins, each worth the price: it lost them to F for good.

    A buys 1,000,000 of face at the price and sells it where the loss is so many coins.
    """
    house = ClearingHouse(assets=(("BTC", 8, haircut_bps),), **other)
    house.list_contract("I", **INVERSE)
    house.open_client("A", deposit=120_000 * COIN)
    house.open_client("F")
    house.deposit("F", 10 * E8, asset=1)
    house.price(price)
    # 20 coins at 50,000 are 21 at 47,619: off the market, but no collar binds here.
    lots = 10_000 * coins
    sold = round(price * 20 / 21)
    house.trade("A", "EXTERNAL_MARKET", lots=lots, ticks=price)
    house.trade("F", "A", lots=lots, ticks=sold)
    house.trade("EXTERNAL_MARKET", "F", lots=lots, ticks=price)
    house.advance(START + HOUR)
    house.price(price, at_ns=START + HOUR + 1)
    return house


def withdraw(house: ClearingHouse, amount: int, asset: int = 0) -> list[Any]:
    row = {"account": house.number("A"), "asset": asset, "amount": amount}
    house.submit(command.WITHDRAW_COLLATERAL.row(**row), allow_refusals=True)
    return house.refusals()


@pytest.mark.rule("3.50", "3.51")
def test_a_debt_asks_for_a_share_of_its_worth() -> None:
    house = debtor()
    owed = -house.balance("A", 1)
    assert owed == 100_002_100  # 10^6 / 47,619 - 10^6 / 50,000 coins

    found = house.state.assess(house.number("A"))

    # 1.000021 coins at 50,000: 50,001.05 USDT, a fifth and a tenth of it.
    assert found.equity == 120_000 * COIN - 50_001_050_000
    assert (found.initial, found.maintenance) == (10_000_210_000, 5_000_105_000)
    assert (found.debt_initial, found.debt_maintenance) == (found.initial, found.maintenance)


@pytest.mark.rule("3.50", "6.10")
def test_what_a_debt_asks_for_is_not_withdrawn() -> None:
    house = debtor()
    equity = house.equity("A")

    assert withdraw(house, equity)[0] == No.INSUFFICIENT_MARGIN
    assert withdraw(house, equity - 10_000_210_000 + 1)[0] == No.INSUFFICIENT_MARGIN
    assert withdraw(house, equity - 10_000_210_000) == []

    house.price(57_000, at_ns=START + 2 * HOUR)  # a rise of 14%: no loss
    assert house.events("LossRecorded") == []
    assert house.equity("A") > 0


@pytest.mark.rule("3.50")
def test_an_account_whose_debt_grows_is_liquidated_before_it_is_insolvent() -> None:
    house = debtor()
    withdraw(house, house.equity("A") - 10_000_210_000)  # 60,001.26 are left

    house.price(54_600, at_ns=START + 2 * HOUR)  # a debt of 54,601.15: 5,400.11 of 5,460.11

    assert house.status("A") == AccountStatus.LIQUIDATING
    order = house.events("OrderPlaced")[-1]
    assert (order["account"], order["quantity"]) == (house.number("A"), 100_002_100)


@pytest.mark.rule("3.50")
def test_an_account_with_calls_is_called_for_its_debt() -> None:
    house = ClearingHouse(assets=(("BTC", 8, 0),))
    house.list_option(settlement_asset=1, tick_e8=10**4, unit=10**4, ticks_max=50_000)
    house.open_client("A", deposit=1_000 * COIN, shortfall_policy=ShortfallPolicy.CALL_THEN_DEFAULT)
    house.price(100)
    house.smile(0.6)
    house.price(100)
    ticks = int(house.state.marks.mark[0])
    lots = 7 * E8 // (ticks * 10**4)
    house.trade("A", "EXTERNAL_MARKET", lots=lots, ticks=ticks)  # it owes 7 coins for the premium
    house.price(100, at_ns=START + HOUR)
    assert house.status("A") == AccountStatus.OPEN  # 300 of 140

    house.price(125, at_ns=START + 2 * HOUR)  # 125 of 175

    assert house.status("A") == AccountStatus.CALLED


@pytest.mark.rule("3.50")
@pytest.mark.parametrize(
    ("haircut_bps", "shares"),
    [(500, (200_000, 100_000)), (1_500, (200_000, 150_000)), (10_000, (1_000_000, 1_000_000))],
)
def test_a_haircut_that_is_dearer_than_the_share_counts(
    haircut_bps: int, shares: tuple[int, int]
) -> None:
    house = debtor()

    house.submit(command.SET_HAIRCUT.row(asset=1, haircut_bps=haircut_bps))

    found = house.state.assess(house.number("A"))
    assert (found.initial, found.maintenance) == tuple(50_001_050 * ppm // 1_000 for ppm in shares)


@pytest.mark.rule("3.50", "6.15")
def test_the_shares_are_parameters_of_the_house_a_group_and_an_account() -> None:
    house = debtor(0)
    a = house.number("A")
    ask = Parameter.DEBT_INITIAL_PPM

    def initial() -> int:
        found = house.state.assess(a).initial
        assert MarginCache(house.state).numbers()[a, 1] == found
        assert house.state.margin_cache.numbers()[a, 1] == found
        return found // 50_001_050

    house.submit(set_parameter(ask, 300_000))
    assert initial() == 300
    house.submit(set_parameter(ask, 400_000, Scope.GROUP, a))
    assert initial() == 400
    house.submit(set_parameter(ask, 500_000, Scope.ACCOUNT, a))
    assert initial() == 500
    house.submit(set_parameter(ask, 600_000, Scope.ACCOUNT, house.number("F")))
    assert initial() == 500


@pytest.mark.rule("3.19", "3.50")
def test_a_loss_in_coin_that_is_still_pending_is_a_debt() -> None:
    house = ClearingHouse(assets=(("BTC", 8, 0),))
    house.list_contract("I", **INVERSE)
    house.open_client("A", deposit=120_000 * COIN)
    house.price(50_000)
    house.trade("A", "EXTERNAL_MARKET", lots=1_000, ticks=50_000)
    flat = house.state.assess(house.number("A"))

    house.price(40_000)  # two coins became 2.5: a half is owed at the next cycle

    found = house.state.assess(house.number("A"))
    assert flat.debt_initial == 0
    assert found.debt_initial == 4_000 * COIN
    assert found.initial == 14_000 * COIN  # a tenth of the face beside it


@pytest.mark.rule("2.5", "3.50")
def test_a_debt_in_an_asset_without_a_price_asks_for_nothing() -> None:
    house = debtor()
    house.state.assets.unit_price[1] = 0.0

    assert house.state.assess(house.number("A")).initial == 0


@pytest.mark.rule("3.21", "3.50")
def test_a_debt_in_the_numeraire_asks_for_nothing() -> None:
    house = ClearingHouse()
    house.list_contract()
    house.open_client("A")
    house.deposit("A", 100 * E8, asset=1)
    house.price(500)
    house.trade("A", "EXTERNAL_MARKET", lots=10, ticks=500)

    house.price(400)

    assert house.state.assess(house.number("A")).initial == 400 * COIN


@pytest.mark.rule("3.51")
@pytest.mark.parametrize("model", [0, 1])
def test_debts_are_asked_for_beside_any_margin_model_and_in_its_explanation(model: int) -> None:
    house = debtor(plugins=PLUGINS)
    a = house.number("A")
    house.set_model("A", model)

    found = house.state.assess(a)

    assert found.initial == 10_000_210_000
    parts = house.state.requirement(a).components
    assert [(c.name, c.initial, c.maintenance) for c in parts if c.name == DEBTS] == [
        (DEBTS, 10_000_210_000, 5_000_105_000)
    ]
    assert house.state.requirement(a).initial == found.initial
    for price in (51_000, 56_000):
        house.price(price, at_ns=START + 2 * HOUR + price)
        expected = house.state.assess_all()[:, [EQUITY, INITIAL, MAINTENANCE]]
        assert np.array_equal(house.state.margin_cache.numbers(), expected)


@pytest.mark.rule("3.50", "6.39")
def test_the_accounts_of_a_group_have_one_debt() -> None:
    house = debtor()
    a = house.number("A")
    house.submit(
        command.OPEN_SUB_ACCOUNT.row(
            reference="A2", account=a, mode=1, group=a, netting_set=-1,
        )
    )  # fmt: skip
    house.deposit("A2", 40_002_100, asset=1)

    found = house.state.assess(house.number("A2"))

    assert found.initial == 30_000 * COIN * 200 // 1_000
    assert house.state.assess(a) == found


@pytest.mark.rule("3.51", "7.8")
def test_a_trade_whose_premium_would_leave_a_debt_without_margin_is_refused() -> None:
    house = ClearingHouse(assets=(("BTC", 8, 0),))
    house.list_option(settlement_asset=1, tick_e8=10**4, unit=10**4, ticks_max=50_000)
    house.open_client("A", deposit=1_000 * COIN)
    house.price(100)
    house.smile(0.6)
    house.price(100)
    ticks = int(house.state.marks.mark[0])
    lots = 9 * E8 // (ticks * 10**4)  # nine coins: 900 of 1,000, and 180 of 100

    run = house.trade_run("A", "EXTERNAL_MARKET", lots=lots, ticks=ticks)
    house.submit(run, allow_refusals=True)

    assert len(house.refusals()) == 1


@pytest.mark.rule("3.52", "7.32")
def test_an_order_sets_aside_the_margin_of_the_debt_that_its_fill_leaves() -> None:
    house = ClearingHouse(assets=(("BTC", 8, 0),))
    house.list_contract("I", **INVERSE)
    house.open_client("A", deposit=21_000 * COIN)
    house.price(50_000)
    a = house.number("A")
    row = {"account": a, "instrument": 0, "lots": 1_000, "limit_ticks": 52_500}
    house.submit(command.RESERVE_MARGIN.row(**row))
    # 100,000 / 50,000 - 100,000 / 52,500 coins are lost: 4,761.905 USDT, and a fifth of it.
    held = house.events("MarginReserved")[0]["open_order_hold"]
    assert held == 5_714_286_000

    house.trade("A", "EXTERNAL_MARKET", lots=1_000, ticks=52_500, buyer_reservation=1)

    found = house.state.assess(a)
    assert found.equity >= found.initial
    assert found.debt_initial == 952_381_000
