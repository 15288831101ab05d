"""The index of an asset: many sources to one price that costs more to move than can be earned.

All arithmetic is on integers; averages use the step dt / (tau + dt), which never overshoots.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from novate.kernel.codes import InstrumentStatus
from novate.market.pause import follow_index, is_jump
from novate.market.reference import set_decays, set_price, set_stale_add_ons
from novate.market.source_state import PRICE_MAX_E8
from novate.market.state import MarketState
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.parameter import Parameter
from novate.message.refusal import ReportLastRefusal, ReportPriceRefusal
from novate.message.topic import NOBODY, Application, Decision, Topic


def accept_price(state: MarketState, row: Row, emit: Emit) -> Refusal | None:
    """Accept a source's price if it is in range, not from the future, and not older than before.

    A second price for the instant of the last one is a contradiction: `SourceContradicted`.
    What the index that it makes then ends is decided in `default_management.contract_end`.
    """
    no, sources, now_ns = ReportPriceRefusal, state.sources, state.now_ns
    source = row["source"]
    if source >= sources.count:
        return Refusal(no.UNKNOWN_SOURCE, source, sources.count - 1)
    if not 0 < row["price_e8"] <= PRICE_MAX_E8:
        return Refusal(no.PRICE_OUT_OF_RANGE, row["price_e8"], PRICE_MAX_E8)
    observed_ns, before_ns = row["observed_ns"], int(sources.observed_ns[source])
    if observed_ns > now_ns:
        return Refusal(no.OBSERVED_IN_THE_FUTURE, observed_ns, now_ns)
    if observed_ns < before_ns:
        return Refusal(no.OUT_OF_ORDER, observed_ns, before_ns)
    first = int(sources.price_e8[source])
    if observed_ns == before_ns and row["price_e8"] != first:
        emit(
            event.SOURCE_CONTRADICTED,
            source=source, price_e8=first, other_e8=row["price_e8"], observed_ns=observed_ns,
        )  # fmt: skip
        return None
    emit(event.PRICE_REPORTED, **row)
    return None


def apply_source_contradicted(state: MarketState, row: Row) -> None:
    """Remember the instant: the source does not count while its last price is of that instant.

    No assessment has seen that either (rule 5.40).
    """
    state.sources.contradicted_ns[row["source"]] = row["observed_ns"]
    state.note_reported(int(state.sources.asset[row["source"]]))


def remember_price(state: MarketState, row: Row) -> None:
    """Remember the source's price: all that version 1 of `PriceReported` did."""
    state.sources.price_e8[row["source"]] = row["price_e8"]
    state.sources.observed_ns[row["source"]] = row["observed_ns"]


def apply_price_reported(state: MarketState, row: Row) -> None:
    """Remember the source's price, and that no assessment has seen it (rule 5.40)."""
    remember_price(state, row)
    state.note_reported(int(state.sources.asset[row["source"]]))


def decide_report_last(state: MarketState, row: Row, emit: Emit) -> Refusal | None:
    """Accept a venue price."""
    no, instruments = ReportLastRefusal, state.instruments
    i = row["instrument"]
    if i >= instruments.count:
        return Refusal(no.UNKNOWN_INSTRUMENT, i, instruments.count - 1)
    if not 0 < row["ticks"] <= instruments.ticks_max[i]:
        return Refusal(no.PRICE_OUT_OF_RANGE, row["ticks"], int(instruments.ticks_max[i]))
    if int(instruments.status[i]) != InstrumentStatus.ACTIVE:
        return Refusal(no.INSTRUMENT_NOT_ACTIVE, int(instruments.status[i]), 1)
    emit(event.LAST_REPORTED, **row)
    return None


def remember_last(state: MarketState, row: Row) -> None:
    """Remember the venue price: all that version 1 of `LastReported` did."""
    state.marks.last[row["instrument"]] = row["ticks"]


def apply_last_reported(state: MarketState, row: Row) -> None:
    """Remember the venue price, and that no assessment has seen it (rule 5.40)."""
    remember_last(state, row)
    state.marks.is_reported[row["instrument"]] = True


def note_assessed(state: MarketState) -> None:
    """Note that an assessment has seen every price that was reported (rule 5.40)."""
    for table in (state.assets, state.marks, state.surfaces):
        table.used("is_reported")[:] = False


def blend(average: int, sample: int, elapsed_ns: int, constant_ns: int) -> int:
    """Move an average towards a sample by elapsed / (constant + elapsed), rounded down."""
    if elapsed_ns <= 0:
        return average
    return average + (sample - average) * elapsed_ns // (constant_ns + elapsed_ns)


class Before(NamedTuple):
    """An asset before its index is computed anew: prices in 1e-8 numeraire, instants in ns."""

    asset: int
    price_e8: int
    slow_e8: int
    updated_ns: int
    range_low_e8: int
    range_high_e8: int
    is_calm: bool  # priced lately, no jump, no halt, no ramp, and a range that is not due


class Updated(NamedTuple):
    """The columns of `IndexUpdated`."""

    asset: int
    price_e8: int
    slow_e8: int
    sources: int
    outliers: int
    is_stale: bool


