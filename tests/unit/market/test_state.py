from __future__ import annotations

import numpy as np
import pytest

from novate.kernel.codes import Barrier, InstrumentStatus, Kind, Monitoring
from novate.market.state import MarketState
from novate.message.parameter import Parameter, Scope
from novate.message.parameter_state import apply_parameter_set
from tests.unit.clearing import E8, HOUR, START


def test_an_index_is_fresh_while_enough_sources_reported_lately() -> None:
    state = MarketState()
    state.now_ns = START
    state.parameters[Parameter.INDEX_STALENESS_NS] = HOUR
    for _ in range(2):
        state.assets.append()
    state.assets.unit_price[1], state.assets.is_stale[1] = 5.0, False
    state.sources.append()
    state.sources.asset[0], state.sources.observed_ns[0] = 1, START - HOUR
    state.sources.weight[0] = 1
    state.parameters[Parameter.INDEX_SOURCES_MIN] = 1

    assert state.is_fresh(0)
    assert state.is_fresh(1)
    state.parameters[Parameter.INDEX_SOURCES_MIN] = 2
    assert not state.is_fresh(1)
    state.parameters[Parameter.INDEX_SOURCES_MIN] = 1
    state.now_ns += 1
    assert not state.is_fresh(1)


@pytest.mark.rule("5.65")
def test_a_fresh_index_is_narrow_below_the_share_of_the_declared_weight() -> None:
    state = MarketState()
    state.now_ns = START
    state.parameters[Parameter.INDEX_STALENESS_NS] = HOUR
    for _ in range(2):
        state.assets.append()
    state.assets.unit_price[1], state.assets.is_stale[1] = 5.0, False
    for weight, age_ns in ((2, 0), (1, 0), (3, HOUR + 1)):
        source = state.sources.append()
        state.sources.asset[source], state.sources.weight[source] = 1, weight
        state.sources.observed_ns[source] = START - age_ns

    assert state.is_broad(0)
    assert state.is_broad(1)  # 3 of 6 are half
    state.sources.weight[2] = 4  # 3 of 7
    assert (state.is_fresh(1), state.is_broad(1)) == (True, False)
    state.sources.weight[2] = 0  # retired: 3 of 3
    assert state.is_broad(1)
    state.assets.is_stale[1] = True
    assert not state.is_broad(1)


def test_a_smile_counts_until_it_is_stale_and_still_marks_afterwards() -> None:
    state = MarketState()
    state.now_ns = START
    state.parameters[Parameter.SURFACE_STALENESS_NS] = HOUR
    state.instruments.append()
    state.instruments.kind[0] = Kind.EUROPEAN
    state.instruments.underlying[0], state.instruments.expiry_ns[0] = 1, START + HOUR
    assert state.is_option(0)
    assert (state.smile_row(0), state.last_smile_row(0)) == (-1, -1)

    row = state.surfaces.append()
    state.surfaces.underlying[row], state.surfaces.expiry_ns[row] = 1, START + HOUR
    state.surfaces.observed_ns[row] = START - HOUR

    assert (state.smile_row(0), state.last_smile_row(0)) == (0, 0)
    state.now_ns += 1
    assert (state.smile_row(0), state.last_smile_row(0)) == (-1, 0)


def test_barriers_are_watched_by_underlying_until_they_are_knocked_or_over() -> None:
    state = MarketState()
    levels = ((1, Barrier.UP_OUT, 130), (1, Barrier.UP_IN, 120), (1, Barrier.DOWN_IN, 80))
    for underlying, barrier, level in levels:
        i = state.instruments.append()
        state.instruments.underlying[i], state.instruments.barrier[i] = underlying, barrier
        state.instruments.barrier_e8[i] = level * E8
        state.instruments.monitoring[i] = Monitoring.CONTINUOUS
        state.instruments.status[i] = InstrumentStatus.ACTIVE

    assert state.watched() == {1: (120 * E8, 80 * E8, (0, 1, 2))}

    state.instruments.is_knocked[1] = True
    assert state.watched()[1].numbers == (0, 1, 2)  # kept until it is forgotten
    state.forget_watched()
    assert state.watched() == {1: (130 * E8, 80 * E8, (0, 2))}
    state.instruments.status[:3] = InstrumentStatus.EXPIRED
    state.drop_caches()
    assert state.watched() == {}


def test_a_parameter_is_looked_up_by_instrument_and_for_positions_by_account_first() -> None:
    state = MarketState()
    for _ in range(3):
        state.instruments.append()
    for scope, subject, value in ((Scope.INSTRUMENT, 1, 5), (Scope.ACCOUNT, 7, 6)):
        row = {"parameter": int(Parameter.SLICE_PPM), "scope": int(scope), "subject": subject}
        apply_parameter_set(state, {**row, "value": value, "effective_ns": 0})

    by_account, by_instrument = state.by_position(Parameter.SLICE_PPM, np.array([7, 8]))

    assert by_account.tolist() == [6, -1]
    assert by_instrument.tolist() == [250_000, 5, 250_000]
    assert state.by_instrument(Parameter.SLICE_PPM).tolist() == by_instrument.tolist()
