from __future__ import annotations

import numpy as np
import pytest

from novate.errors import InvariantError
from novate.simulation.population.book import Book
from novate.simulation.population.deposit import needed_collateral
from novate.simulation.population.terms import AccountType, Targets


def need(profit: int, leverage: float = 5.0, margin: int = 10) -> float:
    value = needed_collateral(
        Targets(),
        np.array([1000]),
        np.array([leverage]),
        np.array([margin]),
        np.array([profit]),
        1,
    )
    return float(value[0])


def test_collateral_is_equity_less_profit() -> None:
    assert need(profit=0) == pytest.approx(200.0)
    assert need(profit=-50) == pytest.approx(250.0)


def test_initial_margin_with_headroom_is_the_least_equity() -> None:
    value = need(profit=0, margin=400)
    assert 1.05 * 400 <= value <= 1.05 * 1.15 * 400


def test_profit_above_equity_is_a_contradiction() -> None:
    with pytest.raises(InvariantError, match="stays below equity"):
        need(profit=1000)


def test_deposits_are_by_account_then_asset_and_not_dust(book: Book) -> None:
    deposits = book.deposits
    order = deposits.account * len(book.assets) + deposits.asset
    assert np.all(np.diff(order) > 0)
    share = book.collateral() / book.collateral().sum(axis=1, keepdims=True)
    assert share[share > 0].min() > 0.001


def test_most_takers_hold_one_asset_only(book: Book) -> None:
    number = np.bincount(book.deposits.account, minlength=len(book.accounts))
    taker = book.is_kind(AccountType.TAKER)
    assert np.mean(number[taker] == 1) > 0.6
