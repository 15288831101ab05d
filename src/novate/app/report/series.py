"""Arrays made small enough to draw, without losing what matters.

Lines keep the smallest and largest value of every stretch, points keep the largest, so a
crash never disappears between two samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from novate.app.report.load import F64, I64
from novate.errors import require

POINTS_MAX = 2000


def keep_extremes(
    columns: list[F64], limit: int = POINTS_MAX, focus: tuple[int, int] | None = None
) -> I64:
    """Return the rows to draw so that each column keeps its extremes.

    Parameters
    ----------
    columns
        Float arrays of one length; NaN is no value.
    limit
        Most rows to return, at least 2 + 2 per column.
    focus
        First row and end row of a part that gets three quarters of the points.

    Returns
    -------
    Ascending row numbers, at most `limit`: all of them when they fit, else first, last, and the
    rows of each column's minimum and maximum in each of equally long stretches.
    """
    require(bool(columns), "there is a column to sample")
    rows = len(columns[0])
    require(all(len(column) == rows for column in columns), "columns have one length")
    if rows <= limit:
        return np.arange(rows, dtype=np.int64)
    edges = _edges(rows, (limit - 2) // (2 * len(columns)), focus)
    kept = {0, rows - 1}
    for start, end in pairwise(edges.tolist()):
        for column in columns:
            stretch = column[start:end]
            if len(stretch) and not np.isnan(stretch).all():
                kept.add(int(start + np.nanargmin(stretch)))
                kept.add(int(start + np.nanargmax(stretch)))
    return np.array(sorted(kept), dtype=np.int64)


def _edges(rows: int, stretches: int, focus: tuple[int, int] | None) -> I64:
    """Cut the rows into at most so many stretches, most of them inside the focus."""
    require(stretches >= 1, "the limit leaves room for one stretch")
    if focus is None or stretches < 4:
        return np.linspace(0, rows, stretches + 1).astype(np.int64)
    start, end = focus
    require(0 <= start <= end <= rows, "the focus lies within the rows")
    inside = min(3 * stretches // 4, end - start)
    outside = stretches - inside - 1
    before = outside * start // max(1, rows - (end - start))
    parts = [
        np.linspace(0, start, before + 1),
        np.linspace(start, end, inside + 1),
        np.linspace(end, rows, outside - before + 1),
    ]
    return np.unique(np.concatenate([[0, rows], *parts]).astype(np.int64))


def keep_largest(values: F64, limit: int = POINTS_MAX) -> I64:
    """Return the rows of the largest values, at most `limit`, in ascending row order."""
    if len(values) <= limit:
        return np.arange(len(values), dtype=np.int64)
    ranked = np.argsort(-np.nan_to_num(values, nan=-np.inf), kind="stable")[:limit]
    return np.sort(ranked).astype(np.int64)


def pivot(instants: I64, names: list[str], values: F64) -> tuple[I64, dict[str, F64]]:
    """Turn (instant, name, value) rows into one column for each name on common instants.

    A name keeps its last known value until the next; before its first it is NaN.  The last row
    of an instant wins.  Names keep the order of their first row.
    """
    common, position = np.unique(instants, return_inverse=True)
    labels = np.array(names, dtype=object)
    result: dict[str, F64] = {}
    for name in dict.fromkeys(names):
        rows = labels == name
        column = np.full(len(common), np.nan)
        column[position[rows]] = values[rows]
        result[name] = fill_forward(column)
    return common.astype(np.int64), result


def fill_forward(column: F64) -> F64:
    """Return the column with each NaN replaced by the last value before it."""
    known = np.where(np.isnan(column), -1, np.arange(len(column)))
    last = np.maximum.accumulate(known) if len(column) else known
    return np.where(last >= 0, column[np.maximum(last, 0)], np.nan)


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeBin:
    """Accounts whose opening equity lies in [low, high), and their share of all equity."""

    low: float
    high: float
    accounts: int
    equity_share: float


def size_distribution(equity: F64) -> list[SizeBin]:
    """Sort positive equities into bins of half a decade.

    Parameters
    ----------
    equity
        Opening equity of each account in numeraire units; what is not positive is left out.

    Returns
    -------
    Bins from the smallest to the largest account without gaps; empty when no equity is positive.
    """
    positive = equity[np.isfinite(equity) & (equity > 0)]
    if len(positive) == 0:
        return []
    steps = np.floor(2 * np.log10(positive)).astype(np.int64)
    total = float(positive.sum())
    bins = []
    for step in range(int(steps.min()), int(steps.max()) + 1):
        inside = positive[steps == step]
        share = float(inside.sum()) / total
        low, high = 10 ** (step / 2), 10 ** ((step + 1) / 2)
        bins.append(SizeBin(low=low, high=high, accounts=len(inside), equity_share=share))
    return bins


def largest_fall(values: F64) -> tuple[int, int]:
    """Return the rows (peak, trough) of the deepest fall from an earlier high; NaN is ignored."""
    known = np.where(np.isnan(values), -np.inf, values)
    if not len(values) or not np.isfinite(known).any():
        return 0, 0
    peaks = np.maximum.accumulate(known)
    with np.errstate(invalid="ignore", divide="ignore"):
        fall = np.where(np.isnan(values) | ~np.isfinite(peaks), 0.0, 1.0 - values / peaks)
    trough = int(np.argmax(fall))
    peak = int(np.argmax(known[: trough + 1]))
    return peak, trough