def update_indices(state: MarketState, emit: Emit) -> None:
    """Compute the index of every asset that has a source, in order of number.

    Then say whether it jumps, is halted, or has a ramp.  An index is booked before anything that
    rests on it is computed, and before what follows from it is said.
    """
    with state.looking_once():
        waiting: list[Updated] = []
        for before in assets_before(state):
            if waiting and state.sources.quotes(before.asset):
                _emit_updated(waiting, emit)
            now = next_index(state, before)
            waiting.append(now)
            if not is_quiet(state, before, now):
                _emit_updated(waiting, emit)
                follow_index(state, before.asset, before.price_e8, before.updated_ns, emit)
        _emit_updated(waiting, emit)


def assets_before(state: MarketState) -> Iterator[Before]:
    """Read the assets that have a source: only what follows from an index changes its columns."""
    a, now_ns = state.assets, state.now_ns
    priced = np.unique(state.sources.used("asset"))
    updated_ns, range_ns = a.updated_ns[priced], a.range_ns[priced]
    halted_ns = state.index_life_ns() + state.parameter(Parameter.HALT_MIN_NS)
    half_ns = state.parameter(Parameter.SETTLEMENT_RANGE_NS) // 2
    is_calm = (a.price_e8[priced] > 0) & (now_ns - updated_ns <= halted_ns)
    is_calm &= (range_ns > 0) & (now_ns - range_ns < half_ns)
    for begun_ns in (a.halt_ns, a.jump_ns, a.ramp_ns):
        is_calm &= begun_ns[priced] == 0
    columns = (
        priced, a.price_e8[priced], a.slow_e8[priced], updated_ns,
        a.range_low_e8[priced], a.range_high_e8[priced], is_calm,
    )  # fmt: skip
    return map(Before._make, zip(*(column.tolist() for column in columns), strict=True))


def _emit_updated(waiting: list[Updated], emit: Emit) -> None:
    """Emit the indices that wait, and let none wait."""
    if waiting:
        *numbers, is_stale = np.array(waiting, np.int64).T
        columns = dict(zip(Updated._fields, numbers, strict=False))
        emit.columns(event.INDEX_UPDATED, **columns, is_stale=is_stale.astype(np.bool_))
        waiting.clear()


def next_index(state: MarketState, before: Before) -> Updated:
    """Return the index of one asset from its sources, and its slow average.

    A stale index keeps its price and says so; what depends on it waits.
    """
    price, used, outliers = state.present_index(before.asset)
    stale = price == 0
    price = price or before.price_e8
    slow = before.slow_e8
    if slow == 0:
        slow = price
    elif not stale:
        elapsed = state.now_ns - before.updated_ns
        slow = blend(slow, price, elapsed, state.parameter(Parameter.SLOW_AVERAGE_NS))
    return Updated(before.asset, price, slow, used, outliers, stale)


def is_quiet(state: MarketState, before: Before, now: Updated) -> bool:
    """Return whether `follow_index` has nothing to say of a new index, as far as one look tells."""
    return (
        before.is_calm
        and not now.is_stale
        and before.range_low_e8 <= now.price_e8 <= before.range_high_e8
        and not is_jump(state, before.asset, before.price_e8, now.price_e8)
    )


def apply_indices_updated(state: MarketState, columns: Row) -> None:
    """Book indices, and what their age leaves of the assets as collateral (rule 5.43)."""
    updated, a = columns["asset"], state.assets
    for asset, price_e8 in zip(updated.tolist(), columns["price_e8"].tolist(), strict=True):
        set_price(a, asset, price_e8)
    a.slow_e8[updated] = columns["slow_e8"]
    a.is_stale[updated] = columns["is_stale"]
    a.updated_ns[updated] = state.now_ns
    state.forget_stale_assets()
    set_decays(state, updated)
    if state.is_aged() or columns["is_stale"].any():
        for asset in updated.tolist():
            set_stale_add_ons(state, asset)


def book_index(state: MarketState, row: Row) -> None:
    """Book the index: all that version 1 of `IndexUpdated` did."""
    asset, assets = row["asset"], state.assets
    set_price(assets, asset, row["price_e8"])
    assets.slow_e8[asset] = row["slow_e8"]
    assets.is_stale[asset] = row["is_stale"]
    state.forget_stale_assets()
    assets.updated_ns[asset] = state.now_ns


TOPIC: Topic[MarketState] = Topic(
    name="index",
    decisions=(Decision(command.REPORT_LAST, decide_report_last, ReportLastRefusal),),
    applications=(
        Application(
            event.PRICE_REPORTED, apply_price_reported, NOBODY, older=((1, remember_price),)
        ),
        Application(
            event.INDEX_UPDATED,
            apply_indices_updated,
            NOBODY,
            is_by_column=True,
            older=((1, book_index),),
        ),
        Application(event.LAST_REPORTED, apply_last_reported, NOBODY, older=((1, remember_last),)),
        Application(event.SOURCE_CONTRADICTED, apply_source_contradicted, NOBODY),
    ),
    phases=(update_indices,),
)
