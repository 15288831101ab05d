"""Print the tables of docs/accuracy.md: errors of prices and Greeks against 40-digit arithmetic.

    .venv/bin/python scripts/accuracy.py           # print the tables
    .venv/bin/python scripts/accuracy.py --write   # put them into docs/accuracy.md

The reference is the textbook price in mpmath and nothing else: a Greek of the reference is a
numerical derivative of that price, so that no formula of the package is used to check the package.
Inputs are float64 on both sides.  The same tables come out on every machine.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mpmath
import numba
import numpy as np
from mpmath import mp, mpf

from novate.kernel.pricing.special import exp, log, mills, normal_cdf, normal_pdf
from novate.valuation import pricing

PAGE = Path(__file__).parent.parent / "docs" / "accuracy.md"
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"
DIGITS = 40
STRIKE, YEARS, RATE = 100.0, 0.25, 0.03
TOTALS = (0.001, 0.01, 0.1, 0.4, 1.2, 2.5)
"""Total volatilities sigma sqrt(T)."""
DEVIATIONS = (-8.0, -5.0, -3.0, -1.5, -0.5, 0.0, 0.5, 1.5, 3.0, 5.0, 8.0)
"""ln(F/K) in units of the total volatility; no Greek is zero at these points."""

# Derivatives of the price by name: orders in forward, time, volatility and rate, and a sign.
ORDERS = {
    "price": ((0, 0, 0, 0), 1),
    "delta": ((1, 0, 0, 0), 1),
    "gamma": ((2, 0, 0, 0), 1),
    "vega": ((0, 0, 1, 0), 1),
    "theta": ((0, 1, 0, 0), -1),
    "rho": ((0, 0, 0, 1), 1),
    "vanna": ((1, 0, 1, 0), 1),
    "volga": ((0, 0, 2, 0), 1),
    "charm": ((1, 1, 0, 0), -1),
    "speed": ((3, 0, 0, 0), 1),
    "colour": ((2, 1, 0, 0), -1),
    "zomma": ((2, 0, 1, 0), 1),
}
COIN = tuple(name for name in ORDERS if name != "rho")


# Not `kernel`: its cache would be read under whatever name this file is next loaded as.
@numba.njit(error_model="numpy")
def apply_special(x, out):  # type: ignore[no-untyped-def]
    """Fill ``out`` with exp(x), log|x|, mills|x|, density and distribution function of x."""
    for k in range(x.size):
        out[0, k] = exp(x[k])
        out[1, k] = log(abs(x[k]))
        out[2, k] = mills(abs(x[k]))
        out[3, k] = normal_pdf(x[k])
        out[4, k] = normal_cdf(x[k])


def exact_cdf(x: mpf) -> mpf:
    """Normal distribution function, accurate in relative terms on the left."""
    return mpmath.erfc(-x / mpmath.sqrt(2)) / 2


def exact_price(c: int, K: float, F: mpf, T: mpf, vol: mpf, rate: mpf) -> mpf:
    """Black-76 as the textbooks write it, at mpmath's present precision."""
    s = vol * mpmath.sqrt(T)
    d1 = mpmath.log(F / K) / s + s / 2
    d2 = d1 - s
    return mpmath.exp(-rate * T) * c * (F * exact_cdf(c * d1) - K * exact_cdf(c * d2))


def exact_coin_price(c: int, K: float, F: mpf, T: mpf, vol: mpf, rate: mpf) -> mpf:
    """Return the undiscounted price over the forward."""
    return exact_price(c, K, F, T, vol, 0 * rate) / F


def exact_greek(price: Callable[..., mpf], name: str, c: int, K: float, at: list[float]) -> mpf:
    """Derivative of a price at forward, time, volatility and rate, good to `DIGITS` digits.

    Central differences of at most third order with a relative step of 1e-30: 120 digits are worked
    with, of which at most 90 cancel, and the truncation is about 1e-60 over the total volatility's
    square.
    """
    orders, sign = ORDERS[name]
    with mp.workdps(150):
        steps = [mpf(x) * mpf(10) ** -30 for x in at]
        total = mpf(0)
        for weight, offsets in stencil(orders):
            point = [mpf(x) + n * h / 2 for x, n, h in zip(at, offsets, steps, strict=True)]
            total += weight * price(c, mpf(K), *point)
        for order, h in zip(orders, steps, strict=True):
            total /= h**order
        return sign * total


def stencil(orders: tuple[int, ...]) -> Iterator[tuple[int, list[int]]]:
    """Weights and offsets, in half steps, of a central difference in each variable."""
    if not orders:
        yield 1, []
        return
    n = orders[0]
    for j in range(n + 1):
        for weight, offsets in stencil(orders[1:]):
            yield (-1) ** j * int(mpmath.binomial(n, j)) * weight, [n - 2 * j, *offsets]


