from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.market.volatility.calendar import check_calendar, raised, settle_surface
from novate.market.volatility.slice_data import SliceData
from novate.market.volatility.svi import RawSvi, check_butterfly, ssvi_slice

EARLY = ssvi_slice(0.02, -0.3, 4.0)
LATE = ssvi_slice(0.05, -0.3, 3.0)


def data(raw: RawSvi, years: float, reach: float = 0.4) -> SliceData:
    k = np.linspace(-reach, reach, 21)
    vol = np.sqrt(raw.variance(k) / years)
    return SliceData(k=k, vol=vol, half=np.full(21, 0.005), years=years)


def holds(slices: list[RawSvi]) -> bool:
    pairs = pairwise(slices)
    return all(check_calendar(*pair).holds for pair in pairs) and all(
        check_butterfly(raw).holds for raw in slices
    )


def test_a_rising_pair_holds_and_a_falling_one_does_not() -> None:
    assert check_calendar(EARLY, LATE).holds
    assert not check_calendar(LATE, EARLY).holds


def test_a_crossing_that_only_the_far_wing_shows_is_found() -> None:
    flat = RawSvi(0.06, 0.5 * EARLY.b, EARLY.rho, EARLY.m, EARLY.sigma)

    assert check_calendar(EARLY, flat, -1.0, 1.0).least > 0.0
    assert not check_calendar(EARLY, flat).holds


def test_a_comparison_in_an_empty_range_finds_nothing() -> None:
    assert check_calendar(LATE, EARLY, 1.0, -1.0).least == np.inf


@given(
    st.floats(0.005, 0.2), st.floats(-0.8, 0.8), st.floats(0.2, 4.0), st.floats(0.005, 0.2),
    st.floats(-0.8, 0.8), st.floats(0.2, 4.0),
)  # fmt: skip
def test_a_raised_slice_is_nowhere_below_the_earlier_one(
    theta: float, rho: float, phi: float, other: float, other_rho: float, other_phi: float
) -> None:
    early, late = ssvi_slice(theta, rho, phi), ssvi_slice(other, other_rho, other_phi)

    assert check_calendar(early, raised(late, early)).holds


def test_slices_without_arbitrage_are_left_as_they_are() -> None:
    found, copied = settle_surface([EARLY, LATE], [data(EARLY, 0.1), data(LATE, 0.3)])

    assert found == [EARLY, LATE]
    assert copied == [False, False]


def test_a_wing_that_no_quote_supports_yields_and_quotes_stay_where_they_are() -> None:
    steep = RawSvi(-0.03, 0.3, -0.1, 0.0, 0.17)
    pair = [steep, LATE]
    known = [data(steep, 0.1, 0.1), data(LATE, 0.3, 0.1)]
    assert not holds(pair)

    found, _ = settle_surface(pair, known)

    assert holds(found)
    for raw, one in zip(found, known, strict=True):
        model = np.sqrt(raw.variance(one.k) / one.years)
        assert np.abs(model - one.vol).max() < 0.005


def test_quotes_that_cross_are_repaired_between_them() -> None:
    known = [data(LATE, 0.1), data(EARLY, 0.11)]

    found, _ = settle_surface([LATE, EARLY], known)

    assert holds(found)
    level = found[1].at_the_money
    assert EARLY.at_the_money < level < LATE.at_the_money * 1.05


def test_the_last_resort_is_a_copy_of_the_expiry_before() -> None:
    steep = ssvi_slice(0.9, -0.9, 2.0)
    thin = SliceData(k=np.zeros(1), vol=np.array([0.02]), half=np.array([1e-3]), years=0.2)

    found, copied = settle_surface([steep, ssvi_slice(8e-5, 0.9, 100.0)], [data(steep, 0.1), thin])

    assert holds(found)
    assert copied == [False, found[1] == found[0]]


def test_one_slice_is_a_surface_too() -> None:
    found, copied = settle_surface([EARLY], [data(EARLY, 0.1)])

    assert found == [EARLY]
    assert copied == [False]


def test_butterfly_arbitrage_in_a_slice_is_repaired_on_the_way() -> None:
    vogt = RawSvi(-0.041, 0.1331, 0.306, 0.3586, 0.4153)
    known = [data(EARLY, 0.5, 0.8), data(vogt, 1.0, 0.8)]

    found, _ = settle_surface([EARLY, vogt], known)

    assert holds(found)


@pytest.mark.parametrize("count", [3, 5])
def test_many_slices_in_the_wrong_order_end_without_arbitrage(count: int) -> None:
    slices = [ssvi_slice(0.02 * (1 + (j * 2) % count), -0.2, 2.5) for j in range(count)]
    known = [data(raw, 0.1 * (j + 1)) for j, raw in enumerate(slices)]

    found, _ = settle_surface(slices, known)

    assert holds(found)
