"""Strict functions: limits, edges and what holds exactly.  Their errors: tests/golden."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from novate.kernel.pricing.special import EXP_MAX, EXP_MIN, TAIL_MAX
from tests.unit.kernel.pricing_sample import fill_special

FINITE = st.floats(-700, 700)


def apply(*x: float) -> np.ndarray:
    """Rows exp, log|x|, mills|x|, density, tail of |x|, distribution."""
    out = np.empty((6, len(x)))
    fill_special(np.array(x), out)
    return out


@given(FINITE)
def test_the_exponential_is_close_to_the_librarys(x: float) -> None:
    assert apply(x)[0, 0] == pytest.approx(math.exp(x), rel=4e-16)


def test_the_exponential_ends_in_zero_below_and_stays_finite_above() -> None:
    below = math.nextafter(EXP_MIN, -math.inf)
    got = apply(-math.inf, below, EXP_MIN, EXP_MAX, 1e300, math.inf)[0]

    assert got[:2].tolist() == [0.0, 0.0]
    assert got[2] == pytest.approx(math.exp(EXP_MIN), rel=1e-15)
    assert (got[3:] == got[3]).all()
    assert got[3] == pytest.approx(math.exp(EXP_MAX), rel=1e-15)


def test_no_function_hides_that_its_input_is_not_a_number() -> None:
    got = apply(math.nan)[:, 0]

    assert np.isnan(got[[0, 3, 4, 5]]).all()


def test_exact_values_are_exact() -> None:
    got = apply(0.0, 1.0)

    assert got[0, 0] == 1.0
    assert got[1, 1] == 0.0
    assert got[4, 0] == got[5, 0] == 0.5


@given(st.floats(1e-300, 1e300, exclude_min=True, exclude_max=True))
def test_the_logarithm_is_close_to_the_librarys(x: float) -> None:
    assert apply(x)[1, 0] == pytest.approx(math.log(x), rel=4e-16, abs=0)


@given(st.integers(-990, 990))
def test_the_logarithm_of_a_power_of_two_is_that_many_times_ln_two(n: int) -> None:
    assert apply(2.0**n)[1, 0] == pytest.approx(n * math.log(2.0), rel=2.3e-16, abs=0)


@given(st.floats(-37.0, 37.0))
def test_the_distribution_function_is_close_to_scipys(x: float) -> None:
    # SciPy drops the rounding error of the square: at 37 that is 684 times 2**-53, and more.
    assert apply(x)[5, 0] == pytest.approx(special.ndtr(x), rel=1e-12, abs=0)


@given(st.floats(0.0, 37.0))
def test_the_two_tails_add_up_to_one(a: float) -> None:
    got = apply(a, -a)

    assert got[5, 0] + got[5, 1] == 1.0
    assert got[5, 1] == got[4, 0]


@given(st.lists(st.floats(-40.0, 40.0), min_size=2, max_size=40))
def test_the_distribution_function_rises(xs: list[float]) -> None:
    xs.sort()
    got = apply(*xs)[5]

    assert (np.diff(got) >= -1.2e-15 * got[1:]).all()


def test_the_tail_ends_in_zero_where_no_normal_float_holds_it() -> None:
    normal, inside, beyond = apply(37.5, TAIL_MAX, 38.0)[4]

    assert normal > 2.0**-1022 > inside > 1e-309
    assert beyond == 0.0


def test_the_mills_ratio_falls_from_its_value_at_zero() -> None:
    got = apply(*np.linspace(0, 39, 500))[2]

    assert got[0] == pytest.approx(math.sqrt(math.pi / 2), rel=2e-16)
    assert (np.diff(got) < 0).all()
    assert got[-1] == pytest.approx(1 / 39, rel=1e-3)
