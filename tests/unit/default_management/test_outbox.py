from __future__ import annotations

import pytest

from novate.default_management.outbox import (
    cancel_excess_orders,
    decide_expire_orders,
    decide_report_fill,
)
from novate.kernel.codes import OrderKind
from novate.message import command
from novate.message.parameter import Parameter
from novate.message.refusal import EngineCommandRefusal as No
from novate.message.refusal import ReportFillRefusal
from tests.unit.clearing import COIN, HOUR, MINUTE, START, ClearingHouse, Recorder, decide_one
from tests.unit.default_management.houses import breached_house, liquidator_house


@pytest.mark.rule("11.14", "11.15", "11.18")
def test_a_fill_trades_with_the_external_market_and_feeds_the_insurance_fund() -> None:
    house = breached_house()

    house.fill(1, 25, 467)

    # Value 25 x 467 = 11,675; the fee is half a percent of it.
    assert house.events("OrderFilled") == [
        {
            "order": 1,
            "account": house.number("A"),
            "instrument": 0,
            "lots": -25,
            "ticks": 467,
            "value": -11_675 * COIN,
            "fee": 58_375_000,
        }
    ]
    assert house.lots("A") == 75
    assert house.lots("EXTERNAL_MARKET") == 25
    assert house.balance("A") == 5_500 * COIN - 58_375_000
    assert house.balance("INSURANCE_FUND") == 58_375_000
    assert house.position("A")["realised"] == 25 * -33 * COIN
    assert house.events("OrderClosed") == [{"order": 1}]


@pytest.mark.rule("11.15")
def test_the_fee_is_rounded_up_to_a_ledger_unit() -> None:
    house = breached_house(liquidation_fee_ppm=1)
    house.fill(1, 1, 467)
    assert house.events("OrderFilled")[-1]["fee"] == 467

    house = ClearingHouse(parameters={Parameter.LIQUIDATION_FEE_PPM: 1})
    house.list_contract(unit=1_001)
    house.open_client("A", deposit=5_500_000)
    house.open_client("B", deposit=20_000_000)
    house.price(500)
    house.trade("A", "B", lots=100, ticks=500)
    house.price(468)
    house.fill(1, 1, 467)

    assert house.events("OrderFilled")[-1]["fee"] == 1  # 467,467 x 1e-6 = 0.467467


@pytest.mark.rule("11.15")
def test_the_fee_is_capped_at_what_the_account_still_has() -> None:
    # Without a takeover level: equity 5,530 - 5,500 = 30, a quarter's fee would be 55.625.
    house = breached_house(deposit=5_530, price=445, takeover_ppm=0)

    house.fill(1, 20, 445)
    assert house.events("OrderFilled")[-1]["fee"] == 30 * COIN
    house.fill(1, 5, 445)

    assert house.events("OrderFilled")[-1]["fee"] == 0  # nothing is left


@pytest.mark.rule("11.15")
def test_the_fee_takes_no_more_than_a_bad_fill_leaves() -> None:
    house = breached_house(deposit=5_530, price=445, takeover_ppm=0)

    house.fill(1, 20, 444)  # 20 of the 30 are lost by the price

    assert house.events("OrderFilled")[-1]["fee"] == 10 * COIN
    assert house.balance("INSURANCE_FUND") == 10 * COIN


def test_the_fees_of_fills_add_up_in_the_insurance_fund() -> None:
    house = breached_house(deposit=5_530, price=445, takeover_ppm=0)
    house.fill(1, 20, 445)
    house.fill(1, 5, 445)

    assert house.balance("INSURANCE_FUND") == 30 * COIN


@pytest.mark.rule("11.18")
def test_a_partial_fill_leaves_the_rest_open_until_it_is_final() -> None:
    house = breached_house()
    defaults = house.engine.state.defaults

    house.fill(1, 10, 468)
    assert defaults.orders.quantity[0] == -15
    assert defaults.orders.is_open[0]

    house.fill(1, 0, 0, is_final=True)

    assert not defaults.orders.is_open[0]
    assert len(house.events("OrderFilled")) == 1
    assert house.lots("A") == 90


@pytest.mark.rule("4.25", "11.19")
@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"order": 0}, ReportFillRefusal.UNKNOWN_ORDER),
        ({"order": 2}, ReportFillRefusal.UNKNOWN_ORDER),
        ({"quantity": 26}, ReportFillRefusal.QUANTITY_OUT_OF_RANGE),
        ({"quantity": -1}, ReportFillRefusal.QUANTITY_OUT_OF_RANGE),
        ({"price": 0}, ReportFillRefusal.PRICE_OUT_OF_RANGE),
        ({"price": 10**6 + 1}, ReportFillRefusal.PRICE_OUT_OF_RANGE),
    ],
)
def test_an_answer_out_of_range_is_refused(answer: dict[str, int], code: int) -> None:
    house = breached_house()
    before = house.engine.state.accounts.used("balance").copy()
    row = {"order": 1, "quantity": 1, "price": 468, "is_final": False, **answer}

    house.submit(command.REPORT_FILL.row(**row), allow_refusals=True)

    assert house.refusals() == [code]
    assert (house.state.accounts.used("balance") == before).all()


