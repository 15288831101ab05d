"""Settlement over holders against plain loops."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from novate.kernel.clearing.settle import apply_cycle, apply_expiry, apply_funding
from novate.kernel.clearing.value import funding_payment
from novate.kernel.jit import kernel
from tests.unit.kernel import twin
from tests.unit.kernel.exposures import ASSETS, FORMS, UNITS, random_exposure


@kernel
def _payment(value, lots, rate):  # type: ignore[no-untyped-def]
    return funding_payment(value, lots, rate)


@pytest.mark.rule("8.7")
@given(
    st.one_of(st.integers(0, 2**60), st.sampled_from([0, 1, 10**9, 2**60])),
    st.sampled_from([-5, 0, 5]),
    st.integers(-(10**9), 10**9),
)
def test_payers_of_funding_round_up_and_receivers_down(size: int, lots: int, rate: int) -> None:
    paid = Fraction(size * rate * (1 if lots > 0 else -1 if lots < 0 else 0), 10**9)
    assert int(_payment(np.int64(size), np.int64(lots), np.int64(rate))) == math.ceil(paid)


@pytest.mark.rule("8.1", "8.2", "8.11")
@given(st.integers(0, 2**32), st.integers(0, 3), st.integers(1, 1_000), st.booleans())
@settings(max_examples=40)
def test_a_cycle_and_an_expiry_pay_every_holder_what_is_pending(
    seed: int, instrument: int, ticks: int, expires: bool
) -> None:
    x = random_exposure(np.random.default_rng(seed))
    rows = x.holders(instrument)
    before = x.accounts.used("balance").copy()
    asset, residue = ASSETS[instrument], 0
    expected = before.copy()
    values = {}
    for row in rows.tolist():
        lots, cost = int(x.positions.lots[row]), int(x.positions.settlement_cost[row])
        values[row] = twin.contract_value(FORMS[instrument], UNITS[instrument], ticks, lots)
        expected[x.positions.account[row], asset] += values[row] - cost
        expected[residue, asset] -= values[row] - cost
    settle = apply_expiry if expires else apply_cycle
    settle(
        x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), x.asset_arrays(), residue,
        instrument, ticks, rows,
    )  # fmt: skip
    assert (x.accounts.used("balance") == expected).all()
    for row in rows.tolist():
        left = (int(x.positions.lots[row]), int(x.positions.settlement_cost[row]))
        assert left == (0, 0) if expires else left[1] == values[row]


@pytest.mark.rule("8.7", "8.8")
@given(st.integers(0, 2**32), st.integers(0, 3), st.integers(-(10**8), 10**8))
@settings(max_examples=40)
def test_funding_conserves_money_and_the_residue_never_loses(
    seed: int, instrument: int, rate: int
) -> None:
    x = random_exposure(np.random.default_rng(seed))
    rows = x.holders(instrument)
    x.positions.lots[rows[1:]] *= -1
    sums = x.accounts.used("balance").sum(axis=0)
    kept = apply_funding(
        x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), 0, instrument, 50, rate,
        rows,
    )  # fmt: skip
    assert (x.accounts.used("balance").sum(axis=0) == sums).all()
    if rows.size and x.positions.lots[rows].sum() == 0 and FORMS[instrument] == 1:
        assert kept >= 0
