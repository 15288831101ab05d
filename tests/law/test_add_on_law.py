"""Laws of add-ons: with them the engine keeps its word as it does without.

Streams of the toy market are played with groups that have add-ons, on top of several models.
"""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from novate.adapter.memory_journal import MemoryJournal
from novate.canonical import Run
from novate.engine.engine import Engine
from novate.engine.recover import audit, recover
from novate.engine.state import State
from novate.kernel.clearing.assess import EQUITY, INITIAL, MAINTENANCE
from novate.message import command
from novate.message.parameter import Parameter, Scope, set_parameter
from novate.valuation.group_book import books_of
from tests.law.strategies import Stream, events_of, play, row_by_row, seeds, stream_of
from tests.law.test_engine_laws import few, sorted_events
from tests.law.test_reservation_law import fill, is_covered, ready, reserve
from tests.simulate.naive.workload import SINGLE
from tests.tiny_add_on import ADD_ONS
from tests.tiny_model import PLUGINS

GROUPS = range(len(SINGLE), len(SINGLE) + 18)


def switch(group: int, add_on: int, is_on: bool) -> Run:
    return command.SET_ADD_ON.row(group=group, add_on=add_on, is_on=is_on)


def terms(dice: np.random.Generator) -> list[Run]:
    """Terms of the concentration add-on that ask for something, of the house or of a group."""
    scope = Scope.GROUP if dice.random() < 0.5 else Scope.HOUSE
    subject = int(dice.choice(GROUPS)) if scope == Scope.GROUP else 0
    values = {
        Parameter.CONCENTRATION_FLOOR: int(10 ** dice.uniform(8, 11)),
        Parameter.CONCENTRATION_PPM: int(dice.integers(1, 200_000)),
    }
    return [set_parameter(name, value, scope, subject) for name, value in values.items()]


@functools.cache
def mixed_stream(seed: int) -> Stream:
    """A stream in which most traders have add-ons, some another model, and some change."""
    dice = np.random.default_rng(seed)
    stream = stream_of(seed)
    chosen = [*terms(dice), *terms(dice)]
    chosen += [
        switch(group, add_on.number, is_on=True)
        for group in GROUPS
        for add_on in ADD_ONS
        if dice.random() < 0.5
    ]
    chosen += [
        command.SET_MARGIN_MODEL.row(group=group, model=int(dice.integers(3)))
        for group in GROUPS
        if dice.random() < 0.3
    ]
    mixed = [stream[0], stream[1], chosen, *stream[2:8]]
    for runs in stream[8:]:
        changed = [switch(int(dice.choice(GROUPS)), int(dice.integers(2)), dice.random() < 0.6)]
        mixed.append(runs if dice.random() < 0.6 else [*terms(dice), *changed, *runs])
    return tuple(mixed)


def engine_of() -> Engine:
    return Engine(MemoryJournal(), State(PLUGINS))


@pytest.mark.rule("3.31", "4.26", "14.4")
@few
@given(seeds)
def test_a_run_of_trades_gives_the_same_events_as_its_rows_one_by_one(seed: int) -> None:
    whole, single = engine_of(), engine_of()
    for runs in mixed_stream(seed):
        together = events_of(whole.submit(runs))
        apart = [e for run in row_by_row(runs) for e in events_of(single.submit([run]))]
        assert sorted_events(together) == sorted_events(apart)
        assert whole.state.digest() == single.state.digest()


@pytest.mark.rule("1.5")
@few
@given(seeds)
def test_the_cache_is_exact_and_dropping_it_changes_nothing(seed: int) -> None:
    kept, dropped = engine_of(), engine_of()
    for runs in mixed_stream(seed):
        kept.submit(runs)
        dropped.state.drop_caches()
        dropped.submit(runs)
        exact = kept.state.assess_all()[:, [EQUITY, INITIAL, MAINTENANCE]]
        assert np.array_equal(kept.state.margin_cache.numbers(), exact)
    assert kept.head_hash == dropped.head_hash
    assert kept.state.digest() == dropped.state.digest()


@pytest.mark.rule("14.2", "14.3")
@few
@given(seeds)
def test_recovery_and_audit_arrive_at_the_live_state(seed: int) -> None:
    engine = play(mixed_stream(seed), engine_of())
    digest = engine.state.digest()
    assert recover(engine.journal, from_snapshot=False, plugins=PLUGINS).state.digest() == digest
    assert audit(engine.journal, plugins=PLUGINS).digest == digest
    engine.snapshot()
    assert recover(engine.journal, plugins=PLUGINS).state.digest() == digest


@pytest.mark.rule("3.31")
@few
@given(seeds)
def test_a_requirement_is_that_of_the_model_and_a_part_for_each_add_on(seed: int) -> None:
    engine = engine_of()
    for runs in mixed_stream(seed):
        engine.submit(runs)
        x = engine.state
        # An account that joined a group keeps its own, which count again when it leaves.
        groups = np.flatnonzero((x.accounts.used("add_ons") > 0) & x.margin_groups())
        if not groups.size:
            continue
        books = books_of(x, groups)
        alone = x.margins(groups, books, add_ons=0)
        for group, book, model in zip(groups.tolist(), books, alone.tolist(), strict=True):
            held = [a for a in ADD_ONS if x.accounts.add_ons[group] >> a.number & 1]
            parts = [part for a in held for part in a.components(x, group, book)]
            asked, numbers = x.requirement(group), x.assess(group)
            assert set(parts) <= set(asked.components)
            assert all(part.initial >= part.maintenance >= 0 for part in parts)
            debts = (numbers.debt_initial, numbers.debt_maintenance)  # rule 3.51: beside both
            assert asked.initial == model[0] + sum(part.initial for part in parts) + debts[0]
            assert asked.maintenance == (
                model[1] + sum(part.maintenance for part in parts) + debts[1]
            )
            assert (numbers.initial, numbers.maintenance) == (asked.initial, asked.maintenance)
            number = int(x.accounts.margin_model[group])
            assert asked.binding == x.margin_models[number].requirement(x, book).binding


@pytest.mark.rule("3.33", "7.32")
@settings(max_examples=60)
@given(st.integers(0, 2**32))
def test_fills_within_their_limits_leave_a_group_above_initial_margin(seed: int) -> None:
    dice = np.random.default_rng(seed)
    house = ready(dice)
    floor, rate = int(10 ** dice.uniform(6, 10)), int(dice.integers(1, 300_000))
    house.submit(set_parameter(Parameter.CONCENTRATION_FLOOR, floor))
    house.submit(set_parameter(Parameter.CONCENTRATION_PPM, rate))
    house.set_add_on("A", 0)
    tried = [reserve(house, dice) for _ in range(60)]
    orders = [order for order in tried if order is not None]
    assert is_covered(house)
    unit_price = float(house.state.assets.unit_price[1])
    slack = 0
    while orders:
        order = orders[int(dice.integers(len(orders)))]
        fill(house, dice, order)
        slack += math.ceil(4 * max(unit_price, 1.0)) + 2
        numbers = house.state.assess(house.number("A"))
        assert numbers.equity + slack >= numbers.initial
        if order.lots == 0:
            orders.remove(order)
