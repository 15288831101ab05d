"""The margin cache never misses a breach: it holds what a full assessment gives, always."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from novate.adapter.memory_journal import MemoryJournal
from novate.engine.engine import Engine
from novate.engine.recover import audit, recover
from novate.kernel.clearing.assess import EQUITY, INITIAL, MAINTENANCE
from novate.kernel.clearing.columns import I64
from novate.kernel.codes import AccountStatus
from novate.valuation import ClearingState, MarginCache
from tests.bench import venue
from tests.unit.kernel.exposures import hold, random_exposure


def exact(x: ClearingState) -> I64:
    health: I64 = x.assess_all()[:, [EQUITY, INITIAL, MAINTENANCE]]
    return health


STEPS = st.lists(
    st.tuples(st.sampled_from(["mark", "price", "deposit", "trade", "order", "compact", "many"]),
              st.integers(0, 2**32)),
    min_size=1,
    max_size=12,
)  # fmt: skip


def change(x: ClearingState, headroom: MarginCache, what: str, rng: np.random.Generator) -> None:
    """Change the book in one way, and say what an event would say."""
    account, instrument = int(rng.integers(x.accounts.count)), int(rng.integers(5))
    if what == "mark":
        x.marks.mark[instrument] = int(rng.integers(0 if instrument == 4 else 1, 4_000))
    elif what == "many":
        x.marks.mark[:4] = rng.integers(1, 4_000, 4)
    elif what == "price":
        x.assets.unit_price[1] *= rng.uniform(0.5, 2.0)
    elif what == "compact":
        x.drop_caches()
    else:
        if what == "deposit":
            x.accounts.balance[account, rng.integers(2)] += int(rng.integers(-9_999, 9_999))
        else:
            x.positions.reserve(1, x.accounts)
            hold(x, account, instrument, rng)
        headroom.touch(account)


@given(st.integers(0, 2**32), STEPS)
@settings(max_examples=60)
def test_whatever_happens_the_cache_finds_every_breach_and_no_other(
    seed: int, steps: list[tuple[str, int]]
) -> None:
    x = random_exposure(np.random.default_rng(seed), accounts=60, rows=90)
    headroom = MarginCache(x)
    for what, draw in steps:
        change(x, headroom, what, np.random.default_rng(draw))
        health, full = headroom.numbers(), exact(x)
        assert (health == full).all()


@given(st.integers(0, 2**32), st.integers(0, 3))
@settings(max_examples=40)
def test_an_account_at_the_boundary_is_short_one_unit_below_and_not_at_it(
    seed: int, instrument: int
) -> None:
    x = random_exposure(np.random.default_rng(seed), accounts=40, rows=80)
    headroom = MarginCache(x)
    full = exact(x)
    x.accounts.balance[:40, 0] += full[:, 2] - full[:, 0]
    headroom.touch_all()
    at = headroom.numbers()
    assert (at[:, 0] == at[:, 2]).all()
    x.accounts.balance[:40, 0] -= 1
    headroom.touch_many(np.arange(40))
    below = headroom.numbers()
    assert (below[:, 0] < below[:, 2]).all()
    x.marks.mark[instrument] += 1
    assert (headroom.numbers() == exact(x)).all()


def fallen(*, is_forgetful: bool, accounts: int = 300) -> Engine:
    """A house that lost half its value in steps, with liquidations, fills and takeovers."""
    engine = venue.open_house(MemoryJournal(), accounts, 3, 4)
    for part in range(6):
        if is_forgetful:
            engine.state.drop_caches()
            engine.state.margin_cache.touch_all()
        venue.walk(engine, 5, part, crash=-0.02)
    return engine


def test_a_cascade_with_the_cache_is_the_cascade_without_it() -> None:
    remembering, forgetful = fallen(is_forgetful=False), fallen(is_forgetful=True)
    status = remembering.state.accounts.used("status")
    assert (status == AccountStatus.TAKEN_OVER).any()
    assert remembering.head_hash == forgetful.head_hash
    assert remembering.state.digest() == forgetful.state.digest()
    assert recover(remembering.journal).state.digest() == remembering.state.digest()
    assert audit(remembering.journal).digest == remembering.state.digest()


def test_every_assessment_of_a_cascade_is_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = MarginCache.numbers
    compared = 0

    def checked(headroom: MarginCache) -> I64:
        nonlocal compared
        health = numbers(headroom)
        assert (health == exact(headroom._x)).all()
        compared += 1
        return health

    monkeypatch.setattr(MarginCache, "numbers", checked)
    fallen(is_forgetful=False)
    assert compared > 60
