"""Index, mark, and the sums behind funding and expiry."""

from __future__ import annotations

import pytest

from novate.kernel.codes import InstrumentStatus
from novate.message.parameter import Parameter
from tests.simulate.naive import pause
from tests.simulate.naive.index import index_of
from tests.simulate.naive.number import MS, ceil_div, clamp, half_up
from tests.simulate.naive.world import Instrument, World


@pytest.mark.rule("5.8", "5.9", "5.43")
def update_index(w: World, asset: int) -> None:
    a = w.assets[asset]
    old, updated = a.price, a.updated
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
    if price or a.fresh == 0:
        a.fresh = w.now
    horizon = w.parameters[Parameter.STALE_HORIZON_NS]
    a.decay = max(horizon - (w.now - a.fresh), 0) / horizon if horizon else 1.0
    for i in w.instruments:
        if asset in (i.terms["underlying"], i.settles_in) and i.status == InstrumentStatus.ACTIVE:
            i.stale_ppm = stale_add_on(w, i)
    w.emit(
        "IndexUpdated",
        asset=asset,
        price_e8=a.price,
        slow_e8=a.slow,
        sources=used,
        outliers=outliers,
        is_stale=a.is_stale,
    )
    pause.follow(w, asset, old, updated)


@pytest.mark.rule("5.44")
def stale_add_on(w: World, i: Instrument) -> int:
    """Millionths of the notional that margin asks more while an index is stale."""
    horizon = w.parameters[Parameter.STALE_HORIZON_NS]
    if i.mark <= 0 or horizon == 0:
        return 0
    used = [w.assets[a] for a in {i.terms["underlying"], i.settles_in} - {0}]
    age = max(w.now - a.fresh if a.is_stale else 0 for a in used)
    most = w.parameter(Parameter.STALE_ADD_ON_PPM, instrument=i)
    return min(ceil_div(most * age, horizon), 1_000_000)


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
        observed = i.updated + w.parameters[Parameter.INDEX_STALENESS_NS]
        ms = max(min(w.now, expiry, observed) - start, 0) // MS
        i.final_sum += (i.index if i.is_option else i.final_index) * ms
        i.final_rest += i.index % 10**9 * ms
        i.final_ms += ms


@pytest.mark.rule("5.100", "5.101")
def settled_if(w: World, i: Instrument, price: int) -> int:
    """What the contract settles at if the price holds to the end: the window so far counts."""
    if i.final_ms == 0:
        return price
    rest = max(i.terms["expiry_ns"] - w.now, 0) // MS
    return max(half_up(i.final_sum + price * rest, i.final_ms + rest), 1)


@pytest.mark.rule("5.111")
def basis_that_stood(w: World, i: Instrument, index: int, expected: int, premium: int) -> int:
    """The slow average of the basis; one that was not there at the update before is none."""
    constant = w.parameter(Parameter.BASIS_PROTECTION_NS, instrument=i)
    if not constant:
        return 0
    both = sorted((premium, i.premium_e9), key=abs)
    standing = both[0] if both[0] * both[1] > 0 else 0
    band = index * i.terms["basis_clamp_ppm"] // 1_000_000 * 10**8
    sample = clamp(standing * expected // 10, -band, band)
    dt = w.now - i.updated if i.index else 0
    return i.slow_basis_e8 + (sample - i.slow_basis_e8) * dt // (constant + dt)


@pytest.mark.rule("5.10", "5.12", "5.13", "5.14", "5.15", "5.41")
def update_mark(w: World, number: int) -> None:
    i = w.instruments[number]
    asset = w.assets[i.terms["underlying"]]
    skipped = i.is_option or i.status != InstrumentStatus.ACTIVE
    if skipped or asset.price == 0 or asset.is_stale:
        return
    extend_sums(w, i)
    index = ticks_of(i, asset.price)
    expected = settled_if(w, i, index)
    sample = (i.last - expected) * 10**8 if i.last else 0
    if i.index == 0:
        i.basis_e8 = sample
    else:
        dt = w.now - i.updated
        constant = w.parameter(Parameter.BASIS_AVERAGE_NS, instrument=i)
        i.basis_e8 += (sample - i.basis_e8) * dt // (constant + dt)
    band = index * i.terms["basis_clamp_ppm"] // 1_000_000
    shift = clamp(half_up(i.basis_e8, 10**8), -band, band)
    premium = (i.last - expected) * 10**9 // expected if i.last else 0
    premium = clamp(premium, -(10**9), 10**9)
    i.slow_basis_e8 = basis_that_stood(w, i, index, expected, premium)
    i.index = index
    least = 0 if i.terms["form"] == 1 else 1
    i.final_index = clamp(half_up(asset.price, i.terms["tick_e8"]), least, i.terms["ticks_max"])
    i.expected = expected
    i.mark = clamp(settled_if(w, i, index + shift), 1, i.terms["ticks_max"])
    i.slow = settled_if(w, i, ticks_of(i, asset.slow))
    i.premium_e9 = premium
    i.updated = w.now
    w.emit(
        "MarkUpdated",
        instrument=number,
        index=index,
        mark=i.mark,
        slow=i.slow,
        basis_e8=i.basis_e8,
        slow_basis_e8=i.slow_basis_e8,
        premium_e9=i.premium_e9,
        premium_sum=i.premium_sum,
        premium_ms=i.premium_ms,
        final_sum=i.final_sum,
        final_ms=i.final_ms,
        final_index=i.final_index,
    )


def update_prices(w: World) -> None:
    for asset in sorted({source.asset for source in w.sources}):
        update_index(w, asset)
    pause.follow_house(w)
    for number in range(len(w.instruments)):
        update_mark(w, number)
