from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from novate.errors import InputError
from novate.margin.methodology.deribit_portfolio import (
    DELTA_NOTE,
    OPTIONS_NOTE,
    TAIL_NOTE,
    DeribitPortfolio,
)
from novate.margin.methodology.outcome import MissingInputError, NotValuedError, Outcome
from novate.margin.methodology.portfolio import (
    Collateral,
    Contract,
    Curve,
    Order,
    Portfolio,
    Position,
    Snapshot,
)
from tests.golden.margin_preset import part, preset

DAY_NS = 86_400 * 10**9
NOW_NS = 1_000 * DAY_NS
NEAR_NS, FAR_NS = NOW_NS + 10 * DAY_NS, NOW_NS + 365 * DAY_NS
INDEX = 50_000.0
PERPETUAL = Contract(symbol="PERP", kind="perpetual", underlying="BTC", settlement="BTC")
NEAR = Contract(symbol="NEAR", kind="future", underlying="BTC", settlement="BTC", expiry_ns=NEAR_NS)
FAR = Contract(symbol="FAR", kind="future", underlying="BTC", settlement="BTC", expiry_ns=FAR_NS)
MARKET = Snapshot(
    instant_ns=NOW_NS, index={"BTC": INDEX},
    curve={("BTC", NEAR_NS): Curve(forward=INDEX), ("BTC", FAR_NS): Curve(forward=52_000.0)},
    volatility={"CALL": 0.6, "PUT": 0.8},
)  # fmt: skip


def option(symbol: str, strike: float, *, is_call: bool, expiry_ns: int = NEAR_NS) -> Contract:
    return Contract(
        symbol=symbol, kind="option", underlying="BTC", settlement="BTC", expiry_ns=expiry_ns,
        strike=strike, is_call=is_call,
    )  # fmt: skip


CALL = option("CALL", 60_000.0, is_call=True)
PUT = option("PUT", 48_000.0, is_call=False, expiry_ns=FAR_NS)


def model(**changes: Any) -> DeribitPortfolio:
    found = preset("deribit_portfolio_2024_06").methodology
    assert isinstance(found, DeribitPortfolio)
    return msgspec.structs.replace(found, **changes)


def outcome(*held: tuple[Contract, float], market: Snapshot = MARKET, **changes: Any) -> Outcome:
    positions = tuple(Position(contract=contract, quantity=size) for contract, size in held)
    return model(**changes).outcome(Portfolio(positions=positions), market)


def coin_price(call: bool, F: float, K: float, T: float, vol: float) -> float:
    """Black-76 without discounting, over the forward."""
    d1 = math.log(F / K) / (vol * math.sqrt(T)) + vol * math.sqrt(T) / 2
    d2 = d1 - vol * math.sqrt(T)
    normal = lambda x: 0.5 * math.erfc(-x / math.sqrt(2))  # noqa: E731
    if call:
        return normal(d1) - K / F * normal(d2)
    return K / F * normal(-d2) - normal(-d1)


def test_a_book_with_options_against_a_recomputation_of_the_matrix_and_the_tail() -> None:
    held = {"CALL": (CALL, -3.0, 0.6), "PUT": (PUT, 2.0, 0.8)}
    found = outcome((CALL, -3.0), (PUT, 2.0), (NEAR, 0.5), extended_dampener=0.0, pnl_offset=1.0,
                    max_offsetable_pnl=1e12)  # fmt: skip

    def profit(move: float, shock: str) -> float:
        total = 0.5 * (1 - 1 / (1 + move))
        for contract, size, vol in held.values():
            T = ((contract.expiry_ns or 0) - NOW_NS) / (365 * DAY_NS)
            days = 365 * T
            F = MARKET.curve["BTC", contract.expiry_ns or 0].forward
            power = (30 / days) ** (0.3 if days < 30 else 0.13)
            moved = {"up": max(0.5, vol * (1 + 0.5 * power)), "same": vol,
                     "down": vol * (1 - 0.25 * power)}[shock]  # fmt: skip
            terms = bool(contract.is_call), contract.strike or 0.0
            base = coin_price(terms[0], F, terms[1], T, vol)
            total += size * (coin_price(terms[0], F * (1 + move), terms[1], T, moved) - base)
        return total

    for one in found.scenarios[:27]:
        assert one.profit == pytest.approx(profit(one.move, one.volatility), abs=1e-12)
    for one in found.scenarios[27:]:
        edge = 1.16 if one.move > 0 else 0.84
        weight = 0.16 / abs(one.move) * (1 + one.move) / edge
        assert one.profit == pytest.approx(weight * profit(one.move, "up"), abs=1e-12)
    assert found.notes[0] == OPTIONS_NOTE
    assert len(found.scenarios) == 35


