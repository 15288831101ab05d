"""The mark of a contract that its index prices: index plus the average basis, inside a clamp.

It carries the time sums behind funding and the final settlement price.  All arithmetic is on
integers.  Sums of prices and times can be beyond 64 bits on their way to a result that is not:
they are Python's, contract by contract, between columns that are read and written at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from novate.kernel.clearing.columns import I64
from novate.kernel.clearing.value import LINEAR
from novate.kernel.codes import InstrumentStatus, Kind
from novate.market.index import blend
from novate.market.state import MarketState
from novate.message import event
from novate.message.declare import Emit, Row
from novate.message.parameter import Parameter
from novate.message.topic import NOBODY, Application, Topic
from novate.units import PPM

MS = 1_000_000
E8 = 100_000_000
E9 = 10**9

PREMIUM_MS_MAX = 30 * 86_400_000
"""Time over which premiums are added up at most, the longest funding interval, in ms."""

WORD_E8 = 10**9
"""Unit in which options add up their index: sums of it and of the rest each fit into 64 bits."""


class Before(NamedTuple):
    """What the next mark of a contract is made of: index, terms, parameters and the last update.

    Prices are in ticks where the name says nothing else; instants and times in ns.
    """

    price_e8: int
    slow_e8: int
    tick_e8: int
    ticks_max: int
    form: int
    funding_ns: int
    expiry_ns: int
    settlement_window_ns: int
    basis_clamp_ppm: int
    basis_average_ns: int
    basis_protection_ns: int
    last: int
    mark: int
    index_ticks: int
    basis_e8: int
    slow_basis_e8: int
    updated_ns: int
    premium_e9: int
    premium_sum: int
    premium_ms: int
    premium_from_ns: int
    final_sum: int
    final_ms: int
    final_index: int


def update_marks(state: MarketState, emit: Emit) -> None:
    """Compute the mark of every active contract that its index prices, in order of number.

    A contract whose index is stale keeps its mark.
    """
    c, a = state.instruments, state.assets
    is_meant = c.used("status") == int(InstrumentStatus.ACTIVE)
    is_meant &= c.used("kind") == int(Kind.DELTA_ONE)
    asset = c.used("underlying")
    is_meant &= (a.price_e8[asset] != 0) & ~a.is_stale[asset]
    numbers = np.flatnonzero(is_meant)
    if not numbers.size:
        return
    now_ns, life_ns = state.now_ns, state.index_life_ns()
    found = [next_mark(x, now_ns, life_ns) for x in before(state, numbers)]
    columns = np.array([[*row.values()] for row in found], np.int64).T
    emit.columns(
        event.MARK_UPDATED, instrument=numbers, **dict(zip(found[0], columns, strict=True))
    )


def before(state: MarketState, numbers: I64) -> Iterator[Before]:
    """Read what the next marks of some contracts are made of."""
    c, a, marks = state.instruments, state.assets, state.marks
    asset = c.underlying[numbers]
    columns = (
        *(column[asset] for column in (a.price_e8, a.slow_e8)),
        *(
            column[numbers]
            for column in (
                c.tick_e8, c.ticks_max, c.form, c.funding_ns, c.expiry_ns,
                c.settlement_window_ns, c.basis_clamp_ppm,
                state.by_instrument(Parameter.BASIS_AVERAGE_NS),
                state.by_instrument(Parameter.BASIS_PROTECTION_NS),
                marks.last, marks.mark, marks.index, marks.basis_e8, marks.slow_basis_e8,
                marks.updated_ns, marks.premium_e9, marks.premium_sum, marks.premium_ms,
                marks.premium_from_ns, marks.final_sum, marks.final_ms, marks.final_index,
            )
        ),
    )  # fmt: skip
    return map(Before._make, zip(*(column.tolist() for column in columns), strict=True))


def next_mark(x: Before, now_ns: int, life_ns: int) -> Row:
    """Return the columns of `MarkUpdated` behind the number of a contract (rules 5.11 to 5.17).

    Parameters
    ----------
    x
        Of a contract whose index is priced and not stale.
    now_ns, life_ns
        The present instant, and for how long an index counts, ns.
    """
    price, tick, most = x.price_e8, x.tick_e8, x.ticks_max
    ticks = to_ticks(price, tick, least=0)
    index = min(max(ticks, 1), most)
    slow = min(to_ticks(x.slow_e8, tick), most)
    elapsed_ms = observed_ms(x, now_ns, life_ns)
    final_sum, final_ms = x.final_sum + x.final_index * elapsed_ms, x.final_ms + elapsed_ms
    left_ms = max(x.expiry_ns - now_ns, 0) // MS
    expected = settling_at(index, final_sum, final_ms, left_ms)
    last = x.last or expected
    first = x.mark == 0
    elapsed = 0 if first else now_ns - x.updated_ns
    sample = (last - expected) * E8
    basis = sample if first else blend(x.basis_e8, sample, elapsed, x.basis_average_ns)
    mark = index + basis_shift(index, basis, x.basis_clamp_ppm)
    premium = min(max((last - expected) * E9 // expected, -E9), E9)
    premium_sum, premium_ms = premium_so_far(x, now_ns) if x.funding_ns else (0, 0)
    return {
        "index": index,
        "mark": min(max(settling_at(mark, final_sum, final_ms, left_ms), 1), most),
        "slow": settling_at(slow, final_sum, final_ms, left_ms),
        "basis_e8": basis,
        "premium_e9": premium,
        "premium_sum": premium_sum,
        "premium_ms": premium_ms,
        "final_sum": final_sum,
        "final_ms": final_ms,
        "final_index": min(ticks, most) if x.form == LINEAR else index,
        "slow_basis_e8": slow_basis(x, (index, expected, premium), elapsed),
    }


def to_ticks(price_e8: int, tick_e8: int, least: int = 1) -> int:
    """Round a price to the nearest tick, half up; at least one tick, or another least number."""
    return max((2 * price_e8 + tick_e8) // (2 * tick_e8), least)


def basis_shift(index: int, basis_e8: int, clamp_ppm: int) -> int:
    """Return by how many ticks an average basis moves a price from the index (rule 5.13).

    Parameters
    ----------
    index
        Ticks.
    basis_e8
        Average basis, 1e-8 ticks.
    clamp_ppm
        Largest basis that counts, 1e-6 of the index.
    """
    band = index * clamp_ppm // PPM
    return min(max((2 * basis_e8 + E8) // (2 * E8), -band), band)


def slow_basis(x: Before, now: tuple[int, int, int], elapsed_ns: int) -> int:
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
    if x.basis_protection_ns == 0:
        return 0
    index, expected, premium = now
    past = x.premium_e9
    stood = max(min(premium, past), 0) + min(max(premium, past), 0)
    band_e8 = index * x.basis_clamp_ppm // PPM * E8
    sample = min(max(stood * expected // 10, -band_e8), band_e8)
    return blend(x.slow_basis_e8, sample, elapsed_ns, x.basis_protection_ns)


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


def premium_so_far(x: Before, now_ns: int) -> tuple[int, int]:
    """Return premium times time since the funding period began, 1e-9 x ms, and that time in ms.

    The premium of the last update holds until now: a time average of a step function.
    """
    if x.mark == 0:
        return 0, 0
    since = max(x.updated_ns, x.premium_from_ns)
    elapsed = min(max(now_ns - since, 0) // MS, max(PREMIUM_MS_MAX - x.premium_ms, 0))
    return x.premium_sum + x.premium_e9 * elapsed, x.premium_ms + elapsed


class Window(NamedTuple):
    """What tells the time that an index adds to a settlement window; units as in `Before`."""

    expiry_ns: int
    settlement_window_ns: int
    index_ticks: int
    updated_ns: int


def observed_ms(x: Before | Window, now_ns: int, life_ns: int) -> int:
    """Return the time in ms that the last update of an index adds to the settlement window.

    An index counts for as long as a source does: what is later was not observed (rule 5.17).
    """
    if x.expiry_ns == 0 or x.index_ticks == 0:
        return 0
    until = min(now_ns, x.expiry_ns, x.updated_ns + life_ns)
    return max(until - max(x.updated_ns, x.expiry_ns - x.settlement_window_ns), 0) // MS


def _observed_ms(state: MarketState, i: int) -> int:
    """Return `observed_ms` of a contract's last update."""
    c, marks = state.instruments, state.marks
    window = c.expiry_ns[i], c.settlement_window_ns[i], marks.index[i], marks.updated_ns[i]
    return observed_ms(Window(*map(int, window)), state.now_ns, state.index_life_ns())


