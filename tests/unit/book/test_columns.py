from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from novate.book.columns import (
    AccountColumns,
    PositionColumns,
    ReservationColumns,
    blocks_of,
)
from novate.kernel.clearing.columns import ACCOUNT_BLOCK
from novate.kernel.clearing.settle import hold_row


def accounts_of(count: int) -> AccountColumns:
    accounts = AccountColumns(capacity=4)
    for number in range(count):
        accounts.append()
        accounts.name(f"account {number}")
    return accounts


def hold(positions: PositionColumns, accounts: AccountColumns, account: int, i: int) -> int:
    positions.reserve(1, accounts)
    return int(hold_row(positions.arrays(), accounts.head, account, i))


def held_by(positions: PositionColumns, accounts: AccountColumns, account: int) -> list[int]:
    """Instruments in the account's list of rows, in list order."""
    found, row = [], int(accounts.head[account])
    while row >= 0:
        assert positions.account[row] == account
        found.append(int(positions.instrument[row]))
        row = int(positions.link[row])
    return found


# ---- accounts


def test_balances_keep_their_place_when_an_asset_is_added() -> None:
    accounts = accounts_of(2)
    accounts.balance[1, 0] = 5

    accounts.widen(3)

    assert accounts.used("balance").tolist() == [[0, 0, 0], [5, 0, 0]]


def test_more_accounts_than_the_first_capacity_keep_all_their_assets() -> None:
    accounts = accounts_of(3)
    accounts.widen(2)
    accounts.balance[:3] = [[1, 2], [3, 4], [5, 6]]

    for _ in range(3):
        accounts.append()

    assert accounts.used("balance").tolist() == [[1, 2], [3, 4], [5, 6], [0, 0], [0, 0], [0, 0]]


def test_accounts_are_restored_without_their_lists_of_positions() -> None:
    accounts = accounts_of(2)
    accounts.widen(2)
    accounts.balance[1, 1] = 9
    accounts.head[0] = 7

    columns = accounts.export()
    again = AccountColumns()
    again.restore(columns)

    assert "head" not in columns
    assert again.used("head").tolist() == [-1, -1]
    assert again.balance[1, 1] == 9


def test_a_copy_of_the_accounts_has_names_of_its_own() -> None:
    accounts = accounts_of(1)

    twin = accounts.copy()
    twin.append()
    twin.name("other")

    assert accounts.references == ["account 0"]
    assert accounts.number == {"account 0": 0}


def test_a_leg_is_added_to_the_balance_to_the_total_and_marks_its_block() -> None:
    accounts = accounts_of(2)
    accounts.ensure(2 * ACCOUNT_BLOCK)

    accounts.add(1, 0, 5)
    accounts.add(0, 0, -2)
    accounts.add(ACCOUNT_BLOCK, 0, -3)

    assert (accounts.balance[1, 0], accounts.balance_sum.tolist()) == (5, [0])
    assert accounts.moved_block[:2].tolist() == [1, 1]
    assert blocks_of(2 * ACCOUNT_BLOCK) == 2 == blocks_of(ACCOUNT_BLOCK + 1)


def test_all_names_are_given_at_once_in_order_of_number() -> None:
    accounts = accounts_of(0)

    accounts.name_all(["x", "y"])

    assert accounts.references == ["x", "y"]
    assert accounts.number == {"x": 0, "y": 1}


def test_rows_are_given_their_initial_values_again() -> None:
    accounts = accounts_of(2)
    accounts.status[:], accounts.balance[:], accounts.parent[:] = 5, 7, 3

    accounts.reset(np.array([1]))

    assert (accounts.status[:2].tolist(), accounts.parent[:2].tolist()) == ([5, 1], [3, -1])
    assert accounts.balance[:2].tolist() == [[7], [0]]


# ---- positions


@given(pairs=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 9)), min_size=1, max_size=120))
def test_every_pair_has_one_row_however_the_table_grows(pairs: list[tuple[int, int]]) -> None:
    accounts, positions = accounts_of(21), PositionColumns(capacity=4)

    rows = {}
    for pair in pairs:
        hold(positions, accounts, *pair)
    for pair in pairs:
        rows[pair] = hold(positions, accounts, *pair)

    assert positions.count == len(set(pairs)) == len(set(rows.values()))
    for account in range(21):
        mine = sorted({i for owner, i in pairs if owner == account})
        assert sorted(held_by(positions, accounts, account)) == mine


def test_compacting_sorts_the_rows_and_keeps_what_they_say() -> None:
    accounts, positions = accounts_of(3), PositionColumns()
    for account, i in ((2, 1), (0, 5), (2, 0), (0, 3)):
        row = hold(positions, accounts, account, i)
        positions.lots[row] = 10 * account + i
    before = positions.export()

    positions.compact(accounts)

    assert positions.used("account").tolist() == [0, 0, 2, 2]
    assert positions.used("instrument").tolist() == [3, 5, 0, 1]
    assert positions.used("lots").tolist() == [3, 5, 20, 21]
    assert held_by(positions, accounts, 2) == [0, 1]
    assert held_by(positions, accounts, 1) == []
    after = positions.export()
    assert all((before[name] == after[name]).all() for name in before)
    assert hold(positions, accounts, 2, 1) == 3


def test_the_order_in_which_pairs_came_is_no_part_of_an_export() -> None:
    tables = []
    for pairs in (((0, 1), (1, 0), (0, 0)), ((0, 0), (0, 1), (1, 0))):
        accounts, positions = accounts_of(2), PositionColumns()
        for pair in pairs:
            positions.lots[hold(positions, accounts, *pair)] = 10 * pair[0] + pair[1]
        tables.append(positions.export())

    assert "link" not in tables[0]
    assert all((tables[0][name] == tables[1][name]).all() for name in tables[0])


def test_restored_positions_are_found_again_after_indexing() -> None:
    accounts, positions = accounts_of(2), PositionColumns()
    for account, i in ((1, 4), (0, 2), (1, 2)):
        positions.lots[hold(positions, accounts, account, i)] = 100 * account + i

    again, others = PositionColumns(), accounts_of(2)
    again.restore(positions.export())
    again.reindex(others)

    assert again.count == 3
    assert held_by(again, others, 1) == [2, 4]
    assert again.lots[hold(again, others, 1, 4)] == 104


def test_a_copy_of_the_positions_counts_for_itself() -> None:
    accounts, positions = accounts_of(1), PositionColumns()
    hold(positions, accounts, 0, 0)

    twin = positions.copy()
    hold(twin, accounts.copy(), 0, 1)

    assert (positions.count, twin.count) == (1, 2)


# ---- reservations


def test_reservations_share_their_columns_with_kernels() -> None:
    reservations = ReservationColumns()
    reservations.append()
    reservations.append()
    reservations.lots[:2] = (5, -3)

    arrays = reservations.arrays()

    assert arrays.done is reservations.done
    assert arrays.lots is reservations.lots
    assert np.array_equal(reservations.used("lots"), [5, -3])
