"""The sweep against a full assessment."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from novate.kernel.clearing import sweep as kernels
from novate.kernel.clearing.assess import EQUITY, INITIAL, MAINTENANCE
from novate.kernel.clearing.columns import I64
from novate.valuation import ClearingState, MarginCache
from tests.unit.kernel.exposures import random_exposure


def exact(x: ClearingState) -> I64:
    health: I64 = x.assess_all()[:, [EQUITY, INITIAL, MAINTENANCE]]
    return health


@pytest.mark.rule("1.5")
@pytest.mark.parametrize("rows_for_threads", [0, 10**9])
def test_threads_and_tier_hints_change_nothing(
    rows_for_threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernels, "PARALLEL_ROWS", rows_for_threads)
    x = random_exposure(np.random.default_rng(5), accounts=1_500, rows=4_000)
    headroom = MarginCache(x)
    for factor in (1, 3, 50, 2):
        x.marks.mark[:4] *= factor
        headroom.touch_all()
        assert (headroom.numbers() == exact(x)).all()
        headroom.touch_all()
        assert (headroom.numbers() == exact(x)).all()


def test_sums_beyond_a_float_are_exact() -> None:
    x = random_exposure(np.random.default_rng(6), accounts=2, rows=0)
    x.marks.mark[:2] = 2**30, 2**26
    x.positions.reserve(2, x.accounts)
    for instrument, lots in ((0, 2**29 + 1), (1, -(2**26) + 1)):
        row = x.positions.count
        x.positions.count = row + 1
        x.positions.account[row], x.positions.instrument[row] = 1, instrument
        x.positions.lots[row] = lots
        x.positions.settlement_cost[row] = 3
    x.positions.reindex(x.accounts)
    assert (MarginCache(x).numbers() == exact(x)).all()


@given(st.integers(0, 2**32))
@settings(max_examples=25)
def test_rows_behind_the_sorted_part_count_too(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = random_exposure(rng, accounts=30, rows=40)
    x.compact()
    headroom = MarginCache(x)
    headroom.numbers()
    for account in range(30):
        x.positions.reserve(1, x.accounts)
        free = set(range(5)) - set(
            x.positions.used("instrument")[x.positions.used("account") == account].tolist()
        )
        if free and rng.random() < 0.5:
            row = x.positions.count
            x.positions.count = row + 1
            x.positions.account[row], x.positions.instrument[row] = account, min(free)
            x.positions.lots[row] = int(rng.integers(-2_000, 2_000))
    x.positions.reindex(x.accounts)
    headroom.touch_all()
    assert (headroom.numbers() == exact(x)).all()


@pytest.mark.rule("3.26")
def test_totals_are_of_margin_groups_only() -> None:
    x = random_exposure(np.random.default_rng(9), accounts=20, rows=60)
    is_meant = np.arange(20) >= 2
    health = MarginCache(x).numbers()
    mine = health[2:]
    expected = [18, int((mine[:, 0] < mine[:, 2]).sum()), *mine.sum(axis=0).tolist()]
    short, low = np.empty((2, 20), np.int64)

    found = kernels.margin_totals(is_meant, health, 3, short, low).tolist()

    equity, initial, maintenance = health.T
    is_short = is_meant & (equity < np.maximum(initial, maintenance))
    above = np.where(maintenance > 0, maintenance + 3 + (maintenance >> 40), 0)
    assert found[:5] == expected
    assert short[: found[5]].tolist() == np.flatnonzero(is_short).tolist()
    assert low[: found[6]].tolist() == np.flatnonzero(is_meant & (equity < above)).tolist()
