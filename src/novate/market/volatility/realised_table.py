"""Realised volatility beside implied: what prices did, and what options of the next expiries cost.

Rows of a table, one per window and estimator: the realised volatility of the window that ends with
the last bar, and the at-the-money volatility of the nearest expiries after it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from novate.errors import InputError
from novate.market.volatility import realised
from novate.market.volatility.chain import F64, I64, YEAR_NS
from novate.market.volatility.surface import Surface

EXPIRIES = 2
"""Expiries beside each row, unless said otherwise."""


def _span_ewma(bars: F64, window: int, bars_per_year: float) -> F64:
    """Weigh returns with a mean age of half the window, as its plain mean has."""
    return realised.ewma(bars, (window - 1.0) / (window + 1.0), bars_per_year)


ESTIMATORS: dict[str, Callable[[F64, int, float], F64]] = {
    "close_to_close": realised.close_to_close,
    "parkinson": realised.parkinson,
    "garman_klass": realised.garman_klass,
    "rogers_satchell": realised.rogers_satchell,
    "yang_zhang": realised.yang_zhang,
    "ewma": _span_ewma,
}
"""By name, in the order of the rows; `ewma` decays by (window - 1)/(window + 1) per bar."""


@dataclass(frozen=True, slots=True)
class RealisedRow:
    """One row: estimator, bars and nanoseconds of its window, and volatilities per year.

    ``realised`` is NaN where the window is longer than the bars or has an impossible one.
    ``implied`` holds one at-the-money volatility for each of the table's expiries.
    """

    estimator: str
    window: int
    window_ns: int
    realised: float
    implied: tuple[float, ...]

    @property
    def premium(self) -> float:
        """Implied of the nearest expiry less realised; NaN without one of them."""
        return self.implied[0] - self.realised if self.implied else float("nan")


@dataclass(frozen=True, slots=True)
class RealisedTable:
    """The rows, by window, then estimator, and the expiries that they are beside, ascending."""

    instant_ns: int
    expiry_ns: tuple[int, ...]
    rows: tuple[RealisedRow, ...]


def at_the_money(surface: Surface) -> tuple[I64, F64]:
    """Return the expiries of a surface, int64 ``[j]``, and their volatility at the forward."""
    expiry = np.array([one.expiry_ns for one in surface.slices], np.int64)
    variance = np.array([one.raw.at_the_money / one.years for one in surface.slices])
    return expiry, np.sqrt(variance)


def _last(estimator: Callable[[F64, int, float], F64], bars: F64, window: int, per: float) -> float:
    """Return the last value; a window needs one bar more, whose close starts the first return."""
    needs_all = estimator is _span_ewma
    used = bars if needs_all else bars[-(window + 1) :]
    if len(bars) < window + (1 if needs_all else 0):
        return float("nan")
    return float(estimator(used, window, per)[-1])


def realised_table(
    bars: F64,
    bar_ns: int,
    instant_ns: int,
    windows: Sequence[int],
    expiry_ns: I64,
    implied: F64,
    *,
    expiries: int = EXPIRIES,
) -> RealisedTable:
    """Return realised volatility of each window and estimator beside implied volatility.

    Parameters
    ----------
    bars
        ``[n, 4]``: open, high, low, close of successive bars; the last one ends at ``instant_ns``.
    bar_ns
        Length of a bar; a year has ``YEAR_NS / bar_ns`` of them.
    instant_ns
        When the table is made; expiries up to it are left out.
    windows
        Bars of each window, at least two.
    expiry_ns, implied
        Int64 and float64 ``[j]``: expiries and their at-the-money volatilities per year, in any
        order, as `at_the_money` returns them or a table of fitted slices holds them.
    expiries
        How many of the nearest expiries stand beside a row.

    Raises
    ------
    InputError
        If a bar has no length, a window is shorter than two, or the columns differ in length.
    """
    if bar_ns <= 0 or min(windows, default=2) < 2 or len(expiry_ns) != len(implied):
        message = (
            f"bars of {bar_ns} ns, windows {list(windows)}, {len(expiry_ns)} expiries with "
            f"{len(implied)} volatilities; allowed: positive, 2 and more, as many as expiries"
        )
        raise InputError(message)
    per_year = YEAR_NS / bar_ns
    order = np.argsort(expiry_ns, kind="stable")
    near = order[np.asarray(expiry_ns)[order] > instant_ns][:expiries]
    beside = tuple(np.asarray(implied, np.float64)[near].tolist())
    rows = [
        RealisedRow(name, window, window * bar_ns, _last(estimator, bars, window, per_year), beside)
        for window in windows
        for name, estimator in ESTIMATORS.items()
    ]
    return RealisedTable(instant_ns, tuple(np.asarray(expiry_ns)[near].tolist()), tuple(rows))
