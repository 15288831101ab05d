from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from novate.errors import InputError
from novate.simulation.agents.behaviour import (
    NEVER_NS,
    CrashWindow,
    Memory,
    Reaction,
    Traits,
    draw_traits,
    fresh_memory,
    react,
    venue_habits,
)
from novate.simulation.population.book import Book
from novate.simulation.population.terms import AccountType

MINUTE = 60_000_000_000
START = 1_700_000_000_000_000_000
WINDOW = CrashWindow(start_ns=START, length_ns=30 * MINUTE, lead_ns=60 * MINUTE)


def one(**changes: object) -> Traits:
    """One account that restores 1.5 times margin when it falls below 1.2, in ten nanoseconds."""
    traits = Traits(
        will_top_up=np.array([True]),
        trigger_ppm=np.array([1_200_000]),
        target_ppm=np.array([1_500_000]),
        delay_ns=np.array([10]),
        wealth=np.array([1000]),
        withdraw_ns=np.array([NEVER_NS]),
        withdraw_ppm=np.array([0]),
    )
    return dataclasses.replace(traits, **changes)  # type: ignore[arg-type]


def step(traits: Traits, memory: Memory, equity: int, margin: int, instant: int) -> Reaction:
    return react(
        traits,
        memory,
        equity=np.array([equity]),
        initial_margin=np.array([margin]),
        instant_ns=instant,
    )


def test_a_top_up_restores_the_target_after_its_delay_and_only_once() -> None:
    traits = one()
    seen = step(traits, fresh_memory(traits), 110, 100, 0)
    assert seen.deposit.tolist() == [0]
    assert seen.memory.pending.tolist() == [40]
    waiting = step(traits, seen.memory, 110, 100, 9)
    assert waiting.deposit.tolist() == [0]
    arrived = step(traits, waiting.memory, 110, 100, 10)
    assert arrived.deposit.tolist() == [40]
    assert arrived.memory.due_ns.tolist() == [NEVER_NS]
    assert arrived.memory.wealth_left.tolist() == [960]


def test_nobody_pays_more_than_his_wealth() -> None:
    traits = one(wealth=np.array([15]))
    first = step(traits, fresh_memory(traits), 110, 100, 0)
    assert first.memory.pending.tolist() == [15]
    paid = step(traits, first.memory, 110, 100, 10)
    broke = step(traits, paid.memory, 60, 100, 20)
    assert broke.memory.pending.tolist() == [0]
    assert broke.memory.wealth_left.tolist() == [0]


def test_an_account_that_cannot_be_rescued_is_given_up() -> None:
    traits = one(wealth=np.array([15]))
    assert step(traits, fresh_memory(traits), -50, 100, 0).memory.pending.tolist() == [0]


def test_an_account_above_its_trigger_or_of_another_mind_does_nothing() -> None:
    traits = one()
    assert step(traits, fresh_memory(traits), 120, 100, 0).memory.pending.tolist() == [0]
    idle = one(will_top_up=np.array([False]))
    assert step(idle, fresh_memory(idle), 110, 100, 0).memory.pending.tolist() == [0]


def test_a_top_up_for_a_closed_account_stays_with_its_holder() -> None:
    traits = one()
    sent = step(traits, fresh_memory(traits), 110, 100, 0)
    closed = step(traits, sent.memory, 0, 0, 10)
    assert closed.deposit.tolist() == [0]
    assert closed.memory.wealth_left.tolist() == [1000]


def test_a_withdrawal_takes_part_of_the_free_collateral_once() -> None:
    traits = one(withdraw_ns=np.array([5]), withdraw_ppm=np.array([800_000]))
    early = step(traits, fresh_memory(traits), 300, 100, 4)
    assert early.withdrawal.tolist() == [0]
    taken = step(traits, early.memory, 300, 100, 5)
    assert taken.withdrawal.tolist() == [160]
    assert taken.memory.wealth_left.tolist() == [1160]
    assert step(traits, taken.memory, 300, 100, 6).withdrawal.tolist() == [0]


def test_nobody_withdraws_below_initial_margin() -> None:
    traits = one(withdraw_ns=np.array([5]), withdraw_ppm=np.array([1_000_000]))
    assert step(traits, fresh_memory(traits), 90, 100, 5).withdrawal.tolist() == [0]


def test_large_amounts_do_not_overflow() -> None:
    traits = one(wealth=np.array([10**17]))
    seen = step(traits, fresh_memory(traits), 10**16, 10**16, 0)
    assert seen.memory.pending.tolist() == [5 * 10**15]


def test_reacting_changes_nothing_that_was_passed_in(book: Book) -> None:
    traits = draw_traits(book, WINDOW, 1)
    memory = fresh_memory(traits)
    before = [getattr(memory, name).copy() for name in memory.__slots__]
    react(
        traits,
        memory,
        equity=book.initial_margin // 2,
        initial_margin=book.initial_margin,
        instant_ns=START,
    )
    after = [getattr(memory, name) for name in memory.__slots__]
    assert all(np.array_equal(*pair) for pair in zip(before, after, strict=True))


def test_money_is_conserved_between_holders_and_venue(book: Book) -> None:
    traits = draw_traits(book, WINDOW, 1)
    memory = fresh_memory(traits)
    margin = book.initial_margin
    equity = np.floor(book.equity()).astype(np.int64)
    outside = int(traits.wealth.sum())
    for number in range(40):
        loss = np.where(number < 10, margin // 5, 0)
        equity = equity - loss
        done = react(traits, memory, equity=equity, initial_margin=margin,
                     instant_ns=START + number * 5 * MINUTE)  # fmt: skip
        assert np.all(done.deposit >= 0)
        assert np.all(done.withdrawal >= 0)
        equity = equity + done.deposit - done.withdrawal
        outside += int(done.withdrawal.sum() - done.deposit.sum())
        memory = done.memory
        assert outside == int((memory.wealth_left + memory.pending).sum())
    assert outside != int(traits.wealth.sum())


def test_traits_follow_the_habits_of_the_type(book: Book) -> None:
    traits = draw_traits(book, WINDOW, 1)
    habits = venue_habits()
    taker = book.is_kind(AccountType.TAKER)
    habit = habits[AccountType.TAKER]
    assert traits.will_top_up[taker].mean() == pytest.approx(habit.top_up_share, abs=0.04)
    assert np.median(traits.delay_ns[taker]) == pytest.approx(habit.delay_ns, rel=0.15)
    assert traits.trigger_ppm[taker].min() >= habit.trigger_min * 1e6
    leaves = traits.withdraw_ns[taker] != NEVER_NS
    assert leaves.mean() == pytest.approx(habit.withdraw_share, abs=0.02)
    assert traits.withdraw_ns.min() >= START - WINDOW.lead_ns
    assert np.all(traits.wealth >= 0)


def test_the_same_seed_gives_the_same_traits(book: Book) -> None:
    first, again, other = (draw_traits(book, WINDOW, seed) for seed in (1, 1, 2))
    for name in first.__slots__:
        assert np.array_equal(getattr(first, name), getattr(again, name))
    assert not np.array_equal(first.wealth, other.wealth)


def test_a_type_without_habits_is_refused(book: Book) -> None:
    habits = venue_habits()
    del habits[AccountType.FUND]
    with pytest.raises(InputError, match="lack the account type FUND"):
        draw_traits(book, WINDOW, 1, habits=habits)
