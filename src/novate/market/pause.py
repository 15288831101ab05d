"""Jumps, halts and ramps of an index (rules 5.83 to 5.92).

An index that leaps further than its band is not fresh until sources that reported since agree on
it, or for a few minutes at most: one wrong print decides nothing, and a true gap waits for nobody.
After a jump or a long halt the price of before protects from liquidation, and moves towards the
index by so much a minute: no state is left by a step.

Sources: exchanges pause a product on a move beyond a band and reopen it by a rule and not by hand,
for example the velocity logic of CME Globex and the limit up, limit down plan of US equities.
"""

from __future__ import annotations

from collections.abc import Sequence, Set

import numpy as np

from novate.kernel.codes import InstrumentStatus
from novate.market.inherited_ramp import inherited
from novate.market.state import MarketState
from novate.message import event
from novate.message.declare import Emit, Row
from novate.message.parameter import MINUTE, Parameter
from novate.message.pause import ResumeReason
from novate.message.topic import NOBODY, Application, Topic
from novate.units import PPM

LEAST_QUORUM = 2
"""Sources of an asset below which nothing but time, or what the parameters ask, ends a jump."""


def jump_band(state: MarketState, asset: int) -> int:
    """Return the jump band of an asset in ppm, 0 for none (rule 5.83).

    The largest of the active contracts on it, that of the house without one; 0 counts as largest.
    """
    if not state.overrides.count:  # all have that of the house
        return state.parameter(Parameter.JUMP_PPM)
    c = state.instruments
    is_meant = (c.used("underlying") == asset) & (c.used("status") == int(InstrumentStatus.ACTIVE))
    bands = state.by_instrument(Parameter.JUMP_PPM)[is_meant]
    if not bands.size:
        return state.parameter(Parameter.JUMP_PPM)
    return 0 if (bands == 0).any() else int(bands.max())


def is_jump(state: MarketState, asset: int, from_e8: int, price_e8: int) -> bool:
    """Return whether an index leaps from one price to another one (rule 5.83)."""
    if from_e8 in (0, price_e8):
        return False
    band = jump_band(state, asset)
    return band > 0 and abs(price_e8 - from_e8) * PPM > band * from_e8


def follow_index(
    state: MarketState, asset: int, before_e8: int, before_ns: int, emit: Emit
) -> None:
    """Say what a new index of an asset does to its jump, halt and ramp (rules 5.83 to 5.91).

    Parameters
    ----------
    before_e8, before_ns
        Index and instant of the assessment before, 0 for none.
    """
    a, now_ns = state.assets, state.now_ns
    if before_e8 == 0:
        _move_range(state, asset, emit)
        return
    halted_from = int(a.halt_ns[asset])
    if a.is_stale[asset]:
        if halted_from == 0:
            emit(event.HALT_BEGUN, asset=asset)
        return
    if halted_from:
        emit(event.HALT_ENDED, asset=asset, since_ns=halted_from)
    else:
        halted_from = before_ns + state.index_life_ns()
    if a.jump_ns[asset]:
        _follow_jump(state, asset, emit)
    elif is_jump(state, asset, before_e8, int(a.price_e8[asset])):
        emit(
            event.JUMP_PAUSED,
            asset=asset, from_e8=before_e8, price_e8=int(a.price_e8[asset]),
        )  # fmt: skip
        return
    elif now_ns - halted_from > state.parameter(Parameter.HALT_MIN_NS):
        _start_ramp(state, asset, before_e8, emit)
    if a.ramp_ns[asset] and not a.jump_ns[asset] and ramp_of(state, asset) == a.price_e8[asset]:
        emit(event.RAMP_ENDED, asset=asset, price_e8=int(a.price_e8[asset]))
    _move_range(state, asset, emit)


def _move_range(state: MarketState, asset: int, emit: Emit) -> None:
    """Keep the range of the index by two halves of the time; a jump does not widen it (8.67)."""
    a = state.assets
    price = int(a.price_e8[asset])
    if price == 0 or a.is_stale[asset] or a.jump_ns[asset]:
        return
    low, high, since_ns = a.range_low_e8[asset], a.range_high_e8[asset], int(a.range_ns[asset])
    half_ns = state.parameter(Parameter.SETTLEMENT_RANGE_NS) // 2
    if since_ns and state.now_ns - since_ns < half_ns and low <= price <= high:
        return
    names = ("range_low_e8", "range_high_e8", "past_low_e8", "past_high_e8", "range_ns")
    before = tuple(int(getattr(a, name)[asset]) for name in names)
    low, high, past_low, past_high, since_ns = before
    if since_ns == 0 or state.now_ns - since_ns >= half_ns:
        low, high, past_low, past_high, since_ns = price, price, low, high, state.now_ns
    after = (min(low, price), max(high, price), past_low, past_high, since_ns)
    if after != before:
        emit(
            event.RANGE_MOVED,
            asset=asset, low_e8=after[0], high_e8=after[1], past_low_e8=after[2],
            past_high_e8=after[3], since_ns=after[4],
        )  # fmt: skip


