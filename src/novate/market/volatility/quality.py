"""How good a surface is, expiry by expiry, in numbers that can be checked by hand.

*Liquid* quotes are the two-sided, out-of-the-money quotes whose spread is narrow in volatility and
that somebody holds; see `LiquidTerms`.  Distances are of the model from the mid volatility;
"inside" means between bid and ask volatility, both included.

Liquid quotes that are not inside are listed.  Where the quotes contradict each other, that is
listed too (see `quoted_arbitrage`); where they do not, what is missed is what a smile of five
parameters without arbitrage cannot follow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from novate.market.volatility.calendar import check_calendar
from novate.market.volatility.chain import F64, I64, Chain, Mask
from novate.market.volatility.discount import DiscountReason
from novate.market.volatility.forward import ForwardCurve, ForwardFault
from novate.market.volatility.liquid import LiquidTerms, liquid_quotes
from novate.market.volatility.quote import Quotes, Reject
from novate.market.volatility.quoted import QuotedFault, quoted_arbitrage
from novate.market.volatility.slice_data import HALF_MIN
from novate.market.volatility.surface import SliceSource, Surface, SurfaceReason, SurfaceRefusal
from novate.market.volatility.svi import RawSvi, check_butterfly
from novate.units import format_instant


@dataclass(frozen=True, slots=True)
class MissedQuote:
    """A liquid quote that the model is outside of: its bid, ask and model volatility.

    ``half_spreads`` is the distance from the nearer of bid and ask, positive above the ask.
    """

    strike: float
    bid_vol: float
    ask_vol: float
    model_vol: float
    half_spreads: float


@dataclass(frozen=True, slots=True)
class ExpiryDiscount:
    """The discount factor used for one expiry, what parity implies, its error, and the verdict."""

    expiry_ns: int
    used: float
    implied: float
    error: float
    reason: DiscountReason


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceQuality:
    """One expiry.

    Attributes
    ----------
    expiry_ns, source
        When, and where its smile comes from.
    quotes, liquid
        Usable quotes, and those of them that are liquid.
    rejected
        Rows left out, by reason, ascending; counts above zero only.
    rms_vol, rms_spread
        Root mean square distance from the mid, in volatility and in half spreads; NaN without.
    inside, inside_liquid
        Shares inside bid and ask; NaN without a quote.
    least_g
        Least density factor, not negative.
    calendar_gap, calendar_slope
        Least rise of total variance and of wing slopes from the expiry before; NaN for the first.
    was_crossed
        Whether quotes of this expiry and the one before showed calendar arbitrage.
    missed
        Liquid quotes outside, by strike.
    raw
        The parameters.
    """

    expiry_ns: int
    source: SliceSource
    quotes: int
    liquid: int
    rejected: tuple[tuple[Reject, int], ...]
    rms_vol: float
    rms_spread: float
    inside: float
    inside_liquid: float
    least_g: float
    calendar_gap: float
    calendar_slope: float
    was_crossed: bool
    missed: tuple[MissedQuote, ...]
    raw: RawSvi


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """A whole chain.

    Attributes
    ----------
    underlying, instant_ns
        As in the chain.
    is_trusted
        Whether there is a surface.
    reason, reason_value, reason_allowed
        Why there is none, the number that broke and the number allowed; None and NaN where there is
        one.
    rows, quotes, liquid
        Rows of the chain, usable ones, liquid ones.
    inside, inside_liquid
        Shares over all expiries.
    rejected
        Rows left out of the whole chain, by reason.
    doubts
        Doubts about forwards.
    parity_error
        Largest parity error of marks in the chain, in shares of the forward; NaN without.
    discounts
        Discount factors, by expiry.
    quoted
        Bids that contradict asks.
    slices
        By expiry; empty where there is no surface.
    """

    underlying: str
    instant_ns: int
    is_trusted: bool
    reason: SurfaceReason | None
    reason_value: float
    reason_allowed: float
    rows: int
    quotes: int
    liquid: int
    inside: float
    inside_liquid: float
    rejected: tuple[tuple[Reject, int], ...]
    doubts: tuple[ForwardFault, ...]
    parity_error: float
    discounts: tuple[ExpiryDiscount, ...]
    quoted: tuple[QuotedFault, ...]
    slices: tuple[SliceQuality, ...]


def _counts(chain: Chain, quotes: Quotes, expiry_ns: int | None) -> tuple[tuple[Reject, int], ...]:
    reasons = quotes.rejected_reason
    if expiry_ns is not None:
        reasons = reasons[chain.expiry_ns[quotes.rejected_row] == expiry_ns]
    values, counts = np.unique(reasons, return_counts=True)
    return tuple(
        (Reject(value), count)
        for value, count in zip(values.tolist(), counts.tolist(), strict=True)
    )


def _share(inside: Mask) -> float:
    return float(inside.mean()) if len(inside) else float("nan")


def _rms(values: F64) -> float:
    return float(np.sqrt(np.mean(values * values))) if len(values) else float("nan")


def _model(surface: Surface) -> F64:
    """Return the model's volatility of each usable quote, at the quote's own moneyness."""
    vol = np.empty(len(surface.quotes))
    for one in surface.slices:
        mine = surface.quotes.expiry_ns == one.expiry_ns
        vol[mine] = np.sqrt(one.raw.variance(surface.quotes.k[mine]) / one.years)
    return vol


def _missed(quotes: Quotes, model: F64, rows: I64) -> tuple[MissedQuote, ...]:
    above, below = model - quotes.ask_vol, model - quotes.bid_vol
    excess = np.where(above > 0.0, above, below) / np.maximum(quotes.half_spread, HALF_MIN)
    columns = (quotes.strike, quotes.bid_vol, quotes.ask_vol, model, excess)
    return tuple(MissedQuote(*row) for row in np.stack(columns)[:, rows].T.tolist())


def _slices(
    chain: Chain, surface: Surface, model: F64, inside: Mask, liquid: Mask
) -> tuple[SliceQuality, ...]:
    quotes = surface.quotes
    found: list[SliceQuality] = []
    for j, one in enumerate(surface.slices):
        mine = quotes.expiry_ns == one.expiry_ns
        distance = model[mine] - quotes.mid_vol[mine]
        gap = check_calendar(surface.slices[j - 1].raw, one.raw) if j else None
        found.append(
            SliceQuality(
                expiry_ns=one.expiry_ns,
                source=one.source,
                quotes=int(mine.sum()),
                liquid=int((mine & liquid).sum()),
                rejected=_counts(chain, quotes, one.expiry_ns),
                rms_vol=_rms(distance),
                rms_spread=_rms(distance / np.maximum(quotes.half_spread[mine], HALF_MIN)),
                inside=_share(inside[mine]),
                inside_liquid=_share(inside[mine & liquid]),
                least_g=check_butterfly(one.raw).least,
                calendar_gap=gap.least if gap else float("nan"),
                calendar_slope=gap.slope if gap else float("nan"),
                was_crossed=one.was_crossed,
                missed=_missed(quotes, model, np.flatnonzero(mine & liquid & ~inside)),
                raw=one.raw,
            )
        )
    return tuple(found)


def _parity_error(curve: ForwardCurve) -> float:
    known = curve.parity_error[np.isfinite(curve.parity_error)]
    return float(known.max()) if len(known) else float("nan")


def _discounts(curve: ForwardCurve) -> tuple[ExpiryDiscount, ...]:
    rows = zip(
        curve.expiry_ns.tolist(), curve.discount.tolist(), curve.implied_discount.tolist(),
        curve.discount_error.tolist(), curve.discount_reason.tolist(), strict=True,
    )  # fmt: skip
    return tuple(
        ExpiryDiscount(expiry, used, implied, error, DiscountReason(reason))
        for expiry, used, implied, error, reason in rows
    )


def assess(
    chain: Chain, result: Surface | SurfaceRefusal, terms: LiquidTerms | None = None
) -> Quality:
    """Return the report of a fit, or of why there is none; the same input gives the same report."""
    quotes = result.quotes
    liquid = liquid_quotes(quotes, terms)
    inside = np.zeros(len(quotes), np.bool_)
    slices: tuple[SliceQuality, ...] = ()
    has_surface = isinstance(result, Surface)
    if isinstance(result, Surface):
        model = _model(result)
        inside = (model >= quotes.bid_vol) & (model <= quotes.ask_vol)
        slices = _slices(chain, result, model, inside, liquid)
    return Quality(
        underlying=chain.underlying,
        instant_ns=chain.instant_ns,
        is_trusted=has_surface,
        reason=None if isinstance(result, Surface) else result.reason,
        reason_value=float("nan") if isinstance(result, Surface) else result.value,
        reason_allowed=float("nan") if isinstance(result, Surface) else result.allowed,
        rows=len(chain),
        quotes=len(quotes),
        liquid=int(liquid.sum()),
        inside=_share(inside) if has_surface else float("nan"),
        inside_liquid=_share(inside[liquid]) if has_surface else float("nan"),
        rejected=_counts(chain, quotes, None),
        doubts=result.curve.faults,
        parity_error=_parity_error(result.curve),
        discounts=_discounts(result.curve),
        quoted=quoted_arbitrage(chain, quotes, result.curve),
        slices=slices,
    )


def _reasons(rejected: tuple[tuple[Reject, int], ...]) -> str:
    return ", ".join(f"{reason.name} {count}" for reason, count in rejected) or "none"


def describe(quality: Quality) -> str:
    """Return the report as text, one line per fact."""
    state = "fitted" if quality.is_trusted else "UNTRUSTWORTHY, not fitted"
    used = f"rows {quality.rows}, used {quality.quotes}, liquid {quality.liquid}"
    lines = [
        f"{quality.underlying} at {format_instant(quality.instant_ns)}: {state}",
        f"{used}; rejected: {_reasons(quality.rejected)}",
    ]
    if quality.reason is not None:
        lines.append(
            f"reason: {quality.reason.name}, {quality.reason_value:.4g} where "
            f"{quality.reason_allowed:.4g} is allowed"
        )
    if quality.doubts:
        lines.append(f"largest parity error of marks {quality.parity_error:.4f} of the forward")
    lines += [
        f"forward of {format_instant(fault.expiry_ns)}: {fault.doubt.name}, "
        f"{fault.value:.4f} where {fault.allowed:.4f} is allowed"
        for fault in quality.doubts
    ]
    lines += [
        f"discount of {format_instant(one.expiry_ns)}: {one.used:.4f}, {one.reason.name}, "
        f"implied {one.implied:.4f} with error {one.error:.4f}"
        for one in quality.discounts
    ]
    if quality.is_trusted:
        shares = f"{quality.inside:.1%} of all, {quality.inside_liquid:.1%} of liquid"
        lines.append(f"inside bid and ask: {shares}")
    lines += [
        f"quotes of {format_instant(one.expiry_ns)} contradict each other: {one.kind.name}, the "
        f"bid at {one.strike:.10g} is {one.amount:.6f} of the forward above what asks allow"
        for one in quality.quoted
    ]
    if not quality.quoted:
        lines.append("quotes do not contradict each other")
    return "\n".join(lines + [line for one in quality.slices for line in _slice_lines(one)])


def _slice_lines(one: SliceQuality) -> list[str]:
    return [_slice_line(one)] + [
        f"  missed {miss.strike:.10g}: {miss.model_vol:.4f} where {miss.bid_vol:.4f} to "
        f"{miss.ask_vol:.4f} is quoted, {miss.half_spreads:+.2f} half spreads outside"
        for miss in one.missed
    ]


def _slice_line(one: SliceQuality) -> str:
    raw = one.raw
    crossed = " (quotes crossed)" if one.was_crossed else ""
    return (
        f"{format_instant(one.expiry_ns)} {one.source.name}: quotes {one.quotes} (liquid "
        f"{one.liquid}), rms {one.rms_vol:.4f} vol {one.rms_spread:.2f} half spreads, inside "
        f"{one.inside:.1%} (liquid {one.inside_liquid:.1%}), least g {one.least_g:.4f}, "
        f"calendar gap {one.calendar_gap:.3e}{crossed}, "
        f"a {raw.a:.6g} b {raw.b:.6g} rho {raw.rho:.6g} m {raw.m:.6g} sigma {raw.sigma:.6g}; "
        f"rejected: {_reasons(one.rejected)}"
    )
