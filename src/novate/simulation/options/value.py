"""The generated day's options as the valuation of whole books takes them."""

from __future__ import annotations

import numpy as np

from novate.kernel.clearing.value import INVERSE, LINEAR
from novate.simulation.options.market import FloatArray, IntArray, SurfacePath
from novate.simulation.options.terms import OptionContracts
from novate.valuation.holding import NO_EXPIRY, Contracts, Kind, Market


def contract_table(contracts: OptionContracts, expiry_ns: IntArray, coins: int) -> Contracts:
    """Return the options' terms, followed by one hedge for each coin.

    Parameters
    ----------
    contracts
        What is listed.
    expiry_ns
        Shape (expiries,).
    coins
        Number of underlyings; the numeraire is asset number `coins`.

    Returns
    -------
    Contracts
        One row per option, of one coin; then one per coin, for what is held in perpetuals: at
        the index it gains what spot does.
    """
    rows = len(contracts)
    is_coin = contracts.is_coin_settled == 1
    coin = np.arange(coins)
    return Contracts(
        kind=np.concatenate([np.full(rows, Kind.EUROPEAN), np.full(coins, Kind.SPOT)]).astype(
            np.int8
        ),
        form=np.concatenate([np.where(is_coin, INVERSE, LINEAR), np.full(coins, LINEAR)]).astype(
            np.int8
        ),
        underlying=np.concatenate([contracts.underlying, coin]).astype(np.int32),
        settlement=np.concatenate(
            [np.where(is_coin, contracts.underlying, coins), np.full(coins, coins)]
        ).astype(np.int32),
        side=np.concatenate([contracts.side, np.ones(coins)]).astype(np.float64),
        strike=np.concatenate([contracts.strikes(), np.zeros(coins)]),
        expiry_ns=np.concatenate([expiry_ns[contracts.expiry], np.full(coins, NO_EXPIRY)]).astype(
            np.int64
        ),
        unit=np.ones(rows + coins),
    )


def market_at(
    contracts: OptionContracts, paths: tuple[SurfacePath, ...], at: int, shift: float = 1.0
) -> Market:
    """Return the market of every row of `contract_table` at one instant.

    At its expiry, and after it, an option has the volatility of the instant before it expired.
    ``shift`` multiplies spot and forwards; a moneyness keeps its volatility.
    """
    which, rows, coins = contracts.underlying, len(contracts), len(paths)
    now = np.array([path.spot_e8[at] / 1e8 * shift for path in paths])
    spot = now[which]
    forward, vol = spot.copy(), np.zeros(rows)
    for number, path in enumerate(paths):
        mine = np.flatnonzero(which == number)
        expiry = contracts.expiry[mine]
        forward[mine] = path.forward(at)[expiry] * shift
        vol[mine] = _volatility(path, at, expiry, contracts.strikes()[mine] / shift)
    is_coin = contracts.is_coin_settled == 1
    return Market(
        as_of_ns=int(paths[0].instant_ns[at]),
        spot=np.concatenate([spot, now]),
        forward=np.concatenate([forward, now]),
        vol=np.concatenate([vol, np.zeros(coins)]),
        rate=np.zeros(rows + coins),
        settlement_price=np.concatenate([np.where(is_coin, spot, 1.0), np.ones(coins)]),
    )


def _volatility(path: SurfacePath, at: int, expiry: IntArray, strike: FloatArray) -> FloatArray:
    """Volatility of each strike, the last one that was if the expiry has come."""
    vol = path.volatility(at, expiry, strike)
    for number in np.unique(expiry[np.isnan(vol)]):
        rows = np.flatnonzero(expiry == number)
        before = int(np.searchsorted(path.instant_ns, path.expiry_ns[number])) - 1
        if before >= 0:
            vol[rows] = path.volatility(before, expiry[rows], strike[rows])
    return vol
