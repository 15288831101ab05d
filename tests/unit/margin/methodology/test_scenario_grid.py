from __future__ import annotations

import math
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.margin.methodology.outcome import MissingInputError, NotValuedError
from novate.margin.methodology.portfolio import Collateral, Contract, Position
from tests.unit.margin.methodology.book import EXPIRY_NS, book, grid, market

QUANTITIES = st.floats(-50, 50).map(lambda x: round(x, 3))


def black(forward: float, strike: float, years: float, vol: float, is_call: bool) -> float:
    """Black-76 by the error function, undiscounted."""
    total = vol * math.sqrt(years)
    d1 = (math.log(forward / strike) + total**2 / 2) / total
    sign = 1 if is_call else -1

    def normal(x: float) -> float:
        return (1 + math.erf(x / math.sqrt(2))) / 2

    return sign * (forward * normal(sign * d1) - strike * normal(sign * (d1 - total)))


def test_a_perpetual_loses_its_move() -> None:
    outcome = grid().outcome(book(P=2.0), market())

    assert outcome.initial == pytest.approx(40.0)
    assert outcome.maintenance == pytest.approx(32.0)
    assert outcome.binding == {"BTC": "-20.0%, volatility up"}
    assert len(outcome.scenarios) == 11


def test_a_short_call_loses_what_black_says() -> None:
    outcome = grid().outcome(book(C=-3.0), market())

    years = 30 / 365
    discount = math.exp(-0.05 * years)
    now = black(101.0, 110.0, years, 0.6, True)
    then = black(101.0 * 1.2, 110.0, years, 0.9, True)
    assert outcome.initial == pytest.approx(3 * (then - now) * discount, rel=1e-12)
    assert outcome.equity == pytest.approx(-3 * now * discount, rel=1e-12)


@given(p=QUANTITIES, c=QUANTITIES, q=QUANTITIES)
def test_parts_add_up_and_no_book_is_asked_for_more_than_its_legs(
    p: float, c: float, q: float
) -> None:
    rules = grid(
        linear={"initial": 0.005, "maintenance": 0.015},
        short_option={"initial": 0.002, "maintenance": 0.003},
        basis={"down": -0.05, "up": 0.05, "addition": 0.5, "multiple": 2.0},
    )
    together = rules.outcome(book(P=p, C=c, Q=q), market())
    legs = [
        rules.outcome(book(**{name: x}), market()) for name, x in {"P": p, "C": c, "Q": q}.items()
    ]

    assert sum(part.initial for part in together.parts) == pytest.approx(together.initial)
    assert sum(part.maintenance for part in together.parts) == pytest.approx(together.maintenance)
    assert together.initial <= sum(leg.initial for leg in legs) + 1e-9
    assert 0 <= together.maintenance <= together.initial + 1e-9


@given(p=QUANTITIES, c=QUANTITIES, size=st.floats(0.01, 100))
def test_a_book_twice_as_large_is_asked_for_twice_as_much(p: float, c: float, size: float) -> None:
    one = grid().outcome(book(P=p, C=c), market())
    more = grid().outcome(book(P=p * size, C=c * size), market())

    assert more.initial == pytest.approx(one.initial * size, rel=1e-9, abs=1e-9)


@given(p=QUANTITIES, c=QUANTITIES, q=QUANTITIES)
def test_the_order_of_positions_does_not_matter(p: float, c: float, q: float) -> None:
    first = grid().outcome(book(P=p, C=c, Q=q), market())
    last = grid().outcome(book(Q=q, C=c, P=p), market())

    assert first.initial == pytest.approx(last.initial, rel=1e-12, abs=1e-12)


def test_the_minimum_delta_charge_is_a_floor_under_the_scan() -> None:
    # Long 1 perpetual and short 5 calls: the published example has deltas of 0.3 each.
    rules = grid(minimum_delta={"unhedged": 0.5, "hedged": 0.25}, tail=None)
    outcome = rules.outcome(book(P=1.0), market())

    assert outcome.initial == pytest.approx(50.0)
    assert {part.name for part in outcome.parts} == {"worst scenario", "minimum delta charge"}


def test_collateral_moves_with_its_underlying_and_is_cut() -> None:
    rules = grid(
        collateral={"BTC": {
            "maintenance_haircut": 0.1, "initial_haircut": 0.05, "moves_with": "BTC",
        }}
    )  # fmt: skip
    hedged = replace(book(P=-2.0), collateral=(Collateral(asset="BTC", quantity=2.0),))
    outcome = rules.outcome(hedged, market())

    assert outcome.equity == pytest.approx(200.0)
    assert outcome.initial == pytest.approx(200.0 * 0.15)
    assert outcome.maintenance == pytest.approx(200.0 * 0.1)


def test_a_debt_is_no_collateral() -> None:
    terms = {"BTC": {"maintenance_haircut": 0.1, "initial_haircut": 0.05}}
    owing = replace(book(P=1.0), collateral=(Collateral(asset="BTC", quantity=-2.0),))

    with pytest.raises(NotValuedError, match=r"BTC: a debt of 2\.0"):
        grid(collateral=terms).outcome(owing, market())


def test_what_is_missing_is_named() -> None:
    with pytest.raises(MissingInputError, match="C: the market has no volatility"):
        grid().outcome(book(C=1.0), replace(market(), volatility={}))
    with pytest.raises(MissingInputError, match="C: the market has no forward of BTC"):
        grid().outcome(book(C=1.0), replace(market(), curve={}))
    with pytest.raises(MissingInputError, match="P: the market has no mark"):
        grid().outcome(book(P=1.0), replace(market(), mark={}))
    with pytest.raises(MissingInputError, match="C: expired at"):
        grid().outcome(book(C=1.0), replace(market(), instant_ns=EXPIRY_NS))


def test_what_is_not_covered_is_refused() -> None:
    held = replace(book(P=1.0), collateral=(Collateral(asset="DOGE", quantity=1.0),))
    with pytest.raises(NotValuedError, match="DOGE: the preset has no terms"):
        grid().outcome(held, market())
    inverse = Contract(symbol="I", kind="perpetual", underlying="BTC", settlement="BTC")
    coin = replace(book(), positions=(Position(contract=inverse, quantity=1.0),))
    with pytest.raises(NotValuedError, match="I: paid in BTC"):
        grid().outcome(coin, market())


def test_unknown_parameters_are_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        grid(contingency=1.0)
