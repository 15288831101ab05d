"""Margin of short options against the worked example of Bybit and the formulas of Deribit.

Bybit: help centre 000001735, short 1 BTC 18,500 put, index 20,250, mark 290, entry 280:
maintenance 938, initial 2,315.  Deribit publishes its standard rule as formulas in coin; the rows
below apply them by hand.  Exact to a cent.  All numbers come out of the preset files.
"""

from __future__ import annotations

import pytest

from novate.adapter.parameter_file import read_parameters
from novate.app.cli import presets
from novate.app.replay.venue import option_rule_row
from novate.margin.contract_rule.short_option import ShortRule, rule_of, short_margin, short_ticks
from novate.message import command
from tests.unit.clearing import COIN, DAY, E8, START, ClearingHouse

CENT = 0.01
DERIBIT, BYBIT, LAST_DAY = "deribit-standard", "bybit", "house-expiry-day"


def preset(*names: str) -> ClearingHouse:
    """A house that has declared rules of the presets, in this order."""
    rules = read_parameters(presets() / "demo.toml", presets())["option_margin"]
    house = ClearingHouse()
    house.submit(*(option_rule_row(name, rules[name]) for name in names))
    return house


def shares(name: str) -> ShortRule:
    """A rule of the presets as the engine has booked it."""
    return rule_of(preset(name).state.option_rules, 1)


@pytest.mark.rule("9.16", "9.17", "9.18")
def test_the_worked_example_of_bybit() -> None:
    found = short_ticks(shares(BYBIT), -1, 20_250.0, 18_500.0, 290.0, DAY, CENT, 10**9)
    assert found == (231_500, 93_800)


@pytest.mark.rule("9.15")
def test_the_expiry_day_of_the_indian_clearing_houses_is_two_per_cent_of_the_index() -> None:
    rule = shares(LAST_DAY)
    for side in (1, -1):
        early = short_margin(rule, side, 20_000.0, 19_000.0, 400.0, DAY + 1)
        late = short_margin(rule, side, 20_000.0, 19_000.0, 400.0, DAY)
        assert early == short_margin(shares(DERIBIT), side, 20_000.0, 19_000.0, 400.0, DAY + 1)
        assert late == pytest.approx([amount + 400.0 for amount in early])


def short_put(*, entry: int) -> ClearingHouse:
    """The example in an account: sold at ``entry``, marked at 290 (in force until the next)."""
    house = preset(BYBIT)
    house.list_option(side=-1, strike_e8=18_500 * E8)
    for name in ("buyer", "seller"):
        house.open_client(name, deposit=10_000 * COIN)
    house.price(20_250)
    house.smile(0.5)
    house.assess()
    house.state.marks.mark[0] = 29_000
    house.state.marks.short_initial[0] = 231_500
    house.state.marks.short_maintenance[0] = 93_800
    house.trade("buyer", "seller", lots=1, ticks=entry * 100)
    return house


@pytest.mark.rule("3.14")
@pytest.mark.parametrize(("entry", "initial"), [(280, 2_315), (290, 2_315), (350, 2_375)])
def test_bybit_counts_the_entry_price_where_it_is_above_the_mark(entry: int, initial: int) -> None:
    house = short_put(entry=entry)
    numbers = house.state.assess(house.number("seller"))
    assert (numbers.initial, numbers.maintenance) == (initial * COIN, 938 * COIN)
    assert numbers.equity == (10_000 + entry) * COIN
    assert numbers.net == (10_000 + entry - 290) * COIN


@pytest.mark.rule("9.16", "9.17")
@pytest.mark.parametrize(
    ("side", "index", "strike", "value", "initial", "maintenance"),
    [
        # In coin 0.15 + 0.02 and 0.075 + 0.02, on an index of 20,000.
        (1, 20_000.0, 20_000.0, 400.0, 3_400.00, 1_900.00),
        # 6% out of the money: max(0.15 - 0.06, 0.10) + 0.02.
        (1, 20_000.0, 21_200.0, 400.0, 2_400.00, 1_900.00),
        # 2% out of the money: 0.13 + 0.02.
        (-1, 20_000.0, 19_600.0, 400.0, 3_000.00, 1_900.00),
        # A put worth 2 coins: maintenance 0.075 x 2 + 2, initial 0.15 + 2 and no less.
        (-1, 20_000.0, 60_000.0, 40_000.0, 43_000.00, 43_000.00),
        # Worth 4 coins: maintenance 0.3 + 4 is above 0.15 + 4.
        (-1, 20_000.0, 100_000.0, 80_000.0, 86_000.00, 86_000.00),
    ],
)
def test_the_standard_rule_of_deribit(
    side: int, index: float, strike: float, value: float, initial: float, maintenance: float
) -> None:
    found = short_margin(shares(DERIBIT), side, index, strike, value, DAY)
    assert found == pytest.approx((initial, maintenance), abs=1e-9)


@pytest.mark.rule("9.18")
def test_no_option_asks_for_more_than_it_can_pay() -> None:
    found = short_ticks(shares(DERIBIT), 1, 20_000.0, 20_000.0, 400.0, DAY, CENT, 50_000)
    assert found == (50_000, 50_000)


@pytest.mark.rule("15.17")
def test_no_short_option_stands_on_notional_tiers() -> None:
    house = ClearingHouse()
    house.list_option()
    tier = {"floor": 0, "initial_ppm": 100_000, "maintenance_ppm": 50_000}
    house.submit(command.SET_TIER.row(instrument=0, **tier), allow_refusals=True)
    assert [code.name for code in house.refusals()] == ["OPTION_HAS_RULE"]
    assert house.state.now_ns == START
