"""What a scenario does to volatilities."""

from __future__ import annotations

import numpy as np

from novate.kernel.clearing.columns import F64
from novate.margin.methodology.parameters import Shock, Skew, VolatilityShock

DAYS = 30.0
YEAR_DAYS = 365.0


def shocked(shock: Shock, volatility: F64, years: F64, terms: VolatilityShock) -> F64:
    """Return volatilities after a shock up or down, or unchanged.

    Parameters
    ----------
    volatility, years
        Lognormal per year, and to expiry in years of 365 days; shape (options,).
    """
    if shock not in ("up", "down"):
        return volatility
    days = years * YEAR_DAYS
    is_short = days <= DAYS if terms.is_short_at_30_days else days < DAYS
    power = np.where(is_short, terms.short_power, terms.long_power)
    factor = (DAYS / np.maximum(days, max(terms.days_min, np.finfo(float).tiny))) ** power
    if shock == "up":
        return np.maximum(terms.floor, volatility * (1.0 + terms.up * factor))
    return np.maximum(0.0, volatility * (1.0 - terms.down * factor))


def skewed(is_absolute: bool, volatility: F64, log_moneyness: F64, years: F64, terms: Skew) -> F64:
    """Return volatilities tilted over log-moneyness; not negative.

    Parameters
    ----------
    volatility, log_moneyness, years
        ``ln(K / F)`` and years to expiry; shape (options,).
    """
    root = np.sqrt(years)
    base, slope = terms.linear_cap_base, terms.linear_cap_slope
    k = log_moneyness
    if is_absolute:
        base, slope, k = terms.absolute_cap_base, terms.absolute_cap_slope, np.abs(k)
    cap = base + slope * root
    star = np.maximum(terms.k_star_min, root * terms.width * (terms.v_base + terms.v_slope * root))
    tilt = k * cap / star
    # A cap may be below zero for a far expiry: each side is held to its own bound.
    tilt = np.where(k < 0, np.maximum(tilt, -cap), np.minimum(tilt, cap))
    return np.maximum(volatility * (1.0 + tilt), 0.0)
