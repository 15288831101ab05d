"""Takeovers of many accounts in a row against one after another."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from novate.kernel.clearing.assess import NET, WIDTH
from novate.kernel.clearing.close_out import assess_subjects
from novate.kernel.clearing.takeover import (
    apply_takeovers,
    decide_takeovers,
    find_excess,
    holds_nothing,
)
from novate.kernel.codes import OrderKind
from novate.valuation import ClearingState
from tests.unit.kernel.exposures import random_exposure

LIQUIDATOR, FEES, SETTLEMENT = 0, 1, 2
SUBJECTS = np.array([9, 4, 11, 6])


def book(seed: int) -> ClearingState:
    """A random book with a mark for every contract, and a liquidator that may be flat."""
    rng = np.random.default_rng(seed)
    x = random_exposure(rng)
    x.marks.mark[4] = 9
    x.positions.reserve(20, x.accounts)
    x.instruments.ticks_max[:7] = 1_000
    for i in range(7):
        x.instruments.suspense[i] = x.hold(SETTLEMENT, i)
    own = x.positions.used("account") == LIQUIDATOR
    if rng.random() < 0.5:
        for name in ("lots", "settlement_cost", "entry_cost"):
            x.positions.used(name)[own] = 0
        x.accounts.balance[LIQUIDATOR] = (int(rng.integers(-2, 2)) * 10**6, 0)
    return x


def arrays(x: ClearingState) -> tuple[Any, ...]:
    return x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), x.asset_arrays()


def some_orders(x: ClearingState, seed: int) -> tuple[Any, ...]:
    """Kind, subject and quantity of orders that the liquidator might have out."""
    rng = np.random.default_rng(seed + 1)
    subject = np.append(rng.permutation(7)[: int(rng.integers(0, 4))], 1).astype(np.int32)
    kind = np.full(subject.size, int(OrderKind.POSITION), np.int8)
    kind[-1] = int(OrderKind.CONVERSION)
    quantity = rng.integers(-3_000, 3_000, subject.size)
    return (
        (kind, subject, quantity) if rng.random() < 0.5 else (kind[:0], subject[:0], quantity[:0])
    )


def readable_excess(x: ClearingState, kind: int, subject: int, quantity: int) -> bool:
    """Whether an order does not reduce what the liquidator has of its subject, or is larger."""
    if kind == OrderKind.CONVERSION:
        has = int(x.accounts.balance[LIQUIDATOR, subject])
    else:
        p = x.positions
        mine = (p.used("account") == LIQUIDATOR) & (p.used("instrument") == subject)
        has = int(p.used("lots")[mine].sum())
    return has * quantity >= 0 or abs(quantity) > abs(has)


def readable_flat(x: ClearingState) -> bool:
    p = x.positions
    mine = p.used("account") == LIQUIDATOR
    settled_in = x.instruments.settlement_asset[p.used("instrument")]
    waits = (p.used("settlement_cost") != 0) & (settled_in != 0)
    return (
        not (mine & ((p.used("lots") != 0) | waits)).any() and not x.accounts.balance[LIQUIDATOR, 1]
    )


@pytest.mark.parametrize("seed", range(40))
def test_each_takeover_finds_the_liquidator_as_those_before_it_left_it(seed: int) -> None:
    x, kinds = book(seed), some_orders(book(seed), seed)
    twin = x.copy()
    twin.positions.reindex(twin.accounts)
    numbers = np.empty((SUBJECTS.size, WIDTH), np.int64)
    assess_subjects(*arrays(x), SUBJECTS, numbers)
    net = numbers[:, NET].copy()
    pending = int(np.random.default_rng(seed + 2).integers(0, 3)) * 10**6
    closed_by, is_first = np.empty(kinds[0].size, np.int64), np.empty(SUBJECTS.size, np.bool_)
    rng = np.random.default_rng(seed + 3)
    charge, share = rng.integers(0, 10**7, SUBJECTS.size), rng.integers(0, 10**6, SUBJECTS.size)
    prices = rng.integers(0, 2, 2).astype(np.int8), rng.integers(0, 2, 7).astype(np.int8)
    begins, kept = np.arange(SUBJECTS.size + 1), np.empty(SUBJECTS.size, np.int64)

    decide_takeovers(
        *arrays(x), FEES, x.checksum, SUBJECTS, begins, net, charge, share, *prices, LIQUIDATOR,
        pending, *kinds, closed_by, is_first, kept,
    )  # fmt: skip

    out = np.full(kinds[0].size, -1)
    for k, account in enumerate(SUBJECTS.tolist()):
        is_waiting = bool((out < 0).any())
        short = -(twin.assess(LIQUIDATOR).net + pending) > 0
        assert is_first[k] == (not is_waiting and readable_flat(twin) and not short)
        assert readable_flat(twin) == holds_nothing(*arrays(twin), LIQUIDATOR)
        one = slice(k, k + 1)
        apply_takeovers(
            *arrays(twin), FEES, twin.checksum, SUBJECTS[one], begins[:2], net[one], charge[one],
            share[one], *prices, LIQUIDATOR,
        )  # fmt: skip
        assert kept[k] == twin.assess(account).net
        for at, order in enumerate(zip(*(column.tolist() for column in kinds), strict=True)):
            if out[at] < 0 and readable_excess(twin, *order):
                out[at] = k
        pending -= min(int(net[k]), 0)
        assert net[k] > 0 or not twin.accounts.balance[account].any()
        assert (twin.accounts.balance[account] >= 0).all()
    assert closed_by.tolist() == out.tolist()
    assert x.checksum == twin.checksum
    assert (x.accounts.used("balance") == twin.accounts.used("balance")).all()
    for name, column in x.positions.export().items():
        assert np.array_equal(column, twin.positions.export()[name])


@pytest.mark.parametrize("seed", range(20))
def test_excess_orders_are_those_that_do_not_only_reduce(seed: int) -> None:
    x = book(seed)
    kind, subject, quantity = some_orders(x, seed)
    is_excess = np.empty(kind.size, np.bool_)

    find_excess(*arrays(x)[:2], LIQUIDATOR, kind, subject, quantity, is_excess)

    orders = zip(kind.tolist(), subject.tolist(), quantity.tolist(), strict=True)
    assert is_excess.tolist() == [readable_excess(x, *order) for order in orders]
