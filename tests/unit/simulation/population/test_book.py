from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from novate.errors import InvariantError
from novate.simulation.population.book import Book, check_book, sum_by


def test_sums_by_group_are_exact_integers() -> None:
    total = sum_by(np.array([0, 2, 0]), np.array([2**60, 5, 1]), 3)
    assert total.tolist() == [2**60 + 1, 0, 5]


def test_gross_notional_adds_up_to_twice_the_open_interest(book: Book) -> None:
    long = book.position_notional()[book.positions.lots > 0].sum()
    assert int(book.gross_notional().sum()) == 2 * int(long)


def test_equity_is_collateral_plus_profit(book: Book) -> None:
    assert np.allclose(book.equity(), book.collateral().sum(axis=1) + book.profit())


def test_an_unbalanced_book_is_caught(book: Book) -> None:
    lots = book.positions.lots.copy()
    lots[0] += 1
    broken = dataclasses.replace(book, positions=dataclasses.replace(book.positions, lots=lots))
    with pytest.raises(InvariantError, match="lots add up to zero"):
        check_book(broken)


def test_a_book_that_creates_money_is_caught(book: Book) -> None:
    cost = book.positions.entry_cost.copy()
    cost[0] += 1
    positions = dataclasses.replace(book.positions, entry_cost=cost)
    with pytest.raises(InvariantError, match="entry costs add up to zero"):
        check_book(dataclasses.replace(book, positions=positions))


def test_an_account_below_its_initial_margin_is_caught(book: Book) -> None:
    broken = dataclasses.replace(book, initial_margin=book.initial_margin * 10**6)
    with pytest.raises(InvariantError, match="above its initial margin"):
        check_book(broken)
