"""Laws of margin models: whatever the model, the engine keeps its word.

Streams of the toy market are played with groups that have other models than the standard one.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from novate.adapter.memory_journal import MemoryJournal
from novate.canonical import Run
from novate.engine.engine import Engine
from novate.engine.recover import audit, recover
from novate.engine.state import State
from novate.kernel.clearing.assess import EQUITY, INITIAL, MAINTENANCE
from novate.message import command
from tests.law.strategies import Stream, events_of, play, row_by_row, seeds, stream_of
from tests.law.test_engine_laws import few, sorted_events
from tests.simulate.naive.workload import SINGLE
from tests.tiny_model import PLUGINS

STANDARD, TINY, ECHO = 0, 1, 2


def choose(group: int, model: int) -> Run:
    return command.SET_MARGIN_MODEL.row(group=group, model=model)


@functools.cache
def mixed_stream(seed: int) -> Stream:
    """A stream in which half of the traders have the tiny model, and some change their mind."""
    dice = np.random.default_rng(seed)
    stream = stream_of(seed)
    groups = range(len(SINGLE), len(SINGLE) + 18)
    chosen = [choose(group, TINY) for group in groups if dice.random() < 0.5]
    mixed = [stream[0], stream[1], chosen, *stream[2:8]]
    for runs in stream[8:]:
        changed = [choose(int(dice.choice(groups)), int(dice.integers(2)))]
        mixed.append(runs if dice.random() < 0.7 else [*changed, *runs])
    return tuple(mixed)


def engine_of(state: State | None = None) -> Engine:
    return Engine(MemoryJournal(), State(PLUGINS) if state is None else state)


def echoed(stream: Stream, model: int) -> Stream:
    """The stream after every account was given a model for good, when it had just been opened."""
    chosen = [choose(group, model) for group in range(len(SINGLE) + 18)]
    others = ("SetMarginModel", "SetAddOn")
    rest = [[run for run in runs if run.name not in others] for runs in stream[2:]]
    return (stream[0], stream[1], chosen, *rest)


def without_model(events: Sequence[tuple[str, dict[str, Any]]]) -> list[tuple[str, Any]]:
    return [
        (name, {key: value for key, value in row.items() if key != "model"}) for name, row in events
    ]


@pytest.mark.rule("3.30")
@few
@given(seeds)
def test_the_standard_model_asked_from_outside_decides_what_the_kernels_decide(seed: int) -> None:
    inside, outside = engine_of(), engine_of()
    stream = stream_of(seed)
    for own, other in zip(echoed(stream, STANDARD), echoed(stream, ECHO), strict=True):
        expected = without_model(events_of(inside.submit(own)))
        assert without_model(events_of(outside.submit(other))) == expected
    groups = outside.state.modelled_groups()
    assert groups.size == 12
    assert inside.state.modelled_groups().size == 0


@pytest.mark.rule("3.30", "4.26", "14.4")
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


@pytest.mark.rule("3.30")
@few
@given(seeds)
def test_a_requirement_explains_the_numbers_that_decide(seed: int) -> None:
    engine = engine_of()
    for runs in mixed_stream(seed):
        engine.submit(runs)
        x = engine.state
        for group in np.flatnonzero(x.margin_groups()).tolist():
            asked, numbers = x.requirement(group), x.assess(group)
            assert (asked.initial, asked.maintenance) == (numbers.initial, numbers.maintenance)
            if x.accounts.margin_model[group] == TINY:
                assert {part.name for part in asked.components} >= {"fall", "rise", "floor"}
            else:
                assert sum(part.initial for part in asked.components) == asked.initial
                assert sum(part.maintenance for part in asked.components) == asked.maintenance
