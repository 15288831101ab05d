"""A volatility surface from one chain: fitted, free of arbitrage, with every judgement on record.

Slices are raw SVI by expiry.  Between two expiries total variance is linear in time at equal
forward log-moneyness, so that no calendar arbitrage appears between slices that have none.  Before
the first and after the last expiry the *volatility* at equal moneyness is theirs (total variance in
proportion to time).  In strike a slice extrapolates itself: its wings are linear in log-moneyness
and inside Lee's bound.  ln F is linear in time between expiries, from the spot at zero; beyond the
last the carry of the last expiry goes on; without a spot the end forwards are held.

Each expiry is fitted alone, then all together against arbitrage, and at last so that as many quotes
as can be lie between bid and ask (`novate.market.volatility.hold`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import IntEnum

import numpy as np

from novate.errors import InputError
from novate.kernel.pricing.svi import log_ratios, surface_volatilities
from novate.market.volatility.calendar import CalendarCheck, check_calendar, settle_surface
from novate.market.volatility.chain import F64, I8, I64, YEAR_NS, Chain, Mask
from novate.market.volatility.forward import (
    ForwardCurve,
    ForwardTerms,
    estimate_forwards,
)
from novate.market.volatility.hold import hold_surface
from novate.market.volatility.liquid import LiquidTerms, liquid_quotes
from novate.market.volatility.neighbour import (
    Neighbour,
    NeighbourTerms,
    off_neighbours,
    without,
)
from novate.market.volatility.quote import Quotes, QuoteTerms, Reject, clean_quotes
from novate.market.volatility.slice_data import SliceData
from novate.market.volatility.ssvi import Ssvi, fit_global, fit_theta
from novate.market.volatility.svi import RawSvi, fit_slice


class SliceSource(IntEnum):
    """Where the smile of an expiry comes from."""

    OWN_QUOTES = 1
    FEW_QUOTES = 2  # level from its own quotes, shape from SSVI of the whole chain
    NEIGHBOURS = 3  # no quote of its own: SSVI at a level between its neighbours
    COPY = 4  # of the expiry before: no fit above it was free of arbitrage


class SurfaceReason(IntEnum):
    """Why a chain gets no surface, in the order in which it is tested."""

    NO_LIVE_EXPIRY = 1
    ALL_STALE = 2  # no live row is fresh
    MOSTLY_STALE = 3  # value: share of live rows that are stale
    FORWARDS_UNTRUSTED = 4  # value: share of live expiries whose forward is untrusted
    TOO_FEW_QUOTES = 5  # value: usable quotes of the whole chain


@dataclass(frozen=True, slots=True, kw_only=True)
class SurfaceTerms:
    """Limits of a fit; those of forwards and quotes are their own.

    Attributes
    ----------
    own_quotes_min
        Quotes from which on an expiry has a fit of its own.
    quotes_min
        Quotes that the whole chain must have.
    stale_share_max
        Largest share of live rows that may be stale.
    untrusted_share_max
        Largest share of live expiries whose forward may be untrusted.
    """

    own_quotes_min: int = 6
    quotes_min: int = 6
    stale_share_max: float = 0.5
    untrusted_share_max: float = 0.25
    forward: ForwardTerms = field(default_factory=ForwardTerms)
    quote: QuoteTerms = field(default_factory=QuoteTerms)
    liquid: LiquidTerms = field(default_factory=LiquidTerms)
    neighbour: NeighbourTerms = field(default_factory=NeighbourTerms)


@dataclass(frozen=True, slots=True, kw_only=True)
class SurfaceRefusal:
    """A chain that gets no surface: the reason, the number that broke, the number allowed.

    ``curve`` and ``quotes`` hold what was found, for the report.
    """

    underlying: str
    reason: SurfaceReason
    value: float
    allowed: float
    curve: ForwardCurve
    quotes: Quotes


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """The smile of one expiry.

    Attributes
    ----------
    expiry_ns, years, forward
        When, how far away, and the forward that strikes are compared with.
    raw
        Total variance, free of arbitrage.
    first_fit
        The fit of this expiry alone, before neighbours were looked at.
    source
        Where it comes from.
    calendar_before
        `CalendarCheck` of ``first_fit`` against that of the expiry before, within the moneyness
        that both quote; None for the first.
    """

    expiry_ns: int
    years: float
    forward: float
    raw: RawSvi
    first_fit: RawSvi
    source: SliceSource
    calendar_before: CalendarCheck | None

    @property
    def was_crossed(self) -> bool:
        """Whether the quotes themselves showed calendar arbitrage, which was repaired."""
        return self.calendar_before is not None and self.calendar_before.least < 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """Volatility at any strike and time after the snapshot.

    Attributes
    ----------
    underlying, instant_ns, spot
        As in the chain.
    slices
        By ascending expiry; at least one.
    ssvi
        The global fit, None where no expiry needed it.
    curve, quotes
        What the slices were made from.
    """

    underlying: str
    instant_ns: int
    spot: float
    slices: tuple[Slice, ...]
    ssvi: Ssvi | None
    curve: ForwardCurve
    quotes: Quotes

    def volatility(self, strike: F64 | float, expiry_ns: I64 | int) -> tuple[F64, I8]:
        """Return volatility per year and `PricingStatus` by broadcast strike and instant.

        A strike that is not positive or an instant before the snapshot gives NaN and its status.
        """
        years = (np.asarray(expiry_ns, np.float64) - float(self.instant_ns)) / YEAR_NS
        exact = np.asarray(expiry_ns)
        if exact.dtype.kind == "i":
            years = (exact - self.instant_ns) / YEAR_NS
        strikes, times = np.broadcast_arrays(np.asarray(strike, np.float64), years)
        vol, status = np.empty(strikes.size), np.empty(strikes.size, np.int8)
        surface_volatilities(
            np.ascontiguousarray(strikes.ravel()), np.ascontiguousarray(times.ravel()),
            *self._knots(), vol, status,
        )  # fmt: skip
        return vol.reshape(strikes.shape), status.reshape(strikes.shape)

    def total_variance(self, k: F64, years: float) -> F64:
        """Return total variance at log-moneyness ``k[n]`` and one positive time."""
        if not years > 0.0:
            message = f"time {years!r}; allowed: positive"
            raise InputError(message)
        times = [one.years for one in self.slices]
        right = int(np.searchsorted(times, years))
        if right == 0 or right == len(times):
            end = self.slices[min(right, len(times) - 1)]
            return np.asarray(end.raw.variance(k) * (years / end.years), np.float64)
        early, late = self.slices[right - 1], self.slices[right]
        share = (years - early.years) / (late.years - early.years)
        return (1.0 - share) * early.raw.variance(k) + share * late.raw.variance(k)

    def _knots(self) -> tuple[F64, F64, F64, F64]:
        times = np.array([one.years for one in self.slices])
        forwards = np.array([one.forward for one in self.slices])
        logs, carry = np.empty(len(times)), np.zeros(len(times))
        log_ratios(forwards, np.ones(len(times)), logs)
        drift = np.zeros(2)
        if self.spot > 0.0:
            log_ratios(forwards, np.full(len(times), self.spot), carry)
            drift[:] = carry[0] / times[0], carry[-1] / times[-1]
        return times, logs, drift, np.stack([one.raw.array for one in self.slices])


@dataclass(frozen=True, slots=True)
class _Expiry:
    """One trusted expiry on its way to a slice."""

    at: int
    source: SliceSource
    data: SliceData
    fit: RawSvi
    low: float
    high: float


def _mask(quotes: Quotes, curve: ForwardCurve, at: int) -> Mask:
    return np.asarray(quotes.expiry_ns == curve.expiry_ns[at], np.bool_)


def _own(quotes: Quotes, curve: ForwardCurve, at: int) -> SliceData:
    """Return the quotes of one expiry for its first fit, around the volatility of the mid price."""
    mine = _mask(quotes, curve, at)
    return SliceData(
        k=quotes.k[mine],
        vol=quotes.mid_vol[mine],
        half=quotes.half_spread[mine],
        years=float(curve.years[at]),
    )


def _room(quotes: Quotes, mine: Mask, liquid: Mask, data: SliceData) -> SliceData:
    """Return the same quotes for the last fit: around the middle of bid and ask volatility.

    It differs from the volatility of the mid price where a price is a few ticks.
    """
    count = int(mine.sum())  # borrowed points stand behind them
    vol, weight = data.vol.copy(), np.full(len(data.vol), SHAPE_WEIGHT)
    vol[:count] = 0.5 * (quotes.bid_vol[mine] + quotes.ask_vol[mine])
    weight[:count] = np.where(liquid[mine], 1.0, ILLIQUID_WEIGHT)
    return replace(data, vol=vol, weight=weight)


def _global_fit(quotes: Quotes, curve: ForwardCurve) -> Ssvi:
    expiries = np.unique(quotes.expiry_ns)
    return fit_global(
        quotes.k,
        quotes.mid_vol,
        quotes.half_spread,
        np.searchsorted(expiries, quotes.expiry_ns),
        curve.years[curve.rows(expiries)],
    )


SHAPE_POINTS = np.linspace(-2.0, 2.0, 9)
"""Standard deviations at which a borrowed smile stands in for quotes."""
SHAPE_HALF = 0.02
SHAPE_WEIGHT = 0.05
"""Half spread in volatility of these points, and their weight in the last fit."""

ILLIQUID_WEIGHT = 0.2
"""Weight in the last fit of a usable quote that is not liquid."""


def _borrowed(ssvi: Ssvi, own: SliceData, at: int) -> _Expiry:
    """Give an expiry with too few quotes the shape of the whole chain, at its own level if any."""
    has_quotes = len(own.k) > 0
    theta = ssvi.theta_at(own.years)
    if has_quotes:
        theta = fit_theta(ssvi, own.k, own.vol, own.half, own.years)
    raw = ssvi.slice(theta)
    k = SHAPE_POINTS * np.sqrt(theta)
    vol = np.sqrt(raw.variance(k) / own.years)
    data = SliceData(
        k=np.concatenate([own.k, k]),
        vol=np.concatenate([own.vol, vol]),
        half=np.concatenate([own.half, np.full(len(k), SHAPE_HALF)]),
        years=own.years,
    )
    source = SliceSource.FEW_QUOTES if has_quotes else SliceSource.NEIGHBOURS
    low, high = (own.k.min(), own.k.max()) if has_quotes else (np.inf, -np.inf)
    return _Expiry(at, source, data, raw, float(low), float(high))


def _refusal(
    chain: Chain, curve: ForwardCurve, quotes: Quotes, terms: SurfaceTerms
) -> SurfaceRefusal | None:
    """Return why the chain as a whole is not fitted."""
    live = int((chain.expiry_ns > chain.instant_ns).sum())
    stale = int((quotes.rejected_reason == Reject.STALE).sum())
    stale_share = stale / live if live else 0.0
    expiries = len(curve.expiry_ns)
    untrusted = 1.0 - float(curve.is_trusted.mean()) if expiries else 0.0
    tests = (
        (SurfaceReason.NO_LIVE_EXPIRY, expiries == 0, expiries, 1),
        (SurfaceReason.ALL_STALE, stale == live, stale_share, terms.stale_share_max),
        (
            SurfaceReason.MOSTLY_STALE,
            stale_share > terms.stale_share_max,
            stale_share,
            terms.stale_share_max,
        ),
        (
            SurfaceReason.FORWARDS_UNTRUSTED,
            untrusted > terms.untrusted_share_max,
            untrusted,
            terms.untrusted_share_max,
        ),
        (
            SurfaceReason.TOO_FEW_QUOTES,
            len(quotes) < terms.quotes_min,
            len(quotes),
            terms.quotes_min,
        ),
    )
    for reason, is_broken, value, allowed in tests:
        if is_broken:
            return SurfaceRefusal(
                underlying=chain.underlying,
                reason=reason,
                value=float(value),
                allowed=float(allowed),
                curve=curve,
                quotes=quotes,
            )
    return None


def _first_fits(
    quotes: Quotes, curve: ForwardCurve, terms: SurfaceTerms
) -> tuple[Quotes, list[_Expiry], Ssvi | None]:
    """Fit every expiry alone; those with few quotes after the others, which judge their quotes."""
    trusted = np.flatnonzero(curve.is_trusted).tolist()
    fitted: dict[int, _Expiry] = {}
    neighbours: dict[int, Neighbour] = {}
    for at in trusted:
        own = _own(quotes, curve, at)
        if len(own.k) >= terms.own_quotes_min:
            fit, low, high = fit_slice(own), float(own.k.min()), float(own.k.max())
            fitted[at] = _Expiry(at, SliceSource.OWN_QUOTES, own, fit, low, high)
            neighbours[int(curve.expiry_ns[at])] = Neighbour(own.years, fit, low, high)
    marked = off_neighbours(quotes, neighbours, terms.neighbour)
    quotes = without(quotes, marked, Reject.OFF_NEIGHBOURS)
    ssvi: Ssvi | None = None
    for at in trusted:
        if at not in fitted:
            ssvi = ssvi or _global_fit(quotes, curve)
            fitted[at] = _borrowed(ssvi, _own(quotes, curve, at), at)
    return quotes, [fitted[at] for at in trusted], ssvi


def fit_surface(chain: Chain, terms: SurfaceTerms | None = None) -> Surface | SurfaceRefusal:
    """Clean a chain, fit every expiry, and leave neither butterfly nor calendar arbitrage.

    An expiry whose forward is untrusted gets no slice; the surface interpolates there.  An expiry
    with fewer quotes than ``own_quotes_min`` takes its shape from SSVI, see `SliceSource`; those of
    its quotes that contradict the better quoted expiries beside it are rejected, see
    `off_neighbours`.

    Returns
    -------
    Surface or SurfaceRefusal
        The refusal when the chain cannot be trusted; it is never fitted silently.
    """
    terms = terms or SurfaceTerms()
    curve = estimate_forwards(chain, terms.forward)
    quotes = clean_quotes(chain, curve, terms.quote)
    refusal = _refusal(chain, curve, quotes, terms)
    if refusal is not None:
        return refusal
    quotes, expiries, ssvi = _first_fits(quotes, curve, terms)
    first = [one.fit for one in expiries]
    settled, _ = settle_surface(first, [one.data for one in expiries])
    liquid = liquid_quotes(quotes, terms.liquid)
    room = [_room(quotes, _mask(quotes, curve, one.at), liquid, one.data) for one in expiries]
    final = hold_surface(first, settled, room)
    slices: list[Slice] = []
    for j, one in enumerate(expiries):
        before = expiries[j - 1] if j else None
        slices.append(
            Slice(
                expiry_ns=int(curve.expiry_ns[one.at]),
                years=float(curve.years[one.at]),
                forward=float(curve.forward[one.at]),
                raw=final[j],
                first_fit=one.fit,
                source=SliceSource.COPY if j and final[j] == final[j - 1] else one.source,
                calendar_before=None if before is None else _crossing(before, one),
            )
        )
    return Surface(
        underlying=chain.underlying,
        instant_ns=chain.instant_ns,
        spot=chain.spot,
        slices=tuple(slices),
        ssvi=ssvi,
        curve=curve,
        quotes=quotes,
    )


def _crossing(before: _Expiry, one: _Expiry) -> CalendarCheck:
    """Compare two first fits within the moneyness that both quote."""
    return check_calendar(before.fit, one.fit, max(before.low, one.low), min(before.high, one.high))
