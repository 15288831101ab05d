"""Deribit's portfolio margin against the two replies of `private/pme/simulate` in public.

BTC, 17 June 2024: the example reply of Deribit's API reference, a perpetual and a dated future.
ETH, 15 February 2026, 23:20 UTC: a member's reply, a perpetual.  Positions are in coin, at the
mark.  The venue prints vectors and parts unrounded, and initial margin with nine decimals; the
worst case enters the margin of the risk matrix rounded to nine decimals, which both replies show.
"""

from __future__ import annotations

import msgspec
import pytest

from novate.margin.methodology.deribit_portfolio import DeribitPortfolio
from novate.margin.methodology.outcome import Outcome
from novate.margin.methodology.portfolio import Contract, Portfolio, Position, Snapshot
from tests.golden.margin_preset import part, preset

MS = 10**6
JUNE_2024 = 1_718_619_740_501 * MS
FEBRUARY_2026 = 1_771_197_609_587 * MS
EXPIRY_28JUN24 = 1_719_561_600_000 * MS
EXACT = 1e-15
DIGITS = 1e-12
NINE_DECIMALS = 5e-10

# Each of nine buckets, lowest price first; the three volatilities of a bucket are equal.
BTC_PERPETUAL = [
    -0.05991206933333334, -0.04289159509090909, -0.027351162086956524, -0.013105765166666668, 0.0,
    0.012097629384615385, 0.023299138074074074, 0.033700538999999995, 0.043384601931034494,
]  # fmt: skip
BTC_28JUN24 = [
    0.0002261969523809524, 0.00016193645454545456, 0.00010326382608695652, 0.00004948058333333334,
    0.0, -0.00004567438461538462, -0.00008796548148148148, -0.0001272357857142857,
    -0.00016379779310344832,
]  # fmt: skip
BTC_AGGREGATED = [
    -0.05968587238095239, -0.04272965863636364, -0.02724789826086957, -0.013056284583333334,
    0.0, 0.0, 0.0, 0.0, 0.0,
]  # fmt: skip
ETH_AGGREGATED = [
    0.13163975819999998, 0.09359358530982659, 0.05931022072747252, 0.028257749142408375, 0.0,
    -0.04304011233014354, -0.08252645391743119, -0.11888171996035243, -0.15246412672881357,
]  # fmt: skip


def perpetual(coin: str, quantity: float) -> Position:
    contract = Contract(
        symbol=f"{coin}-PERPETUAL", kind="perpetual", underlying=coin, settlement=coin
    )
    return Position(contract=contract, quantity=quantity)


def future(coin: str, quantity: float) -> Position:
    contract = Contract(
        symbol=f"{coin}-28JUN24", kind="future", underlying=coin, settlement=coin,
        expiry_ns=EXPIRY_28JUN24,
    )  # fmt: skip
    return Position(contract=contract, quantity=quantity)


def methodology(name: str, **changes: float) -> DeribitPortfolio:
    found = preset(name).methodology
    assert isinstance(found, DeribitPortfolio)
    return msgspec.structs.replace(found, **changes)


def btc(*positions: Position, **changes: float) -> Outcome:
    market = Snapshot(instant_ns=JUNE_2024, index={"BTC": 65_666.19})
    model = methodology("deribit_portfolio_2024_06", **changes)
    return model.outcome(Portfolio(positions=positions), market)


def eth(*positions: Position, **changes: float) -> Outcome:
    market = Snapshot(instant_ns=FEBRUARY_2026, index={"ETH": 1949.34})
    model = methodology("deribit_portfolio_2026_02", **changes)
    return model.outcome(Portfolio(positions=positions), market)


def matrix(outcome: Outcome) -> list[float]:
    return [one.profit for one in outcome.scenarios[:27]]


def tail(outcome: Outcome) -> list[float]:
    return [one.profit for one in outcome.scenarios[27:]]


def risk_matrix_margin(outcome: Outcome) -> float:
    names = ("worst case", "roll shock", "delta shock", "correlation contingency")
    return sum(part(outcome, name)[0] for name in names)


def thrice(buckets: list[float]) -> list[float]:
    return [value for value in buckets for _ in range(3)]


def test_the_reply_of_june_2024_to_every_printed_digit() -> None:
    book = perpetual("BTC", 0.314538364), future("BTC", -0.001187534)
    found = btc(*book, open_orders_margin=0.000018212, mmp_margin=0.06)

    assert matrix(found) == pytest.approx(thrice(BTC_AGGREGATED), abs=EXACT)
    assert tail(found) == [0.0] * 8
    assert max(-one for one in matrix(found)) == pytest.approx(0.05968587238095239, abs=EXACT)
    assert risk_matrix_margin(found) == pytest.approx(0.06284313098, abs=DIGITS)
    assert part(found, "roll shock")[0] == pytest.approx(0.00315725898, abs=DIGITS)
    assert part(found, "delta shock") == part(found, "correlation contingency") == (0.0, 0.0)
    assert found.initial == pytest.approx(0.122861343, abs=NINE_DECIMALS)
    assert found.maintenance == pytest.approx(0.050274504784, abs=DIGITS)
    assert found.binding == {"BTC": "-16.0%, volatility up"}
    assert found.notes == ()


def test_the_reply_of_february_2026_to_every_printed_digit() -> None:
    found = eth(perpetual("ETH", -0.999487053))

    assert matrix(found) == pytest.approx(thrice(ETH_AGGREGATED), abs=EXACT)
    assert tail(found) == [0.0] * 8
    assert max(-one for one in matrix(found)) == pytest.approx(0.15246412672881357, abs=EXACT)
    assert risk_matrix_margin(found) == pytest.approx(0.157461562265, abs=DIGITS)
    assert part(found, "roll shock")[0] == pytest.approx(0.004997435265, abs=DIGITS)
    assert found.initial == pytest.approx(0.157461562, abs=NINE_DECIMALS)
    assert found.maintenance == pytest.approx(0.125969249812, abs=DIGITS)
    assert found.binding == {"ETH": "+18.0%, volatility up"}


@pytest.mark.parametrize(
    ("position", "vector"),
    [(perpetual("BTC", 0.314538364), BTC_PERPETUAL), (future("BTC", -0.001187534), BTC_28JUN24)],
)
def test_the_vectors_of_single_contracts_before_gains_are_cut(
    position: Position, vector: list[float]
) -> None:
    whole = {"pnl_offset": 1.0, "max_offsetable_pnl": 1e12, "extended_dampener": 0.0}
    found = btc(position, **whole)

    assert matrix(found) == pytest.approx(thrice(vector), abs=EXACT)
    # An extended move earns a linear book what the edge of the matrix on its side does.
    assert tail(found) == pytest.approx([vector[0]] * 2 + [vector[-1]] * 6, abs=EXACT)


def test_the_vector_of_eth_before_gains_are_cut() -> None:
    whole = {"pnl_offset": 1.0, "extended_dampener": 0.0}
    found = eth(perpetual("ETH", -0.999487053), **whole)

    low, high = 0.21939959699999997, -0.15246412672881357
    assert [matrix(found)[0], matrix(found)[-1]] == pytest.approx([low, high], abs=EXACT)
    assert tail(found) == pytest.approx([low] * 2 + [high] * 6, abs=EXACT)
