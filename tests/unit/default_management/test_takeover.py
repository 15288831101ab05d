from __future__ import annotations

import pytest

from novate.book.ledger import transfer
from novate.default_management.takeover import (
    decide_record_shortfall,
    decide_take_overs,
    liquidator_shortfall,
    shortfall_due,
)
from novate.default_management.waterfall import PLACES
from novate.kernel.codes import AccountStatus, Role
from novate.message import command
from novate.message.deciding_price import DecidingPrice
from novate.message.parameter import Parameter
from novate.message.refusal import EngineCommandRefusal as No
from tests.tiny_model import PLUGINS as TINY
from tests.unit.clearing import COIN, E8, HOUR, MINUTE, START, ClearingHouse, Recorder, decide_one
from tests.unit.default_management.houses import close_liquidator, failing_house


@pytest.mark.rule("12.2", "12.4", "12.6")
def test_what_the_charge_does_not_leave_moves_to_the_liquidator_at_the_mark() -> None:
    house = failing_house(446)  # equity 100, level 743, charge 223

    assert house.events("AccountTakenOver") == [
        {
            "account": house.number("A"),
            "equity": 100 * COIN,
            "maintenance": 2_230 * COIN,
            "is_first": True,
            "charge": 223 * COIN,
            "conversion_ppm": 200_000,
            "kept": 0,
            "decided_by": DecidingPrice.MARK,
            "worth": 100 * COIN,
            "level": 743_332_590,
        }
    ]
    assert house.events("LossRecorded") == []
    assert (house.lots("A"), house.balance("A")) == (0, 0)
    assert house.position("A")["settlement_cost"] == 0
    assert house.status("A") == AccountStatus.TAKEN_OVER
    position = house.position("LIQUIDATOR")
    assert (position["lots"], position["entry_cost"]) == (100, 44_600 * COIN)
    # 5,500 in cash less the 5,400 that were still to be paid at the next cycle.
    assert house.balance("LIQUIDATOR") == 100 * COIN


@pytest.mark.rule("12.3")
def test_the_settlement_account_carries_the_pending_cash_to_the_next_cycle() -> None:
    house = failing_house(446)
    assert house.balance("SETTLEMENT") == 5_400 * COIN
    assert house.position("SETTLEMENT")["settlement_cost"] == 5_400 * COIN
    assert house.equity("SETTLEMENT") == 0

    house.advance(START + HOUR)

    assert house.balance("SETTLEMENT") == 0
    assert house.position("SETTLEMENT")["settlement_cost"] == 0
    assert house.balance("B") == 25_400 * COIN
    assert house.balance("RESIDUE") == 0


@pytest.mark.rule("12.8")
def test_a_shortfall_that_comes_along_is_a_loss() -> None:
    house = failing_house(440)  # equity -500

    assert house.events("AccountTakenOver")[0]["equity"] == -500 * COIN
    assert house.events("LossRecorded") == [
        {"loss": 1, "account": house.number("A"), "amount": 500 * COIN}
    ]


@pytest.mark.rule("12.9")
def test_the_liquidator_begins_to_close_at_once() -> None:
    house = failing_house(440)

    order = house.events("OrderPlaced")[-1]
    assert order["account"] == house.number("LIQUIDATOR")
    assert (order["quantity"], order["instant_ns"]) == (-25, START + MINUTE)


@pytest.mark.rule("12.9")
def test_a_liquidator_that_is_closing_keeps_its_own_rhythm() -> None:
    house = failing_house(446)
    house.open_client("C", deposit=5_500 * COIN)
    house.trade("C", "B", lots=100, ticks=446)
    before = int(house.state.accounts.slice_ns[house.number("LIQUIDATOR")])

    house.price(392, at_ns=START + MINUTE + 1)

    assert house.status("C") == AccountStatus.TAKEN_OVER
    assert house.state.accounts.slice_ns[house.number("LIQUIDATOR")] == before


def closing_out(house: ClearingHouse) -> list[str]:
    """Accounts whose members answer for what the liquidator loses."""
    accounts = house.state.accounts
    return [accounts.references[k] for k in accounts.used("is_closing_out").nonzero()[0]]


