"""Whether quotes contradict each other: arbitrage between bids and asks, before anything is fitted.

In units of the discounted forward a call is a function c of x = K/F that starts at c(0) = 1, falls,
and is convex; at equal x it does not fall with time (a put is a call less 1 - x).  The largest
function of that kind below all asks is their lower convex hull.  So an expiry can be fitted between
bid and ask *by some smile* exactly when no bid is above the hull (Davis and Hobson, *The range of
traded option prices*, 2007), and a bid above it is the price of a butterfly spread less its cost.
Likewise a bid above the hull of a later expiry is a calendar spread that pays.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from novate.market.volatility.chain import F64, Chain, PriceUnit
from novate.market.volatility.forward import ForwardCurve
from novate.market.volatility.quote import Quotes

LEAST = 1e-12
"""Amount below which a fault is rounding, in shares of the forward."""


class QuotedKind(IntEnum):
    """What a bid contradicts."""

    BUTTERFLY = 1  # asks of its own expiry
    CALENDAR = 2  # asks of a later expiry


@dataclass(frozen=True, slots=True)
class QuotedFault:
    """A bid above what the asks allow: expiry, strike, and by how much, in shares of the forward.

    ``amount`` is the worst over later expiries where the kind is CALENDAR.
    """

    expiry_ns: int
    strike: float
    kind: QuotedKind
    amount: float


@dataclass(frozen=True, slots=True)
class _Calls:
    """Quotes of one expiry as calls in shares of the discounted forward, by ascending x."""

    strike: F64
    x: F64
    bid: F64
    hull_x: F64
    hull: F64

    def most(self, x: F64) -> F64:
        """Return what asks allow a call to cost at most."""
        return np.asarray(np.interp(x, self.hull_x, self.hull), np.float64)


def lower_hull(x: F64, ask: F64) -> tuple[F64, F64]:
    """Return the corners of the largest convex function that does not rise, below (x, ask).

    ``x[n]`` ascending and positive; the function starts at (0, 1).
    """
    corners = [(0.0, 1.0)]
    least = 1.0
    for right, price in zip(x.tolist(), ask.tolist(), strict=True):
        least = min(least, price)
        while len(corners) > 1:
            (a, p), (b, q) = corners[-2:]
            if (q - p) * (right - a) < (least - p) * (b - a):
                break
            corners.pop()
        corners.append((right, least))
    found = np.array(corners)
    return found[:, 0], found[:, 1]


def _calls(chain: Chain, quotes: Quotes, expiry_ns: int, discount: float) -> _Calls:
    mine = np.flatnonzero(quotes.expiry_ns == expiry_ns)
    mine = mine[np.argsort(quotes.strike[mine] / quotes.forward[mine], kind="stable")]
    row, forward = quotes.row[mine], quotes.forward[mine]
    x = quotes.strike[mine] / forward
    unit = discount * (1.0 if chain.unit is PriceUnit.COIN else forward)
    more = np.where(chain.side[row] > 0, 0.0, 1.0 - x)
    bid, ask = chain.bid[row] / unit + more, chain.ask[row] / unit + more
    return _Calls(quotes.strike[mine], x, bid, *lower_hull(x, ask))


def quoted_arbitrage(chain: Chain, quotes: Quotes, curve: ForwardCurve) -> tuple[QuotedFault, ...]:
    """Return every usable bid that contradicts asks of its own or of a later expiry, in order."""
    expiries = np.unique(quotes.expiry_ns)
    discounts = curve.discount[curve.rows(expiries)].tolist()
    calls = [
        _calls(chain, quotes, expiry, discount)
        for expiry, discount in zip(expiries.tolist(), discounts, strict=True)
    ]
    found: list[QuotedFault] = []
    for j, (expiry, own) in enumerate(zip(expiries.tolist(), calls, strict=True)):
        excess = {QuotedKind.BUTTERFLY: own.bid - own.most(own.x)}
        if j + 1 < len(calls):
            later = [own.bid - late.most(own.x) for late in calls[j + 1 :]]
            excess[QuotedKind.CALENDAR] = np.max(later, axis=0)
        for kind, amounts in excess.items():
            found += [
                QuotedFault(expiry, float(own.strike[at]), kind, float(amounts[at]))
                for at in np.flatnonzero(amounts > LEAST).tolist()
            ]
    return tuple(found)
