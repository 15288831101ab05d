"""A second margin model, from end to end: `tests.tiny_model` is all there is of it.

A holds 40 of X against 40 of Y at 100, which the rules of contracts ask 800 for and the worse of
two moves nothing but its floor, one per cent of the gross: 80.
"""

from __future__ import annotations

import pytest

from novate.book.ledger import transfer
from novate.engine.recover import audit, recover
from novate.kernel.codes import AccountStatus, Bound, ShortfallPolicy
from novate.message import command
from novate.message.refusal import (
    ReserveMarginRefusal,
    SubmitTradeRefusal,
    WithdrawCollateralRefusal,
)
from novate.valuation.requirement import Binding
from tests.tiny_model import PLUGINS
from tests.unit.clearing import COIN, E8, MINUTE, START, ClearingHouse

X, Y = 0, 1


def house_with(
    deposit: int, policy: ShortfallPolicy = ShortfallPolicy.AUTO_LIQUIDATE
) -> ClearingHouse:
    """A has the tiny model; X is on one coin, Y on another, both at 100."""
    house = ClearingHouse(assets=(("BTC", 8, 0), ("ETH", 8, 0)), plugins=PLUGINS)
    house.list_contract("X")
    house.list_contract("Y", underlying=2)
    house.open_client("A", deposit=deposit * COIN, shortfall_policy=policy)
    house.open_client("B", deposit=100_000 * COIN)
    move(house, 100, 100)
    house.set_model("A", 1)
    return house


def move(house: ClearingHouse, first: int, second: int, minutes: int = 0) -> None:
    """Both coins get a price."""
    at_ns = START + minutes * MINUTE if minutes else 0
    house.price(None, e8={0: first * E8, 1: second * E8}, at_ns=at_ns)


def hedge(house: ClearingHouse, lots: int = 40) -> list[object]:
    """A buys X and sells Y in one run of trades; the refusals."""
    a, b = house.number("A"), house.number("B")
    rows = {
        "buyer": [a, b], "seller": [b, a], "instrument": [X, Y], "ticks": [100, 100],
        "lots": [lots, lots], "buyer_is_maker": [False] * 2, "buyer_reservation": [0] * 2,
        "seller_reservation": [0] * 2,
    }  # fmt: skip
    house.submit(command.SUBMIT_TRADE.run(rows), allow_refusals=True)
    return house.refusals()


def equity_and_asked(house: ClearingHouse) -> tuple[int, int, int]:
    numbers = house.state.assess(house.number("A"))
    return numbers.equity // COIN, numbers.initial // COIN, numbers.maintenance // COIN


@pytest.mark.rule("3.30", "7.8")
def test_each_row_of_a_run_is_asked_for_with_the_rows_before_it() -> None:
    # Long 40 of X alone may lose 400; the second trade hedges it.
    house = house_with(400)
    assert hedge(house) == []
    assert equity_and_asked(house) == (400, 80, 80)

    house = house_with(399)
    assert hedge(house) == [SubmitTradeRefusal.INSUFFICIENT_MARGIN] * 2
    (row, _) = house.events("CommandRefused", last=True)
    assert (row["row"], row["actual"], row["allowed"]) == (0, 399 * COIN, 400 * COIN)


def test_the_book_that_the_rules_of_contracts_would_refuse_is_admitted() -> None:
    house = house_with(500)
    hedge(house)
    assert house.state.requirement(house.number("A")).binding == Binding(Bound.FLOOR)

    house.trade("B", "A", lots=20, ticks=100)
    house.trade("A", "B", lots=20, ticks=100, instrument=Y)

    assert (house.lots("A", X), house.lots("A", Y)) == (20, -20)


@pytest.mark.rule("7.10")
def test_a_risk_reducing_trade_may_not_deepen_what_is_missing() -> None:
    house = house_with(400)
    hedge(house)
    lost = (house.number("A"), house.number("INSURANCE_FUND"), 380 * COIN)
    transfer(house.state.accounts, 0, *lost)  # 20 are left, 80 are asked
    close = {"lots": 10, "ticks": 100, "instrument": X}

    house.submit(house.trade_run("B", "A", **close), allow_refusals=True)

    # Without the 10 the book is short 10: 50 to stay for a rise, the floor 70: less is missing.
    assert house.refusals() == []
    house.submit(house.trade_run("B", "A", **{**close, "lots": 30}), allow_refusals=True)
    # All of Y alone may lose 200 of maintenance margin.
    assert house.refusals() == [SubmitTradeRefusal.INSUFFICIENT_MARGIN]


