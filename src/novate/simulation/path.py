"""The declared price path inside a bar.

A bar says where the price was, not in which order.  A liquidation engine that looks only at
closes misses the low; one that looks at the low and the high at once invents a price jump.  This
module declares the order instead of guessing it: open, one extreme, the other extreme, close, on
straight lines in integers.  Running the same day once with the low first and once with the high
first brackets what the bar can hide, and the report names the order that was used.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from novate.errors import InputError

IntArray: TypeAlias = npt.NDArray[np.int64]

POINTS_MIN = 4


class PathOrder(IntEnum):
    """Which extreme of the bar is visited first."""

    HIGH_FIRST = 1
    LOW_FIRST = 2


def intrabar_path(
    open_e8: npt.ArrayLike,
    high_e8: npt.ArrayLike,
    low_e8: npt.ArrayLike,
    close_e8: npt.ArrayLike,
    *,
    order: PathOrder,
    points: int,
) -> IntArray:
    """Prices at the sub-steps of each bar, on straight lines open, extreme, extreme, close.

    Parameters
    ----------
    open_e8, high_e8, low_e8, close_e8
        Bar prices, any one common shape ``(...)``, in 1e-8 of the numeraire, positive integers.
    order
        Which extreme comes first.
    points
        Sub-steps per bar, at least 4.

    Returns
    -------
    numpy.ndarray of int64, shape ``(..., points)``
        First point = open, last point = close, each extreme is hit exactly; every point lies
        inside the bar.  Prices between corners are rounded down.

    Raises
    ------
    InputError
        If fewer than 4 points are asked for, a price is not a positive integer, or a bar's open or
        close lies outside its range; the message names the first such bar.
    """
    if points < POINTS_MIN:
        msg = f"points {points} is not allowed: a path needs at least {POINTS_MIN}"
        raise InputError(msg)
    bars = [
        _as_prices(name, side)
        for name, side in zip(
            ("open", "high", "low", "close"), (open_e8, high_e8, low_e8, close_e8), strict=True
        )
    ]
    _check_bars(*bars)
    opening, high, low, close = bars
    first, second = (high, low) if PathOrder(order) is PathOrder.HIGH_FIRST else (low, high)
    corners = np.stack([opening, first, second, close], axis=-1)
    corner_at = corner_points(points)
    path = np.empty((*opening.shape, points), dtype=np.int64)
    for leg in range(3):
        start, stop = corner_at[leg], corner_at[leg + 1]
        step = np.arange(stop - start + 1, dtype=np.int64)
        base = corners[..., leg, None]
        rise = corners[..., leg + 1, None] - base
        path[..., start : stop + 1] = base + rise * step // (stop - start)
    return path


def corner_points(points: int) -> tuple[int, int, int, int]:
    """Sub-step numbers at which the path turns: open, first extreme, second extreme, close.

    Examples
    --------
    >>> corner_points(4), corner_points(13)
    ((0, 1, 2, 3), (0, 4, 8, 12))
    """
    legs = points - 1
    return (0, legs // 3, 2 * legs // 3, legs)


def offset_ns(points: int, bar_ns: int) -> IntArray:
    """Time of each sub-step after the bar's opening instant, shape ``(points,)``.

    The sub-steps are evenly spaced and the last one lies one step before the next bar opens, so
    that no instant has two prices.

    Parameters
    ----------
    points
        Sub-steps per bar.
    bar_ns
        Length of the bar in nanoseconds; at least ``points``.

    Raises
    ------
    InputError
        If the bar is shorter than one nanosecond per sub-step.
    """
    if points < 1 or bar_ns < points:
        msg = f"{points} points do not fit into a bar of {bar_ns} ns"
        raise InputError(msg)
    step, rest = divmod(bar_ns, points)
    index = np.arange(points, dtype=np.int64)
    return index * step + index * rest // points


def _as_prices(name: str, prices: npt.ArrayLike) -> IntArray:
    array = np.asarray(prices)
    if array.dtype.kind not in "iu":
        msg = f"{name} prices have type {array.dtype}; allowed are integers in 1e-8"
        raise InputError(msg)
    return array.astype(np.int64, copy=False)


def _check_bars(opening: IntArray, high: IntArray, low: IntArray, close: IntArray) -> None:
    shapes = {opening.shape, high.shape, low.shape, close.shape}
    if len(shapes) > 1:
        msg = f"bar columns have shapes {sorted(shapes)}; allowed is one common shape"
        raise InputError(msg)
    broken = (low <= 0) | (low > np.minimum(opening, close)) | (high < np.maximum(opening, close))
    if broken.any():
        bar = int(np.flatnonzero(broken)[0])
        sides = [int(side.ravel()[bar]) for side in (opening, high, low, close)]
        msg = (
            f"bar {bar} has open, high, low, close {sides}; "
            "allowed is 0 < low <= open, close <= high"
        )
        raise InputError(msg)