def index_range(state: MarketState, asset: int) -> tuple[int, int]:
    """Return the lowest and the highest index of both halves, 1e-8 numeraire; 0 for none."""
    a = state.assets
    low, high = int(a.range_low_e8[asset]), int(a.range_high_e8[asset])
    past = int(a.past_low_e8[asset])
    return min(low, past or low), max(high, int(a.past_high_e8[asset]))


def apply_range_moved(state: MarketState, row: Row) -> None:
    """Note the range."""
    asset, a = row["asset"], state.assets
    a.range_low_e8[asset], a.range_high_e8[asset] = row["low_e8"], row["high_e8"]
    a.past_low_e8[asset], a.past_high_e8[asset] = row["past_low_e8"], row["past_high_e8"]
    a.range_ns[asset] = row["since_ns"]


def _follow_jump(state: MarketState, asset: int, emit: Emit) -> None:
    """Resume by the first reason there is, or keep in step who agrees (rules 5.85 and 5.86)."""
    a, now_ns = state.assets, state.now_ns
    price, since, agreed_ns = (int(c[asset]) for c in (a.price_e8, a.jump_ns, a.agreed_ns))
    agreeing = sources_agreeing(state, asset, since)
    is_agreed = agreeing >= jump_quorum(state, asset)
    reason = None
    if not is_jump(state, asset, int(a.jump_from_e8[asset]), price):
        reason = ResumeReason.RETURNED
    elif (
        is_agreed
        and agreed_ns
        and (now_ns - agreed_ns >= state.parameter(Parameter.JUMP_CONFIRM_NS))
    ):
        reason = ResumeReason.QUORUM
    elif now_ns - since >= state.parameter(Parameter.JUMP_PAUSE_NS):
        reason = ResumeReason.TIME
    if reason is None:
        if is_agreed != bool(agreed_ns):
            emit(
                event.JUMP_CHECKED,
                asset=asset, sources=agreeing, agreed_ns=now_ns if is_agreed else 0,
            )  # fmt: skip
        return
    start = int(a.jump_from_e8[asset])
    emit(event.JUMP_RESUMED, asset=asset, reason=int(reason), price_e8=price)
    if reason is not ResumeReason.RETURNED:
        _start_ramp(state, asset, start, emit)


def sources_agreeing(state: MarketState, asset: int, since_ns: int) -> int:
    """Return how many usable sources observed after an instant agree with an index (rule 5.85).

    What its money did is not confirmed by a source that only tells a price in it: those that quote
    in an asset count while enough sources of that one agree with its own index (rule 5.136).
    """
    doubtful: set[int] = set()
    for quote in state.sources.beneath(asset):
        if _agreeing(state, quote, since_ns, doubtful) < jump_quorum(state, quote):
            doubtful.add(quote)
    return _agreeing(state, asset, since_ns, doubtful)


def jump_quorum(state: MarketState, asset: int) -> int:
    """Return how many sources confirm a jump of an asset (rule 5.85).

    No more than it has, or no jump of it could be confirmed.  But a single one never decides alone
    for want of others: then time does.
    """
    asked = max(state.parameter(Parameter.JUMP_QUORUM), state.sources_min)
    sources = state.sources
    is_own = (sources.used("asset") == asset) & (sources.used("weight") > 0)
    count = int(np.count_nonzero(is_own))
    return asked if count < LEAST_QUORUM else min(asked, count)


def _agreeing(state: MarketState, asset: int, since_ns: int, doubtful: Set[int]) -> int:
    """Count who agrees with the index of an asset, but those that quote in a doubtful one."""
    sources, price_e8 = state.sources, int(state.assets.price_e8[asset])
    outlier = state.parameter(Parameter.INDEX_OUTLIER_PPM)
    return sum(
        int(sources.observed_ns[s]) > since_ns
        and int(sources.quote[s]) not in doubtful
        and abs(state.quoted_e8(s) - price_e8) * PPM <= outlier * price_e8
        for s in state.usable_sources(asset)
    )