@pytest.mark.rule("12.6", "12.7")
def test_an_account_joins_those_that_the_liquidator_is_still_closing_out() -> None:
    house = failing_house(446)
    assert closing_out(house) == ["A"]
    house.open_client("C", deposit=5_500 * COIN)
    house.trade("C", "B", lots=100, ticks=446)

    house.price(392, at_ns=START + MINUTE + 1)

    assert house.events("AccountTakenOver")[-1]["is_first"] is False
    assert closing_out(house) == ["A", "C"]


@pytest.mark.rule("12.6", "12.7")
@pytest.mark.parametrize(("sold_at", "is_first"), [(447, True), (445, True), (444, False)])
def test_a_liquidator_that_was_flat_and_not_short_begins_anew(sold_at: int, is_first: bool) -> None:
    house = failing_house(446, slice_ppm=1_000_000)  # 100 of A's cash are left
    house.deposit("INSURANCE_FUND", 10_000 * COIN)
    house.open_client("C", deposit=5_500 * COIN)
    house.trade("C", "B", lots=100, ticks=446)
    house.price(411, at_ns=START + MINUTE + 1)
    assert house.status("C") == AccountStatus.LIQUIDATING
    house.fill(1, 100, sold_at)

    house.price(392, at_ns=START + MINUTE + 2)

    assert house.events("AccountTakenOver")[-1]["is_first"] is is_first
    assert closing_out(house) == (["C"] if is_first else ["A", "C"])


@pytest.mark.rule("12.1")
def test_open_orders_leave_the_outbox_first() -> None:
    house = failing_house(468)
    assert house.status("A") == AccountStatus.LIQUIDATING

    house.price(446)

    names = house.event_names()
    at = names.index("AccountTakenOver")
    assert names[at - 1] == "OrderClosed"
    with pytest.raises(AssertionError, match="ORDER_CLOSED"):
        house.fill(1, 1, 446)


@pytest.mark.rule("12.4")
def test_gains_of_the_window_and_unproven_gains_are_gone_with_the_account() -> None:
    house = failing_house(468)
    a = house.number("A")
    house.state.accounts.encumbered[a] = 5
    house.state.accounts.window_gain[a] = 7

    house.price(446)

    assert house.state.accounts.encumbered[a] == 0
    assert house.state.accounts.window_gain[a] == 0


