from __future__ import annotations

import numpy as np

from novate.book.state import HOLDERS, SINGLE_ROLES, BookState
from novate.kernel.codes import Role
from tests.unit.clearing import COIN, OWN_ROLES, ClearingHouse


def test_the_clearing_house_has_its_own_roles_once() -> None:
    house = ClearingHouse()

    assert set(SINGLE_ROLES) == set(OWN_ROLES)
    assert BookState().single(Role.CUSTODY) == -1
    assert house.state.single(Role.CUSTODY) == house.number("CUSTODY")


def test_accounts_of_houses_and_clients_are_margin_groups() -> None:
    house = ClearingHouse()
    house.open_client("A")
    house.open_client("own", role=Role.HOUSE)

    is_margin = house.state.margin_groups()

    assert np.flatnonzero(is_margin).tolist() == [house.number("A"), house.number("own")]


def test_the_row_of_a_pair_is_made_once() -> None:
    book = BookState()
    book.accounts.append()
    book.positions.reserve(2, book.accounts)

    first, other = book.hold(0, 1), book.hold(0, 2)

    assert (first, other, book.hold(0, 1)) == (0, 1, 0)
    assert book.positions.count == 2


def test_holders_are_found_by_instrument_also_those_who_came_later() -> None:
    house = ClearingHouse()
    house.list_contract("X")
    for name in ("long", "short"):
        house.open_client(name, deposit=1_000 * COIN)
    house.price(100)
    house.trade("long", "short", lots=5, ticks=100)
    house.list_contract("Y")
    x = house.state

    def accounts(instrument: int) -> list[int]:
        return [int(x.positions.account[row]) for row in x.holders(instrument)]

    first = accounts(0)
    house.open_client("late", deposit=1_000 * COIN)
    house.trade("late", "short", lots=1, ticks=100)
    house.price(100)
    house.trade("late", "short", lots=1, ticks=100, instrument=1)

    settlement, late, short = (house.number(n) for n in ("SETTLEMENT", "late", "short"))
    assert sorted(first) == sorted([settlement, house.number("long"), short])
    assert sorted(accounts(0)) == sorted([*first, late])
    assert sorted(accounts(1)) == sorted([settlement, late, short])
    assert accounts(7) == []


def test_an_event_of_a_contract_touches_everybody_with_a_row_in_it() -> None:
    house = ClearingHouse()
    house.list_contract("X")
    house.list_contract("Y")
    for name in ("A", "B", "C"):
        house.open_client(name, deposit=9_000 * COIN)
    house.price(500)
    house.trade("A", "B", lots=1, ticks=500, instrument=1)

    touched = HOLDERS(house.state, {"instrument": 1})

    assert sorted(touched.tolist()) == [house.number(n) for n in ("SETTLEMENT", "A", "B")]


def test_sorted_rows_are_another_layout_of_the_same_book() -> None:
    book = BookState()
    for _ in range(2):
        book.accounts.append()
    book.positions.reserve(3, book.accounts)
    for pair in ((1, 0), (0, 1), (0, 0)):
        book.hold(*pair)
    assert book.holders(0).tolist() == [0, 2]

    book.compact_positions()

    assert book.holders(0).tolist() == [0, 2]
    assert book.positions.used("account").tolist() == [0, 0, 1]
    assert book.layout == 1
    book.drop_caches()
    assert book.holders(1).tolist() == [1]
