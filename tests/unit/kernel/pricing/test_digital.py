"""Digital kernel: statuses in their order, limits, and neighbours left alone."""

from __future__ import annotations

import numpy as np
import pytest

from novate.kernel.codes import PricingStatus
from novate.kernel.pricing import digital
from novate.kernel.pricing.term import DELTA, GREEKS, PRICE, VEGA

#         c, asset, coin, amount, F, K, T, vol, R
GOOD = (1.0, 0.0, 0.0, 10.0, 100.0, 90.0, 0.5, 0.4, 0.05)


def run(*columns: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    at = np.ascontiguousarray(np.array(columns).T)
    out, status = np.empty((GREEKS, len(columns))), np.empty(len(columns), np.int8)
    digital.digital_greeks(at, out, status)
    again = np.empty_like(status)
    digital.digital_status(at, again)
    assert np.array_equal(status, again)
    return out, status


def with_(row: int, value: float) -> tuple[float, ...]:
    return (*GOOD[:row], value, *GOOD[row + 1 :])


@pytest.mark.parametrize(
    ("row", "value", "status"),
    [
        (digital.VOL, np.nan, PricingStatus.NOT_FINITE),
        (digital.F, np.inf, PricingStatus.NOT_FINITE),
        (digital.SIDE, 0.0, PricingStatus.SIDE_UNKNOWN),
        (digital.F, 0.0, PricingStatus.FORWARD_NOT_POSITIVE),
        (digital.K, -1.0, PricingStatus.STRIKE_NOT_POSITIVE),
        (digital.T, -0.1, PricingStatus.TIME_NEGATIVE),
        (digital.VOL, -0.1, PricingStatus.VOLATILITY_NEGATIVE),
        (digital.AMOUNT, -1.0, PricingStatus.PARAMETER_OUT_OF_RANGE),
        (digital.PAYS_ASSET, 0.5, PricingStatus.PARAMETER_OUT_OF_RANGE),
    ],
)
def test_a_bad_element_is_nan_with_its_reason_and_spoils_no_other(
    row: int, value: float, status: PricingStatus
) -> None:
    alone, _ = run(GOOD)

    out, statuses = run(GOOD, with_(row, value), GOOD)

    assert statuses.tolist() == [0, status, 0]
    assert np.isnan(out[:, 1]).all()
    assert np.array_equal(out[:, [0]], alone)
    assert np.array_equal(out[:, [2]], alone)


@pytest.mark.parametrize("limit", [digital.T, digital.VOL])
@pytest.mark.parametrize(("forward", "share"), [(100.0, 1.0), (90.0, 0.5), (80.0, 0.0)])
def test_without_time_or_volatility_it_is_worth_its_payoff_at_the_forward(
    limit: int, forward: float, share: float
) -> None:
    column = list(with_(limit, 0.0))
    column[digital.F] = forward

    out, _ = run(tuple(column))

    discount = np.exp(-column[digital.R] * column[digital.T])
    assert out[PRICE, 0] == pytest.approx(10.0 * share * discount, abs=1e-14)
    assert np.isfinite(out).all()
    if share != 0.5:
        assert out[DELTA : VEGA + 1, 0].tolist() == [0.0, 0.0, 0.0]


def test_far_wings_keep_their_relative_accuracy() -> None:
    out, _ = run((1.0, 0.0, 0.0, 1.0, 100.0, 100.0 * np.exp(9.0), 1.0, 0.4, 0.0))

    # N(-22.7), to three digits: 2.1e-114.
    assert 1e-114 < out[PRICE, 0] < 1e-113
