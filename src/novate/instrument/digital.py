"""Digital options: cash or nothing and asset or nothing at expiry, and one-touch forms."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

import numpy as np

from novate.instrument.valued import (
    Market,
    Number,
    Valuation,
    by_spot,
    check_code,
    check_flag,
    check_not_negative,
    check_positive,
    check_side,
    matrix,
    valuation,
    valued,
)
from novate.kernel.codes import BarrierPayoff, BarrierState, Monitoring
from novate.kernel.pricing.barrier_greeks import barrier_greeks
from novate.kernel.pricing.digital import digital_greeks
from novate.kernel.pricing.perpetual import dated_values
from novate.kernel.pricing.term import GREEKS


@dataclass(frozen=True, slots=True, kw_only=True)
class Digital:
    """A fixed amount if the price ends above (call) or below (put) the strike.

    Attributes
    ----------
    side
        +1 pays above the strike, -1 below.
    strike
        Quote currency per unit of the underlying.
    amount
        What it pays: quote currency or, for an asset payoff, units of the underlying.
    pays_asset
        Whether it pays the underlying rather than the quote currency.
    in_coin
        Whether it is settled in coin at the final price; not discounted then.
    """

    side: Number
    strike: Number
    amount: Number = 1.0
    pays_asset: Number = False
    in_coin: Number = False
    name: ClassVar[str] = "digital"

    def __post_init__(self) -> None:
        check_side("side", self.side)
        check_positive("strike", self.strike)
        check_not_negative("amount", self.amount)
        check_flag("pays_asset", self.pays_asset)
        check_flag("in_coin", self.in_coin)

    def value(self, market: Market) -> Valuation:
        """Value on the forward; see `Valuation` for units and signs."""
        shape, at = matrix(
            self.side, self.pays_asset, self.in_coin, self.amount, 0.0, self.strike,
            market.years, market.vol, market.rate, market.spot, market.yield_,
        )  # fmt: skip
        years, rate, spot, yield_ = at[6], at[8], at[9], at[10]
        forwards = np.empty((3, spot.size))
        first, second = np.empty(spot.size, np.int8), np.empty(spot.size, np.int8)
        dated_values(spot, years, rate, yield_, forwards, first)
        at[4] = forwards[0]
        rows = np.empty((GREEKS, spot.size))
        digital_greeks(np.ascontiguousarray(at[:9]), rows, second)
        held = market.is_forward_held
        rows = by_spot(rows, spot, forwards[0], years, rate - yield_, held=held)
        status = np.where(first != 0, first, second)
        rows[:, status != 0] = np.nan
        return valuation(shape, rows, status)


class TouchForm(IntEnum):
    """When a touch pays."""

    AT_HIT = 1  # at the touch
    AT_EXPIRY = 2  # at expiry, if the barrier was touched
    NO_TOUCH = 3  # at expiry, if it was not


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """A fixed amount if a barrier is touched, or is not, before expiry.

    Attributes
    ----------
    direction
        +1 for a barrier above the spot, -1 for one below.
    barrier
        Quote currency per unit of the underlying.
    form
        A `TouchForm`.
    amount
        Quote currency, or units of the underlying.
    pays_asset
        Whether it pays the underlying: at the touch, a unit is worth the barrier.
    monitoring, interval
        A `Monitoring`, and years between observations of a SCHEDULE.
    state
        A `BarrierState`; a form paid at the touch is worth its amount while TOUCHED.
    """

    direction: Number
    barrier: Number
    form: Number = TouchForm.AT_HIT
    amount: Number = 1.0
    pays_asset: Number = False
    monitoring: Number = Monitoring.CONTINUOUS
    interval: Number = 0.0
    state: Number = BarrierState.ALIVE
    name: ClassVar[str] = "touch"

    def __post_init__(self) -> None:
        check_side("direction", self.direction)
        check_positive("barrier", self.barrier)
        check_code("form", self.form, TouchForm)
        check_not_negative("amount", self.amount)
        check_flag("pays_asset", self.pays_asset)
        check_code("monitoring", self.monitoring, Monitoring)
        check_not_negative("interval", self.interval)
        check_code("state", self.state, BarrierState)

    def value(self, market: Market) -> Valuation:
        """Value as the rebate or the unconditional payoff of a barrier; see `barrier`."""
        form = np.asarray(self.form, np.int8)
        is_hit = form == TouchForm.AT_HIT
        payoff = np.where(
            np.asarray(self.pays_asset, np.bool_),
            int(BarrierPayoff.ASSET_ANYWHERE),
            int(BarrierPayoff.CASH_ANYWHERE),
        )
        amount = np.asarray(self.amount, np.float64)
        shape, at = matrix(
            1.0, self.direction, form == TouchForm.AT_EXPIRY, payoff, market.spot, self.barrier,
            self.barrier, np.where(is_hit, 0.0, amount), np.where(is_hit, amount, 0.0),
            market.years, market.vol, market.rate, market.yield_, self.monitoring, self.interval,
            self.state, 0.0,
        )  # fmt: skip
        return valued(barrier_greeks, shape, at, market.is_forward_held)
