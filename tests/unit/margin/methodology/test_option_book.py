from __future__ import annotations

import math

import pytest

from novate.errors import InputError
from novate.margin.methodology.option_book import YEAR_NS, option_book
from novate.margin.methodology.outcome import MissingInputError
from novate.margin.methodology.portfolio import Contract, Curve, Position, Snapshot

NEAR_NS, FAR_NS = YEAR_NS // 10, YEAR_NS


def option(symbol: str, strike: float, expiry_ns: int, *, is_call: bool = True) -> Contract:
    return Contract(
        symbol=symbol, kind="option", underlying="BTC", settlement="USD", expiry_ns=expiry_ns,
        strike=strike, is_call=is_call,
    )  # fmt: skip


FAR, NEAR = option("FAR", 110.0, FAR_NS), option("NEAR", 90.0, NEAR_NS, is_call=False)
BOOK = (Position(contract=FAR, quantity=-2.0), Position(contract=NEAR, quantity=3.0))
MARKET = Snapshot(
    instant_ns=0, index={"BTC": 100.0},
    curve={("BTC", NEAR_NS): Curve(forward=100.0),
           ("BTC", FAR_NS): Curve(forward=104.0, rate=0.05)},
    volatility={"FAR": 0.6, "NEAR": 0.8},
)  # fmt: skip


def test_options_are_sorted_by_expiry_and_discounted_by_the_curve() -> None:
    book = option_book(BOOK, MARKET)

    assert book.quantity.tolist() == [3.0, -2.0]
    assert book.years.tolist() == [0.1, 1.0]
    assert book.discount.tolist() == pytest.approx([1.0, math.exp(-0.05)])
    assert book.log_moneyness.tolist() == pytest.approx([math.log(0.9), math.log(110 / 104)])


def test_a_coin_price_is_the_undiscounted_price_over_the_moved_forward() -> None:
    book = option_book(BOOK, MARKET)
    forward = 1.1 * book.forward
    undiscounted = book.prices(0.1) / book.discount

    assert book.coin_prices(0.1).tolist() == pytest.approx((undiscounted / forward).tolist())


def test_calls_and_puts_of_a_strike_are_netted_before_shorts_are_counted() -> None:
    put = option("PUT", 110.0, FAR_NS, is_call=False)
    market = Snapshot(
        instant_ns=0, index=MARKET.index, curve=MARKET.curve,
        volatility=MARKET.volatility | {"PUT": 0.6},
    )  # fmt: skip
    book = option_book((*BOOK, Position(contract=put, quantity=0.5)), market)

    assert book.short_by_strike() == 1.5


def test_an_option_without_a_price_is_named_by_its_inputs() -> None:
    wrong = option("FAR", -5.0, FAR_NS)
    book = option_book((Position(contract=wrong, quantity=1.0),), MARKET)

    for prices in (book.prices, book.coin_prices):
        with pytest.raises(InputError, match=r"forward 104\.0, strike -5\.0, volatility 0\.6"):
            prices()


def test_what_the_market_lacks_is_named() -> None:
    bare = Snapshot(instant_ns=0, index={"BTC": 100.0}, curve=MARKET.curve)
    with pytest.raises(MissingInputError, match="FAR: the market has no volatility of it"):
        option_book(BOOK[:1], bare)
    with pytest.raises(MissingInputError, match="FAR: the market has no forward of BTC"):
        option_book(BOOK[:1], Snapshot(instant_ns=0, index={}))
    late = Snapshot(instant_ns=FAR_NS, index={}, curve=MARKET.curve)
    with pytest.raises(MissingInputError, match="FAR: expired at"):
        option_book(BOOK[:1], late)
