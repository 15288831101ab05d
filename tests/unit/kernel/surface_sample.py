"""A fixed surface and fixed sums, digested: run as a program, it prints the digest.

With ``kernels`` as its argument it fits two slices of nine quotes and a small SSVI in few steps, so
that plain Python can do it too; with ``surface`` a whole noisy chain, whose calendar arbitrage is
repaired, whose last expiry is too thin for a fit of its own, and of which quotes are given up.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from novate.kernel.pricing.aggregate import PIECE, group_sums
from novate.kernel.pricing.parity_line import parity_line
from novate.kernel.pricing.ssvi_fit import fit_ssvi
from novate.kernel.pricing.svi_fit import fit_svi, refine_slices
from novate.market.volatility import (
    ForwardTerms,
    QuoteTerms,
    Surface,
    SurfaceRefusal,
    SurfaceTerms,
    fit_surface,
)
from tests.unit.market.volatility.synthetic import chain

LOWER = np.array([-1.0, 0.0, -0.995, -2.0, 0.005])
UPPER = np.array([1.0, 2.0, 0.995, 2.0, 5.0])
TERMS = np.array([2e-3, 1e-5, 1e2, 0.6, 0.2, 0.5])
STEPS = 4


def kernels() -> Iterator[np.ndarray]:
    """Every loop of a fit, a few steps each, and sums of groups that are long and short."""
    rng = np.random.default_rng(7)
    k = np.tile(np.linspace(-0.5, 0.4, 9), 2)
    vol = 0.6 + 0.3 * k * k - 0.1 * k + 0.01 * rng.uniform(-1.0, 1.0, 18)
    half = rng.uniform(0.002, 0.01, 18)
    vol[9:] *= 0.6  # less total variance than before: the slices cross
    quotes = np.stack([k, vol, half, np.ones(18)])
    grid = np.tile(np.linspace(-3.0, 3.0, 13), (2, 1))
    limits = np.stack([np.zeros((2, 13)), np.full((2, 13), np.inf), np.full((2, 13), 0.05)])
    starts, years = np.array([0, 9, 18]), np.array([0.25, 0.3])
    p = np.empty((2, 5))
    for j in range(2):
        one = slice(9 * j, 9 * j + 9)
        fit_svi(
            quotes[:, one], starts[:2], years[j : j + 1], grid[j : j + 1], limits[:, j : j + 1],
            TERMS, np.zeros(1), np.array([0.1, 0.4]), LOWER, UPPER, STEPS, p[j],
        )  # fmt: skip
    yield p.copy()
    both = p.ravel()
    refine_slices(
        quotes, starts, years, grid, limits, TERMS, np.tile(LOWER, 2), np.tile(UPPER, 2), STEPS,
        both,
    )  # fmt: skip
    yield both
    parameters = np.array([-0.3, 1.0, 0.4, 0.09, 0.1])
    fit_ssvi(k, vol, half, np.repeat([0, 1], 9), years, STEPS, parameters)
    yield parameters
    line = np.empty(5)
    parity_line(np.exp2(k[:9]), 1.0 - np.exp2(k[:9]) + half[:9], half[:9], 0.5, np.empty(9), line)
    yield line
    count = 2 * PIECE + 500
    group = np.where(np.arange(count) < PIECE + 300, 1, rng.integers(0, 40, count))
    yield group_sums(
        group, 40, rng.integers(0, 6, count).astype(np.int32), rng.uniform(-1e6, 1e6, count),
        rng.uniform(-1.0, 1.0, (6, 2)),
    )  # fmt: skip


def fitted() -> Surface | SurfaceRefusal:
    """Fit a chain in which nothing is smooth."""
    source = chain(days=(5, 8, 30, 60), strikes=13)
    noise = 1.0 + 0.04 * np.random.default_rng(11).uniform(-1.0, 1.0, len(source))
    expiry = np.searchsorted(np.unique(source.expiry_ns), source.expiry_ns)
    thin = (expiry == 3) & (np.arange(len(source)) % 9 > 0)
    noise = noise * np.where(expiry == 0, 1.5, 1.0)
    return fit_surface(
        replace(source, bid=np.where(thin, np.nan, source.bid * noise), ask=source.ask * noise),
        SurfaceTerms(
            forward=ForwardTerms(parity_tolerance=1.0), quote=QuoteTerms(parity_tolerance=1.0)
        ),
    )


def surface() -> Iterator[np.ndarray]:
    """Forwards, quotes and slices of a whole chain."""
    found = fitted()
    assert isinstance(found, Surface)
    for one in found.slices:
        yield one.first_fit.array
        yield one.raw.array
    yield found.curve.forward
    yield found.curve.implied_discount
    yield found.quotes.mid_vol


SAMPLES = {"kernels": kernels, "surface": surface}


def digest(name: str) -> str:
    """One digest of all bits."""
    whole = hashlib.sha256()
    for column in SAMPLES[name]():
        whole.update(np.ascontiguousarray(np.nan_to_num(column, nan=-1e99)).tobytes())
    return whole.hexdigest()


if __name__ == "__main__":
    sys.stdout.write(digest(sys.argv[1]))
