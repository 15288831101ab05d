"""Accounts in distress, many at a time, against a readable twin of each question."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from novate.kernel.clearing.assess import TOTAL_MAX, WIDTH
from novate.kernel.clearing.close_out import (
    assess_subjects,
    find_binding,
    look_at_prices,
    want_conversions,
    want_slices,
)
from novate.kernel.clearing.columns import I64
from novate.valuation import ClearingState
from tests.unit.kernel import twin
from tests.unit.kernel.exposures import (
    ASSETS,
    FLOORS,
    FORMS,
    INITIAL,
    MAINTENANCE,
    OPTION,
    UNITS,
    random_exposure,
)

SEEDS = range(25)
SUBJECTS = np.array([7, 0, 3, 11, 4])
LIQUIDATOR = 3


def drawn(seed: int) -> tuple[ClearingState, np.ndarray[Any, np.dtype[np.bool_]]]:
    """A random book, and which of its contracts have a blocked price."""
    rng = np.random.default_rng(seed)
    x = random_exposure(rng)
    is_blocked = (rng.random(7) < 0.3) | (x.marks.used("mark") <= 0)
    return x, is_blocked


def arrays(x: ClearingState) -> tuple[Any, ...]:
    return x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), x.asset_arrays()


def alike(value: int) -> tuple[I64, I64]:
    """A parameter that is the same for all: by every second subject, by instrument for the rest."""
    by_subject = np.full(SUBJECTS.size, value)
    by_subject[::2] = -1
    return by_subject, np.full(7, value)


def held(x: ClearingState, account: int) -> list[tuple[int, int]]:
    """Instrument and lots of the open positions of an account, by instrument."""
    p = x.positions
    rows = np.flatnonzero((p.used("account") == account) & (p.used("lots") != 0))
    return sorted((int(p.instrument[row]), int(p.lots[row])) for row in rows)


def price_of(x: ClearingState, i: int) -> float:
    return float(x.assets.unit_price[ASSETS[i]])


def value_at_mark(x: ClearingState, i: int, lots: int) -> int:
    return twin.contract_value(FORMS[i], UNITS[i], int(x.marks.mark[i]), lots)


@pytest.mark.parametrize("seed", SEEDS)
def test_some_accounts_are_assessed_as_one_is(seed: int) -> None:
    x, _ = drawn(seed)
    out = np.empty((SUBJECTS.size, WIDTH), np.int64)

    assess_subjects(*arrays(x), SUBJECTS, out)

    assert out.tolist() == [list(x.assess(a)) for a in SUBJECTS.tolist()]


@pytest.mark.parametrize("seed", SEEDS)
def test_blocked_prices_and_the_worth_of_options(seed: int) -> None:
    x, is_blocked = drawn(seed)
    blocked, *worths = (np.empty(SUBJECTS.size, np.int64) for _ in range(3))

    look_at_prices(*arrays(x), is_blocked, is_blocked, SUBJECTS, blocked, *worths)

    for k, account in enumerate(SUBJECTS.tolist()):
        longs = [(i, lots) for i, lots in held(x, account) if i >= OPTION and lots > 0]
        waits = [i for i, lots in held(x, account) if is_blocked[i] and (i, lots) not in longs]
        assert blocked[k] == min(waits, default=-1)
        for sign, worth in zip((1, -1), worths, strict=True):
            assert worth[k] == sum(
                math.floor(value_at_mark(x, i, lots) * price_of(x, i))
                for i, lots in held(x, account)
                if i >= OPTION and lots * sign > 0 and not is_blocked[i]
            )


def test_the_worth_of_long_options_stays_inside_64_bits() -> None:
    x, _ = drawn(0)
    x.assets.unit_price[1] = 1e30
    for i in (5, 6):
        x.instruments.settlement_asset[i] = 1
        x.positions.reserve(1, x.accounts)
    long = (x.positions.used("lots") > 0) & (x.positions.used("instrument") >= OPTION)
    owners = np.unique(x.positions.used("account")[long]).astype(np.int64)
    blocked, worth, owed = (np.empty(owners.size, np.int64) for _ in range(3))

    look_at_prices(*arrays(x), *np.zeros((2, 7), np.bool_), owners, blocked, worth, owed)

    assert owners.size > 0
    assert ((worth >= 2**60) & (worth <= TOTAL_MAX)).all()


def asked(x: ClearingState, i: int, lots: int) -> int:
    """Maintenance margin of a position."""
    if i >= OPTION:
        short = UNITS[i] * max(-lots, 0) * int(x.marks.short_maintenance[i])
        return math.ceil(short * price_of(x, i))
    if x.marks.mark[i] <= 0:
        return 0
    tiers = (FLOORS, INITIAL, MAINTENANCE) if i else ([0.0], [1.0], [1.0])
    return twin.tier_margin(abs(value_at_mark(x, i, lots)) * price_of(x, i), *tiers)[1]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_binding_position_asks_for_most(seed: int) -> None:
    x, _ = drawn(seed)
    binding = np.empty(SUBJECTS.size, np.int64)

    find_binding(*arrays(x), SUBJECTS, binding)

    for k, account in enumerate(SUBJECTS.tolist()):
        positions = held(x, account)
        best = max(positions, key=lambda p: (asked(x, *p), -p[0]), default=(-1, 0))
        assert binding[k] == best[0]


def readable_slices(
    x: ClearingState, account: int, is_blocked: I64, floor: int, share: int
) -> list[list[int]]:
    """What the next slice of an account trades."""
    wanted = []
    for i, lots in held(x, account):
        if is_blocked[i]:
            continue
        size = abs(lots)
        if math.ceil(abs(value_at_mark(x, i, lots)) * price_of(x, i)) > floor:
            size = -(-size * share // 1_000_000)
        wanted.append([account, i, -size if lots > 0 else size])
    return wanted


def readable_conversions(x: ClearingState, account: int, is_stale: I64) -> list[list[int]]:
    """What of its other asset an account converts."""
    debt = max(-int(x.accounts.balance[account, 0]), 0)
    balance, price = int(x.accounts.balance[account, 1]), float(x.assets.unit_price[1])
    if balance == 0 or price <= 0 or is_stale[1]:
        return []
    if balance < 0 or account == LIQUIDATOR:
        return [[account, 1, -balance]]
    return [[account, 1, -min(balance, math.ceil(debt / price))]] if debt > 0 else []


@pytest.mark.parametrize("seed", SEEDS)
def test_the_next_slice_of_every_position(seed: int) -> None:
    x, is_blocked = drawn(seed)
    rng = np.random.default_rng(seed)
    floor, share = int(rng.choice([0, 40_000, 10**9])), int(rng.choice([1, 250_000, 10**6]))

    orders = want_slices(*arrays(x), is_blocked, SUBJECTS, *alike(floor), *alike(share))

    expected = [
        order
        for account in SUBJECTS.tolist()
        for order in readable_slices(x, account, is_blocked, floor, share)
    ]
    assert orders.tolist() == expected


@pytest.mark.parametrize("seed", SEEDS)
def test_every_debt_is_converted(seed: int) -> None:
    x, _ = drawn(seed)
    is_stale = np.random.default_rng(seed).random(2) < 0.2

    orders = want_conversions(x.account_arrays(), x.asset_arrays(), is_stale, SUBJECTS, LIQUIDATOR)

    expected = [
        order
        for account in SUBJECTS.tolist()
        for order in readable_conversions(x, account, is_stale)
    ]
    assert orders.tolist() == expected


def test_a_share_of_the_largest_position_stays_inside_64_bits() -> None:
    x, _ = drawn(1)
    row = int(x.positions.used("lots").argmax())
    account, i = int(x.positions.account[row]), int(x.positions.instrument[row])
    x.positions.lots[row] = 2**55 + 1
    x.instruments.unit[i] = x.marks.mark[i] = 1
    x.instruments.form[i] = 1

    orders = want_slices(
        *arrays(x), np.zeros(7, np.bool_), np.array([account]), *alike(0), *alike(999_999)
    )

    [quantity] = orders[orders[:, 1] == i, 2]
    assert quantity == -(2**55 + 1) * 999_999 // 1_000_000
