"""Sums over groups: against a dictionary with exact sums, whatever the sizes and the threads."""

from __future__ import annotations

import math
from collections import defaultdict

import numba
import numpy as np
import pytest

from novate.kernel.pricing import aggregate
from novate.kernel.pricing.aggregate import group_sums


def book(n: int, groups: int, contracts: int = 20, measures: int = 5, seed: int = 1) -> tuple:
    rng = np.random.default_rng(seed)
    return (
        rng.integers(0, groups, n),
        rng.integers(0, contracts, n).astype(np.int32),
        rng.integers(-1_000, 1_000, n).astype(np.float64),
        rng.normal(size=(contracts, measures)) * 10.0 ** rng.integers(-3, 6, measures),
    )


def exact(group, groups, contract, quantity, rows) -> np.ndarray:  # type: ignore[no-untyped-def]
    """Twin: lists by group, added up without any error."""
    terms = defaultdict(list)
    for g, c, q in zip(group.tolist(), contract.tolist(), quantity.tolist(), strict=True):
        for m, x in enumerate(rows[c].tolist()):
            terms[g, m].append(q * x)
    return np.array([[math.fsum(terms[g, m]) for m in range(rows.shape[1])] for g in range(groups)])


@pytest.mark.parametrize(
    ("n", "groups"), [(0, 3), (1, 1), (500, 7), (3_000, 2_000), (20_000, 2), (9_000, 1)]
)
def test_sums_are_those_of_a_dictionary_with_exact_sums(n: int, groups: int) -> None:
    group, contract, quantity, rows = book(n, groups)
    found = group_sums(group, groups, contract, quantity, rows)

    np.testing.assert_allclose(
        found, exact(group, groups, contract, quantity, rows), rtol=1e-14, atol=0
    )


def test_sums_are_those_of_numpy_to_its_own_rounding() -> None:
    group, contract, quantity, rows = book(10_000, 50)
    expected = np.zeros((50, rows.shape[1]))
    np.add.at(expected, group, quantity[:, None] * rows[contract])
    found = group_sums(group, 50, contract, quantity, rows)

    assert (np.abs(found - expected) <= 1e-12 * np.abs(expected).max(axis=0)).all()


def test_longs_and_shorts_that_cancel_leave_exactly_what_is_left() -> None:
    n = 3 * aggregate.PIECE
    quantity = np.concatenate([np.full(n, 1e15), [1.0], np.full(n, -1e15), [2.0]])
    some = quantity.size
    found = group_sums(
        np.zeros(some, np.int64), 1, np.zeros(some, np.int32), quantity, np.ones((1, 1))
    )

    assert found.tolist() == [[3.0]]


def test_the_number_of_threads_changes_no_bit() -> None:
    group, contract, quantity, rows = book(100_000, 5)
    before = numba.get_num_threads()
    answers = []
    try:
        for threads in (1, 2):
            numba.set_num_threads(threads)
            answers.append(group_sums(group, 5, contract, quantity, rows).tobytes())
    finally:
        numba.set_num_threads(before)

    assert answers[0] == answers[1]


def test_sorting_by_group_keeps_the_order_inside_a_group() -> None:
    group = np.array([2, 0, 2, 0, 3])
    start, contract, quantity = np.empty(6, np.int64), np.empty(5, np.int32), np.empty(5)
    aggregate.sort_groups(
        group, np.arange(5, dtype=np.int32), np.arange(5.0), start, contract, quantity
    )

    assert start.tolist() == [0, 2, 2, 4, 5, 5]
    assert contract.tolist() == [1, 3, 0, 2, 4]
    assert quantity.tolist() == [1.0, 3.0, 0.0, 2.0, 4.0]


def test_pieces_cover_every_long_group_in_order() -> None:
    start = np.array([0, 3, 3, 3 + 2 * aggregate.PIECE + 1])
    owner, first, last = (np.empty(3, np.int64) for _ in range(3))
    aggregate.cut_pieces(start, owner, first, last)

    assert owner.tolist() == [2, 2, 2]
    assert first.tolist() == [3, 3 + aggregate.PIECE, 3 + 2 * aggregate.PIECE]
    assert last.tolist() == [*first.tolist()[1:], int(start[-1])]


def test_long_and_short_groups_side_by_side_each_get_their_own_sum() -> None:
    piece = aggregate.PIECE
    sizes = [3, piece, piece + 1, 0, 3 * piece, 5]
    group = np.repeat(np.arange(6), sizes)
    mixed = np.random.default_rng(2).permutation(group)
    ones = np.zeros(mixed.size, np.int32)
    found = group_sums(mixed, 6, ones, np.ones(mixed.size), np.array([[1.0, 2.0]]))

    assert found.tolist() == [[float(n), 2.0 * n] for n in sizes]
