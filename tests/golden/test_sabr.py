"""SABR against QuantLib's published rows and 40-digit arithmetic of Hagan's formula."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest

from novate.valuation.exotic import sabr
from tests.golden.published import numbers, rows


@pytest.mark.parametrize("row", rows("sabr"), ids=lambda row: " ".join(row.values()))
def test_a_published_sabr_volatility_is_met(row: dict[str, str]) -> None:
    F, K, T, alpha, beta, nu, rho = numbers(row, "F", "K", "T", "alpha", "beta", "nu", "rho")

    result = sabr(F=F, K=K, T=T, alpha=alpha, beta=beta, rho=rho, nu=nu)

    assert result.vol == pytest.approx(float(row["vol"]), abs=float(row["tolerance"]))


def hagan(*inputs: float) -> mp.mpf:
    """Equation 2.17a as printed, in the working precision."""
    F, K, T, alpha, beta, rho, nu = map(mp.mpf, inputs)
    left, x = 1 - beta, mp.log(F / K)
    power = (F * K) ** (left / 2)
    bulk = power * (1 + left**2 * x**2 / 24 + left**4 * x**4 / 1920)
    z = nu / alpha * power * x
    stretch = mp.mpf(1)
    if z != 0:
        stretch = z / mp.log((mp.sqrt(1 - 2 * rho * z + z * z) + z - rho) / (1 - rho))
    drift = left**2 * alpha**2 / (24 * power**2) + rho * beta * nu * alpha / (4 * power)
    drift += (2 - 3 * rho**2) * nu**2 / 24
    return alpha / bulk * stretch * (1 + drift * T)


def test_volatilities_agree_with_forty_digits_near_and_far_from_the_money() -> None:
    rng = np.random.default_rng(7)
    for _ in range(300):
        far = float(rng.choice([0.0, 1e-9, 1e-6, 1e-3, 0.3, 1.5])) * float(rng.choice([-1, 1]))
        F, K = 100.0, 100.0 * float(np.exp(far))
        T, beta, rho, nu = (
            float(rng.uniform(*ends)) for ends in ((0, 2), (0, 1), (-0.95, 0.95), (0, 1.5))
        )
        alpha = float(rng.uniform(0.1, 1.0)) * F ** (1 - beta)
        result = sabr(F=F, K=K, T=T, alpha=alpha, beta=beta, rho=rho, nu=nu)
        with mp.workdps(40):
            expected = hagan(F, K, T, alpha, beta, rho, nu)

        if expected > 0:
            assert abs(mp.mpf(float(result.vol)) / expected - 1) < 1e-14, (
                K,
                T,
                alpha,
                beta,
                rho,
                nu,
            )
