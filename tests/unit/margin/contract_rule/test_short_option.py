from __future__ import annotations

from typing import Any

import pytest

from novate.engine.recover import recover
from novate.margin.contract_rule.short_option import (
    ShortRule,
    out_of_the_money,
    rule_of,
    short_margin,
    short_ticks,
)
from novate.message import command
from tests.unit.clearing import (
    COIN,
    DAY,
    ENTRY_RULE,
    HOUR,
    OPTION_TERMS,
    SHORT_RULE,
    START,
    ClearingHouse,
)

DERIBIT = ShortRule(0.15, 0.10, 0.075, 0.0, 0.075, 0.0, 0.0, 0)
BYBIT = ShortRule(0.15, 0.10, 0.03, 0.03, 0.03, 0.002, 0.0, 0)
LAST_DAY = DERIBIT._replace(expiry=0.02, expiry_window_ns=DAY)
RULES = (DERIBIT, BYBIT, LAST_DAY)


def refused(**terms: Any) -> list[tuple[str, int, int]]:
    """Refusals of a declaration: reason, the number that broke, the one allowed."""
    house = ClearingHouse()
    row = {**SHORT_RULE, **terms}
    house.submit(command.DECLARE_OPTION_MARGIN.row(**row), allow_refusals=True)
    rows = house.events("CommandRefused", last=True)
    return [
        (code.name, row["actual"], row["allowed"])
        for code, row in zip(house.refusals(), rows, strict=True)
    ]


@pytest.mark.rule("9.15")
def test_only_the_side_away_from_the_strike_is_out_of_the_money() -> None:
    assert out_of_the_money(1, 90.0, 100.0) == 10.0
    assert out_of_the_money(-1, 90.0, 100.0) == 0.0
    assert out_of_the_money(-1, 110.0, 100.0) == 10.0


@pytest.mark.rule("9.16", "9.17")
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("side", [1, -1])
def test_a_short_owes_its_value_and_initial_margin_is_never_below_maintenance(
    rule: ShortRule, side: int
) -> None:
    for index in (1.0, 50.0, 100.0, 300.0):
        for value in (0.0, 1.0, 90.0, 900.0):
            for left_ns in (0, DAY, 30 * DAY):
                margin = short_margin(rule, side, index, 100.0, value, left_ns)
                assert margin.initial >= margin.maintenance > value


@pytest.mark.parametrize("rule", RULES)
def test_margin_does_not_depend_on_the_currency(rule: ShortRule) -> None:
    one, ten = (short_margin(rule, -1, 80.0 * k, 100.0 * k, 25.0 * k, 0) for k in (1, 10))
    assert ten == pytest.approx([10 * x for x in one])


@pytest.mark.rule("9.16", "9.17")
def test_a_call_far_in_the_money_asks_for_its_share_of_the_index() -> None:
    assert short_margin(DERIBIT, 1, 200.0, 100.0, 100.0, DAY) == pytest.approx((130.0, 115.0))
    assert short_margin(BYBIT, 1, 200.0, 100.0, 100.0, DAY) == pytest.approx((130.0, 106.4))


@pytest.mark.rule("9.18")
def test_ticks_are_rounded_up() -> None:
    assert short_ticks(DERIBIT, 1, 100.0, 100.0, 1.001, DAY, 1.0, 10**6) == (17, 9)


@pytest.mark.rule("9.15", "9.16", "9.17")
@pytest.mark.parametrize("side", [1, -1])
def test_in_the_window_before_expiry_both_margins_rise_by_a_share_of_the_index(side: int) -> None:
    before = short_margin(LAST_DAY, side, 100.0, 100.0, 4.0, DAY + 1)
    assert before == short_margin(DERIBIT, side, 100.0, 100.0, 4.0, DAY + 1)
    for left_ns in (DAY, HOUR, 0):
        within = short_margin(LAST_DAY, side, 100.0, 100.0, 4.0, left_ns)
        assert within == pytest.approx([amount + 2.0 for amount in before])


