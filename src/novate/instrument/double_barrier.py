"""Options with a lower and an upper barrier, watched continuously, without a rebate."""

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
    check_positive,
    check_side,
    matrix,
    valued,
)
from novate.kernel.codes import BarrierState
from novate.kernel.pricing.double_barrier import double_barrier_greeks


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubleBarrier:
    """A call or put that the first touch of either barrier brings to life or ends.

    Attributes
    ----------
    side
        +1 for a call, -1 for a put.
    is_in
        Whether a touch brings it to life (in) or ends it (out).
    strike, lower, upper
        Quote currency per unit of the underlying; lower is below upper.
    in_coin
        Whether it is settled in coin at the final price; not discounted then.
    state
        A `BarrierState`.
    """

    side: Number
    is_in: Number
    strike: Number
    lower: Number
    upper: Number
    in_coin: Number = False
    state: Number = BarrierState.ALIVE
    name: ClassVar[str] = "double_barrier"

    def __post_init__(self) -> None:
        check_side("side", self.side)
        check_flag("is_in", self.is_in)
        check_positive("strike", self.strike)
        check_positive("lower", self.lower)
        check_positive("upper", self.upper)
        check_flag("in_coin", self.in_coin)
        check_code("state", self.state, BarrierState)
        if np.any(np.asarray(self.lower, np.float64) >= np.asarray(self.upper, np.float64)):
            raise InputError(f"lower {self.lower!r}; allowed: below upper {self.upper!r}")

    def value(self, market: Market) -> Valuation:
        """Value by a series of images; see `kernel.pricing.double_barrier` and `Valuation`."""
        shape, at = matrix(
            self.side, self.is_in, market.spot, self.strike, self.lower, self.upper, market.years,
            market.vol, market.rate, market.yield_, self.state, self.in_coin,
        )  # fmt: skip
        return valued(double_barrier_greeks, shape, at, market.is_forward_held)
