"""Exponential, logarithm and normal distribution, the same bits on every machine.

Only ``+ - * / sqrt``, bit patterns and an explicit inlined multiply-add: no library function whose
last bit depends on the system's C library, nothing that a compiler may reorder, no branch that
would keep a loop from being vectorised.  The normal tail is accurate in *relative* terms down to
the smallest normal float64, so that deep wings can be priced and inverted.

Accuracy against 40-digit arithmetic, largest relative error: `exp` 1.3e-16, `log` 1.5e-16,
`mills` 9e-16, `normal_cdf` 1.1e-15 from -37.5 on (`tests/golden/test_special.py`).
"""

from __future__ import annotations

from novate.kernel.jit import bits_float, float_bits, fma, inlined, shift_right

LOG2E = 1.4426950408889634
LN2_HIGH = 0.6931471803691238
"""ln 2 with its low 32 bits zero: a product with an exponent is exact."""
LN2_LOW = 1.9082149292705877e-10

_SHIFT = 1.5 * 2.0**52 + 1023.0
"""Adding it rounds to an integer and leaves it, biased as an exponent, in the low bits."""

EXP_MAX = 709.0
EXP_MIN = -708.0
"""Below it `exp` is zero: 2**-1022 is the smallest normal float64."""

INV_SQRT_2PI = 0.3989422804014327
SQRT_2PI = 2.5066282746310002

TAIL_MAX = 37.6
"""Where the normal tail ends, at about 1e-309; it is a normal float64 up to 37.5."""

_HALF_ROOT_BITS = 0x3FE6A09E667F3BCD  # the bits of sqrt(1/2)
_EXPONENT_BIAS = 1024 << 52  # keeps a shifted exponent positive
_TWO_52_BITS = 0x4330000000000000  # the bits of 2**52: added to an integer they make it a float


@inlined
def exp(x):  # type: ignore[no-untyped-def]
    """Return e**x; 0 below EXP_MIN, e**709 above EXP_MAX.  NaN stays NaN.

    Tang's reduction: x = n ln 2 + r with r at most ln(2)/2 in size, a Taylor polynomial of degree
    13 for e**r, and 2**n by shifting n into the exponent.
    """
    held = max(x, EXP_MIN)
    held = min(held, EXP_MAX)
    t = fma(held, LOG2E, _SHIFT)
    n = t - _SHIFT
    r = fma(-n, LN2_HIGH, held)
    r = fma(-n, LN2_LOW, r)
    p = 1.6059043836821613e-10
    p = fma(p, r, 2.08767569878681e-09)
    p = fma(p, r, 2.505210838544172e-08)
    p = fma(p, r, 2.755731922398589e-07)
    p = fma(p, r, 2.7557319223985893e-06)
    p = fma(p, r, 2.48015873015873e-05)
    p = fma(p, r, 0.0001984126984126984)
    p = fma(p, r, 0.001388888888888889)
    p = fma(p, r, 0.008333333333333333)
    p = fma(p, r, 0.041666666666666664)
    p = fma(p, r, 0.16666666666666666)
    p = fma(p, r, 0.5)
    p = fma(p, r, 1.0)
    p = fma(p, r, 1.0)
    scaled = p * bits_float(float_bits(t) << 52)
    return 0.0 if x < EXP_MIN else scaled


@inlined
def log(x):  # type: ignore[no-untyped-def]
    """Return ln x of a positive normal float64; callers keep others out.

    The mantissa m is brought into [sqrt(1/2), sqrt(2)); ln m = 2 artanh((m - 1) / (m + 1)).
    """
    bits = float_bits(x)
    biased = shift_right(bits - _HALF_ROOT_BITS + _EXPONENT_BIAS, 52)
    m = bits_float(bits - (biased << 52) + _EXPONENT_BIAS)
    f = m - 1.0
    s = f / (2.0 + f)
    z = s * s
    p = 0.047619047619047616
    p = fma(p, z, 0.05263157894736842)
    p = fma(p, z, 0.058823529411764705)
    p = fma(p, z, 0.06666666666666667)
    p = fma(p, z, 0.07692307692307693)
    p = fma(p, z, 0.09090909090909091)
    p = fma(p, z, 0.1111111111111111)
    p = fma(p, z, 0.14285714285714285)
    p = fma(p, z, 0.2)
    p = fma(p, z, 0.3333333333333333)
    # ln m = f - s (f - 2 z (...)): the leading term carries no rounding error.
    tail = s * (f - 2.0 * z * p)
    e = bits_float(biased + _TWO_52_BITS) - (2.0**52 + 1024.0)
    return fma(e, LN2_HIGH, f - (tail - e * LN2_LOW))


@inlined
def mills(a):  # type: ignore[no-untyped-def]
    """Return N(-a) / phi(a) * 1/sqrt(2 pi) scaled: exp(a*a/2) N(-a) sqrt(2 pi), for a >= 0.

    Rational of degree 9 over 10 with positive coefficients, minimax in relative terms on
    [0, 39]: 5e-17 before rounding.  It is the Mills ratio, sqrt(pi/2) erfcx(a / sqrt 2).
    """
    p = 3.4746387708664199783e-6
    p = fma(p, a, 0.000093409133511595123305)
    p = fma(p, a, 0.0012295872333623173137)
    p = fma(p, a, 0.010252402280931991271)
    p = fma(p, a, 0.059222048611116050325)
    p = fma(p, a, 0.24492651463755110418)
    p = fma(p, a, 0.72531690764725516641)
    p = fma(p, a, 1.4891469453937545258)
    p = fma(p, a, 1.9423850029535639914)
    p = fma(p, a, 1.2533141373155001876)
    q = 3.4746387708767063652e-6
    q = fma(q, a, 0.0000934091335094647734)
    q = fma(q, a, 0.0012330618723321083465)
    q = fma(q, a, 0.010345811403274347044)
    q = fma(q, a, 0.060444686991768765961)
    q = fma(q, a, 0.25499208694893021206)
    q = fma(q, a, 0.78211477199985302074)
    q = fma(q, a, 1.7144987859118669995)
    q = fma(q, a, 2.5613478272948207525)
    q = fma(q, a, 2.3476835657945320544)
    q = fma(q, a, 1.0)
    return p / q


@inlined
def normal_pdf(x):  # type: ignore[no-untyped-def]
    """Return the standard normal density; the square of ``x`` is taken without rounding error."""
    square = x * x
    rest = fma(x, x, -square)
    return INV_SQRT_2PI * exp(-0.5 * square) * (1.0 - 0.5 * rest)


@inlined
def normal_tail(a):  # type: ignore[no-untyped-def]
    """Return N(-a) for a >= 0 with a small relative error; 0 beyond TAIL_MAX."""
    return normal_pdf(a) * mills(min(39.0, a))


@inlined
def normal_cdf(x):  # type: ignore[no-untyped-def]
    """Return the standard normal distribution function, accurate in relative terms on the left."""
    tail = normal_tail(abs(x))
    return 1.0 - tail if x > 0.0 else tail
