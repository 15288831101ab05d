from __future__ import annotations

from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from novate.market.volatility.calendar import check_calendar, settle_surface
from novate.market.volatility.hold import CUT, held, hold_slice, hold_surface, total_held
from novate.market.volatility.slice_data import INSIDE, SliceData, open_corridor
from novate.market.volatility.svi import RawSvi, check_butterfly, fit_slice, refine, ssvi_slice

TRUTH = ssvi_slice(0.04, -0.4, 3.0)


def quotes(raw: RawSvi, years: float, count: int = 21, half: float = 0.004) -> SliceData:
    k = np.linspace(-0.4, 0.4, count)
    vol = np.sqrt(raw.variance(k) / years)
    return SliceData(k=k, vol=vol, half=np.full(count, half), years=years)


def has_no_butterfly(raw: RawSvi) -> bool:
    return check_butterfly(raw).holds


def test_a_slice_that_holds_every_quote_is_left_as_it_is() -> None:
    data = quotes(TRUTH, 0.25)

    assert hold_slice(data, open_corridor(data.scale), TRUTH, has_no_butterfly) is TRUTH


def test_quotes_that_no_smile_follows_are_given_up_and_the_rest_is_held() -> None:
    """Four neighbours out of line pull the first fit off six others, the last off none."""
    data = quotes(TRUTH, 0.25)
    data.vol[8:12] += 0.015
    first = fit_slice(data)

    last = hold_slice(data, open_corridor(data.scale), first, has_no_butterfly)

    assert held(data, first) == 11.0
    assert held(data, last) == 17.0
    assert check_butterfly(last).holds


def test_giving_up_one_by_one_holds_as_much_as_trying_every_pair() -> None:
    """A naive twin tries each way to give up two of nine quotes."""
    data = quotes(TRUTH, 0.25, count=9)
    data.vol[:] += 0.008 * np.random.default_rng(1).standard_normal(9)
    corridor, first = open_corridor(data.scale), fit_slice(data)

    naive = 0.0
    for pair in combinations(range(9), 2):
        weight = np.ones(9)
        weight[list(pair)] = CUT
        trial, _ = refine(replace(data, weight=weight), corridor, first, 1e4, INSIDE)
        naive = max(naive, held(data, trial))
    found = hold_slice(data, corridor, first, has_no_butterfly)

    assert held(data, first) < naive
    assert held(data, found) >= naive


def test_weight_counts_and_not_the_number_of_quotes() -> None:
    """One liquid quote is worth more than its two illiquid neighbours on either side."""
    data = quotes(TRUTH, 0.25)
    data.vol[4:9] += 0.03
    data.vol[6] -= 0.03
    weighted = replace(data, weight=np.where(np.isin(np.arange(21), [4, 5, 7, 8]), 0.2, 1.0))

    found = hold_slice(weighted, open_corridor(data.scale), fit_slice(weighted), has_no_butterfly)

    assert held(weighted, found) >= 17.0


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.004, 0.01, 0.03]))
@settings(max_examples=15)
def test_the_last_fit_never_holds_less_and_never_brings_arbitrage(seed: int, size: float) -> None:
    rng = np.random.default_rng(seed)
    data = []
    for j, theta in enumerate((0.01, 0.012, 0.03, 0.05)):
        one = quotes(ssvi_slice(theta, -0.3, 4.0 - j), 0.1 * (j + 1))
        one.vol[:] += size * rng.standard_normal(21)
        data.append(one)
    first = [fit_slice(one) for one in data]
    settled, _ = settle_surface(first, data)

    found = hold_surface(first, settled, data)

    assert total_held(data, found) >= total_held(data, settled)
    assert all(check_butterfly(raw).holds for raw in found)
    assert all(check_calendar(*pair).holds for pair in pairwise(found))


def test_a_level_below_zero_holds_nothing() -> None:
    data = quotes(TRUTH, 0.25)

    assert held(data, RawSvi(-1.0, 0.1, 0.0, 0.0, 0.1)) == pytest.approx(0.0)
