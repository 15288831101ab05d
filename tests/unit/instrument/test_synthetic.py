"""Synthetic tokens: value and delta vector through any depth, cycles refused."""

from __future__ import annotations

import pytest

from novate.errors import InputError
from novate.instrument.synthetic import Basket, Holding, Leveraged, Wrapped, look_through

PRICES = {"BTC": 60_000.0, "ETH": 3_000.0, "SOL": 150.0}


def row(tokens, symbol):
    seen = look_through(tokens, PRICES)
    at = seen.symbols.index(symbol)
    return seen.value[at], dict(zip(seen.factors, seen.delta[at].tolist(), strict=True))


def test_a_token_of_two_perpetuals_and_half_a_coin_has_their_deltas() -> None:
    # Long 2 ETH by perpetual entered at 2,900, half a BTC as collateral, 1,000 borrowed.
    token = Basket(
        symbol="2ETH",
        holdings=(Holding("ETH", 2.0, 2_900.0), Holding("BTC", 0.5)),
        cash=-1_000.0,
    )

    value, delta = row([token], "2ETH")

    assert value == 2.0 * 100.0 + 0.5 * 60_000.0 - 1_000.0
    assert delta == {"BTC": 0.5, "ETH": 2.0}


def test_a_wrapped_coin_is_worth_its_units() -> None:
    assert row([Wrapped(symbol="wstETH", of="ETH", units=1.17)], "wstETH") == (
        pytest.approx(3_510.0), {"ETH": 1.17},
    )  # fmt: skip


def test_a_leveraged_token_moves_by_its_multiple_of_its_value() -> None:
    value, delta = row(
        [Leveraged(symbol="BTC3S", of="BTC", leverage=-3.0, net_asset_value=20.0)], "BTC3S"
    )

    assert value == 20.0
    assert delta["BTC"] * 60_000.0 == pytest.approx(-60.0)


def test_tokens_of_tokens_are_looked_through_to_their_factors() -> None:
    tokens = [
        Basket(
            symbol="INDEX",
            holdings=(Holding("wETH", 2.0), Holding("ETH", 1.0), Holding("SOL", 4.0)),
        ),
        Wrapped(symbol="wETH", of="stETH", units=1.1),
        Wrapped(symbol="stETH", of="ETH"),
        Leveraged(symbol="INDEX2L", of="INDEX", leverage=2.0, net_asset_value=10_200.0),
    ]  # fmt: skip

    value, delta = row(tokens, "INDEX")
    assert value == pytest.approx(3.2 * 3_000.0 + 4 * 150.0)
    assert delta == pytest.approx({"ETH": 3.2, "SOL": 4.0})
    value, delta = row(tokens, "INDEX2L")
    assert delta == pytest.approx({"ETH": 2 * 3.2, "SOL": 2 * 4.0})


def test_a_delta_is_what_the_value_gains_as_a_price_moves() -> None:
    tokens = [
        Wrapped(symbol="wETH", of="ETH", units=1.1),
        Basket(symbol="MIX", holdings=(Holding("wETH", 2.0), Holding("BTC", -0.1, 61_000.0))),
    ]
    seen = look_through(tokens, PRICES)
    for factor, price in PRICES.items():
        moved = look_through(tokens, {**PRICES, factor: price * 1.01})
        if factor in seen.factors:
            gain = seen.delta[:, seen.factors.index(factor)] * price * 0.01
            assert (moved.value - seen.value).tolist() == pytest.approx(gain.tolist(), abs=1e-9)


def test_positions_in_tokens_net_against_listed_ones() -> None:
    token = Basket(symbol="2ETH", holdings=(Holding("ETH", 2.0), Holding("BTC", 0.5)))
    seen = look_through([token], PRICES)

    assert seen.of_positions({"2ETH": 10.0, "ETH": -15.0}) == {"BTC": 5.0, "ETH": 5.0}
    with pytest.raises(InputError, match="position in 'DOGE'; allowed: 2ETH, BTC, ETH"):
        seen.of_positions({"DOGE": 1.0})


def test_tokens_that_contain_one_another_are_refused_with_their_chain() -> None:
    tokens = [Wrapped(symbol="A", of="B"), Wrapped(symbol="B", of="C"), Wrapped(symbol="C", of="A")]

    with pytest.raises(InputError, match="A -> B -> C -> A; allowed: tokens that do not contain"):
        look_through(tokens, PRICES)


def test_a_token_seen_twice_on_different_ways_is_no_cycle() -> None:
    tokens = [
        Wrapped(symbol="w", of="ETH"),
        Basket(symbol="a", holdings=(Holding("w", 1.0),)),
        Basket(symbol="b", holdings=(Holding("w", 1.0), Holding("a", 1.0))),
    ]

    assert row(tokens, "b")[1] == {"ETH": 2.0}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: look_through([Wrapped(symbol="w", of="X")], PRICES), "w holds 'X'"),
        (lambda: look_through([Wrapped(symbol="ETH", of="BTC")], PRICES), "token 'ETH'"),
        (lambda: look_through([], {"ETH": 0.0}), "price of ETH 0.0"),
        (lambda: Wrapped(symbol="w", of="ETH", units=0.0), "w: units 0.0"),
        (
            lambda: Leveraged(symbol="l", of="ETH", leverage=0.0, net_asset_value=1.0),
            "l: leverage 0.0",
        ),
        (lambda: Basket(symbol="b", holdings=(Holding("ETH", 0.0),)), "b: ETH: units 0.0"),
        (lambda: Basket(symbol="b", holdings=(Holding("ETH", 1.0, -1.0),)), "b: ETH: entry -1.0"),
    ],
)
def test_wrong_terms_are_refused(make, message) -> None:
    with pytest.raises(InputError) as refused:
        make()

    assert message in str(refused.value)


def test_no_tokens_have_no_factors() -> None:
    seen = look_through([], PRICES)

    assert seen.symbols == ()
    assert seen.delta.shape == (0, 0)


@pytest.mark.parametrize("units", [1.0, 0.5])
def test_leverage_on_what_is_worth_nothing_or_less_is_refused(units):
    held = Basket(symbol="B", holdings=(Holding("ETH", 1.0, 5.0),), cash=units - 1.0)
    tokens = [Leveraged(symbol="L", of="B", leverage=2.0, net_asset_value=1.0), held]

    with pytest.raises(InputError, match="leverage on B, which is worth"):
        look_through(tokens, {"ETH": 5.0})
