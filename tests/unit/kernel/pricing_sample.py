"""What the pricing kernels answer on one fixed sample: `python -m ...pricing_sample FILE`.

Run with other processors named to the compiler, or without the compiler, it tells whether the bits
depend on them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

from novate.kernel.jit import kernel
from novate.kernel.pricing import black, inverse
from novate.kernel.pricing.special import exp, log, mills, normal_cdf, normal_pdf, normal_tail

F64 = npt.NDArray[np.float64]
EDGES = (0.0, -0.0, 1.0, -1.0, 1e-3, 0.5, 100.0, 1e-160, 1e160, 5e-324, np.inf, -np.inf, np.nan)


@kernel
def fill_special(x, out):  # type: ignore[no-untyped-def]
    """Every function of `kernel.pricing.special`; the logarithm of positive normal numbers only."""
    for k in range(x.size):
        a = abs(x[k])
        out[0, k] = exp(x[k])
        out[1, k] = log(a) if 1e-300 < a < 1e300 else 0.0
        out[2, k] = mills(a)
        out[3, k] = normal_pdf(x[k])
        out[4, k] = normal_tail(a)
        out[5, k] = normal_cdf(x[k])


def ordinary(size: int) -> list[F64]:
    """Options of every kind that has a price: c, F, K, T, vol, R."""
    draw = np.random.Generator(np.random.PCG64(1976))
    F = np.exp(draw.uniform(-12, 12, size))
    T = np.where(draw.random(size) < 0.1, 0.0, np.exp(draw.uniform(-14, 2, size)))
    vol = np.where(draw.random(size) < 0.1, 0.0, np.exp(draw.uniform(-5, 2, size)))
    spread = np.where(draw.random(size) < 0.1, 0.0, draw.normal(0, 4, size))
    K = F * np.exp(-spread * vol * np.sqrt(T))
    K = np.where(draw.random(size) < 0.1, F * np.exp(draw.normal(0, 3, size)), K)
    return [np.where(draw.random(size) < 0.5, 1.0, -1.0), F, K, T, vol, draw.normal(0, 0.1, size)]


def sample(size: int) -> list[F64]:
    """`ordinary` options, followed by an edge in each place of one that has a price."""
    plain = [1.0, 100.0, 95.0, 0.5, 0.6, 0.02]
    rows = [
        [edge if place == at else value for at, value in enumerate(plain)]
        for place in range(6)
        for edge in EDGES
    ]
    edges = np.array(rows).T
    return [np.concatenate(pair) for pair in zip(ordinary(size), edges, strict=True)]


def answers(size: int = 240) -> F64:
    """All results in one column; every NaN is the same one."""
    inputs = sample(size)
    n = inputs[0].size
    special = np.empty((6, n))
    fill_special(np.concatenate([np.array(EDGES), np.linspace(-45, 45, n - len(EDGES))]), special)
    single = np.empty((9, n))
    black.black_prices(*inputs, single[0])
    black.black_greeks(*inputs, *single[1:6])
    inverse.inverse_prices(*inputs[:5], single[6])
    black.forward_prices(inputs[1], inputs[5], inputs[4], inputs[3], single[7])
    status = np.empty(n, np.int8)
    black.black_status(*inputs, status)
    single[8] = status
    rows, coin = np.empty((black.GREEKS, n)), np.empty((inverse.GREEKS, n))
    black.all_greeks(*inputs, rows)
    inverse.inverse_greeks(*inputs[:5], coin)
    everything = np.concatenate([part.ravel() for part in (special, single, rows, coin)])
    return np.where(np.isnan(everything), np.nan, everything)


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(answers().tobytes())
