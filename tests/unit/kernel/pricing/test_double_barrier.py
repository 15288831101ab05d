"""Double barrier kernel: statuses, states, and what wide and narrow corridors become."""

from __future__ import annotations

import numpy as np
import pytest

from novate.kernel.codes import BarrierState, PricingStatus
from novate.kernel.pricing import double_barrier as double
from novate.kernel.pricing.term import GREEKS, PRICE

GOOD = {
    double.SIDE: 1, double.IS_IN: 0, double.S: 100, double.K: 100, double.LOWER: 80,
    double.UPPER: 125, double.T: 0.25, double.VOL: 0.3, double.R: 0.05, double.Q: 0.0,
    double.STATE: 0, double.IN_COIN: 0,
}  # fmt: skip


def run(*changes: dict[int, float]) -> tuple[np.ndarray, np.ndarray]:
    columns = [[({**GOOD, **change})[row] for row in range(double.INPUTS)] for change in changes]
    at = np.ascontiguousarray(np.array(columns, np.float64).T)
    out, status = np.empty((GREEKS, len(changes))), np.empty(len(changes), np.int8)
    double.double_barrier_greeks(at, False, out, status)
    return out, status


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({double.Q: np.nan}, PricingStatus.NOT_FINITE),
        ({double.SIDE: 0}, PricingStatus.SIDE_UNKNOWN),
        ({double.S: 0}, PricingStatus.FORWARD_NOT_POSITIVE),
        ({double.LOWER: 0}, PricingStatus.STRIKE_NOT_POSITIVE),
        ({double.T: -1}, PricingStatus.TIME_NEGATIVE),
        ({double.VOL: -1}, PricingStatus.VOLATILITY_NEGATIVE),
        ({double.S: 79}, PricingStatus.BARRIER_CROSSED),
        ({double.S: 126}, PricingStatus.BARRIER_CROSSED),
        ({double.LOWER: 125, double.STATE: 2}, PricingStatus.BARRIERS_CROSS),
        ({double.STATE: 3}, PricingStatus.PARAMETER_OUT_OF_RANGE),
    ],
)
def test_a_bad_element_is_nan_with_its_reason_and_spoils_no_other(
    change: dict[int, float], status: PricingStatus
) -> None:
    out, statuses = run({}, change, {})

    assert statuses.tolist() == [0, status, 0]
    assert np.isnan(out[:, 1]).all()
    assert np.array_equal(out[:, 0], out[:, 2])


def test_a_corridor_far_narrower_than_the_volatility_is_never_survived() -> None:
    out, _ = run({double.VOL: 40.0}, {double.LOWER: 99.999, double.UPPER: 100.001})

    assert np.abs(out[PRICE]).max() < 1e-13


def test_a_corridor_far_wider_than_the_volatility_is_the_vanilla() -> None:
    wide = {double.LOWER: 1e-6, double.UPPER: 1e9}
    out, _ = run(wide, {**wide, double.IS_IN: 1, double.STATE: BarrierState.KNOCKED})

    assert out[PRICE, 0] == pytest.approx(out[PRICE, 1], rel=1e-13)


def test_knocked_an_out_option_is_over_and_an_in_option_a_vanilla() -> None:
    knocked = {double.STATE: BarrierState.KNOCKED}
    out, _ = run(knocked, {**knocked, double.IS_IN: 1}, {double.IS_IN: 1}, {})

    assert out[PRICE, 0] == 0.0
    assert out[PRICE, 1] == pytest.approx(out[PRICE, 2] + out[PRICE, 3], rel=1e-13)


def test_a_strike_beyond_the_upper_barrier_pays_a_call_nothing() -> None:
    out, _ = run({double.K: 130})

    assert out[PRICE, 0] == 0.0


def test_at_every_limit_greeks_are_finite() -> None:
    wild = [
        {double.VOL: vol, double.T: years, double.K: strike, double.IS_IN: is_in}
        for vol in (0.0, 1e-9, 0.01, 20.0)
        for years in (0.0, 1e-12, 30.0)
        for strike in (1e-6, 81.0, 1e6)
        for is_in in (0, 1)
    ]
    out, status = run(*wild)

    assert not status.any()
    assert np.isfinite(out).all()


def test_prices_alone_are_the_first_row_of_the_greeks() -> None:
    changes = [{}, {double.IS_IN: 1}, {double.S: 79}, {double.STATE: BarrierState.KNOCKED}]
    out, status = run(*changes)
    columns = [[({**GOOD, **change})[row] for row in range(double.INPUTS)] for change in changes]
    price, again = np.empty(4), np.empty(4, np.int8)
    double.double_barrier_prices(
        np.ascontiguousarray(np.array(columns).T, np.float64), price, again
    )

    np.testing.assert_array_equal(price, out[PRICE])
    np.testing.assert_array_equal(again, status)
