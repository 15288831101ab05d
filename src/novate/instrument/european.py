"""European calls and puts, settled in the quote currency or in coin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from novate.instrument.valued import (
    Market,
    Number,
    Valuation,
    by_spot,
    check_flag,
    check_positive,
    check_side,
    matrix,
    valuation,
)
from novate.kernel.pricing import inverse
from novate.kernel.pricing.black import GREEKS, RHO, all_greeks, black_status
from novate.kernel.pricing.inverse import inverse_greeks
from novate.kernel.pricing.perpetual import dated_values


@dataclass(frozen=True, slots=True, kw_only=True)
class European:
    """The right to the price above (call) or below (put) a strike at expiry.

    Attributes
    ----------
    side
        +1 for a call, -1 for a put.
    strike
        Quote currency per unit of the underlying.
    in_coin
        Whether the payoff is divided by the final price and paid in coin; such a price is not
        discounted, as at the venues.
    """

    side: Number
    strike: Number
    in_coin: Number = False
    name: ClassVar[str] = "european"

    def __post_init__(self) -> None:
        check_side("side", self.side)
        check_positive("strike", self.strike)
        check_flag("in_coin", self.in_coin)

    def value(self, market: Market) -> Valuation:
        """Value with Black-76 on the forward; see `Valuation` for units and signs."""
        shape, at = matrix(
            self.side, self.strike, self.in_coin,
            market.spot, market.years, market.vol, market.rate, market.yield_,
        )  # fmt: skip
        c, strike, is_coin, spot, years, vol, rate, yield_ = at
        forwards = np.empty((3, spot.size))
        first, second = np.empty(spot.size, np.int8), np.empty(spot.size, np.int8)
        dated_values(spot, years, rate, yield_, forwards, first)
        forward = forwards[0]
        discount_rate = np.where(is_coin == 1.0, 0.0, rate)
        rows, coin = np.empty((2, GREEKS, spot.size))
        all_greeks(c, forward, strike, years, vol, discount_rate, rows)
        inverse_greeks(c, forward, strike, years, vol, coin)
        black_status(c, forward, strike, years, vol, discount_rate, second)
        rho = inverse.NET  # what the coin rows have in place of rho, which is none
        order = [*range(inverse.NET), *range(inverse.NET + 1, inverse.VANNA), rho]
        coin = coin[[*order, *range(inverse.VANNA, GREEKS)]]
        coin[RHO] = 0.0
        rows = np.where(is_coin == 1.0, coin, rows)
        held = market.is_forward_held
        rows = by_spot(rows, spot, forward, years, rate - yield_, held=held)
        status = np.where(first != 0, first, second)
        rows[:, status != 0] = np.nan
        return valuation(shape, rows, status)
