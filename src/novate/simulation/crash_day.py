"""A generated crash day: correlated one-minute bars, index sources that misbehave, a lost peg.

The day is invented but shaped like the ones on record (12 March 2020, 10 October 2025): hours of
ordinary trading, then a window in which a common shock takes the leading coin down by roughly
40 percent in a few waves, the others further down, correlation close to one, ranges and volumes a
multiple of normal, the perpetual trading below its index, and a stable coin used as collateral
losing its peg after the fall; then a partial recovery at high volatility.

The index is generated first.  Minute returns are Student t with a common and an own part; in the
window the level is the declared fall times a shape made of a slide and a few common jumps, and
the noise around it is a bridge, so that the trough is where the terms say.  The last price is the
index plus a mean-reverting basis, the mark is the index plus the slow, clipped part of that basis.
Several sources report each index with their own noise; one goes stale in the window (old price,
old timestamp), one prints an outlier, so that a day without index controls differs from one with.

All prices are rounded to ticks, so that the last bit of a float never shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from novate.errors import InputError
from novate.simulation.crash_terms import DEMO_COINS, MINUTES_A_DAY, Coin, CrashTerms
from novate.simulation.stream import Purpose, stream

IntArray: TypeAlias = npt.NDArray[np.int64]
FloatArray: TypeAlias = npt.NDArray[np.float64]

__all__ = [
    "DEMO_COINS",
    "Coin",
    "CrashDay",
    "CrashTerms",
    "IndexReports",
    "PriceTable",
    "crash_day",
]

MINUTE_NS = 60_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceTable:
    """Bars of several symbols, by opening time, then symbol; columns of shape (bars * symbols,).

    Attributes
    ----------
    symbols
        Names; the column `symbol` indexes them.
    open_ns
        Opening instant of the bar.
    open_e8, high_e8, low_e8, close_e8
        Last-traded prices, 1e-8 numeraire.
    mark_open_e8, mark_high_e8, mark_low_e8, mark_close_e8
        Mark prices of the same bar.
    volume_e8
        Traded volume, 1e-8 base units.
    """

    symbols: tuple[str, ...]
    open_ns: IntArray
    symbol: IntArray
    open_e8: IntArray
    high_e8: IntArray
    low_e8: IntArray
    close_e8: IntArray
    mark_open_e8: IntArray
    mark_high_e8: IntArray
    mark_low_e8: IntArray
    mark_close_e8: IntArray
    volume_e8: IntArray

    def grid(self, column: str) -> IntArray:
        """Return one column as an array of shape (bars, symbols)."""
        values: IntArray = getattr(self, column)
        return values.reshape(-1, len(self.symbols))


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexReports:
    """Reports of index sources, by instant, symbol, source; columns of shape (reports,).

    Attributes
    ----------
    instant_ns
        When the report arrived: the end of the minute.
    symbol, source
        Index of the coin and of the source.
    price_e8
        Reported price, 1e-8 numeraire.
    observed_ns
        Timestamp that the source gave to the price; lags behind when the source is stale.
    """

    instant_ns: IntArray
    symbol: IntArray
    source: IntArray
    price_e8: IntArray
    observed_ns: IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashDay:
    """The generated day.

    Attributes
    ----------
    prices
        Bars with last and mark prices.
    index_e8
        True index at the end of each minute, shape (minutes, symbols).
    reports
        What the sources said about it.
    """

    prices: PriceTable
    index_e8: IntArray
    reports: IndexReports


def crash_day(
    seed: int,
    start_ns: int,
    *,
    coins: tuple[Coin, ...] = DEMO_COINS,
    terms: CrashTerms | None = None,
) -> CrashDay:
    """Generate the day.

    Parameters
    ----------
    seed
        Run seed; each coin and each source has its own streams, so that adding a coin at the end
        leaves the others as they were.
    start_ns
        Opening instant of the first bar.
    coins
        Coins; the first one that is not pegged leads.
    terms
        Shape of the day.

    Raises
    ------
    InputError
        If there is no coin.
    """
    if not coins:
        raise InputError("coins is empty; a day needs at least one coin")
    terms = CrashTerms() if terms is None else terms
    log_index = _log_index(seed, coins, terms)
    level = np.array([coin.price_e8 for coin in coins], dtype=np.float64) * np.exp(log_index)
    basis = _basis(seed, coins, terms)
    prices = _price_table(seed, start_ns, coins, terms, (level, basis))
    tick = _ticks(coins)
    index_e8 = _to_tick(level[1:], tick)
    reports = _reports(seed, start_ns, coins, terms, level)
    return CrashDay(prices=prices, index_e8=index_e8, reports=reports)


def _log_index(seed: int, coins: tuple[Coin, ...], terms: CrashTerms) -> FloatArray:
    """Log index against the opening price, shape (minutes + 1, coins)."""
    start, trough = terms.crash_start, terms.crash_start + terms.crash_minutes
    common_rng = stream(seed, Purpose.COMMON_SHOCK, 0)
    fall = -np.log1p(-common_rng.uniform(terms.fall_min, terms.fall_max))
    jump_at, jump_weight = _jumps(common_rng, terms)
    common = _student(common_rng, terms)
    multiple, correlation = _regime(terms)
    columns = []
    for number, coin in enumerate(coins):
        rng = stream(seed, Purpose.COIN_SHOCK, number)
        own = _student(rng, terms)
        scale = coin.daily_volatility / np.sqrt(MINUTES_A_DAY) * multiple
        if coin.is_pegged:
            columns.append(_pegged(own, coin, terms))
            continue
        noise = scale * (np.sqrt(correlation) * common + np.sqrt(1.0 - correlation) * own)
        path = np.concatenate([[0.0], np.cumsum(noise)])
        # Bridges: the noise neither adds to the declared fall nor to the declared recovery.
        for first, last in ((start, trough), (trough, trough + terms.recovery_minutes)):
            drift = path[last] - path[first]
            path[first : last + 1] -= drift * np.linspace(0.0, 1.0, last - first + 1)
            path[last + 1 :] -= drift
        # The waves come together, but not in the same proportion for every coin.
        weight = 0.75 * jump_weight + 0.25 * rng.dirichlet(np.full(terms.jumps, 2.0))
        shape = _fall_shape(terms, jump_at, weight)
        columns.append(path - coin.crash_beta * fall * shape)
    return np.stack(columns, axis=1)


def _jumps(rng: np.random.Generator, terms: CrashTerms) -> tuple[IntArray, FloatArray]:
    """Minutes of the common jumps after the window opens, and their shares of the jump part."""
    minute = np.arange(1, terms.crash_minutes + 1)
    jump_at = np.sort(rng.choice(minute, size=terms.jumps, replace=False))
    return jump_at, rng.dirichlet(np.full(terms.jumps, 4.0))


def _fall_shape(terms: CrashTerms, jump_at: IntArray, weight: FloatArray) -> FloatArray:
    """Share of the fall in force at each minute: 0, up to 1 at the trough, back by `recovery`."""
    start, length = terms.crash_start, terms.crash_minutes
    trough = start + length
    shape = np.zeros(terms.minutes + 1)
    slide = np.linspace(0.0, 1.0, length + 1) ** 1.5
    jumps = np.zeros(length + 1)
    jumps[jump_at] = weight
    shape[start : trough + 1] = 0.5 * slide + 0.5 * np.cumsum(jumps)
    back = np.linspace(0.0, 1.0, terms.recovery_minutes + 1)
    eased = (1.0 - np.exp(-4.0 * back)) / (1.0 - np.exp(-4.0))
    shape[trough : trough + terms.recovery_minutes + 1] = 1.0 - terms.recovery * eased
    shape[trough + terms.recovery_minutes :] = 1.0 - terms.recovery
    return shape


def _regime(terms: CrashTerms) -> tuple[FloatArray, FloatArray]:
    """Volatility multiple and correlation per minute; both decay over the recovery."""
    minute = np.arange(terms.minutes)
    trough = terms.crash_start + terms.crash_minutes
    stress = np.where(minute < terms.crash_start, 0.0, 1.0)
    after = minute >= trough
    stress[after] = np.exp(-3.0 * (minute[after] - trough) / terms.recovery_minutes)
    multiple = 1.0 + (terms.volatility_multiple - 1.0) * stress
    correlation = terms.calm_correlation + stress * (
        terms.crash_correlation - terms.calm_correlation
    )
    return multiple, correlation


def _pegged(own: FloatArray, coin: Coin, terms: CrashTerms) -> FloatArray:
    """Log level of a pegged coin: noise that reverts to par (no loss of peg yet)."""
    scale = coin.daily_volatility / 10.0
    level = np.zeros(terms.minutes + 1)
    for minute in range(terms.minutes):
        level[minute + 1] = 0.9 * level[minute] + scale * own[minute]
    return level + _peg_loss(terms) if terms.peg_sources is None else level


def _peg_loss(terms: CrashTerms) -> FloatArray:
    """Log distance from par of a coin that loses its peg, shape (minutes + 1,)."""
    minute = np.arange(terms.minutes + 1)
    first = terms.crash_start + terms.peg_lag
    low = first + 12
    down = np.clip((minute - first) / 12.0, 0.0, 1.0)
    up = np.where(minute > low, 1.0 - np.exp(-(minute - low) / 60.0), 0.0)
    loss: FloatArray = np.log(terms.peg_low) * down * (1.0 - up)
    return loss


def _student(rng: np.random.Generator, terms: CrashTerms) -> FloatArray:
    """Student t draws of unit variance; a draw beyond 12 deviations is cut there."""
    raw = rng.standard_t(terms.tail_degrees, size=terms.minutes)
    scaled = raw / np.sqrt(terms.tail_degrees / (terms.tail_degrees - 2.0))
    return np.asarray(np.clip(scaled, -12.0, 12.0), dtype=np.float64)


def _basis(seed: int, coins: tuple[Coin, ...], terms: CrashTerms) -> FloatArray:
    """Last price over index, less one, shape (minutes + 1, coins): deep discount at the trough."""
    multiple, _ = _regime(terms)
    stress = (multiple - 1.0) / max(terms.volatility_multiple - 1.0, 1e-12)
    columns = []
    for number, coin in enumerate(coins):
        rng = stream(seed, Purpose.WICK, number)
        shock = rng.standard_normal(terms.minutes)
        target = np.where(coin.is_pegged, 0.0, -0.02 * coin.crash_beta) * stress
        scale = 0.0001 * (1.0 + 9.0 * stress) * (not coin.is_pegged)
        level = np.zeros(terms.minutes + 1)
        for minute in range(terms.minutes):
            pull = 0.15 * (target[minute] - level[minute])
            level[minute + 1] = level[minute] + pull + scale[minute] * shock[minute]
        columns.append(level)
    return np.stack(columns, axis=1)


def _price_table(
    seed: int,
    start_ns: int,
    coins: tuple[Coin, ...],
    terms: CrashTerms,
    paths: tuple[FloatArray, FloatArray],
) -> PriceTable:
    level, basis = paths
    multiple, _ = _regime(terms)
    slow = np.zeros_like(basis)
    for minute in range(terms.minutes):
        slow[minute + 1] = slow[minute] + (basis[minute + 1] - slow[minute]) / 15.0
    tick = _ticks(coins)
    scale = np.array([coin.daily_volatility for coin in coins]) / np.sqrt(MINUTES_A_DAY)
    wick_scale = scale * multiple[:, None]
    draws = np.stack(
        [
            stream(seed, Purpose.WICK, len(coins) + number).exponential(size=(terms.minutes, 4))
            for number in range(len(coins))
        ],
        axis=1,
    )
    last = _bars(level * (1.0 + basis), draws[..., :2] * wick_scale[..., None], tick)
    mark_level = level * (1.0 + np.clip(slow, -0.005, 0.005))
    mark = _bars(mark_level, draws[..., 2:] * 0.3 * wick_scale[..., None], tick)
    opened = np.arange(terms.minutes, dtype=np.int64)
    symbols = len(coins)
    return PriceTable(
        symbols=tuple(coin.symbol for coin in coins),
        open_ns=np.repeat(start_ns + opened * MINUTE_NS, symbols),
        symbol=np.tile(np.arange(symbols, dtype=np.int64), terms.minutes),
        open_e8=last[0].ravel(),
        high_e8=last[1].ravel(),
        low_e8=last[2].ravel(),
        close_e8=last[3].ravel(),
        mark_open_e8=mark[0].ravel(),
        mark_high_e8=mark[1].ravel(),
        mark_low_e8=mark[2].ravel(),
        mark_close_e8=mark[3].ravel(),
        volume_e8=_volume(seed, coins, level, multiple).ravel(),
    )


def _bars(
    level: FloatArray, wick: FloatArray, tick: IntArray
) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Open, high, low, close of shape (minutes, coins); a bar opens where the last one closed."""
    opening, close = level[:-1], level[1:]
    high = np.maximum(opening, close) * np.exp(wick[..., 0])
    low = np.minimum(opening, close) * np.exp(-wick[..., 1])
    return tuple(_to_tick(side, tick) for side in (opening, high, low, close))  # type: ignore[return-value]


