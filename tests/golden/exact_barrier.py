"""Barrier prices in 40 digits, in the textbook's own words: the readable twin of the kernels.

Reiner and Rubinstein's terms A to F as Haug (1998, 2.10.1) prints them, with powers of H/S and
normal distribution functions multiplied as they stand: mpmath neither over- nor underflows.
"""

from __future__ import annotations

import itertools

import mpmath as mp


def normal(x: mp.mpf) -> mp.mpf:
    """Normal distribution function in full relative precision."""
    return mp.erfc(-x / mp.sqrt(2)) / 2


def terms(phi: int, eta: int, *inputs: float) -> dict[str, mp.mpf]:
    """The six terms; phi +1 for a call, eta +1 for a barrier below the spot."""
    S, K, H, R, T, vol, r, q = map(mp.mpf, inputs)
    b, s = r - q, vol * mp.sqrt(T)
    mu = (b - vol**2 / 2) / vol**2
    lam = mp.sqrt(mu**2 + 2 * r / vol**2)
    x1 = mp.log(S / K) / s + (1 + mu) * s
    x2 = mp.log(S / H) / s + (1 + mu) * s
    y1 = mp.log(H**2 / (S * K)) / s + (1 + mu) * s
    y2 = mp.log(H / S) / s + (1 + mu) * s
    z = mp.log(H / S) / s + lam * s
    asset, cash, h = S * mp.exp(-q * T), K * mp.exp(-r * T), H / S

    def plain(x: mp.mpf) -> mp.mpf:
        return phi * (asset * normal(phi * x) - cash * normal(phi * (x - s)))

    def image(y: mp.mpf) -> mp.mpf:
        power = h ** (2 * mu)
        return phi * (asset * h**2 * power * normal(eta * y) - cash * power * normal(eta * (y - s)))

    never = normal(eta * (x2 - s)) - h ** (2 * mu) * normal(eta * (y2 - s))
    touch = h ** (mu + lam) * normal(eta * z) + h ** (mu - lam) * normal(eta * (z - 2 * lam * s))
    return {
        "A": plain(x1),
        "B": plain(x2),
        "C": image(y1),
        "D": image(y2),
        "E": R * mp.exp(-r * T) * never,
        "F": R * touch,
    }


# Rows of Haug's table: (type, direction, in or out) to signed terms for K >= H and K < H.
TABLE = {
    ("call", "down", "in"): ("C E", "A -B D E"),
    ("call", "up", "in"): ("A E", "B -C D E"),
    ("put", "down", "in"): ("B -C D E", "A E"),
    ("put", "up", "in"): ("A -B D E", "C E"),
    ("call", "down", "out"): ("A -C F", "B -D F"),
    ("call", "up", "out"): ("F", "A -B C -D F"),
    ("put", "down", "out"): ("A -B C -D F", "F"),
    ("put", "up", "out"): ("B -D F", "A -C F"),
}
KINDS = tuple(itertools.product(("call", "put"), ("down", "up"), ("in", "out")))


def value(kind: tuple[str, str, str], *inputs: mp.mpf) -> mp.mpf:
    """Price of one of the eight barrier options from S, K, H, R, T, vol, r, q, at any precision."""
    phi = 1 if kind[0] == "call" else -1
    eta = 1 if kind[1] == "down" else -1
    of = terms(phi, eta, *inputs)
    row = TABLE[kind][0 if inputs[1] >= inputs[2] else 1]
    return mp.fsum(-of[t[1]] if t[0] == "-" else of[t] for t in row.split())


def price(kind: tuple[str, str, str], *inputs: float) -> mp.mpf:
    """As `value`, in 40 digits."""
    with mp.workdps(40):
        return value(kind, *map(mp.mpf, inputs))
