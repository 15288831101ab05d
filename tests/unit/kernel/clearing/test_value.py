"""Contract values and fees against fractions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.kernel.clearing.settle import value_of
from novate.kernel.clearing.value import INVERSE, LINEAR, fee_of
from novate.kernel.jit import kernel
from tests.unit.kernel import twin

LIMIT = 2**60


@kernel
def _fee(value, rate):  # type: ignore[no-untyped-def]
    return fee_of(value, rate)


@pytest.mark.rule("2.1")
@given(st.integers(1, 2**20), st.integers(1, 2**20), st.integers(-(2**20), 2**20))
def test_a_linear_value_is_the_product(unit: int, ticks: int, lots: int) -> None:
    assert int(value_of(LINEAR, unit, ticks, lots)) == twin.contract_value(1, unit, ticks, lots)


def test_a_linear_value_reaches_two_to_the_sixty() -> None:
    assert int(value_of(LINEAR, 2**20, 2**20, -(2**20))) == -LIMIT


@pytest.mark.rule("2.2", "2.3")
@given(st.integers(1, 2**40), st.integers(1, 10**10), st.integers(-(2**20), 2**20))
def test_an_inverse_value_is_rounded_half_away_from_zero(unit: int, ticks: int, lots: int) -> None:
    found = int(value_of(INVERSE, unit, ticks, lots))
    assert found == twin.contract_value(2, unit, ticks, lots)
    assert found == -int(value_of(INVERSE, unit, ticks, -lots))


@pytest.mark.rule("2.7")
@given(
    st.one_of(st.integers(-LIMIT, LIMIT), st.sampled_from([-LIMIT, -1, 0, 1, LIMIT])),
    st.integers(-100_000, 100_000),
)
def test_a_fee_is_rounded_against_the_account(value: int, rate: int) -> None:
    assert int(_fee(np.int64(value), np.int64(rate))) == twin.fee_of(value, rate)
