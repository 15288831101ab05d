from __future__ import annotations

import pytest

from novate.default_management.liquidation import (
    book_between,
    cancel_excess_orders,
    closing_accounts,
    decide_expire_order,
    decide_place_slice,
    decide_report_fill,
    decide_start_liquidation,
    decide_stop_liquidation,
    has_blocked_price,
    is_closing,
    is_cured,
    is_flat,
    maintenance_of,
    notional_of,
    open_lots,
    position_rows,
    release_level,
)
from novate.kernel.codes import AccountStatus, OrderKind, Role, ShortfallPolicy
from novate.message import command
from novate.message.parameter import Parameter
from novate.message.refusal import EngineCommandRefusal as No
from novate.message.refusal import ReportFillRefusal
from tests.unit.clearing import COIN, E8, HOUR, MINUTE, START, ClearingHouse, Recorder

TWO_COINS = (("BTC", 8, 0), ("ETH", 8, 0))


def breached_house(deposit: int = 5_500, price: int = 468, **parameters: int) -> ClearingHouse:
    """A is long 100 at 500 against B and falls below maintenance margin, 5 p, at the price.

    Its equity is deposit + 100 (p - 500); at 468 that is 2,300 of 2,340.
    """
    house = ClearingHouse(
        parameters={Parameter[name.upper()]: value for name, value in parameters.items()}
    )
    house.list_contract()
    house.open_client("A", deposit=deposit * COIN)
    house.open_client("B", deposit=20_000 * COIN)
    house.price(500)
    house.trade("A", "B", lots=100, ticks=500)
    house.price(price, at_ns=START + MINUTE)
    return house


@pytest.mark.rule("4.18", "11.1", "11.2")
def test_an_account_below_maintenance_margin_is_liquidated_and_its_cause_told() -> None:
    house = breached_house()

    assert house.events("LiquidationStarted") == [
        {
            "account": house.number("A"),
            "equity": 2_300 * COIN,
            "requirement": 2_340 * COIN,
            "binding": 0,
            "mark": 468,
            "net": 2_300 * COIN,
        }
    ]
    assert house.status("A") == AccountStatus.LIQUIDATING


@pytest.mark.rule("4.18")
def test_equity_equal_to_maintenance_margin_is_enough() -> None:
    house = breached_house(deposit=5_540)  # 2,340 of 2,340

    assert house.status("A") == AccountStatus.OPEN


@pytest.mark.rule("11.2")
def test_the_binding_instrument_is_the_one_that_asks_for_the_most() -> None:
    house = ClearingHouse()
    house.list_contract("X", tiers=((0, 100_000, 50_000),))
    house.list_contract("Y", tiers=((0, 400_000, 300_000),))
    house.open_client("A", deposit=10_000 * COIN)
    house.open_client("B", deposit=90_000 * COIN)
    house.price(500)
    house.trade("A", "B", lots=100, ticks=500)  # notional 50,000, maintenance 2,500
    house.trade("A", "B", lots=20, ticks=500, instrument=1)  # notional 10,000, maintenance 3,000
    x = house.state
    first, second = position_rows(x, house.number("A"))
    assert (notional_of(x, first), notional_of(x, second)) == (50_000 * COIN, 10_000 * COIN)
    assert (maintenance_of(x, first), maintenance_of(x, second)) == (2_500 * COIN, 3_000 * COIN)
    assert open_lots(x, house.number("A")) == 2

    house.price(459)  # 10,000 - 4,920 = 5,080 of 5,049
    house.price(458)

    assert house.events("LiquidationStarted")[0]["binding"] == 1


@pytest.mark.rule("11.5", "11.6")
@pytest.mark.parametrize(
    ("parameters", "lots"),
    [
        ({}, 25),
        ({"slice_ppm": 251_000}, 26),  # 25.1 lots: up
        ({"slice_ppm": 1}, 1),
        ({"slice_floor": 46_800 * COIN}, 100),  # the notional is 46,800: not above the floor
        ({"slice_floor": 46_800 * COIN - 1}, 25),
    ],
)
def test_a_slice_is_a_share_of_the_position_or_all_of_a_small_one(
    parameters: dict[str, int], lots: int
) -> None:
    house = breached_house(**parameters)

    assert house.events("OrderPlaced") == [
        {
            "order": 1,
            "account": house.number("A"),
            "kind": OrderKind.POSITION,
            "subject": 0,
            "quantity": -lots,
            "reference": 468,
            "instant_ns": START + MINUTE,
        }
    ]


@pytest.mark.rule("11.5")
def test_a_short_position_is_bought_back() -> None:
    house = ClearingHouse()
    house.list_contract()
    house.open_client("A", deposit=5_500 * COIN)
    house.open_client("B", deposit=20_000 * COIN)
    house.price(500)
    house.trade("B", "A", lots=100, ticks=500)
    house.price(530)  # 2,500 of 2,650

    assert house.events("OrderPlaced")[0]["quantity"] == 25


