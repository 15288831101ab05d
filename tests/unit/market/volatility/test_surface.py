from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from novate.errors import InputError
from novate.kernel.codes import PricingStatus
from novate.market.volatility.calendar import check_calendar
from novate.market.volatility.chain import YEAR_NS, Chain
from novate.market.volatility.surface import (
    SliceSource,
    Surface,
    SurfaceReason,
    SurfaceRefusal,
    fit_surface,
)
from novate.market.volatility.svi import check_butterfly
from novate.units import HOUR
from tests.unit.market.volatility.synthetic import (
    CARRY,
    DAYS,
    NOW,
    SPOT,
    black,
    chain,
    changed,
    forward_of,
    taken,
    true_variance,
)


def fitted(source: Chain) -> Surface:
    surface = fit_surface(source)
    assert isinstance(surface, Surface)
    return surface


def refused(source: Chain) -> SurfaceRefusal:
    refusal = fit_surface(source)
    assert isinstance(refusal, SurfaceRefusal)
    return refusal


def is_free(surface: Surface) -> bool:
    raws = [one.raw for one in surface.slices]
    pairs = pairwise(raws)
    return all(check_butterfly(raw).holds for raw in raws) and all(
        check_calendar(*pair).holds for pair in pairs
    )


SURFACE = fitted(chain())


def test_the_surface_that_made_the_quotes_comes_back_between_expiries_too() -> None:
    assert is_free(SURFACE)
    assert [one.source for one in SURFACE.slices] == [SliceSource.OWN_QUOTES] * len(DAYS)
    for days in (2.0, 5.0, 9.0, 60.0, 200.0):
        strikes = forward_of(days) * np.exp(np.linspace(-1, 1, 9) * math.sqrt(0.36 * days / 365))
        vol, status = SURFACE.volatility(strikes, NOW + round(days * YEAR_NS / 365))
        truth = [
            math.sqrt(true_variance(math.log(strike / forward_of(days)), days / 365) * 365 / days)
            for strike in strikes.tolist()
        ]
        assert not status.any()
        assert vol == pytest.approx(np.array(truth), abs=0.01)


def test_total_variance_is_linear_in_time_at_equal_forward_moneyness() -> None:
    early, late = SURFACE.slices[1], SURFACE.slices[2]
    k = np.linspace(-0.3, 0.3, 7)
    middle = 0.25 * early.years + 0.75 * late.years

    between = SURFACE.total_variance(k, middle)

    assert between == pytest.approx(0.25 * early.raw.variance(k) + 0.75 * late.raw.variance(k))


def test_the_two_ways_to_ask_agree() -> None:
    days = 47.0
    forward = forward_of(days)  # ln F is linear in time here, because the carry is constant
    strikes = forward * np.exp(np.linspace(-0.4, 0.4, 9))
    vol, _ = SURFACE.volatility(strikes, NOW + round(days * YEAR_NS / 365))

    variance = SURFACE.total_variance(np.log(strikes / forward), days / 365)

    assert vol**2 * days / 365 == pytest.approx(variance, rel=1e-6)


@pytest.mark.parametrize(("days", "end"), [(0.5, 0), (900.0, -1)])
def test_outside_the_expiries_volatility_at_equal_moneyness_is_flat(days: float, end: int) -> None:
    one = SURFACE.slices[end]
    k = np.linspace(-0.1, 0.1, 5)
    strikes = SPOT * math.exp(CARRY * days / 365) * np.exp(k)

    vol, _ = SURFACE.volatility(strikes, NOW + round(days * YEAR_NS / 365))

    assert vol == pytest.approx(np.sqrt(one.raw.variance(k) / one.years), rel=1e-6)
    assert SURFACE.total_variance(k, days / 365) == pytest.approx(
        one.raw.variance(k) * (days / 365) / one.years
    )


def test_without_a_spot_the_end_forwards_are_held() -> None:
    surface = fitted(replace(chain(), spot=math.nan))
    last = surface.slices[-1]

    vol, _ = surface.volatility(last.forward, NOW + 3 * YEAR_NS)

    assert float(vol) == pytest.approx(math.sqrt(last.raw.at_the_money / last.years), rel=1e-9)


