"""Barrier kernel: statuses in their order, states, schedules and limits."""

from __future__ import annotations

import math

import numpy as np
import pytest

from novate.kernel.codes import BarrierPayoff, BarrierState, Monitoring, PricingStatus
from novate.kernel.pricing import barrier
from novate.kernel.pricing.barrier_greeks import barrier_greeks
from novate.kernel.pricing.term import GREEKS, PRICE

GOOD = {
    barrier.SIDE: 1, barrier.DIRECTION: -1, barrier.IS_IN: 0, barrier.PAYOFF: 0, barrier.S: 100,
    barrier.K: 100, barrier.H: 90, barrier.AMOUNT: 1, barrier.REBATE: 2, barrier.T: 0.5,
    barrier.VOL: 0.3, barrier.R: 0.05, barrier.Q: 0.01, barrier.MONITORING: 1, barrier.INTERVAL: 0,
    barrier.STATE: 0, barrier.IN_COIN: 0,
}  # fmt: skip


def run(*changes: dict[int, float]) -> tuple[np.ndarray, np.ndarray]:
    columns = [[({**GOOD, **change})[row] for row in range(barrier.INPUTS)] for change in changes]
    at = np.ascontiguousarray(np.array(columns, np.float64).T)
    out, status = np.empty((GREEKS, len(changes))), np.empty(len(changes), np.int8)
    barrier_greeks(at, False, out, status)
    price, again = np.empty(len(changes)), np.empty(len(changes), np.int8)
    barrier.barrier_prices(at, price, again)
    assert np.array_equal(status, again)
    assert np.array_equal(price, out[PRICE], equal_nan=True)
    return out, status


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({barrier.S: np.nan}, PricingStatus.NOT_FINITE),
        ({barrier.SIDE: 2}, PricingStatus.SIDE_UNKNOWN),
        ({barrier.DIRECTION: 0}, PricingStatus.SIDE_UNKNOWN),
        ({barrier.S: -1}, PricingStatus.FORWARD_NOT_POSITIVE),
        ({barrier.K: 0}, PricingStatus.STRIKE_NOT_POSITIVE),
        ({barrier.H: 0}, PricingStatus.STRIKE_NOT_POSITIVE),
        ({barrier.T: -1}, PricingStatus.TIME_NEGATIVE),
        ({barrier.VOL: -1}, PricingStatus.VOLATILITY_NEGATIVE),
        ({barrier.S: 89.99}, PricingStatus.BARRIER_CROSSED),
        ({barrier.DIRECTION: 1}, PricingStatus.BARRIER_CROSSED),
        ({barrier.REBATE: -1}, PricingStatus.PARAMETER_OUT_OF_RANGE),
        ({barrier.PAYOFF: 5}, PricingStatus.PARAMETER_OUT_OF_RANGE),
        ({barrier.PAYOFF: 0.5}, PricingStatus.PARAMETER_OUT_OF_RANGE),
        ({barrier.MONITORING: 0}, PricingStatus.PARAMETER_OUT_OF_RANGE),
        ({barrier.MONITORING: Monitoring.SCHEDULE}, PricingStatus.PARAMETER_OUT_OF_RANGE),
        ({barrier.STATE: 3}, PricingStatus.PARAMETER_OUT_OF_RANGE),
        ({barrier.MONITORING: 3, barrier.STATE: 2}, PricingStatus.PARAMETER_OUT_OF_RANGE),
        ({barrier.R: -0.4, barrier.Q: -0.4}, PricingStatus.PARAMETER_OUT_OF_RANGE),
    ],
)
def test_a_bad_element_is_nan_with_its_reason_and_spoils_no_other(
    change: dict[int, float], status: PricingStatus
) -> None:
    out, statuses = run({}, change, {})

    assert statuses.tolist() == [0, status, 0]
    assert np.isnan(out[:, 1]).all()
    assert np.array_equal(out[:, 0], out[:, 2])


def test_a_rate_too_negative_for_the_rebate_is_no_trouble_without_one() -> None:
    _, status = run({barrier.R: -0.4, barrier.Q: -0.4, barrier.REBATE: 0})

    assert status.tolist() == [0]


def test_a_touch_leaves_the_vanilla_or_the_rebate() -> None:
    touched, knocked = {barrier.STATE: BarrierState.TOUCHED}, {barrier.STATE: BarrierState.KNOCKED}
    vanilla = {barrier.IS_IN: 1, barrier.H: 1e-6, barrier.REBATE: 0}
    out, _ = run(
        touched, knocked,
        {**touched, barrier.IS_IN: 1}, {**knocked, barrier.IS_IN: 1},
        {**vanilla, barrier.IS_IN: 0},
    )  # fmt: skip

    assert out[PRICE, 0] == 2.0
    assert out[PRICE, 1] == 0.0
    assert out[PRICE, 2] == out[PRICE, 3] == pytest.approx(out[PRICE, 4], rel=1e-13)


