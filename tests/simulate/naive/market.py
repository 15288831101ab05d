"""Index, mark, and the sums behind funding and expiry."""

from __future__ import annotations

import pytest

from novate.kernel.codes import InstrumentStatus
from novate.message.parameter import Parameter
from tests.simulate.naive.number import MS, clamp, half_up
from tests.simulate.naive.world import Instrument, World


@pytest.mark.rule("5.6")
def weighted_median(quotes: list[tuple[int, int, int]]) -> int:
    """Weighted median of (price, number, weight)."""
    ordered = sorted(quotes)
    total = sum(weight for _, _, weight in ordered)
    running = 0
    for k, (price, _, weight) in enumerate(ordered):
        running += weight
        if 2 * running > total:
            return price
        if 2 * running == total:
            return (price + ordered[k + 1][0]) // 2
    raise AssertionError(quotes)


@pytest.mark.rule("5.5", "5.7")
def index_of(w: World, asset: int) -> tuple[int, int, int]:
    """The index that the sources make now, 0 if too few are usable; sources used and left out."""
    minimum = w.parameters[Parameter.INDEX_SOURCES_MIN]
    quotes = [(w.sources[k].price, k, w.sources[k].weight) for k in w.fresh_sources(asset)]
    outliers = 0
    if len(quotes) >= max(minimum, 3):
        middle = weighted_median(quotes)
        limit = w.parameters[Parameter.INDEX_OUTLIER_PPM]
        kept = [q for q in quotes if abs(q[0] - middle) * 1_000_000 <= middle * limit]
        outliers = len(quotes) - len(kept)
        quotes = kept
    price = weighted_median(quotes) if len(quotes) >= minimum else 0
    return price, len(quotes), outliers


@pytest.mark.rule("5.8", "5.9")
def update_index(w: World, asset: int) -> None:
    a = w.assets[asset]
    price, used, outliers = index_of(w, asset)
    if price:
        if a.price == 0:
            a.slow = price
        else:
            dt = w.now - a.updated
            a.slow += (price - a.slow) * dt // (w.parameters[Parameter.SLOW_AVERAGE_NS] + dt)
        a.price = price
    a.updated = w.now
    a.is_stale = not price
    w.emit(
        "IndexUpdated",
        asset=asset,
        price_e8=a.price,
        slow_e8=a.slow,
        sources=used,
        outliers=outliers,
        is_stale=a.is_stale,
    )


@pytest.mark.rule("5.11")
def ticks_of(i: Instrument, price_e8: int) -> int:
    return clamp(half_up(price_e8, i.terms["tick_e8"]), 1, i.terms["ticks_max"])


@pytest.mark.rule("15.73")
def counted_time(i: Instrument, ms: int) -> int:
    """How much of the time since the last update the premium counts: 30 days in all."""
    return min(ms, max(30 * 86_400_000 - i.premium_ms, 0))


@pytest.mark.rule("5.16", "5.17", "5.18", "9.3")
def extend_sums(w: World, i: Instrument) -> None:
    """Carry the premium and the index of the last update forward to now."""
    if i.index == 0:
        return
    ms = (w.now - max(i.updated, i.funded)) // MS
    ms = counted_time(i, ms)
    if i.terms["funding_ns"]:
        i.premium_sum += i.premium_e9 * ms
        i.premium_ms += ms
    expiry = i.terms["expiry_ns"]
    if expiry:
        start = max(i.updated, expiry - i.terms["settlement_window_ns"])
        ms = max(min(w.now, expiry) - start, 0) // MS
        i.final_sum += i.index * ms
        i.final_rest += i.index % 10**9 * ms
        i.final_ms += ms


@pytest.mark.rule("5.10", "5.12", "5.13", "5.14", "5.15")
def update_mark(w: World, number: int) -> None:
    i = w.instruments[number]
    asset = w.assets[i.terms["underlying"]]
    skipped = i.is_option or i.status != InstrumentStatus.ACTIVE
    if skipped or asset.price == 0 or asset.is_stale:
        return
    extend_sums(w, i)
    index = ticks_of(i, asset.price)
    sample = (i.last - index) * 10**8 if i.last else 0
    if i.index == 0:
        i.basis_e8 = sample
    else:
        dt = w.now - i.updated
        constant = w.parameter(Parameter.BASIS_AVERAGE_NS, instrument=i)
        i.basis_e8 += (sample - i.basis_e8) * dt // (constant + dt)
    band = index * i.terms["basis_clamp_ppm"] // 1_000_000
    shift = clamp(half_up(i.basis_e8, 10**8), -band, band)
    i.index = index
    i.mark = clamp(index + shift, 1, i.terms["ticks_max"])
    i.slow = ticks_of(i, asset.slow)
    premium = (i.last - index) * 10**9 // index if i.last else 0
    i.premium_e9 = clamp(premium, -(10**9), 10**9)
    i.updated = w.now
    w.emit(
        "MarkUpdated",
        instrument=number,
        index=index,
        mark=i.mark,
        slow=i.slow,
        basis_e8=i.basis_e8,
        premium_e9=i.premium_e9,
        premium_sum=i.premium_sum,
        premium_ms=i.premium_ms,
        final_sum=i.final_sum,
        final_ms=i.final_ms,
    )


def update_prices(w: World) -> None:
    for asset in sorted({source.asset for source in w.sources}):
        update_index(w, asset)
    for number in range(len(w.instruments)):
        update_mark(w, number)
