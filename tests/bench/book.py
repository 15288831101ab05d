"""Books to measure on: accounts with a few positions each, popular instruments held by most."""

from __future__ import annotations

import numpy as np

from novate.kernel.clearing.columns import I64, npt
from novate.kernel.codes import Role
from novate.valuation import ClearingState

# Floors (numeraire), initial and maintenance rates of ten tiers: the shape that large venues use.
TIERS = (
    (0, 0.008, 0.004), (50_000, 0.01, 0.005), (500_000, 0.02, 0.01), (8_000_000, 0.04, 0.02),
    (50_000_000, 0.05, 0.025), (80_000_000, 0.1, 0.05), (100_000_000, 0.2, 0.1),
    (120_000_000, 0.25, 0.125), (200_000_000, 0.333333, 0.166667), (300_000_000, 0.5, 0.25),
)  # fmt: skip
UNIT = 1_000_000
"""Ledger units of one numeraire."""


def list_contracts(x: ClearingState, instruments: int, rng: np.random.Generator) -> None:
    """List linear contracts with a mark and ten tiers, and two assets."""
    for _ in range(2):
        x.assets.append()
    x.assets.unit_price[:2] = 1.0, 0.0008
    x.assets.collateral_factor[:2] = 1.0, 0.95
    x.accounts.widen(2)
    x.marks.ensure(instruments)
    for i in range(instruments):
        x.instruments.append()
        x.marks.append()
        # Smaller contracts have their first floors lower.
        scale = UNIT * (1.0 if i < 20 else 0.2)
        rates = [(floor * scale, initial, maintenance) for floor, initial, maintenance in TIERS]
        deduction = [0.0, 0.0]
        for tier, (floor, initial, maintenance) in enumerate(rates):
            if tier:
                deduction[0] += floor * (initial - rates[tier - 1][1])
                deduction[1] += floor * (maintenance - rates[tier - 1][2])
            x.instruments.tier_floor[i, tier] = floor
            x.instruments.initial_rate[i, tier] = initial
            x.instruments.maintenance_rate[i, tier] = maintenance
            x.instruments.initial_deduction[i, tier] = deduction[0]
            x.instruments.maintenance_deduction[i, tier] = deduction[1]
    x.instruments.form[:instruments] = 1
    x.instruments.style[:instruments] = 1
    x.instruments.unit[:instruments] = 10
    x.instruments.lots_max[:instruments] = 10**9
    x.instruments.ticks_max[:instruments] = 10**7
    x.instruments.taker_fee_ppm[:instruments] = 400
    x.instruments.maker_fee_ppm[:instruments] = -50
    x.marks.mark[:instruments] = rng.integers(1_000, 1_000_000, instruments)
    x.marks.slow[:instruments] = x.marks.mark[:instruments]


def popularity(instruments: int, exponent: float = 1.1) -> npt.NDArray[np.float64]:
    """Zipf shares of the instruments."""
    share: npt.NDArray[np.float64] = np.arange(1, instruments + 1) ** -exponent
    return share / share.sum()


def distinct_draws(
    share: npt.NDArray[np.float64], accounts: int, held: int, rng: np.random.Generator
) -> npt.NDArray[np.int32]:
    """Draw ``held`` different instruments for each account; shape (accounts, held)."""
    edges = np.cumsum(share)
    drawn = np.searchsorted(edges, rng.random((accounts, held)), side="right")
    while True:
        drawn.sort(axis=1)
        again = np.flatnonzero((np.diff(drawn, axis=1) == 0).any(axis=1))
        if not again.size:
            return np.minimum(drawn, len(share) - 1).astype(np.int32)
        drawn[again] = np.searchsorted(edges, rng.random((again.size, held)), side="right")


def build_exposure(accounts: int, held: int, instruments: int, seed: int) -> ClearingState:
    """An exposure with ``held`` positions per account; about one account in a hundred is short.

    Notionals are lognormal around 2,000 numeraire, so that some reach the higher tiers.  Rows lie
    in the order of accounts, as after `ClearingState.compact`.
    """
    rng = np.random.default_rng(seed)
    x = ClearingState()
    list_contracts(x, instruments, rng)
    x.accounts.ensure(accounts)
    x.accounts.count = accounts
    x.accounts.role[:accounts] = int(Role.CLIENT)
    x.accounts.mode[:accounts] = 1
    x.accounts.shortfall_policy[:accounts] = 1
    rows = accounts * held
    p = x.positions
    p.ensure(rows)
    p.slot = np.full(2 * p.capacity, -1, np.int32)
    p.account[:rows] = np.repeat(np.arange(accounts, dtype=np.int32), held)
    p.instrument[:rows] = distinct_draws(popularity(instruments), accounts, held, rng).reshape(-1)
    mark = x.marks.mark[p.instrument[:rows]]
    notional = rng.lognormal(np.log(2_000 * UNIT), 2.0, rows)
    lots = np.clip(notional / (10 * mark), 1, 10**9).astype(np.int64)
    p.lots[:rows] = lots * rng.choice((-1, 1), rows)
    entry = np.rint(mark * rng.normal(1.0, 0.02, rows)).astype(np.int64)
    p.settlement_cost[:rows] = 10 * p.lots[:rows] * entry
    p.entry_cost[:rows] = p.settlement_cost[:rows]
    p.count = rows
    p.reindex(x.accounts)
    gross: I64 = np.zeros(accounts, np.int64)
    np.add.at(gross, p.account[:rows], np.abs(10 * p.lots[:rows] * mark))
    share = rng.lognormal(np.log(0.15), 1.0, accounts)
    x.accounts.balance[:accounts, 0] = np.maximum(gross * share, 1000 * UNIT)
    x.accounts.balance[: accounts // 5, 1] = rng.integers(0, 10**9, accounts // 5)
    return x
