"""Forward prices by expiry, and whether they can be believed.

The forward of an expiry is the median of the futures prices that its rows carry; where no row has
one, it comes from put-call parity.  Parity also *checks* a given forward.  With discount factor D
and both prices in the unit of the chain, a call less a put of strike K is worth

    quote unit   C - P = D (F - K)     ->  F = K + (C - P) / D
    coin unit    C - P = D (1 - K/F)   ->  F = K / (1 - (C - P) / D)

Each strike with both options quoted gives one F; the weighted median over strikes is taken, with
one over the squared width of the parity interval as weight.  It does not move when a minority of
the strikes is wrong.  D is what `DiscountReason` says: implied by parity where that is significant.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from novate.kernel.pricing.special import exp
from novate.kernel.pricing.svi import log_ratios
from novate.market.volatility.chain import F64, I8, I64, YEAR_NS, Chain, Mask, PriceUnit
from novate.market.volatility.discount import DiscountTerms, ImpliedDiscount, imply_discount


class ForwardSource(IntEnum):
    """Where a forward comes from."""

    NONE = 0
    FUTURE = 1  # the futures price that the rows carry
    PARITY = 2


class Doubt(IntEnum):
    """What is wrong with the forward of an expiry; all but the last make it untrusted."""

    NO_FORWARD = 1  # no row carries one and no strike has both options quoted
    SEVERAL_FORWARDS = 2  # the rows of one snapshot carry prices too far apart
    PARITY_ERROR = 3  # call less put cannot be reconciled with it at most strikes
    MARK_PARITY_ERROR = 4  # the venue's own marks of call and put contradict it
    CARRY_ABSURD = 5  # annualised ln(F/S) beyond what anybody pays
    FORWARD_BELOW_SPOT = 6  # far out: possible in a panic, worth a look


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardTerms:
    """Limits of belief.

    Attributes
    ----------
    rate
        Continuously compounded rate per year that discounts prices in quote currency, where parity
        does not significantly imply another; coin prices are not discounted then.
    several_max
        Largest distance of the given forwards of one expiry, as a share of their median.
    parity_tolerance
        Share of the forward by which a parity interval may miss it.
    parity_broken_max
        Largest share of strikes whose interval misses the forward.
    mark_parity_max
        Largest parity error of marks, as a share of the forward.
    carry_max
        Largest size of ln(F/S) per year, tested from ``carry_days`` on.
    below_spot_max, below_spot_days
        Largest ln(S/F), tested from so many days on.
    discount
        When the discount factor that parity implies is used.
    """

    rate: float = 0.0
    several_max: float = 0.01
    parity_tolerance: float = 0.002
    parity_broken_max: float = 0.25
    mark_parity_max: float = 0.01
    carry_max: float = 1.0
    carry_days: float = 7.0
    below_spot_max: float = 0.0
    below_spot_days: float = 21.0
    discount: DiscountTerms = field(default_factory=DiscountTerms)


@dataclass(frozen=True, slots=True)
class ForwardFault:
    """One doubt: the expiry, the number that broke and the number allowed."""

    expiry_ns: int
    doubt: Doubt
    value: float
    allowed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardCurve:
    """Forwards of one snapshot, by ascending expiry; float64 ``[j]`` unless said otherwise.

    Attributes
    ----------
    expiry_ns
        Int64 ``[j]``.
    years
        ACT/365 from the snapshot.
    forward
        In quote currency; NaN where there is none.
    source
        Int8 ``[j]``: `ForwardSource`.
    spread
        Distance of the given forwards over their median; NaN without.
    parity_forward
        From put-call parity; NaN without a strike with both options quoted.
    parity_error
        Largest size of call *mark* less put mark less its parity value, as a share of the forward
        ("of a coin"); NaN without a strike that has both.
    parity_broken
        Share of the strikes whose parity interval misses the forward.
    parity_strikes
        Int64 ``[j]``.
    discount
        Factor from expiry to the snapshot for prices in the chain's unit, as used.
    implied_discount, discount_error
        What parity implies, and its standard error; NaN with too few strikes.
    discount_reason
        Int8 ``[j]``: `DiscountReason`, IMPLIED where it is used.
    carry
        ln(F/S) per year; NaN without spot or forward.
    basis
        F - S in quote currency.
    is_trusted
        Bool ``[j]``.
    faults
        Every doubt, by expiry.
    """

    expiry_ns: I64
    years: F64
    forward: F64
    source: I8
    spread: F64
    parity_forward: F64
    parity_error: F64
    parity_broken: F64
    parity_strikes: I64
    discount: F64
    implied_discount: F64
    discount_error: F64
    discount_reason: I8
    carry: F64
    basis: F64
    is_trusted: Mask
    faults: tuple[ForwardFault, ...]

    def rows(self, expiry_ns: I64) -> I64:
        """Return the position of each expiry in the curve."""
        return np.asarray(np.searchsorted(self.expiry_ns, expiry_ns), np.int64)


def weighted_median(values: F64, weights: F64) -> float:
    """Return the least value at which half of the positive weight is reached.

    Ties are taken by value, so that the order of the rows does not matter.
    """
    order = np.lexsort((weights, values))
    reached = np.cumsum(weights[order])
    return float(values[order][int(np.searchsorted(reached, 0.5 * reached[-1]))])


@dataclass(frozen=True, slots=True)
class ParityPairs:
    """Strikes of one expiry at which call and put are both quoted: rows, and C - P as intervals."""

    call: I64
    put: I64
    low: F64
    high: F64


def _matched(chain: Chain, rows: I64) -> tuple[I64, I64]:
    """Return call and put rows of one expiry by strike; a repeated option counts by its last."""
    calls = {int(chain.strike_e8[row]): int(row) for row in rows if chain.side[row] == 1}
    puts = {int(chain.strike_e8[row]): int(row) for row in rows if chain.side[row] == -1}
    strikes = sorted(set(calls) & set(puts))
    call = np.array([calls[strike] for strike in strikes], np.int64)
    put = np.array([puts[strike] for strike in strikes], np.int64)
    return call, put


def parity_pairs(chain: Chain, rows: I64) -> ParityPairs:
    """Match calls and puts of one expiry by strike, where both are quoted."""
    bid, ask = chain.quoted_bid, chain.quoted_ask
    sound = rows[(bid[rows] > 0.0) & (ask[rows] >= bid[rows]) & np.isfinite(ask[rows])]
    call, put = _matched(chain, sound)
    return ParityPairs(call, put, bid[call] - ask[put], ask[call] - bid[put])


def forward_from_parity(chain: Chain, pairs: ParityPairs, discount: float) -> float:
    """Return the weighted median over strikes, or NaN without a usable one."""
    strike = chain.strike[pairs.call]
    mid = 0.5 * (pairs.low + pairs.high) / discount
    with np.errstate(divide="ignore"):
        implied = strike + mid if chain.unit is PriceUnit.QUOTE else strike / (1.0 - mid)
    width = np.maximum(pairs.high - pairs.low, 1e-12)
    # A coin interval moves F by F^2/K of its width.
    per_price = 1.0 if chain.unit is PriceUnit.QUOTE else implied**2 / strike
    is_usable = np.isfinite(implied) & (implied > 0.0)
    if not is_usable.any():
        return math.nan
    weights = np.asarray(1.0 / (width * per_price) ** 2)
    return weighted_median(implied[is_usable], weights[is_usable])


def parity_misses(
    chain: Chain, pairs: ParityPairs, forward: F64 | float, discount: float, tolerance: float
) -> tuple[Mask, F64]:
    """Return which intervals miss the parity value, and mid less value, in shares of the forward.

    ``forward`` is one number or one per pair; ``tolerance`` is in shares of the forward.
    """
    strike = chain.strike[pairs.call]
    unit = 1.0 if chain.unit is PriceUnit.COIN else forward
    value = discount * (1.0 - strike / forward)
    low, high = pairs.low / unit, pairs.high / unit
    missed = (low > value + tolerance) | (high < value - tolerance)
    return np.asarray(missed, np.bool_), np.asarray(0.5 * (low + high) - value, np.float64)


def row_forward(chain: Chain, rows: I64, forward: float, share_max: float) -> F64:
    """Return the forward of each row: its own where it is close to that of the expiry, else that.

    A snapshot takes seconds to minutes; a quote belongs to the forward of its own moment.
    """
    own = chain.forward[rows]
    is_close = np.abs(own - forward) <= share_max * forward
    return np.where(is_close, own, forward)


def _given(chain: Chain, rows: I64) -> tuple[float, float]:
    """Return the median of the forwards that rows carry and their distance over it."""
    own = chain.forward[rows]
    own = own[np.isfinite(own) & (own > 0.0)]
    if not len(own):
        return math.nan, math.nan
    middle = float(np.median(own))
    return middle, float(own.max() - own.min()) / middle


def _log_ratio(top: float, bottom: float) -> float:
    if not (top > 0.0 and bottom > 0.0):
        return math.nan
    out = np.empty(1)
    log_ratios(np.array([top]), np.array([bottom]), out)
    return float(out[0])


def _mark_error(
    chain: Chain, rows: I64, forward: float, discount: float, terms: ForwardTerms
) -> float:
    """Return the largest parity error of marks, each pair at the mean forward of its rows."""
    marked = rows[np.isfinite(chain.mark[rows])]
    call, put = _matched(chain, marked)
    if not len(call):
        return math.nan
    gap = chain.mark[call] - chain.mark[put]
    mean = 0.5 * (
        row_forward(chain, call, forward, terms.several_max)
        + row_forward(chain, put, forward, terms.several_max)
    )
    _, error = parity_misses(chain, ParityPairs(call, put, gap, gap), mean, discount, 0.0)
    return float(np.abs(error).max())


@dataclass(frozen=True, slots=True)
class _Expiry:
    """Findings about one expiry."""

    forward: float
    source: ForwardSource
    spread: float
    parity_forward: float
    parity_error: float
    parity_broken: float
    parity_strikes: int
    discount: ImpliedDiscount
    carry: float


def _discount(
    chain: Chain, pairs: ParityPairs, forward: float, years: float, terms: ForwardTerms
) -> ImpliedDiscount:
    """Return the discount factor of one expiry; each pair at the mean forward of its rows."""
    known = float(exp(-terms.rate * years)) if chain.unit is PriceUnit.QUOTE else 1.0
    middle = forward_from_parity(chain, pairs, known) if math.isnan(forward) else forward
    if math.isnan(middle):
        none = np.empty(0)
        return imply_discount(chain.unit, none, none, none, years, known, terms.discount)
    mean = 0.5 * (
        row_forward(chain, pairs.call, middle, terms.several_max)
        + row_forward(chain, pairs.put, middle, terms.several_max)
    )
    per = mean if chain.unit is PriceUnit.QUOTE else np.ones(len(mean))
    return imply_discount(
        chain.unit, chain.strike[pairs.call] / mean, pairs.low / per, pairs.high / per,
        years, known, terms.discount,
    )  # fmt: skip


def _examine(chain: Chain, rows: I64, years: float, terms: ForwardTerms) -> _Expiry:
    given, spread = _given(chain, rows)
    pairs = parity_pairs(chain, rows)
    implied = _discount(chain, pairs, given, years, terms)
    discount = implied.used
    parity = forward_from_parity(chain, pairs, discount)
    source = ForwardSource.PARITY if math.isnan(given) else ForwardSource.FUTURE
    forward = given if source is ForwardSource.FUTURE else parity
    if math.isnan(forward):
        source = ForwardSource.NONE
    error = broken = math.nan
    if len(pairs.call) and not math.isnan(forward):
        at_rows = row_forward(chain, pairs.call, forward, terms.several_max)
        missed, _ = parity_misses(chain, pairs, at_rows, discount, terms.parity_tolerance)
        broken = float(missed.mean())
    if not math.isnan(forward):
        error = _mark_error(chain, rows, forward, discount, terms)
    carry = _log_ratio(forward, chain.spot) / years
    return _Expiry(forward, source, spread, parity, error, broken, len(pairs.call), implied, carry)


def _doubts(
    found: _Expiry, expiry_ns: int, years: float, terms: ForwardTerms
) -> list[ForwardFault]:
    """List what is wrong; a comparison with NaN is never a doubt."""
    days = 365.0 * years
    tests = (
        (Doubt.NO_FORWARD, float(found.source is ForwardSource.NONE), 0.0),
        (Doubt.SEVERAL_FORWARDS, found.spread, terms.several_max),
        (Doubt.PARITY_ERROR, found.parity_broken, terms.parity_broken_max),
        (Doubt.MARK_PARITY_ERROR, found.parity_error, terms.mark_parity_max),
        (
            Doubt.CARRY_ABSURD,
            abs(found.carry) if days >= terms.carry_days else math.nan,
            terms.carry_max,
        ),
        (
            Doubt.FORWARD_BELOW_SPOT,
            -found.carry * years if days >= terms.below_spot_days else math.nan,
            terms.below_spot_max,
        ),
    )
    return [
        ForwardFault(expiry_ns, doubt, value, allowed)
        for doubt, value, allowed in tests
        if value > allowed
    ]


def estimate_forwards(chain: Chain, terms: ForwardTerms | None = None) -> ForwardCurve:
    """Return the forwards of all expiries after the snapshot, with every doubt about them.

    An expiry is trusted unless it has a doubt other than FORWARD_BELOW_SPOT.
    """
    terms = terms or ForwardTerms()
    live = chain.expiry_ns > chain.instant_ns
    expiries = np.unique(chain.expiry_ns[live])
    years = np.asarray((expiries - chain.instant_ns) / YEAR_NS, np.float64)
    found: list[_Expiry] = []
    faults: list[ForwardFault] = []
    trusted: list[bool] = []
    for expiry, time in zip(expiries.tolist(), years.tolist(), strict=True):
        one = _examine(chain, np.flatnonzero(chain.expiry_ns == expiry), time, terms)
        doubts = _doubts(one, expiry, time, terms)
        found.append(one)
        faults += doubts
        trusted.append(all(fault.doubt is Doubt.FORWARD_BELOW_SPOT for fault in doubts))
    forward = np.array([one.forward for one in found])
    return ForwardCurve(
        expiry_ns=np.asarray(expiries, np.int64),
        years=years,
        forward=forward,
        source=np.array([one.source for one in found], np.int8),
        spread=np.array([one.spread for one in found]),
        parity_forward=np.array([one.parity_forward for one in found]),
        parity_error=np.array([one.parity_error for one in found]),
        parity_broken=np.array([one.parity_broken for one in found]),
        parity_strikes=np.array([one.parity_strikes for one in found], np.int64),
        discount=np.array([one.discount.used for one in found]),
        implied_discount=np.array([one.discount.value for one in found]),
        discount_error=np.array([one.discount.error for one in found]),
        discount_reason=np.array([one.discount.reason for one in found], np.int8),
        carry=np.array([one.carry for one in found]),
        basis=forward - chain.spot,
        is_trusted=np.array(trusted, np.bool_),
        faults=tuple(faults),
    )
