"""Implied volatilities of a chain in one call against scalar libraries called option by option."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from novate.kernel.clearing.columns import F64
from novate.kernel.pricing.black import black_prices
from novate.valuation.implied import implied_volatility
from tests.bench.contest import Contest, Side

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # types that SWIG makes have no module
    import QuantLib

from py_lets_be_rational import implied_volatility_from_a_transformed_rational_guess as rational

OURS, QUANTLIB, RATIONAL = 100_000, 20_000, 1_000
"""Options that each side inverts in a call."""
REGIME = f"{OURS:,} options out of the money, within 2.5 standard deviations, from numpy arrays"


class Chain:
    """Options in columns, and the same as rows of Python numbers."""

    def __init__(self) -> None:
        rng = np.random.default_rng(1)
        self.F = np.full(OURS, 88_500.0)
        self.T = rng.uniform(0.01, 1.0, OURS)
        self.vol = rng.uniform(0.2, 1.2, OURS)
        self.K = self.F * np.exp(rng.uniform(-2.5, 2.5, OURS) * self.vol * np.sqrt(self.T))
        self.c = np.where(self.K > self.F, 1.0, -1.0)
        self.price = np.empty(OURS)
        black_prices(self.c, self.F, self.K, self.T, self.vol, np.zeros(OURS), self.price)
        columns = (self.price, self.F, self.K, self.T, self.c)
        self.rows: list[tuple[float, ...]] = list(
            zip(*(column.tolist() for column in columns), strict=True)
        )
        kinds = {1.0: QuantLib.Option.Call, -1.0: QuantLib.Option.Put}
        self.terms: list[tuple[Any, ...]] = [
            (kinds[c], K, F, price) for price, F, K, _, c in self.rows[:QUANTLIB]
        ]
        self.found: dict[str, F64] = {}

    def invert(self) -> None:
        self.found["ours"] = implied_volatility(self.price, self.F, self.K, self.T, self.c).vol

    def invert_by_quantlib(self) -> None:
        solve = QuantLib.blackFormulaImpliedStdDev
        deviation = np.array([solve(*terms) for terms in self.terms])
        self.found["QuantLib"] = deviation / np.sqrt(self.T[:QUANTLIB])

    def invert_by_reference(self) -> None:
        self.found["rational"] = np.array([rational(*row) for row in self.rows[:RATIONAL]])

    def is_right(self, theirs: str, tolerance: float) -> bool:
        """Whether ours are exact to 1e-11, and theirs agree as far as they are made to."""
        ours, others = self.found["ours"], self.found[theirs]
        return bool(
            np.allclose(ours, self.vol, rtol=1e-11, atol=0.0)
            and np.allclose(ours[: others.size], others, rtol=tolerance, atol=0.0)
        )


def contests() -> Iterator[Contest]:
    """Against the reference implementation in Python, and QuantLib at its own accuracy of 1e-6."""
    chain = Chain()
    ours = Side(name="one call", amount=OURS, call=chain.invert)
    yield Contest(
        name="implied volatility",
        regime=REGIME,
        unit="options",
        ours=ours,
        theirs=Side(
            name="py_lets_be_rational per option", amount=RATIONAL, call=chain.invert_by_reference
        ),
        goal=20,
        holds=lambda: chain.is_right("rational", 1e-11),
    )
    yield Contest(
        name="implied volatility",
        regime=f"{REGIME}; QuantLib stops at 1e-6",
        unit="options",
        ours=ours,
        theirs=Side(
            name="QuantLib blackFormulaImpliedStdDev per option",
            amount=QUANTLIB,
            call=chain.invert_by_quantlib,
        ),
        goal=20,
        holds=lambda: chain.is_right("QuantLib", 1e-4),
    )