@pytest.mark.rule("11.18")
def test_a_closed_order_takes_no_more_answers() -> None:
    house = breached_house()
    house.fill(1, 0, 0, is_final=True)
    row = {"order": 1, "quantity": 0, "price": 0, "is_final": False}

    refusal = decide_report_fill(house.state, row, Recorder())

    assert refusal == (ReportFillRefusal.ORDER_CLOSED, 1, 0)


@pytest.mark.rule("11.23")
@pytest.mark.parametrize(
    ("lots", "order", "stays"),
    [
        (100, -25, True),
        (100, -100, True),
        (100, -101, False),  # larger than the position
        (100, 25, False),  # adds to it
        (-100, 25, True),
        (-100, -25, False),
        (0, -25, False),
    ],
)
def test_an_order_of_the_liquidator_stays_while_it_reduces_its_position(
    lots: int, order: int, stays: bool
) -> None:
    house = liquidator_house(lots, order)
    recorder = Recorder()

    cancel_excess_orders(house.state, recorder)

    assert recorder.names == ([] if stays else ["OrderClosed"])


@pytest.mark.rule("11.23")
@pytest.mark.parametrize(
    ("balance", "order", "stays"),
    [
        (7, -7, True),
        (7, -8, False),  # larger than the balance
        (7, 7, False),  # adds to it
        (-7, 5, True),
        (-7, -7, False),
        (0, -7, False),
    ],
)
def test_a_conversion_of_the_liquidator_stays_while_it_reduces_its_balance(
    balance: int, order: int, stays: bool
) -> None:
    house = liquidator_house(100, order)
    orders = house.engine.state.defaults.orders
    orders.kind[0], orders.subject[0] = OrderKind.CONVERSION, 1
    house.state.accounts.balance[house.number("LIQUIDATOR"), 1] = balance
    recorder = Recorder()

    cancel_excess_orders(house.state, recorder)

    assert recorder.names == ([] if stays else ["OrderClosed"])


@pytest.mark.rule("11.18", "11.20", "11.21")
def test_an_order_without_a_fill_is_withdrawn_and_the_next_slice_places_it_anew() -> None:
    house = breached_house(order_life_ns=3 * MINUTE, slice_interval_ns=MINUTE)
    [order] = house.events("OrderPlaced")
    placed = order["instant_ns"]
    house.advance(placed + 3 * MINUTE - 1)
    assert house.events("OrderClosed") == []

    house.advance(placed + 3 * MINUTE)

    assert house.events("OrderClosed") == [{"order": 1}]
    again = house.events("OrderPlaced")[-1]
    assert again == {**order, "order": 2, "instant_ns": placed + 3 * MINUTE}
    house.submit(
        command.REPORT_FILL.row(order=1, quantity=1, price=468, is_final=False),
        allow_refusals=True,
    )
    assert house.refusals() == [ReportFillRefusal.ORDER_CLOSED]


@pytest.mark.rule("11.20")
def test_a_fill_lets_an_order_live_on() -> None:
    house = breached_house(order_life_ns=3 * MINUTE)
    placed = house.events("OrderPlaced")[0]["instant_ns"]
    house.advance(placed + 2 * MINUTE)
    house.fill(1, 1, 468)

    house.advance(placed + 5 * MINUTE - 1)
    assert house.events("OrderClosed") == []
    house.advance(placed + 5 * MINUTE)

    assert house.events("OrderClosed") == [{"order": 1}]


@pytest.mark.rule("11.20")
def test_an_order_lives_for_ever_where_that_is_the_rule() -> None:
    house = breached_house(order_life_ns=0)

    house.advance(START + 40 * HOUR)

    assert house.events("OrderClosed") == []


@pytest.mark.rule("4.28", "11.20")
def test_an_order_that_is_not_due_closed_or_unknown_does_not_expire() -> None:
    house = breached_house()
    x, recorder = house.state, Recorder()
    due = int(x.defaults.orders.answered_ns[0]) + x.parameter(Parameter.ORDER_LIFE_NS)

    def expire(order: int) -> object:
        return decide_one(decide_expire_orders, x, {"order": order}, recorder)

    assert expire(1) == (No.NOT_DUE, x.now_ns, due)
    assert expire(2) == (No.UNKNOWN_SUBJECT, 2, 1)
    house.fill(1, 1, 468, is_final=True)
    assert expire(1) == (No.CAUSE_GONE, 1, 0)
    assert recorder.events == []