@pytest.mark.rule("15.9", "15.20")
@pytest.mark.parametrize(
    ("terms", "refusal"),
    [
        ({"symbol": ""}, ("SYMBOL_TAKEN", 0, 0)),
        ({"initial_ppm": 0}, ("INITIAL_OUT_OF_RANGE", 0, 1)),
        ({"initial_ppm": 1_000_001}, ("INITIAL_OUT_OF_RANGE", 1_000_001, 1_000_000)),
        ({"initial_floor_ppm": 0}, ("FLOOR_OUT_OF_RANGE", 0, 1)),
        ({"initial_floor_ppm": 150_001}, ("FLOOR_OUT_OF_RANGE", 150_001, 150_000)),
        ({"maintenance_ppm": 0}, ("MAINTENANCE_OUT_OF_RANGE", 0, 1)),
        ({"call_value_ppm": -1}, ("VALUE_SHARE_OUT_OF_RANGE", -1, 0)),
        ({"put_value_ppm": 10**7}, ("VALUE_SHARE_OUT_OF_RANGE", 10**7, 1_000_000)),
        ({"close_out_ppm": -1}, ("CLOSE_OUT_OUT_OF_RANGE", -1, 0)),
        ({"expiry_window_ns": -1}, ("WINDOW_OUT_OF_RANGE", -1, 0)),
        ({"expiry_window_ns": 31 * DAY}, ("WINDOW_OUT_OF_RANGE", 31 * DAY, 30 * DAY)),
        ({"expiry_window_ns": DAY}, ("ADD_ON_OUT_OF_RANGE", 0, 1)),
        ({"expiry_ppm": 1}, ("ADD_ON_OUT_OF_RANGE", 1, 0)),
        (
            {"expiry_window_ns": DAY, "expiry_ppm": 1_000_001},
            ("ADD_ON_OUT_OF_RANGE", 1_000_001, 1_000_000),
        ),
    ],
)
def test_shares_out_of_range_are_refused(terms: dict[str, Any], refusal: tuple[Any, ...]) -> None:
    assert refused(**terms) == [refusal]


@pytest.mark.rule("1.6", "9.1", "15.9")
def test_a_rule_is_declared_once_and_numbered_from_one() -> None:
    house = ClearingHouse()
    house.declare_rule()
    house.declare_rule(**ENTRY_RULE)
    house.submit(command.DECLARE_OPTION_MARGIN.row(**SHORT_RULE), allow_refusals=True)
    assert [code.name for code in house.refusals()] == ["SYMBOL_TAKEN"]
    assert [row["rule"] for row in house.events("OptionMarginDeclared")] == [1, 2]
    assert rule_of(house.state.option_rules, 1) == DERIBIT
    assert rule_of(house.state.option_rules, 2) == BYBIT
    house.engine.snapshot()
    journal = house.engine.journal
    for state in (
        house.engine.state.copy(),
        recover(journal).state,
        recover(journal, from_snapshot=False).state,
    ):
        kept = state.option_rules
        assert (kept.symbols, rule_of(kept, 2)) == (["deribit-standard", "bybit"], BYBIT)


@pytest.mark.rule("3.15", "9.15")
def test_the_margin_of_a_short_rises_with_the_first_assessment_inside_the_window() -> None:
    house = ClearingHouse()
    house.declare_rule(symbol="plain")
    house.declare_rule(symbol="last day", expiry_window_ns=DAY, expiry_ppm=20_000)
    expiry_ns = START + 3 * DAY
    for rule in (1, 2):
        terms = {**OPTION_TERMS, "symbol": f"C{rule}", "expiry_ns": expiry_ns, "margin_rule": rule}
        house.submit(command.LIST_OPTION.row(**terms))
    house.open_client("buyer", deposit=1_000 * COIN)
    house.open_client("seller", deposit=1_000 * COIN)
    marks = house.state.marks
    for at_ns, more in ((START + 2 * DAY - 1, 0), (START + 2 * DAY, 200), (expiry_ns - HOUR, 200)):
        house.advance(at_ns)
        house.smile(0.5, expiry_ns)
        house.price(100, at_ns=at_ns)
        for ticks in (marks.short_initial, marks.short_maintenance):
            assert ticks[1] - ticks[0] == more
    house.trade("buyer", "seller", lots=3, ticks=int(marks.mark[1]), instrument=1)
    asked = house.state.assess(house.number("seller"))
    assert asked.maintenance == 3 * int(marks.short_maintenance[1]) * COIN // 100