def test_the_roll_shock_charges_each_expiry_by_its_net_delta() -> None:
    found = outcome((PERPETUAL, 1.0), (NEAR, 2.0), (CALL, -1.0), (FAR, -3.0))
    d1 = math.log(INDEX / 60_000) / (0.6 * math.sqrt(10 / 365)) + 0.3 * math.sqrt(10 / 365)
    d2 = d1 - 0.6 * math.sqrt(10 / 365)
    # Net transaction delta: black delta less the price, which is K/F N(d2).
    call = 60_000 / INDEX * 0.5 * math.erfc(-d2 / math.sqrt(2))
    expected = 0.01 * 1.0 + 0.01 * (2.0 - call) + math.expm1(0.075) * 3.0

    assert part(found, "roll shock")[0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("coins", "move"),
    [
        (400.0, 0.0),  # 20m USD, the threshold
        (420.0, 50.0),  # 1m beyond it: 50 USD a coin
        (20_000.0, 5_000.0),  # bounded at 10% of the index
    ],
)
def test_the_delta_shock_moves_the_price_by_what_a_large_delta_exceeds_a_threshold(
    coins: float, move: float
) -> None:
    found = outcome((PERPETUAL, -coins))

    assert part(found, "delta shock")[0] == pytest.approx(coins * move / INDEX)
    assert part(found, "delta shock")[1] == pytest.approx(0.8 * coins * move / INDEX)
    assert (DELTA_NOTE in found.notes) == (move > 0)


def test_the_parts_add_up_and_maintenance_spares_what_orders_and_quoting_ask_for() -> None:
    found = outcome((PERPETUAL, 2.0), open_orders_margin=0.3, mmp_margin=0.2, spot_margin=0.1,
                    correlation_contingency=0.5)  # fmt: skip
    bare = outcome((PERPETUAL, 2.0))

    assert found.initial == pytest.approx(bare.initial + 0.6 + 0.5)
    assert found.maintenance == pytest.approx(bare.maintenance + 0.8 * 0.5)
    assert found.initial == pytest.approx(sum(one.initial for one in found.parts), abs=0)
    assert found.maintenance == pytest.approx(sum(one.maintenance for one in found.parts), abs=0)


def test_a_gain_counts_its_share_up_to_the_bound() -> None:
    held = (PERPETUAL, 10.0)
    gain = 10 * (1 - 1 / 1.16)
    free = outcome(held, pnl_offset=0.5, max_offsetable_pnl=1e9).scenarios[26]
    bounded = outcome(held, pnl_offset=0.5, max_offsetable_pnl=10_000.0).scenarios[26]

    assert free.profit == pytest.approx(gain / 2)
    assert bounded.profit == pytest.approx(10_000 / INDEX)


def test_a_large_short_of_far_calls_is_bound_by_an_extended_move_less_the_dampener() -> None:
    wing = option("CALL", 150_000.0, is_call=True)
    found = outcome((wing, -2_000.0))
    undamped = outcome((wing, -2_000.0), extended_dampener=0.0)

    last, whole = found.scenarios[-1], undamped.scenarios[-1]
    damping = (5.0 / 0.16 - 1) * 100_000 / (1.16 * INDEX)
    assert last.profit == pytest.approx(whole.profit + damping)
    assert found.binding["BTC"].endswith("0.0%, volatility up")
    assert TAIL_NOTE in found.notes


def test_equity_is_cash_coin_unsettled_profit_and_what_options_are_worth() -> None:
    book = Portfolio(
        positions=(
            Position(contract=PERPETUAL, quantity=1.0, unrealised=-0.25),
            Position(contract=CALL, quantity=-2.0),
        ),
        collateral=(Collateral(asset="BTC", quantity=3.0),),
        cash=1.0,
    )
    worth = -2 * coin_price(True, INDEX, 60_000.0, 10 / 365, 0.6)

    assert model().outcome(book, MARKET).equity == pytest.approx(3.75 + worth)


def test_an_empty_book_needs_nothing() -> None:
    found = outcome()

    assert (found.initial, found.maintenance, found.equity) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("contract", "text"),
    [
        (
            Contract(symbol="LIN", kind="perpetual", underlying="BTC", settlement="USDC"),
            "LIN: on BTC, paid in USDC; allowed: contracts on BTC that are paid in it",
        ),
        (
            Contract(symbol="E", kind="perpetual", underlying="ETH", settlement="ETH"),
            "E: on ETH, paid in ETH",
        ),
    ],
)
def test_what_is_not_paid_in_the_coin_is_refused(contract: Contract, text: str) -> None:
    with pytest.raises(NotValuedError, match=text):
        outcome((contract, 1.0))


def test_what_is_missing_is_named() -> None:
    late = Snapshot(instant_ns=FAR_NS, index={"BTC": INDEX})
    with pytest.raises(MissingInputError, match="BTC: the market has no index of it"):
        outcome((PERPETUAL, 1.0), market=Snapshot(instant_ns=NOW_NS, index={}))
    with pytest.raises(MissingInputError, match="FAR: expired at"):
        outcome((FAR, 1.0), market=late)
    with pytest.raises(MissingInputError, match="CALL: the market has no volatility"):
        outcome((CALL, 1.0), market=replace(MARKET, volatility={}))


def test_other_collateral_unstated_orders_and_options_without_a_price_are_refused() -> None:
    order = Order(contract=PERPETUAL, quantity=1.0, price=INDEX)
    with pytest.raises(NotValuedError, match="USDC: not valued as collateral; allowed: BTC"):
        model().outcome(Portfolio(collateral=(Collateral(asset="USDC", quantity=1.0),)), MARKET)
    with pytest.raises(MissingInputError, match="needed: open_orders_margin"):
        model().outcome(Portfolio(orders=(order,)), MARKET)
    stated = model(open_orders_margin=0.1).outcome(Portfolio(orders=(order,)), MARKET)
    assert stated.initial == 0.1
    with pytest.raises(InputError, match=r"an option has no price: forward 50000\.0, strike -1"):
        outcome((option("CALL", -1.0, is_call=True), 1.0))
