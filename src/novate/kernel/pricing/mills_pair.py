"""Sum and difference of two Mills ratios from one rational function, without cancellation.

The Mills ratio m(a) = exp(a^2/2) N(-a) sqrt(2 pi) is P(y)/Q(y) with y = a + SHIFT, of degrees 11
and 12, minimax in relative terms on a >= -SHIFT: 2e-18 before rounding, its derivative 4e-17.  Then

    m(a) - m(b) = (b - a) J(y, z) / (Q(y) Q(z)),   J = (P(y) Q(z) - P(z) Q(y)) / (z - y)

where J is a symmetric polynomial, the Bezoutian of P and Q.  The quotients of their coefficients
fall from the first to the last, hence every coefficient of J is positive, and the difference of two
ratios that agree in all digits but the last still has a relative error near rounding: 1.4e-15 at
most against 60-digit arithmetic (`tests/unit/kernel/pricing/test_mills_pair.py`).

The coefficients are our own fit: `scripts/fit_implied.py` finds and prints them.
"""

from __future__ import annotations

from novate.kernel.jit import fma, inlined

SHIFT = 0.8
"""Arguments go down to -SHIFT; measured from there, no coefficient changes sign."""


@inlined
def mills_parts(y):  # type: ignore[no-untyped-def]
    """Return P(y) and Q(y); m(y - SHIFT) = P/Q, for y from 0 to 61."""
    p = 4.635325619217286e-07
    p = fma(p, y, 1.3694446146131404e-05)
    p = fma(p, y, 0.00020463924385377246)
    p = fma(p, y, 0.002004406411450603)
    p = fma(p, y, 0.014158767084542726)
    p = fma(p, y, 0.07533802330299191)
    p = fma(p, y, 0.3075393004322519)
    p = fma(p, y, 0.9643031940074417)
    p = fma(p, y, 2.286944524882716)
    p = fma(p, y, 3.944792941832538)
    p = fma(p, y, 4.5321408644515895)
    p = fma(p, y, 2.720633701271647)
    q = 4.6353256192174543e-07
    q = fma(q, y, 1.3323620096588836e-05)
    q = fma(q, y, 0.00019414721949950338)
    q = fma(q, y, 0.001854760288504514)
    q = fma(q, y, 0.012770206355115042)
    q = fma(q, y, 0.06615851523865814)
    q = fma(q, y, 0.2626954119402872)
    q = fma(q, y, 0.8013845435588969)
    q = fma(q, y, 1.8564377179192295)
    q = fma(q, y, 3.1740255744146633)
    q = fma(q, y, 3.7910995300443977)
    q = fma(q, y, 2.833401579148939)
    q = fma(q, y, 1.0)
    return p, q


@inlined
def _near(y, z):  # type: ignore[no-untyped-def]
    """Return the terms of J whose two exponents differ by at most 2."""
    both = y * z
    t = 2.1486243596172896e-13
    t = fma(t, both, 1.8732299281293287e-10)
    t = fma(t, both, 4.167981796741307e-08)
    t = fma(t, both, 3.971850882412517e-06)
    t = fma(t, both, 0.0001959589545903775)
    t = fma(t, both, 0.00544793969971324)
    t = fma(t, both, 0.08818687378487232)
    t = fma(t, both, 0.8278380578744481)
    t = fma(t, both, 4.3231751255594215)
    t = fma(t, both, 11.404952917090679)
    t = fma(t, both, 12.353030972081447)
    t = fma(t, both, 3.1765069610173167)
    total = t
    power, other = y, z
    t = 6.347821706215663e-12
    t = fma(t, both, 2.7959013927117545e-09)
    t = fma(t, both, 4.071700628857812e-07)
    t = fma(t, both, 2.7924744868037288e-05)
    t = fma(t, both, 0.0010345722439034295)
    t = fma(t, both, 0.021959511026418542)
    t = fma(t, both, 0.2709358765566364)
    t = fma(t, both, 1.89971033644237)
    t = fma(t, both, 7.067458287076807)
    t = fma(t, both, 11.99168260806586)
    t = fma(t, both, 6.3694002044813525)
    total = fma(t, power + other, total)
    power, other = power * y, other * z
    t = 9.485695297326795e-11
    t = fma(t, both, 2.734959265763052e-08)
    t = fma(t, both, 2.8674428407974818e-06)
    t = fma(t, both, 0.00014775712930317506)
    t = fma(t, both, 0.004183131088812399)
    t = fma(t, both, 0.06777243798729186)
    t = fma(t, both, 0.625987939957334)
    t = fma(t, both, 3.1383280500476407)
    t = fma(t, both, 7.554113547464222)
    t = fma(t, both, 6.348416421567914)
    return fma(t, power + other, total)


