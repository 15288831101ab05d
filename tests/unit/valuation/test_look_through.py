"""Tokens taken apart into what they hold."""

from __future__ import annotations

import doctest

import numpy as np
import pytest

from novate.errors import InputError
from novate.valuation import look_through as module
from novate.valuation.look_through import look_through

RECIPES = {
    "ETH2X": {"ETH": 2.0, "BTC": 0.5},
    "WETH": {"ETH": 1.0},
    "INDEX": {"WETH": 3.0, "BTC": 0.1, "ETH2X": 0.5, "USDT": -100.0},
    "BASKET": {"INDEX": 2.0, "SOL": 10.0},
}


def test_a_token_of_two_perpetuals_and_half_a_coin_is_that_delta_vector() -> None:
    through = look_through({"ETH2X": RECIPES["ETH2X"]})

    assert through.factors == ("BTC", "ETH")
    assert through.exposure({"ETH2X": 1.0}).tolist() == [0.5, 2.0]


def test_listed_positions_net_against_what_tokens_hold() -> None:
    through = look_through({"ETH2X": RECIPES["ETH2X"]})

    assert through.exposure({"ETH2X": 10.0, "ETH": -20.0, "BTC": -4.0}).tolist() == [1.0, 0.0]


def test_tokens_of_tokens_are_taken_apart_to_the_end() -> None:
    through = look_through(RECIPES)
    found = dict(zip(through.factors, through.exposure({"BASKET": 1.0}).tolist(), strict=True))

    assert found == pytest.approx({"BTC": 0.7, "ETH": 8.0, "SOL": 10.0, "USDT": -200.0})


def test_many_accounts_are_one_product() -> None:
    through = look_through(RECIPES)
    held = np.random.default_rng(1).normal(size=(50, len(through.names)))
    found = through.exposures(held)
    for account in (0, 17, 49):
        alone = through.exposure(dict(zip(through.names, held[account].tolist(), strict=True)))
        np.testing.assert_allclose(found[account], alone, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("recipes", "circle"),
    [
        ({"A": {"A": 1.0}}, "A -> A"),
        ({"A": {"B": 1.0}, "B": {"C": 1.0}, "C": {"B": 1.0}}, "B -> C -> B"),
        ({"A": {"X": 1.0, "B": 1.0}, "B": {"A": 1e-9}}, "A -> B -> A"),
    ],
)
def test_a_token_that_contains_itself_is_refused_with_its_circle(
    recipes: dict[str, dict[str, float]], circle: str
) -> None:
    with pytest.raises(InputError, match=circle):
        look_through(recipes)


def test_a_component_used_twice_is_no_circle() -> None:
    through = look_through({"A": {"B": 1.0, "C": 1.0}, "B": {"C": 2.0}, "C": {"X": 1.0}})

    assert through.exposure({"A": 1.0}).tolist() == [3.0]


def test_a_chain_of_thousands_of_tokens_is_taken_apart() -> None:
    chain = {f"T{k}": {f"T{k + 1}": 1.0} for k in range(3_000)}

    assert look_through(chain).exposure({"T0": 2.0}).tolist() == [2.0]


def test_declared_factors_are_there_without_a_recipe() -> None:
    through = look_through({"WETH": {"ETH": 1.0}}, factors=("SOL",))

    assert through.factors == ("ETH", "SOL")
    assert through.exposure({"SOL": 3.0}).tolist() == [0.0, 3.0]
    assert look_through({}).weights.shape == (0, 0)


@pytest.mark.parametrize(
    ("recipes", "factors", "message"),
    [
        ({"A": {}}, (), "empty recipe"),
        ({"A": {"X": float("nan")}}, (), "A: X: nan; allowed: a finite amount"),
        ({"A": {"X": 1.0}}, ("A",), "has a recipe"),
    ],
)
def test_a_recipe_that_says_nothing_is_refused(
    recipes: dict[str, dict[str, float]], factors: tuple[str, ...], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        look_through(recipes, factors)


def test_an_unknown_holding_is_refused() -> None:
    with pytest.raises(InputError, match="holding 'DOGE'"):
        look_through(RECIPES).exposure({"DOGE": 1.0})


def test_the_example_is_true() -> None:
    assert doctest.testmod(module).failed == 0
