"""Index and mark: many sources to one price that costs more to move than can be earned.

All arithmetic is on integers; averages use the step dt / (tau + dt), which never overshoots.
"""

from __future__ import annotations

import numpy as np

from novate.kernel.clearing.value import LINEAR
from novate.kernel.codes import InstrumentStatus, Kind
from novate.market.columns import MarkColumns
from novate.market.pause import follow_index
from novate.market.reference import PPM, set_decay, set_price, set_stale_add_ons
from novate.market.source_state import PRICE_MAX_E8
from novate.market.state import MarketState
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.parameter import Parameter
from novate.message.refusal import ReportLastRefusal, ReportPriceRefusal
from novate.message.topic import NOBODY, Application, Decision, Topic

MS = 1_000_000
E8 = 100_000_000

PREMIUM_MS_MAX = 30 * 86_400_000
"""Time over which premiums are added up at most, the longest funding interval, in ms."""

WORD_E8 = 10**9
"""Unit in which options add up their index: sums of it and of the rest each fit into 64 bits."""


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
    if row["observed_ns"] > now_ns:
        return Refusal(no.OBSERVED_IN_THE_FUTURE, row["observed_ns"], now_ns)
    if row["observed_ns"] < sources.observed_ns[source]:
        return Refusal(no.OUT_OF_ORDER, row["observed_ns"], int(sources.observed_ns[source]))
    first = int(sources.price_e8[source])
    if row["observed_ns"] == sources.observed_ns[source] and row["price_e8"] != first:
        emit(
            event.SOURCE_CONTRADICTED,
            source=source, price_e8=first, other_e8=row["price_e8"], observed_ns=row["observed_ns"],
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


def update_indices(state: MarketState, emit: Emit) -> None:
    """Compute the index of every asset that has a source, in order of number.

    Then say whether it jumps, is halted, or has a ramp.
    """
    assets = state.assets
    with state.looking_once():
        for asset in sorted(set(state.sources.used("asset").tolist())):
            before = int(assets.price_e8[asset]), int(assets.updated_ns[asset])
            update_index(state, asset, emit)
            follow_index(state, asset, *before, emit)


def update_index(state: MarketState, asset: int, emit: Emit) -> None:
    """Compute the index of one asset from its sources and emit it.

    A stale index keeps its price and says so; what depends on it waits.
    """
    assets = state.assets
    price, used, outliers = state.present_index(asset)
    before = int(assets.price_e8[asset])
    stale = price == 0
    price = price or before
    slow = int(assets.slow_e8[asset])
    if slow == 0:
        slow = price
    elif not stale:
        elapsed = state.now_ns - int(assets.updated_ns[asset])
        slow = blend(slow, price, elapsed, state.parameter(Parameter.SLOW_AVERAGE_NS))
    emit(
        event.INDEX_UPDATED,
        asset=asset, price_e8=price, slow_e8=slow, sources=used, outliers=outliers, is_stale=stale,
    )  # fmt: skip


def apply_index_updated(state: MarketState, row: Row) -> None:
    """Book the index, and what its age leaves of the asset as collateral (rule 5.43)."""
    book_index(state, row)
    set_decay(state, row["asset"])
    set_stale_add_ons(state, row["asset"])


def book_index(state: MarketState, row: Row) -> None:
    """Book the index: all that version 1 of `IndexUpdated` did."""
    asset, assets = row["asset"], state.assets
    set_price(assets, asset, row["price_e8"])
    assets.slow_e8[asset] = row["slow_e8"]
    assets.is_stale[asset] = row["is_stale"]
    state.forget_stale_assets()
    assets.updated_ns[asset] = state.now_ns


def to_ticks(price_e8: int, tick_e8: int, least: int = 1) -> int:
    """Round a price to the nearest tick, half up; at least one tick, or another least number."""
    return max((2 * price_e8 + tick_e8) // (2 * tick_e8), least)


def update_marks(state: MarketState, emit: Emit) -> None:
    """Compute the mark of every active contract that its index prices, in order of number."""
    c = state.instruments
    is_active = c.used("status") == int(InstrumentStatus.ACTIVE)
    for i in np.flatnonzero(is_active & (c.used("kind") == int(Kind.DELTA_ONE))).tolist():
        update_mark(state, i, emit)


def update_mark(state: MarketState, i: int, emit: Emit) -> None:
    """Compute the mark of one instrument from index and basis, and carry its time sums."""
    instruments, marks, assets, now_ns = state.instruments, state.marks, state.assets, state.now_ns
    basis_ns = state.parameter(Parameter.BASIS_AVERAGE_NS, instrument=i)
    asset = int(instruments.underlying[i])
    price = int(assets.price_e8[asset])
    if price == 0 or bool(assets.is_stale[asset]):
        return
    tick = int(instruments.tick_e8[i])
    most = int(instruments.ticks_max[i])
    index = min(to_ticks(price, tick), most)
    final_sum, final_ms = final_so_far(state, i)
    left_ms = max(int(instruments.expiry_ns[i]) - now_ns, 0) // MS
    expected = settling_at(index, final_sum, final_ms, left_ms)
    last = int(marks.last[i]) or expected
    first = int(marks.mark[i]) == 0
    elapsed = 0 if first else now_ns - int(marks.updated_ns[i])
    sample = (last - expected) * E8
    basis = sample if first else blend(int(marks.basis_e8[i]), sample, elapsed, basis_ns)
    mark = index + basis_shift(state, i, index, basis)
    slow = min(to_ticks(int(assets.slow_e8[asset]), tick), most)
    premium_sum, premium_ms = 0, 0
    if instruments.funding_ns[i]:
        premium_sum, premium_ms = premium_so_far(marks, i, now_ns)
    least = 0 if instruments.form[i] == LINEAR else 1
    premium = min(max((last - expected) * 10**9 // expected, -(10**9)), 10**9)
    emit(
        event.MARK_UPDATED,
        instrument=i,
        index=index,
        mark=min(max(settling_at(mark, final_sum, final_ms, left_ms), 1), most),
        slow=settling_at(slow, final_sum, final_ms, left_ms),
        basis_e8=basis,
        slow_basis_e8=slow_basis(state, i, (index, expected, premium), elapsed),
        premium_e9=premium,
        premium_sum=premium_sum,
        premium_ms=premium_ms,
        final_sum=final_sum,
        final_ms=final_ms,
        final_index=min(to_ticks(price, tick, least), most),
    )


def basis_shift(state: MarketState, i: int, index: int, basis_e8: int) -> int:
    """Return by how many ticks an average basis moves a price from the index (rule 5.13).

    Parameters
    ----------
    index
        Ticks.
    basis_e8
        Average basis, 1e-8 ticks.
    """
    band = index * int(state.instruments.basis_clamp_ppm[i]) // PPM
    return min(max((2 * basis_e8 + E8) // (2 * E8), -band), band)


def slow_basis(state: MarketState, i: int, now: tuple[int, int, int], elapsed_ns: int) -> int:
    """Return the average of the basis that stood, 1e-8 ticks (rule 5.111).

    What a contract trades at counts as far as it did so at this update and at the one before, and
    within the clamp: one print counts for nothing, however far it is and however long it stays
    unseen, and the average moves towards what stands.

    Parameters
    ----------
    now
        Index and expected price, ticks, and premium, 1e-9.
    elapsed_ns
        Time since the last update, 0 at the first one.
    """
    constant_ns = state.parameter(Parameter.BASIS_PROTECTION_NS, instrument=i)
    if constant_ns == 0:
        return 0
    index, expected, premium = now
    before, average = int(state.marks.premium_e9[i]), int(state.marks.slow_basis_e8[i])
    stood = max(min(premium, before), 0) + min(max(premium, before), 0)
    band_e8 = index * int(state.instruments.basis_clamp_ppm[i]) // PPM * E8
    sample = min(max(stood * expected // 10, -band_e8), band_e8)
    return blend(average, sample, elapsed_ns, constant_ns)


def settling_at(price: int, final_sum: int, final_ms: int, left_ms: int) -> int:
    """Return what a contract would be settled at if a price held from now to expiry (rule 5.100).

    Once the settlement window has seen some time, that is the mean of what was added up and the
    price, weighted by time, rounded half up; before, the price itself.

    Parameters
    ----------
    price
        Ticks, not negative.
    final_sum, final_ms
        Sum of the settlement window up to now, ticks times ms, and its time, ms.
    left_ms
        From now to expiry, ms.
    """
    if final_ms == 0:
        return price
    weight = final_ms + left_ms
    return max((2 * (final_sum + price * left_ms) + weight) // (2 * weight), 1)


def premium_so_far(marks: MarkColumns, i: int, now_ns: int) -> tuple[int, int]:
    """Premium times time since the funding period began, and that time in ms.

    The premium of the last update holds until now: a time average of a step function.
    """
    if marks.mark[i] == 0:
        return 0, 0
    since = max(int(marks.updated_ns[i]), int(marks.premium_from_ns[i]))
    elapsed = min(max(now_ns - since, 0) // MS, max(PREMIUM_MS_MAX - int(marks.premium_ms[i]), 0))
    total = int(marks.premium_sum[i]) + int(marks.premium_e9[i]) * elapsed
    return total, int(marks.premium_ms[i]) + elapsed


def observed_ms(state: MarketState, i: int) -> int:
    """Return the time in ms that the last update of an index adds to the settlement window.

    An index counts for as long as a source does: what is later was not observed (rule 5.17).
    """
    instruments, marks = state.instruments, state.marks
    expiry = int(instruments.expiry_ns[i])
    if expiry == 0 or marks.index[i] == 0:
        return 0
    updated = int(marks.updated_ns[i])
    until = min(state.now_ns, expiry, updated + state.index_life_ns())
    return max(until - max(updated, expiry - int(instruments.settlement_window_ns[i])), 0) // MS


def final_so_far(state: MarketState, i: int) -> tuple[int, int]:
    """Index ticks times time observed inside the settlement window, and that time in ms."""
    marks, elapsed = state.marks, observed_ms(state, i)
    total = int(marks.final_sum[i]) + int(marks.final_index[i]) * elapsed
    return total, int(marks.final_ms[i]) + elapsed


def option_final_so_far(state: MarketState, i: int) -> tuple[int, int]:
    """Index in 1e-8 times time observed in the window of an option, exact, and that time."""
    marks, elapsed = state.marks, observed_ms(state, i)
    total = int(marks.final_sum[i]) * WORD_E8 + int(marks.final_rest[i])
    return total + int(marks.index[i]) * elapsed, int(marks.final_ms[i]) + elapsed


def apply_mark_updated(state: MarketState, row: Row) -> None:
    """Book the mark and its sums."""
    i, marks = row["instrument"], state.marks
    for name, value in row.items():
        if name != "instrument":
            getattr(marks, name)[i] = value
    marks.updated_ns[i] = state.now_ns
    state.forget_bound()


TOPIC: Topic[MarketState] = Topic(
    name="index and mark",
    decisions=(Decision(command.REPORT_LAST, decide_report_last, ReportLastRefusal),),
    applications=(
        Application(
            event.PRICE_REPORTED, apply_price_reported, NOBODY, older=((1, remember_price),)
        ),
        Application(event.INDEX_UPDATED, apply_index_updated, NOBODY, older=((1, book_index),)),
        Application(event.LAST_REPORTED, apply_last_reported, NOBODY, older=((1, remember_last),)),
        Application(event.SOURCE_CONTRADICTED, apply_source_contradicted, NOBODY),
        Application(event.MARK_UPDATED, apply_mark_updated, NOBODY),
    ),
    phases=(update_indices, update_marks),
)
