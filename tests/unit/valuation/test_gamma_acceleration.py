"""Gamma that moves: speed, colour, zomma, doubling times and strikes about to be pinned."""

from __future__ import annotations

import math

import numpy as np
import pytest

from novate.kernel.clearing.value import INVERSE
from novate.valuation import pricing
from novate.valuation.gamma_acceleration import (
    doubling_years,
    gamma_acceleration,
    pin_list,
    strike_distance,
)
from novate.valuation.holding import Kind, unit_risk
from tests.unit.valuation.books import DAY, NOW, contract, contracts, market

SOON = NOW + 2 * DAY
ROWS = [
    contract(Kind.EUROPEAN, strike=60_000.0, expiry_ns=SOON),
    contract(Kind.EUROPEAN, strike=60_000.0, side=-1.0, expiry_ns=SOON),
    contract(Kind.EUROPEAN, strike=61_000.0, expiry_ns=SOON),
    contract(Kind.EUROPEAN, INVERSE, strike=62_000.0, side=-1.0, expiry_ns=SOON),
    contract(Kind.EUROPEAN, strike=80_000.0, expiry_ns=SOON),
    contract(Kind.EUROPEAN, strike=60_500.0),
    contract(Kind.FUTURE),
    contract(Kind.EUROPEAN, strike=-1.0, expiry_ns=SOON),
]
TERMS = contracts(ROWS)
AT = market(TERMS, vol=np.full(len(ROWS), 0.6))
RISK = unit_risk(TERMS, AT)
QUANTITY = np.array([10.0, -4.0, -50.0, 3.0, 9.0, 8.0, 7.0, 6.0])


def test_gamma_at_the_money_doubles_from_seven_days_to_one_and_three_quarters() -> None:
    passed = doubling_years(100.0, 100.0, 7 / 365, 0.6)
    seven = pricing.greeks(1, 100.0, 100.0, 7 / 365, 0.6).gamma
    later = pricing.greeks(1, 100.0, 100.0, 1.75 / 365, 0.6).gamma

    assert passed * 365 == pytest.approx(5.25, rel=1e-3)
    assert later == pytest.approx(2 * seven, rel=2e-3)


@pytest.mark.parametrize("strike", [100.0, 102.0, 97.0])
def test_gamma_has_doubled_when_the_doubling_time_has_passed(strike: float) -> None:
    years, vol = 20 / 365, 0.6
    passed = doubling_years(100.0, strike, years, vol)
    now = pricing.greeks(1, 100.0, strike, years, vol).gamma
    then = pricing.greeks(1, 100.0, strike, years - passed, vol).gamma

    assert 0.0 < passed < years
    assert then == pytest.approx(2 * now, rel=1e-9)


def test_gamma_far_from_the_strike_never_doubles() -> None:
    years = np.linspace(1e-4, 1.0, 2_000) * 30 / 365
    gamma = pricing.greeks(1, 100.0, 160.0, years, 0.6).gamma

    assert doubling_years(100.0, 160.0, 30 / 365, 0.6) == np.inf
    assert gamma.max() < 2 * gamma[-1]


def test_nothing_left_has_no_doubling_time() -> None:
    assert np.isnan(doubling_years(100.0, 100.0, [0.0, 1.0], [0.5, 0.0])).all()
    for wrong in (0.0, -1.0, np.nan, np.inf):
        assert np.isnan(doubling_years([wrong, 100.0], [100.0, wrong], 0.1, 0.5)).all()
        assert np.isnan(doubling_years(100.0, 100.0, [wrong, 0.1], [0.5, wrong])).all()
    assert np.isnan(doubling_years(1e300, 1e-300, 0.1, 0.5))


def test_acceleration_is_quantity_times_the_greeks_of_one() -> None:
    found = gamma_acceleration(TERMS, AT, RISK, QUANTITY)
    for name in ("gamma", "speed", "colour", "zomma"):
        np.testing.assert_array_equal(getattr(found, name)[:7], (QUANTITY * RISK[name])[:7])
        assert np.isnan(getattr(found, name)[7])


def test_strikes_within_one_standard_deviation_are_near() -> None:
    found = gamma_acceleration(TERMS, AT, RISK, QUANTITY)
    one = 0.6 * np.sqrt(2 / 365)

    assert found.distance[2] == pytest.approx(np.log(61_000 / AT.forward[2]) / one, rel=1e-12)
    assert found.is_near.tolist() == [True, True, True, True, False, True, False, False]
    assert np.isnan(found.distance[6:]).all()
    assert np.isnan(found.doubling_years[6:]).all()


def test_at_expiry_only_the_strike_itself_is_near() -> None:
    at = market(TERMS, as_of_ns=SOON, forward=np.full(len(ROWS), 60_000.0))

    assert strike_distance(TERMS, at)[:3].tolist() == [0.0, 0.0, np.inf]


def test_the_pin_list_nets_calls_and_puts_and_puts_the_largest_gamma_first() -> None:
    found = pin_list(TERMS, AT, RISK, QUANTITY, days=7.0)
    gamma = QUANTITY * RISK["cash_gamma"]

    assert found.strike.tolist() == [61_000.0, 60_000.0, 62_000.0]
    assert found.quantity.tolist() == [-50.0, 6.0, 3.0]
    np.testing.assert_allclose(found.cash_gamma, [gamma[2], gamma[0] + gamma[1], gamma[3]])
    assert found.distance[1] == strike_distance(TERMS, AT)[0]
    assert found.expiry_ns.tolist() == [SOON] * 3
    assert found.underlying.tolist() == [0] * 3
    assert found.years == pytest.approx(2 / 365)


def test_a_strike_that_nets_to_nothing_and_a_late_expiry_are_not_listed() -> None:
    even = np.array([4.0, -4.0, 0.0, 0.0, 0.0, 8.0, 0.0, 0.0])

    assert len(pin_list(TERMS, AT, RISK, even)) == 0
    assert pin_list(TERMS, AT, RISK, even, days=31.0).strike.tolist() == [60_500.0]


def test_a_strike_is_pinned_up_to_one_standard_deviation_from_the_forward() -> None:
    total = 0.6 * math.sqrt(2 / 365)
    forward = 60_000.0 * math.exp(0.05 * 2 / 365)
    strikes = [forward * math.exp(x * total) for x in (-1.05, -0.99, 0.99, 1.05)]
    terms = contracts([contract(Kind.EUROPEAN, strike=k, expiry_ns=SOON) for k in strikes])
    at = market(terms, vol=np.full(4, 0.6))
    found = pin_list(terms, at, unit_risk(terms, at), np.ones(4))

    assert sorted(found.strike.tolist()) == strikes[1:3]
    assert found.distance == pytest.approx([0.99, 0.99])
