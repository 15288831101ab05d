"""Black-76: strict kernels against NumPy with SciPy, C++, QuantLib and a fast-math compilation."""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import math
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numba
import numpy as np
import QuantLib
from scipy.special import ndtr

from novate.kernel import jit
from novate.kernel.clearing.columns import F64
from novate.kernel.pricing import black, inverse
from tests.bench.contest import Contest, Side

LARGE, CACHED, MARKET, ONE_BY_ONE, CHUNK = 1_000_000, 4_000, 5_000, 4_000, 8_192
REPEATS = 50
CPP = Path(__file__).with_name("black.cpp")
COMPILERS = ("g++", "clang++")
# Strict; no flag changes a result: square roots and comparisons set no error flags.
CPP_FLAGS = [
    "-O3", "-march=native", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math",
    "-shared", "-fPIC",
]  # fmt: skip


class Options:
    """Options of a listed market, and room for price and four Greeks of two contestants."""

    def __init__(self, size: int) -> None:
        draw = np.random.Generator(np.random.PCG64(7))
        F = np.full(size, 60_000.0) * np.exp(draw.normal(0, 0.02, size))
        T = draw.uniform(1 / 365, 1.0, size)
        vol = draw.uniform(0.3, 1.2, size)
        K = F * np.exp(draw.normal(0, 1, size) * vol * np.sqrt(T))
        side = np.where(draw.random(size) < 0.5, 1.0, -1.0)
        self.size = size
        self.inputs: list[F64] = [side, F, K, T, vol, np.full(size, 0.04)]
        self.ours: list[F64] = [np.empty(size) for _ in range(5)]
        self.theirs: list[F64] = [np.empty(size) for _ in range(5)]

    def strict(self) -> None:
        black.black_greeks(*self.inputs, *self.ours)

    def numpy(self) -> None:
        for a in range(0, self.size, CHUNK):
            part = slice(a, a + CHUNK)
            numpy_greeks([x[part] for x in self.inputs], [x[part] for x in self.theirs])

    def gap(self, rows: slice = slice(None)) -> float:
        """Largest difference, as a part of what each number could be."""
        _, F, _, T, vol, _ = (x[rows] for x in self.inputs)
        root = np.sqrt(T)
        sizes = (F, 1.0, 1 / (F * vol * root), F * root, F * vol / root)
        return max(
            float(np.max(np.abs(a[rows] - b[rows]) / size))
            for a, b, size in zip(self.ours, self.theirs, sizes, strict=True)
        )

    def same_bits(self) -> bool:
        return all((a == b).all() for a, b in zip(self.ours, self.theirs, strict=True))


def numpy_greeks(inputs: list[F64], outputs: list[F64]) -> None:
    """Price and four Greeks as a careful user of NumPy writes them, on one chunk."""
    c, F, K, T, vol, R = inputs
    price, delta, gamma, vega, theta = outputs
    root = np.sqrt(T)
    s = vol * root
    d1 = np.log(F / K)
    d1 /= s
    d1 += 0.5 * s
    d2 = d1 - s
    D = np.exp(-R * T)
    density = np.exp(-0.5 * d1 * d1)
    density *= D
    density *= black.INV_SQRT_2PI
    d1 *= c
    d2 *= c
    np.multiply(ndtr(d1), c * D, out=delta)
    np.multiply(F, delta, out=price)
    price -= c * D * K * ndtr(d2)
    np.divide(density, F * s, out=gamma)
    density *= F
    np.multiply(density, root, out=vega)
    np.multiply(R, price, out=theta)
    theta -= density * vol / (2 * root)


def quantlib_greeks(options: Options, count: int) -> None:
    """Fill the first options one by one, as QuantLib's users in Python do."""
    call, put = QuantLib.Option.Call, QuantLib.Option.Put
    price, delta, gamma, vega, theta = options.theirs
    rows = np.array([x[:count] for x in options.inputs]).T.tolist()
    for k, (c, F, K, T, vol, R) in enumerate(rows):
        payoff = QuantLib.PlainVanillaPayoff(call if c > 0 else put, K)
        D = math.exp(-R * T)
        calculator = QuantLib.BlackCalculator(payoff, F, vol * math.sqrt(T), D)
        price[k] = calculator.value()
        delta[k] = calculator.deltaForward()
        gamma[k] = calculator.gammaForward()
        vega[k] = calculator.vega(T)
        # Its theta lets the forward grow from a spot; at a spot of D F that adds R F delta.
        theta[k] = calculator.theta(D * F, T) + R * F * delta[k]


def cpp_greeks(folder: Path) -> Callable[..., None] | None:
    """Compile the C++ twin; nothing where there is no compiler."""
    compiler = next(filter(None, map(shutil.which, COMPILERS)), None)
    if compiler is None:
        return None
    library = folder / "black.so"
    subprocess.run([compiler, *CPP_FLAGS, "-o", str(library), str(CPP)], check=True)
    return ctypes.CDLL(str(library)).black_greeks  # type: ignore[no-any-return]


def relaxed_black() -> ModuleType:
    """Compile the same source with fast-math, callees included."""
    names = ("novate.kernel.pricing.special", "novate.kernel.pricing.black")
    kept = {name: sys.modules.pop(name) for name in names}
    decorators = jit.inlined, jit.kernel
    options: dict[str, Any] = {"fastmath": True, "error_model": "numpy"}
    jit.inlined = numba.njit(**options, _nrt=False, forceinline=True)
    jit.kernel = numba.njit(**options, nogil=True)
    try:
        return importlib.import_module(names[1])
    finally:
        jit.inlined, jit.kernel = decorators
        sys.modules.update(kept)
        novate_kernel = importlib.import_module("novate.kernel")
        for name, module in kept.items():
            setattr(novate_kernel, name.rsplit(".", 1)[1], module)


