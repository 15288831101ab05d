"""Small random books that visit every branch of an assessment."""

from __future__ import annotations

import math

import numpy as np

from novate.kernel.codes import Role
from novate.valuation import ClearingState
from tests.unit.kernel import twin

FLOORS = [0.0, 50_000.0, 50_001.0, 2_000_000.0]
INITIAL = [0.02, 0.05, 0.1, 0.5]
MAINTENANCE = [0.01, 0.025, 0.05, 0.25]
FORMS = (1, 1, 2, 1, 1, 1, 1)
ASSETS = (0, 0, 1, 1, 0, 0, 1)
UNITS = (1, 10, 10**7, 3, 1, 2, 5)
OPTION = 5
"""The first of two options: its margin counts no entry price, that of the second does."""
SHORT = {5: (90, 60), 6: (40, 35)}
DEBT = (0.2, 0.15)
"""Shares that a debt asks for: initial margin as by default, maintenance margin the haircut."""


def random_exposure(rng: np.random.Generator, accounts: int = 12, rows: int = 30) -> ClearingState:
    """Linear and inverse contracts, two assets, open orders, an unknown mark, debts, tier edges."""
    x = ClearingState()
    for _ in range(2):
        x.assets.append()
    x.assets.unit_price[:2] = 1.0, 0.37
    x.assets.haircut_bps[1] = 1_500
    x.assets.collateral_factor[:2] = 1.0, 0.85
    x.accounts.widen(2)
    for i, (form, asset, unit) in enumerate(zip(FORMS, ASSETS, UNITS, strict=True)):
        x.instruments.append()
        x.marks.append()
        x.instruments.form[i], x.instruments.settlement_asset[i] = form, asset
        x.instruments.unit[i] = unit
        x.instruments.style[i] = 1 if i < OPTION else 3
        for tier in range(len(FLOORS)) if i else ():
            x.instruments.tier_floor[i, tier] = FLOORS[tier]
            x.instruments.initial_rate[i, tier] = INITIAL[tier]
            x.instruments.maintenance_rate[i, tier] = MAINTENANCE[tier]
            if tier:
                for name, rate in (("initial", INITIAL), ("maintenance", MAINTENANCE)):
                    column = getattr(x.instruments, f"{name}_deduction")
                    step = FLOORS[tier] * (rate[tier] - rate[tier - 1])
                    column[i, tier] = column[i, tier - 1] + step
    x.marks.mark[:7] = 25, 50, 300, 7, 0, 30, 20
    x.marks.slow[:7] = 24, 0, 310, 7, 0, 32, 0
    x.instruments.entry_counts[6] = 1
    for i, (short_initial, short_maintenance) in SHORT.items():
        x.marks.short_initial[i] = short_initial
        x.marks.short_maintenance[i] = short_maintenance
    x.accounts.ensure(accounts)
    x.accounts.count = accounts
    x.accounts.role[:accounts] = int(Role.CLIENT)
    x.accounts.balance[:accounts] = rng.integers(-5_000, 100_000, (accounts, 2))
    for _ in range(rows):
        x.positions.reserve(1, x.accounts)
        hold(x, int(rng.integers(accounts)), int(rng.integers(7)), rng)
    return x


def hold(x: ClearingState, account: int, instrument: int, rng: np.random.Generator) -> None:
    """Give an account a random position; sizes lie near the edges of tiers now and then."""
    row = x.hold(account, instrument)
    edge = int(rng.choice([1_000, 1_001, 2_000, 40_000, 80_000]))
    lots = edge + int(rng.integers(-1, 2)) if rng.random() < 0.5 else int(rng.integers(0, 3_000))
    x.positions.lots[row] = lots * int(rng.choice([-1, 1]))
    x.positions.settlement_cost[row] = int(rng.integers(-(10**5), 10**5))
    if instrument >= OPTION:
        x.positions.settlement_cost[row] = 0
        x.positions.entry_cost[row] = int(rng.integers(-(10**5), 10**5))
    if rng.random() < 0.2:
        x.positions.buy_lots[row] = int(rng.integers(0, 2_000))
        x.positions.sell_lots[row] = int(rng.integers(0, 2_000))
        for lots in (int(x.positions.buy_lots[row]), -int(x.positions.sell_lots[row])):
            number = x.reservations.append()
            x.reservations.account[number], x.reservations.instrument[number] = account, instrument
            x.reservations.lots[number] = lots