def _start_ramp(state: MarketState, asset: int, from_e8: int, emit: Emit) -> None:
    """Begin a ramp at a price, or at that of the ramp which runs (rule 5.88)."""
    a = state.assets
    if a.ramp_ns[asset]:
        from_e8 = ramp_of(state, asset)
    price = int(a.price_e8[asset])
    if price != from_e8 and state.parameter(Parameter.RAMP_PPM):
        emit(event.RAMP_STARTED, asset=asset, from_e8=from_e8, side=1 if price > from_e8 else -1)


def ramp_of(state: MarketState, asset: int) -> int:
    """Return where the ramp of an asset is now, in 1e-8; the index where none runs (rule 5.89)."""
    a = state.assets
    price, start, side = int(a.price_e8[asset]), int(a.ramp_from_e8[asset]), int(a.ramp_side[asset])
    share = state.parameter(Parameter.RAMP_PPM)
    away = (price - start) * side
    if a.ramp_ns[asset] == 0 or share == 0 or away <= 0:
        return price
    waited = state.now_ns - int(a.ramp_ns[asset]) - state.parameter(Parameter.RAMP_GRACE_NS)
    moved = start * share * max(waited, 0) // (PPM * MINUTE)
    return start + side * min(moved, away)


def ramp_prices(state: MarketState) -> dict[int, int]:
    """Return the ramp prices of assets that jump or have a ramp, in 1e-8, by asset (rule 5.90).

    Those that inherit a ramp are among them (rule 5.135).
    """
    a, found = state.assets, {}
    for asset in np.flatnonzero((a.used("jump_ns") > 0) | (a.used("ramp_ns") > 0)).tolist():
        is_ramp = a.ramp_ns[asset] > 0
        found[asset] = ramp_of(state, asset) if is_ramp else int(a.jump_from_e8[asset])
    return found | inherited(state, found) if found else found


def with_ramp(state: MarketState, assets: Sequence[int]) -> set[int]:
    """Return which of some assets have a ramp, or inherit one (rules 5.88 and 5.135)."""
    a = state.assets
    found = {asset for asset in assets if a.ramp_ns[asset]}
    rest = [asset for asset in assets if asset not in found and state.sources.quotes(asset)]
    if rest and a.used("ramp_ns").any():
        owned = ramp_prices(state)
        found.update(asset for asset in rest if asset in owned and not a.jump_ns[asset])
    return found


def apply_jump_paused(state: MarketState, row: Row) -> None:
    """Note when a jump began, and from where."""
    asset, a = row["asset"], state.assets
    a.jump_ns[asset], a.jump_from_e8[asset], a.agreed_ns[asset] = state.now_ns, row["from_e8"], 0


def apply_jump_checked(state: MarketState, row: Row) -> None:
    """Note from when on sources agree."""
    state.assets.agreed_ns[row["asset"]] = row["agreed_ns"]


def apply_jump_resumed(state: MarketState, row: Row) -> None:
    """Forget the jump."""
    asset, a = row["asset"], state.assets
    a.jump_ns[asset], a.jump_from_e8[asset], a.agreed_ns[asset] = 0, 0, 0


def apply_halt_begun(state: MarketState, row: Row) -> None:
    """Note when a halt was found."""
    state.assets.halt_ns[row["asset"]] = state.now_ns


def apply_halt_ended(state: MarketState, row: Row) -> None:
    """Forget the halt."""
    state.assets.halt_ns[row["asset"]] = 0


def apply_ramp_started(state: MarketState, row: Row) -> None:
    """Note where a ramp begins, when, and to which side it goes."""
    asset, a = row["asset"], state.assets
    a.ramp_ns[asset], a.ramp_from_e8[asset] = state.now_ns, row["from_e8"]
    a.ramp_side[asset] = row["side"]


def apply_ramp_ended(state: MarketState, row: Row) -> None:
    """Forget the ramp."""
    asset, a = row["asset"], state.assets
    a.ramp_ns[asset], a.ramp_from_e8[asset], a.ramp_side[asset] = 0, 0, 0


TOPIC: Topic[MarketState] = Topic(
    name="jumps, halts and ramps",
    applications=(
        Application(event.JUMP_PAUSED, apply_jump_paused, NOBODY),
        Application(event.JUMP_CHECKED, apply_jump_checked, NOBODY),
        Application(event.JUMP_RESUMED, apply_jump_resumed, NOBODY),
        Application(event.HALT_BEGUN, apply_halt_begun, NOBODY),
        Application(event.HALT_ENDED, apply_halt_ended, NOBODY),
        Application(event.RAMP_STARTED, apply_ramp_started, NOBODY),
        Application(event.RAMP_ENDED, apply_ramp_ended, NOBODY),
        Application(event.RANGE_MOVED, apply_range_moved, NOBODY),
    ),
)
