"""Quotes of a thinly quoted expiry, held against the expiries that have a smile of their own.

A smile of many quotes outvotes a wrong one; an expiry of one quote has nothing to outvote it with,
and no calendar repair can tell which side of a contradiction is wrong.  The better quoted expiries
are therefore right: a quote that contradicts them is rejected (`Reject.OFF_NEIGHBOURS`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np

from novate.market.volatility.chain import Mask
from novate.market.volatility.quote import Quotes, Reject
from novate.market.volatility.svi import RawSvi


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighbourTerms:
    """How far a quote of a thinly quoted expiry may be from better quoted ones.

    Attributes
    ----------
    variance_slack
        Share by which its total variance, at the ask, may be below that of the expiry before, or,
        at the bid, above that of the expiry after, at equal moneyness.
    volatility_ratio
        Largest ratio of its mid volatility to theirs, either way.
    """

    variance_slack: float = 0.02
    volatility_ratio: float = 3.0


@dataclass(frozen=True, slots=True)
class Neighbour:
    """The smile of a well quoted expiry: years, total variance, and the moneyness it quotes."""

    years: float
    raw: RawSvi
    low: float
    high: float


def off_neighbours(
    quotes: Quotes, neighbours: Mapping[int, Neighbour], terms: NeighbourTerms | None = None
) -> Mask:
    """Mark quotes that contradict the nearest well quoted expiries, bool ``[n]``.

    Parameters
    ----------
    quotes
        Quotes of a chain.
    neighbours
        Smiles of the expiries with quotes enough, by expiry in nanoseconds; their own quotes are
        not looked at.
    terms
        Limits.

    Notes
    -----
    Total variance is compared where the neighbour is quoted, volatility at the nearest moneyness
    that it quotes.  Without any neighbour nothing is marked.
    """
    terms = terms or NeighbourTerms()
    marked = np.zeros(len(quotes), np.bool_)
    known = np.array(sorted(neighbours), np.int64)
    for expiry_ns in np.setdiff1d(quotes.expiry_ns, known).tolist():
        mine = np.flatnonzero(quotes.expiry_ns == expiry_ns)
        right = int(np.searchsorted(known, expiry_ns))
        near = {
            sign: neighbours[int(known[at])]
            for sign, at in ((-1, right - 1), (1, right))
            if 0 <= at < len(known)
        }
        k, years = quotes.k[mine], quotes.years[mine]
        is_off = np.zeros(len(mine), np.bool_)
        vols = []
        for sign, other in near.items():
            is_quoted = (k >= other.low) & (k <= other.high)
            variance = other.raw.variance(k)
            if sign < 0:
                falls = quotes.ask_vol[mine] ** 2 * years < variance * (1.0 - terms.variance_slack)
            else:
                falls = quotes.bid_vol[mine] ** 2 * years > variance * (1.0 + terms.variance_slack)
            is_off |= is_quoted & falls
            nearest = other.raw.variance(np.clip(k, other.low, other.high))
            vols.append(np.sqrt(nearest / other.years))
        if vols:
            mid, ratio = quotes.mid_vol[mine], terms.volatility_ratio
            is_off |= (mid > ratio * np.max(vols, axis=0)) | (mid * ratio < np.min(vols, axis=0))
        marked[mine] = is_off
    return marked


def without(quotes: Quotes, marked: Mask, reason: Reject) -> Quotes:
    """Return the quotes less the marked ones, which join the rejected rows."""
    row = np.concatenate([quotes.rejected_row, quotes.row[marked]])
    why = np.concatenate([quotes.rejected_reason, np.full(int(marked.sum()), int(reason))])
    order = np.argsort(row, kind="stable")
    kept = {
        field.name: getattr(quotes, field.name)[~marked]
        for field in fields(quotes)
        if not field.name.startswith("rejected")
    }
    return replace(quotes, **kept, rejected_row=row[order], rejected_reason=why[order])
