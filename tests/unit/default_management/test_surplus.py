"""What the liquidator has left, or can do without, pays before members and winners do."""

from __future__ import annotations

import numpy as np
import pytest

from novate.default_management.close_out import close_out_charges
from novate.default_management.outbox import book_between
from novate.default_management.surplus import asked, decide_sweep_surplus, spare
from novate.default_management.takeover import liquidator_shortfall
from novate.kernel.codes import Layer, Role
from novate.message.refusal import EngineCommandRefusal as No
from novate.valuation.other_price import index_prices, other_prices, priced_at
from tests.unit.clearing import COIN, E8, HOUR, MINUTE, START, ClearingHouse, Recorder
from tests.unit.default_management.houses import close_liquidator, failing_house, rich_house

X, Y = 0, 1
"""Contracts of `rich_house`."""


@pytest.mark.rule("12.12")
def test_a_flat_liquidator_pays_its_surplus_to_the_insurance_fund() -> None:
    house = failing_house(446, slice_ppm=1_000_000)
    house.assess()
    assert house.events("SurplusSwept") == []

    close_liquidator(house, 448)
    house.assess()

    assert house.events("SurplusSwept") == [
        {"account": house.number("LIQUIDATOR"), "amount": 300 * COIN, "is_flat": True}
    ]
    assert house.balance("INSURANCE_FUND") == 300 * COIN
    assert house.balance("LIQUIDATOR") == 0
    assert house.position("LIQUIDATOR")["settlement_cost"] == 0


@pytest.mark.rule("12.12")
def test_a_liquidator_above_zero_has_made_up_for_what_was_uncovered() -> None:
    house = failing_house(440, winner="EXTERNAL_MARKET", slice_ppm=1_000_000)
    defaults = house.engine.state.defaults
    assert defaults.uncovered == 500 * COIN

    close_liquidator(house, 446)
    house.assess()

    assert house.events("SurplusSwept")[0]["amount"] == 100 * COIN
    assert defaults.uncovered == 0


@pytest.mark.rule("4.28")
def test_a_sweep_without_a_cause_is_refused() -> None:
    house = failing_house(468)
    x, recorder = house.state, Recorder()
    a, liquidator = house.number("A"), x.single(Role.LIQUIDATOR)

    refusal = decide_sweep_surplus(x, {"account": a}, recorder)
    assert refusal == (No.UNKNOWN_SUBJECT, a, liquidator)
    refusal = decide_sweep_surplus(x, {"account": liquidator}, recorder)
    assert refusal is not None
    assert refusal.code == No.CAUSE_GONE
    assert recorder.events == []


@pytest.mark.rule("4.9", "12.12")
def test_what_closing_out_has_gained_pays_before_winners_are_cut() -> None:
    # S is taken over at 556, 100 below zero, which W bears. C buys 100 there with 5,600 and fails
    # at 470, 3,000 below zero: the liquidator is flat with 8,600 from its short, less these 3,000.
    house = ClearingHouse()
    house.list_contract(cycle_ns=0)
    for name, deposit in (("S", 5_500), ("C", 5_600), ("W", 60_000)):
        house.open_client(name, deposit=deposit * COIN)
    house.price(500)
    house.trade("W", "S", lots=100, ticks=500)
    house.price(556, at_ns=START + MINUTE)
    house.trade("C", "W", lots=100, ticks=556)

    house.price(470, at_ns=START + 2 * MINUTE)

    assert house.events("GainsCut", last=True) == []
    assert [row["amount"] // COIN for row in house.events("SurplusSwept", last=True)] == [
        5_600,
        3_000,
    ]
    assert house.balance("INSURANCE_FUND") == 5_600 * COIN
    assert house.balance("LIQUIDATOR") == 0


