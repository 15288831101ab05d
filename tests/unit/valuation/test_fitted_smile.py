"""Fitted surfaces under books: volatilities, spot ladders and profit explained."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from novate.market.volatility import Surface, fit_surface
from novate.valuation.fitted_smile import fitted_volatilities, smile_at, with_surfaces
from novate.valuation.gamma_profile import Sticky, gamma_profile
from novate.valuation.holding import NO_EXPIRY, Contracts, Kind, Market, unit_risk
from novate.valuation.pnl_explain import MARKET_TERMS, moves
from tests.unit.market.volatility.synthetic import CARRY, NOW, SPOT, black, chain
from tests.unit.valuation.books import BTC, DAY, ETH, contract, contracts


def fitted() -> Surface:
    surface = fit_surface(chain())
    assert isinstance(surface, Surface)
    return surface


SURFACE = fitted()
EXPIRIES = [NOW + days * DAY for days in (1, 30, 47, 400)]
TERMS = contracts(
    [
        contract(Kind.EUROPEAN, strike=strike, side=side, expiry_ns=expiry)
        for expiry in EXPIRIES
        for strike, side in ((44_000.0, -1.0), (51_000.0, 1.0), (80_000.0, 1.0))
    ]
    + [contract(Kind.FUTURE, strike=50_000.0, expiry_ns=NO_EXPIRY)]
)


def at_spot(terms: Contracts, spot: float = SPOT) -> Market:
    """A market on the forwards of the surface, without volatilities of its own."""
    years = np.where(terms.expiry_ns == NO_EXPIRY, 0.0, (terms.expiry_ns - NOW) / (365 * DAY))
    one = np.ones(len(terms))
    return Market(
        as_of_ns=NOW, spot=spot * one, forward=spot * np.exp(CARRY * years), vol=np.nan * one,
        rate=0.0 * one, settlement_price=one,
    )  # fmt: skip


AT = at_spot(TERMS)


def test_contracts_have_the_volatilities_that_the_surface_answers() -> None:
    vol, _, _ = fitted_volatilities(TERMS, AT, SURFACE)
    answered, status = SURFACE.volatility(TERMS.strike[:-1], TERMS.expiry_ns[:-1])

    assert not status.any()
    assert vol[:-1] == pytest.approx(answered, rel=1e-6)
    assert math.isnan(vol[-1])  # a future has none


@pytest.mark.parametrize("years", [0.001, 30 / 365, 0.2, 2.0])
def test_slopes_of_a_smile_are_those_of_its_values(years: float) -> None:
    k, h = np.linspace(-0.5, 0.5, 11), 1e-4
    low, middle, high = (smile_at(SURFACE, k + move, years) for move in (-h, 0.0, h))

    assert (high[0] - low[0]) / (2 * h) == pytest.approx(middle[1], abs=1e-6)
    assert (high[1] - low[1]) / (2 * h) == pytest.approx(middle[2], rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("sticky", Sticky)
def test_delta_and_gamma_are_the_slopes_of_the_value_under_the_rule(sticky: Sticky) -> None:
    quantity, h = np.linspace(-3.0, 4.0, len(TERMS)), 2.0
    for spot in (41_000.0, 50_000.0, 66_000.0):
        profile = gamma_profile(
            TERMS, AT, quantity, [spot - h, spot, spot + h], sticky=sticky, surface=SURFACE
        )
        low, _, high = profile.value
        slope = (profile.delta[2] - profile.delta[0]) / (2 * h)

        assert profile.unpriced == 0
        assert (high - low) / (2 * h) == pytest.approx(profile.delta[1], rel=1e-6, abs=1e-7)
        assert slope == pytest.approx(profile.gamma[1], rel=1e-5)


@pytest.mark.parametrize("sticky", Sticky)
def test_a_ladder_is_black_by_the_book_at_the_volatility_that_the_rule_keeps(
    sticky: Sticky,
) -> None:
    """Sticky strike reads the surface at the present forward, sticky delta at the moved one."""
    terms, spot = TERMS.take(np.array([4])), 57_000.0
    profile = gamma_profile(
        terms, at_spot(terms), np.ones(1), [SPOT, spot], sticky=sticky, surface=SURFACE
    )
    years = 30 / 365
    moved = spot * math.exp(CARRY * years)
    read = moved if sticky is Sticky.DELTA else SPOT * math.exp(CARRY * years)
    raw = SURFACE.slices[2].raw
    w = raw.a + raw.b * (
        raw.rho * (math.log(51_000.0 / read) - raw.m)
        + math.hypot(math.log(51_000.0 / read) - raw.m, raw.sigma)
    )

    assert profile.value[1] == pytest.approx(
        black(1, moved, 51_000.0, years, math.sqrt(w / years)), rel=1e-9
    )


def test_each_underlying_takes_its_own_surface_and_others_keep_their_volatilities() -> None:
    terms = contracts([contract(Kind.EUROPEAN), contract(Kind.EUROPEAN, underlying=ETH)])
    terms = replace(terms, expiry_ns=np.full(2, NOW + 30 * DAY))
    market = replace(at_spot(terms), vol=np.array([0.1, 0.2]))

    found = with_surfaces(terms, market, {BTC: SURFACE})

    expected, _, _ = fitted_volatilities(terms, market, SURFACE)
    assert found.vol.tolist() == [expected[0], 0.2]


def test_a_profile_needs_no_volatilities_of_contracts_where_there_is_a_surface() -> None:
    bare = gamma_profile(TERMS, AT, np.ones(len(TERMS)), [SPOT, 60_000.0])

    assert bare.unpriced == len(TERMS) - 1


def test_profit_is_explained_by_what_two_surfaces_did() -> None:
    """Volatility rises by a point everywhere while spot rises by half a per cent."""
    options = TERMS.take(np.arange(3, 9))
    source = chain()
    raised = fit_surface(replace(source, bid=source.ask, ask=source.ask * 1.02))
    assert isinstance(raised, Surface)
    start = with_surfaces(options, at_spot(options), {BTC: SURFACE})
    end = with_surfaces(options, at_spot(options, SPOT * 1.005), {BTC: raised})

    found = moves(options, start, end)

    vega = found.terms[MARKET_TERMS.index("vega")]
    greeks = unit_risk(options, start)
    assert (vega > 0.0).all()
    assert vega == pytest.approx(greeks["vega"] * (end.vol - start.vol), rel=1e-9)
    assert np.abs(found.remainder()).max() < 0.02 * np.abs(found.change).max()