@pytest.mark.rule("11.5", "11.11")
def test_slices_follow_at_the_interval_and_wait_for_the_order_that_is_out() -> None:
    house = breached_house()
    assert house.events("SliceScheduled")[-1]["instant_ns"] == START + 2 * MINUTE

    house.advance(START + 3 * MINUTE)
    assert len(house.events("OrderPlaced")) == 1
    assert len(house.events("SliceScheduled")) == 3

    house.fill(1, 25, 468)
    house.advance(START + 4 * MINUTE)

    assert house.events("OrderPlaced")[-1]["quantity"] == -19  # a quarter of 75, up


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

    refusal = decide_report_fill(house.state, house.engine.state.defaults, row, Recorder())

    assert refusal == (ReportFillRefusal.ORDER_CLOSED, 1, 0)


@pytest.mark.rule("4.15", "11.3", "11.4")
def test_an_account_well_above_maintenance_margin_again_is_released() -> None:
    house = breached_house()
    x = house.state
    numbers = x.assess(house.number("A"))
    assert release_level(x, house.number("A"), numbers) == 2_925 * COIN  # 2,340 x 1.25
    assert not is_cured(x, house.number("A"), numbers)
    house.deposit("A", 625 * COIN - 1)
    house.assess()
    assert house.status("A") == AccountStatus.LIQUIDATING

    house.deposit("A", 1)
    house.assess()

    assert house.event_names()[-2:] == ["OrderClosed", "LiquidationStopped"]
    assert house.events("LiquidationStopped")[0]["requirement"] == 2_925 * COIN
    assert house.status("A") == AccountStatus.OPEN
    assert house.state.accounts.slice_ns[house.number("A")] == 0


@pytest.mark.rule("11.3")
def test_an_account_in_default_of_a_call_is_not_released_below_initial_margin() -> None:
    house = breached_house()
    x, a = house.state, house.number("A")

    x.accounts.shortfall_policy[a] = ShortfallPolicy.CALL_THEN_DEFAULT

    assert release_level(x, a, x.assess(a)) == 4_680 * COIN


@pytest.mark.rule("11.1")
def test_starting_releases_reservations() -> None:
    house = ClearingHouse()
    house.list_contract()
    house.open_client("A", deposit=5_500 * COIN)
    house.open_client("B", deposit=20_000 * COIN)
    house.price(500)
    house.trade("A", "B", lots=90, ticks=500)
    order = {"account": house.number("A"), "instrument": 0, "lots": 20, "limit_ticks": 500}
    house.submit(command.RESERVE_MARGIN.row(**order))
    house.price(462)  # 5,500 - 3,420 = 2,080 of 2,079
    assert house.events("MarginReleased") == []

    house.price(461)

    assert house.events("MarginReleased") == [{"reservation": 1}]


@pytest.mark.rule("4.22", "11.5")
def test_nothing_is_closed_while_a_price_is_missing() -> None:
    house = breached_house()
    x, defaults = house.state, house.engine.state.defaults
    a = house.number("A")
    house.fill(1, 0, 0, is_final=True)
    x.assets.is_stale[1] = True
    x.accounts.slice_ns[a] = x.now_ns
    recorder = Recorder()

    assert has_blocked_price(x, a)
    assert decide_place_slice(x, defaults, {"account": a}, recorder) is None
    assert recorder.names == ["SliceScheduled"]

    x.accounts.status[a] = AccountStatus.OPEN
    assert decide_start_liquidation(x, {"account": a}, recorder) == (No.NOT_DUE, 0, 1)


@pytest.mark.rule("4.28")
def test_commands_without_a_cause_are_refused() -> None:
    house = breached_house(price=490)
    x, defaults, recorder = house.state, house.engine.state.defaults, Recorder()
    a, last = house.number("A"), x.accounts.count - 1

    assert decide_start_liquidation(x, {"account": a}, recorder) == (
        No.CAUSE_GONE, 4_500 * COIN, 2_450 * COIN,
    )  # fmt: skip
    assert decide_start_liquidation(x, {"account": last + 1}, recorder) == (
        No.UNKNOWN_SUBJECT, last + 1, last,
    )  # fmt: skip
    for decide in (decide_stop_liquidation, decide_place_slice):
        refusal = decide(x, defaults, {"account": a}, recorder)
        assert refusal == (No.UNKNOWN_SUBJECT, a, last)
    x.accounts.status[a] = AccountStatus.LIQUIDATING
    x.accounts.slice_ns[a] = x.now_ns + 5
    assert decide_place_slice(x, defaults, {"account": a}, recorder) == (
        No.NOT_DUE, x.now_ns, x.now_ns + 5,
    )  # fmt: skip
    x.accounts.status[a] = AccountStatus.LIQUIDATING
    x.parameters[Parameter.RELEASE_PPM] = 2_000_000
    assert decide_stop_liquidation(x, defaults, {"account": a}, recorder) == (
        No.CAUSE_GONE, 4_500 * COIN, 4_900 * COIN,
    )  # fmt: skip
    assert recorder.events == []


