from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from novate.book.ledger import transfer
from novate.default_management.conversion import proceeds_of
from novate.default_management.liquidation import decide_place_slices
from novate.kernel.codes import AccountStatus, OrderKind
from tests.unit.clearing import COIN, E8, ClearingHouse, Recorder, decide_one

TWO_COINS = (("BTC", 8, 0), ("ETH", 8, 0))


def debtor_house(**balances: int) -> ClearingHouse:
    """A has balances (numeraire, btc, eth) in ledger units; BTC is at 500, ETH at 3 numeraire."""
    house = ClearingHouse(assets=TWO_COINS)
    house.list_contract()
    house.open_client("A")
    house.price(500, e8={1: 3 * E8})
    for asset, name in enumerate(("numeraire", "btc", "eth")):
        amount = balances.get(name, 0)
        payer, payee = ("EXTERNAL_MARKET", "A") if amount > 0 else ("A", "EXTERNAL_MARKET")
        transfer(house.state.accounts, asset, house.number(payer), house.number(payee), abs(amount))
    house.state.accounts.status[house.number("A")] = AccountStatus.LIQUIDATING
    return house


def conversions(house: ClearingHouse, account: str = "A") -> list[tuple[int, int]]:
    """Orders that a slice of the account would place: (asset, quantity)."""
    recorder = Recorder()
    state = house.engine.state
    row: dict[str, Any] = {"account": house.number(account)}
    assert decide_one(decide_place_slices, state, row, recorder) is None
    return [
        (values["subject"], values["quantity"])
        for name, values in recorder.events
        if name == "OrderPlaced" and values["kind"] == OrderKind.CONVERSION
    ]


@pytest.mark.rule("11.10")
def test_a_debtor_sells_no_more_of_an_asset_than_its_debt_needs() -> None:
    house = debtor_house(numeraire=-3_700 * COIN, eth=2_000 * E8)

    # 3,700 / 3 = 1,233.333..., up to the next unit of 1e-8.
    assert conversions(house) == [(2, -123_333_333_334)]


@pytest.mark.rule("11.7", "11.10")
def test_assets_are_sold_in_order_of_number_until_the_debt_is_covered() -> None:
    house = debtor_house(numeraire=-3_700 * COIN, btc=7 * E8, eth=2_000 * E8)

    # All 7 BTC bring 3,500; 200 are left: 66.666... ETH.
    assert conversions(house) == [(1, -7 * E8), (2, -6_666_666_667)]


@pytest.mark.rule("11.8", "11.10")
def test_a_debt_in_another_asset_is_bought_and_a_creditor_keeps_its_assets() -> None:
    house = debtor_house(numeraire=100 * COIN, btc=E8, eth=-7)

    assert conversions(house) == [(2, 7)]


@pytest.mark.rule("11.9")
def test_the_liquidator_sells_all_it_has_besides_the_numeraire() -> None:
    house = debtor_house(btc=5, eth=9)
    for asset, amount in ((1, 5), (2, 9)):
        accounts = house.state.accounts
        transfer(accounts, asset, house.number("A"), house.number("LIQUIDATOR"), amount)

    assert conversions(house, "LIQUIDATOR") == [(1, -5), (2, -9)]


@pytest.mark.rule("11.7")
def test_an_asset_without_a_fresh_price_waits() -> None:
    house = debtor_house(numeraire=-3_700 * COIN, btc=7 * E8, eth=2_000 * E8)
    house.state.assets.is_stale[1] = True
    house.state.assets.unit_price[2] = 0.0

    assert conversions(house) == []


def conversion_house(**balances: int) -> ClearingHouse:
    """As `debtor_house`, with the orders of its first slice in the outbox."""
    house = debtor_house(**balances)
    account = house.number("A")
    house.state.set_slices(np.array([account]), house.state.now_ns + 1)
    house.advance(house.state.now_ns + 1)
    return house


@pytest.mark.rule("11.17")
def test_what_is_sold_is_credited_rounded_down() -> None:
    house = conversion_house(numeraire=-1, eth=7)
    assert house.events("OrderPlaced")[0]["quantity"] == -7  # 1 / 0.03 = 33.3, it has 7

    house.fill(1, 7, 3 * E8)

    assert house.events("AssetConverted") == [
        {
            "order": 1,
            "account": house.number("A"),
            "asset": 2,
            "amount": -7,
            "price_e8": 3 * E8,
            "proceeds": 0,  # 0.21
        }
    ]
    assert (house.balance("A"), house.balance("A", 2)) == (-1, 0)


@pytest.mark.rule("11.17", "11.18")
def test_what_is_sold_for_whole_amounts_is_credited_in_full() -> None:
    house = conversion_house(numeraire=-3_700 * COIN, eth=2_000 * E8)

    house.fill(1, 123_333_333_334, 299_000_000)

    # 123,333,333,334 x 0.0299 = 3,687,666,666.6866
    assert house.events("AssetConverted")[0]["proceeds"] == 3_687_666_666
    assert house.balance("A") == -3_700 * COIN + 3_687_666_666
    assert house.balance("EXTERNAL_MARKET", 2) == -2_000 * E8 + 123_333_333_334
    assert house.events("OrderClosed") == [{"order": 1}]


@pytest.mark.rule("11.17")
def test_what_is_bought_is_charged_rounded_up() -> None:
    house = conversion_house(numeraire=100, eth=-7)

    house.fill(1, 7, 3 * E8)

    assert house.events("AssetConverted")[0]["proceeds"] == -1  # 0.21, up
    assert (house.balance("A"), house.balance("A", 2)) == (99, 0)


@pytest.mark.rule("11.17")
def test_proceeds_round_against_the_account_both_ways() -> None:
    x = debtor_house().state

    # 7 units of 1e-8 at 3 numeraire of 1e6 units: 0.21.
    assert (proceeds_of(x, 2, -7, 3 * E8), proceeds_of(x, 2, 7, 3 * E8)) == (0, -1)


def test_a_conversion_keeps_the_sums_of_both_assets() -> None:
    house = conversion_house(numeraire=-3_700 * COIN, eth=2_000 * E8)
    before = house.state.accounts.used("balance").sum(axis=0).tolist()

    house.fill(1, 999, 3 * E8)

    assert house.state.accounts.used("balance").sum(axis=0).tolist() == before
    orders = house.engine.state.defaults.orders
    assert orders.quantity[0] == -(123_333_333_334 - 999)
    assert orders.answered_ns[0] == house.state.now_ns
