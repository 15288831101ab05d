"""From raw quotes to quotes with volatilities, and a reason for every row that is left out.

Rules are tested in the order of `Reject`; the first that breaks names the reason.  A row that is
neither kept nor rejected does not exist: both lists together are the chain.

The smile of a strike is quoted twice, by its call and its put.  The out-of-the-money one is taken,
at the forward the call; the in-the-money one gives way to it (IN_THE_MONEY), and is used only
where the other was rejected.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from novate.kernel.pricing.black import black_greeks
from novate.kernel.pricing.implied_volatility import implied_volatilities
from novate.kernel.pricing.svi import log_ratios
from novate.market.volatility.chain import F64, I64, Chain, Mask, PriceUnit
from novate.market.volatility.forward import ForwardCurve, parity_misses, parity_pairs, row_forward
from novate.units import MINUTE


class Reject(IntEnum):
    """Why a row is not used, in the order in which it is tested."""

    NOT_FINITE = 1  # strike or side unusable, or an infinite price
    EXPIRED = 2
    STALE = 3  # observed too long before the snapshot, or after it
    DUPLICATE = 4  # a later row of the same option is used
    NO_BID = 5
    NO_ASK = 6
    ZERO_PRICE = 7  # a bid or ask of nothing
    CROSSED = 8  # the bid above the ask
    FORWARD_UNTRUSTED = 9  # see the doubts about the forward of the expiry
    BELOW_INTRINSIC = 10  # the mid under what exercise would pay
    ABOVE_MAXIMUM = 11  # the ask not under what the option can pay at most
    PARITY_BROKEN = 12  # call and put of the strike contradict the forward
    ABSURD_VOLATILITY = 13
    WIDE_SPREAD = 14
    IN_THE_MONEY = 15  # the out-of-the-money option of the strike is used
    OFF_NEIGHBOURS = 16  # its expiry has few quotes, and better quoted expiries contradict this one


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteTerms:
    """Limits of what is used.

    Attributes
    ----------
    stale_ns
        Largest age of a row.
    volatility_min, volatility_max
        Bounds of a mid volatility, per year.
    spread_share_max
        Largest ask less bid volatility, as a share of the mid volatility.
    parity_tolerance
        Share of the forward by which a parity interval may miss it.
    several_max
        A row's own forward is used when it is so close to that of the expiry (share).
    """

    stale_ns: int = 5 * MINUTE
    volatility_min: float = 0.02
    volatility_max: float = 5.0
    spread_share_max: float = 0.5
    parity_tolerance: float = 0.005
    several_max: float = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotes:
    """Cleaned quotes of one chain; float64 ``[n]`` unless said otherwise, sorted by expiry, strike.

    Attributes
    ----------
    row
        Int64 ``[n]``: row of the chain.
    expiry_ns
        Int64 ``[n]``.
    years, strike, forward
        Time to expiry, strike, and the forward that the volatility was found with.
    k
        ln(K/F).
    bid_vol, ask_vol, mid_vol
        Implied volatilities per year; the mid is that of the mid *price*.
    vega
        In the chain's unit per 1.00 of volatility, at the mid.
    half_spread
        Half of ask less bid volatility.
    open_interest
        As in the chain.
    rejected_row, rejected_reason
        Int64 ``[m]``: every other row of the chain, ascending, and its `Reject`.
    """

    row: I64
    expiry_ns: I64
    years: F64
    strike: F64
    forward: F64
    k: F64
    bid_vol: F64
    ask_vol: F64
    mid_vol: F64
    vega: F64
    half_spread: F64
    open_interest: F64
    rejected_row: I64
    rejected_reason: I64

    def __len__(self) -> int:
        return len(self.row)


def _superseded(chain: Chain) -> Mask:
    """Mark rows with a later row of the same option; of equal instants the last row counts."""
    count = len(chain)
    order = np.lexsort(
        (np.arange(count), chain.observed_ns, chain.side, chain.strike_e8, chain.expiry_ns)
    )
    keys = np.stack([chain.expiry_ns, chain.strike_e8, chain.side.astype(np.int64)])[:, order]
    marked = np.zeros(count, np.bool_)
    marked[order[:-1]] = (keys[:, 1:] == keys[:, :-1]).all(axis=0)
    return marked


def _raw_faults(chain: Chain, terms: QuoteTerms) -> I64:
    """Return the `Reject` of what shows without a forward; 0 where nothing is wrong."""
    bid, ask = chain.quoted_bid, chain.quoted_ask
    age = chain.instant_ns - chain.observed_ns
    is_odd = (chain.strike_e8 <= 0) | (np.abs(chain.side) != 1) | np.isinf(bid) | np.isinf(ask)
    tests = (
        (is_odd, Reject.NOT_FINITE),
        (chain.expiry_ns <= chain.instant_ns, Reject.EXPIRED),
        ((age > terms.stale_ns) | (age < 0), Reject.STALE),
        (_superseded(chain), Reject.DUPLICATE),
        (np.isnan(bid), Reject.NO_BID),
        (np.isnan(ask), Reject.NO_ASK),
        ((bid <= 0.0) | (ask <= 0.0), Reject.ZERO_PRICE),
        (bid > ask, Reject.CROSSED),
    )
    return np.asarray(
        np.select([test for test, _ in tests], [int(reason) for _, reason in tests], 0), np.int64
    )


def _implied(side: F64, forward: F64, strike: F64, years: F64, price: F64, discount: F64) -> F64:
    """Return Black-76 volatilities of prices in quote currency; NaN where there is none."""
    vol, status = np.empty(len(price)), np.empty(len(price), np.int8)
    implied_volatilities(side, forward, strike, years, price, discount, vol, status)
    return vol


def _broken_strikes(chain: Chain, curve: ForwardCurve, rows: I64, terms: QuoteTerms) -> Mask:
    """Mark rows whose call and put contradict the forward of their own moment."""
    marked = np.zeros(len(chain), np.bool_)
    for at in range(len(curve.expiry_ns)):
        mine = rows[chain.expiry_ns[rows] == curve.expiry_ns[at]]
        pairs = parity_pairs(chain, mine)
        if not len(pairs.call):
            continue
        forward = row_forward(chain, pairs.call, float(curve.forward[at]), terms.several_max)
        missed, _ = parity_misses(
            chain, pairs, forward, float(curve.discount[at]), terms.parity_tolerance
        )
        marked[pairs.call[missed]] = True
        marked[pairs.put[missed]] = True
    return marked


def _in_the_money(chain: Chain, rows: I64, k: F64) -> Mask:
    """Mark in-the-money rows whose strike has a sound out-of-the-money row."""
    side = chain.side[rows]
    is_out = np.where(side > 0, k >= 0.0, k < 0.0)
    keys = np.stack([chain.expiry_ns[rows], chain.strike_e8[rows]], axis=1).tolist()
    has_out = {tuple(key) for key, out in zip(keys, is_out.tolist(), strict=True) if out}
    served = np.array([tuple(key) in has_out for key in keys], np.bool_)
    return np.asarray(~is_out & served, np.bool_)


@dataclass(frozen=True, slots=True)
class _Inverted:
    """Rows that have a forward, with prices in quote currency and their volatilities."""

    row: I64
    side: F64
    forward: F64
    strike: F64
    years: F64
    discount: F64
    unit: F64
    mid: F64
    ask: F64
    bid_vol: F64
    ask_vol: F64
    mid_vol: F64
    k: F64


def _invert(chain: Chain, curve: ForwardCurve, row: I64, terms: QuoteTerms) -> _Inverted:
    """Invert bid, ask and mid of rows whose expiry has a trusted forward."""
    at = curve.rows(chain.expiry_ns[row])
    forward, own = curve.forward[at], chain.forward[row]
    forward = np.where(np.abs(own - forward) <= terms.several_max * forward, own, forward)
    side, strike = chain.side[row].astype(np.float64), chain.strike[row]
    years, discount = curve.years[at], curve.discount[at]
    unit = forward if chain.unit is PriceUnit.COIN else np.ones(len(row))
    bid, ask = chain.bid[row] * unit, chain.ask[row] * unit
    mid = 0.5 * (bid + ask)
    bid_vol, ask_vol, mid_vol = (
        _implied(side, forward, strike, years, price, discount) for price in (bid, ask, mid)
    )
    # A bid under intrinsic value is no arbitrage: it bounds volatility by zero.
    intrinsic = discount * np.maximum(side * (forward - strike), 0.0)
    bid_vol = np.where(bid <= intrinsic, 0.0, bid_vol)
    k = np.empty(len(row))
    log_ratios(strike, forward, k)
    return _Inverted(
        row, side, forward, strike, years, discount, unit, mid, ask, bid_vol, ask_vol, mid_vol, k
    )


def _priced_faults(chain: Chain, curve: ForwardCurve, found: _Inverted, terms: QuoteTerms) -> I64:
    """Return the `Reject` of what shows in prices and volatilities; 0 where nothing is wrong."""
    intrinsic = found.discount * np.maximum(found.side * (found.forward - found.strike), 0.0)
    most = found.discount * np.where(found.side > 0.0, found.forward, found.strike)
    is_sane = (found.mid_vol >= terms.volatility_min) & (found.mid_vol <= terms.volatility_max)
    is_narrow = found.ask_vol - found.bid_vol <= terms.spread_share_max * found.mid_vol
    tests = (
        (found.mid < intrinsic, Reject.BELOW_INTRINSIC),
        (found.ask >= most, Reject.ABOVE_MAXIMUM),
        (_broken_strikes(chain, curve, found.row, terms)[found.row], Reject.PARITY_BROKEN),
        (~is_sane, Reject.ABSURD_VOLATILITY),
        (~is_narrow, Reject.WIDE_SPREAD),
    )
    return np.asarray(
        np.select([test for test, _ in tests], [int(why) for _, why in tests], 0), np.int64
    )


def _vega(found: _Inverted) -> F64:
    """Return vega at the mid in the unit of the chain, per 1.00 of volatility."""
    price, delta, gamma, vega, theta = np.empty((5, len(found.row)))
    black_greeks(
        found.side, found.forward, found.strike, found.years, found.mid_vol,
        np.zeros(len(found.row)), price, delta, gamma, vega, theta,
    )  # fmt: skip
    return vega * found.discount / found.unit


def clean_quotes(chain: Chain, curve: ForwardCurve, terms: QuoteTerms | None = None) -> Quotes:
    """Return the usable quotes of a chain and the reason of every other row.

    Volatilities are Black-76 on the row's own forward (see `row_forward`) with the discount of the
    expiry; coin prices are multiplied by the forward.
    """
    terms = terms or QuoteTerms()
    reason = _raw_faults(chain, terms)
    sound = np.flatnonzero(reason == 0)
    is_trusted = curve.is_trusted[curve.rows(chain.expiry_ns[sound])]
    reason[sound[~is_trusted]] = Reject.FORWARD_UNTRUSTED
    found = _invert(chain, curve, sound[is_trusted], terms)
    late = _priced_faults(chain, curve, found, terms)
    reason[found.row] = late
    good = np.flatnonzero(late == 0)
    covered = good[_in_the_money(chain, found.row[good], found.k[good])]
    reason[found.row[covered]] = Reject.IN_THE_MONEY
    kept = good[reason[found.row[good]] == 0]
    expiry = chain.expiry_ns[found.row]
    kept = kept[np.lexsort((found.side[kept], found.strike[kept], expiry[kept]))]
    row = found.row[kept]
    return Quotes(
        row=row,
        expiry_ns=chain.expiry_ns[row],
        years=found.years[kept],
        strike=found.strike[kept],
        forward=found.forward[kept],
        k=found.k[kept],
        bid_vol=found.bid_vol[kept],
        ask_vol=found.ask_vol[kept],
        mid_vol=found.mid_vol[kept],
        vega=_vega(found)[kept],
        half_spread=0.5 * (found.ask_vol[kept] - found.bid_vol[kept]),
        open_interest=chain.open_interest[row],
        rejected_row=np.flatnonzero(reason != 0),
        rejected_reason=reason[reason != 0],
    )
