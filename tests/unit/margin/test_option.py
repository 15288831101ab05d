from __future__ import annotations

import pytest

from novate.margin.option import CATALOGUE, bybit, deribit_standard, out_of_the_money, short_ticks


def test_only_the_side_away_from_the_strike_is_out_of_the_money() -> None:
    assert out_of_the_money(1, 90.0, 100.0) == 10.0
    assert out_of_the_money(-1, 90.0, 100.0) == 0.0
    assert out_of_the_money(-1, 110.0, 100.0) == 10.0


@pytest.mark.parametrize("rule", CATALOGUE)
@pytest.mark.parametrize("side", [1, -1])
def test_a_short_owes_its_value_and_initial_margin_is_never_below_maintenance(
    rule: int, side: int
) -> None:
    terms, ask = CATALOGUE[rule]
    for index in (1.0, 50.0, 100.0, 300.0):
        for value in (0.0, 1.0, 90.0, 900.0):
            margin = ask(terms, side, index, 100.0, value)
            assert margin.initial >= margin.maintenance > value


@pytest.mark.parametrize("rule", CATALOGUE)
def test_margin_does_not_depend_on_the_currency(rule: int) -> None:
    terms, ask = CATALOGUE[rule]
    one, ten = (ask(terms, -1, 80.0 * k, 100.0 * k, 25.0 * k) for k in (1, 10))
    assert ten == pytest.approx([10 * x for x in one])


def test_a_call_far_in_the_money_asks_for_its_share_of_the_index() -> None:
    terms, _ = CATALOGUE[1]
    assert deribit_standard(terms, 1, 200.0, 100.0, 100.0) == pytest.approx((130.0, 115.0))
    terms, _ = CATALOGUE[2]
    assert bybit(terms, 1, 200.0, 100.0, 100.0) == pytest.approx((130.0, 106.4))


def test_ticks_are_rounded_up() -> None:
    assert short_ticks(1, 1, 100.0, 100.0, 1.001, 1.0, 10**6) == (17, 9)
