"""Collateral of the generated accounts.

The value an account must hold follows from its position: equity is notional over leverage, never
below initial margin times a headroom; collateral after haircut is equity less unrealised profit.
What it holds depends on its type.  Small accounts mostly hold one asset, large ones a mix, and the
mixes of a type are fitted so that together they have the wanted shares of the value.
"""

from __future__ import annotations

import numpy as np

from novate.errors import require
from novate.simulation.population.book import Deposits, Positions
from novate.simulation.population.terms import (
    AccountType,
    Asset,
    FloatArray,
    Instrument,
    IntArray,
    Targets,
)
from novate.simulation.stream import Purpose, stream

_DUST = 0.02  # a smaller share of an account's collateral is not worth a deposit
_CROWD = 50  # fewer accounts of a type are all mixed: one of them would shift the whole mix


def needed_collateral(
    targets: Targets,
    gross: IntArray,
    leverage: FloatArray,
    initial_margin: IntArray,
    profit: IntArray,
    seed: int,
) -> FloatArray:
    """Collateral value after haircut that each account brings, ledger units, shape (accounts,).

    Parameters
    ----------
    targets
        Gives the least headroom over initial margin.
    gross, initial_margin, profit
        Gross notional, initial margin and unrealised profit at the marks, ledger units.
    leverage
        Wanted notional over equity.
    seed
        Run seed.
    """
    rng = stream(seed, Purpose.COLLATERAL, 0)
    # Who is held up by the margin rule holds a little more than it asks, not exactly that.
    headroom = targets.headroom_min * rng.uniform(1.0, 1.15, size=len(gross))
    equity = np.maximum(gross / leverage, initial_margin * headroom)
    value: FloatArray = equity - profit
    require(bool((value > 0).all()), "unrealised profit stays below equity")
    return value


def draw_deposits(
    targets: Targets,
    market: tuple[tuple[Instrument, ...], tuple[Asset, ...]],
    kind: IntArray,
    positions: Positions,
    value: FloatArray,
    seed: int,
) -> Deposits:
    """Split each account's collateral value over assets.

    Parameters
    ----------
    targets
        Collateral shares by type.
    market
        Instruments and assets.
    kind
        Account types, shape (accounts,).
    positions
        Positions; a basis trader holds the coins it is short of.
    value
        Collateral value after haircut, ledger units, shape (accounts,).
    seed
        Run seed.
    """
    instruments, assets = market
    rng = stream(seed, Purpose.COLLATERAL, 1)
    share = np.zeros((len(kind), len(assets)))
    mixes = {key: terms.collateral for key, terms in targets.types.items()}
    mixes[AccountType.HOUSE] = targets.house_collateral
    for key, mix in sorted(mixes.items()):
        rows = np.flatnonzero(kind == key)
        if mix and len(rows):
            share[rows] = _mix(np.array(mix), value[rows], rng)
    rows = np.flatnonzero(kind == AccountType.BASIS_TRADER)
    share[rows] = _coins(targets, instruments, positions, share.shape)[rows]
    unit = np.array([asset.collateral_value for asset in assets])
    # Rounded up, and by a relative 1e-9 more: a float never leaves the account a unit short.
    amount = np.ceil(share * (value * (1.0 + 1e-9))[:, None] / unit).astype(np.int64)
    account, asset = np.nonzero(amount)
    return Deposits(
        account=account.astype(np.int64),
        asset=asset.astype(np.int64),
        amount=amount[account, asset],
    )


def _mix(wanted: FloatArray, value: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Asset shares of the accounts of one type; value-weighted they add up to the wanted ones."""
    count, assets = len(value), len(wanted)
    spread = rng.standard_gamma(np.maximum(6.0 * wanted, 1e-3), size=(count, assets)) + 1e-12
    single = np.eye(assets)[rng.choice(assets, size=count, p=wanted)]
    is_single = (rng.random(count) < 0.75) & (value < np.quantile(value, 0.9)) & (count >= _CROWD)
    share = np.where(is_single[:, None], single, spread / spread.sum(axis=1, keepdims=True))
    share[share < _DUST] = 0.0
    for _ in range(40):
        held = (share * value[:, None]).sum(axis=0)
        factor = wanted * value.sum() / np.maximum(held, 1e-9 * value.sum())
        # A handful of accounts may not be able to reach the mix: small steps stay near it.
        share = share * np.clip(factor, 0.25, 4.0)
        share = share / share.sum(axis=1, keepdims=True)
    share[share < 0.1 * _DUST] = 0.0
    fitted: FloatArray = share / share.sum(axis=1, keepdims=True)
    return fitted


def _coins(
    targets: Targets,
    instruments: tuple[Instrument, ...],
    positions: Positions,
    shape: tuple[int, int],
) -> FloatArray:
    """Asset shares of basis traders: the coins in proportion to the positions, the rest in USDT."""
    held = np.zeros(shape)
    coin = np.array([-1 if item.coin is None else item.coin for item in instruments])
    weight = np.abs(positions.entry_cost) * np.array([item.tick_value for item in instruments])[
        positions.instrument
    ].astype(np.float64)
    rows = np.flatnonzero(coin[positions.instrument] >= 0)
    column = coin[positions.instrument[rows]]
    np.add.at(held, (positions.account[rows], column), weight[rows])
    total = np.maximum(held.sum(axis=1, keepdims=True), 1e-300)
    share: FloatArray = targets.basis_coin_share * held / total
    share[:, 0] += 1.0 - targets.basis_coin_share
    return share
