"""Fit and print the coefficients of `mills_pair.py` and `implied_volatility.py`.

Weighted least squares in 100 digits, linear in the coefficients of P and Q; the weights follow the
errors until these level off, which makes a fit minimax in relative terms.  Takes some seconds.
"""

from __future__ import annotations

import mpmath
from mpmath import mpf

mpmath.mp.dps = 100
SHIFT, REACH, NODES = mpf("0.8"), 60, 120
Polynomial = list[mpf]


def mills(a: mpf) -> mpf:
    """Return exp(a^2/2) N(-a) sqrt(2 pi)."""
    return mpmath.sqrt(mpmath.pi / 2) * mpmath.exp(a * a / 2) * mpmath.erfc(a / mpmath.sqrt(2))


def value(polynomial: Polynomial, x: mpf) -> mpf:
    """Return a polynomial, constant term first, at x."""
    return mpmath.polyval(polynomial[::-1], x)


def solve(
    points: list[tuple[mpf, mpf]], scales: list[mpf], n: int, m: int
) -> tuple[Polynomial, Polynomial]:
    """Return P of degree n and Q of degree m, Q(0) = 1, with the least scaled P - f Q."""
    rows, right = mpmath.matrix(len(points), n + 1 + m), mpmath.matrix(len(points), 1)
    for j, ((x, f), scale) in enumerate(zip(points, scales, strict=True)):
        for k in range(n + 1):
            rows[j, k] = scale * x**k
        for k in range(1, m + 1):
            rows[j, n + k] = -scale * f * x**k
        right[j] = scale * f
    solution = list(mpmath.lu_solve(rows.T * rows, rows.T * right))
    return solution[: n + 1], [mpf(1), *solution[n + 1 :]]


def fit(
    points: list[tuple[mpf, mpf]], n: int, m: int, rounds: int
) -> tuple[mpf, Polynomial, Polynomial]:
    """Return the largest relative error at the points (x, f), P and Q of the best round."""
    weights, last = [mpf(1)] * len(points), [mpf(1)] * len(points)
    best: tuple[mpf, Polynomial, Polynomial] = (mpf("inf"), [], [])
    for _ in range(rounds):
        scales = [
            mpmath.sqrt(w) / (f * q) for w, q, (_, f) in zip(weights, last, points, strict=True)
        ]
        p, q = solve(points, scales, n, m)
        last = [value(q, x) for x, _ in points]
        errors = [
            abs(value(p, x) / below / f - 1) for below, (x, f) in zip(last, points, strict=True)
        ]
        best = min(best, (max(errors), p, q), key=lambda found: found[0])
        moved = [w * e for w, e in zip(weights, errors, strict=True)]
        mean = sum(moved) / len(points)
        weights = [max(w / mean, mpf(10) ** -30) for w in moved]
    return best


def bezoutian(p: Polynomial, q: Polynomial) -> list[list[mpf]]:
    """Return the coefficients of y^j z^k in (P(y) Q(z) - P(z) Q(y)) / (z - y)."""
    size = len(q) - 1
    p = [*p, *[mpf(0)] * (len(q) - len(p))]
    table = [[mpf(0)] * size for _ in range(size)]
    for j in range(size + 1):
        for k in range(j + 1, size + 1):
            for i in range(k - j):
                table[j + i][k - 1 - i] += p[j] * q[k] - p[k] * q[j]
    return table


def show(name: str, numbers: Polynomial) -> None:
    """Print coefficients as float64, constant term first."""
    print(f"  {name}:", *(repr(float(number)) for number in numbers))


def show_mills(degree: int) -> None:
    """Fit and print P, Q and J, its terms by the difference of the two exponents."""
    end = (REACH + SHIFT - 3) / (REACH + SHIFT + 3)
    points = []
    for j in range(NODES):
        t = -1 + (mpmath.cos(mpmath.pi * (2 * j + 1) / (2 * NODES)) + 1) / 2 * (end + 1)
        y = 3 * (1 + t) / (1 - t)
        points.append((y, mills(y - SHIFT)))
    error, p, q = fit(points, degree, degree + 1, 14)
    table = bezoutian(p, q)
    print(f"Mills ratio, degree {degree}: {mpmath.nstr(error, 3)}")
    print("  all of J positive:", all(number > 0 for row in table for number in row))
    show("P", p)
    show("Q", q)
    for k in range(len(table)):
        show(f"J, difference {k}", [table[j][j + k] for j in range(len(table) - k)])


def show_starts() -> None:
    """Fit and print the inverses of Bachelier's price and of the normal tail, and a root."""
    points = []
    for j in range(1, 160):
        h = mpf(10) ** (-6 + mpf(j) / 10) if j < 60 else 1 + mpf(j - 60) * 38 / 99
        ratio = h * mpmath.exp(h * h / 2) / (1 - h * mills(h))
        tau = mpmath.log(1 + ratio)
        points.append((mpmath.sqrt(tau), h / tau))
    error, p, q = fit(points, 3, 4, 60)
    print(f"bachelier_point: {mpmath.nstr(error, 3)}")
    show("P", p)
    show("Q", q)
    level = mpmath.sqrt(2 * mpmath.log(2))
    points = []
    for j in range(1, 150):
        z = mpf(j) * 95 / 1490
        u = mpmath.sqrt(-2 * mpmath.log(mpmath.ncdf(-z)))
        points.append((u, z / (u - level)))
    error, p, q = fit(points, 2, 2, 60)
    print(f"tail_point: {mpmath.nstr(error, 3)}")
    show("P", p)
    show("Q", q)
    points = []
    for j in range(100):
        r = mpf(j) / 100
        points.append((r, (1 / mpmath.sqrt((1 + r) / 2) - 1) / (1 - r)))
    error, p, _ = fit(points, 1, 0, 60)
    print(f"1 / sqrt((1 + r) / 2) = 1 + (1 - r) P(r): {mpmath.nstr(error, 3)} of the second term")
    show("P", p)


if __name__ == "__main__":
    show_mills(11)
    show_mills(4)
    show_starts()
