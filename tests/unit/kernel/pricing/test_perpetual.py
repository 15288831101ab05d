"""Fair perpetuals: no arbitrage, statuses, small growth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.kernel.codes import PricingStatus
from novate.kernel.pricing import perpetual

#        form, S, r, q, k, i, period, at end, covariance
GOOD = (0.0, 100.0, 0.04, 0.02, 0.01, 0.005, 0.25, 0.0, 0.0)


def run(*columns: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    at = np.ascontiguousarray(np.array(columns).T)
    out, status = np.empty((perpetual.OUTPUTS, len(columns))), np.empty(len(columns), np.int8)
    perpetual.perpetual_values(at, out, status)
    return out, status


@given(
    g=st.floats(-0.3, 0.3),
    k=st.floats(1e-4, 0.5),
    i=st.floats(-0.01, 0.01),
    period=st.sampled_from([1 / 1095, 1 / 365, 0.25]),
    is_at_end=st.booleans(),
)
def test_holding_a_fairly_priced_perpetual_for_a_period_earns_nothing(
    g: float, k: float, i: float, period: float, is_at_end: bool
) -> None:
    out, status = run((0.0, 100.0, g, 0.0, k, i, period, float(is_at_end), 0.0))
    if status[0] != 0:
        assert i >= k or math.exp(g * period) - 1.0 >= k * (1.0 - 1e-12) / (1.0 - k * is_at_end)
        return
    f = float(out[perpetual.DELTA, 0])
    growth = math.exp(g * period)
    funding = (k * (f - 1.0) + i) * (growth if is_at_end else 1.0)

    assert f * growth - f - funding == pytest.approx(0.0, abs=1e-11 * max(1.0, f))


def test_a_premium_of_funding_vanishes_with_the_period() -> None:
    # k and i per period of a period that shrinks approach the continuous contract.
    period = 1e-9
    out, _ = run(
        (0.0, 100.0, 0.04, 0.02, 0.2 * period, 0.005 * period, period, 0.0, 0.0),
        (0.0, 100.0, 0.04, 0.02, 0.2, 0.005, 0.0, 0.0, 0.0),
    )

    assert out[0, 0] == pytest.approx(out[0, 1], rel=1e-9)


def test_an_inverse_is_a_linear_contract_on_the_inverse_price() -> None:
    inverse = (1.0, 100.0, *GOOD[2:])
    mirrored = (0.0, 0.01, GOOD[3], GOOD[2], *GOOD[4:])

    out, _ = run(inverse, mirrored)

    assert out[0, 0] == pytest.approx(1.0 / out[0, 1], rel=1e-14)


@pytest.mark.parametrize(
    ("row", "value", "status"),
    [
        (perpetual.R, np.nan, PricingStatus.NOT_FINITE),
        (perpetual.S, 0.0, PricingStatus.FORWARD_NOT_POSITIVE),
        (perpetual.PERIOD, -1.0, PricingStatus.TIME_NEGATIVE),
        (perpetual.FORM, 3.0, PricingStatus.PARAMETER_OUT_OF_RANGE),
        (perpetual.AT_END, 0.5, PricingStatus.PARAMETER_OUT_OF_RANGE),
        (perpetual.FUNDING, 0.005, PricingStatus.PARAMETER_OUT_OF_RANGE),
        (perpetual.FUNDING, 0.0051, PricingStatus.OK),
        (perpetual.R, 0.2, PricingStatus.PARAMETER_OUT_OF_RANGE),
    ],
)
def test_a_bad_element_is_nan_with_its_reason_and_spoils_no_other(
    row: int, value: float, status: PricingStatus
) -> None:
    changed = (*GOOD[:row], value, *GOOD[row + 1 :])

    out, statuses = run(GOOD, changed, GOOD)

    assert statuses.tolist() == [0, status, 0]
    assert np.isnan(out[:, 1]).all() == (status != 0)
    assert np.array_equal(out[:, 0], out[:, 2])


@pytest.mark.parametrize("x", [0.0, 1e-12, -1e-6, 0.0099, -0.0101, 0.5, -3.0])
def test_growth_keeps_its_digits_when_it_is_small(x: float) -> None:
    assert perpetual.growth(x) == pytest.approx(math.expm1(x), rel=3e-14, abs=0.0)


def test_a_dated_future_is_worth_the_forward() -> None:
    spot, years, r, q = (
        np.array(c)
        for c in (
            [100.0, 100.0, -1.0, 100.0],
            [0.5, 0.0, 1.0, -1.0],
            [0.1, 0.1, 0.1, 0.1],
            [0.02, 0.02, 0.02, 0.02],
        )
    )
    out, status = np.empty((perpetual.OUTPUTS, 4)), np.empty(4, np.int8)
    perpetual.dated_values(spot, years, r, q, out, status)

    assert status.tolist() == [
        0,
        0,
        PricingStatus.FORWARD_NOT_POSITIVE,
        PricingStatus.TIME_NEGATIVE,
    ]
    assert out[perpetual.PRICE, :2].tolist() == pytest.approx([100 * math.exp(0.04), 100.0])
    assert out[perpetual.BASIS, 0] == pytest.approx(math.expm1(0.04))
    assert np.isnan(out[:, 2:]).all()