def _volume(
    seed: int, coins: tuple[Coin, ...], level: FloatArray, multiple: FloatArray
) -> IntArray:
    """Volume per bar: its share of a normal day, log-normal, surging with stress and the move."""
    move = np.abs(np.diff(np.log(level), axis=0))
    normal = np.array([coin.daily_volatility for coin in coins]) / np.sqrt(MINUTES_A_DAY)
    surge = (1.0 + np.minimum(move / normal, 25.0)) * multiple[:, None]
    noise = np.stack(
        [
            stream(seed, Purpose.VOLUME, number).lognormal(-0.18, 0.6, size=len(move))
            for number in range(len(coins))
        ],
        axis=1,
    )
    a_minute = np.array([coin.volume_e8 for coin in coins], dtype=np.float64) / MINUTES_A_DAY
    # A typical minute moves 0.7 normal deviations; dividing keeps the normal day near its volume.
    micro = np.floor(a_minute * noise * surge / 1.7 / 1e4).astype(np.int64)
    volume: IntArray = micro * 10_000
    return volume


def _reports(
    seed: int, start_ns: int, coins: tuple[Coin, ...], terms: CrashTerms, level: FloatArray
) -> IndexReports:
    minutes, symbols, sources = terms.minutes, len(coins), terms.sources
    multiple, _ = _regime(terms)
    price = np.empty((minutes, symbols, sources))
    seen = np.tile(np.arange(1, minutes + 1)[:, None, None], (1, symbols, sources))
    begin = max(0, terms.crash_start + terms.outlier_start)
    frozen = max(1, terms.crash_start + terms.stale_start)
    thaw = min(minutes, frozen + terms.stale_minutes)
    thin_sources = 0 if terms.peg_sources is None else terms.peg_sources
    for source in range(sources):
        rng = stream(seed, Purpose.INDEX_SOURCE, source)
        noise = terms.source_noise * np.sqrt(multiple)[:, None]
        price[..., source] = level[1:] * np.exp(noise * rng.standard_normal((minutes, symbols)))
        for number, coin in enumerate(coins):
            if coin.is_pegged and source < thin_sources:
                price[:, number, source] *= np.exp(_peg_loss(terms)[1:])
        if source == terms.outlier_source:
            price[begin : begin + terms.outlier_minutes, :, source] *= 1.0 + terms.outlier_move
        if source == terms.stale_source:
            price[frozen:thaw, :, source] = price[frozen - 1, :, source]
            seen[frozen:thaw, :, source] = frozen
    shape = price.shape
    instant = np.broadcast_to(np.arange(1, minutes + 1)[:, None, None], shape)
    return IndexReports(
        instant_ns=start_ns + instant.ravel() * MINUTE_NS,
        symbol=np.broadcast_to(np.arange(symbols)[None, :, None], shape).ravel(),
        source=np.broadcast_to(np.arange(sources)[None, None, :], shape).ravel(),
        price_e8=_to_tick(price, _ticks(coins)[:, None]).ravel(),
        observed_ns=start_ns + seen.ravel() * MINUTE_NS,
    )


def _ticks(coins: tuple[Coin, ...]) -> IntArray:
    return np.array([coin.tick_e8 for coin in coins], dtype=np.int64)


def _to_tick(price: FloatArray, tick: IntArray) -> IntArray:
    """Nearest positive multiple of the tick."""
    whole: IntArray = np.maximum(np.rint(price / tick).astype(np.int64), 1) * tick
    return whole