def test_knocked_then_the_price_falls_back_it_stays_knocked() -> None:
    state = {barrier.STATE: BarrierState.KNOCKED, barrier.IS_IN: 1}
    out, status = run({**state, barrier.S: 80}, {**state, barrier.S: 120}, {barrier.IS_IN: 1})

    assert status.tolist() == [0, 0, 0]
    assert out[PRICE, 1] > 20.0  # the vanilla, wherever the price is
    assert out[PRICE, 0] > 0.0


def test_a_spot_on_the_barrier_counts_as_a_touch_now() -> None:
    out, status = run({barrier.S: 90}, {barrier.S: 90, barrier.STATE: BarrierState.TOUCHED})

    assert status.tolist() == [0, 0]
    assert out[PRICE, 0] == out[PRICE, 1] == 2.0


def test_a_schedule_moves_the_barrier_away_from_the_spot() -> None:
    interval, vol = 0.5 / 50, 0.3
    moved = 90 * math.exp(-0.5825971579390106 * vol * math.sqrt(interval))
    out, _ = run(
        {barrier.MONITORING: Monitoring.SCHEDULE, barrier.INTERVAL: interval},
        {barrier.H: moved},
    )

    assert out[PRICE, 0] == pytest.approx(out[PRICE, 1], rel=1e-13)


def test_between_observations_the_price_may_be_beyond_the_barrier() -> None:
    schedule = {barrier.MONITORING: Monitoring.SCHEDULE, barrier.INTERVAL: 1 / 52}

    _, status = run({**schedule, barrier.S: 89.5}, {**schedule, barrier.S: 80.0})

    assert status.tolist() == [0, PricingStatus.BARRIER_CROSSED]


def test_watched_only_at_expiry_it_is_a_static_payoff() -> None:
    # A down-and-out call with strike 80 and barrier 90 pays S - 80 above 90: a call struck at the
    # barrier and ten digitals there.
    static = {barrier.MONITORING: Monitoring.AT_EXPIRY, barrier.REBATE: 0, barrier.K: 80}
    never = {barrier.H: 1e-6, barrier.REBATE: 0, barrier.K: 90}
    out, _ = run(static, never, {**never, barrier.PAYOFF: BarrierPayoff.CASH, barrier.AMOUNT: 10})

    assert out[PRICE, 0] == pytest.approx(out[PRICE, 1] + out[PRICE, 2], rel=1e-13)


def test_a_spot_beyond_a_barrier_watched_at_expiry_has_crossed_nothing() -> None:
    _, status = run({barrier.MONITORING: Monitoring.AT_EXPIRY, barrier.S: 80})

    assert status.tolist() == [0]


@pytest.mark.parametrize("monitoring", [1, 3])
def test_without_time_it_is_worth_its_payoff(monitoring: int) -> None:
    now = {barrier.T: 0, barrier.S: 110, barrier.MONITORING: monitoring}
    out, _ = run(now, {**now, barrier.IS_IN: 1})

    assert out[PRICE].tolist() == pytest.approx([10.0, 2.0], abs=1e-12)
    assert np.isfinite(out).all()


def test_without_volatility_the_path_is_known() -> None:
    sure = {barrier.VOL: 0, barrier.R: 0.0, barrier.Q: 0.5, barrier.T: 1.0}  # falls to 60.65
    out, _ = run(sure, {**sure, barrier.IS_IN: 1, barrier.SIDE: -1}, {**sure, barrier.H: 50})

    assert out[PRICE, 0] == pytest.approx(2.0, rel=1e-12)
    assert out[PRICE, 1] == pytest.approx(100 - 100 * math.exp(-0.5), rel=1e-12)
    assert out[PRICE, 2] == pytest.approx(0.0, abs=1e-12)
    assert np.isfinite(out).all()


def test_extreme_inputs_overflow_nothing() -> None:
    wild = [
        {barrier.S: s, barrier.H: s * 0.9, barrier.K: k, barrier.VOL: vol, barrier.T: T}
        for s in (1e-8, 1e8)
        for k in (1e-8, 1e8)
        for vol in (1e-9, 0.01, 20.0)
        for T in (1e-12, 30.0)
    ]
    out, status = run(*wild, *({**change, barrier.IS_IN: 1} for change in wild))

    assert not status.any()
    assert np.isfinite(out[PRICE]).all()


def test_greeks_continue_across_the_moved_barrier_of_a_schedule() -> None:
    interval, vol = 1 / 365, 0.3
    moved = 90 * math.exp(-0.5825971579390106 * vol * math.sqrt(interval))
    watched = {barrier.MONITORING: Monitoring.SCHEDULE, barrier.INTERVAL: interval}
    # A smaller volatility moves the barrier past the first of these spots.
    out, status = run(*({**watched, barrier.S: moved * (1 + x)} for x in (1e-6, 1e-4)))

    assert not status.any()
    # Price, delta, gamma and vega; theta and rho vanish with the distance.
    assert out[:4, 0] == pytest.approx(out[:4, 1], rel=0.01)
