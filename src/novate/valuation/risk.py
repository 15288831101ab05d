"""Risk of books: value and Greeks, gamma profiles, profit explained, look-through, basis.

>>> import numpy as np
>>> from novate import LINEAR
>>> call = Contracts(
...     kind=np.array([Kind.EUROPEAN], np.int8),
...     form=np.array([LINEAR], np.int8),
...     underlying=np.array([0], np.int32),
...     settlement=np.array([1], np.int32),
...     side=np.array([1.0]),
...     strike=np.array([100.0]),
...     expiry_ns=np.array([365 * 86_400 * 10**9]),
...     unit=np.array([1.0]),
... )
>>> one = np.array([1.0])
>>> now = Market(
...     as_of_ns=0,
...     spot=100 * one,
...     forward=100 * one,
...     vol=0.5 * one,
...     rate=0 * one,
...     settlement_price=one,
... )
>>> unit_risk(call, now)["delta"].round(6)
array([0.598706])
"""

from __future__ import annotations

from novate.valuation.basis import Spreads, basis_losses, settled_profit, spread_profit
from novate.valuation.book_risk import (
    KEYS,
    Positions,
    RiskTable,
    book_risk,
    expiry_buckets,
)
from novate.valuation.exotic_terms import Exotics
from novate.valuation.fitted_smile import with_surfaces
from novate.valuation.gamma_acceleration import (
    Acceleration,
    PinList,
    doubling_years,
    gamma_acceleration,
    pin_list,
)
from novate.valuation.gamma_profile import GammaProfile, Sticky, gamma_profile
from novate.valuation.holding import (
    NATIVE,
    NO_EXPIRY,
    REPORTING,
    Contracts,
    Kind,
    Market,
    UnitRisk,
    unit_risk,
)
from novate.valuation.look_through import FactorExposure, factor_exposure
from novate.valuation.pnl_explain import (
    TERMS,
    Explanation,
    Flows,
    Moves,
    Trades,
    explain,
    moves,
)

__all__ = [
    "KEYS",
    "NATIVE",
    "NO_EXPIRY",
    "REPORTING",
    "TERMS",
    "Acceleration",
    "Contracts",
    "Exotics",
    "Explanation",
    "FactorExposure",
    "Flows",
    "GammaProfile",
    "Kind",
    "Market",
    "Moves",
    "PinList",
    "Positions",
    "RiskTable",
    "Spreads",
    "Sticky",
    "Trades",
    "UnitRisk",
    "basis_losses",
    "book_risk",
    "doubling_years",
    "expiry_buckets",
    "explain",
    "factor_exposure",
    "gamma_acceleration",
    "gamma_profile",
    "moves",
    "pin_list",
    "settled_profit",
    "spread_profit",
    "unit_risk",
    "with_surfaces",
]
