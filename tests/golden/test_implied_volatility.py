"""Implied volatilities against 50-digit arithmetic, two other libraries and hard cases."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from novate.kernel.pricing.black import black_prices
from novate.valuation.implied import implied_volatility
from tests.golden.implied_accuracy import price_of, rows

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # types that SWIG makes have no module
    import QuantLib

from py_lets_be_rational import implied_volatility_from_a_transformed_rational_guess as rational

# Normalised Black prices beta(x, s) = e^(x/2) N(x/s + s/2) - e^(-x/2) N(x/s - s/2) at points
# spread over the regions of P. Jaeckel, Let's be rational (2015), in 60 digits: x, beta, s.
HARD = [
    (0.0, "3.989422804014326846245807e-9", 1e-8),
    (0.0, "0.07965567455405796733786782", 0.2),
    (0.0, "0.9999366575163337601574925", 8.0),
    (-0.001, "0.000004245351204101507456831169", 0.0005),
    (-0.5, "2.437472601635654794372997e-141", 0.02),
    (-2.0, "8.218114160111014972973489e-43", 0.15),
    (-8.0, "1.920686283832470238862813e-59", 0.5),
    (-0.001, "0.00008331546397705101508633963", 0.001),
    (-10.0, "6.611749177891192394751865e-25", 1.0),
]
# Here the price is within 1e-9 of its maximum: a change in its last digit moves s by 1e-9.
NEAR_MAXIMUM = (-32.0, "0.0000001125351745405224453808788", 16.0)

# The grid of QuantLib's blackformula.cpp, testRadoicicStefanicaImpliedVol (commit 2a13d45):
# F = 100, T = 1.7, r = 0.1, vol = 0.3; prices in 30 digits.
GRID = [
    (1, 50, "42.535354202181712515"),
    (-1, 60, "1.1340208620231959584"),
    (1, 70, "27.991355817552630378"),
    (-1, 80, "5.1692438000131222157"),
    (1, 90, "17.087876017513748474"),
    (-1, 100, "13.081698737073627834"),
    (1, 110, "9.9176939897501357934"),
    (-1, 125, "27.55317516492599482"),
    (1, 150, "3.1008710736961505931"),
    (-1, 200, "85.070708404363425031"),
    (1, 300, "0.041570191228991245114"),
]


@pytest.mark.parametrize(("x", "beta", "s"), HARD)
def test_a_normalised_price_gives_back_its_total_volatility(x: float, beta: str, s: float) -> None:
    F, K = np.exp(0.5 * x), np.exp(-0.5 * x)

    as_call = implied_volatility(float(beta), F, K, 1.0, 1)
    as_put = implied_volatility(float(beta), K, F, 1.0, -1)

    assert as_call == (pytest.approx(s, rel=1e-12, abs=0.0), 0)
    assert as_put == (pytest.approx(s, rel=1e-12, abs=0.0), 0)


def test_a_price_next_to_its_maximum_comes_back_to_the_last_digit() -> None:
    x, beta, s = NEAR_MAXIMUM
    F, K = np.exp(0.5 * x), np.exp(-0.5 * x)

    vol, status = implied_volatility(float(beta), F, K, 1.0, 1)

    assert status == 0
    assert vol == pytest.approx(s, rel=2e-9)
    assert price_of(1.0, F, K, float(vol))[0] == pytest.approx(float(beta), rel=3e-16, abs=0.0)


@pytest.mark.parametrize(("side", "strike", "price"), GRID)
def test_a_discounted_price_gives_back_its_volatility(side: int, strike: float, price: str) -> None:
    found = implied_volatility(float(price), 100.0, strike, 1.7, side, rate=0.1)

    assert found == (pytest.approx(0.3, abs=1e-12), 0)


def test_no_error_exceeds_a_few_roundings_of_price_or_result_anywhere() -> None:
    # In units of half the last place, times the condition of the problem where that is above 1.
    # One unit is what rounding the price, or the result, costs already.
    cells = [errors for _, line in rows(30, 77) for errors in line]

    assert sum(errors.size for errors in cells) > 1_000
    assert max(errors.max(initial=0.0) for errors in cells) < 10.0


def moderate(size: int, seed: int) -> list[np.ndarray]:
    """Options that a desk sees: c, F, K, T, vol, price, out of the money or at it."""
    rng = np.random.default_rng(seed)
    F, T = 10.0 ** rng.uniform(1, 5, size), rng.uniform(0.01, 3, size)
    vol = rng.uniform(0.1, 2.5, size)
    K = F * np.exp(rng.uniform(-3, 3, size) * vol * np.sqrt(T))
    c = np.where(K > F, 1.0, -1.0)
    price = np.empty(size)
    black_prices(c, F, K, T, vol, np.zeros(size), price)
    return [c, F, K, T, vol, price]


def test_quantlib_finds_the_same_standard_deviations() -> None:
    c, F, K, T, _, price = moderate(400, 8)
    ours = implied_volatility(price, F, K, T, c).vol * np.sqrt(T)
    rows_of = zip(*(column.tolist() for column in (c, K, F, price, 1.1 * ours)), strict=True)
    theirs = [
        QuantLib.blackFormulaImpliedStdDev(
            QuantLib.Option.Call if side > 0 else QuantLib.Option.Put,
            *(strike, forward, paid, 1.0, 0.0, guess, 1e-14, 1000),
        )
        for side, strike, forward, paid, guess in rows_of
    ]

    assert ours == pytest.approx(theirs, rel=1e-10)


def test_the_reference_implementation_of_the_rational_start_finds_the_same() -> None:
    c, F, K, T, _, price = moderate(400, 9)
    theirs = [
        rational(*row)
        for row in zip(price.tolist(), F.tolist(), K.tolist(), T.tolist(), c.tolist(), strict=True)
    ]

    assert implied_volatility(price, F, K, T, c).vol == pytest.approx(theirs, rel=1e-12)
