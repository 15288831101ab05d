"""Wide arithmetic against unbounded integers."""

from __future__ import annotations

import sys
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from novate.kernel.clearing.columns import I64
from novate.kernel.jit import (
    JIT_ENABLED,
    divide_wide,
    fma,
    fma_readable,
    inlined,
    kernel,
    muldiv_floor,
    multiply_wide,
    prefetch,
)

WORDS = st.one_of(
    st.integers(0, 2**64 - 1), st.sampled_from([0, 1, 2**32 - 1, 2**32, 2**63, 2**64 - 1])
)
LARGE = st.one_of(
    st.integers(1, 2**62), st.sampled_from([1, 2**31, 2**53, 2**60 - 1, 2**60, 2**62])
)


@kernel
def _multiply(a, b):  # type: ignore[no-untyped-def]
    return multiply_wide(a, b)


@kernel
def _divide(high, low, divisor):  # type: ignore[no-untyped-def]
    return divide_wide(high, low, divisor)


@kernel
def _fma(a, b, c):  # type: ignore[no-untyped-def]
    return fma(a, b, c)


@kernel
def _muldiv(a, b, c):  # type: ignore[no-untyped-def]
    return muldiv_floor(a, b, c)


@kernel
def _sum_with_hints(column):  # type: ignore[no-untyped-def]
    total = 0
    for at in range(column.size):
        prefetch(column, at)
        prefetch(column, at + 10**9)
        total += column[at]
    return total


@kernel
def _copied_sum(column):  # type: ignore[no-untyped-def]
    return column.copy().sum()


@inlined
def _sum_inside(column):  # type: ignore[no-untyped-def]
    return _copied_sum(column)


@kernel
def _sum_through(column):  # type: ignore[no-untyped-def]
    return _sum_inside(column)


class _Pair(NamedTuple):
    price: I64
    work: I64


@kernel
def _doubled(pair):  # type: ignore[no-untyped-def]
    for k in range(pair.price.size):
        pair.work[k] = 2 * pair.price[k]
    return _Pair(pair.work, pair.price)


@inlined
def _first_inside(pair):  # type: ignore[no-untyped-def]
    return _doubled_first(pair)


@kernel
def _doubled_first(pair):  # type: ignore[no-untyped-def]
    return _doubled(pair).price[0]


@kernel
def _first_through(pair):  # type: ignore[no-untyped-def]
    return _first_inside(pair)


@kernel
def _doubled_sum(pair, times):  # type: ignore[no-untyped-def]
    total = 0
    for _ in range(times):
        total += _doubled(pair).price.sum()
    return total


@given(WORDS, WORDS)
def test_a_wide_product_has_both_words(a: int, b: int) -> None:
    high, low = _multiply(np.uint64(a), np.uint64(b))
    assert (int(high) << 64 | int(low)) == a * b


@given(WORDS, st.integers(1, 2**63 - 1), st.data())
def test_a_wide_division_gives_quotient_and_rest(
    low: int, divisor: int, data: st.DataObject
) -> None:
    high = data.draw(st.integers(0, divisor - 1))
    quotient, rest = _divide(np.uint64(high), np.uint64(low), np.uint64(divisor))
    assert (int(quotient), int(rest)) == divmod(high << 64 | low, divisor)


@given(LARGE, LARGE, st.data())
def test_a_product_over_a_divisor_is_exact_beyond_64_bits(
    a: int, c: int, data: st.DataObject
) -> None:
    b = data.draw(st.one_of(st.integers(0, c), st.sampled_from([c, c - 1, c // 2])))
    assert int(_muldiv(a, b, c)) == a * b // c


@given(st.integers(1, 2**50), st.integers(2**14, 2**61), st.integers(-2, 2), st.data())
def test_a_product_over_a_divisor_is_exact_where_a_float_only_estimates_the_quotient(
    quotient: int, c: int, near: int, data: st.DataObject
) -> None:
    b = data.draw(st.integers(1, c))
    a = min(max(quotient * c // b + near, 0), 2**62)  # a * b / c lies next to the quotient
    assert int(_muldiv(a, b, c)) == a * b // c


def test_a_hint_to_memory_changes_nothing_and_may_point_anywhere() -> None:
    assert _sum_with_hints(np.arange(5)) == 10


@given(st.floats(), st.floats(), st.floats())
@example(1e308, 1e308, 1.0)
@example(-1e308, 1e308, 1.0)
@example(1e-300, 1e-300, 5e-324)
@example(0.1, 10.0, -1.0)
@example(5.7e295, -3e12, float("inf"))
def test_a_multiply_add_rounds_once(a: float, b: float, c: float) -> None:
    compiled, readable = _fma(a, b, c), fma_readable(a, b, c)

    assert np.array_equal(compiled, readable, equal_nan=True)


def test_a_kernel_that_is_compiled_for_an_inlined_one_first_can_still_make_arrays() -> None:
    # numba hands the options of the caller on to what it compiles for it: without those of its own
    # `_copied_sum` would have no reference counting, as `_sum_inside`.
    assert _sum_through(np.arange(5)) == 10


@pytest.mark.skipif(not JIT_ENABLED, reason="nothing is compiled")
def test_a_kernel_counts_arrays_and_is_not_inlined_whoever_had_it_compiled() -> None:
    pair = _Pair(np.arange(1, 4), np.zeros(3, np.int64))

    assert _first_through(pair) == 2

    for compiled in (_doubled, _doubled_first):
        (code,) = compiled.inspect_llvm().values()
        assert "alwaysinline" not in code
    assert "NRT_incref" in "".join(_doubled.inspect_llvm().values())


def test_arrays_that_a_kernel_returns_inside_a_loop_outlive_it() -> None:
    pair = _Pair(np.arange(1, 4), np.zeros(3, np.int64))
    _first_through(pair)  # compiled for an inlined function first, then for a kernel
    before = [sys.getrefcount(column) for column in pair]

    for _ in range(50):
        assert _doubled_sum(pair, 20) == 20 * 12

    assert [sys.getrefcount(column) for column in pair] == before
    assert (pair.price == [1, 2, 3]).all()
