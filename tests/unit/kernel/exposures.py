"""Small random books that visit every branch of an assessment."""

from __future__ import annotations

import math

import numpy as np

from novate.kernel.codes import Role
from novate.valuation import Exposure
from tests.unit.kernel import twin

FLOORS = [0.0, 50_000.0, 50_001.0, 2_000_000.0]
INITIAL = [0.02, 0.05, 0.1, 0.5]
MAINTENANCE = [0.01, 0.025, 0.05, 0.25]
FORMS = (1, 1, 2, 1, 1)
ASSETS = (0, 0, 1, 1, 0)
UNITS = (1, 10, 10**7, 3, 1)


def random_exposure(rng: np.random.Generator, accounts: int = 12, rows: int = 30) -> Exposure:
    """Linear and inverse contracts, two assets, open orders, an unknown mark, debts, tier edges."""
    x = Exposure()
    for _ in range(2):
        x.assets.append()
    x.assets.unit_price[:2] = 1.0, 0.37
    x.assets.keep[:2] = 1.0, 0.9
    x.accounts.widen(2)
    for i, (form, asset, unit) in enumerate(zip(FORMS, ASSETS, UNITS, strict=True)):
        x.instruments.append()
        x.marks.append()
        x.instruments.form[i], x.instruments.settlement_asset[i] = form, asset
        x.instruments.unit[i], x.instruments.style[i] = unit, 1
        for tier in range(len(FLOORS)) if i else ():
            x.instruments.tier_floor[i, tier] = FLOORS[tier]
            x.instruments.initial_rate[i, tier] = INITIAL[tier]
            x.instruments.maintenance_rate[i, tier] = MAINTENANCE[tier]
            if tier:
                for name, rate in (("initial", INITIAL), ("maintenance", MAINTENANCE)):
                    column = getattr(x.instruments, f"{name}_deduction")
                    step = FLOORS[tier] * (rate[tier] - rate[tier - 1])
                    column[i, tier] = column[i, tier - 1] + step
    x.marks.mark[:5] = 25, 50, 300, 7, 0
    x.marks.slow[:5] = 24, 0, 310, 7, 0
    x.accounts.ensure(accounts)
    x.accounts.count = accounts
    x.accounts.role[:accounts] = int(Role.CLIENT)
    x.accounts.balance[:accounts] = rng.integers(-5_000, 100_000, (accounts, 2))
    for _ in range(rows):
        x.positions.reserve(1, x.accounts)
        hold(x, int(rng.integers(accounts)), int(rng.integers(5)), rng)
    return x


def hold(x: Exposure, account: int, instrument: int, rng: np.random.Generator) -> None:
    """Give an account a random position; sizes lie near the edges of tiers now and then."""
    from novate.margin.admission import hold as row_of  # noqa: PLC0415 - a floor above

    row = row_of(x, account, instrument)
    edge = int(rng.choice([1_000, 1_001, 2_000, 40_000, 80_000]))
    lots = edge + int(rng.integers(-1, 2)) if rng.random() < 0.5 else int(rng.integers(0, 3_000))
    x.positions.lots[row] = lots * int(rng.choice([-1, 1]))
    x.positions.settlement_cost[row] = int(rng.integers(-(10**5), 10**5))
    if rng.random() < 0.2:
        x.positions.buy_lots[row] = int(rng.integers(0, 2_000))
        x.positions.sell_lots[row] = int(rng.integers(0, 2_000))
        for lots in (int(x.positions.buy_lots[row]), -int(x.positions.sell_lots[row])):
            number = x.reservations.append()
            x.reservations.account[number], x.reservations.instrument[number] = account, instrument
            x.reservations.lots[number] = lots


def readable_assessment(x: Exposure, account: int) -> tuple[int, ...]:
    """Equity, net, initial, maintenance, notional, gain, unproven, straight from the rulebook."""
    unsettled = [0, 0]
    initial = maintenance = notional = unproven = 0
    for row in np.flatnonzero(x.positions.used("account") == account):
        i = int(x.positions.instrument[row])
        asset, mark = ASSETS[i], int(x.marks.mark[i])
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
        price, keep = float(x.assets.unit_price[asset]), float(x.assets.keep[asset])
        gain += math.floor(open_profit * price)
        net += math.floor(total * price)
        equity += math.floor(total * (price * keep)) if total > 0 else math.floor(total * price)
    return equity, net, initial, maintenance, notional, gain, unproven