# ---- conversions


@pytest.mark.rule("4.20")
def test_the_liquidator_closes_after_the_accounts_in_liquidation() -> None:
    house = breached_house()
    x = house.state
    assert closing_accounts(x) == [house.number("A")]

    x.accounts.slice_ns[x.single(Role.LIQUIDATOR)] = x.now_ns

    assert closing_accounts(x) == [house.number("A"), x.single(Role.LIQUIDATOR)]
    assert is_closing(x, x.single(Role.LIQUIDATOR))
    assert not is_closing(x, house.number("B"))


@pytest.mark.rule("4.5", "11.10")
def test_a_slice_that_falls_on_a_cycle_sees_what_the_cycle_paid() -> None:
    house = ClearingHouse(assets=TWO_COINS)
    house.list_contract()
    house.open_client("A")
    house.open_client("B", deposit=20_000 * COIN)
    house.deposit("A", 2_000 * E8, asset=2)
    house.price(500, e8={1: 3 * E8})
    house.trade("A", "B", lots=100, ticks=500)
    house.price(463, at_ns=START + MINUTE, e8={1: 3 * E8})  # 6,000 - 3,700 = 2,300 of 2,315
    assert house.status("A") == AccountStatus.LIQUIDATING
    assert [order["kind"] for order in house.events("OrderPlaced")] == [OrderKind.POSITION]

    house.advance(START + HOUR)

    assert house.balance("A") == -3_700 * COIN
    order = house.events("OrderPlaced")[-1]
    assert order["kind"] == OrderKind.CONVERSION
    assert (order["quantity"], order["instant_ns"]) == (-123_333_333_334, START + HOUR)


def liquidator_house(lots: int, *orders: int) -> ClearingHouse:
    """The liquidator holds lots of the contract and has orders of these quantities out."""
    house = breached_house(price=490)
    market = "EXTERNAL_MARKET"
    x, defaults = house.state, house.engine.state.defaults
    liquidator = x.single(Role.LIQUIDATOR)
    if lots:
        ticks = 490
        book_between(x, liquidator, house.number(market), 0, ticks, lots, lots * ticks * COIN)
    for quantity in orders:
        row = defaults.orders.append()
        defaults.orders.account[row] = liquidator
        defaults.orders.kind[row] = OrderKind.POSITION
        defaults.orders.quantity[row] = quantity
        defaults.orders.is_open[row] = True
    return house


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

    cancel_excess_orders(house.state, house.engine.state.defaults, recorder)

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

    cancel_excess_orders(house.state, house.engine.state.defaults, recorder)

    assert recorder.names == ([] if stays else ["OrderClosed"])


@pytest.mark.rule("11.13")
def test_a_slice_of_the_liquidator_first_withdraws_what_no_longer_reduces() -> None:
    house = liquidator_house(100, -101)
    recorder = Recorder()

    decide_place_slice(
        house.state, house.engine.state.defaults, {"account": house.number("LIQUIDATOR")},
        recorder,
    )  # fmt: skip

    assert recorder.names[0] == "OrderClosed"


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
    x, defaults, recorder = house.state, house.engine.state.defaults, Recorder()
    due = int(defaults.orders.answered_ns[0]) + x.parameter(Parameter.ORDER_LIFE_NS)

    assert decide_expire_order(x, defaults, {"order": 1}, recorder) == (No.NOT_DUE, x.now_ns, due)
    assert decide_expire_order(x, defaults, {"order": 2}, recorder) == (No.UNKNOWN_SUBJECT, 2, 1)
    house.fill(1, 1, 468, is_final=True)
    assert decide_expire_order(x, defaults, {"order": 1}, recorder) == (No.CAUSE_GONE, 1, 0)
    assert recorder.events == []


@pytest.mark.rule("11.12")
def test_a_flat_liquidator_has_no_next_slice() -> None:
    house = breached_house(price=490)
    x, defaults = house.state, house.engine.state.defaults
    liquidator = x.single(Role.LIQUIDATOR)
    assert is_flat(x, defaults, liquidator)
    recorder = Recorder()

    assert decide_place_slice(x, defaults, {"account": liquidator}, recorder) is None

    assert recorder.only() == {"account": liquidator, "instant_ns": 0}
