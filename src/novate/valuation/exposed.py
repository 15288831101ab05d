"""The books of a clearing house as the valuation of whole books takes them.

`Exposure` holds what the engine knows in integers; these functions turn it into the columns of
`novate.valuation.holding`: one row per listed instrument, one position row per account and
instrument.  A perpetual or future counts from its present mark, so that its value is zero and its
Greeks are those of the position; an option is valued on the smile that marks it.
"""

from __future__ import annotations

import numpy as np

from novate.kernel.codes import Barrier
from novate.kernel.codes import Kind as Listed
from novate.kernel.columns import F64, I64
from novate.kernel.value import INVERSE, LINEAR
from novate.valuation.book_risk import Positions
from novate.valuation.exposure import Exposure
from novate.valuation.holding import Contracts, Kind, Market

E8, E9 = 1e8, 1e9
YEAR_NS = 365 * 86_400 * 10**9
NUMERAIRE = 0
"""The asset that everything is counted in."""


def exposed_contracts(x: Exposure) -> Contracts:
    """Return the terms of every instrument; digitals and barriers are VALUED.

    ``quantity`` of a position is its lots: ``unit`` is the size of a lot in coins, or the face
    value of an inverse contract.  Assets are the engine's numbers, so that the numeraire is 0.
    """
    c = x.instruments
    asset = c.used("settlement_asset").astype(np.int32)
    is_option = c.used("kind") != Listed.DELTA_ONE
    plain = (c.used("kind") == Listed.EUROPEAN) & (
        (c.used("barrier") == Barrier.NONE) | (c.used("is_knocked"))
    )
    is_inverse = ~is_option & (c.used("form") == INVERSE)
    tick = c.used("tick_e8") / E8
    scale = 10.0 ** x.assets.used("decimals")[asset]
    with np.errstate(divide="ignore"):
        size = np.where(is_inverse, c.used("unit") * tick / scale, c.used("unit") / (tick * scale))
    is_coin = is_option & (asset != 0)
    return Contracts(
        kind=np.where(is_option, np.where(plain, Kind.EUROPEAN, Kind.VALUED), Kind.FUTURE).astype(
            np.int8
        ),
        form=np.where(is_inverse | is_coin, INVERSE, LINEAR).astype(np.int8),
        underlying=c.used("underlying").astype(np.int32),
        settlement=asset,
        side=np.where(is_option, c.used("side"), 1).astype(np.float64),
        strike=np.where(is_option, c.used("strike_e8") / E8, x.marks.mark[: c.count] * tick),
        expiry_ns=c.used("expiry_ns").copy(),
        unit=size,
    )


def exposed_market(x: Exposure) -> Market:
    """Return the market of every instrument at the engine's present instant.

    Spot is the index; the forward of an option that of its smile, of other contracts the mark; the
    volatility of an option that of its smile at its strike, NaN where it has none: it is not
    priced.  Prices are in the numeraire, undiscounted.
    """
    c, rows = x.instruments, x.instruments.count
    spot = x.assets.used("price_e8")[c.used("underlying")] / E8
    forward = x.marks.mark[:rows] * (c.used("tick_e8") / E8)
    vol = np.zeros(rows)
    for i in np.flatnonzero(c.used("kind") != Listed.DELTA_ONE).tolist():
        forward[i], vol[i] = _smile_at(x, i, float(spot[i]))
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


def _smile_at(x: Exposure, instrument: int, spot: float) -> tuple[float, float]:
    """Forward and volatility of an option on its smile."""
    row = x.smile_row(instrument)
    if row < 0:
        return spot, float("nan")
    s = x.surfaces
    expiry = int(x.instruments.expiry_ns[instrument])
    span = expiry - int(s.observed_ns[row])
    carry = int(s.carry_e9[row]) / E9 * (max(expiry - x.now_ns, 0) / span)
    forward = spot * float(np.exp(carry))
    a, b, rho, m, sigma = (
        int(getattr(s, name)[row]) / E9 for name in ("a_e9", "b_e9", "rho_e9", "m_e9", "sigma_e9")
    )
    k = float(np.log(int(x.instruments.strike_e8[instrument]) / E8 / forward)) - m
    variance = a + b * (rho * k + float(np.hypot(k, sigma)))
    return forward, float(np.sqrt(max(variance, 0.0) / (span / YEAR_NS)))


def exposed_positions(x: Exposure) -> Positions:
    """Return every open position: accounts and instruments by number, quantity in lots."""
    p = x.positions
    rows: I64 = np.flatnonzero(p.used("lots"))
    lots: F64 = p.lots[rows].astype(np.float64)
    return Positions(
        account=p.account[rows].astype(np.int32),
        contract=p.instrument[rows].astype(np.int32),
        quantity=lots,
    )