def forward_at(total: float, deviation: float) -> float:
    """Return a float64 forward that many total volatilities above the strike."""
    with mp.workdps(DIGITS):
        return float(STRIKE * mpmath.exp(mpf(deviation) * total))


def relative(value: float, exact: mpf) -> float:
    """Relative error of a float64 against the reference."""
    with mp.workdps(DIGITS):
        return float(abs(mpf(float(value)) / exact - 1))


def error(name: str, c: int, total: float, deviation: float, *, coin: bool) -> float:
    """Relative error of a price or Greek at one point of the grid."""
    F, vol = forward_at(total, deviation), total / YEARS**0.5
    at = [F, YEARS, vol, RATE]
    if coin:
        ours = getattr(pricing.inverse_greeks(c, F, STRIKE, YEARS, vol), name)
        return relative(ours, exact_greek(exact_coin_price, name, c, STRIKE, at))
    ours = getattr(pricing.greeks(c, F, STRIKE, YEARS, vol, RATE), name)
    return relative(ours, exact_greek(exact_price, name, c, STRIKE, at))


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    """Lines of a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]


def shown(value: float) -> str:
    """Two digits, and no more of a zero than 0."""
    return "0" if value == 0.0 else f"{value:.1e}"


def special_table() -> list[str]:
    """Largest relative errors of the functions that everything is made of, by range."""
    points = np.random.Generator(np.random.PCG64(76))
    size = 4_000
    powers = np.ldexp(points.uniform(1, 2, size), points.integers(-1000, 1000, size))
    checks: list[tuple[str, str, int, Any, Callable[[mpf], mpf]]] = [
        ("`exp`", "-700 to 700", 0, points.uniform(-700, 700, size), mpmath.exp),
        ("`log`", "2^-1000 to 2^1000", 1, powers, mpmath.log),
        ("`log`", "0.9 to 1.1", 1, points.uniform(0.9, 1.1, size), mpmath.log),
        (
            "`mills`",
            "0 to 39",
            2,
            points.uniform(0, 39, size),
            lambda a: exact_cdf(-a) * mpmath.exp(a * a / 2) * mpmath.sqrt(2 * mp.pi),
        ),
        ("`normal_pdf`", "-37 to 37", 3, points.uniform(-37, 37, size), mpmath.npdf),
        ("`normal_cdf`", "-37 to 0", 4, points.uniform(-37, 0, size), exact_cdf),
        ("`normal_cdf`", "0 to 9", 4, points.uniform(0, 9, size), exact_cdf),
    ]
    rows = []
    for name, span, row, x, exact in checks:
        out = np.empty((5, size))
        apply_special(x, out)
        with mp.workdps(DIGITS):
            worst = max(relative(out[row, k], exact(mpf(float(x[k])))) for k in range(size))
        rows.append([name, span, shown(worst)])
    return table(["function", "range", "largest relative error"], rows)


def price_table(side: int, *, coin: bool) -> list[str]:
    """Relative errors of prices; ``side`` 1 takes the option out of the money, -1 the other."""
    rows = [
        [f"{total:g}"]
        + [
            shown(error("price", side if z <= 0 else -side, total, z, coin=coin))
            for z in DEVIATIONS
        ]
        for total in TOTALS
    ]
    return table(["s \\ z", *(f"{z:g}" for z in DEVIATIONS)], rows)


def greek_table(*, coin: bool) -> list[str]:
    """Largest relative error of each Greek over z, of calls and puts, by total volatility."""
    rows = [
        [name]
        + [
            shown(max(error(name, c, total, z, coin=coin) for z in DEVIATIONS for c in (1, -1)))
            for total in TOTALS
        ]
        for name in (COIN if coin else ORDERS)
        if name != "price"
    ]
    return table(["Greek \\ s", *(f"{total:g}" for total in TOTALS)], rows)


def tables() -> str:
    """All tables, as the page holds them."""
    parts = [
        ("Functions", special_table()),
        ("Black-76, option out of the money", price_table(1, coin=False)),
        ("Black-76, option in the money", price_table(-1, coin=False)),
        ("Greeks of Black-76", greek_table(coin=False)),
        ("Coin price, option out of the money", price_table(1, coin=True)),
        ("Coin price, option in the money", price_table(-1, coin=True)),
        ("Greeks of the coin price", greek_table(coin=True)),
    ]
    return "\n\n".join(f"### {title}\n\n" + "\n".join(lines) for title, lines in parts)


def main() -> None:
    """Print the tables, or write them into the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--write", action="store_true", help="write docs/accuracy.md")
    text = tables()
    if not parser.parse_args().write:
        print(text)
        return
    page = PAGE.read_text(encoding="utf-8")
    before, after = page.partition(BEGIN)[0], page.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
