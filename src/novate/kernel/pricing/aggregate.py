"""Sums over groups of positions: every measure in one pass, in an order that is fixed.

A position is a group, a contract and a quantity; a contract has one row of measures per 1.00 of
quantity.  The sum of a group is over quantity times row, position by position in the order given.
Groups longer than `PIECE` are cut into pieces whose places depend on the data alone; pieces are
summed by any thread and put together in order, so that the number of threads changes no bit.

Sums are compensated: the exact rounding error of each addition (Knuth, *The Art of Computer
Programming* 2, 4.2.2, theorem B) is added up beside the sum.  Longs and shorts that nearly cancel
therefore leave what is exactly left of them, to about one rounding of the result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np

from novate.kernel.jit import inlined, kernel, parallel_kernel

if TYPE_CHECKING:
    from novate.kernel.clearing.columns import F64, I32, I64

PIECE = 8_192
"""Positions of a group that one thread sums at most before it takes another piece."""

BLOCK = 256
"""Short groups that a thread takes at a time."""


@kernel
def sort_groups(group, contract, quantity, start, contract_of, quantity_of):  # type: ignore[no-untyped-def]
    """Put positions in order of their group, stable, and fill ``start[groups + 1]`` with bounds.

    What a sum reads is moved here, once: reading it through an order costs a miss per position.
    """
    start[:] = 0
    for k in range(group.size):
        start[group[k] + 1] += 1
    for g in range(start.size - 1):
        start[g + 1] += start[g]
    place = start[:-1].copy()
    for k in range(group.size):
        at = place[group[k]]
        place[group[k]] = at + 1
        contract_of[at] = contract[k]
        quantity_of[at] = quantity[k]


@kernel
def cut_pieces(start, owner, first, last):  # type: ignore[no-untyped-def]
    """Fill the group and the bounds of each piece of the groups that are longer than one."""
    piece = 0
    for g in range(start.size - 1):
        a = start[g]
        if start[g + 1] - a <= PIECE:
            continue
        while a < start[g + 1]:
            b = min(a + PIECE, start[g + 1])
            owner[piece] = g
            first[piece] = a
            last[piece] = b
            piece += 1
            a = b


@inlined
def add_exactly(total, error, k, term):  # type: ignore[no-untyped-def]
    """Add a term to ``total[k]`` and the rounding error of that to ``error[k]``."""
    before = total[k]
    after = before + term
    part = after - before
    total[k] = after
    error[k] += (before - (after - part)) + (term - part)


@inlined
def _sum_piece(contract, quantity, rows, a, b, total, error):  # type: ignore[no-untyped-def]
    """Sum positions a to b of the sorted ones into one row."""
    for k in range(a, b):
        row = rows[contract[k]]
        size = quantity[k]
        for m in range(np.uint64(total.size)):
            add_exactly(total, error, m, size * row[m])


def _sum_short_groups(start, contract, quantity, rows, out):  # type: ignore[no-untyped-def]
    """Fill ``out[groups, measures]`` of groups of one piece at most; blocks go to threads."""
    groups = start.size - 1
    for block in numba.prange((groups + BLOCK - 1) // BLOCK):
        total = np.empty(rows.shape[1])
        error = np.empty(rows.shape[1])
        for g in range(block * BLOCK, min(groups, block * BLOCK + BLOCK)):
            if start[g + 1] - start[g] <= PIECE:
                total[:] = 0.0
                error[:] = 0.0
                _sum_piece(contract, quantity, rows, start[g], start[g + 1], total, error)
                for m in range(np.uint64(total.size)):
                    out[g, m] = total[m] + error[m]


sum_short_groups = parallel_kernel(_sum_short_groups)
sum_few = kernel(_sum_short_groups)
"""The same loop on one thread: waking the others takes longer than a small book."""

PARALLEL_MIN = 65_536
"""Positions from which threads are worth waking."""


@parallel_kernel
def sum_pieces(contract, quantity, rows, first, last, total, error):  # type: ignore[no-untyped-def]
    """Fill ``total[pieces, measures]`` and its error, pieces to threads."""
    for piece in numba.prange(first.size):
        _sum_piece(contract, quantity, rows, first[piece], last[piece], total[piece], error[piece])


@kernel
def join_pieces(owner, total, error, out):  # type: ignore[no-untyped-def]
    """Add the pieces of each long group, in order, and fill its row of ``out``."""
    head = 0
    for piece in range(owner.size):
        if owner[piece] != owner[head]:
            head = piece
        if piece != head:
            for m in range(np.uint64(out.shape[1])):
                add_exactly(total[head], error[head], m, total[piece, m])
                error[head, m] += error[piece, m]
        for m in range(np.uint64(out.shape[1])):
            out[owner[head], m] = total[head, m] + error[head, m]


def group_sums(group: I64, groups: int, contract: I32, quantity: F64, rows: F64) -> F64:
    """Return ``[groups, measures]``: the sum of ``quantity[k] * rows[contract[k]]`` by group.

    Parameters
    ----------
    group
        Int64 ``[n]``, 0 to ``groups - 1``.  Nothing is checked here: callers do.
    contract
        Int32 ``[n]``: row of ``rows``.
    quantity
        Float64 ``[n]``.
    rows
        Float64 ``[contracts, measures]``, contiguous.

    Notes
    -----
    A group without positions is zero.
    """
    start = np.empty(groups + 1, np.int64)
    contract_of, quantity_of = np.empty_like(contract), np.empty_like(quantity)
    sort_groups(group, contract, quantity, start, contract_of, quantity_of)
    out = np.empty((groups, rows.shape[1]))
    if group.size < PARALLEL_MIN:
        sum_few(start, contract_of, quantity_of, rows, out)
    else:
        sum_short_groups(start, contract_of, quantity_of, rows, out)
    lengths = np.diff(start)
    pieces = int((-(-lengths[lengths > PIECE] // PIECE)).sum())
    if pieces:
        owner, first, last = (np.empty(pieces, np.int64) for _ in range(3))
        cut_pieces(start, owner, first, last)
        total, error = np.zeros((2, pieces, rows.shape[1]))
        sum_pieces(contract_of, quantity_of, rows, first, last, total, error)
        join_pieces(owner, total, error, out)
    return out
