"""Strict functions, prices and Greeks against 40-digit arithmetic.

The reference is that of `scripts/accuracy.py`: the textbook price in mpmath, and its numerical
derivatives.  The bounds on the functions are those that `kernel.pricing.special` states.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import mpmath
import numpy as np
import pytest

from novate import pricing
from tests.unit.kernel.pricing_sample import ordinary

ROOT = Path(__file__).parent.parent.parent


def load_program() -> ModuleType:
    """Load scripts/accuracy.py."""
    spec = importlib.util.spec_from_file_location("accuracy", ROOT / "scripts" / "accuracy.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ACCURACY = load_program()


def row(number: int, x: np.ndarray) -> np.ndarray:
    """A row of what `apply_special` fills: exp, log, mills, density, distribution."""
    out = np.empty((5, x.size))
    ACCURACY.apply_special(x, out)
    return out[number]


def worst(values: np.ndarray, exact: list[mpmath.mpf]) -> float:
    """Largest relative error."""
    return max(ACCURACY.relative(*pair) for pair in zip(values, exact, strict=True))


def draw(*spans: tuple[float, float]) -> np.ndarray:
    """Random points of each span, and its ends."""
    points = np.random.Generator(np.random.PCG64(2026))
    return np.concatenate([np.r_[a, points.uniform(a, b, 1_500), b] for a, b in spans])


def test_the_exponential_is_good_to_its_stated_error() -> None:
    x = draw((-708, 709), (-1, 1), (-1e-8, 1e-8))
    with mpmath.workdps(40):
        assert worst(row(0, x), [mpmath.exp(float(v)) for v in x]) < 1.35e-16


def test_the_logarithm_is_good_to_its_stated_error() -> None:
    x = np.concatenate([10.0 ** draw((-307, 308)), draw((0.5, 2.0), (0.999, 1.001))])
    with mpmath.workdps(40):
        assert worst(row(1, x), [mpmath.log(float(v)) for v in x]) < 1.55e-16


def test_the_logarithm_of_one_is_zero() -> None:
    assert row(1, np.array([1.0])) == [0.0]


def test_the_mills_ratio_is_good_to_its_stated_error() -> None:
    a = draw((0, 39), (0, 1))
    with mpmath.workdps(40):
        exact = [
            ACCURACY.exact_cdf(-mpmath.mpf(float(v)))
            * mpmath.exp(mpmath.mpf(float(v)) ** 2 / 2)
            * mpmath.sqrt(2 * mpmath.pi)
            for v in a
        ]
        assert worst(row(2, a), exact) < 9.5e-16


def test_the_normal_distribution_is_good_in_relative_terms_down_to_the_smallest_floats() -> None:
    x = draw((-37.5, 0), (-1, 9))
    with mpmath.workdps(40):
        assert worst(row(4, x), [ACCURACY.exact_cdf(mpmath.mpf(float(v))) for v in x]) < 1.2e-15


def test_the_density_is_good_in_relative_terms() -> None:
    x = draw((-37, 37))
    with mpmath.workdps(40):
        assert worst(row(3, x), [mpmath.npdf(float(v)) for v in x]) < 5e-16


@pytest.mark.parametrize("total", ACCURACY.TOTALS)
@pytest.mark.parametrize("coin", [False, True], ids=["Black-76", "coin price"])
@pytest.mark.parametrize("name", ACCURACY.ORDERS)
def test_a_greek_is_the_derivative_of_the_textbook_price(
    name: str, coin: bool, total: float
) -> None:
    if coin and name == "rho":
        assert not hasattr(pricing.inverse_greeks(1, 1.0, 1.0, 1.0, 1.0), name)
        return
    errors = [
        ACCURACY.error(name, c, total, z, coin=coin) for z in (-8, -1.5, 0, 3) for c in (1, -1)
    ]

    assert max(errors) < 1e-14 + 5e-15 / total


def test_prices_are_good_to_the_last_bits_over_the_whole_domain() -> None:
    inputs = np.array(ordinary(1_200))
    inputs = inputs[:, (inputs[3] > 0) & (inputs[4] > 0)]
    price = pricing.black76(*inputs).price
    of_total, of_itself = [], []
    with mpmath.workdps(60):
        for k, (c, F, K, T, vol, R) in enumerate(inputs.T.tolist()):
            exact = ACCURACY.exact_price(int(c), mpmath.mpf(K), *map(mpmath.mpf, (F, T, vol, R)))
            gap = float(abs(mpmath.mpf(float(price[k])) - exact))
            s, D = vol * T**0.5, float(mpmath.exp(-mpmath.mpf(R) * T))
            # An exponent of R T is rounded before it is raised to.
            of_total.append(gap / (D * (F + K) * (1 + abs(R * T))))
            if c * (F - K) < 0 and exact > 1e-290 * F:
                d = abs(float(mpmath.log(mpmath.mpf(F) / K))) / s + s
                of_itself.append(gap / float(exact) / ((1 + d) * (1 + 1 / s) + abs(R * T)))

    assert len(of_itself) > 200
    assert max(of_total) < 4e-16
    assert max(of_itself) < 1.2e-15


def test_the_page_holds_the_tables_that_the_program_prints_now() -> None:
    page = (ROOT / "docs" / "accuracy.md").read_text(encoding="utf-8")

    assert ACCURACY.tables() in page
