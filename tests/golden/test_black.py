"""Black-76 and coin-settled options against published rows.

Sources stand at the data: Haug's book of 1998 in `data/european.csv` (prices, pages 2-8, 24 and 27)
and in `GREEKS` (pages 11-16), both through QuantLib's tests at commit 2a13d455048c.  The rows of
coin-settled options are checked by an expectation under the coin's own measure.

Haug prints spot Greeks.  With F = S e^((r-q)T): delta_S = delta F/S, gamma_S = gamma (F/S)^2,
theta_S = theta - (r-q) F delta, dV/dq = -T F delta, elasticity = delta_S S/V.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad

from novate import pricing

DATA = Path(__file__).parent / "data" / "european.csv"
SIDE = {"call": 1, "put": -1}
ROWS = list(
    csv.DictReader(line for line in DATA.read_text().splitlines() if not line.startswith("#"))
)

# QuantLib testGreekValues; theta is per day of 365.
GREEKS = [
    ("delta", "call", 105.0, 100.0, 0.10, 0.10, 0.5, 0.36, 0.5946),
    ("elasticity", "put", 105.0, 100.0, 0.10, 0.10, 0.5, 0.36, -4.8775),
    ("gamma", "call", 55.0, 60.0, 0.10, 0.0, 0.75, 0.30, 0.0278),
    ("gamma", "put", 55.0, 60.0, 0.10, 0.0, 0.75, 0.30, 0.0278),
    ("theta", "put", 430.0, 405.0, 0.07, 0.05, 1 / 12, 0.20, -0.0855),
    ("dividend rho", "put", 500.0, 490.0, 0.08, 0.05, 0.25, 0.15, 42.2254),
]

# type, F, K, T, vol; price in coin, price in USD, black delta, net transaction delta.
COIN = [
    (
        ("call", 60_000.0, 60_000.0, 0.0821917808219178, 0.55),
        (0.06284015181972256, 3770.409109183354, 0.5314200759098613, 0.4685799240901387),
    ),
    (
        ("put", 100_000.0, 100_000.0, 0.0027397260273972603, 0.40),
        (0.00835248477471394, 835.248477471394, -0.495823757612643, -0.5041762423873569),
    ),
    (
        ("call", 3_000.0, 3_500.0, 0.2465753424657534, 0.70),
        (0.08042189853599864, 241.26569560799592, 0.39370273345614326, 0.31328083492014464),
    ),
]


@pytest.mark.rule("9.8")
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"row {row['row']} page {row['page']}")
def test_a_price_is_the_one_in_the_book(row: dict[str, str]) -> None:
    S, K, r, q, T, vol = (float(row[name]) for name in ("S", "K", "r", "q", "T", "vol"))
    F = pricing.forward(S, r, q, T).forward

    priced = pricing.black76(SIDE[row["type"]], F, K, T, vol, r)

    assert priced.status == 0
    assert priced.price == pytest.approx(float(row["price"]), abs=1e-4)


def test_the_book_has_all_its_rows() -> None:
    assert len(ROWS) == 22
    assert sum(row["r"] == row["q"] for row in ROWS) == 20


@pytest.mark.parametrize("row", GREEKS, ids=lambda row: f"{row[0]} of a {row[1]}")
def test_a_greek_is_the_one_in_the_book(row: tuple[str, str, *tuple[float, ...]]) -> None:
    name, side, S, K, r, q, T, vol, expected = row
    F = float(pricing.forward(S, r, q, T).forward)
    g = pricing.greeks(SIDE[side], F, K, T, vol, r)
    spot = {
        "delta": g.delta * F / S,
        "elasticity": g.delta * F / g.price,
        "gamma": g.gamma * (F / S) ** 2,
        "theta": (g.theta - (r - q) * F * g.delta) / 365,
        "dividend rho": -T * F * g.delta,
    }

    assert spot[name] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(("inputs", "expected"), COIN)
def test_a_coin_settled_option_has_its_published_numbers(
    inputs: tuple[str, float, float, float, float], expected: tuple[float, float, float, float]
) -> None:
    side, F, K, T, vol = inputs
    coin, usd, black_delta, net = expected
    g = pricing.inverse_greeks(SIDE[side], F, K, T, vol)
    priced = pricing.greeks(SIDE[side], F, K, T, vol)

    assert g.price == pytest.approx(coin, rel=1e-13)
    assert pricing.inverse(SIDE[side], F, K, T, vol).price == g.price
    assert priced.price == pytest.approx(usd, rel=1e-13)
    assert priced.delta == pytest.approx(black_delta, rel=1e-13)
    assert g.net_delta == pytest.approx(net, rel=1e-13)


@pytest.mark.rule("9.9")
@pytest.mark.parametrize(("inputs", "expected"), COIN)
def test_a_coin_price_is_the_expected_payoff_under_the_coins_measure(
    inputs: tuple[str, float, float, float, float], expected: tuple[float, float, float, float]
) -> None:
    # With the coin as numeraire ln S drifts by +sigma^2/2: E[max(c (S - K), 0) / S].
    side, F, K, T, vol = inputs
    c, s = SIDE[side], vol * math.sqrt(T)

    def integrand(z: float) -> float:
        S = F * math.exp(s * z + s * s / 2)
        return max(c * (S - K), 0.0) / S * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)

    kink = (math.log(K / F) - s * s / 2) / s
    value = sum(quad(integrand, a, b, epsabs=1e-14)[0] for a, b in ((-12, kink), (kink, 12)))

    assert value == pytest.approx(expected[0], rel=1e-11)
    assert np.asarray(pricing.inverse(c, F, K, T, vol).price) == pytest.approx(value, rel=1e-11)
