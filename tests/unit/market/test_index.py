from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.kernel.codes import InstrumentStatus
from novate.market import index
from novate.market.index import blend
from novate.market.pause import follow_index
from novate.market.state import MarketState
from novate.message.parameter import Parameter
from novate.message.refusal import ReportLastRefusal, ReportPriceRefusal
from tests.unit.clearing import DAY, E8, HOUR, MINUTE, SECOND, START, Recorder
from tests.unit.market.priced import by_column, market

MS = 10**6


# ---- reports


@pytest.mark.rule("4.25", "5.2")
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"source": 1, "price_e8": 0}, ReportPriceRefusal.UNKNOWN_SOURCE),
        ({"price_e8": 0, "observed_ns": START + 1}, ReportPriceRefusal.PRICE_OUT_OF_RANGE),
        ({"price_e8": 10**17 + 1}, ReportPriceRefusal.PRICE_OUT_OF_RANGE),
        ({"observed_ns": START + 1}, ReportPriceRefusal.OBSERVED_IN_THE_FUTURE),
        ({"observed_ns": START - SECOND - 1}, ReportPriceRefusal.OUT_OF_ORDER),
        ({"price_e8": 100, "observed_ns": START - SECOND}, None),
        ({"price_e8": 10**17, "observed_ns": START}, None),
    ],
)
def test_a_source_price_is_refused_in_the_order_of_the_codes(
    change: dict[str, Any], code: ReportPriceRefusal | None
) -> None:
    row = {"source": 0, "price_e8": 5, "observed_ns": START, **change}
    emitted = Recorder()

    refusal = index.accept_price(market((100, SECOND)), row, emitted)

    assert (refusal and refusal.code) == code
    assert emitted.names == ([] if code else ["PriceReported"])


@pytest.mark.rule("5.1")
def test_a_reported_price_replaces_the_one_before() -> None:
    state = market((100, SECOND))

    index.apply_price_reported(state, {"source": 0, "price_e8": 7, "observed_ns": START})

    sources = state.sources
    assert (sources.price_e8[0], sources.observed_ns[0]) == (7, START)


@pytest.mark.rule("4.25", "5.3")
@pytest.mark.parametrize(
    ("instrument", "ticks", "status", "code"),
    [
        (1, 0, InstrumentStatus.ACTIVE, ReportLastRefusal.UNKNOWN_INSTRUMENT),
        (0, 0, InstrumentStatus.EXPIRED, ReportLastRefusal.PRICE_OUT_OF_RANGE),
        (0, 1_001, InstrumentStatus.ACTIVE, ReportLastRefusal.PRICE_OUT_OF_RANGE),
        (0, 1_000, InstrumentStatus.EXPIRED, ReportLastRefusal.INSTRUMENT_NOT_ACTIVE),
        (0, 1_000, InstrumentStatus.ACTIVE, None),
    ],
)
def test_a_venue_price_is_refused_in_the_order_of_the_codes(
    instrument: int, ticks: int, status: InstrumentStatus, code: ReportLastRefusal | None
) -> None:
    state = MarketState()
    state.instruments.append()
    state.instruments.ticks_max[0] = 1_000
    state.instruments.status[0] = status

    row = {"instrument": instrument, "ticks": ticks}
    refusal = index.decide_report_last(state, row, Recorder())

    assert (refusal and refusal.code) == code


# ---- the index


@pytest.mark.rule("5.8", "5.12")
@pytest.mark.parametrize(
    ("average", "sample", "elapsed", "expected"),
    [
        (1_000, 2_000, 0, 1_000),
        (1_000, 2_000, HOUR, 1_500),
        (1_000, 2_000, 3 * HOUR, 1_750),
        (1_000, 999, HOUR, 999),  # rounded down
        (1_000, 1_001, HOUR, 1_000),
    ],
)
def test_an_average_moves_by_its_share_of_the_time(
    average: int, sample: int, elapsed: int, expected: int
) -> None:
    assert blend(average, sample, elapsed, HOUR) == expected


@pytest.mark.rule("5.8", "5.12")
@given(
    average=st.integers(1, 10**17),
    sample=st.integers(1, 10**17),
    elapsed=st.integers(0, 10**18),
)
def test_an_average_never_overshoots(average: int, sample: int, elapsed: int) -> None:
    moved = blend(average, sample, elapsed, HOUR)

    assert min(average, sample) <= moved <= max(average, sample)


@pytest.mark.rule("5.9")
def test_the_first_index_sets_the_slow_average() -> None:
    emitted = Recorder()

    index.update_indices(market((500 * E8, 0)), emitted)

    assert emitted.only() == {
        "asset": 1,
        "price_e8": 500 * E8,
        "slow_e8": 500 * E8,
        "sources": 1,
        "outliers": 0,
        "is_stale": False,
    }


def updated(state: MarketState) -> dict[str, Any]:
    """Compute the index of the asset, and book it."""
    emitted = Recorder()
    index.update_indices(state, emitted)
    [row] = [values for name, values in emitted.events if name == "IndexUpdated"]
    index.apply_indices_updated(state, by_column(row))
    return row


