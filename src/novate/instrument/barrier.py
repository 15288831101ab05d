"""Options with one barrier: how it is watched is a term of the contract, never a default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from novate.errors import InputError
from novate.instrument.valued import (
    Market,
    Number,
    Valuation,
    check_code,
    check_flag,
    check_not_negative,
    check_positive,
    check_side,
    matrix,
    valued,
)
from novate.kernel.codes import BarrierPayoff, BarrierState, Monitoring
from novate.kernel.pricing.barrier_greeks import barrier_greeks


@dataclass(frozen=True, slots=True, kw_only=True)
class Barrier:
    """A call, put or digital that a touch of the barrier brings to life (in) or ends (out).

    Attributes
    ----------
    side
        +1 for a call, -1 for a put.
    direction
        +1 for a barrier above the spot (up), -1 for one below (down).
    is_in
        Whether the touch brings it to life (in) or ends it (out).
    strike, barrier
        Quote currency per unit of the underlying.
    monitoring
        A `Monitoring`: continuous, on a schedule, or once at expiry.  Without default.
    interval
        Years between observations of a SCHEDULE, 0 otherwise.
    rebate
        Out: paid at the touch (at expiry if watched only there); in: paid at expiry if never
        touched.  Quote currency or, settled in coin, coins.
    payoff, amount
        A `BarrierPayoff`, and what a digital one pays.
    in_coin
        Whether it is settled in coin at the final price; not discounted then.
    state
        A `BarrierState`: an in option that was touched is a vanilla, an out option is over.
    """

    side: Number
    direction: Number
    is_in: Number
    strike: Number
    barrier: Number
    monitoring: Number
    interval: Number = 0.0
    rebate: Number = 0.0
    payoff: Number = BarrierPayoff.VANILLA
    amount: Number = 1.0
    in_coin: Number = False
    state: Number = BarrierState.ALIVE
    name: ClassVar[str] = "barrier"

    def __post_init__(self) -> None:
        check_side("side", self.side)
        check_side("direction", self.direction)
        check_flag("is_in", self.is_in)
        check_positive("strike", self.strike)
        check_positive("barrier", self.barrier)
        check_code("monitoring", self.monitoring, Monitoring)
        check_not_negative("interval", self.interval)
        check_not_negative("rebate", self.rebate)
        check_code("payoff", self.payoff, BarrierPayoff)
        check_not_negative("amount", self.amount)
        check_flag("in_coin", self.in_coin)
        check_code("state", self.state, BarrierState)
        monitoring, interval, state = (
            np.asarray(term, np.float64) for term in (self.monitoring, self.interval, self.state)
        )
        if np.any((monitoring == Monitoring.SCHEDULE) != (interval > 0.0)):
            raise InputError(
                f"interval {self.interval!r} with monitoring {self.monitoring!r}; allowed: above 0 "
                f"with SCHEDULE ({int(Monitoring.SCHEDULE)}), 0 otherwise"
            )
        if np.any((monitoring == Monitoring.AT_EXPIRY) & (state != BarrierState.ALIVE)):
            raise InputError(
                f"state {self.state!r} with monitoring {self.monitoring!r}; allowed: ALIVE (0), "
                f"for nothing is touched before expiry"
            )

    def value(self, market: Market) -> Valuation:
        """Value by first-passage probabilities; see `kernel.pricing.barrier` and `Valuation`."""
        shape, at = matrix(
            self.side, self.direction, self.is_in, self.payoff, market.spot, self.strike,
            self.barrier, self.amount, self.rebate, market.years, market.vol, market.rate,
            market.yield_, self.monitoring, self.interval, self.state, self.in_coin,
        )  # fmt: skip
        return valued(barrier_greeks, shape, at, market.is_forward_held)
