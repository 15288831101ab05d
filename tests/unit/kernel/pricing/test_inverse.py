"""Coin-settled options: the price over the forward, Greeks by bumps, limits, isolation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.kernel.pricing import black, inverse
from tests.unit.kernel.pricing_sample import F64, ordinary, sample

PLACES = ("c", "F", "K", "T", "vol")


def coin(inputs: list[F64]) -> F64:
    """All rows of `inverse_greeks`."""
    out = np.empty((inverse.GREEKS, inputs[0].size))
    inverse.inverse_greeks(*inputs[:5], out)
    return out


def undiscounted(inputs: list[F64]) -> F64:
    """All rows of `all_greeks` at a rate of zero."""
    out = np.empty((black.GREEKS, inputs[0].size))
    black.all_greeks(*inputs[:5], np.zeros(inputs[0].size), out)
    return out


def columns(*rows: tuple[float, ...]) -> list[F64]:
    """Rows c, F, K, T, vol as the columns of a kernel."""
    return [np.array(column) for column in zip(*rows, strict=True)]


def test_a_coin_price_is_the_undiscounted_price_over_the_forward_to_the_bit() -> None:
    inputs = ordinary(1_100)
    price = np.empty(1_100)
    inverse.inverse_prices(*inputs[:5], price)
    expected = undiscounted(inputs)[black.PRICE] / inputs[1]

    assert (price == expected).all()
    assert (coin(inputs)[inverse.PRICE] == expected).all()


def test_the_net_delta_is_black_delta_less_the_coin_price() -> None:
    inputs = ordinary(1_100)
    got, other = coin(inputs), undiscounted(inputs)
    # Exactly at a strike without time, delta is half of its jump on both sides.
    scale = 1.0 + inputs[2] / inputs[1]
    gap = got[inverse.NET] - (other[black.DELTA] - got[inverse.PRICE])

    assert (np.abs(gap) <= 4e-15 * scale).all()
    assert got[inverse.DELTA] * inputs[1] == pytest.approx(got[inverse.NET], rel=1e-15)


def test_greeks_follow_from_those_of_the_quote_price_by_the_quotient_rule() -> None:
    inputs = [column[:4_000] for column in ordinary(4_000)]
    F, s = inputs[1], inputs[4] * np.sqrt(inputs[3])
    got, g = coin(inputs), undiscounted(inputs)
    p = g[black.PRICE] / F
    p_F = (g[black.DELTA] - p) / F
    p_FF = (g[black.GAMMA] - 2 * p_F) / F
    expected = {
        inverse.GAMMA: (p_FF, (np.abs(g[black.GAMMA]) + 2 * np.abs(p_F)) / F),
        inverse.VEGA: (g[black.VEGA] / F, np.abs(g[black.VEGA]) / F),
        inverse.THETA: (g[black.THETA] / F, np.abs(g[black.THETA]) / F),
        inverse.VOLGA: (g[black.VOLGA] / F, np.abs(g[black.VOLGA]) / F),
    }
    keep = s > 1e-4
    for row, (value, size) in expected.items():
        # 1 + K/F over F^2: what cancels in the quotient rule.
        floor = (1 + inputs[2] / F) / F**2 if row == inverse.GAMMA else 0.0
        bound = 1e-12 * size + 1e-14 * floor
        assert (np.abs(got[row] - value)[keep] <= np.broadcast_to(bound, s.shape)[keep]).all(), row


BUMPS = [
    (inverse.DELTA, inverse.PRICE, "F", 1.0),
    (inverse.GAMMA, inverse.DELTA, "F", 1.0),
    (inverse.VEGA, inverse.PRICE, "vol", 1.0),
    (inverse.THETA, inverse.PRICE, "T", -1.0),
    (inverse.VANNA, inverse.DELTA, "vol", 1.0),
    (inverse.VOLGA, inverse.VEGA, "vol", 1.0),
    (inverse.CHARM, inverse.DELTA, "T", -1.0),
    (inverse.SPEED, inverse.GAMMA, "F", 1.0),
    (inverse.COLOUR, inverse.GAMMA, "T", -1.0),
    (inverse.ZOMMA, inverse.GAMMA, "vol", 1.0),
]


@pytest.mark.parametrize(("greek", "of", "place", "sign"), BUMPS)
@given(
    st.sampled_from([1.0, -1.0]), st.floats(-6.0, 6.0), st.floats(0.05, 1.5), st.floats(0.01, 3.0)
)
def test_a_coin_greek_is_what_a_bump_gives(
    greek: int, of: int, place: str, sign: float, c: float, z: float, s: float, T: float
) -> None:
    row = [c, 100.0 * math.exp(z * s), 100.0, T, s / math.sqrt(T)]
    at = PLACES.index(place)
    h = {"F": row[1] * s, "vol": row[4], "T": T}[place] * 1e-4
    bumped = [list(row) for _ in range(5)]
    for line, n in zip(bumped, (0, 1, -1, 2, -2), strict=True):
        line[at] += n * h
    got = coin(columns(*map(tuple, bumped)))
    _, up, down, up2, down2 = got[of]
    slope = sign * (8 * (up - down) - (up2 - down2)) / (12 * h)
    F = row[1]
    floor = {inverse.PRICE: 1.0, inverse.DELTA: 1 / F, inverse.GAMMA: 1 / F**2}.get(of, 0.0)
    floor *= 1 + row[2] / F
    noise = 2e-15 * ((1 + abs(z)) / s * np.abs(got[of]).max() + floor) / h

    assert abs(got[greek, 0] - slope) <= 4 * noise + 1e-9 * abs(slope)


@pytest.mark.parametrize("limit", [(0.0, 0.6), (0.5, 0.0), (0.0, 0.0)])
def test_without_time_or_volatility_the_coin_price_is_the_payoff_in_coin(
    limit: tuple[float, float],
) -> None:
    inputs = columns(*((c, F, 100.0, *limit) for c in (1.0, -1.0) for F in (80.0, 125.0)))
    got = coin(inputs)

    assert got[inverse.PRICE].tolist() == [0.0, 0.2, 0.25, 0.0]
    assert got[inverse.NET].tolist() == [0.0, 0.8, -1.25, 0.0]
    # The payoff 1 - K/F of a call is concave in F: -2 K / F^3.
    assert got[inverse.GAMMA] == pytest.approx([0.0, -200 / 125**3, 200 / 80**3, 0.0], rel=1e-15)
    assert got[inverse.SPEED] == pytest.approx([0.0, 600 / 125**4, -600 / 80**4, 0.0], rel=1e-15)
    for row in ("VEGA", "THETA", "VANNA", "VOLGA", "CHARM", "COLOUR", "ZOMMA"):
        assert (got[getattr(inverse, row)] == 0.0).all()


@pytest.mark.parametrize("c", [1.0, -1.0])
def test_at_a_kink_coin_greeks_are_the_means_of_their_sides_or_zero(c: float) -> None:
    got = coin(columns((c, 100.0, 100.0, 0.0, 0.6), (c, 100.0, 100.0, 0.5, 0.0)))
    root = np.sqrt(0.5 / (2.0 * np.pi))

    np.testing.assert_allclose(got[inverse.NET], 0.5 * c, rtol=1e-15)
    np.testing.assert_allclose(got[inverse.GAMMA], -c / 100.0**2, rtol=1e-15)
    np.testing.assert_allclose(got[inverse.SPEED], 3.0 * c / 100.0**3, rtol=1e-15)
    np.testing.assert_allclose(got[inverse.VEGA], [0.0, root], rtol=1e-15)
    np.testing.assert_allclose(got[inverse.VANNA], [0.0, -0.5 * root / 100.0], rtol=1e-15)
    for row in ("PRICE", "THETA", "VOLGA", "CHARM", "COLOUR", "ZOMMA"):
        np.testing.assert_allclose(got[getattr(inverse, row)], 0.0, atol=1e-140)


def test_a_call_in_coin_is_worth_less_than_one_coin_whatever_the_volatility() -> None:
    vol = np.array([0.1, 1.0, 10.0, 1e3, 1e150])
    got = coin([np.ones(5), np.full(5, 200.0), np.full(5, 100.0), np.full(5, 1.0), vol])

    assert np.isfinite(got).all()
    assert (got[inverse.PRICE] <= 1.0).all()
    assert (np.diff(got[inverse.PRICE]) >= 0.0).all()


def test_nan_appears_where_black76_has_it_and_nowhere_else() -> None:
    inputs = [column.copy() for column in sample(200)]
    inputs[5][:] = 0.0
    status = np.empty(inputs[0].size, np.int8)
    black.black_status(*inputs, status)
    got = coin(inputs)
    # With a strike or a forward of 1e-160 a third power leaves the range of a float64.
    is_usual = (np.abs(np.log(np.abs(inputs[1]) + 1e-300)) < 100) & (inputs[2] < 1e100)

    assert (np.isnan(got[:, is_usual]) == (status[is_usual] != 0)).all()
    assert np.isnan(got[:, status != 0]).all()
    assert not np.isnan(got[inverse.PRICE, status == 0]).any()


def test_a_bad_row_changes_no_other_row() -> None:
    inputs = ordinary(257)
    clean = coin(inputs)
    for place in range(5):
        spoilt = [column.copy() for column in inputs]
        spoilt[place][::3] = np.nan
        got = coin(spoilt)

        assert np.isnan(got[:, ::3]).all()
        keep = np.arange(257) % 3 != 0
        assert (got[:, keep] == clean[:, keep]).all()
