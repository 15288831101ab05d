"""The one decorator for hot loops, and the wide arithmetic that has an exact Python twin.

Every kernel is compiled in nopython mode without fast-math, so that the same inputs give the same
bits on every machine.  With ``NUMBA_DISABLE_JIT=1`` the same source runs as plain Python and the
intrinsics below fall back to twins written with unbounded integers: slow, readable, and equal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np

JIT_ENABLED = not numba.config.DISABLE_JIT

_F = TypeVar("_F", bound=Callable[..., Any])


def kernel(function: _F) -> _F:
    """Compile a function of arrays and scalars; it releases the interpreter lock while it runs.

    ``error_model="numpy"`` drops the division check that would stop vectorisation: a kernel
    guards its own divisors.
    """
    compiled: _F = numba.njit(cache=True, error_model="numpy", nogil=True)(function)
    return compiled


def parallel_kernel(function: _F) -> _F:
    """Compile a function whose ``prange`` loop writes each output element from one iteration only."""
    compiled: _F = numba.njit(cache=True, error_model="numpy", nogil=True, parallel=True)(function)
    return compiled


def inlined(function: _F) -> _F:
    """Compile a small function into its callers."""
    compiled: _F = numba.njit(cache=True, error_model="numpy", nogil=True, inline="always")(function)
    return compiled


def _multiply_wide(a, b):  # type: ignore[no-untyped-def]
    """Return the high and low 64-bit words of the product of two unsigned 64-bit integers."""
    mask = np.uint64(0xFFFFFFFF)
    half = np.uint64(32)
    a_low = a & mask
    a_high = a >> half
    b_low = b & mask
    b_high = b >> half
    low = a_low * b_low
    middle = a_high * b_low + (low >> half)
    middle_low = a_low * b_high + (middle & mask)
    high = a_high * b_high + (middle >> half) + (middle_low >> half)
    return high, (middle_low << half) | (low & mask)


def _divide_wide(high, low, divisor):  # type: ignore[no-untyped-def]
    """Divide a two-word integer by a positive divisor below 2**63; needs high < divisor.

    Shift and subtract: 64 short steps.  LLVM's own 128-bit division is avoided on purpose (it
    crashes under numba); the fast path of the callers makes this the rare case.
    """
    one = np.uint64(1)
    top = np.uint64(63)
    for _ in range(64):
        high = (high << one) | (low >> top)
        low = low << one
        if high >= divisor:
            high -= divisor
            low |= one
    return low, high


def _muldiv_floor(a, b, c):  # type: ignore[no-untyped-def]
    """Return floor(a * b / c) of non-negative a, b and positive c without overflow in between."""
    if float(a) * float(b) < 9.0e18:
        return a * b // c
    high, low = multiply_wide(np.uint64(a), np.uint64(b))
    quotient, _ = divide_wide(high, low, np.uint64(c))
    return np.int64(quotient)


def muldiv_floor_readable(a: int, b: int, c: int) -> int:
    """Twin of `muldiv_floor` with unbounded integers."""
    return int(a) * int(b) // int(c)


if JIT_ENABLED:
    multiply_wide = inlined(_multiply_wide)
    divide_wide = inlined(_divide_wide)
    muldiv_floor = inlined(_muldiv_floor)
else:
    multiply_wide = _multiply_wide
    divide_wide = _divide_wide
    muldiv_floor = muldiv_floor_readable
