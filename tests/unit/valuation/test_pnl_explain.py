"""Profit explained: adds up to the last unit, and what is left shrinks as it should."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from novate.errors import InputError
from novate.kernel.clearing.value import INVERSE
from novate.valuation.book_risk import Positions
from novate.valuation.holding import NO_EXPIRY, Contracts, Kind, Market, unit_risk
from novate.valuation.pnl_explain import (
    MARKET_TERMS,
    TERMS,
    Explanation,
    Flows,
    Trades,
    explain,
    moves,
)
from tests.unit.valuation.books import BTC, DAY, NOW, WORLD, contract, contracts, market

WORLD_TERMS = contracts()
START = market(WORLD_TERMS)
ACCOUNTS, N = 20, 400
RNG = np.random.default_rng(3)
BOOK = Positions(
    account=RNG.integers(0, ACCOUNTS, N).astype(np.int32),
    contract=RNG.integers(0, len(WORLD), N).astype(np.int32),
    quantity=np.round(RNG.normal(0, 20, N)),
)


def later(terms: Contracts, start: Market, step: float) -> Market:
    """Everything has moved, in proportion to a step; coins with their spot and a little more."""
    ratio = 1.0 + 0.04 * step
    return replace(
        start,
        as_of_ns=start.as_of_ns + int(DAY * step),
        spot=start.spot * ratio,
        forward=start.forward * ratio * (1.0 + 0.002 * step),
        vol=start.vol + 0.05 * step,
        rate=start.rate + 0.01 * step,
        settlement_price=start.settlement_price
        * np.where(terms.is_coin, ratio, 1.0)
        * (1.0 - 0.001 * step),
    )


def explained(step: float = 1.0, **options: object) -> Explanation:
    moved = moves(WORLD_TERMS, START, later(WORLD_TERMS, START, step))
    return explain(moved, BOOK, accounts=ACCOUNTS, decimals=6, **options)  # type: ignore[arg-type]


def test_terms_sum_to_the_actual_profit_to_the_last_unit() -> None:
    found = explained()
    end = later(WORLD_TERMS, START, 1.0)
    change = unit_risk(WORLD_TERMS, end)["value"] - unit_risk(WORLD_TERMS, START)["value"]
    worth = np.zeros(ACCOUNTS)
    np.add.at(worth, BOOK.account, BOOK.quantity * change[BOOK.contract])

    assert found.units.dtype == np.int64
    assert found.units.shape == (len(TERMS), ACCOUNTS)
    np.testing.assert_array_equal(found.units.sum(axis=0), found.actual)
    assert (np.abs(found.actual - worth * 1e6) <= 1.0).all()
    for name in MARKET_TERMS:
        assert found[name].any(), name


def test_each_term_is_what_its_name_says_when_nothing_else_moves() -> None:
    up = later(WORLD_TERMS, START, 1.0)
    one = Positions(
        account=np.zeros(1, np.int32), contract=np.array([3], np.int32), quantity=np.ones(1)
    )
    for only, names in (
        ({"as_of_ns": up.as_of_ns}, {"theta"}),
        ({"rate": up.rate}, {"carry"}),
        ({"forward": START.forward * 1.01}, {"carry"}),
        ({"vol": up.vol}, {"vega", "volga"}),
        ({"spot": up.spot, "forward": START.forward * 1.04}, {"delta", "gamma"}),
        ({"settlement_price": START.settlement_price * 1.01}, {"conversion"}),
    ):
        moved = moves(WORLD_TERMS, START, replace(START, **only))  # type: ignore[arg-type]
        found = explain(moved, one, accounts=1, decimals=8)
        assert {name for name in MARKET_TERMS if abs(found[name][0]) > 1} == names


def test_what_is_left_is_of_third_order_in_the_step() -> None:
    left = [
        np.abs(moves(WORLD_TERMS, START, later(WORLD_TERMS, START, step)).remainder())
        for step in (0.2, 0.1, 0.05, 0.025)
    ]
    curved = np.flatnonzero(WORLD_TERMS.kind == Kind.EUROPEAN)
    for coarse, fine in pairwise(left):
        np.testing.assert_array_less(fine[curved], coarse[curved] / 6.0)


def test_a_linear_book_leaves_nothing() -> None:
    rows = [WORLD[0], WORLD[1], WORLD[9], contract(Kind.FUTURE, INVERSE, unit=100.0)]
    terms = contracts(rows)
    start = market(terms)
    book = Positions(
        account=RNG.integers(0, 5, 200).astype(np.int32),
        contract=RNG.integers(0, 4, 200).astype(np.int32),
        quantity=np.round(RNG.normal(0, 20, 200)),
    )
    # In dollars a coin-settled future is linear: the dollar value of 1/K - 1/S is S/K - 1.
    found = explain(moves(terms, start, later(terms, start, 1.0)), book, accounts=5, decimals=6)

    assert not found["residual"].any()
    assert found["delta"].all()
    assert not found["gamma"].any()


def test_in_the_coin_a_coin_gains_nothing_and_dollars_lose_as_it_rises() -> None:
    terms = contracts([contract(Kind.SPOT, expiry_ns=NO_EXPIRY), contract(Kind.FUTURE)])
    start = replace(
        market(terms, forward=np.full(2, 60_000.0)),
        settlement_price=np.full(2, 1 / 60_000.0),
        reporting_asset=BTC,
    )
    later_price = np.full(2, 1 / 66_000.0)
    spot = np.full(2, 66_000.0)
    end = replace(start, spot=spot, forward=spot, settlement_price=later_price)
    found = moves(terms, start, end)

    assert found.change[0] == pytest.approx(0.0, abs=1e-15)
    # A future entered at 60,000 gains 6,000 dollars, which are a share of a coin by then.
    assert found.change[1] == pytest.approx(6_000.0 / 66_000.0, rel=1e-12)
    assert found.terms[MARKET_TERMS.index("conversion")] == pytest.approx([0.0, 0.0], abs=1e-15)
    delta, gamma = (found.terms[MARKET_TERMS.index(name)][1] for name in ("delta", "gamma"))
    assert (delta, gamma) == pytest.approx((0.1, -0.01), rel=1e-12)


def test_trades_funding_and_fees_are_terms_of_their_own() -> None:
    moved = moves(WORLD_TERMS, START, later(WORLD_TERMS, START, 1.0))
    trades = Trades(
        account=np.array([3, 3, 7], np.int32),
        contract=np.array([4, 1, 5], np.int32),
        quantity=np.array([2.0, -5.0, 1.0]),
        price=np.array([400.0, 1.5, 3_000.0]),
    )
    funding, fees = np.arange(ACCOUNTS) * 1_000 - 5_000, np.arange(ACCOUNTS) * 7
    plain = explained()
    found = explained(flows=Flows(trades=trades, funding=funding, fees=fees))
    made = 2.0 * (moved.worth[4] - 400.0) - 5.0 * (moved.worth[1] - 1.5)

    np.testing.assert_array_equal(found["funding"], funding)
    np.testing.assert_array_equal(found["fees"], -fees)
    assert found["new_trades"][3] == pytest.approx(made * 1e6, abs=1.0)
    assert np.flatnonzero(found["new_trades"]).tolist() == [3, 7]
    np.testing.assert_array_equal(found["delta"], plain["delta"])
    np.testing.assert_array_equal(found.units.sum(axis=0), found.actual)


def test_the_ledgers_own_profit_is_explained_with_the_difference_shown() -> None:
    plain = explained()
    ledger = plain.actual + np.arange(ACCOUNTS)
    found = explained(actual=ledger)

    np.testing.assert_array_equal(found["residual"] - plain["residual"], np.arange(ACCOUNTS))
    np.testing.assert_array_equal(found.units.sum(axis=0), ledger)


def test_running_sums_of_rounded_terms_are_never_half_a_unit_off() -> None:
    moved = moves(WORLD_TERMS, START, later(WORLD_TERMS, START, 1.0))
    exact = np.zeros((len(MARKET_TERMS), ACCOUNTS))
    for k in range(len(MARKET_TERMS)):
        np.add.at(exact[k], BOOK.account, BOOK.quantity * moved.terms[k, BOOK.contract])
    rounded = explained().units[: len(MARKET_TERMS)]

    off = np.cumsum(rounded, axis=0) - np.cumsum(exact * 1e6, axis=0)
    assert np.abs(off).max() <= 0.5 + 1e-3


def one_of_each(terms: Contracts) -> Positions:
    """A position of 1.00 in every contract, all of one account."""
    n = len(terms)
    return Positions(
        account=np.zeros(n, np.int32), contract=np.arange(n, dtype=np.int32), quantity=np.ones(n)
    )


@pytest.mark.parametrize("vol", [0.6, float("nan")])
def test_what_expires_in_between_gains_its_payoff_less_what_it_was_worth(vol: float) -> None:
    rows = [
        contract(Kind.EUROPEAN, strike=59_000.0, expiry_ns=NOW + DAY // 2),
        contract(Kind.EUROPEAN, INVERSE, side=-1.0, strike=64_000.0, expiry_ns=NOW + DAY // 2),
        contract(Kind.FUTURE, strike=58_000.0, expiry_ns=NOW + DAY // 2),
    ]
    terms = contracts(rows)
    start = market(terms)
    end = replace(later(terms, start, 1.0), forward=np.full(3, 61_500.0), vol=np.full(3, vol))
    found = explain(moves(terms, start, end), one_of_each(terms), accounts=1, decimals=6)
    payoff = np.array([2_500.0, 2_500.0 / 61_500.0, 3_500.0]) * end.settlement_price
    expected = payoff - unit_risk(terms, start)["value"]

    assert found.unpriced.tolist() == [0]
    assert found.actual[0] == pytest.approx(expected.sum() * 1e6, abs=1.0)
    assert found.units.sum() == found.actual[0]


def test_the_last_day_of_an_option_whose_strike_is_the_spot_is_explained() -> None:
    terms = contracts([contract(Kind.EUROPEAN, expiry_ns=NOW + DAY)])
    start = market(terms, forward=np.full(1, 60_000.0))
    end = replace(start, as_of_ns=NOW + DAY, spot=start.spot + 500.0, forward=start.spot + 500.0)
    found = explain(moves(terms, start, end), one_of_each(terms), accounts=1, decimals=6)
    before = unit_risk(terms, start)["value"][0]

    assert found["theta"][0] == pytest.approx(-before * 1e6, abs=1.0)
    assert found["delta"][0] == pytest.approx(0.5 * 500.0 * 0.999 * 1e6, abs=1.0)
    assert found["gamma"][0] == 0
    assert found.actual[0] == pytest.approx((500.0 * 0.999 - before) * 1e6, abs=1.0)


def test_a_contract_that_had_expired_before_is_counted_and_not_explained() -> None:
    rows = [contract(Kind.EUROPEAN), contract(Kind.EUROPEAN, expiry_ns=NOW - 1)]
    terms = contracts(rows)
    start = market(terms)
    end = later(terms, start, 1.0)
    found = explain(moves(terms, start, end), one_of_each(terms), accounts=1, decimals=6)

    assert found.unpriced.tolist() == [1]
    assert found["delta"][0] != 0


def test_impossible_questions_are_refused() -> None:
    moved = moves(WORLD_TERMS, START, START)
    with pytest.raises(InputError, match="before the start"):
        moves(WORLD_TERMS, START, replace(START, as_of_ns=NOW - 1))
    short = replace(
        moved,
        terms=moved.terms[:, :9],
        change=moved.change[:9],
        worth=moved.worth[:9],
        is_priced=moved.is_priced[:9],
    )
    with pytest.raises(InputError, match="contract 0 to 9; allowed: 0 to 8"):
        explain(short, BOOK, accounts=ACCOUNTS, decimals=6)
    big = moves(WORLD_TERMS, START, later(WORLD_TERMS, START, 1.0))
    with pytest.raises(InputError, match="fewer decimals than 18"):
        explain(big, BOOK, accounts=ACCOUNTS, decimals=18)
