from __future__ import annotations

import numpy as np
import pytest

from novate.kernel.clearing.assess import SUM_MAX
from novate.kernel.clearing.group_book import signed_notionals, sum_contract_rules
from tests.unit.clearing import COIN, ClearingHouse

X, INVERSE, OPTION, UNMARKED = range(4)


def listed() -> ClearingHouse:
    """X and an inverse contract of a coin a lot at 100, a call, and a contract without a mark."""
    house = ClearingHouse()
    house.list_contract("X", tiers=((0, 100_000, 50_000),))
    house.list_contract("I", form=2, settlement_asset=1, unit=10**10, lots_max=10**7)
    house.list_option("C")
    house.price(100)
    house.smile(0.5)
    house.assess()
    house.list_contract("U")
    return house


def column(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


@pytest.mark.rule("3.30")
def test_the_rules_of_contracts_are_added_up_book_by_book() -> None:
    x = listed().state
    out = np.full((3, 2), -1, np.int64)
    rows = (
        column(X, UNMARKED, X, OPTION),
        column(8, 5, -8, -3),  # lots
        column(0, 0, 0, -1),  # entry cost
        column(0, 0, 5, 0),  # open buys
        column(0, 0, 4, 2),  # open sells
    )

    sum_contract_rules(x.instrument_arrays(), x.asset_arrays(), column(0, 2, 2, 4), *rows, out)

    short = x.marks.short_initial[OPTION] * 5 + 120 * COIN // (COIN // 100)
    assert out[0].tolist() == [80 * COIN, 40 * COIN]
    assert out[1].tolist() == [0, 0]
    assert out[2, 0] == short * (COIN // 100)
    kept = x.marks.short_maintenance[OPTION] * 3 * (COIN // 100)
    assert out[2, 1] == 40 * COIN + kept


@pytest.mark.rule("3.24")
def test_a_sum_counts_as_two_to_the_61_at_most() -> None:
    house = ClearingHouse()
    for k in range(6):
        house.list_contract(
            f"h{k}", unit=2**40, ticks_max=100, lots_max=10**4, tiers=((0, 10**6, 10**6),)
        )
    house.price(100)
    x, out = house.state, np.zeros((1, 2), np.int64)
    nothing, lots = np.zeros(6, np.int64), np.full(6, 10**4)

    sum_contract_rules(
        x.instrument_arrays(), x.asset_arrays(), column(0, 6), np.arange(6), lots, nothing,
        nothing, nothing, out,
    )  # fmt: skip

    assert out.tolist() == [[SUM_MAX, SUM_MAX]]


@pytest.mark.rule("3.32")
def test_a_notional_has_the_sign_of_its_lots_and_is_rounded_up_in_size() -> None:
    house = listed()
    x, out = house.state, np.full(6, -1, np.int64)
    instrument = column(X, X, INVERSE, INVERSE, OPTION, UNMARKED)

    signed_notionals(
        x.instrument_arrays(), x.asset_arrays(), instrument, column(2, -2, 3, -3, 4, 4), out
    )

    assert out.tolist() == [200 * COIN, -200 * COIN, 300 * COIN, -300 * COIN, 0, 0]
    house.price(97)  # 10^10 * 3 / 97 units of the coin, rounded, are a little more than 300
    signed_notionals(
        x.instrument_arrays(), x.asset_arrays(), instrument[2:4], column(3, -3), out[:2]
    )
    assert out[:2].tolist() == [300 * COIN + 1, -300 * COIN - 1]
