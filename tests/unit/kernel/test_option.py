from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

from novate.kernel.codes import Kind
from novate.kernel.option import option_values

SPOTS = np.array([60.0, 100.0, 170.0])
PLAIN = (False, False, 0.0, 0, 0.0, 0.0)  # no barrier
FLAT = (0.0, 0.04, 0.0, 0.0, 0.0, 0.1)  # carry, then a total variance of 0.04 at any strike


def values(kind: Kind, side: float, *, is_coin: bool, left: float = 1.0) -> np.ndarray:  # type: ignore[type-arg]
    """Values of an option at 100 that pays 1, a year after the smile had a year to go."""
    out = np.empty(3)
    option_values(int(kind), side, 100.0, 1.0, is_coin, *PLAIN, left, 1.0, *FLAT, SPOTS, out)
    return out


@pytest.mark.parametrize("is_coin", [False, True])
def test_a_call_less_a_put_is_the_forward(is_coin: bool) -> None:
    call, put = (values(Kind.EUROPEAN, side, is_coin=is_coin) for side in (1.0, -1.0))
    forward = (SPOTS - 100.0) / (SPOTS if is_coin else 1.0)
    assert call - put == pytest.approx(forward, abs=1e-12)


@pytest.mark.parametrize("is_coin", [False, True])
def test_a_digital_call_and_put_pay_together_whatever_happens(is_coin: bool) -> None:
    call, put = (values(Kind.DIGITAL, side, is_coin=is_coin) for side in (1.0, -1.0))
    assert call + put == pytest.approx(1.0, abs=1e-14)


def test_a_digital_has_the_probability_of_a_normal_distribution() -> None:
    d2 = np.log(SPOTS / 100.0) / 0.2 - 0.1
    assert values(Kind.DIGITAL, 1.0, is_coin=False) == pytest.approx(norm.cdf(d2), rel=1e-12)
    in_coin = values(Kind.DIGITAL, 1.0, is_coin=True)
    assert in_coin == pytest.approx(norm.cdf(d2 + 0.2), rel=1e-12)


def test_total_variance_shrinks_with_the_time_to_expiry() -> None:
    at_the_money = float(values(Kind.EUROPEAN, 1.0, is_coin=False, left=0.25)[1])
    assert at_the_money == pytest.approx(100.0 * (2 * norm.cdf(0.05) - 1), rel=1e-12)


def test_without_time_an_option_is_worth_its_intrinsic_value() -> None:
    found = values(Kind.EUROPEAN, -1.0, is_coin=False, left=0.0)
    assert found == pytest.approx([40.0, 0.0, 0.0], abs=1e-12)


def test_the_smile_is_read_at_the_moneyness_of_the_forward() -> None:
    out, slope = np.empty(1), 0.05
    # w(k) = 0.04 + 0.05 (sqrt(k^2 + 0.01) - 0.1): carry moves the forward to the strike.
    smile = (math.log(2.0), 0.04 - 0.1 * slope, slope, 0.0, 0.0, 0.1)
    option_values(1, 1.0, 100.0, 0.0, False, *PLAIN, 1.0, 1.0, *smile, np.array([50.0]), out)
    assert out[0] == pytest.approx(100.0 * (2 * norm.cdf(0.1) - 1), rel=1e-9)
