"""Marks of options: index and smile to value, and to what a short lot must hold.

The forward is the index times e**carry.  Between two reports the volatility of a moneyness and the
rate of carry stay: total variance and carry shrink with the time to expiry.  Nothing is discounted.
Floats end here: an event carries whole ticks.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from novate.kernel.codes import Barrier, InstrumentStatus, Kind
from novate.kernel.option import option_values
from novate.margin.option import rule_of, short_ticks
from novate.market.index import final_so_far, to_ticks
from novate.market.option import is_out
from novate.market.surface import Smile, smile_of
from novate.message import event
from novate.message.declare import Emit
from novate.valuation import Exposure

E8 = 10**8
YEAR_NS = 365 * 86_400 * 10**9
BUMP = 1e-4
"""Relative shift of the index between the two values of which delta is the slope."""


def mark_options(x: Exposure, emit: Emit) -> None:
    """Mark every active option whose index is fresh, in order of number."""
    c = x.instruments
    active = (c.used("kind") != Kind.DELTA_ONE) & (c.used("status") == InstrumentStatus.ACTIVE)
    for i in np.flatnonzero(active).tolist():
        asset = int(c.underlying[i])
        if x.assets.price_e8[asset] > 0 and not x.assets.is_stale[asset]:
            _mark_option(x, i, asset, emit)


def _mark_option(x: Exposure, i: int, asset: int, emit: Emit) -> None:
    """Emit index, mark and margins of one option; without a smile they stay as they are."""
    marks, price_e8 = x.marks, int(x.assets.price_e8[asset])
    numbers = {
        name: int(getattr(marks, name)[i])
        for name in ("mark", "slow", "short_initial", "short_maintenance", "delta_e9")
    }
    row = x.smile_row(i)
    if row >= 0:
        numbers = value_option(x, i, smile_of(x.surfaces, row))
    final_sum, final_ms = final_so_far(x.instruments, marks, i, x.now_ns)
    index = min(to_ticks(price_e8, int(x.instruments.index_tick_e8[i])), INDEX_MAX)
    emit(
        event.OPTION_MARKED,
        instrument=i, index=index, final_sum=final_sum, final_ms=final_ms, **numbers,
    )  # fmt: skip


INDEX_MAX = 10**10
"""Highest index in index ticks: a day of it in ms fits into 64 bits."""


def value_option(x: Exposure, i: int, smile: Smile) -> dict[str, int]:
    """Mark, slow mark and margins of a short lot in ticks, and delta, from a smile."""
    c, asset = x.instruments, int(x.instruments.underlying[i])
    is_coin = bool(c.settlement_asset[i] != 0)
    index = int(x.assets.price_e8[asset]) / E8
    slow = int(x.assets.slow_e8[asset]) / E8
    expiry, most = int(c.expiry_ns[i]), int(c.ticks_max[i])
    left = max(expiry - x.now_ns, 0) / YEAR_NS
    span = (expiry - smile.observed_ns) / YEAR_NS
    strike, payout = int(c.strike_e8[i]) / E8, int(c.payout_ticks[i])
    tick = int(c.tick_e8[i]) / E8
    spots = np.array([index, slow, index * (1.0 + BUMP), index * (1.0 - BUMP)])
    values = np.empty(4)
    option_values(
        int(c.kind[i]), float(c.side[i]), strike, payout * tick, is_coin, *_barrier_of(x, i, tick),
        left, span,
        smile.carry, smile.a, smile.b, smile.rho, smile.m, smile.sigma, spots, values,
    )  # fmt: skip
    value, slowly, up, down = values.tolist()
    # What a tick is worth in the numeraire: of coins, more when the coin is dear.
    worth = index if is_coin else 1.0
    initial, maintenance = short_ticks(
        rule_of(x.option_rules, int(c.margin_rule[i])), int(c.side[i]), index, strike,
        value * worth, expiry - x.now_ns, tick * worth,
        most if payout == 0 else max(payout, int(c.rebate_ticks[i])),
    )  # fmt: skip
    slope = (up * (1.0 + BUMP) - down * (1.0 - BUMP)) * index if is_coin else up - down
    return {
        "mark": _ticks(value, tick, most),
        "slow": _ticks(slowly, tick, most),
        "short_initial": initial,
        "short_maintenance": maintenance,
        "delta_e9": math.floor(slope / (2.0 * BUMP * index) * 1e9 + 0.5),
    }


def _barrier_of(x: Exposure, i: int, tick: float) -> tuple[bool, bool, float, int, float, float]:
    """Up, in, level, monitoring, years between looks, rebate; no level once it is touched."""
    c, barrier = x.instruments, int(x.instruments.barrier[i])
    level = 0.0 if c.is_knocked[i] else int(c.barrier_e8[i]) / E8
    return (
        barrier in (Barrier.UP_IN, Barrier.UP_OUT),
        not is_out(barrier),
        level,
        int(c.monitoring[i]),
        int(c.observation_ns[i]) / YEAR_NS,
        int(c.rebate_ticks[i]) * tick,
    )


def _ticks(value: float, tick: float, most: int) -> int:
    """A value in ticks, half up: no option is marked worthless before it is."""
    return min(max(math.floor(min(value / tick, 1e15) + 0.5), 1), most)


def apply_option_marked(x: Exposure, row: dict[str, Any]) -> None:
    """Book mark, margins and the sums of the settlement window."""
    i = row["instrument"]
    for name, value in row.items():
        if name != "instrument":
            getattr(x.marks, name)[i] = value
    x.marks.updated_ns[i] = x.now_ns
