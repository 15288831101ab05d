from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from novate.errors import InputError
from novate.simulation.crash_day import DEMO_COINS, CrashDay, CrashTerms, crash_day

TERMS = CrashTerms()
TROUGH = TERMS.crash_start + TERMS.crash_minutes


def column(day: CrashDay, symbol: str) -> np.ndarray:
    return day.index_e8[:, day.prices.symbols.index(symbol)]


def test_the_same_seed_gives_the_same_day_and_another_seed_another() -> None:
    first, again, other = crash_day(1, 0), crash_day(1, 0), crash_day(2, 0)
    for name in ("open_e8", "low_e8", "mark_low_e8", "volume_e8"):
        assert np.array_equal(getattr(first.prices, name), getattr(again.prices, name))
        assert not np.array_equal(getattr(first.prices, name), getattr(other.prices, name))
    assert np.array_equal(first.reports.price_e8, again.reports.price_e8)


@pytest.mark.parametrize("seed", range(5))
def test_bitcoin_falls_by_35_to_45_percent_and_recovers_partly(seed: int) -> None:
    index = column(crash_day(seed, 0), "BTC")
    before, trough = index[TERMS.crash_start - 1], index[TROUGH - 1]
    assert 0.34 < 1.0 - trough / before < 0.46
    after = index[TROUGH + TERMS.recovery_minutes - 1] / before
    assert trough / before < after < 1.0


def test_smaller_coins_fall_further(day: CrashDay) -> None:
    falls = [
        1.0 - column(day, symbol)[TROUGH - 1] / column(day, symbol)[TERMS.crash_start - 1]
        for symbol in ("BTC", "ETH", "SOL", "XRP", "DOGE")
    ]
    assert falls == sorted(falls)


def test_the_stable_coin_loses_its_peg_after_the_fall_began_and_comes_back(day: CrashDay) -> None:
    index = column(day, "USDE") / 1e8
    assert np.all(np.abs(index[: TERMS.crash_start + TERMS.peg_lag - 1] - 1.0) < 0.005)
    assert 0.78 < index.min() < 0.82
    assert abs(index[-1] - 1.0) < 0.005


def test_correlation_rises_in_the_window_and_returns_have_fat_tails(day: CrashDay) -> None:
    returns = np.diff(np.log(day.index_e8[:, :5].astype(float)), axis=0)
    calm = np.corrcoef(returns[: TERMS.crash_start - 1].T)[0, 1:].mean()
    crash = np.corrcoef(returns[TERMS.crash_start : TROUGH].T)[0, 1:].mean()
    assert calm < 0.75 < crash
    quiet = returns[: TERMS.crash_start - 1, 0]
    assert np.mean((quiet / quiet.std()) ** 4) > 4.0


def test_bars_hold_together_and_prices_are_whole_ticks(day: CrashDay) -> None:
    prices = day.prices
    tick = np.array([coin.tick_e8 for coin in DEMO_COINS])
    for mark in ("", "mark_"):
        side = {name: prices.grid(f"{mark}{name}_e8") for name in ("open", "high", "low", "close")}
        assert np.all(side["low"] <= np.minimum(side["open"], side["close"]))
        assert np.all(side["high"] >= np.maximum(side["open"], side["close"]))
        assert np.array_equal(side["open"][1:], side["close"][:-1])
        assert all(not np.any(values % tick) for values in side.values())
    assert np.all(prices.volume_e8 > 0)
    assert prices.open_ns.dtype == np.int64


def test_the_mark_falls_less_than_the_last_price(day: CrashDay) -> None:
    for symbol in range(5):
        assert day.prices.grid("low_e8")[:, symbol].min() < (
            day.prices.grid("mark_low_e8")[:, symbol].min()
        )


def test_volume_surges_in_the_crash(day: CrashDay) -> None:
    volume = day.prices.grid("volume_e8")[:, 0]
    crash = volume[TERMS.crash_start : TROUGH].mean()
    assert crash > 4 * volume[: TERMS.crash_start].mean()


def reports(day: CrashDay, name: str) -> np.ndarray:
    values: np.ndarray = getattr(day.reports, name)
    return values.reshape(TERMS.minutes, len(DEMO_COINS), TERMS.sources)


def test_one_source_goes_stale_and_says_so_in_its_timestamp(day: CrashDay) -> None:
    first = TERMS.crash_start + TERMS.stale_start
    frozen = reports(day, "price_e8")[first : first + TERMS.stale_minutes, 0, TERMS.stale_source]
    assert len(set(frozen.tolist())) == 1
    age = reports(day, "instant_ns") - reports(day, "observed_ns")
    assert age[first + TERMS.stale_minutes - 1, 0, TERMS.stale_source] == (
        TERMS.stale_minutes * 60_000_000_000
    )
    fresh = np.delete(age, TERMS.stale_source, axis=2)
    assert not fresh.any()


def test_one_source_prints_an_outlier_and_the_median_of_the_sources_holds(day: CrashDay) -> None:
    begin = TERMS.crash_start + TERMS.outlier_start
    prices = reports(day, "price_e8")[begin]
    index = day.index_e8[begin]
    assert np.all(prices[:, TERMS.outlier_source] < 0.75 * index)
    assert np.all(np.abs(np.median(prices, axis=1) / index - 1.0) < 0.005)


def test_a_loss_of_peg_on_one_source_leaves_the_index_and_the_others_at_par() -> None:
    day = crash_day(1, 0, terms=CrashTerms(peg_sources=1))
    usde = len(DEMO_COINS) - 1
    lowest = reports(day, "price_e8")[:, usde].min(axis=0) / 1e8
    assert lowest[0] < 0.82
    assert lowest[1] > 0.98
    assert column(day, "USDE").min() > 0.98e8


def test_a_coin_added_at_the_end_leaves_the_index_of_the_others_unchanged() -> None:
    fewer = crash_day(3, 0, coins=DEMO_COINS[:2])
    more = crash_day(3, 0, coins=DEMO_COINS[:3])
    assert np.array_equal(fewer.index_e8, more.index_e8[:, :2])


def test_a_day_needs_a_coin() -> None:
    with pytest.raises(InputError, match="coins is empty"):
        crash_day(1, 0, coins=())


def test_times_start_at_the_given_instant_and_advance_by_minutes(day: CrashDay) -> None:
    opened = np.unique(day.prices.open_ns)
    assert opened[0] == 1_700_000_000_000_000_000
    assert set(np.diff(opened).tolist()) == {60_000_000_000}
    assert dataclasses.is_dataclass(day)
