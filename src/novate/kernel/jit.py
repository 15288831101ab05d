"""The one decorator for hot loops, and the wide arithmetic that has an exact Python twin.

Every kernel is compiled in nopython mode without fast-math, so that the same inputs give the same
bits on every machine.  With ``NUMBA_DISABLE_JIT=1`` the same source runs as plain Python and the
intrinsics below fall back to twins written with unbounded integers: slow, readable, and equal.
"""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Callable
from fractions import Fraction
from importlib.resources import files
from typing import Any, TypeVar

import numba
import numpy as np
from numba.core import cgutils, types
from numba.extending import intrinsic

JIT_ENABLED = not numba.config.DISABLE_JIT

_F = TypeVar("_F", bound=Callable[..., Any])


def _cache_directory() -> str:
    """Directory of compiled kernels, named by the digest of all kernel sources.

    numba notices an edit only in the file of the compiled function itself; a kernel also contains
    what it calls in other files.
    """
    package = files("novate.kernel")
    digest = hashlib.sha256()
    folders = (package, package / "clearing", package / "pricing")
    sources = [entry for folder in folders for entry in folder.iterdir()]
    for source in sorted(sources, key=str):
        if source.name.endswith(".py"):
            digest.update(source.read_bytes())
    return str(package / "__pycache__" / f"kernel-{digest.hexdigest()[:16]}")


_CACHE = _cache_directory()


def _compile(function: _F, **options: Any) -> _F:
    """Compile with the cache of these sources; other users of numba keep theirs."""
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = before or _CACHE
    try:
        compiled: _F = numba.njit(cache=True, error_model="numpy", nogil=True, **options)(function)
    finally:
        numba.config.CACHE_DIR = before
    return compiled


_OF_ITS_OWN = {"_nrt": True, "forceinline": False}
"""What a kernel says of itself: numba gives an option that is left open the value of the caller
that happens to be compiled first, and the cache keeps it.  A kernel that returned arrays without
counting them, called by one that counts, freed them twice."""


def kernel(function: _F) -> _F:
    """Compile a function of arrays and scalars; it releases the interpreter lock while it runs.

    ``error_model="numpy"`` drops the division check that would stop vectorisation: a kernel
    guards its own divisors.
    """
    return _compile(function, **_OF_ITS_OWN)


def parallel_kernel(function: _F) -> _F:
    """Compile a ``prange`` loop whose iterations write to places of their own."""
    return _compile(function, parallel=True, **_OF_ITS_OWN)


def inlined(function: _F) -> _F:
    """Compile a small function for other kernels to call; it cannot make arrays.

    A call that passes a tuple of twenty arrays takes each of them apart, seven words an array,
    and counts a reference to each, which costs more than the arithmetic of a position.  So LLVM is
    told to put the body in the place of the call, without numba's reference counting: booking and
    admitting trades then take about half the time.
    """
    return _compile(function, _nrt=False, forceinline=True)


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


_ESTIMATE_MAX = 2.0**49
_DIVISOR_MAX = 2**61


def _muldiv_floor(a, b, c):  # type: ignore[no-untyped-def]
    """Return floor(a * b / c) of non-negative a, b and positive c without overflow in between."""
    product = float(a) * float(b)
    if product < 9.0e18:
        return a * b // c
    estimate = product / float(c)
    if estimate < _ESTIMATE_MAX and c < _DIVISOR_MAX:
        # Five roundings leave less than half a unit: the quotient is off by one at most.  The rest
        # is then between -c and 2 c, so that it is exact though both products leave 64 bits.
        quotient = np.int64(estimate)
        rest = a * b - quotient * c
        if rest < 0:
            return quotient - 1
        return quotient + 1 if rest >= c else quotient
    high, low = multiply_wide(np.uint64(a), np.uint64(b))
    quotient, _ = divide_wide(high, low, np.uint64(c))
    return np.int64(quotient)


def muldiv_floor_readable(a: int, b: int, c: int) -> int:
    """Twin of `muldiv_floor` with unbounded integers."""
    return int(a) * int(b) // int(c)


