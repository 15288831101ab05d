"""Sum and difference of two Mills ratios from one rational function, without cancellation.

The Mills ratio m(a) = exp(a^2/2) N(-a) sqrt(2 pi) is P(y)/Q(y) with y = a + SHIFT, of degrees 11
and 12, minimax in relative terms on a >= -SHIFT: 2e-18 before rounding, its derivative 4e-17.  Then

    m(a) - m(b) = (b - a) J(y, z) / (Q(y) Q(z)),   J = (P(y) Q(z) - P(z) Q(y)) / (z - y)

where J is a symmetric polynomial, the Bezoutian of P and Q.  The quotients of their coefficients
fall from the first to the last, hence every coefficient of J is positive, and the difference of two
ratios that agree in all digits but the last still has a relative error near rounding: 1.4e-15 at
most against 60-digit arithmetic (`tests/unit/kernel/test_mills_pair.py`).

The coefficients are ours: least squares in 60 digits on Chebyshev nodes of (y - 3) / (y + 3),
weights moved until the errors level off, and J expanded in the same digits.
"""

from __future__ import annotations

from novate.kernel.jit import fma, inlined

SHIFT = 0.8
"""Arguments go down to -SHIFT; measured from there, no coefficient changes sign."""


@inlined
def mills_parts(y):  # type: ignore[no-untyped-def]
    """Return P(y) and Q(y); m(y - SHIFT) = P/Q, for y from 0 to 61."""
    p = 4.635325619167694e-07
    p = fma(p, y, 1.3694446146006291e-05)
    p = fma(p, y, 0.0002046392438521641)
    p = fma(p, y, 0.0020044064114370648)
    p = fma(p, y, 0.01415876708446105)
    p = fma(p, y, 0.07533802330262489)
    p = fma(p, y, 0.3075393004310089)
    p = fma(p, y, 0.9643031940042976)
    p = fma(p, y, 2.286944524876978)
    p = fma(p, y, 3.94479294182559)
    p = fma(p, y, 4.532140864447182)
    p = fma(p, y, 2.720633701271647)
    q = 4.6353256191678626e-07
    q = fma(q, y, 1.332362009646769e-05)
    q = fma(q, y, 0.00019414721949799016)
    q = fma(q, y, 0.0018547602884921334)
    q = fma(q, y, 0.012770206355042496)
    q = fma(q, y, 0.06615851523834182)
    q = fma(q, y, 0.26269541193924806)
    q = fma(q, y, 0.8013845435563396)
    q = fma(q, y, 1.8564377179146312)
    q = fma(q, y, 3.174025574408931)
    q = fma(q, y, 3.7910995300399524)
    q = fma(q, y, 2.833401579147319)
    q = fma(q, y, 1.0)
    return p, q


@inlined
def _near(y, z):  # type: ignore[no-untyped-def]
    """Return the terms of J whose two exponents differ by at most 2."""
    both = y * z
    t = 2.1486243595713148e-13
    t = fma(t, both, 1.8732299280951077e-10)
    t = fma(t, both, 4.167981796675843e-08)
    t = fma(t, both, 3.9718508823589695e-06)
    t = fma(t, both, 0.00019595895458812592)
    t = fma(t, both, 0.005447939699660571)
    t = fma(t, both, 0.08818687378416958)
    t = fma(t, both, 0.8278380578691867)
    t = fma(t, both, 4.323175125538699)
    t = fma(t, both, 11.404952917053667)
    t = fma(t, both, 12.353030972060807)
    t = fma(t, both, 3.1765069610173167)
    total = t
    power, other = y, z
    t = 6.347821706089756e-12
    t = fma(t, both, 2.7959013926642557e-09)
    t = fma(t, both, 4.0717006287983845e-07)
    t = fma(t, both, 2.7924744867688585e-05)
    t = fma(t, both, 0.0010345722438924831)
    t = fma(t, both, 0.021959511026224864)
    t = fma(t, both, 0.27093587655469553)
    t = fma(t, both, 1.899710336431779)
    t = fma(t, both, 7.067458287048414)
    t = fma(t, both, 11.991682608036486)
    t = fma(t, both, 6.369400204476206)
    total = fma(t, power + other, total)
    power, other = power * y, other * z
    t = 9.485695297150758e-11
    t = fma(t, both, 2.7349592657196203e-08)
    t = fma(t, both, 2.8674428407584746e-06)
    t = fma(t, both, 0.00014775712930146397)
    t = fma(t, both, 0.004183131088771673)
    t = fma(t, both, 0.06777243798674845)
    t = fma(t, both, 0.6259879399533366)
    t = fma(t, both, 3.13832805003258)
    t = fma(t, both, 7.554113547439955)
    t = fma(t, both, 6.348416421558056)
    return fma(t, power + other, total)


