"""Orders of the clearing house carry a limit, and the collar binds the external market."""

from __future__ import annotations

from typing import Any

import pytest

from novate.kernel.codes import OrderKind
from novate.message import command
from novate.message.parameter import Parameter, set_parameter
from novate.message.refusal import ReportFillRefusal, SubmitTradeRefusal
from tests.unit.clearing import COIN, E8, HOUR, MINUTE, START, ClearingHouse
from tests.unit.default_management.houses import breached_house


def answer(house: ClearingHouse, order: int, quantity: int, price: int) -> list[Any]:
    """Answer an order; returns refusals."""
    row = {"order": order, "quantity": quantity, "price": price, "is_final": False}
    house.submit(command.REPORT_FILL.row(**row), allow_refusals=True)
    return house.refusals()


def placed(house: ClearingHouse) -> list[tuple[int, int]]:
    """Reference and limit of the orders of the last call."""
    return [(row["reference"], row["limit"]) for row in house.events("OrderPlaced", last=True)]


@pytest.mark.rule("11.50", "11.51")
def test_a_sale_fills_no_lower_than_the_edge_of_the_collar_when_it_was_placed() -> None:
    house = breached_house(trade_collar_ppm=100_000)

    # 468 less 46, the tenth of it rounded down.
    assert placed(house) == [(468, 422)]
    assert answer(house, 1, 25, 421) == [ReportFillRefusal.WORSE_THAN_LIMIT]
    [refused] = house.events("CommandRefused", last=True)
    assert (refused["actual"], refused["allowed"]) == (421, 422)
    assert answer(house, 1, 5, 422) == []
    assert answer(house, 1, 5, 900) == []  # better is not refused
    assert house.lots("A") == 90


@pytest.mark.rule("11.50", "11.51")
def test_a_purchase_fills_no_higher_than_the_edge_of_the_collar() -> None:
    house = ClearingHouse(parameters={Parameter.TRADE_COLLAR_PPM: 100_000})
    house.list_contract()
    house.open_client("A", deposit=5_500 * COIN)
    house.open_client("B", deposit=20_000 * COIN)
    house.price(500)
    house.trade("B", "A", lots=100, ticks=500)
    house.price(530, at_ns=START + MINUTE)  # A is left with 2,500 of 2,650

    assert placed(house) == [(530, 583)]
    assert answer(house, 1, 25, 584) == [ReportFillRefusal.WORSE_THAN_LIMIT]
    assert answer(house, 1, 25, 583) == []


@pytest.mark.rule("11.53")
def test_without_a_collar_an_order_takes_any_price_that_there_is() -> None:
    house = breached_house()

    assert placed(house) == [(468, 1)]


@pytest.mark.rule("11.50", "11.51")
def test_an_order_in_an_inverse_contract_paid_in_coin_has_a_limit_in_its_price() -> None:
    house = ClearingHouse(parameters={Parameter.TRADE_COLLAR_PPM: 50_000})
    house.list_contract(form=2, settlement_asset=1, unit=100 * E8)
    for name in ("A", "B"):
        house.open_client(name)
        house.deposit(name, 3 * E8, asset=1)
    house.price(500)
    house.trade("A", "B", lots=100, ticks=500)  # 20 coins long for 3 of collateral
    house.price(450, at_ns=START + MINUTE)

    # 20 coins at 500 are 22.22 at 450: 0.78 are left of 1.11. The limit is 450 less 22.
    assert placed(house) == [(450, 428)]
    assert answer(house, 1, 1, 427) == [ReportFillRefusal.WORSE_THAN_LIMIT]
    assert answer(house, 1, 1, 428) == []


@pytest.mark.rule("11.50", "11.51")
def test_a_conversion_fills_no_worse_than_a_tenth_from_the_index() -> None:
    house = ClearingHouse(parameters={Parameter.CONVERSION_COLLAR_PPM: 100_000})
    house.list_contract()
    house.open_client("A")
    house.deposit("A", 30 * E8, asset=1)
    house.open_client("B", deposit=60_000 * COIN)
    house.price(500)
    house.trade("A", "B", lots=200, ticks=500)
    house.price(470, at_ns=START + HOUR)  # a cycle takes 6,000 in numeraire that A does not have
    house.price(470, at_ns=START + 2 * HOUR)
    house.price(420, at_ns=START + 2 * HOUR + MINUTE)

    [order] = [
        row for row in house.events("OrderPlaced") if row["kind"] == OrderKind.CONVERSION
    ][:1]  # fmt: skip
    assert order["quantity"] < 0
    assert order["limit"] == order["reference"] - order["reference"] // 10
    number, limit = order["order"], order["limit"]
    assert answer(house, number, 1, limit - 1) == [ReportFillRefusal.WORSE_THAN_LIMIT]
    assert answer(house, number, 1, limit) == []


