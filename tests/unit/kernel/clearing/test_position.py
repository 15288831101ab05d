"""The position table against a dict, and cost bookkeeping against unbounded integers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.book.columns import AccountColumns, PositionColumns
from novate.instrument.columns import InstrumentColumns
from novate.kernel.clearing.columns import InstrumentArrays
from novate.kernel.clearing.position import (
    copy_rows,
    find_position,
    hold_position,
    largest_sizes,
    largest_sizes_of,
    move_position,
    rows_of_accounts,
    sum_positions,
)
from novate.kernel.clearing.position import spread as spread_compiled
from novate.kernel.jit import kernel
from novate.valuation import ClearingState
from tests.unit.kernel import twin


@kernel
def _find(positions, account, instrument):  # type: ignore[no-untyped-def]
    return find_position(positions, account, instrument)


@kernel
def _hold(positions, head, account, instrument):  # type: ignore[no-untyped-def]
    return hold_position(positions, head, account, instrument)


@kernel
def _move(positions, instruments, row, i, ticks, lots, value):  # type: ignore[no-untyped-def]
    return move_position(positions, instruments, row, i, ticks, lots, value)


@kernel
def _spread(account, instrument):  # type: ignore[no-untyped-def]
    return spread_compiled(account, instrument)


def contract(form: int = 1, unit: int = 1) -> InstrumentColumns:
    """One instrument."""
    instruments = InstrumentColumns()
    instruments.append()
    instruments.form[0], instruments.unit[0] = form, unit
    return instruments


def arrays_of(instruments: InstrumentColumns) -> InstrumentArrays:
    x = ClearingState()
    x.instruments = instruments
    return x.instrument_arrays()


def table(accounts: int = 8, capacity: int = 4) -> tuple[AccountColumns, PositionColumns]:
    book = AccountColumns(accounts)
    book.count = accounts
    return book, PositionColumns(capacity)


@given(st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1))
def test_a_pair_is_spread_by_the_upper_half_of_a_product(account: int, instrument: int) -> None:
    expected = (((account << 32) | instrument) * 0x9E3779B97F4A7C15) % 2**64 >> 32
    assert int(_spread(account, instrument)) == expected


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 9)), max_size=60))
def test_every_pair_has_one_row_that_is_found_again(pairs: list[tuple[int, int]]) -> None:
    accounts, positions = table()
    rows: dict[tuple[int, int], int] = {}
    for account, instrument in pairs:
        positions.reserve(1, accounts)
        row = int(_hold(positions.arrays(), accounts.head, account, instrument))
        assert rows.setdefault((account, instrument), row) == row
    assert sorted(rows.values()) == list(range(positions.count))
    for account in range(8):
        mine, row = [], int(accounts.head[account])
        while row >= 0:
            mine.append(row)
            row = int(positions.link[row])
        assert sorted(mine) == sorted(r for (a, _), r in rows.items() if a == account)
    assert _find(positions.arrays(), 3, 99) < 0


@pytest.mark.rule("7.14", "7.15", "7.16", "7.17")
@given(
    st.lists(st.tuples(st.integers(1, 2**30), st.integers(-(2**20), 2**20)), max_size=25),
    st.sampled_from([1, 2]),
)
def test_costs_follow_the_readable_position(moves: list[tuple[int, int]], form: int) -> None:
    unit = 512 if form == 1 else 2**39
    accounts, positions = table()
    terms = contract(form, unit)
    row = int(_hold(positions.arrays(), accounts.head, 0, 0))
    readable = twin.Holding()
    for ticks, lots in moves:
        if lots == 0 or abs(readable.lots + lots) > 2**21:
            continue
        value = twin.contract_value(form, unit, ticks, lots)
        realised = _move(positions.arrays(), arrays_of(terms), row, 0, ticks, lots, value)
        assert int(realised) == readable.move(form, unit, ticks, lots, value)
    assert int(positions.lots[row]) == readable.lots
    assert int(positions.entry_cost[row]) == readable.entry_cost
    assert int(positions.settlement_cost[row]) == readable.settlement_cost
    assert int(positions.realised[row]) == readable.realised
    assert (terms.lots_sum[0], terms.pending_sum[0]) == (readable.lots, readable.settlement_cost)


@pytest.mark.rule("7.16")
@given(st.integers(2**59, 2**60), st.integers(2, 2**40), st.data())
def test_a_close_of_a_cost_near_the_limit_is_exact(
    cost: int, held: int, data: st.DataObject
) -> None:
    closed = data.draw(st.integers(1, held))
    accounts, positions = table()
    row = int(_hold(positions.arrays(), accounts.head, 0, 0))
    positions.lots[row], positions.entry_cost[row] = held, -cost
    terms = arrays_of(contract())
    realised = int(_move(positions.arrays(), terms, row, 0, 1, -closed, -closed))
    assert realised == closed + cost * closed // held
    assert int(positions.entry_cost[row]) == -cost + cost * closed // held


def test_sums_are_by_instrument() -> None:
    accounts, positions = table()
    for account, instrument, lots in ((0, 1, 5), (1, 1, -5), (2, 0, 7)):
        row = int(_hold(positions.arrays(), accounts.head, account, instrument))
        positions.lots[row] = lots
        positions.settlement_cost[row] = 10 * lots
    lots, cost = np.zeros(2, np.int64), np.zeros(2, np.int64)
    gross = float(sum_positions(positions.arrays(), np.array([2.0, 3.0]), lots, cost))
    assert gross == 50 + 50 + 70 + 2 * 7 + 3 * (5 + 5)
    assert (lots.tolist(), cost.tolist()) == ([7, 0], [70, 0])


def test_reaches_and_costs_of_an_account_are_added_up_by_asset() -> None:
    accounts, positions = table(capacity=8)
    held = ((0, 0, 5, -7), (0, 1, -2, 900), (0, 2, 1, 50), (1, 0, 99, 0), (3, 0, 0, 10**9))
    for account, instrument, lots, cost in held:
        row = int(_hold(positions.arrays(), accounts.head, account, instrument))
        positions.lots[row], positions.settlement_cost[row] = lots, cost
    form = np.array([1, 2, 1], np.int8)
    unit, ticks_max = np.array([10, 30, 1]), np.array([100, 100, 100])
    settled_in = np.array([0, 1, 0], np.int32)

    def largest(some: list[int]) -> tuple[float, float]:
        """Account 3 is the settlement account: its costs are left out."""
        return largest_sizes_of(  # type: ignore[no-any-return]
            positions.arrays(), accounts.head, np.array(some), form, unit, ticks_max, settled_in,
            3, 2,
        )  # fmt: skip

    # In asset 0 5 x 10 x 100 + 1 x 1 x 100 and 7 + 50, in asset 1 2 x 30 and 900.
    assert largest([0]) == (5_100, 900)
    assert largest([0, 1]) == (99_000, 900)
    assert largest([2]) == largest([3]) == (0, 0)
    costs, reaches = np.zeros(4), np.zeros(4)
    largest_sizes(positions.arrays(), np.array([1_000.0, -1, 100]), 3, costs, reaches)
    assert (costs.tolist(), reaches.tolist()) == ([57, 0, 0, 0], [5_100, 99_000, 0, 0])


def test_rows_of_some_accounts_are_copied_by_instrument() -> None:
    accounts, positions = table()
    for account, instrument in ((3, 5), (3, 1), (4, 2), (3, 4)):
        positions.reserve(1, accounts)
        row = int(_hold(positions.arrays(), accounts.head, account, instrument))
        for place, name in enumerate(("lots", "entry_cost", "settlement_cost", "realised")):
            getattr(positions, name)[row] = 100 * place + 10 * account + instrument
        positions.buy_lots[row], positions.sell_lots[row] = 7, 8
    start = np.zeros(4, np.int64)

    rows = rows_of_accounts(positions.arrays(), accounts.head, np.array([4, 0, 3]), start)

    assert start.tolist() == [0, 1, 1, 4]
    assert positions.instrument[rows].tolist() == [2, 1, 4, 5]
    others, copy = table(capacity=8)
    copy_rows(positions.arrays(), rows, copy.arrays(), others.head)
    assert copy.count == 4
    listed, row = [], int(others.head[3])
    while row >= 0:
        listed.append((int(copy.instrument[row]), int(copy.settlement_cost[row])))
        row = int(copy.link[row])
    assert listed == [(1, 231), (4, 234), (5, 235)]
    for name in ("lots", "entry_cost", "realised", "buy_lots", "sell_lots"):
        mine = sorted(getattr(copy, name)[:4].tolist())
        assert mine == sorted(getattr(positions, name)[rows].tolist())
