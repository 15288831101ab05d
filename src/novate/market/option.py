"""Listing options: terms whose premium and payoff fit into 64 bits at any accepted price."""

from __future__ import annotations

from novate.instrument.columns import InstrumentColumns
from novate.kernel.clearing.value import LINEAR
from novate.kernel.codes import Barrier, Kind, Monitoring, Style
from novate.market.reference import PPM, VALUE_MAX, append_instrument
from novate.market.source_state import PRICE_MAX_E8
from novate.market.state import MarketState
from novate.message import event
from novate.message.declare import Emit, Refusal, Row
from novate.message.refusal import ListOptionRefusal as No

DAY = 86_400 * 10**9
MINUTE = 60 * 10**9
KINDS = (Kind.EUROPEAN, Kind.DIGITAL)


def decide_list_option(state: MarketState, row: Row, emit: Emit) -> Refusal | None:
    """List an option whose shorts are held to a declared margin rule, numbered from 1."""
    now_ns, rules = state.now_ns, state.option_rules.count
    refusal = _terms_refusal(state, row)
    if refusal is not None:
        return refusal
    if not 1 <= row["margin_rule"] <= rules:
        return Refusal(No.UNKNOWN_RULE, row["margin_rule"], rules)
    refusal = _barrier_refusal(int(state.assets.price_e8[row["underlying"]]), row)
    if refusal is not None:
        return refusal
    if now_ns <= 0:
        return Refusal(No.CLOCK_NOT_SET, now_ns, 1)
    first = next_observation(now_ns, row["observation_ns"], row["expiry_ns"])
    emit(event.OPTION_LISTED, instrument=state.instruments.count, next_observation_ns=first, **row)
    return None


def _barrier_refusal(price_e8: int, row: Row) -> Refusal | None:
    """Whether a barrier and how it is watched fit together, and it is still to be touched."""
    barrier, level, monitoring = row["barrier"], row["barrier_e8"], row["monitoring"]
    if barrier not in list(Barrier):
        return Refusal(No.UNKNOWN_BARRIER, barrier, int(Barrier.DOWN_OUT))
    if monitoring not in (list(Monitoring) if barrier else (0,)):
        return Refusal(No.UNKNOWN_BARRIER, monitoring, len(Monitoring) if barrier else 0)
    interval = row["observation_ns"]
    is_scheduled = monitoring == Monitoring.SCHEDULE
    low, high = (MINUTE, 30 * DAY) if is_scheduled else (0, 0)
    if not low <= interval <= high:
        return Refusal(No.BARRIER_OUT_OF_RANGE, interval, low)
    for actual, least, most in (
        (level, 1 if barrier else 0, PRICE_MAX_E8 if barrier else 0),
        (row["rebate_ticks"], 0, row["ticks_max"] if barrier else 0),
    ):
        if not least <= actual <= most:
            return Refusal(No.BARRIER_OUT_OF_RANGE, actual, least if actual < least else most)
    is_watched = barrier and monitoring != Monitoring.AT_EXPIRY
    if is_watched and price_e8 > 0 and is_touched(barrier, price_e8, level):
        return Refusal(No.BARRIER_CROSSED, price_e8, level)
    return None


def is_touched(barrier: int, price_e8: int, level_e8: int) -> bool:
    """Whether a price is at a barrier or beyond it."""
    if barrier in (Barrier.UP_IN, Barrier.UP_OUT):
        return price_e8 >= level_e8
    return price_e8 <= level_e8


def is_out(barrier: int) -> bool:
    """Whether a touch ends the option."""
    return barrier in (Barrier.UP_OUT, Barrier.DOWN_OUT)


