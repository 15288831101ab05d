"""Pieces of the inversion: start, step, search, bounds, status; the same bits everywhere."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import mpmath
import numpy as np
import pytest

from novate.kernel.clearing.columns import F64
from novate.kernel.codes import PricingStatus
from novate.kernel.jit import kernel
from novate.kernel.pricing.implied_volatility import (
    STEP_MAX,
    TILE,
    bounds,
    discount_factors,
    implied_volatilities,
    log_ratio,
    relative_step,
    root_start,
    rough_step,
    search,
)

ROOT = Path(__file__).parents[4]


@kernel
def _march(x, target, out):  # type: ignore[no-untyped-def]
    for k in range(x.size):
        s = root_start(x[k], target[k])
        out[0, k] = s
        s += s * rough_step(x[k], target[k], s)
        out[1, k] = s
        out[2, k] = relative_step(x[k], target[k], s)
        out[3, k] = s + s * out[2, k]


@kernel
def _search(x, target, start, out):  # type: ignore[no-untyped-def]
    for k in range(x.size):
        out[k] = search(x[k], target[k], start[k])


@kernel
def _log_ratios(F, K, out):  # type: ignore[no-untyped-def]
    for k in range(F.size):
        out[k] = log_ratio(F[k], K[k])


@kernel
def _bounds(c, F, K, D, price, out):  # type: ignore[no-untyped-def]
    for k in range(F.size):
        out[0, k], out[1, k], out[2, k], out[3, k] = bounds(c[k], F[k], K[k], D[k], price[k])


def domain(size: int, x_max: float, seed: int) -> tuple[F64, F64]:
    """x from 1e-9 on, some zero, and targets from 1e-300 over 1/2 to 1e-15 below the maximum."""
    rng = np.random.default_rng(seed)
    x = 10.0 ** rng.uniform(-9, np.log10(x_max), size)
    x[::20] = 0.0
    depth = np.where(rng.random(size) < 0.5, rng.uniform(0.31, 300, size), rng.uniform(0.31, 9))
    v = 10.0**-depth
    w = 10.0 ** -rng.uniform(0.31, 15, size)
    return x, np.where(rng.random(size) < 0.6, v, -w)


def test_the_start_is_within_ten_per_cent_of_the_root() -> None:
    x, target = domain(20_000, 30.0, 1)
    out = np.empty((4, x.size))
    _march(x, target, out)

    assert np.abs(out[0] / out[3] - 1).max() < 0.1


def test_the_second_step_is_tiny_so_that_a_third_would_change_nothing() -> None:
    x, target = domain(20_000, 30.0, 2)
    out = np.empty((4, x.size))
    _march(x, target, out)

    assert (np.abs(out[2]) > STEP_MAX).mean() < 1e-3
    assert np.abs(out[2]).max() < 1e-3


@pytest.mark.parametrize("factor", [1e-6, 0.3, 3.0, 1e6])
def test_the_search_comes_home_from_any_start(factor: float) -> None:
    x, target = domain(2_000, 600.0, 3)
    out = np.empty((4, x.size))
    _march(x, target, out)
    found, near = np.empty(x.size), np.empty(x.size)
    _search(x, target, out[0] * factor, found)
    _search(x, target, out[3], near)

    assert found == pytest.approx(near, rel=1e-14, abs=0.0)


def test_the_logarithm_of_a_ratio_is_accurate_where_the_two_are_close() -> None:
    rng = np.random.default_rng(4)
    K = rng.uniform(1, 1e5, 500)
    F = K * (1 + np.concatenate((10.0 ** -rng.uniform(1, 15, 250), rng.uniform(-0.99, 10, 250))))
    out = np.empty(F.size)
    _log_ratios(F, K, out)

    with mpmath.workdps(40):
        for k in range(F.size):
            exact = abs(mpmath.log(mpmath.mpf(F[k]) / mpmath.mpf(K[k])))
            assert abs(out[k] - exact) <= 4e-16 * exact


def test_time_value_and_distance_to_the_maximum_lose_nothing_to_the_bounds() -> None:
    rng = np.random.default_rng(5)
    F, K = 10.0 ** rng.uniform(-3, 5, 500), 10.0 ** rng.uniform(-3, 5, 500)
    c, D = np.where(rng.random(500) < 0.5, 1.0, -1.0), rng.uniform(0.5, 1.0, 500)
    inside = np.maximum(c * (F - K), 0)
    price = D * (inside + rng.uniform(0, 1, 500) * np.minimum(F, K))
    out = np.empty((4, F.size))
    _bounds(c, F, K, D, price, out)

    with mpmath.workdps(60):
        for k in range(F.size):
            f, strike, d, p = (mpmath.mpf(float(column[k])) for column in (F, K, D, price))
            unit = d * min(f, strike)
            v = (p - d * max(mpmath.mpf(c[k]) * (f - strike), 0)) / unit
            w = (d * (f if c[k] > 0 else strike) - p) / unit
            assert abs(out[0, k] - v) <= 4e-16 * abs(v)
            assert abs(out[1, k] - w) <= 4e-16 * abs(w)


def columns(*rows: tuple[float, ...]) -> list[F64]:
    return [np.array(column, np.float64) for column in zip(*rows, strict=True)]


def invert(*given: F64) -> tuple[F64, list[PricingStatus]]:
    vol, status = np.empty(given[0].size), np.empty(given[0].size, np.int8)
    implied_volatilities(*given, vol, status)
    return vol, [PricingStatus(code) for code in status]


NAN, INF = np.nan, np.inf
STATUS = PricingStatus
REFUSED = [
    # c, F, K, T, price, D
    ((1, NAN, 100, 1, 10, 1), STATUS.NOT_FINITE),
    ((1, 100, INF, 1, 10, 1), STATUS.NOT_FINITE),
    ((1, 100, 100, 1, NAN, 1), STATUS.NOT_FINITE),
    ((0.5, -100, 100, 1, 10, 1), STATUS.SIDE_UNKNOWN),
    ((1, 0, -100, 1, 10, 1), STATUS.FORWARD_NOT_POSITIVE),
    ((1, 100, 0, -1, 10, 1), STATUS.STRIKE_NOT_POSITIVE),
    ((1, 100, 100, -1e-9, 10, 0), STATUS.TIME_NEGATIVE),
    ((1, 100, 100, 1, 10, 0), STATUS.PARAMETER_OUT_OF_RANGE),
    ((1, 100, 120, 1, -1e-300, 1), STATUS.PRICE_BELOW_INTRINSIC),
    ((1, 120, 100, 1, 19.999999999999996, 1), STATUS.PRICE_BELOW_INTRINSIC),
    ((-1, 100, 120, 1, 9.9, 0.5), STATUS.PRICE_BELOW_INTRINSIC),
    ((1, 100, 120, 1, 100, 1), STATUS.PRICE_ABOVE_MAXIMUM),
    ((-1, 100, 120, 1, 60, 0.5), STATUS.PRICE_ABOVE_MAXIMUM),
    ((1, 100, 120, 0, 1e-9, 1), STATUS.PRICE_ABOVE_MAXIMUM),
    ((1, 1e3, 1e3, 1, 1e-306, 1), STATUS.NOT_CONVERGED),
    ((1, 100, 300, 1, 5e-324, 1), STATUS.NOT_CONVERGED),
    ((1, 100, 100, 1, 10, INF), STATUS.PARAMETER_OUT_OF_RANGE),
    ((1, 1e10, 1e9, 1, 10, 1e304), STATUS.PARAMETER_OUT_OF_RANGE),
    ((1, 100, 100, 1, 10, NAN), STATUS.NOT_FINITE),
]


@pytest.mark.parametrize(("row", "status"), REFUSED)
def test_a_price_without_a_volatility_says_why(
    row: tuple[float, ...], status: PricingStatus
) -> None:
    vol, found = invert(*columns(row))

    assert found == [status]
    assert np.isnan(vol).all()


@pytest.mark.parametrize(
    "row",
    [
        (1, 100, 120, 1, 0, 1),
        (1, 120, 100, 1, 20, 1),
        (-1, 120, 100, 0, 0, 1),
        (-1, 100, 130, 2, 0.9 * 30, 0.9),
        (1, 0.3, 0.1, 0.5, 0.7 * (0.3 - 0.1), 0.7),
    ],
)
def test_exactly_the_intrinsic_value_is_a_volatility_of_zero(row: tuple[float, ...]) -> None:
    vol, found = invert(*columns(row))

    assert found == [STATUS.OK]
    assert vol.tolist() == [0.0]


def test_a_refused_row_changes_no_bit_of_its_neighbours() -> None:
    rng = np.random.default_rng(6)
    size = 2 * TILE + 77
    good = [
        np.where(rng.random(size) < 0.5, 1.0, -1.0), np.full(size, 100.0),
        rng.uniform(90, 110, size), rng.uniform(0.1, 2, size), rng.uniform(11, 60, size),
        np.full(size, 0.97),
    ]  # fmt: skip
    vol, _ = invert(*good)
    bad = [column.copy() for column in good]
    at = rng.permutation(size)[: 10 * len(REFUSED)]
    for k, (row, _) in zip(at, REFUSED * 10, strict=True):
        for column, value in zip(bad, row, strict=True):
            column[k] = value
    mixed, found = invert(*bad)

    assert [found[k] for k in at] == [status for _, status in REFUSED * 10]
    rest = np.setdiff1d(np.arange(size), at)
    assert mixed[rest].tobytes() == vol[rest].tobytes()


def test_the_discount_factor_is_that_of_the_rate() -> None:
    R, T, D = np.array([0.0, 0.1, -0.05]), np.array([3.0, 1.7, 0.5]), np.empty(3)
    discount_factors(R, T, D)

    assert pytest.approx(np.exp(-R * T), rel=2e-16) == D
    assert D[0] == 1.0


def digest() -> str:
    """Digest of volatilities over the whole domain, and of the search between brackets."""
    rng = np.random.default_rng(7)
    size = 40
    x = np.concatenate((rng.uniform(-5, 5, size - 4), [60.0, -300.0, 0.0, 1e-12]))
    F, K = np.exp(x), np.ones(size)
    share = np.concatenate((10.0 ** -rng.uniform(0, 200, size - 8), [0.4, 0.6, 0.9, 0.99] * 2))
    c, D = np.where(rng.random(size) < 0.5, 1.0, -1.0), np.full(size, 0.9)
    price = D * (np.maximum(c * (F - K), 0) + share * np.minimum(F, K))
    vol, status = np.empty(size), np.empty(size, np.int8)
    implied_volatilities(c, F, K, rng.uniform(0.1, 2, size), price, D, vol, status)
    found = np.array([search(2.0, 0.1, 50.0), search(0.5, -1e-3, 0.1), search(0.0, 1e-200, 1.0)])
    return hashlib.sha256(vol.tobytes() + status.tobytes() + found.tobytes()).hexdigest()


@pytest.mark.parametrize(
    "environment",
    [{"NUMBA_DISABLE_JIT": "1"}, {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}],
)
def test_compiler_and_processor_do_not_show_in_the_bits(
    environment: dict[str, str], tmp_path: Path
) -> None:
    module = "tests.unit.kernel.pricing.test_implied_volatility"
    script = f"from {module} import digest\nprint(digest(), end='')"
    process = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}",
            "NUMBA_CACHE_DIR": str(tmp_path),
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert process.returncode == 0, process.stderr
    assert process.stdout == digest()
