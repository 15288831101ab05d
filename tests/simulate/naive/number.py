"""Arithmetic of the naive model: exact integers, and floats only where the rulebook has them."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

MS = 1_000_000


class RefusedError(Exception):
    """A command may not proceed; ``actual`` and ``allowed`` are None where no rule names them."""

    def __init__(self, code: int, actual: int | None = None, allowed: int | None = None) -> None:
        super().__init__(code)
        self.code, self.actual, self.allowed = int(code), actual, allowed


def refuse_if(
    broken: bool, code: int, actual: int | None = None, allowed: int | None = None
) -> None:
    """Refuse when a rule is broken."""
    if broken:
        raise RefusedError(code, actual, allowed)


def ceil_div(a: int, b: int) -> int:
    """Quotient towards plus infinity."""
    return -(-a // b)


@pytest.mark.rule("1.3")
def half_up(a: int, b: int) -> int:
    """Quotient rounded to the nearest integer, ties towards plus infinity."""
    return (2 * a + b) // (2 * b)


@pytest.mark.rule("1.3")
def half_away(a: int, b: int) -> int:
    """Quotient rounded to the nearest integer, ties away from zero."""
    size = (2 * abs(a) + b) // (2 * b)
    return size if a >= 0 else -size


AMOUNT_MAX = 2**60


@pytest.mark.rule("2.10")
def worth_up(amount: int, price: float) -> int:
    """A requirement in numeraire units: rounded up, counted as 2**60 at most."""
    return ceil_at(amount, price) if float(amount) * price < AMOUNT_MAX else AMOUNT_MAX


@pytest.mark.rule("2.10")
def worth_down(amount: int, price: float) -> int:
    """A credit in numeraire units: rounded down, counted as 2**60 at most in size."""
    return clamp(floor_at(amount, price), -AMOUNT_MAX, AMOUNT_MAX)


def clamp(x: int, low: int, high: int) -> int:
    """The nearest number in [low, high]."""
    return max(low, min(high, x))


@pytest.mark.rule("2.4")
def unit_price_of(price_e8: int, decimals: int, numeraire_decimals: int) -> float:
    """Numeraire units per ledger unit: the float nearest to the exact quotient."""
    return float(Fraction(price_e8 * 10**numeraire_decimals, 10 ** (8 + decimals)))


@pytest.mark.rule("1.4")
def floor_at(amount: int, price: float) -> int:
    """Floor of amount * price in float64."""
    return math.floor(float(amount) * price)


@pytest.mark.rule("1.4")
def ceil_at(amount: int, price: float) -> int:
    """Ceiling of amount * price in float64."""
    return math.ceil(float(amount) * price)


@pytest.mark.rule("1.7")
def share_out(amount: int, weights: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Split pro rata: floors; what is left goes one each to the largest, ties to the lower key."""
    total = sum(weight for _, weight in weights)
    shares = {key: amount * weight // total for key, weight in weights}
    left = amount - sum(shares.values())
    for key, _ in sorted(weights, key=lambda pair: (-pair[1], pair[0]))[:left]:
        shares[key] += 1
    return [(key, shares[key]) for key, _ in weights if shares[key]]
