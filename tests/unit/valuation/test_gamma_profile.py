"""Books over a ladder of spots, and where gamma changes its sign."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import PchipInterpolator
from scipy.optimize import brentq

from novate.errors import InputError
from novate.kernel.clearing.value import INVERSE
from novate.valuation import pricing
from novate.valuation.gamma_profile import (
    Sticky,
    gamma_profile,
    monotone_cubic,
    moved,
    sticky_delta,
)
from novate.valuation.holding import NO_EXPIRY, Kind, unit_risk
from tests.unit.valuation.books import ETH, NOW, contract, contracts, market

ROWS = [
    contract(Kind.EUROPEAN, strike=50_000.0, side=-1.0),
    contract(Kind.EUROPEAN, strike=56_000.0, side=-1.0),
    contract(Kind.EUROPEAN, strike=63_000.0),
    contract(Kind.EUROPEAN, INVERSE, strike=70_000.0),
    contract(Kind.FUTURE, INVERSE, strike=60_000.0, unit=1_000.0, expiry_ns=NO_EXPIRY),
]
TERMS = contracts(ROWS)
AT = market(TERMS)
QUANTITY = np.array([5.0, -3.0, 2.0, -4.0, 7.0])
SPOTS = np.linspace(45_000.0, 80_000.0, 141)


@pytest.mark.parametrize("sticky", Sticky)
def test_delta_and_gamma_are_the_slopes_of_the_value_under_the_rule(sticky: Sticky) -> None:
    h = 2.0
    # Away from the strikes of the smile, where its slope has corners.
    for spot in (52_345.0, 60_700.0, 67_890.0):
        near = [spot - h, spot, spot + h]
        profile = gamma_profile(TERMS, AT, QUANTITY, near, sticky=sticky)
        low, _, high = profile.value
        slope = (profile.delta[2] - profile.delta[0]) / (2 * h)

        assert (high - low) / (2 * h) == pytest.approx(profile.delta[1], rel=1e-6, abs=1e-7)
        assert slope == pytest.approx(profile.gamma[1], rel=1e-5)


def test_at_the_present_spot_gamma_has_both_sides_of_every_strike() -> None:
    h = 60.0  # a tenth of a per cent
    profile = gamma_profile(TERMS, AT, QUANTITY, [6e4 - h, 6e4, 6e4 + h], sticky=Sticky.DELTA)
    slope = (profile.delta[2] - profile.delta[0]) / (2 * h)
    _, _, sides = monotone_cubic(
        np.array([-0.1, 0.0, 0.2]), np.array([0.6, 0.5, 0.48]), np.array([-2e-3, 0.0, 2e-3])
    )

    assert profile.gamma[1] == pytest.approx(slope, rel=2e-3)
    assert sides[1] == pytest.approx(0.5 * (sides[0] + sides[2]), rel=0.05)
    assert abs(sides[2] - sides[0]) > 0.5


def test_gamma_has_no_jump_where_a_contract_crosses_a_strike_of_the_smile() -> None:
    spots = 60_000.0 * (1.0 + np.linspace(-1e-5, 1e-5, 3))
    profile = gamma_profile(TERMS, AT, QUANTITY, spots, sticky=Sticky.DELTA)
    wide = gamma_profile(TERMS, AT, QUANTITY, [59_500.0, 60_500.0], sticky=Sticky.DELTA)

    assert np.ptp(profile.gamma) < 0.05 * np.ptp(wide.gamma)


def test_at_the_present_spot_both_rules_have_the_value_of_the_book() -> None:
    now = float((unit_risk(TERMS, AT)["value"] * QUANTITY).sum())
    for sticky in Sticky:
        profile = gamma_profile(TERMS, AT, QUANTITY, [50_000.0, 60_000.0], sticky=sticky)
        assert profile.value[1] == pytest.approx(now, rel=1e-12)


def test_sticky_strike_keeps_the_black_greeks_of_each_contract() -> None:
    terms = contracts(ROWS[:3])
    at = market(terms, settlement_price=np.ones(3))
    profile = gamma_profile(terms, at, np.array([1.0, 0.0, 0.0]), [59_000.0, 61_000.0])
    f = at.forward[0] / at.spot[0]
    greeks = pricing.greeks(-1, 61_000.0 * f, 50_000.0, 30 / 365, at.vol[0], 0.03)

    assert profile.value[1] == pytest.approx(greeks.price, rel=1e-12)
    assert profile.delta[1] == pytest.approx(greeks.delta * f, rel=1e-12)
    assert profile.gamma[1] == pytest.approx(greeks.gamma * f * f, rel=1e-12)
    assert profile.vega[1] == pytest.approx(greeks.vega, rel=1e-12)


def test_sticky_delta_reads_the_smile_at_the_new_moneyness() -> None:
    vol, slope, _ = sticky_delta(TERMS, AT, 63_000.0 / 56_000.0)

    # The forward rose by K3/K2: the third strike now is where the second one was.
    assert vol[2] == pytest.approx(AT.vol[1], rel=1e-12)
    assert vol[0] == AT.vol[0]  # beyond the last strike the smile is flat
    assert slope[0] == 0.0
    assert vol[4] == AT.vol[4]
    np.testing.assert_array_equal(sticky_delta(TERMS, AT, 1.0)[0], AT.vol)


def test_the_smile_between_strikes_is_the_monotone_cubic_of_scipy() -> None:
    x, y = np.array([-0.2, -0.05, 0.1, 0.3, 0.35]), np.array([0.8, 0.62, 0.6, 0.65, 0.7])
    at = np.linspace(-0.199, 0.349, 300)
    at = at[np.abs(at[:, None] - x).min(axis=1) > 1.001e-3]
    inner = (at > x[1]) & (at < x[3])  # at its ends ours turns flat, to go on so
    expected = PchipInterpolator(x, y)
    for k, values in enumerate(monotone_cubic(x, y, at)):
        np.testing.assert_allclose(values[inner], expected(at[inner], k), rtol=1e-10, atol=1e-12)

    value, first, second = monotone_cubic(x, y, np.array([-0.3, 0.4]))
    assert value.tolist() == [0.8, 0.7]
    assert first.tolist() == second.tolist() == [0.0, 0.0]
    assert monotone_cubic(x, y, at)[0].min() >= 0.6


def test_zero_gamma_levels_are_those_of_another_root_finder() -> None:
    quantity = np.array([-3.0, 4.0, 4.0, -6.0, 1.0])
    profile = gamma_profile(TERMS, AT, quantity, SPOTS)

    def gamma(spot: float) -> float:
        risk = unit_risk(TERMS, moved(TERMS, AT, spot, AT.vol))
        return float(risk["gamma"] @ quantity)

    brackets = np.flatnonzero(np.sign(profile.gamma[1:]) != np.sign(profile.gamma[:-1]))
    expected = [brentq(gamma, SPOTS[k], SPOTS[k + 1], xtol=1e-9) for k in brackets]

    assert len(expected) >= 2
    np.testing.assert_allclose(profile.zero_gamma, expected, rtol=1e-10)


def test_a_long_option_book_has_no_zero_gamma_level_and_a_book_of_futures_none_either() -> None:
    long = gamma_profile(TERMS, AT, np.array([1.0, 1.0, 1.0, 0.0, 0.0]), SPOTS)
    linear = contracts([contract(Kind.FUTURE, strike=60_000.0)])
    futures = gamma_profile(linear, market(linear), np.ones(1), SPOTS)

    assert (long.gamma > 0.0).all()
    assert long.zero_gamma.size == futures.zero_gamma.size == 0
    assert (futures.gamma == 0.0).all()


def test_a_contract_without_a_price_is_counted_and_left_out() -> None:
    at = market(TERMS)
    at.vol[1] = np.nan
    profile = gamma_profile(TERMS, at, QUANTITY, SPOTS)
    others = np.where(np.arange(5) == 1, 0.0, QUANTITY)

    assert profile.unpriced == 1
    np.testing.assert_allclose(profile.value, gamma_profile(TERMS, AT, others, SPOTS).value)


@pytest.mark.parametrize("spots", [[1.0], [2.0, 1.0], [0.0, 1.0], [[1.0, 2.0]]])
def test_a_ladder_that_does_not_increase_from_above_zero_is_refused(spots: object) -> None:
    with pytest.raises(InputError, match="at least two"):
        gamma_profile(TERMS, AT, QUANTITY, spots)  # type: ignore[arg-type]


def test_two_underlyings_are_refused() -> None:
    terms = contracts([ROWS[0], contract(Kind.EUROPEAN, underlying=ETH, strike=3_000.0)])

    with pytest.raises(InputError, match="contracts of one"):
        gamma_profile(terms, market(terms), np.ones(2), SPOTS)
    assert AT.as_of_ns == NOW
