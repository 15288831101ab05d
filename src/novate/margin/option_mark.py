"""Marks of options: from index and smile to value, and to the margin of a short lot (chapter 9).

The forward is the index times e**carry.  Between two reports the volatility of a moneyness and the
rate of carry stay: total variance and carry shrink with the time to expiry.  Nothing is discounted.
Events carry whole ticks: floats are rounded here, once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from novate.kernel.clearing.columns import F64, I64
from novate.kernel.codes import Barrier, InstrumentStatus, Kind
from novate.kernel.pricing.option import mark_values
from novate.margin.contract_rule.reached_payoff import Window, jumps, reached_ticks
from novate.margin.contract_rule.short_option import rule_of, short_ticks
from novate.market.mark import MS, WORD_E8
from novate.market.settlement_mean import Seen, settlement_mean
from novate.message import event
from novate.message.declare import Emit, Row
from novate.message.topic import NOBODY, Application, Topic
from novate.valuation import ClearingState

E8, E9 = 10**8, 10**9
YEAR_NS = 365 * 86_400 * 10**9
BUMP = 1e-4
"""Relative shift of the index between the two values of which delta is the slope."""


SMILE = ("carry", "a", "b", "rho", "m", "sigma")
NAMES = ("mark", "slow", "short_initial", "short_maintenance", "delta_e9")
DELTA_MAX = 2**62
"""Largest delta in 1e-9: it only informs, and a cheap coin moves a digital by more."""


def mark_options(x: ClearingState, emit: Emit) -> None:
    """Emit `OptionMarked` for active options with a fresh index, by number (chapter 9).

    An option without a smile keeps mark, slow mark and margins; the sums of its settlement window
    go on.
    """
    c = x.instruments
    asset = c.used("underlying")
    fresh = (x.assets.price_e8 > 0) & ~x.assets.is_stale
    active = (c.used("kind") != Kind.DELTA_ONE) & (c.used("status") == InstrumentStatus.ACTIVE)
    rows = np.flatnonzero(active & fresh[asset])
    if not rows.size:
        return
    smiles = _smile_rows(x, rows)
    numbers = {name: getattr(x.marks, name)[rows] for name in NAMES}
    final = _final_so_far(x, rows)
    valued = np.flatnonzero(smiles >= 0)
    if valued.size:
        seen = Seen(*(final[name][valued] for name in Seen._fields))
        for name, column in value_options(x, rows[valued], smiles[valued], seen).items():
            numbers[name][valued] = column
    emit.columns(
        event.OPTION_MARKED,
        instrument=rows,
        index=x.assets.price_e8[asset[rows]],
        **final,
        **numbers,
    )


def _final_so_far(x: ClearingState, rows: I64) -> dict[str, I64]:
    """Index times time inside the settlement window in two words, and that time in ms."""
    c, marks = x.instruments, x.marks
    expiry, before = c.expiry_ns[rows], marks.index[rows]
    start = np.maximum(marks.updated_ns[rows], expiry - c.settlement_window_ns[rows])
    observed = marks.updated_ns[rows] + x.index_life_ns()
    until = np.minimum(np.minimum(x.now_ns, expiry), observed)  # rule 5.17
    elapsed = np.maximum(until - start, 0) // MS
    elapsed[before == 0] = 0  # no index was known before
    whole, rest = np.divmod(before, WORD_E8)
    return {
        "final_sum": marks.final_sum[rows] + whole * elapsed,
        "final_rest": marks.final_rest[rows] + rest * elapsed,
        "final_ms": marks.final_ms[rows] + elapsed,
    }


def _smile_rows(x: ClearingState, rows: I64) -> I64:
    """Row of the last smile of each option, -1 for none; one look for each expiry.

    An old smile still marks: most of what moves an option is its index, and a mark that stood still
    would be further off.
    """
    c = x.instruments
    keys = list(zip(c.underlying[rows].tolist(), c.expiry_ns[rows].tolist(), strict=True))
    found: dict[tuple[int, int], int] = {}
    for i, key in zip(rows.tolist(), keys, strict=True):
        if key not in found:
            found[key] = x.last_smile_row(i)
    return np.array([found[key] for key in keys], np.int64)


def value_options(x: ClearingState, rows: I64, smiles: I64, seen: Seen) -> dict[str, I64]:
    """Value options from their smiles (rules 9.5 to 9.18, 9.50 to 9.55).

    Parameters
    ----------
    rows, smiles
        Instruments, and the row of the last smile of each; shape (options,).
    seen
        What their settlement windows have added up until now.

    Returns
    -------
    dict[str, I64]
        ``mark`` and ``slow`` in ticks; ``short_initial`` and ``short_maintenance``, what one short
        lot must hold, in ticks; ``delta_e9`` of a bought lot in 1e-9; each of shape (options,).  An
        option for which a number is not finite keeps what it had.
    """
    c, s = x.instruments, x.surfaces
    asset, expiry, most = c.underlying[rows], c.expiry_ns[rows], c.ticks_max[rows]
    is_coin = c.settlement_asset[rows] != 0
    index = _over(x.assets.price_e8, E8)[asset]
    slow = _over(x.assets.slow_e8, E8)[asset]
    left = _over(np.maximum(expiry - x.now_ns, 0), YEAR_NS)
    span = _over(expiry - s.observed_ns[smiles], YEAR_NS)
    strike, tick = _over(c.strike_e8[rows], E8), _over(c.tick_e8[rows], E8)
    payout = c.payout_ticks[rows]
    spots = np.stack([index, slow, index * (1.0 + BUMP), index * (1.0 - BUMP)], axis=1)
    values = np.empty_like(spots)
    raw = (getattr(s, f"{name}_e9")[smiles] / E9 for name in SMILE)
    terms = (c.kind[rows], c.side[rows].astype(np.float64), strike, payout * tick, is_coin)
    columns = (*terms, *_barriers_of(x, rows, tick), left)
    columns = (*columns, *settlement_mean(x, rows, seen), span, *raw, spots, values)
    mark_values(*columns)
    priced = np.asarray(np.isfinite(values).all(axis=1))
    value, slowly, up, down = np.where(priced[:, None], values, 0.0).T
    # Numeraire per unit of value: the index for an option paid in coin.
    worth = np.where(is_coin, index, 1.0)
    most_paid = np.where(payout == 0, most, np.maximum(payout, c.rebate_ticks[rows]))
    initial, maintenance = short_ticks(
        rule_of(x.option_rules, c.margin_rule[rows]), c.side[rows], index, strike,
        value * worth, expiry - x.now_ns, tick * worth, most_paid,
    )  # fmt: skip
    _raise_to_reached(x, rows, seen, most_paid, initial, maintenance)
    slope = np.where(is_coin, (up * (1.0 + BUMP) - down * (1.0 - BUMP)) * index, up - down)
    delta = np.floor(slope / (2.0 * BUMP * index) * 1e9 + 0.5)
    marked = (
        _ticks(value, tick, most), _ticks(slowly, tick, most), initial, maintenance,
        np.clip(delta, -float(DELTA_MAX), float(DELTA_MAX)).astype(np.int64),
    )  # fmt: skip
    # Where a value is not finite, mark, margins and delta stay (rule 9.14).
    return {
        name: np.where(priced, column, getattr(x.marks, name)[rows])
        for name, column in zip(NAMES, marked, strict=True)
    }


def _raise_to_reached(
    x: ClearingState, rows: I64, seen: Seen, most: I64, initial: I64, maintenance: I64
) -> None:
    """Raise margins of options that jump to the payoff that one move reaches (rule 9.53).

    ``most`` are the largest payoffs; all of shape (options,), ticks.  The margins are changed.
    """
    c, rules = x.instruments, x.option_rules
    for k in jumps(c, rows).tolist():
        i = int(rows[k])
        at, index = int(c.margin_rule[i]) - 1, int(x.assets.price_e8[c.underlying[i]])
        left_ms = max(int(c.expiry_ns[i]) - x.now_ns, 0) // MS
        window = Window(seen.total(k), int(seen.final_ms[k]), left_ms)
        for margin, share in (
            (maintenance, int(rules.maintenance_ppm[at])), (initial, int(rules.initial_ppm[at])),
        ):  # fmt: skip
            reached = reached_ticks(c, i, index, window, share)
            margin[k] = min(max(int(margin[k]), reached), int(most[k]))
        initial[k] = max(initial[k], maintenance[k])


def _over(column: I64, scale: int) -> F64:
    """Quotients rounded once: 64-bit integers are not exact in a float."""
    return np.array([value / scale for value in column.tolist()])


def _barriers_of(x: ClearingState, rows: I64, tick: F64) -> tuple[Any, ...]:
    """Up, in, level, monitoring, years between looks, rebate; no level once it is touched."""
    c, barrier = x.instruments, x.instruments.barrier[rows]
    return (
        np.isin(barrier, (Barrier.UP_IN, Barrier.UP_OUT)),
        ~np.isin(barrier, (Barrier.UP_OUT, Barrier.DOWN_OUT)),
        np.where(c.is_knocked[rows], 0.0, _over(c.barrier_e8[rows], E8)),
        c.monitoring[rows],
        _over(c.observation_ns[rows], YEAR_NS),
        c.rebate_ticks[rows] * tick,
    )


def _ticks(value: F64, tick: F64, most: I64) -> I64:
    """Values in ticks, half up: no option is marked worthless before it is."""
    whole = np.floor(np.minimum(value / tick, 1e15) + 0.5).astype(np.int64)
    return np.minimum(np.maximum(whole, 1), most)


def apply_options_marked(x: ClearingState, columns: Row) -> None:
    """Book marks, margins of a short lot and the sums of the settlement window."""
    rows = columns["instrument"].astype(np.int64)
    for name, column in columns.items():
        if name != "instrument":
            getattr(x.marks, name)[rows] = column
    x.marks.updated_ns[rows] = x.now_ns


TOPIC: Topic[ClearingState] = Topic(
    name="marks of options",
    applications=(
        Application(event.OPTION_MARKED, apply_options_marked, NOBODY, is_by_column=True),
    ),
    phases=(mark_options,),
)
