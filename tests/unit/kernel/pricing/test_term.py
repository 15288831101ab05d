"""One term and its derivatives: against derivatives in many digits, and its limits."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest

from novate.kernel.jit import kernel
from novate.kernel.pricing import term

ORDERS = [
    (0, 0, 0, 0), (1, 0, 0, 0), (2, 0, 0, 0), (3, 0, 0, 0), (0, 1, 0, 0), (1, 1, 0, 0),
    (2, 1, 0, 0), (0, 2, 0, 0), (0, 0, 1, 0), (1, 0, 1, 0), (2, 0, 1, 0), (0, 0, 0, 1),
]  # fmt: skip
"""Orders in x, y (logarithm of volatility), t (of time) and the rate, in the order of a jet."""


@kernel
def image(*inputs):  # type: ignore[no-untyped-def]
    return term.image_jet(*inputs)


def exact(inputs: tuple[float, ...], x: mp.mpf, y: mp.mpf, t: mp.mpf, r: mp.mpf) -> mp.mpf:
    """The term with its lead, as its docstring says, x, y, t and r away from the inputs."""
    flip, c, c_x, c_y, a, a_x, a_y, C, half, s, g0, C_t, C_r, L_t, L_r = map(mp.mpf, inputs)
    grown = mp.expm1(y)
    c, a = c + c_x * x + c_y * grown, a + a_x * x + a_y * grown
    s *= mp.exp(y + t / 2)
    C += C_t * mp.expm1(t) + C_r * r
    lead = g0 * x + L_t * t + L_r * r
    v = s * s
    M = C + half * v
    return mp.exp(lead + M * c / v) * mp.erfc(-flip * (M + c - a) / s / mp.sqrt(2)) / 2


@pytest.mark.parametrize("flip", [1.0, -1.0])
@pytest.mark.parametrize("half", [0.5, -0.5])
@pytest.mark.parametrize(("c", "c_x"), [(0.0, 0.0), (-0.3, 2.0), (0.5, -2.0)])
def test_a_jet_holds_the_derivatives(flip: float, half: float, c: float, c_x: float) -> None:
    c_y = 0.04 if c else 0.0
    inputs = (flip, c, c_x, c_y, 0.1, -1.0, 0.03, 0.02, half, 0.35, 1.0, 0.02, 1.0, -0.01, -1.0)
    found = image(*inputs)
    for value, orders in zip(found, ORDERS, strict=True):
        along = [axis for axis in range(4) if orders[axis]]
        with mp.workdps(30):
            expected = exact(inputs, mp.mpf(0), mp.mpf(0), mp.mpf(0), mp.mpf(0))
            if along:

                def moved(*values: mp.mpf, along: list[int] = along) -> mp.mpf:
                    at = [mp.mpf(0)] * 4
                    for axis, moved_by in zip(along, values, strict=True):
                        at[axis] = moved_by
                    return exact(inputs, *at)

                counts = tuple(orders[axis] for axis in along)
                expected = mp.diff(moved, (0,) * len(along), counts)
        assert value == pytest.approx(float(expected), rel=1e-12, abs=1e-13), orders


def test_a_lead_alone_is_an_exponential() -> None:
    assert term.lead_jet(-1.0, 0.5, 2.0) == (1, -1, 1, -1, 0, 0, 0, 0, 0.5, -0.5, 0.5, 2.0)


def test_jets_add_place_by_place() -> None:
    one = tuple(float(k) for k in range(12))
    assert term.add(one, -2.0, one) == tuple(-k for k in one)
    assert term.add(term.NOTHING, 1.0, one) == one


def test_far_out_and_close_to_no_volatility_a_jet_is_finite() -> None:
    for s in (term.SPREAD_MIN, 1e-9, 1e3):
        for a in (-600.0, -1e-3, 1e-3, 600.0):
            inputs = (1.0, 0.0, 0.0, 0.0, a, -1.0, 0.0, 0.02, 0.5, s, 1.0, 0.02, 1.0, 0.0, 0.0)
            assert np.isfinite(image(*inputs)).all(), (s, a)


def test_greeks_divide_the_logarithmic_derivatives_by_their_inputs() -> None:
    # V = S^3 sigma^2 T (1 + rate): derivatives of logarithms are powers.
    S, vol, T = 2.0, 0.5, 0.25
    V = S**3 * vol**2 * T
    jet = tuple(
        V * factor for factor in (1.0, 3.0, 9.0, 27.0, 2.0, 6.0, 18.0, 4.0, 1.0, 3.0, 9.0, 1.0 / T)
    )
    out = np.empty((term.GREEKS, 1))
    term.fill_greeks(jet, S, vol, T, out, 0)

    expected = {
        term.DELTA: 3 * V / S, term.GAMMA: 6 * V / S**2, term.SPEED: 6 * V / S**3,
        term.VEGA: 2 * V / vol, term.VOLGA: 2 * V / vol**2, term.VANNA: 6 * V / (S * vol),
        term.ZOMMA: 12 * V / (S**2 * vol), term.THETA: -V / T, term.CHARM: -3 * V / (S * T),
        term.COLOUR: -6 * V / (S**2 * T), term.RHO: V,
    }  # fmt: skip
    for row, value in expected.items():
        assert out[row, 0] == pytest.approx(value, rel=1e-14), row
