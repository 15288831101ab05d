"""A basis clamp wider than the collar: orders of the clearing house reach the market at the index.

A last price 15% above the index puts the mark where a tenth below it is still above the index, and
who would buy is at the index.
"""

from __future__ import annotations

import pytest

from novate.default_management import order_limit
from novate.kernel.codes import AccountStatus
from novate.market.collar import worst_price
from novate.message import command
from novate.message.parameter import Parameter, set_parameter
from novate.message.refusal import ReportFillRefusal, SubmitTradeRefusal
from tests.unit.clearing import COIN, DAY, E8, MINUTE, START, ClearingHouse

TIGHT = ((0, 20_000, 10_000),)
CENTS = {"tick_e8": E8 // 100, "unit": COIN // 100}
UP, DOWN = 1.15, 0.85
"""Last prices at the clamp."""


def pushed_house(factor: float = UP, *, is_long: bool = True) -> ClearingHouse:
    """L holds 100 lots at the index of 100 with 220, margin 200 and 100; S is its friend."""
    parameters = {
        Parameter.TRADE_COLLAR_PPM: 100_000,
        Parameter.SLICE_PPM: 250_000,
        Parameter.LIQUIDATION_FEE_PPM: 0,
        Parameter.ORDER_LIFE_NS: 0,
        Parameter.GAINS_WINDOW_NS: DAY,
    }
    house = ClearingHouse(parameters=parameters)
    house.list_contract(tiers=TIGHT, basis_clamp_ppm=150_000, cycle_ns=0, **CENTS)
    house.open_client("L", deposit=220 * COIN)
    house.open_client("S", deposit=10_000 * COIN)
    house.deposit("INSURANCE_FUND", 1_000 * COIN)
    house.price(100, last={0: 10_000})
    sides = ("L", "S") if is_long else ("S", "L")
    house.trade(*sides, lots=100, ticks=10_000)
    push(house, 100.0, 60, factor)
    return house


def push(house: ClearingHouse, price: float, minutes: int, factor: float = UP) -> None:
    """Let the index be a price for some minutes, and the last price a multiple of it."""
    for _ in range(minutes):
        at_ns = house.state.now_ns // MINUTE * MINUTE + MINUTE
        last = round(100 * price * factor)
        house.price(None, at_ns=at_ns, e8={0: round(price * E8)}, last={0: last})


def bid_at_index(house: ClearingHouse, price: float) -> None:
    """Fill every order that is out at the index, as far as its limit lets one."""
    orders = house.state.defaults.orders
    for row in orders.live().tolist():
        number, lots = int(orders.number[row]), abs(int(orders.quantity[row]))
        answer = command.REPORT_FILL.row(
            order=number, quantity=lots, price=round(100 * price), is_final=False
        )
        house.submit(answer, allow_refusals=True)
        assert house.refusals() in ([], [ReportFillRefusal.WORSE_THAN_LIMIT])


def liquidate(house: ClearingHouse, minutes: int) -> None:
    """L owes 80 at an index of 97 and more until it is closed; the last price stays pushed."""
    for _ in range(minutes):
        push(house, 97.0, 1)
        bid_at_index(house, 97.0)


def from_the_mark_alone(*given: object) -> object:
    """In the place of rule 11.50: the edge of the collar around the mark."""
    price, _, *rest = given
    return worst_price(price, *rest)  # type: ignore[arg-type]


@pytest.mark.rule("8.50", "11.50")
def test_a_liquidation_at_a_mark_pushed_beyond_the_collar_ends_and_the_gains_window_turns() -> None:
    house = pushed_house()

    liquidate(house, 300)

    assert house.state.marks.mark[0] == 11_155
    # 11,155 less 1,115 is 10,040, above what anybody pays; 9,700 less 557 is not.
    order = house.events("OrderPlaced")[0]
    assert (order["reference"], order["limit"]) == (11_155, 9_143)
    assert house.lots("L") == 0
    assert house.status("L") == AccountStatus.TAKEN_OVER
    [loss] = house.events("LossRecorded")
    assert loss["amount"] == 80 * COIN
    push(house, 97.0, 1)
    at_ns = START + DAY + MINUTE
    house.price(None, at_ns=at_ns, e8={0: 97 * E8}, last={0: 11_155})
    assert len(house.events("GainsWindowStarted")) == 1


@pytest.mark.rule("8.50", "11.50")
def test_limits_from_the_mark_alone_would_close_nothing_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(order_limit, "house_limit", from_the_mark_alone)
    house = pushed_house()

    liquidate(house, 300)

    assert house.events("OrderPlaced")[0]["limit"] == 10_040
    assert house.events("OrderFilled") == []
    assert house.status("L") == AccountStatus.LIQUIDATING
    house.price(None, at_ns=START + DAY + MINUTE, e8={0: 97 * E8}, last={0: 11_155})
    assert house.events("GainsWindowStarted") == []


@pytest.mark.rule("11.50")
def test_a_short_is_bought_back_at_an_index_far_above_the_mark() -> None:
    house = pushed_house(DOWN, is_long=False)

    push(house, 103.0, 90, DOWN)

    # A mark of 8,755: 875 more is 9,630, below what anybody sells for.
    order = house.events("OrderPlaced")[-1]
    assert (order["reference"], order["limit"]) == (8_755, 10_300 + 437)
    assert order["quantity"] == 100
    bid_at_index(house, 103.0)
    assert house.lots("L") == 0


@pytest.mark.rule("11.50")
@pytest.mark.parametrize(("factor", "limit"), [(1.05, 9_167), (1.06, 9_186)])
def test_the_mark_alone_makes_the_limit_within_half_a_width_of_the_index(
    factor: float, limit: int
) -> None:
    # 10,185 less 1,018 is 9,167, and 9,700 less 509 is above that; 10,282 less 1,028 is 9,254, and
    # 9,700 less 514 is 9,186.
    house = pushed_house(factor)

    push(house, 97.0, 90, factor)

    assert house.events("OrderPlaced")[0]["limit"] == limit


@pytest.mark.rule("11.52")
def test_an_order_stays_out_at_a_pushed_mark_as_long_as_its_limit_is_that_of_now() -> None:
    house = pushed_house()

    push(house, 97.0, 120)

    assert len(house.events("OrderPlaced")) == 1
    assert house.events("OrderClosed") == []


@pytest.mark.rule("11.52")
def test_an_order_is_placed_anew_when_the_index_has_passed_its_limit_though_the_mark_has_not() -> (
    None
):
    # Placed at 97 and 101.85 for 9,167. At 91 the mark of 97.32 is above that, and nobody pays it.
    house = pushed_house(1.05)
    push(house, 97.0, 90, 1.05)
    assert house.events("OrderPlaced")[-1]["limit"] == 9_167

    push(house, 91.0, 3, UP)

    assert house.events("OrderClosed")[0] == {"order": 1}
    order = house.events("OrderPlaced")[-1]
    assert (order["reference"], order["limit"]) == (9_732, 9_100 - 486)


@pytest.mark.rule("7.3")
def test_a_trade_is_held_to_the_collar_around_the_mark_and_a_fill_to_the_limit_alone() -> None:
    house = pushed_house()
    push(house, 97.0, 90)

    run = house.trade_run("S", "EXTERNAL_MARKET", lots=1, ticks=9_700)
    house.submit(run, allow_refusals=True)
    assert house.refusals() == [SubmitTradeRefusal.PRICE_OUT_OF_RANGE]

    house.fill(1, 25, 9_143)
    assert house.lots("L") == 75


@pytest.mark.rule("11.53")
def test_without_a_collar_there_is_no_limit_at_a_pushed_mark_either() -> None:
    house = pushed_house()
    house.submit(set_parameter(Parameter.TRADE_COLLAR_PPM, 0))

    push(house, 97.0, 90)

    assert house.events("OrderPlaced")[0]["limit"] == 1
