"""Lots that move, and a row that is taken out again."""

from __future__ import annotations

from novate.kernel.clearing.settle import row_of
from novate.kernel.clearing.transfer import drop_last_row, move_lots
from novate.valuation import ClearingState

COSTS = ("lots", "entry_cost", "settlement_cost", "realised", "buy_lots", "sell_lots")


def book() -> ClearingState:
    """Four accounts and two contracts; account 1 is long 7 of contract 1."""
    x = ClearingState()
    x.assets.append()
    for _ in range(2):
        x.instruments.append()
        x.marks.append()
    x.accounts.widen(1)
    for _ in range(4):
        x.accounts.append()
    x.accounts.head[:] = -1
    x.positions.reserve(8, x.accounts)
    row = x.hold(1, 1)
    for name, number in zip(COSTS, (7, 701, 699, 5, 3, 2), strict=True):
        getattr(x.positions, name)[row] = number
    x.accounts.moved_block[:] = 0
    return x


def numbers(x: ClearingState, account: int) -> tuple[int, ...]:
    row = row_of(x.positions.arrays(), account, 1)
    return tuple(int(getattr(x.positions, name)[row]) for name in COSTS)


def move(x: ClearingState, lots: int, entry: int, settlement: int) -> None:
    move_lots(
        x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), 1, 2, 1, lots, entry,
        settlement,
    )  # fmt: skip


def test_lots_and_costs_leave_one_account_and_arrive_at_the_other() -> None:
    x = book()

    move(x, 3, 300, 299)

    assert numbers(x, 1) == (4, 401, 400, 5, 3, 2)
    assert numbers(x, 2) == (3, 300, 299, 0, 0, 0)
    assert x.instruments.lots_sum[1] == x.instruments.pending_sum[1] == 0
    assert x.accounts.moved_block[0] == 1


def test_a_new_row_is_taken_out_of_index_and_list_and_may_be_made_again() -> None:
    x = book()
    x.hold(2, 0)
    rows, head = x.positions.count, int(x.accounts.head[2])
    move(x, 3, 300, 299)
    move(x, -3, -300, -299)

    drop_last_row(x.account_arrays(), x.positions.arrays())

    assert x.positions.count == rows
    assert row_of(x.positions.arrays(), 2, 1) < 0
    assert x.accounts.head[2] == head
    assert row_of(x.positions.arrays(), 2, 0) == head
    assert numbers(x, 1) == (7, 701, 699, 5, 3, 2)
    move(x, 3, 300, 299)
    assert numbers(x, 2) == (3, 300, 299, 0, 0, 0)


def test_rows_whose_places_collide_stay_findable_when_the_last_one_goes() -> None:
    x = book()
    pairs = [(account, i) for account in range(4) for i in range(2) if (account, i) != (1, 1)]
    for taken in range(1, len(pairs) + 1):
        y = book()
        y.positions.slot = y.positions.slot[:16].copy()
        y.positions.reindex(y.accounts)
        for pair in pairs[:taken]:
            y.hold(*pair)

        drop_last_row(y.account_arrays(), y.positions.arrays())

        found = [row_of(y.positions.arrays(), *pair) for pair in pairs[:taken]]
        assert found == [*range(1, taken), found[-1]]
        assert found[-1] < 0
    assert x.positions.count == 1
