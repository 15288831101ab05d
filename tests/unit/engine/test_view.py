from __future__ import annotations

import numpy as np
import pytest

from novate.engine.view import INTERVAL_NS, ROW_BLOCK, ViewBook, account_block, row_blocks
from novate.errors import InputError
from novate.kernel.clearing.columns import ACCOUNT_BLOCK
from novate.kernel.codes import Role, ShortfallPolicy
from novate.message import command
from tests.unit.clearing import COIN, START, ClearingHouse

FEW = 3 * ACCOUNT_BLOCK
SECOND, THIRD = f"c{ACCOUNT_BLOCK + 100}", f"c{2 * ACCOUNT_BLOCK + 100}"
"""Accounts of the second and the third block."""


def large_house() -> ClearingHouse:
    """More accounts than fit three blocks, with a few positions."""
    house = ClearingHouse()
    house.list_contract("X")
    house.list_contract("Y")
    house.submit(
        command.OPEN_ACCOUNT.run(
            {
                "reference": [f"c{k}" for k in range(FEW)],
                "role": [int(Role.CLIENT)] * FEW,
                "parent": [house.number("M")] * FEW,
                "segregation": [0] * FEW,
                "mode": [1] * FEW,
                "shortfall_policy": [1] * FEW,
            }
        )
    )
    for name in ("c0", SECOND, THIRD):
        house.deposit(name, 20_000 * COIN)
    house.price(500)
    house.trade("c0", SECOND, lots=3, ticks=500, instrument=1)
    house.trade("c0", SECOND, lots=4, ticks=500)
    return house


def test_a_view_says_what_the_state_says() -> None:
    house = large_house()
    view = house.engine.view(0)
    number = house.number("c0")
    now = house.state.assess(number)

    assert (view.sequence, view.instant_ns) == (house.engine.sequence, house.state.now_ns)
    assert view.accounts == house.state.accounts.count
    assert (view.equity(number), view.initial(number)) == (now.equity, now.initial)
    assert view.maintenance(number) == now.maintenance
    assert view.status(number) == house.status("c0")
    assert view.balance(number).tolist() == [house.balance("c0", 0), house.balance("c0", 1)]
    held = view.positions(number)
    assert (held["instrument"].tolist(), held["lots"].tolist()) == ([0, 1], [4, 3])
    assert view.positions(house.number("c7"))["lots"].tolist() == []
    assert view.mark.tolist() == [500, 500]
    assert view.unit_price[0] == 1.0
    with pytest.raises(IndexError, match=f"account {view.accounts}; this view has"):
        view.equity(view.accounts)


def test_blocks_that_did_not_change_are_shared() -> None:
    house = large_house()
    before = house.engine.view(0)

    house.trade("c0", THIRD, lots=1, ticks=500)

    after = house.engine.view(INTERVAL_NS)
    shared = [one is other for one, other in zip(before.blocks, after.blocks, strict=True)]
    assert shared == [False, True, False, True]
    assert before.positions(house.number("c0"))["lots"].tolist() == [4, 3]
    assert after.positions(house.number("c0"))["lots"].tolist() == [5, 3]


def test_a_cycle_and_a_price_change_the_blocks_of_their_holders() -> None:
    house = large_house()
    before = house.engine.view(0)

    house.price(501)
    moved = house.engine.view(INTERVAL_NS)
    house.advance(START + 3_600 * 10**9)
    paid = house.engine.view(2 * INTERVAL_NS)

    for one, other in ((before, moved), (moved, paid)):
        changed = [a is not b for a, b in zip(one.blocks, other.blocks, strict=True)]
        assert changed[0]
        assert changed[1]
        assert not changed[3]
    assert paid.balance(house.number("c0"))[0] == 20_000 * COIN + 7 * COIN


def test_a_view_is_renewed_at_most_every_interval_and_when_there_is_something_new() -> None:
    house = large_house()
    engine = house.engine
    first = engine.view(5)
    assert engine.view(5 + 10 * INTERVAL_NS) is first  # nothing new

    house.deposit("c1", 1)

    assert engine.view(4 + INTERVAL_NS) is first
    second = engine.view(5 + INTERVAL_NS)
    assert second.sequence == engine.sequence
    assert (first.balance(house.number("c1"))[0], second.balance(house.number("c1"))[0]) == (0, 1)


def test_new_accounts_and_assets_are_in_the_next_view() -> None:
    house = large_house()
    before = house.engine.view(0)
    house.open_client("new", deposit=9)
    house.submit(command.DECLARE_ASSET.row(symbol="ETH", decimals=8, haircut_bps=0))

    view = house.engine.view(INTERVAL_NS)

    assert view.accounts == before.accounts + 1
    assert view.balance(house.number("new")).tolist() == [9, 0, 0]


def test_reservations_come_in_blocks_of_rows() -> None:
    house = large_house()
    table = house.state.reservations
    for _ in range(ROW_BLOCK + 2):
        table.append()
    before = row_blocks(table, ())
    table.lots[ROW_BLOCK + 1] = 5

    after = row_blocks(table, before)

    assert [len(rows["lots"]) for rows in after] == [ROW_BLOCK, 2]
    assert after[0] is before[0]
    assert (before[1]["lots"].tolist(), after[1]["lots"].tolist()) == ([0, 0], [0, 5])
    assert not after[1]["lots"].flags.writeable


def test_a_block_begins_anywhere_a_block_begins() -> None:
    house = large_house()
    health = house.state.margin_cache.numbers()
    count = house.state.accounts.count

    last = account_block(house.state, FEW, health)

    assert len(last.status) == count - FEW
    assert last.start.tolist() == [0] * (count - FEW + 1)
    assert np.array_equal(last.health, health[FEW:])


def test_there_is_no_view_before_one_was_made() -> None:
    book = ViewBook()
    book.note(np.array([1]), 5)

    assert book.is_due(0, 0)
    with pytest.raises(InputError, match="there is no view yet"):
        book.last()


@pytest.mark.rule("10.50")
def test_a_view_lists_what_groups_are_asked_for() -> None:
    house = ClearingHouse()
    house.list_contract()
    house.open_client("A", deposit=6_000 * COIN, shortfall_policy=ShortfallPolicy.CALL_THEN_DEFAULT)
    house.open_client("B", deposit=20_000 * COIN)
    house.price(500)
    house.trade("A", "B", lots=100, ticks=500)
    house.price(485)

    asked = house.engine.view(0).obligations

    assert asked["account"].tolist() == [house.number("A")]
    assert (asked["amount"].tolist(), asked["paid"].tolist()) == ([350 * COIN], [0])
    assert not asked["amount"].flags.writeable