@pytest.mark.rule("3.21", "12.20", "12.23")
def test_collateral_in_other_assets_counts_in_full_at_the_takeover() -> None:
    house = ClearingHouse(assets=(("BTC", 8, 0), ("ETH", 8, 5_000)))
    house.list_contract()
    house.open_client("A", deposit=4_000 * COIN)
    house.open_client("B", deposit=20_000 * COIN)
    house.deposit("A", 1_000 * E8, asset=2)  # 3,000 less a haircut of a half
    house.price(500, e8={1: 3 * E8})
    house.trade("A", "B", lots=100, ticks=500)

    house.price(450, e8={1: 3 * E8})  # equity 500, net 2,000, level 749

    assert house.events("AccountTakenOver")[0]["equity"] == 2_000 * COIN
    assert house.events("LossRecorded") == []
    # Owed 1,000 and a charge of 225, paid at 3 x (1 - 0.5 x 0.2) for each.
    assert house.balance("LIQUIDATOR", 2) == -(-1_225 * E8 * 10 // 27)


@pytest.mark.rule("12.10", "12.11")
def test_what_the_liquidator_loses_while_closing_is_recorded_as_its_own_loss() -> None:
    house = failing_house(446)  # the liquidator got 100
    house.price(445)
    assert house.events("LossRecorded") == []

    house.price(440)  # another 500

    assert house.events("LossRecorded") == [
        {"loss": 1, "account": house.number("LIQUIDATOR"), "amount": 500 * COIN}
    ]
    assert house.state.assess(house.number("LIQUIDATOR")).net == 0


@pytest.mark.rule("4.14", "12.11")
def test_a_shortfall_within_the_clearing_houses_own_means_waits_until_the_book_is_closed() -> None:
    house = failing_house(446, slice_ppm=1_000_000)
    house.deposit("INSURANCE_FUND", 350 * COIN)
    house.deposit("SKIN_IN_THE_GAME", 150 * COIN)
    state = house.engine.state

    house.price(440)  # 500 short: what fund and skin hold
    assert liquidator_shortfall(state) == 500 * COIN
    assert shortfall_due(state) == 0
    assert house.events("LossRecorded") == []

    close_liquidator(house, 441)
    assert shortfall_due(state) == 400 * COIN
    house.assess()

    assert house.events("LossRecorded")[0]["amount"] == 400 * COIN


@pytest.mark.rule("4.14", "12.11")
def test_a_shortfall_beyond_the_clearing_houses_own_means_is_a_loss_at_once() -> None:
    house = failing_house(446)
    house.deposit("INSURANCE_FUND", 500 * COIN)

    house.price(439)  # 600 short

    assert house.events("LossRecorded")[0]["amount"] == 600 * COIN


@pytest.mark.rule("12.13")
def test_own_means_are_those_of_the_layers_that_the_waterfall_has() -> None:
    house = failing_house(446, plugins=TINY)
    house.submit(command.DECLARE_WATERFALL.row(**dict(zip(PLACES, (1, 2, 9, 4, 5), strict=True))))
    house.deposit("INSURANCE_FUND", 350 * COIN)
    house.deposit("SKIN_IN_THE_GAME", 150 * COIN)

    house.price(440)  # 500 short; the skin in the game stands in no layer

    assert house.events("LossRecorded")[0]["amount"] == 500 * COIN
    assert house.balance("SKIN_IN_THE_GAME") == 150 * COIN


@pytest.mark.rule("12.10")
def test_an_uncovered_loss_is_not_recorded_twice() -> None:
    house = failing_house(440, winner="EXTERNAL_MARKET")
    assert house.events("LossAllocated")[-1]["amount"] == 500 * COIN  # nobody gained, no fund
    assert house.state.assess(house.number("LIQUIDATOR")).net == -500 * COIN

    house.assess()
    assert len(house.events("LossRecorded")) == 1
    house.price(439)

    assert house.events("LossRecorded")[-1]["amount"] == 100 * COIN


@pytest.mark.rule("12.10")
def test_a_loss_that_waits_counts_against_the_shortfall() -> None:
    house = failing_house(446)
    state = house.engine.state
    transfer(state.accounts, 0, house.number("LIQUIDATOR"), house.number("B"), 350 * COIN)
    assert liquidator_shortfall(state) == 250 * COIN
    loss = state.defaults.losses.append()
    state.defaults.losses.amount[loss] = 240 * COIN
    state.defaults.losses.is_open[loss] = True

    assert liquidator_shortfall(state) == 10 * COIN


@pytest.mark.rule("4.28")
def test_commands_without_a_cause_are_refused() -> None:
    house = failing_house(468)
    x, recorder = house.state, Recorder()
    a, b, liquidator = house.number("A"), house.number("B"), x.single(Role.LIQUIDATOR)

    assert decide_one(decide_take_overs, x, {"account": b}, recorder) == (
        No.UNKNOWN_SUBJECT, b, x.accounts.count - 1,
    )  # fmt: skip
    assert decide_one(decide_take_overs, x, {"account": a}, recorder) == (
        No.CAUSE_GONE, 2_300 * COIN, 779_999_220,
    )  # fmt: skip
    refusal = decide_record_shortfall(x, {"account": a}, recorder)
    assert refusal == (No.UNKNOWN_SUBJECT, a, liquidator)
    refusal = decide_record_shortfall(x, {"account": liquidator}, recorder)
    assert refusal is not None
    assert refusal.code == No.CAUSE_GONE
    x.assets.is_stale[1] = True
    x.parameters[Parameter.TAKEOVER_PPM] = 1_000_000
    assert decide_one(decide_take_overs, x, {"account": a}, recorder) == (No.NOT_DUE, 0, 1)
    assert recorder.events == []


@pytest.mark.rule("11.23", "12.5")
def test_an_order_that_a_takeover_makes_larger_than_the_position_is_cancelled() -> None:
    house = failing_house(446)
    order = house.events("OrderPlaced")[-1]
    assert (order["account"], order["quantity"]) == (house.number("LIQUIDATOR"), -25)
    house.open_client("C", deposit=5_500 * COIN)
    house.trade("B", "C", lots=90, ticks=446)

    house.price(504, at_ns=START + MINUTE + 1)  # C: 5,500 - 90 x 58 = 280, level 756

    assert house.status("C") == AccountStatus.TAKEN_OVER
    assert house.lots("LIQUIDATOR") == 10
    assert {"order": order["order"]} in house.events("OrderClosed", last=True)