def test_a_bad_element_has_its_status_and_spoils_no_other() -> None:
    instants = np.array([NOW + YEAR_NS // 4, NOW + YEAR_NS // 4, NOW - 1, NOW + YEAR_NS // 4])
    vol, status = SURFACE.volatility(np.array([SPOT, -1.0, SPOT, math.nan]), instants)

    assert status.tolist() == [
        PricingStatus.OK,
        PricingStatus.STRIKE_NOT_POSITIVE,
        PricingStatus.TIME_NEGATIVE,
        PricingStatus.NOT_FINITE,
    ]
    assert np.isfinite(vol).tolist() == [True, False, False, False]


def test_strikes_and_instants_broadcast() -> None:
    strikes = np.array([40_000.0, 50_000.0, 60_000.0])
    instants = NOW + np.array([[20], [100]]) * YEAR_NS // 365

    vol, status = SURFACE.volatility(strikes, instants)

    assert vol.shape == status.shape == (2, 3)


def test_a_total_variance_needs_a_positive_time() -> None:
    with pytest.raises(InputError, match="positive"):
        SURFACE.total_variance(np.zeros(1), 0.0)


@pytest.mark.parametrize("quotes", [0, 1, 3])
def test_an_expiry_with_few_quotes_takes_its_shape_from_the_others(quotes: int) -> None:
    source = chain()
    thin = np.flatnonzero(source.expiry_ns == source.expiry_ns[90])
    middle = thin[(source.side[thin] == 1) & (source.strike[thin] > source.forward[thin])]
    bid = source.bid.copy()
    bid[np.setdiff1d(thin, middle[:quotes])] = math.nan
    surface = fitted(replace(source, bid=bid))

    one = surface.slices[2]
    assert one.source is (SliceSource.FEW_QUOTES if quotes else SliceSource.NEIGHBOURS)
    assert surface.ssvi is not None
    assert is_free(surface)
    k = np.linspace(-0.1, 0.1, 5)
    truth = np.array([true_variance(x, one.years) for x in k.tolist()])
    assert np.sqrt(one.raw.variance(k) / one.years) == pytest.approx(
        np.sqrt(truth / one.years), abs=0.02
    )


def test_an_untrusted_expiry_gets_no_slice() -> None:
    surface = fitted(changed(chain(), 0, forward=60_000.0))

    assert len(surface.slices) == len(DAYS) - 1
    assert surface.slices[0].expiry_ns > int(chain().expiry_ns[0])


def test_calendar_arbitrage_in_quotes_is_flagged_and_repaired() -> None:
    source = chain()
    later = np.flatnonzero(source.expiry_ns == source.expiry_ns[90])
    # The 30-day smile is quoted with the prices of far lower volatilities than the 9-day one.
    cheap = chain()
    for row in later.tolist():
        years, forward = 30 / 365, forward_of(30)
        strike, side = float(source.strike[row]), int(source.side[row])
        vol = 0.45 * math.sqrt(true_variance(math.log(strike / forward), years) / years)
        for name, move in (("bid", -0.005), ("ask", 0.005), ("mark", 0.0)):
            price = black(side, forward, strike, years, vol + move) / forward
            getattr(cheap, name)[row] = price

    surface = fitted(cheap)

    assert [one.was_crossed for one in surface.slices] == [False, False, True, False, False]
    assert surface.slices[2].calendar_before is not None
    assert surface.slices[2].calendar_before.least < 0.0
    assert is_free(surface)


def test_a_stale_chain_is_refused_with_the_share_that_is_stale() -> None:
    source = chain()
    old = replace(source, instant_ns=NOW + HOUR)
    refusal = refused(old)

    assert (refusal.reason, refusal.value) == (SurfaceReason.ALL_STALE, 1.0)

    half = changed(source, slice(0, 130), observed_ns=NOW - HOUR)
    refusal = refused(half)
    assert refusal.reason is SurfaceReason.MOSTLY_STALE
    assert refusal.value == pytest.approx(130 / 210)
    assert refusal.allowed == 0.5


def test_a_chain_without_life_is_refused() -> None:
    refusal = refused(replace(chain(), instant_ns=NOW + YEAR_NS))

    assert refusal.reason is SurfaceReason.NO_LIVE_EXPIRY


def test_a_chain_of_untrusted_forwards_is_refused() -> None:
    source = chain()
    rows = [0, 42]  # the first row of two expiries out of five
    refusal = refused(changed(changed(source, rows[0], forward=60_000.0), rows[1], forward=1.0e5))

    assert refusal.reason is SurfaceReason.FORWARDS_UNTRUSTED
    assert refusal.value == pytest.approx(0.4)


def test_a_chain_of_a_handful_of_quotes_is_refused() -> None:
    source = taken(chain(), slice(0, 4))
    refusal = refused(source)

    assert refusal.reason is SurfaceReason.TOO_FEW_QUOTES
    assert refusal.value == len(refusal.quotes)


def test_the_order_of_the_rows_does_not_matter() -> None:
    source = chain()
    order = np.random.default_rng(5).permutation(len(source))

    again = fitted(taken(source, order))

    assert [one.raw for one in again.slices] == [one.raw for one in SURFACE.slices]