@pytest.mark.rule("5.5", "5.8", "5.9")
def test_the_slow_average_follows_and_a_stale_index_leaves_price_and_average() -> None:
    state = market((500 * E8, 0))
    updated(state)

    state.now_ns = START + HOUR
    state.sources.price_e8[0] = 600 * E8
    state.sources.observed_ns[0] = START + HOUR
    moved = updated(state)
    state.now_ns = START + 2 * HOUR
    stale = updated(state)

    assert (moved["price_e8"], moved["slow_e8"], moved["is_stale"]) == (600 * E8, 550 * E8, False)
    assert (stale["price_e8"], stale["slow_e8"], stale["is_stale"]) == (600 * E8, 550 * E8, True)
    assert stale["sources"] == 0


@pytest.mark.rule("2.4")
def test_an_applied_index_gives_the_asset_its_value() -> None:
    state = market()
    assets = state.assets
    assets.decimals[:2] = (6, 8)
    row = {"asset": 1, "price_e8": 500 * E8, "slow_e8": 400 * E8, "is_stale": False}

    index.apply_indices_updated(state, by_column(row))

    assert assets.unit_price[1] == 5.0  # 500 * 10^6 units for 10^8 satoshi
    assert (assets.slow_e8[1], assets.updated_ns[1], assets.is_stale[1]) == (400 * E8, START, False)


@given(
    price=st.sampled_from((0, 1, 94, 95, 99, 100, 101, 105, 106, 110, 10**9)),
    past=st.sampled_from((0, 1, 90, 100, 105, 110)),
    seen_ns=st.sampled_from((0, 1, MINUTE, HOUR, 7 * HOUR, 30 * DAY)),
    begun=st.sampled_from(("", "", "", "halt_ns", "jump_ns", "ramp_ns")),
    low=st.sampled_from((0, 90, 100, 106)),
    width=st.sampled_from((0, 5, 50)),
    ranged_ns=st.sampled_from((0, START - 31 * DAY, START - HOUR, START)),
)
def test_of_a_quiet_index_there_is_nothing_to_say(
    price: int, past: int, seen_ns: int, begun: str, low: int, width: int, ranged_ns: int
) -> None:
    # One look at many assets may leave `follow_index` unasked, never what it would have said.
    state = market((max(price, 1) * E8, 0 if price else HOUR))
    a = state.assets
    a.price_e8[1], a.slow_e8[1], a.updated_ns[1] = past * E8, past * E8, START - seen_ns
    a.is_stale[1], a.ramp_side[1], a.ramp_from_e8[1] = False, 1, past * E8
    a.range_low_e8[1], a.range_high_e8[1], a.range_ns[1] = low * E8, (low + width) * E8, ranged_ns
    if begun:
        getattr(a, begun)[1] = START - MINUTE
    [before] = index.assets_before(state)
    now = index.next_index(state, before)
    index.apply_indices_updated(state, by_column(now._asdict()))
    said = Recorder()

    follow_index(state, 1, before.price_e8, before.updated_ns, said)

    quiet = index.is_quiet(state, before, now)
    assert said.events == [] or not quiet
    is_plain = past == price == 100 == low + width and seen_ns == 1 and not begun
    assert quiet or not (is_plain and ranged_ns == START - HOUR)


@given(st.data())
def test_indices_that_are_booked_together_are_booked_as_one_by_one(data: st.DataObject) -> None:
    # A run of events is applied at once; that of an old journal, or live, in other parts.
    assets, contracts = 4, 5
    together, one_by_one = (_aged_market(assets, contracts) for _ in range(2))
    for _ in range(3):
        flags = data.draw(st.lists(st.booleans(), min_size=assets, max_size=assets))
        updated = [
            {"asset": k + 1, "price_e8": (k + 2) * E8, "slow_e8": E8, "is_stale": stale}
            for k, stale in enumerate(flags)
        ]
        for state in (together, one_by_one):
            state.now_ns += HOUR
        index.apply_indices_updated(
            together, {name: np.array([row[name] for row in updated]) for name in updated[0]}
        )
        for row in updated:
            index.apply_indices_updated(one_by_one, by_column(row))

        for table in ("assets", "instruments"):
            found = getattr(together, table).export()
            for name, column in getattr(one_by_one, table).export().items():
                assert np.array_equal(found[name], column), name


def _aged_market(assets: int, contracts: int) -> MarketState:
    """Assets, and contracts on one and paid in the next, which ask more while prices are stale."""
    state = MarketState()
    state.now_ns = START
    state.parameters[Parameter.STALE_ADD_ON_PPM] = 100_000
    for _ in range(assets + 1):
        state.assets.append()
    for i in range(contracts):
        state.instruments.append()
        state.marks.append()
        state.instruments.underlying[i] = 1 + i % assets
        state.instruments.settlement_asset[i] = (i + 2) % (assets + 1)
        state.instruments.status[i] = InstrumentStatus.ACTIVE
        state.marks.mark[i] = 100
    return state