def repeated(work: Callable[[], object]) -> Callable[[], None]:
    """Return work done `REPEATS` times: one call in cache is too short for the clock."""

    def run() -> None:
        for _ in range(REPEATS):
            work()

    return run


def large_contests() -> Iterator[Contest]:
    """From memory: NumPy with SciPy, and QuantLib one by one."""
    options = Options(LARGE)
    ours = Side(name="strict kernel", amount=LARGE, call=options.strict)
    regime = f"price and four Greeks, one thread, N = {LARGE:,}"
    yield Contest(
        name="Black-76",
        regime=regime,
        unit="options",
        ours=ours,
        theirs=Side(name="NumPy and SciPy's ndtr, 8k chunks", amount=LARGE, call=options.numpy),
        goal=3,
        holds=lambda: options.gap() < 1e-13,
    )
    first = slice(0, ONE_BY_ONE)
    yield Contest(
        name="Black-76",
        regime=regime + f", QuantLib on {ONE_BY_ONE:,} of them",
        unit="options",
        ours=ours,
        theirs=Side(
            name="QuantLib's BlackCalculator from Python",
            amount=ONE_BY_ONE,
            call=partial(quantlib_greeks, options, ONE_BY_ONE),
        ),
        goal=400,
        holds=lambda: options.gap(first) < 1e-11,
    )


def cached_contests(folder: Path) -> Iterator[Contest]:
    """In cache: the same operations in C++, and with fast-math."""
    options = Options(CACHED)
    ours = Side(name="strict kernel", amount=CACHED * REPEATS, call=repeated(options.strict))
    regime = f"price and four Greeks, one thread, N = {CACHED:,}, in cache"
    in_cpp = cpp_greeks(folder)
    if in_cpp is not None:
        pointers = [x.ctypes.data_as(ctypes.c_void_p) for x in options.inputs + options.theirs]
        yield Contest(
            name="Black-76",
            regime=regime + "; the answers are the same bits",
            unit="options",
            ours=ours,
            theirs=Side(
                name="the same operations in strict C++",
                amount=CACHED * REPEATS,
                call=repeated(lambda: in_cpp(ctypes.c_int64(CACHED), *pointers)),
            ),
            goal=0.8,
            holds=options.same_bits,
        )
    relaxed = relaxed_black()
    yield Contest(
        name="Black-76",
        regime=regime,
        unit="options",
        ours=ours,
        theirs=Side(
            name="the same source with fast-math",
            amount=CACHED * REPEATS,
            call=repeated(lambda: relaxed.black_greeks(*options.inputs, *options.theirs)),
        ),
        goal=0.85,
        holds=lambda: options.gap() < 1e-12,
    )


def market_contests() -> Iterator[Contest]:
    """All Greeks of a market, against NumPy merely touching the same columns once."""
    options = Options(MARKET)
    c, F, K, T, vol, R = options.inputs
    rows, other = np.empty((2, black.GREEKS, MARKET))
    singles = np.empty((5, MARKET))

    def touch() -> None:
        for k, row in enumerate(other):
            np.multiply(options.inputs[k % 6], 1.0, out=row)

    def holds() -> bool:
        black.black_greeks(*options.inputs, *singles)
        return bool((rows[:5] == singles).all())

    yield Contest(
        name="all twelve Greeks of a market",
        regime=f"{MARKET:,} contracts; the rate of NumPy is that of one pass from each column in "
        "to each column out, without arithmetic",
        unit="contracts",
        ours=Side(
            name="all_greeks",
            amount=MARKET * REPEATS,
            call=repeated(lambda: black.all_greeks(c, F, K, T, vol, R, rows)),
        ),
        theirs=Side(name="one NumPy pass", amount=MARKET * REPEATS, call=repeated(touch)),
        goal=0,
        holds=holds,
    )
    coin = np.empty((inverse.GREEKS, MARKET))
    yield Contest(
        name="all twelve coin Greeks of a market",
        regime=f"{MARKET:,} contracts",
        unit="contracts",
        ours=Side(
            name="inverse_greeks",
            amount=MARKET * REPEATS,
            call=repeated(lambda: inverse.inverse_greeks(c, F, K, T, vol, coin)),
        ),
        theirs=Side(
            name="all_greeks",
            amount=MARKET * REPEATS,
            call=repeated(lambda: black.all_greeks(c, F, K, T, vol, np.zeros(MARKET), rows)),
        ),
        goal=0,
        holds=lambda: bool((coin[inverse.PRICE] == rows[black.PRICE] / F).all()),
    )


def contests() -> Iterator[Contest]:
    """Every contest; the compiled rival lives as long as they do."""
    yield from large_contests()
    with tempfile.TemporaryDirectory() as folder:
        yield from cached_contests(Path(folder))
    yield from market_contests()


def remarks() -> Iterator[str]:
    """What was not measured here, and why."""
    if not any(map(shutil.which, COMPILERS)):
        yield "Black-76 against C++: not measured, no compiler found."
    if importlib.util.find_spec("jax") is None:
        yield "Black-76 against JAX on the processor: not measured, JAX is not installed."
