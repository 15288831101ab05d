"""Spreads: their basis can hurt before settlement, and is exactly theirs at settlement."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.errors import InputError, InvariantError
from novate.valuation.basis import Spreads, basis_losses, settled_profit, spread_profit

DAY = 86_400 * 10**9
EXPIRY = 100 * DAY
TICKS = st.integers(1, 10**9)


def spreads(lots: object = (10, -4), spot: object = 60_000, future: object = 61_200) -> Spreads:
    size = np.size(lots)
    return Spreads(
        lots=np.array(lots, np.int64).reshape(-1),
        entry_spot=np.full(size, spot, np.int64),
        entry_future=np.full(size, future, np.int64),
        expiry_ns=np.full(size, EXPIRY),
    )


@given(st.integers(-(10**6), 10**6), TICKS, TICKS, st.lists(TICKS, min_size=1, max_size=5))
def test_at_settlement_the_profit_is_the_entry_basis_whatever_the_index(
    lots: int, spot: int, future: int, finals: list[int]
) -> None:
    position = spreads([lots], spot, future)
    for final in finals:
        assert settled_profit(position, final, final).tolist() == [lots * (future - spot)]


@given(st.integers(-(10**6), 10**6), TICKS, TICKS, TICKS, TICKS)
def test_profit_is_that_of_the_two_legs(lots: int, s0: int, f0: int, s1: int, f1: int) -> None:
    legs = lots * (s1 - s0) - lots * (f1 - f0)

    assert spread_profit(spreads([lots], s0, f0), s1, f1).tolist() == [legs]


def test_the_same_move_of_both_legs_changes_nothing() -> None:
    moved = spread_profit(spreads(), [[50_000], [90_000]], [[51_200], [91_200]])

    assert moved.tolist() == [[0, 0], [0, 0]]


def test_before_expiry_a_basis_shock_of_three_percent_asks_for_margin_either_way() -> None:
    loss = basis_losses(spreads(), 60_000, now_ns=EXPIRY - DAY)
    wider = spread_profit(spreads(), 60_000, 61_200 + 1_800)
    narrower = spread_profit(spreads(), 60_000, 61_200 - 1_800)

    assert loss.tolist() == [18_000.0, 7_200.0]
    assert (-np.minimum(wider, narrower)).tolist() == loss.tolist()


def test_once_settled_there_is_nothing_to_lose_and_near_it_less_if_so_declared() -> None:
    days = [11, 10, 5, 0, -1]
    full = [
        basis_losses(spreads([1]), 60_000, now_ns=EXPIRY - d * DAY, full_days=10.0)[0] for d in days
    ]

    assert full == pytest.approx([1_800.0, 1_800.0, 900.0, 0.0, 0.0])
    assert basis_losses(spreads([1]), 60_000, now_ns=EXPIRY - 1)[0] == 1_800.0


def test_a_future_that_did_not_converge_stops_the_settlement() -> None:
    with pytest.raises(InvariantError, match=r"spread 1: .* -300 ticks from the final index"):
        settled_profit(spreads(), 60_000, [60_000, 59_700])


def test_a_profit_beyond_63_bits_is_refused() -> None:
    with pytest.raises(InputError, match="less than"):
        spread_profit(spreads([2**40]), 1, 2**30)


def test_the_entry_basis_is_future_less_spot() -> None:
    assert spreads().entry_basis.tolist() == [1_200, 1_200]


def test_prices_that_leave_64_bits_are_refused_and_never_wrap() -> None:
    position = spreads([10], 0, 2**62)
    with pytest.raises(InputError, match="ticks together"):
        spread_profit(position, -(2**62), -(2**63))
    with pytest.raises(InputError, match="ticks together"):
        spread_profit(spreads([1]), 2**62, -(2**62))
    with pytest.raises(InputError, match="ticks x lots"):
        spread_profit(spreads([-(2**63)], 1, 3), 1, 1)