@inlined
def _middle(y, z):  # type: ignore[no-untyped-def]
    """Return the terms of J whose exponents differ by 3 to 6."""
    both = y * z
    power, other = y * y, z * z
    power, other = power * y, other * z
    t = 9.291076390158547e-10
    t = fma(t, both, 1.9290103455790456e-07)
    t = fma(t, both, 1.5202254478176829e-05)
    t = fma(t, both, 0.0005990385078830928)
    t = fma(t, both, 0.012959784629572323)
    t = fma(t, both, 0.1574781998235282)
    t = fma(t, both, 1.0431259469284258)
    t = fma(t, both, 3.3999652660856885)
    t = fma(t, both, 4.086383825666075)
    total = t * (power + other)
    power, other = power * y, other * z
    t = 6.563049580243297e-09
    t = fma(t, both, 1.0245618038219052e-06)
    t = fma(t, both, 6.178094592894084e-05)
    t = fma(t, both, 0.0018620910771131726)
    t = fma(t, both, 0.030260439686595114)
    t = fma(t, both, 0.2643429185965184)
    t = fma(t, both, 1.1429440562562228)
    t = fma(t, both, 1.8727344964465646)
    total = fma(t, power + other, total)
    power, other = power * y, other * z
    t = 3.492162695121226e-08
    t = fma(t, both, 4.1730549031023854e-06)
    t = fma(t, both, 0.00019262155332118685)
    t = fma(t, both, 0.004366489517532545)
    t = fma(t, both, 0.05111763445339103)
    t = fma(t, both, 0.2924608847972344)
    t = fma(t, both, 0.6393599675887315)
    total = fma(t, power + other, total)
    power, other = power * y, other * z
    t = 1.4255447981888177e-07
    t = fma(t, both, 1.3047563337877545e-05)
    t = fma(t, both, 0.0004534398176605631)
    t = fma(t, both, 0.0074177233927919615)
    t = fma(t, both, 0.057038569882492264)
    t = fma(t, both, 0.16583431909906549)
    return fma(t, power + other, total)


@inlined
def _far(y, z):  # type: ignore[no-untyped-def]
    """Return the terms of J whose exponents differ by 7 to 11."""
    both = y * z
    power, other = y * y, z * z
    power, other = power * y, other * z
    power, other = power * power * y, other * other * z
    t = 4.4698592998135184e-07
    t = fma(t, both, 3.082765580361821e-05)
    t = fma(t, both, 0.0007742858243206907)
    t = fma(t, both, 0.008340718762771216)
    t = fma(t, both, 0.0327386473702849)
    total = t * (power + other)
    power, other = power * y, other * z
    t = 1.0600732545777931e-06
    t = fma(t, both, 5.290241930433541e-05)
    t = fma(t, both, 0.0008768858391654693)
    t = fma(t, both, 0.004841484104799856)
    total = fma(t, power + other, total)
    power, other = power * y, other * z
    t = 1.8285399785556717e-06
    t = fma(t, both, 6.033225151823735e-05)
    t = fma(t, both, 0.0005145090222284096)
    total = fma(t, power + other, total)
    power, other = power * y, other * z
    t = 2.1007948658649606e-06
    t = fma(t, both, 3.578515729547342e-05)
    total = fma(t, power + other, total)
    power, other = power * y, other * z
    t = 1.261102309587595e-06
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