@intrinsic
def _prefetch(typing_context, array, index):  # type: ignore[no-untyped-def]
    """Ask for the cache line of ``array[index]``: a hint that changes nothing."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        array_type, index_type = signature.args
        view = context.make_array(array_type)(context, builder, arguments[0])
        at = context.cast(builder, arguments[1], index_type, types.intp)
        pointer = cgutils.get_item_pointer(
            context, builder, array_type, view, [at], wraparound=False
        )
        ir = cgutils.ir
        small = cgutils.int32_t
        hint = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, small, small, small]),
            "llvm.prefetch.p0",
        )
        flags = [small(1), small(3), small(1)]  # to write, keep in all levels, data
        builder.call(hint, [builder.bitcast(pointer, cgutils.voidptr_t), *flags])
        return context.get_dummy_value()

    return types.void(array, index), generate


def _prefetch_nothing(array, index):  # type: ignore[no-untyped-def]
    """Twin of `prefetch`: a hint changes nothing."""


prefetch = _prefetch if JIT_ENABLED else _prefetch_nothing


@intrinsic
def _fma(typing_context, a, b, c):  # type: ignore[no-untyped-def]
    """Return a * b + c rounded once, on every processor."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        wide = [
            context.cast(builder, argument, type_, types.float64)
            for argument, type_ in zip(arguments, signature.args, strict=True)
        ]
        return builder.fma(*wide)

    return types.float64(a, b, c), generate


def fma_readable(a: float, b: float, c: float) -> float:
    """Twin of `fma`: exact with fractions, rounded once to the nearest float64."""
    a, b, c = float(a), float(b), float(c)
    if not (math.isfinite(a) and math.isfinite(b)):
        return a * b + c
    if not math.isfinite(c):
        return c  # the product is finite, even where a float64 would overflow
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    if exact == 0:
        return a * b + c  # the sign of a zero
    try:
        return float(exact)
    except OverflowError:
        return math.inf if exact > 0 else -math.inf


@intrinsic
def _float_bits(typing_context, value):  # type: ignore[no-untyped-def]
    """Return the bit pattern of a float64 as int64."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.bitcast(arguments[0], cgutils.ir.IntType(64))

    return types.int64(types.float64), generate


def float_bits_readable(value: float) -> int:
    """Twin of `float_bits`."""
    return int(struct.unpack("<q", struct.pack("<d", value))[0])


@intrinsic
def _bits_float(typing_context, bits):  # type: ignore[no-untyped-def]
    """Return the float64 with a bit pattern given as int64."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.bitcast(arguments[0], cgutils.ir.DoubleType())

    return types.float64(types.int64), generate


def bits_float_readable(bits: int) -> float:
    """Twin of `bits_float`; bits beyond 64 are dropped as a shift in a register drops them."""
    return float(struct.unpack("<d", struct.pack("<Q", int(bits) & 0xFFFFFFFFFFFFFFFF))[0])


@intrinsic
def _shift_right(typing_context, bits, count):  # type: ignore[no-untyped-def]
    """Shift an int64 to the right and fill with zeros: vector units have no other shift."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        count = context.cast(builder, arguments[1], signature.args[1], types.int64)
        return builder.lshr(arguments[0], count)

    return types.int64(types.int64, count), generate


def shift_right_readable(bits: int, count: int) -> int:
    """Twin of `shift_right`."""
    return (int(bits) & 0xFFFFFFFFFFFFFFFF) >> count


fma = _fma if JIT_ENABLED else fma_readable
shift_right = _shift_right if JIT_ENABLED else shift_right_readable
float_bits = _float_bits if JIT_ENABLED else float_bits_readable
bits_float = _bits_float if JIT_ENABLED else bits_float_readable

if JIT_ENABLED:
    multiply_wide = inlined(_multiply_wide)
    divide_wide = inlined(_divide_wide)
    muldiv_floor = inlined(_muldiv_floor)
else:
    multiply_wide = _multiply_wide
    divide_wide = _divide_wide
    muldiv_floor = muldiv_floor_readable