def readable_assessment(x: ClearingState, account: int) -> tuple[int, ...]:
    """The numbers of an assessment in their order, straight from the rulebook."""
    unsettled, options, option_gain = [0, 0], [0, 0], [0, 0]
    initial = maintenance = notional = unproven = shorts = 0
    for row in np.flatnonzero(x.positions.used("account") == account):
        i = int(x.positions.instrument[row])
        asset, mark = ASSETS[i], int(x.marks.mark[i])
        if i >= OPTION:
            value, gain_of_it, asked = readable_option(x, int(row), i, mark)
            options[asset] += value
            option_gain[asset] += gain_of_it
            initial, maintenance, notional, unproven = (
                a + math.ceil(b * float(x.assets.unit_price[asset]))
                for a, b in zip((initial, maintenance, notional, unproven), asked[:4], strict=True)
            )
            kept = float(x.assets.unit_price[asset]) * float(x.assets.collateral_factor[asset])
            initial += math.ceil(asked[4] * kept)
            shorts += math.ceil(asked[5] * float(x.assets.unit_price[asset]))
            continue
        lots, cost = int(x.positions.lots[row]), int(x.positions.settlement_cost[row])
        if mark == 0:
            unsettled[asset] -= cost
            continue
        value = twin.contract_value(FORMS[i], UNITS[i], mark, lots)
        unsettled[asset] += value - cost
        worst = max(
            abs(lots + int(x.positions.buy_lots[row])), abs(lots - int(x.positions.sell_lots[row]))
        )
        if worst == 0:
            continue
        price = float(x.assets.unit_price[asset])
        tiers = (FLOORS, INITIAL, MAINTENANCE) if i else ([0.0], [1.0], [1.0])
        widest = abs(twin.contract_value(FORMS[i], UNITS[i], mark, worst)) * price
        initial += twin.tier_margin(widest, *tiers)[0]
        maintenance += twin.tier_margin(abs(value) * price, *tiers)[1]
        notional += math.ceil(abs(value) * price)
        slow = int(x.marks.slow[i])
        if slow:
            lead = value - twin.contract_value(FORMS[i], UNITS[i], slow, lots)
            unproven += math.ceil(max(lead, 0) * price)
    equity = net = gain = 0
    for asset, open_profit in enumerate(unsettled):
        total = int(x.accounts.balance[account, asset]) + open_profit
        price, keep = float(x.assets.unit_price[asset]), float(x.assets.collateral_factor[asset])
        gain += math.floor((open_profit + option_gain[asset]) * price)
        net += math.floor((total + options[asset]) * price)
        equity += math.floor(total * (price * keep)) if total > 0 else math.floor(total * price)
        debts = [
            math.ceil((-total if asset and total < 0 else 0) * (price * share)) for share in DEBT
        ]
    return (
        equity, net, initial + debts[0], maintenance + debts[1], notional, gain, unproven, *debts,
        shorts,
    )  # fmt: skip


def readable_option(
    x: ClearingState, row: int, i: int, mark: int
) -> tuple[int, int, tuple[int, ...]]:
    """Value, value beyond entry cost, and six sums.

    The last two: what a dearer entry adds, and what the lots are worth that may be short.
    """
    lots, entry = int(x.positions.lots[row]), int(x.positions.entry_cost[row])
    short, worst = max(-lots, 0), max(int(x.positions.sell_lots[row]) - lots, 0)
    if lots == 0 and worst == 0:
        return 0, 0, (0, 0, 0, 0, 0, 0)
    unit, (initial, maintenance) = UNITS[i], SHORT[i]
    value = unit * lots * mark
    dearer = max(-entry - unit * short * mark, 0) if i == OPTION + 1 and short else 0
    ahead = max(unit * short * (int(x.marks.slow[i]) - mark), 0)
    margins = unit * worst * initial, unit * short * maintenance
    asked = (*margins, abs(value), ahead, dearer, unit * worst * mark)
    return value, value - entry, asked
