"""Fair values of futures and perpetuals: what carry or funding alone makes them worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from novate.errors import InputError
from novate.instrument.valued import (
    Market,
    Number,
    Valuation,
    check,
    check_flag,
    check_not_negative,
    matrix,
    valuation,
)
from novate.kernel.pricing.black import CHARM, GREEKS, RHO, THETA
from novate.kernel.pricing.perpetual import (
    FORM_INVERSE,
    FORM_LINEAR,
    FORM_QUANTO,
    dated_values,
    perpetual_values,
)

if TYPE_CHECKING:
    from novate.kernel.clearing.columns import F64, I8

FORMS = {"linear": FORM_LINEAR, "inverse": FORM_INVERSE, "quanto": FORM_QUANTO}


@dataclass(frozen=True, slots=True, kw_only=True)
class FairFuture:
    """A dated future, worth the forward.  Delta is units of spot per unit of future."""

    name: ClassVar[str] = "future"

    def value(self, market: Market) -> Valuation:
        """Value as ``spot * exp((rate - yield_) * years)``; volatility plays no part."""
        shape, at = matrix(market.spot, market.years, market.rate, market.yield_)
        spot, years, rate, yield_ = at
        out, status = np.empty((3, spot.size)), np.empty(spot.size, np.int8)
        dated_values(spot, years, rate, yield_, out, status)
        rows = np.zeros((GREEKS, spot.size))
        rows[0], rows[1] = out[0], out[1]
        if not market.is_forward_held:
            rows[THETA] = -(rate - yield_) * out[0]
            rows[CHARM] = -(rate - yield_) * out[1]
            rows[RHO] = years * out[0]
        rows[:, status != 0] = np.nan
        return valuation(shape, rows, status)


@dataclass(frozen=True, slots=True, kw_only=True)
class FairPerpetual:
    """A perpetual whose price is a fixed multiple of the index; see `kernel.pricing.perpetual`.

    Theta is 0: without expiry the value does not change as time passes.

    Attributes
    ----------
    form
        "linear", "inverse", or "quanto" (settled in a third asset at a fixed rate).
    funding, interest
        k and i: the long pays k (f - S) + i S, per period or, continuous, per year.
    period_years
        Years of a funding period, 0 for continuous funding.
    is_at_end
        Whether funding uses price and index at the end of the period, not at its start.
    covariance
        Of a quanto, rho vol_S vol_Z per year.
    """

    form: str
    funding: Number
    interest: Number = 0.0
    period_years: Number = 0.0
    is_at_end: Number = False
    covariance: Number = 0.0
    name: ClassVar[str] = "perpetual"

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise InputError(f"form {self.form!r}; allowed: {', '.join(FORMS)}")
        check("funding", self.funding, lambda x: x > 0.0, "a finite number above 0")
        check("interest", self.interest, np.isfinite, "a finite number")
        check_not_negative("period_years", self.period_years)
        check_flag("is_at_end", self.is_at_end)
        check("covariance", self.covariance, np.isfinite, "a finite number")

    def _ratio(self, market: Market, bump: float) -> tuple[tuple[int, ...], F64, I8]:
        rate = np.asarray(market.rate, np.float64) + bump
        shape, at = matrix(
            FORMS[self.form], market.spot, rate, market.yield_, self.funding, self.interest,
            self.period_years, self.is_at_end, self.covariance,
        )  # fmt: skip
        out, status = np.empty((3, at.shape[1])), np.empty(at.shape[1], np.int8)
        perpetual_values(at, out, status)
        return shape, out, status

    def value(self, market: Market) -> Valuation:
        """Value under constant rates; rho is a central difference of 1e-6."""
        shape, out, status = self._ratio(market, 0.0)
        up, down = self._ratio(market, 1e-6)[1], self._ratio(market, -1e-6)[1]
        rows = np.zeros((GREEKS, status.size))
        rows[0], rows[1] = out[0], out[1]
        rows[RHO] = (up[0] - down[0]) / 2e-6
        rows[:, status != 0] = np.nan
        return valuation(shape, rows, status)
