"""One mark at a time, with and without lots copied by tier, against a full assessment."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from novate.kernel.clearing.assess import EQUITY, INITIAL, MAINTENANCE
from novate.kernel.clearing.shift import TierLots, make_tier_lots
from novate.valuation import ClearingState, MarginCache, margin_cache
from tests.unit.kernel.exposures import hold, random_exposure

SEEDS = st.integers(0, 2**32)
MARKS = st.lists(st.integers(1, 3_000), min_size=4, max_size=10)


@pytest.fixture(autouse=True, scope="module")
def _never_sweep() -> object:
    """Small books would always be swept: here no number of holders is a reason to."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(margin_cache, "SWEEP_SHARE", 0)
        yield


def follows(x: ClearingState, cache: MarginCache) -> bool:
    return bool((cache.numbers() == x.assess_all()[:, [EQUITY, INITIAL, MAINTENANCE]]).all())


@given(SEEDS, st.integers(0, 1), MARKS)
@settings(max_examples=60)
def test_shifting_a_mark_again_and_again_equals_assessing_everybody(
    seed: int, instrument: int, marks: list[int]
) -> None:
    x = random_exposure(np.random.default_rng(seed), accounts=60, rows=200)
    cache = MarginCache(x)
    cache.numbers()
    for mark in marks:
        x.marks.mark[instrument] = mark
        assert follows(x, cache)


@given(SEEDS, st.lists(st.sampled_from(["trade", "tick", "tick", "tick", "compact"]), max_size=25))
@settings(max_examples=60)
def test_a_holder_who_trades_between_two_ticks_is_followed(seed: int, steps: list[str]) -> None:
    rng = np.random.default_rng(seed)
    x = random_exposure(rng, accounts=30, rows=60)
    cache = MarginCache(x)
    cache.numbers()
    for step in steps:
        if step == "trade":
            account = int(rng.integers(30))
            x.positions.reserve(1, x.accounts)
            hold(x, account, int(rng.integers(2)), rng)
            cache.touch(account)
        elif step == "tick":
            x.marks.mark[1] += int(rng.integers(1, 20))
        else:
            x.compact()
        assert follows(x, cache)


def test_ticks_of_an_instrument_whose_holders_rest_read_its_lots_by_tier() -> None:
    x = random_exposure(np.random.default_rng(3), accounts=60, rows=200)
    cache = MarginCache(x)
    cache.numbers()
    for _ in range(3):
        x.marks.mark[1] += 1
        cache.numbers()
    by_tier = cache._tier_lots[1]
    assert by_tier is not None
    assert len(by_tier.lots) + len(by_tier.odd) == x.holders(1).size

    # What the copy says is what is shifted: emptied, it moves nobody.
    cache._tier_lots[1] = TierLots(np.zeros_like(by_tier.start), *(a[:0] for a in by_tier[1:]))
    before = cache.numbers().copy()
    x.marks.mark[1] += 1
    assert (cache.numbers() == before).all()


def test_lots_by_tier_that_most_holders_have_left_are_copied_anew() -> None:
    x = random_exposure(np.random.default_rng(4), accounts=60, rows=200)
    cache = MarginCache(x)
    cache.numbers()
    for mark in (51, 52, 53):
        x.marks.mark[1] = mark
        cache.numbers()
    assert cache._tier_lots[1] is not None
    x.marks.mark[1] = 3_000
    assert follows(x, cache)
    assert 1 not in cache._tier_lots


def test_the_copy_files_holders_by_tier_and_sets_orders_and_giants_apart() -> None:
    lots = np.array([10, -30, 2**53, -9, 20, 5], np.int64)
    buys = np.array([0, 0, 0, 0, 0, 1], np.int64)
    owner = np.array([7, 6, 5, 4, 3, 2], np.int32)
    by_tier = TierLots(
        *make_tier_lots(
            lots, buys, 0 * buys, owner, np.arange(6), 10, np.array([0.0, 100.0, 200.0])
        )
    )
    assert by_tier.start.tolist() == [0, 1, 2, 4]
    assert by_tier.row.tolist() == [3, 0, 1, 4]
    assert by_tier.account.tolist() == [4, 7, 6, 3]
    assert by_tier.lots.tolist() == [-9.0, 10.0, -30.0, 20.0]
    assert by_tier.odd.tolist() == [2, 5]
