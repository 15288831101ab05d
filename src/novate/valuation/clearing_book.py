"""The books of a clearing house as the valuation of whole books takes them.

`ClearingState` holds what the engine knows in integers; these functions turn it into the columns of
`novate.valuation.holding`: one row per listed instrument, one position row per account and
instrument.  A perpetual or future counts from its present mark, so that its value is zero and its
Greeks are those of the position; an option is valued on the smile that marks it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from novate.instrument.barrier import Barrier as BarrierOption
from novate.instrument.digital import Digital
from novate.kernel.clearing.columns import F64, I64
from novate.kernel.clearing.value import INVERSE, LINEAR
from novate.kernel.codes import Barrier, BarrierPayoff
from novate.kernel.codes import Kind as Listed
from novate.kernel.pricing.svi import svi_variance
from novate.market.settlement_mean import seen_until_now, settlement_mean
from novate.valuation.book_risk import Positions
from novate.valuation.clearing_state import ClearingState
from novate.valuation.exotic_terms import Exotics
from novate.valuation.holding import Contracts, Kind, Market

B1 = npt.NDArray[np.bool_]
E8, E9 = 1e8, 1e9
YEAR_NS = 365 * 86_400 * 10**9
NUMERAIRE = 0
"""The asset that everything is counted in."""


def exposed_contracts(x: ClearingState) -> Contracts:
    """Return the terms of every instrument, by number.

    ``quantity`` of a position is its lots: ``unit`` is the size of a lot in coins, or the face
    value of an inverse contract.  Assets are the engine's numbers, so that the numeraire is 0.
    Digitals and barriers are VALUED: at the volatility of their strike, without the slope of the
    smile that the engine's mark of a digital has.
    """
    c = x.instruments
    asset = c.used("settlement_asset").astype(np.int32)
    is_option = c.used("kind") != Listed.DELTA_ONE
    is_watched = (c.used("barrier") != Barrier.NONE) & ~c.used("is_knocked")
    is_digital = (c.used("kind") == Listed.DIGITAL) & ~is_watched
    kind = np.where(is_option, Kind.EUROPEAN, Kind.FUTURE)
    kind[is_watched | is_digital] = Kind.VALUED
    is_inverse = ~is_option & (c.used("form") == INVERSE)
    tick = c.used("tick_e8") / E8
    scale = 10.0 ** x.assets.used("decimals")[asset]
    size = np.where(is_inverse, c.used("unit") * tick / scale, c.used("unit") / (tick * scale))
    is_coin = is_option & (asset != 0)
    exotics = [
        Exotics(rows=rows, terms=terms(x, rows, is_coin[rows], tick[rows]))
        for rows, terms in (
            (np.flatnonzero(is_digital), _digitals),
            (np.flatnonzero(is_watched), _barriers),
        )
        if rows.size
    ]
    return Contracts(
        kind=kind.astype(np.int8),
        form=np.where(is_inverse | is_coin, INVERSE, LINEAR).astype(np.int8),
        underlying=c.used("underlying").astype(np.int32),
        settlement=asset,
        side=np.where(is_option, c.used("side"), 1).astype(np.float64),
        strike=np.where(is_option, c.used("strike_e8") / E8, x.marks.mark[: c.count] * tick),
        expiry_ns=c.used("expiry_ns").copy(),
        unit=size,
        exotics=tuple(exotics),
    )


def _digitals(x: ClearingState, rows: I64, is_coin: B1, tick: F64) -> Digital:
    """Terms of digitals: one settled in coin pays coins."""
    c = x.instruments
    return Digital(
        side=c.side[rows].astype(np.float64),
        strike=c.strike_e8[rows] / E8,
        amount=c.payout_ticks[rows] * tick,
        pays_asset=is_coin,
        in_coin=is_coin,
    )


def _barriers(x: ClearingState, rows: I64, is_coin: B1, tick: F64) -> BarrierOption:
    """Terms of options whose barrier was not touched."""
    c, barrier = x.instruments, x.instruments.barrier[rows]
    is_digital = c.kind[rows] == Listed.DIGITAL
    pays = np.where(is_coin, BarrierPayoff.ASSET, BarrierPayoff.CASH)
    return BarrierOption(
        side=c.side[rows].astype(np.float64),
        direction=np.where(np.isin(barrier, (Barrier.UP_IN, Barrier.UP_OUT)), 1.0, -1.0),
        is_in=np.isin(barrier, (Barrier.UP_IN, Barrier.DOWN_IN)),
        strike=c.strike_e8[rows] / E8,
        barrier=c.barrier_e8[rows] / E8,
        monitoring=c.monitoring[rows],
        interval=c.observation_ns[rows] / YEAR_NS,
        rebate=c.rebate_ticks[rows] * tick,
        payoff=np.where(is_digital, pays, BarrierPayoff.VANILLA),
        amount=np.where(is_digital, c.payout_ticks[rows] * tick, 1.0),
        in_coin=is_coin,
    )


def exposed_market(x: ClearingState) -> Market:
    """Return the market of every instrument at the engine's present instant.

    Spot is the index; the forward of an option that of its smile, of other contracts the mark; the
    volatility of an option that of its smile at its strike, NaN where it has none: it is not
    priced.  Of an option with a settlement window they are those of the mean that it is settled at,
    over the years to expiry.  Prices are in the numeraire, undiscounted.
    """
    c, rows = x.instruments, x.instruments.count
    spot = x.assets.used("price_e8")[c.used("underlying")] / E8
    forward = x.marks.mark[:rows] * (c.used("tick_e8") / E8)
    vol = np.zeros(rows)
    options: I64 = np.flatnonzero(c.used("kind") != Listed.DELTA_ONE)
    means = settlement_mean(x, options, seen_until_now(x, options))
    for i, *mean in zip(options.tolist(), *(column.tolist() for column in means), strict=True):
        forward[i], vol[i] = _smile_at(x, i, float(spot[i]), *mean)
    asset = c.used("settlement_asset")
    units = 10.0 ** (x.assets.used("decimals")[asset] - int(x.assets.decimals[0]))
    return Market(
        as_of_ns=x.now_ns,
        spot=spot,
        forward=forward,
        vol=vol,
        rate=np.zeros(rows),
        settlement_price=x.assets.used("unit_price")[asset] * units,
        reporting_asset=NUMERAIRE,
    )


def _smile_at(
    x: ClearingState, instrument: int, spot: float, spread: float, known: float, rest: float
) -> tuple[float, float]:
    """Forward and volatility, over the years to expiry, of what an option is settled at."""
    row = x.smile_row(instrument)
    if row < 0:
        return spot, float("nan")
    s = x.surfaces
    carry, *raw = (
        int(getattr(s, f"{name}_e9")[row]) / E9 for name in ("carry", "a", "b", "rho", "m", "sigma")
    )
    expiry = int(x.instruments.expiry_ns[instrument])
    span = expiry - int(s.observed_ns[row])
    left = max(expiry - x.now_ns, 0)
    coming = rest * spot * float(np.exp(carry * (left / span)))
    forward = known + coming
    k = float(np.log(int(x.instruments.strike_e8[instrument]) / E8 / forward))
    variance = svi_variance(k, *raw)
    vol = float(np.sqrt(max(variance, 0.0) / (span / YEAR_NS)))
    if left:
        vol *= float(np.sqrt(spread / (left / YEAR_NS))) * coming / forward
    return forward, vol


def exposed_positions(x: ClearingState) -> Positions:
    """Return every open position: accounts and instruments by number, quantity in lots."""
    p = x.positions
    rows: I64 = np.flatnonzero(p.used("lots"))
    lots: F64 = p.lots[rows].astype(np.float64)
    return Positions(
        account=p.account[rows].astype(np.int32),
        contract=p.instrument[rows].astype(np.int32),
        quantity=lots,
    )