def final_so_far(state: MarketState, i: int) -> tuple[int, int]:
    """Index ticks times time observed inside the settlement window, and that time in ms."""
    marks, elapsed = state.marks, _observed_ms(state, i)
    total = int(marks.final_sum[i]) + int(marks.final_index[i]) * elapsed
    return total, int(marks.final_ms[i]) + elapsed


def option_final_so_far(state: MarketState, i: int) -> tuple[int, int]:
    """Index in 1e-8 times time observed in the window of an option, exact, and that time."""
    marks, elapsed = state.marks, _observed_ms(state, i)
    total = int(marks.final_sum[i]) * WORD_E8 + int(marks.final_rest[i])
    return total + int(marks.index[i]) * elapsed, int(marks.final_ms[i]) + elapsed


def apply_marks_updated(state: MarketState, columns: Row) -> None:
    """Book marks and their sums."""
    i, marks = columns["instrument"], state.marks
    for name, values in columns.items():
        if name != "instrument":
            getattr(marks, name)[i] = values
    marks.updated_ns[i] = state.now_ns
    state.forget_bound()


TOPIC: Topic[MarketState] = Topic(
    name="mark",
    applications=(Application(event.MARK_UPDATED, apply_marks_updated, NOBODY, is_by_column=True),),
    phases=(update_marks,),
)
