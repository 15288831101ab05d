"""Error of the Greeks of exotics by total volatility, against the textbook prices in 80 digits.

``python -m tests.golden.exotic_accuracy`` prints the table of `docs/accuracy.md`.

A Greek's error is a part of its scale: S (of a digital, what it pays) times 1/(S s) for each
derivative to spot, 1/vol, 1/T and T for those to volatility, time and rate, s = vol sqrt(T).
"""

from __future__ import annotations

import functools
import itertools
import math
import sys
from collections.abc import Callable, Iterator
from typing import Any

import mpmath as mp

from novate.valuation import exotic
from tests.golden import exact_barrier, test_digital, test_double_barrier
from tests.golden.derivative import BY, derivative, scale

TOTALS = (0.001, 0.01, 0.1, 0.4, 1.2, 2.5)
"""Total volatilities sigma sqrt(T)."""
S, T, RATE, YIELD = 100.0, 0.25, 0.03, 0.01
STRIKES = (-1.5, 0.1, 1.5)
"""ln(K/S) in total volatilities."""
AWAY = (0.2, 1.1)
"""Distance of the barrier in total volatilities."""

Case = tuple[Any, Callable[..., Any], list[float], dict[str, int], float]
"""Our Greeks, the reference price, its inputs, where S, T, v and r stand in them, and a unit."""


def level(x: float) -> float:
    """Return a float64 price at a logarithmic distance from the spot, the same on any machine."""
    with mp.workdps(40):
        return float(S * mp.exp(x))


def digitals(total: float) -> Iterator[Case]:
    """Cash and asset, in quote and in coin, calls and puts, at three strikes."""
    vol = total / math.sqrt(T)
    for z, c, is_asset, is_coin in itertools.product(
        STRIKES, (1, -1), (True, False), (True, False)
    ):
        inputs = [S, level(z * total), T, vol, RATE]
        ours = exotic.digital(
            c, F=S, K=inputs[1], T=T, vol=vol, rate=RATE, pays_asset=is_asset, in_coin=is_coin
        )
        unit = (S if is_asset else 1.0) / (S if is_coin else 1.0)
        price = functools.partial(test_digital.exact, c, is_asset, is_coin)
        yield ours, price, inputs, {"S": 0, "T": 2, "v": 3, "r": 4}, unit


def barriers(total: float, rebate: float) -> Iterator[Case]:
    """All eight, at two distances and three strikes."""
    vol = total / math.sqrt(T)
    for z, away, kind in itertools.product(STRIKES, AWAY, exact_barrier.KINDS):
        u = 1 if kind[1] == "up" else -1
        K, H = level(z * total), level(u * away * total)
        inputs = [S, K, H, rebate, T, vol, RATE, YIELD]
        ours = exotic.barrier(
            1 if kind[0] == "call" else -1, direction=u, is_in=kind[2] == "in", S=S, K=K, H=H, T=T,
            vol=vol, rate=RATE, yield_=YIELD, rebate=rebate, monitoring=1,
        )  # fmt: skip
        price = functools.partial(exact_barrier.value, kind)
        yield ours, price, inputs, {"S": 0, "T": 4, "v": 5, "r": 6}, S


def double_barriers(total: float) -> Iterator[Case]:
    """Knocked out, corridors of 1.3 and 4 total volatilities, calls and puts."""
    vol = total / math.sqrt(T)
    for width, c in itertools.product((1.3, 4.0), (1, -1)):
        lower, upper = level(-0.4 * width * total), level(0.6 * width * total)
        K = level(0.1 * total)
        inputs = [S, K, lower, upper, T, vol, RATE, YIELD]
        ours = exotic.double_barrier(
            c, is_in=False, S=S, K=K, lower=lower, upper=upper, T=T, vol=vol, rate=RATE,
            yield_=YIELD,
        )  # fmt: skip
        price = functools.partial(test_double_barrier.exact, c)
        yield ours, price, inputs, {"S": 0, "T": 4, "v": 5, "r": 6}, S


KINDS: dict[str, Callable[[float], Iterator[Case]]] = {
    "digitals": digitals,
    "barriers": functools.partial(barriers, rebate=0.0),
    "barriers with a rebate of 5": functools.partial(barriers, rebate=5.0),
    "double barriers": double_barriers,
}


def worst(kind: str, total: float) -> dict[str, float]:
    """Return the largest error of each Greek over the grid of a kind."""
    found = dict.fromkeys(BY, 0.0)
    vol = total / math.sqrt(T)
    for ours, price, inputs, places, unit in KINDS[kind](total):
        for name in BY:
            apart = abs(getattr(ours, name) - derivative(price, inputs, places, name))
            found[name] = max(found[name], float(apart) / scale(unit, S, T, vol, name))
    return found


def tables() -> str:
    """All tables, as the page holds them."""
    parts = []
    for kind in KINDS:
        columns = [worst(kind, total) for total in TOTALS]
        head = ["Greek \\ s", *(f"{total:g}" for total in TOTALS)]
        lines = [head, ["---"] * len(head)]
        lines += [[name, *(f"{column[name]:.1e}" for column in columns)] for name in BY]
        shown = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        parts.append(f"### Greeks of {kind}\n\n{shown}")
    return "\n\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(tables() + "\n")
