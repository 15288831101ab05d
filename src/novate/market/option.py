"""Listing options: terms whose premium and payoff fit into 64 bits at any accepted price."""

from __future__ import annotations

from typing import Any

from novate.instrument.columns import InstrumentColumns
from novate.kernel.codes import Kind, Style
from novate.kernel.value import LINEAR
from novate.market.columns import AssetColumns, MarkColumns
from novate.market.index import PRICE_MAX_E8
from novate.market.reference import PPM, VALUE_MAX, apply_instrument_listed
from novate.message import event
from novate.message.declare import Emit, Refusal
from novate.message.refusal import ListOptionRefusal as No

DAY = 86_400 * 10**9
KINDS = (Kind.EUROPEAN, Kind.DIGITAL)


def decide_list_option(
    instruments: InstrumentColumns, assets: AssetColumns, now_ns: int, rules: int,
    row: dict[str, Any], emit: Emit,
) -> Refusal | None:  # fmt: skip
    """List an option; ``rules`` is how many margin rules there are, numbered from 1."""
    refusal = _terms_refusal(instruments, assets, now_ns, row)
    if refusal is not None:
        return refusal
    if not 1 <= row["margin_rule"] <= rules:
        return Refusal(No.UNKNOWN_RULE, row["margin_rule"], rules)
    if now_ns <= 0:
        return Refusal(No.CLOCK_NOT_SET, now_ns, 1)
    emit(event.OPTION_LISTED, instrument=instruments.count, **row)
    return None


def _terms_refusal(
    instruments: InstrumentColumns, assets: AssetColumns, now_ns: int, row: dict[str, Any]
) -> Refusal | None:
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
        (0 < row["index_tick_e8"] <= 10**14, No.TICK_OUT_OF_RANGE, row["index_tick_e8"], 10**14),
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


def apply_option_listed(
    instruments: InstrumentColumns, marks: MarkColumns, entry_counts: bool, row: dict[str, Any]
) -> None:
    """Append the option to the contracts: linear in its price, paid at the trade."""
    terms = {**row, "form": LINEAR, "style": int(Style.PREMIUM), "entry_counts": entry_counts}
    apply_instrument_listed(instruments, marks, terms)


def payoff_ticks(instruments: InstrumentColumns, i: int, final_e8: int) -> int:
    """What a lot pays at a settlement price, in ticks, rounded half up; at most ``ticks_max``.

    Quote-settled: the intrinsic value over the tick.  Coin-settled: the intrinsic value over the
    settlement price, a part of one coin, over the tick.  A digital pays in the money only.
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
