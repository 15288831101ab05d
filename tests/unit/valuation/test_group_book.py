from __future__ import annotations

import numpy as np

from novate.message import command
from novate.valuation.group_book import GroupBook, book_of, books_of, joined
from tests.unit.clearing import COIN, ClearingHouse


def columns(book: GroupBook) -> list[tuple[int, ...]]:
    """Rows as (instrument, lots, entry cost, buys, sells)."""
    names = ("instrument", "lots", "entry_cost", "buy_lots", "sell_lots")
    rows = zip(*(getattr(book, name).tolist() for name in names), strict=True)
    return [tuple(row) for row in rows]


def traded() -> ClearingHouse:
    house = ClearingHouse()
    for symbol in ("X", "Y", "Z"):
        house.list_contract(symbol)
    for name in ("A", "B"):
        house.open_client(name, deposit=10_000 * COIN)
    house.price(100)
    for instrument in (2, 0, 1):
        house.trade("A", "B", lots=5 + instrument, ticks=100, instrument=instrument)
    house.trade("B", "A", lots=6, ticks=100, instrument=1)
    order = {"account": house.number("A"), "limit_ticks": 100}
    house.submit(command.RESERVE_MARGIN.row(**order, instrument=0, lots=3))
    house.submit(command.RESERVE_MARGIN.row(**order, instrument=2, lots=-4))
    return house


def test_a_book_has_the_rows_in_use_in_order_of_instrument_whatever_the_layout() -> None:
    house = traded()
    expected = [(0, 5, 500 * COIN, 3, 0), (2, 7, 700 * COIN, 0, 4)]

    assert columns(book_of(house.state, house.number("A"))) == expected
    house.state.compact()
    assert columns(book_of(house.state, house.number("A"))) == expected
    assert len(book_of(house.state, house.number("CUSTODY"))) == 0


def test_a_what_if_changes_one_row_and_leaves_the_book_as_it_was() -> None:
    house = traded()
    book = book_of(house.state, house.number("A"))
    before = columns(book)

    changed = book.after(2, house.number("A"), lots=-7, entry=-700 * COIN, sells=1)

    assert columns(changed) == [before[0], (2, 0, 0, 0, 5)]
    assert columns(book) == before


def test_a_what_if_in_another_contract_gets_a_row_of_its_own_in_its_place() -> None:
    house = traded()
    mine = house.number("A")
    book = book_of(house.state, mine)

    assert columns(book.after(1, mine, lots=2, entry=9, buys=1))[1] == (1, 2, 9, 1, 0)
    assert columns(book.after(7, mine, sells=2))[-1] == (7, 0, 0, 0, 2)
    empty = GroupBook(**{name: np.zeros(0, np.int64) for name in GroupBook.__dataclass_fields__})
    assert columns(empty.after(3, 0, lots=-1)) == [(3, -1, 0, 0, 0)]


def test_books_of_many_groups_are_those_of_each_in_the_order_asked() -> None:
    house = traded()
    groups = np.array([house.number(name) for name in ("B", "CUSTODY", "A")])

    books = books_of(house.state, groups)

    assert len(books) == 3
    expected = [columns(book_of(house.state, group)) for group in groups.tolist()]
    assert [columns(book) for book in books] == expected
    assert [columns(book) for book in joined(list(books))] == expected
    assert books.group_of_row().tolist() == [0, 0, 2, 2]
    assert books.having(books.lots > 0).tolist() == [False, False, True]
    assert [columns(book) for book in books.take(np.array([2, 1, 2]))] == [
        expected[2],
        [],
        expected[2],
    ]


def test_books_are_replaced_where_told() -> None:
    house = traded()
    groups = np.array([house.number(name) for name in ("A", "CUSTODY", "B")])
    books = books_of(house.state, groups)
    one, other = books[0].after(1, house.number("A"), lots=3), books[0]

    changed = books.replaced({2: other, 0: one})

    assert [columns(book) for book in changed] == [columns(one), [], columns(other)]
    assert [columns(book) for book in books.replaced({})] == [columns(book) for book in books]
    assert len(joined([]).take(np.zeros(0, np.int64))) == 0
