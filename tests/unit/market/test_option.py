from __future__ import annotations

from typing import Any

import pytest

from novate.kernel.codes import Kind, Style
from novate.market.option import payoff_ticks
from novate.message import command
from tests.unit.clearing import COIN, E8, OPTION_TERMS, START, ClearingHouse


def refused(house: ClearingHouse, **terms: Any) -> list[str]:
    """Names of the refusals of a listing."""
    if not house.state.option_rules.count:
        house.declare_rule()
    row = {**OPTION_TERMS, **terms}
    house.submit(command.LIST_OPTION.row(**row), allow_refusals=True)
    return [code.name for code in house.refusals()]


@pytest.mark.rule("15.9", "15.18")
@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"symbol": ""}, "SYMBOL_TAKEN"),
        ({"kind": 3}, "UNKNOWN_KIND"),
        ({"side": 2}, "UNKNOWN_SIDE"),
        ({"underlying": 0}, "UNKNOWN_ASSET"),
        ({"underlying": 9}, "UNKNOWN_ASSET"),
        ({"settlement_asset": 2}, "UNKNOWN_ASSET"),
        ({"strike_e8": 0}, "STRIKE_OUT_OF_RANGE"),
        ({"payout_ticks": 1}, "PAYOUT_OUT_OF_RANGE"),
        ({"kind": 2}, "PAYOUT_OUT_OF_RANGE"),
        ({"tick_e8": 0}, "TICK_OUT_OF_RANGE"),
        ({"unit": 0}, "UNIT_OUT_OF_RANGE"),
        ({"lots_max": 2**40}, "LIMITS_OVERFLOW"),
        ({"taker_fee_ppm": -1}, "FEE_OUT_OF_RANGE"),
        ({"settlement_window_ns": -1}, "INTERVAL_OUT_OF_RANGE"),
        ({"expiry_ns": START}, "EXPIRY_PASSED"),
        ({"margin_rule": 0}, "UNKNOWN_RULE"),
        ({"margin_rule": 2}, "UNKNOWN_RULE"),
    ],
)
def test_terms_out_of_range_are_refused(terms: dict[str, Any], code: str) -> None:
    assert refused(ClearingHouse(assets=(("BTC", 8, 0), ("ETH", 8, 0))), **terms) == [code]


@pytest.mark.rule("15.9")
def test_an_option_is_a_contract_that_is_paid_at_the_trade() -> None:
    house = ClearingHouse()
    assert house.list_contract("X") == 0
    assert house.list_option("C") == 1
    terms = house.state.instruments
    assert (terms.style[1], terms.kind[1], terms.kind[0]) == (Style.PREMIUM, Kind.EUROPEAN, 0)
    assert refused(house, symbol="X") == ["SYMBOL_TAKEN"]


@pytest.mark.rule("9.39", "9.40")
@pytest.mark.parametrize(
    ("terms", "final", "ticks"),
    [
        ({}, 100 * E8, 0),
        ({}, 99 * E8, 0),
        ({}, 100 * E8 + 499_999, 0),
        ({}, 100 * E8 + 500_000, 1),
        ({}, 123 * E8, 2_300),
        ({"ticks_max": 1_000}, 123 * E8, 1_000),
        ({"side": -1}, 60 * E8, 4_000),
        ({"settlement_asset": 1, "tick_e8": 10**4}, 125 * E8, 2_000),  # 25 / 125 of a coin
        ({"settlement_asset": 1, "tick_e8": 10**4, "side": -1}, 50 * E8, 10_000),
        ({"settlement_asset": 1, "tick_e8": 10**4}, 300 * E8, 6_667),
        ({"kind": 2, "payout_ticks": 7}, 101 * E8, 7),
        ({"kind": 2, "payout_ticks": 7}, 100 * E8, 0),
    ],
)
def test_a_payoff_is_the_intrinsic_value_in_ticks_half_up(
    terms: dict[str, Any], final: int, ticks: int
) -> None:
    house = ClearingHouse()
    house.list_option(**terms)
    assert payoff_ticks(house.state.instruments, 0, final) == ticks


@pytest.mark.rule("15.16")
def test_terms_are_refused_before_the_clock_is_set() -> None:
    house = ClearingHouse()
    house.state.now_ns = 0
    assert refused(house) == ["CLOCK_NOT_SET"]
    assert house.state.instruments.count == 0
    assert 10 ** house.state.assets.decimals[0] == COIN
