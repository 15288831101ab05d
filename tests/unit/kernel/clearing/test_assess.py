"""Assessment against the rulebook in plain Python."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from novate.kernel.clearing.assess import (
    EQUITY,
    INITIAL,
    MAINTENANCE,
    NET,
    NOTIONAL,
    SCRATCH,
    WIDTH,
    assess_with,
)
from novate.kernel.jit import kernel
from tests.unit.kernel.exposures import ASSETS, OPTION, hold, random_exposure, readable_assessment


@kernel
def _assess_with(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, account, i, lots, value, entry, buys, sells
):
    scratch = np.zeros((SCRATCH, accounts.balance.shape[1]), np.int64)
    out = np.zeros(WIDTH, np.int64)
    assess_with(
        accounts, positions, instruments, assets, account, i, lots, value, entry, buys, sells,
        scratch, out,
    )  # fmt: skip
    return out


@pytest.mark.rule(
    "1.4",
    "3.1",
    "3.2",
    "3.3",
    "3.4",
    "3.5",
    "3.6",
    "3.7",
    "3.9",
    "3.10",
    "3.11",
    "3.12",
    "3.13",
    "3.14",
    "3.15",
    "3.16",
    "3.18",
    "3.19",
    "3.20",
    "3.21",
    "3.22",
    "3.50",
    "3.51",
)
@given(st.integers(0, 2**32))
@settings(max_examples=40)
def test_all_accounts_get_what_the_rulebook_says(seed: int) -> None:
    x = random_exposure(np.random.default_rng(seed))
    found = x.assess_all()
    for account in range(x.accounts.count):
        expected = readable_assessment(x, account)
        assert tuple(found[account].tolist()) == expected
        assert tuple(x.assess(account)) == expected


@pytest.mark.rule("7.8")
@given(st.integers(0, 2**32), st.integers(0, 6), st.integers(-500, 500), st.integers(0, 300))
@settings(max_examples=40)
def test_assessing_with_a_trade_equals_booking_it(
    seed: int, instrument: int, lots: int, buys: int
) -> None:
    rng = np.random.default_rng(seed)
    x = random_exposure(rng)
    arrays = (
        x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), x.asset_arrays(),
    )  # fmt: skip
    found = _assess_with(*arrays, 3, instrument, lots, 77, 33, buys, 0)
    mine = x.positions.used("account") == 3
    rows = np.flatnonzero(mine & (x.positions.used("instrument") == instrument))
    if not rows.size:
        x.positions.reserve(1, x.accounts)
        hold(x, 3, instrument, rng)
        rows = np.array([x.positions.count - 1])
        for name in ("lots", "settlement_cost", "entry_cost", "buy_lots", "sell_lots"):
            getattr(x.positions, name)[rows] = 0
    x.positions.lots[rows] += lots
    if instrument < OPTION:
        x.positions.settlement_cost[rows] += 77
    else:
        x.accounts.balance[3, ASSETS[instrument]] -= 77
        x.positions.entry_cost[rows] += 33
    x.positions.buy_lots[rows] += buys
    assert found.tolist() == list(readable_assessment(x, 3))


def test_a_short_account_is_short_to_the_last_unit() -> None:
    x = random_exposure(np.random.default_rng(0), accounts=1, rows=0)
    hold(x, 0, 1, np.random.default_rng(1))
    x.positions.lots[0], x.positions.settlement_cost[0] = 100, 50_000
    x.positions.buy_lots[0] = x.positions.sell_lots[0] = 0
    x.accounts.balance[0] = 1_249, 0
    numbers = x.assess_all()[0]
    # 100 lots * 10 * 50 ticks: at the floor of the second tier; 50,000 * 2.5% - 750 = 500.
    assert (numbers[EQUITY], numbers[INITIAL], numbers[MAINTENANCE]) == (1_249, 1_000, 500)


@pytest.mark.rule("2.10", "3.24", "3.25")
def test_what_no_one_could_pay_counts_as_the_largest_worth() -> None:
    x = random_exposure(np.random.default_rng(0), accounts=1, rows=0)
    x.instruments.tier_floor[:, 1:] = np.inf
    x.instruments.initial_rate[:, 0] = x.instruments.maintenance_rate[:, 0] = 1.0
    for instrument in range(4):
        hold(x, 0, instrument, np.random.default_rng(1))
    x.positions.settlement_cost[:4] = 0
    x.positions.buy_lots[:4] = x.positions.sell_lots[:4] = 0
    x.positions.lots[:4] = 10**6
    x.accounts.open_order_hold[0] = 7
    x.assets.unit_price[:2] = 1e15

    x.accounts.balance[0] = 2**59, 2**59
    rich = x.assess_all()[0]
    x.accounts.balance[0] = 2**62 - 1, 2**59
    richer = x.assess_all()[0]

    # Four positions of 2**60 each add up to 2**61, and orders come on top.
    assert (rich[INITIAL], rich[MAINTENANCE], rich[NOTIONAL]) == (2**61 + 7, 2**61, 2**61)
    unsettled = 10**6 * (1 * 25 + 10 * 50)
    assert rich[NET] == rich[EQUITY] == 2**59 + unsettled + 2**60
    assert richer[NET] == richer[EQUITY] == 2**62 - 1