@pytest.mark.rule("7.26")
def test_an_order_is_asked_for_on_its_worst_side() -> None:
    house = house_with(500)
    hedge(house)
    order = {"account": house.number("A"), "instrument": X, "limit_ticks": 100}

    # 40 more of X: 40 are unhedged, 400 of initial margin, and 42 more are 420.
    house.submit(command.RESERVE_MARGIN.row(**order, lots=40))
    (row,) = house.events("MarginReserved", last=True)
    assert (row["equity"], row["requirement"]) == (500 * COIN, 400 * COIN)
    house.submit(command.RESERVE_MARGIN.row(**order, lots=11), allow_refusals=True)
    assert house.refusals() == [ReserveMarginRefusal.INSUFFICIENT_MARGIN]
    house.submit(house.trade_run("A", "B", lots=40, ticks=100, buyer_reservation=1))
    assert equity_and_asked(house) == (500, 400, 200)


@pytest.mark.rule("6.10")
def test_what_leaves_must_not_be_needed_by_the_model() -> None:
    house = house_with(500)
    hedge(house)
    row = {"account": house.number("A"), "asset": 0}
    # The cost of liquidating 8,000 comes on top.
    cost = house.state.assess(house.number("A")).notional * 5_000 // 10**6
    free = 420 * COIN - cost

    house.submit(command.WITHDRAW_COLLATERAL.row(**row, amount=free + 1), allow_refusals=True)
    assert house.refusals() == [WithdrawCollateralRefusal.INSUFFICIENT_MARGIN]
    house.submit(command.WITHDRAW_COLLATERAL.row(**row, amount=free))


@pytest.mark.rule("11.1", "11.2")
def test_a_liquidation_names_the_floor_that_bound() -> None:
    house = house_with(500)
    hedge(house)

    move(house, 100, 95)  # 200 more
    assert not house.events("LiquidationStarted")
    move(house, 80, 94)  # -800 + 240 of 500: X is worth 3,200, Y 3,760

    (row,) = house.events("LiquidationStarted")
    assert row["account"] == house.number("A")
    assert (row["model"], row["bound"], row["scenario"]) == (1, Bound.FLOOR, -1)
    assert (row["binding"], row["mark"]) == (-1, 0)
    assert row["equity"] == -60 * COIN


def test_a_liquidation_is_cured_and_taken_over_by_the_model() -> None:
    house = house_with(1_000)
    house.trade("A", "B", lots=60, ticks=100)  # 600 to trade, 300 to stay

    move(house, 87, 100, 1)  # equity 220; a fall of 4.35 is one of 5 ticks
    (row,) = house.events("LiquidationStarted")
    assert (row["bound"], row["scenario"]) == (Bound.SCENARIO, 0)
    assert (row["requirement"], row["equity"]) == (300 * COIN, 220 * COIN)
    house.deposit("A", 1_000 * COIN)
    move(house, 87, 100, 2)
    assert house.status("A") == AccountStatus.OPEN
    move(house, 66, 100, 3)  # equity 1,220 - 1,260; a fall of 4
    assert house.status("A") == AccountStatus.TAKEN_OVER
    (taken,) = house.events("AccountTakenOver")
    assert taken["maintenance"] == 240 * COIN


@pytest.mark.rule("10.1", "10.4")
def test_a_call_asks_for_what_the_model_asks() -> None:
    house = house_with(620, ShortfallPolicy.CALL_THEN_DEFAULT)
    house.trade("A", "B", lots=60, ticks=100)

    house.assess()
    assert not house.events("MarginCalled")
    move(house, 99, 100, 1)  # equity 560; a fall of 9.9 is one of 10 ticks

    (row,) = house.events("MarginCalled")
    assert (row["amount"], row["requirement"]) == (40 * COIN, 600 * COIN)
    house.deposit("A", 40 * COIN)
    move(house, 99, 100, 2)
    assert house.events("MarginCallMet")


def test_all_of_it_is_found_again_by_recovery_and_audit() -> None:
    house = house_with(500)
    hedge(house)
    move(house, 80, 94)
    digest = house.state.digest()

    assert recover(house.engine.journal, plugins=PLUGINS).state.digest() == digest
    assert audit(house.engine.journal, plugins=PLUGINS).digest == digest
