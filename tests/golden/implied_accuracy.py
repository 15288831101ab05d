"""Error of implied volatilities over moneyness and total volatility, against 50-digit arithmetic.

``python -m tests.golden.implied_accuracy`` prints the table of `docs/accuracy_implied.md`.
"""

from __future__ import annotations

import sys
from itertools import pairwise

import mpmath
import numpy as np

from novate.kernel.clearing.columns import F64
from novate.valuation.implied import implied_volatility

MONEYNESS = (1e-12, 1e-8, 1e-4, 0.01, 0.1, 1.0, 5.0, 15.0, 30.0)
"""Bounds of |ln(F/K)|; one more row is at the money exactly."""
TOTAL = (1e-8, 1e-4, 0.01, 0.1, 0.5, 2.0, 8.0, 20.0, 100.0)
"""Bounds of vol sqrt(T)."""
CONDITION_MAX = 1e13
"""Beyond it a price in float64 tells less than three digits of its volatility."""
UNIT = 2.0**-53
NORMAL_MIN = sys.float_info.min


def price_of(c: float, F: float, K: float, s: float) -> tuple[float, float]:
    """Return the price rounded to float64, and its condition: price / (s dprice/ds)."""
    with mpmath.workdps(50):
        f, k, total = mpmath.mpf(F), mpmath.mpf(K), mpmath.mpf(s)
        d1 = mpmath.log(f / k) / total + total / 2
        n1, n2 = (mpmath.erfc(-c * d / mpmath.sqrt(2)) / 2 for d in (d1, d1 - total))
        value = c * (f * n1 - k * n2)
        vega = f * mpmath.exp(-d1 * d1 / 2) / mpmath.sqrt(2 * mpmath.pi)
        return float(value), float(value / (total * vega)) if vega else mpmath.inf


def cell(x: tuple[float, float], s: tuple[float, float], size: int, seed: int) -> F64:
    """Errors of one cell over max(1, condition) and over half a unit in the last place.

    A quarter of the options is in the money.  Prices that are no normal float64, relative to the
    lesser of forward and strike, and those beyond CONDITION_MAX are left out.
    """
    rng = np.random.default_rng(seed)
    errors = []
    for _ in range(size):
        size_x = x[0] * (x[1] / x[0]) ** rng.uniform() if x[0] else 0.0
        total = s[0] * (s[1] / s[0]) ** rng.uniform()
        K = 10.0 ** rng.uniform(-2, 5)
        F = K * float(np.exp(size_x * rng.choice([-1, 1])))
        c = (-1.0 if F > K else 1.0) * rng.choice([1, 1, 1, -1])
        price, condition = price_of(c, F, K, total)
        if price < NORMAL_MIN * max(1.0, F, K) or condition > CONDITION_MAX:
            continue
        vol, status = implied_volatility(price, F, K, 1.0, c)
        error = abs(float(vol) / total - 1) if status == 0 else np.inf
        errors.append(error / UNIT / max(1.0, condition))
    return np.array(errors)


def rows(size: int, seed: int) -> list[tuple[str, list[F64]]]:
    """Return the errors of every cell, by rows with their names."""
    ranges = [("0", (0.0, 0.0))]
    ranges += [(f"{a:g} to {b:g}", (a, b)) for a, b in pairwise(MONEYNESS)]
    return [
        (name, [cell(x, s, size, seed + 100 * i + j) for j, s in enumerate(pairwise(TOTAL))])
        for i, (name, x) in enumerate(ranges)
    ]


def main() -> None:
    """Print the table: the largest error of each cell."""
    heads = [f"{a:g} to {b:g}" for a, b in pairwise(TOTAL)]
    sys.stdout.write(f"| ln(F/K), size | {' | '.join(heads)} |\n|---|{'---|' * len(heads)}\n")
    for name, cells in rows(400, 1):
        shown = [f"{errors.max():.1f}" if errors.size else "" for errors in cells]
        sys.stdout.write(f"| {name} | {' | '.join(shown)} |\n")


if __name__ == "__main__":
    main()