@pytest.mark.rule("11.50", "11.51", "11.53")
def test_a_cheap_short_option_is_bought_back_within_a_share_of_what_it_must_hold() -> None:
    house = ClearingHouse(parameters={Parameter.TRADE_COLLAR_PPM: 100_000})
    option = house.list_option(strike_e8=160 * E8)
    house.open_client("A", deposit=175 * COIN)
    house.open_client("B", deposit=20_000 * COIN)
    house.price(100)
    house.smile(0.5)
    house.price(100)
    mark = int(house.state.marks.mark[option])
    house.trade("B", "A", lots=17, ticks=mark, instrument=option)  # 10 of each are held
    house.price(140)  # 10.50 of each and its value, about 1.90, are asked for

    [order] = house.events("OrderPlaced", last=True)
    x = house.state
    short, mark = int(x.marks.short_maintenance[option]), int(x.marks.mark[option])
    assert short == 1_050 + mark > 5 * mark
    assert order["limit"] == mark + short // 10
    assert answer(house, order["order"], 1, mark + short // 10) == []
    assert answer(house, order["order"], 1, mark + short // 10 + 1) == [
        ReportFillRefusal.WORSE_THAN_LIMIT
    ]


@pytest.mark.rule("11.52")
def test_a_slice_places_anew_an_order_whose_limit_the_mark_has_passed() -> None:
    house = breached_house(trade_collar_ppm=10_000, order_life_ns=0)
    assert placed(house) == [(468, 464)]

    house.price(464, at_ns=START + 2 * MINUTE)
    house.price(463, at_ns=START + 3 * MINUTE)  # the slice of this instant comes before the price
    assert house.events("OrderClosed") == []
    house.price(463, at_ns=START + 4 * MINUTE)

    assert house.events("OrderClosed") == [{"order": 1}]
    assert placed(house) == [(463, 459)]


@pytest.mark.rule("11.52")
def test_a_slice_places_anew_an_order_whose_limit_is_far_below_the_mark() -> None:
    # Released only far above, so that it is still in liquidation when the mark has risen.
    house = breached_house(trade_collar_ppm=50_000, order_life_ns=0, release_ppm=10_000_000)
    assert placed(house) == [(468, 445)]

    # 494 less twice 24 is 446, 493 less 48 is 445.
    house.price(493, at_ns=START + 2 * MINUTE)
    house.price(494, at_ns=START + 3 * MINUTE)
    assert house.events("OrderClosed") == []
    house.price(494, at_ns=START + 4 * MINUTE)

    assert house.events("OrderClosed") == [{"order": 1}]
    assert placed(house) == [(494, 470)]


@pytest.mark.rule("11.52")
def test_an_order_stays_out_while_the_price_is_blocked() -> None:
    house = breached_house(
        trade_collar_ppm=100_000, order_life_ns=0, takeover_ppm=0, index_staleness_ns=MINUTE
    )
    house.advance(START + 2 * MINUTE + 1)
    house.submit(set_parameter(Parameter.TRADE_COLLAR_PPM, 1_000))

    house.price(None, at_ns=START + 3 * MINUTE)  # 422 is far below 468 now, but 468 is old
    assert house.events("SliceScheduled", last=True)
    assert house.events("OrderClosed") == []
    house.price(460, at_ns=START + 4 * MINUTE)
    house.price(460, at_ns=START + 5 * MINUTE)

    assert house.events("OrderClosed") == [{"order": 1}]


@pytest.mark.rule("11.52")
def test_an_order_of_an_earlier_release_has_no_limit_until_a_slice_places_it_anew() -> None:
    house = breached_house(trade_collar_ppm=100_000, order_life_ns=0)
    house.state.defaults.orders.limit[0] = 0

    assert answer(house, 1, 5, 400) == []
    house.price(468, at_ns=START + 2 * MINUTE)

    assert house.events("OrderClosed") == [{"order": 1}]
    assert placed(house) == [(468, 422)]


@pytest.mark.rule("11.50", "12.2")
def test_a_crash_that_nobody_bids_in_ends_in_a_takeover_at_the_mark() -> None:
    house = breached_house(trade_collar_ppm=100_000, order_life_ns=0)
    assert answer(house, 1, 25, 300) == [ReportFillRefusal.WORSE_THAN_LIMIT]

    house.price(460, at_ns=START + 2 * MINUTE)  # 1,500 of 2,300: above a third
    house.price(450, at_ns=START + 3 * MINUTE)  # 500 of 2,250

    assert house.lots("A") == 0
    assert house.lots("LIQUIDATOR") == 100
    assert placed(house) == [(450, 405)]
    house.price(400, at_ns=START + 4 * MINUTE)
    house.price(400, at_ns=START + 5 * MINUTE)
    assert placed(house) == [(400, 360)]
    assert answer(house, house.state.defaults.orders.given, 25, 360) == []


@pytest.mark.rule("7.3")
def test_nobody_trades_with_the_external_market_beyond_the_collar() -> None:
    house = ClearingHouse(parameters={Parameter.TRADE_COLLAR_PPM: 100_000})
    house.list_contract()
    house.open_client("A", deposit=20_000 * COIN)
    house.price(500)
    for sides in (("A", "EXTERNAL_MARKET"), ("EXTERNAL_MARKET", "A")):
        for ticks, code in ((449, 1), (450, 0), (550, 0), (551, 1)):
            run = house.trade_run(*sides, lots=1, ticks=ticks)
            house.submit(run, allow_refusals=True)
            assert house.refusals() == [SubmitTradeRefusal.PRICE_OUT_OF_RANGE] * code


@pytest.mark.rule("7.12")
def test_an_account_short_of_margin_gives_a_long_option_away_to_nobody() -> None:
    house = ClearingHouse()
    house.list_contract()
    option = house.list_option()
    house.open_client("A", deposit=900 * COIN)
    house.open_client("B", deposit=20_000 * COIN)
    house.price(100)
    house.smile(0.8)
    house.price(100)
    mark = int(house.state.marks.mark[option])
    house.trade("A", "B", lots=10, ticks=mark, instrument=option)  # for about 90
    house.trade("A", "B", lots=80, ticks=100)
    house.price(99)  # about 730 of 792 that are asked for

    run = house.trade_run("EXTERNAL_MARKET", "A", lots=10, ticks=mark // 2, instrument=option)
    house.submit(run, allow_refusals=True)

    assert house.refusals() == [SubmitTradeRefusal.BELOW_WORTH]
