"""Greeks of barriers at their limits: touched, without volatility or time, at the barrier."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from novate.kernel.codes import BarrierPayoff, BarrierState
from novate.kernel.pricing import barrier
from novate.kernel.pricing.barrier_greeks import barrier_greeks, weights
from novate.kernel.pricing.passage import region_in, region_out, tail_over
from novate.kernel.pricing.term import (
    COLOUR,
    DELTA,
    GAMMA,
    GREEKS,
    PRICE,
    RHO,
    SPEED,
    THETA,
    VEGA,
    VOLGA,
    ZOMMA,
)
from tests.unit.kernel.pricing.test_barrier import GOOD


def run(*changes: dict[int, float], held: bool = False) -> np.ndarray:
    columns = [[({**GOOD, **change})[row] for row in range(barrier.INPUTS)] for change in changes]
    at = np.ascontiguousarray(np.array(columns, np.float64).T)
    out, status = np.empty((GREEKS, len(changes))), np.empty(len(changes), np.int8)
    barrier_greeks(at, held, out, status)
    assert not status.any()
    return out


@pytest.mark.parametrize("is_in", [True, False])
@pytest.mark.parametrize("w", [1.0, -1.0])
@pytest.mark.parametrize("k", [-0.5, -0.2, 0.1, 0.6])
def test_weights_make_the_probability_of_a_region(is_in: bool, w: float, k: float) -> None:
    h, M, s = 0.2, 0.03, 0.4
    for has_image in (0.0, 1.0):
        flip, at_k, at_h, image_k, image_h = weights(is_in, w, k, h, M, has_image)

        def plain(a: float, flip: float = flip) -> float:
            return tail_over(flip * a, flip * M, s)

        def image(a: float) -> float:
            return math.exp(-2 * M * h / s**2) * tail_over(a + 2 * h, M, s)

        total = at_k * plain(k) + at_h * plain(-h) + image_k * image(k) + image_h * image(-h)
        region = region_in if is_in else region_out
        assert total == pytest.approx(region(w, k, h, M, s, has_image), abs=1e-15)


def test_a_rebate_that_is_due_has_no_greeks_and_one_in_the_underlying_has_a_delta() -> None:
    due = {barrier.STATE: BarrierState.TOUCHED}
    asset = {**due, barrier.PAYOFF: BarrierPayoff.ASSET_ANYWHERE}
    coin = {**due, barrier.IN_COIN: 1}
    out = run(due, asset, coin, {barrier.STATE: BarrierState.KNOCKED})

    assert out[PRICE].tolist() == [2.0, 200.0, 2.0, 0.0]
    assert out[DELTA].tolist() == [0.0, 2.0, 0.0, 0.0]
    assert not out[DELTA + 1 :].any()


def test_without_volatility_or_time_greeks_are_those_of_a_known_path() -> None:
    deep = {barrier.S: 120, barrier.REBATE: 0}
    out = run({**deep, barrier.VOL: 0}, {**deep, barrier.T: 0}, {**deep, barrier.VOL: 1e-9})

    assert np.isfinite(out).all()
    assert out[DELTA, 0] == pytest.approx(math.exp(-0.01 * 0.5))
    assert out[DELTA, 1] == pytest.approx(1.0)
    assert np.abs(out[[GAMMA, VEGA, VOLGA, SPEED, COLOUR, ZOMMA]]).max() < 1e-18
    assert out[RHO, 0] == pytest.approx(0.5 * 100 * math.exp(-0.05 * 0.5))
    assert out[THETA, 1] == pytest.approx(0.01 * 120 - 0.05 * 100)


def test_close_to_the_barrier_an_out_option_has_the_delta_of_what_it_will_lose() -> None:
    # It falls to its rebate in a straight line: value = 2 + delta * distance.
    out = run({barrier.S: 90.001}, {barrier.S: 90.002})

    assert out[PRICE, 0] - 2.0 == pytest.approx(0.001 * out[DELTA, 0], rel=1e-3)
    assert out[DELTA, 0] == pytest.approx(out[DELTA, 1], rel=1e-3)


def test_held_forward_and_held_yield_differ_by_what_the_carry_is_worth() -> None:
    change = {barrier.R: 0.07, barrier.Q: 0.07}  # no carry: nothing to hold for theta
    spot, held = run(change), run(change, held=True)

    rows = [row for row in range(GREEKS) if row != RHO]
    np.testing.assert_array_equal(spot[rows], held[rows])
    assert spot[RHO, 0] != held[RHO, 0]


def test_in_coin_with_the_forward_held_there_is_no_rho() -> None:
    out = run({barrier.IN_COIN: 1, barrier.REBATE: 0.02}, held=True)

    assert out[RHO, 0] == 0.0


def test_extreme_inputs_overflow_no_greek() -> None:
    wild = [
        {
            barrier.S: 100, barrier.H: 90, barrier.K: K, barrier.VOL: vol, barrier.T: T,
            barrier.IS_IN: is_in, barrier.MONITORING: monitoring,
        }
        for K, vol, T, is_in, monitoring in itertools.product(
            (1e-6, 90.0, 101.0, 1e6), (0.0, 1e-9, 0.01, 20.0), (0.0, 1e-12, 30.0), (0, 1), (1, 3)
        )
    ]  # fmt: skip
    assert np.isfinite(run(*wild)).all()