@inlined
def _middle(y, z):  # type: ignore[no-untyped-def]
    """Return the terms of J whose exponents differ by 3 to 6."""
    both = y * z
    power, other = y * y, z * z
    power, other = power * y, other * z
    t = 9.291076390320702e-10
    t = fma(t, both, 1.9290103456077708e-07)
    t = fma(t, both, 1.520225447836989e-05)
    t = fma(t, both, 0.0005990385078895258)
    t = fma(t, both, 0.012959784629688149)
    t = fma(t, both, 0.15747819982466887)
    t = fma(t, both, 1.0431259469342786)
    t = fma(t, both, 3.399965266099251)
    t = fma(t, both, 4.086383825675441)
    total = t * (power + other)
    power, other = power * y, other * z
    t = 6.563049580351373e-09
    t = fma(t, both, 1.0245618038362391e-06)
    t = fma(t, both, 6.178094592967364e-05)
    t = fma(t, both, 0.001862091077131689)
    t = fma(t, both, 0.03026043968684222)
    t = fma(t, both, 0.2643429185982288)
    t = fma(t, both, 1.1429440562617075)
    t = fma(t, both, 1.872734496452279)
    total = fma(t, power + other, total)
    power, other = power * y, other * z
    t = 3.4921626951756005e-08
    t = fma(t, both, 4.173054903157284e-06)
    t = fma(t, both, 0.0001926215533233191)
    t = fma(t, both, 0.004366489517572612)
    t = fma(t, both, 0.05111763445376909)
    t = fma(t, both, 0.2924608847988891)
    t = fma(t, both, 0.6393599675911916)
    total = fma(t, power + other, total)
    power, other = power * y, other * z
    t = 1.425544798209831e-07
    t = fma(t, both, 1.304756333803892e-05)
    t = fma(t, both, 0.0004534398176652362)
    t = fma(t, both, 0.007417723392854341)
    t = fma(t, both, 0.05703856988286781)
    t = fma(t, both, 0.1658343190998444)
    return fma(t, power + other, total)


@inlined
def _far(y, z):  # type: ignore[no-untyped-def]
    """Return the terms of J whose exponents differ by 7 to 11."""
    both = y * z
    power, other = y * y, z * z
    power, other = power * y, other * z
    power, other = power * power * y, other * other * z
    t = 4.469859299875914e-07
    t = fma(t, both, 3.08276558039761e-05)
    t = fma(t, both, 0.0007742858243280801)
    t = fma(t, both, 0.008340718762834605)
    t = fma(t, both, 0.03273864737046874)
    total = t * (power + other)
    power, other = power * y, other * z
    t = 1.0600732545917942e-06
    t = fma(t, both, 5.2902419304909535e-05)
    t = fma(t, both, 0.000876885839173131)
    t = fma(t, both, 0.0048414841048319305)
    total = fma(t, power + other, total)
    power, other = power * y, other * z
    t = 1.8285399785784552e-06
    t = fma(t, both, 6.033225151884381e-05)
    t = fma(t, both, 0.0005145090222324013)
    total = fma(t, power + other, total)
    power, other = power * y, other * z
    t = 2.1007948658894796e-06
    t = fma(t, both, 3.5785157295798054e-05)
    total = fma(t, power + other, total)
    power, other = power * y, other * z
    t = 1.261102309601087e-06
    return fma(t, power + other, total)


@inlined
def mills_slope(y, z):  # type: ignore[no-untyped-def]
    """Return J(y, z): m(a) - m(b) = (b - a) J / (Q(y) Q(z)) with y = a + SHIFT, z = b + SHIFT."""
    return _far(y, z) + _middle(y, z) + _near(y, z)


@inlined
def mills_sum(y, z):  # type: ignore[no-untyped-def]
    """Return Q(y) Q(z) and S with m(y - SHIFT) + m(z - SHIFT) = S / (Q(y) Q(z))."""
    p_y, q_y = mills_parts(y)
    p_z, q_z = mills_parts(z)
    return q_y * q_z, fma(p_y, q_z, p_z * q_y)


@inlined
def rough_parts(y):  # type: ignore[no-untyped-def]
    """`mills_parts` of degrees 4 and 5, to 2e-7."""
    p = 0.03704568837083985
    p = fma(p, y, 0.2764592670662814)
    p = fma(p, y, 1.0543024276417432)
    p = fma(p, y, 2.296460774059797)
    p = fma(p, y, 2.7206342655658267)
    q = 0.03704553559628168
    q = fma(q, y, 0.24683859222394203)
    q = fma(q, y, 0.8696070538292953)
    q = fma(q, y, 1.7690714047746574)
    q = fma(q, y, 2.011666610214909)
    q = fma(q, y, 1.0)
    return p, q


@inlined
def rough_sum(y, z):  # type: ignore[no-untyped-def]
    """`mills_sum` of `rough_parts`."""
    p_y, q_y = rough_parts(y)
    p_z, q_z = rough_parts(z)
    return q_y * q_z, fma(p_y, q_z, p_z * q_y)


@inlined
def rough_slope(y, z):  # type: ignore[no-untyped-def]
    """`mills_slope` of `rough_parts`, to 3e-6."""
    both = y * z
    total = 0.001372377367230706
    total = fma(total, both, 0.07508282248110787)
    total = fma(total, both, 1.0208715677425533)
    total = fma(total, both, 4.031121577979893)
    total = fma(total, both, 3.1765483365855376)
    power, other = y, z
    t = 0.010241581619025868
    t = fma(t, both, 0.27977967840122336)
    t = fma(t, both, 2.0753864550206056)
    t = fma(t, both, 3.758693854420862)
    total = fma(t, power + other, total)
    power, other = power * y, other * z
    t = 0.039057198112448385
    t = fma(t, both, 0.5931189237478617)
    t = fma(t, both, 2.0894234811594457)
    total = fma(t, power + other, total)
    power, other = power * y, other * z
    t = 0.08507361935089679
    t = fma(t, both, 0.6345118436976472)
    total = fma(t, power + other, total)
    power, other = power * y, other * z
    t = 0.1007873535294825
    return fma(t, power + other, total)
