from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.market.volatility.chain import PriceUnit
from novate.market.volatility.discount import (
    DiscountReason,
    DiscountTerms,
    ImpliedDiscount,
    imply_discount,
)

TERMS = DiscountTerms()


def parity(
    unit: PriceUnit,
    discount: float,
    seed: int,
    strikes: int = 25,
    half: float = 0.002,
    missed: float = 1.0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places and intervals around exact parity, which lies anywhere inside them.

    ``missed`` is the forward used over the right one.
    """
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(0.5, 1.9, strikes))
    true = discount * (1.0 - x * missed)
    if unit is PriceUnit.QUOTE:
        true = true / missed  # in shares of the forward used
    width = half * rng.uniform(0.3, 1.7, strikes)
    middle = true + width * rng.uniform(-1.0, 1.0, strikes)
    return x, middle - width, middle + width


def implied(unit: PriceUnit, discount: float, seed: int, **more: float) -> ImpliedDiscount:
    return imply_discount(unit, *parity(unit, discount, seed, **more), 0.5, 1.0, TERMS)  # type: ignore[arg-type]


@given(
    st.sampled_from(list(PriceUnit)), st.floats(0.9, 1.05), st.integers(0, 2**32 - 1),
    st.floats(0.98, 1.02),
)  # fmt: skip
def test_a_known_factor_comes_back_within_its_error_though_the_forward_is_wrong(
    unit: PriceUnit, discount: float, seed: int, missed: float
) -> None:
    found = implied(unit, discount, seed, missed=missed)

    assert abs(found.value - discount) <= 5.0 * found.error
    assert found.error < 0.003


@pytest.mark.parametrize("unit", PriceUnit)
def test_the_stated_error_is_the_scatter_over_many_markets(unit: PriceUnit) -> None:
    found = [implied(unit, 0.96, seed) for seed in range(400)]
    z = np.array([(one.value - 0.96) / one.error for one in found])

    assert np.sqrt(np.mean(z * z)) == pytest.approx(1.0, abs=0.15)
    assert np.mean(z) == pytest.approx(0.0, abs=0.2)


@pytest.mark.parametrize("unit", PriceUnit)
def test_a_tenth_of_the_strikes_may_be_far_off(unit: PriceUnit) -> None:
    x, low, high = parity(unit, 0.95, 3, strikes=40)
    for bound in (low, high):
        bound[::10] += 0.05
    found = imply_discount(unit, x, low, high, 0.5, 1.0, TERMS)

    assert found.reason is DiscountReason.IMPLIED
    assert found.value == pytest.approx(0.95, abs=4.0 * found.error)


def test_a_factor_that_cannot_be_told_from_the_given_one_is_not_used() -> None:
    found = implied(PriceUnit.COIN, 1.0, 1)

    assert found.reason is DiscountReason.INSIGNIFICANT
    assert (found.used, found.strikes) == (1.0, 25)
    assert found.value != 1.0


def test_a_factor_that_is_significantly_different_is_used() -> None:
    found = implied(PriceUnit.QUOTE, 0.97, 1)

    assert found.reason is DiscountReason.IMPLIED
    assert found.used == found.value


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"strikes": 5}, DiscountReason.FEW_STRIKES),
        ({"half": 0.2}, DiscountReason.IMPRECISE),
    ],
)
def test_without_a_precise_factor_the_given_one_stays(
    changes: dict[str, float], reason: DiscountReason
) -> None:
    found = implied(PriceUnit.QUOTE, 0.9, 2, **changes)

    assert (found.reason, found.used) == (reason, 1.0)
    assert math.isnan(found.value) == (reason is DiscountReason.FEW_STRIKES)


@pytest.mark.parametrize("discount", [0.5, -0.1])
def test_a_rate_that_nobody_pays_is_no_discount(discount: float) -> None:
    assert implied(PriceUnit.COIN, discount, 1).reason is DiscountReason.ABSURD
