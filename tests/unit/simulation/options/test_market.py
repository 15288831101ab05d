from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from novate.errors import InputError
from novate.kernel.pricing.svi import least_density
from novate.simulation.options.market import DEMO_SMILES, SmileTerms, half_spread, surface_path
from tests.unit.simulation.option_scene import MINUTE_NS, START_NS, paths

WING = np.linspace(-4.0, 4.0, 1601)


def variance(raw: tuple[float, ...], k: np.ndarray) -> np.ndarray:
    a, b, rho, m, sigma = raw
    return a + b * (rho * (k - m) + np.sqrt((k - m) ** 2 + sigma**2))


@pytest.mark.parametrize("seed", range(3))
def test_no_slice_of_the_day_has_butterfly_arbitrage(seed: int) -> None:
    for path in paths(seed):
        for at in range(0, 1440, 15):
            for expiry in np.flatnonzero(path.years(at) > 0.0):
                assert least_density(WING, *path.raw(at, int(expiry))) > 0.0


@pytest.mark.parametrize("seed", range(3))
def test_total_variance_never_falls_from_one_expiry_to_the_next(seed: int) -> None:
    for path in paths(seed):
        for at in range(0, 1440, 15):
            live = np.flatnonzero(path.years(at) > 0.0).tolist()
            for early, late in itertools.pairwise(live):
                gap = variance(path.raw(at, late), WING) - variance(path.raw(at, early), WING)
                assert gap.min() > 0.0


def test_volatility_rises_as_spot_falls_and_more_at_the_short_end() -> None:
    for path in paths():
        trough = int(path.spot_e8.argmin())
        expiry = np.arange(3)
        before, then = (
            path.volatility(at, expiry, path.forward(at)[expiry]) for at in (599, trough)
        )
        ratio = then / before

        assert (ratio > 1.5).all()
        assert ratio[0] > ratio[1] > ratio[2]
        assert before[0] < before[2]
        assert then[0] > then[2], "the curve is inverted in the crash"


def test_skew_steepens_to_its_floor_and_carry_turns_negative() -> None:
    path = paths()[0]
    trough = int(path.spot_e8.argmin())

    assert path.rho_e9[0, 0] == -150_000_000
    assert path.rho_e9[trough, 0] == -450_000_000
    assert (path.carry_e9[0] > 0).all()
    assert (path.carry_e9[trough] < 0).all()


def test_a_price_that_rests_leaves_the_surface_at_its_calm_levels() -> None:
    terms = DEMO_SMILES[0]
    instants = START_NS + np.arange(1, 101, dtype=np.int64) * MINUTE_NS
    expiry = START_NS + np.array([7, 3650]) * 86_400 * 10**9
    path = surface_path(terms, np.full(100, 10**13), instants, expiry)
    vol = path.volatility(99, np.arange(2), path.forward(99))

    # The one-week median of the snapshots that the docstring names is 0.376.
    assert vol[0] == pytest.approx(0.37, abs=0.01)
    assert vol[1] == pytest.approx(terms.long_volatility, abs=0.002)


def test_the_smile_has_the_put_and_call_wings_it_was_taken_from() -> None:
    terms = DEMO_SMILES[0]
    path = surface_path(
        terms, np.full(1, 10**13), np.array([START_NS]), START_NS + np.array([7 * 86_400 * 10**9])
    )
    forward, years = path.forward(0)[0], path.years(0)[0]
    atm = path.volatility(0, np.array([0]), np.array([forward]))[0]
    out = np.exp(np.array([-1.0, 1.0]) * atm * np.sqrt(years))
    put, call = path.volatility(0, np.zeros(2, np.int64), forward * out) / atm

    assert put == pytest.approx(1.12, abs=0.015)
    assert call == pytest.approx(1.02, abs=0.015)


def test_after_its_expiry_a_slice_is_nothing() -> None:
    path = paths()[0]

    assert path.years(1000)[0] == 0.0
    assert path.a_e9[1000, 0] == path.b_e9[1000, 0] == 0
    assert np.isnan(path.volatility(1000, np.array([0]), np.array([1e5]))).all()


def test_spreads_widen_in_the_wings_and_near_expiry() -> None:
    terms = DEMO_SMILES[0]
    week = half_spread(terms, np.array([0.0, 1.0, -2.0]), np.full(3, 7 / 365))
    days = half_spread(terms, np.zeros(3), np.array([1.0, 7.0, 30.0]) / 365)

    assert week[0] == pytest.approx(terms.half_spread)
    assert (np.diff(week) > 0).all()
    assert (np.diff(days) < 0).all()


@pytest.mark.parametrize(
    "wrong",
    [{"eta": 1.5}, {"rho": 0.2}, {"short_volatility": 0.0}, {"rho_floor": -1.0}],
)
def test_terms_that_could_bring_arbitrage_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match="allowed"):
        replace(DEMO_SMILES[0], **wrong)


def test_prices_that_do_not_fit_are_refused() -> None:
    terms = SmileTerms(symbol="X", short_volatility=0.5, long_volatility=0.5)
    two = np.array([1, 2], dtype=np.int64)
    with pytest.raises(InputError, match="one positive price"):
        surface_path(terms, np.array([5, 0]), two, two + 5)
    with pytest.raises(InputError, match="ascend"):
        surface_path(terms, np.array([5, 6]), two[::-1], two + 5)