def next_observation(now_ns: int, interval_ns: int, expiry_ns: int) -> int:
    """First multiple of the interval after now and not after expiry, 0 for none."""
    if interval_ns == 0:
        return 0
    following = (now_ns // interval_ns + 1) * interval_ns
    return following if following <= expiry_ns else 0


def _terms_refusal(state: MarketState, row: Row) -> Refusal | None:
    instruments, assets, now_ns = state.instruments, state.assets, state.now_ns
    most = VALUE_MAX // max(row["unit"], 1) // max(row["ticks_max"], 1)
    is_digital = row["kind"] == Kind.DIGITAL
    payout_max = row["ticks_max"] if is_digital else 0
    settles_in = row["settlement_asset"]
    fees = row["maker_fee_ppm"], row["taker_fee_ppm"]
    checks = (
        (row["symbol"] not in instruments.symbols and row["symbol"], No.SYMBOL_TAKEN, 0, 0),
        (row["kind"] in KINDS, No.UNKNOWN_KIND, row["kind"], int(KINDS[-1])),
        (row["side"] in (1, -1), No.UNKNOWN_SIDE, row["side"], 1),
        (0 < row["underlying"] < assets.count, No.UNKNOWN_ASSET, row["underlying"], assets.count),
        (settles_in in (0, row["underlying"]), No.UNKNOWN_ASSET, settles_in, row["underlying"]),
        (0 < row["strike_e8"] <= PRICE_MAX_E8, No.STRIKE_OUT_OF_RANGE, row["strike_e8"],
         PRICE_MAX_E8),
        (int(is_digital) <= row["payout_ticks"] <= payout_max, No.PAYOUT_OUT_OF_RANGE,
         row["payout_ticks"], payout_max),
        (0 < row["tick_e8"] <= 10**14, No.TICK_OUT_OF_RANGE, row["tick_e8"], 10**14),
        (0 < row["unit"] <= VALUE_MAX, No.UNIT_OUT_OF_RANGE, row["unit"], VALUE_MAX),
        (0 < row["ticks_max"] <= 10**10 and 0 < row["lots_max"] <= most, No.LIMITS_OVERFLOW,
         row["lots_max"], most),
        (abs(fees[0]) <= PPM // 10 and 0 <= fees[1] <= PPM // 10 and sum(fees) >= 0,
         No.FEE_OUT_OF_RANGE, fees[0], PPM // 10),
        (0 <= row["settlement_window_ns"] <= DAY, No.INTERVAL_OUT_OF_RANGE,
         row["settlement_window_ns"], DAY),
        (row["expiry_ns"] > now_ns, No.EXPIRY_PASSED, row["expiry_ns"], now_ns + 1),
    )  # fmt: skip
    for holds, code, actual, allowed in checks:
        if not holds:
            return Refusal(code, actual, allowed)
    return None


def append_option(state: MarketState, row: Row) -> None:
    """Append an option to the contracts: linear in its price, paid at the trade."""
    entry_counts = bool(state.option_rules.entry_counts[row["margin_rule"] - 1])
    terms = {**row, "form": LINEAR, "style": int(Style.PREMIUM), "entry_counts": entry_counts}
    append_instrument(state, terms)
    state.forget_watched()


def payoff_ticks(instruments: InstrumentColumns, i: int, final_e8: int) -> int:
    """What a lot pays at a settlement price, in ticks: the payoff, or the rebate of a barrier."""
    barrier = int(instruments.barrier[i])
    if barrier:
        knocked = bool(instruments.is_knocked[i])
        if instruments.monitoring[i] == Monitoring.AT_EXPIRY:
            knocked = is_touched(barrier, final_e8, int(instruments.barrier_e8[i]))
        if knocked == is_out(barrier):
            return int(instruments.rebate_ticks[i])
    return plain_ticks(instruments, i, final_e8)


def plain_ticks(instruments: InstrumentColumns, i: int, final_e8: int) -> int:
    """What a lot without a barrier pays at a settlement price, in ticks, rounded half up.

    At most ``ticks_max``.  Quote-settled: the intrinsic value over the tick.  Coin-settled: the
    intrinsic value over the settlement price, a part of one coin, over the tick.  A digital pays in
    the money only.
    """
    side, strike = int(instruments.side[i]), int(instruments.strike_e8[i])
    inside = side * (final_e8 - strike)
    if inside <= 0:
        return 0
    if instruments.kind[i] == Kind.DIGITAL:
        return int(instruments.payout_ticks[i])
    top, bottom = inside, int(instruments.tick_e8[i])
    if instruments.settlement_asset[i] != 0:
        top, bottom = inside * 10**8, bottom * final_e8
    return min((2 * top + bottom) // (2 * bottom), int(instruments.ticks_max[i]))