def paid(house: ClearingHouse) -> dict[str, int]:
    """What was swept, what layers paid and what winners were cut by, whole numeraire."""
    found = {"swept": sum(row["amount"] for row in house.events("SurplusSwept", last=True))}
    for row in house.events("LossAllocated", last=True):
        name = Layer(row["layer"]).name
        found[name] = found.get(name, 0) + row["amount"]
    found["cut"] = sum(row["amount"] for row in house.events("GainsCut", last=True))
    return {name: amount // COIN for name, amount in found.items()}


@pytest.mark.rule("4.9", "4.21", "12.31", "12.32", "12.33")
def test_a_liquidator_that_holds_something_pays_what_it_can_spare_before_winners_do() -> None:
    # At 450 C is 1,400 below zero. The liquidator has 3,600, and 3,000 more from its short, of
    # which it needs 4 % of 45,000 and twice 225 for closing: 2,250.
    house = rich_house(1_600)

    house.price(450, at_ns=START + HOUR + MINUTE)

    assert paid(house) == {"swept": 1_400, "INSURANCE_FUND": 1_400, "cut": 0}
    [row] = house.events("SurplusSwept", last=True)
    assert not row["is_flat"]
    assert house.balance("INSURANCE_FUND") == 0
    assert house.balance("LIQUIDATOR") == 3_600 * COIN - 1_400 * COIN
    assert liquidator_shortfall(house.state) == 0


@pytest.mark.rule("12.31")
def test_it_pays_no_more_than_its_cash() -> None:
    # At 400 C is 6,400 below zero, and the liquidator 11,600 above without it; 3,600 is cash.
    house = rich_house(1_600)

    house.price(400, at_ns=START + HOUR + MINUTE)

    assert paid(house) == {"swept": 3_600, "INSURANCE_FUND": 3_600, "cut": 2_800}
    assert house.balance("LIQUIDATOR") == 0


@pytest.mark.rule("12.31")
def test_it_keeps_the_margin_of_what_it_holds_and_the_charge_for_closing_it() -> None:
    # 300 Y with 3,000 are 1,500 below zero at 465. The liquidator has 3,600 + 1,500 and needs
    # 2 % of 400 x 465, 3,720, and a quarter of that for closing, 930.
    house = rich_house(3_000, 300)

    house.price(465, at_ns=START + HOUR + MINUTE)

    assert paid(house) == {"swept": 450, "INSURANCE_FUND": 450, "cut": 1_050}
    x, liquidator = house.state, house.number("LIQUIDATOR")
    assert x.assess(liquidator).equity == x.assess(liquidator).initial + 930 * COIN


@pytest.mark.rule("12.32")
def test_nothing_is_asked_that_the_insurance_fund_has() -> None:
    house = rich_house(1_600, fund=1_000)

    house.price(450, at_ns=START + HOUR + MINUTE)

    assert paid(house) == {"swept": 400, "INSURANCE_FUND": 1_400, "cut": 0}


@pytest.mark.rule("12.32")
def test_the_member_that_brought_a_loss_about_pays_before_the_liquidator_does() -> None:
    house = rich_house(1_600, contribution=1_100)  # 100 of it went for S, who was no client of N

    house.price(450, at_ns=START + HOUR + MINUTE)

    assert paid(house) == {
        "swept": 400, "OWN_CONTRIBUTION": 1_000, "INSURANCE_FUND": 400, "cut": 0,
    }  # fmt: skip


@pytest.mark.rule("12.31")
def test_a_pushed_mark_makes_the_liquidator_no_richer() -> None:
    # X trades 5 % below its index: the cycle paid the liquidator 6,000 for it, and at the mark it
    # could spare 2,000 more than it can at the index.
    house = rich_house(3_000, 300, last=456)
    assert house.balance("LIQUIDATOR") > 5_700 * COIN

    house.price(465, at_ns=START + HOUR + MINUTE)

    swept = paid(house)["swept"]
    assert swept in range(400, 480)
    assert paid(house)["cut"] == 1_500 - swept
    house.price(465, at_ns=house.state.now_ns + HOUR, last={X: 465})
    for minute in range(1, 30):
        house.price(465, at_ns=START + 2 * HOUR + minute * MINUTE)
    assert house.state.marks.mark[X] == 465
    assert liquidator_shortfall(house.state) == 0
    assert house.number("LIQUIDATOR") not in {r["account"] for r in house.events("LossRecorded")}


@pytest.mark.rule("12.31", "12.33")
@pytest.mark.parametrize("seed", range(12))
def test_whatever_last_prices_say_what_is_kept_covers_margin_and_charge_at_every_price(
    seed: int,
) -> None:
    dice = np.random.default_rng(seed)
    house = rich_house(3_000, 300, last=int(dice.integers(440, 520)))
    x, liquidator = house.state, house.number("LIQUIDATOR")
    price = int(dice.integers(440, 468))

    last = {i: int(price * dice.uniform(0.9, 1.1)) for i in (X, Y)}
    house.price(price, at_ns=START + HOUR + MINUTE, last=last)

    for prices in (*other_prices(x), index_prices(x)):
        with priced_at(x, prices):
            found, charge = x.assess(liquidator), close_out_charges(x, np.array([liquidator]))[0]
            swept = house.events("SurplusSwept", last=True)
            assert not swept or found.equity >= found.initial + charge


@pytest.mark.rule("12.32")
def test_an_insurance_fund_below_zero_asks_for_that_too_once_there_are_losses() -> None:
    house = rich_house(1_600)
    x, fund = house.state, house.number("INSURANCE_FUND")
    x.accounts.balance[fund, 0] = -200 * COIN
    assert asked(x) == 0
    row = x.defaults.losses.add(1)
    x.defaults.losses.account[row] = house.number("LIQUIDATOR")
    x.defaults.losses.amount[row] = 700 * COIN
    x.defaults.losses.is_open[row] = True

    assert asked(x) == 900 * COIN


@pytest.mark.rule("12.31")
def test_nothing_is_spared_while_a_position_has_no_price() -> None:
    house = rich_house(1_600)
    x = house.state
    assert spare(x) > 0

    x.assets.is_stale[1] = True
    x.forget_stale_assets()

    assert spare(x) == 0


@pytest.mark.rule("12.32")
def test_losses_ask_nothing_of_it_where_the_insurance_fund_is_no_layer() -> None:
    house = rich_house(1_600)
    x = house.state
    row = x.defaults.losses.add(1)
    x.defaults.losses.account[row] = house.number("LIQUIDATOR")
    x.defaults.losses.amount[row] = 700 * COIN
    x.defaults.losses.is_open[row] = True
    assert asked(x) == 700 * COIN

    x.defaults.waterfall[x.defaults.waterfall == Layer.INSURANCE_FUND] = 99

    assert asked(x) == 0


@pytest.mark.rule("12.31", "12.33")
def test_nothing_moves_while_there_is_no_loss() -> None:
    house = rich_house(10_000)

    house.price(450, at_ns=START + HOUR + MINUTE)

    assert house.events("SurplusSwept") == []
    assert house.balance("LIQUIDATOR") == 3_600 * COIN


@pytest.mark.rule("12.31")
def test_long_options_are_nothing_to_spare() -> None:
    house = rich_house(1_600)
    option = house.list_option(strike_e8=100 * E8)
    house.smile(0.8)
    house.price(480)
    before = spare(house.state)
    mark = int(house.state.marks.mark[option])

    # As if it had taken over ten calls, deep in the money, and nothing for them.
    x, liquidator, w = house.engine.state, house.number("LIQUIDATOR"), house.number("W")
    value = 10 * mark * COIN // 100
    book_between(x, liquidator, w, option, mark, 10, value)
    x.accounts.balance[liquidator, 0] += value
    assert value > 1_000 * COIN

    assert x.assess(liquidator).net > x.assess(liquidator).equity
    assert spare(x) == before
