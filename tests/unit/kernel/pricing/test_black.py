"""Black-76: statuses, limits, isolation, a second library, bumps."""

from __future__ import annotations

import math

import numpy as np
import pytest
import QuantLib
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from novate.kernel.codes import PricingStatus
from novate.kernel.jit import kernel
from novate.kernel.pricing import black
from tests.unit.kernel.pricing_sample import F64, ordinary, sample

PLAIN = (1.0, 100.0, 95.0, 0.5, 0.6, 0.02)
PLACES = ("c", "F", "K", "T", "vol", "R")
REFUSALS = [
    ("F", math.nan, PricingStatus.NOT_FINITE),
    ("vol", math.inf, PricingStatus.NOT_FINITE),
    ("c", 0.5, PricingStatus.SIDE_UNKNOWN),
    ("F", 0.0, PricingStatus.FORWARD_NOT_POSITIVE),
    ("F", -1.0, PricingStatus.FORWARD_NOT_POSITIVE),
    ("K", 0.0, PricingStatus.STRIKE_NOT_POSITIVE),
    ("T", -1e-9, PricingStatus.TIME_NEGATIVE),
    ("vol", -0.1, PricingStatus.VOLATILITY_NEGATIVE),
    ("R", -1500.0, PricingStatus.PARAMETER_OUT_OF_RANGE),
]


@kernel
def _sides(c, F, K, T, vol, out):  # type: ignore[no-untyped-def]
    for k in range(F.size):
        out[0, k], out[1, k], out[2, k], out[3, k], out[4, k], out[5, k], out[6, k] = black.sides(
            c[k], F[k], K[k], T[k], vol[k]
        )


def columns(*rows: tuple[float, ...]) -> list[F64]:
    """Rows c, F, K, T, vol, R as the columns of a kernel."""
    return [np.array(column) for column in zip(*rows, strict=True)]


def with_(**changes: float) -> tuple[float, ...]:
    """`PLAIN`, with something else in some places."""
    return tuple(changes.get(name, value) for name, value in zip(PLACES, PLAIN, strict=True))


def greeks(inputs: list[F64]) -> F64:
    """All rows of `all_greeks`."""
    out = np.empty((black.GREEKS, inputs[0].size))
    black.all_greeks(*inputs, out)
    return out


def statuses(inputs: list[F64]) -> list[int]:
    """What `black_status` fills."""
    out = np.empty(inputs[0].size, np.int8)
    black.black_status(*inputs, out)
    return out.tolist()


@pytest.mark.parametrize(("place", "value", "status"), REFUSALS)
def test_an_element_without_a_price_is_nan_and_says_why(
    place: str, value: float, status: PricingStatus
) -> None:
    inputs = columns(PLAIN, with_(**{place: value}), PLAIN)

    assert statuses(inputs) == [0, status, 0]
    assert np.isnan(greeks(inputs)).tolist() == [[False, True, False]] * black.GREEKS


def test_the_first_thing_that_is_wrong_is_the_one_named() -> None:
    wrong = [(place, value) for place, value, _ in REFUSALS if not (place == "vol" and value > 0)]
    wrong = [pair for pair in wrong if pair != ("F", -1.0)]
    row = list(PLAIN)
    named = []
    for place, value in reversed(wrong):
        row[PLACES.index(place)] = value
        named.append(statuses(columns(tuple(row)))[0])

    assert named == sorted(named, reverse=True)
    assert named[-1] == PricingStatus.NOT_FINITE


def test_nan_and_status_never_disagree() -> None:
    inputs = sample(200)
    is_bad = np.array(statuses(inputs)) != 0

    assert (np.isnan(greeks(inputs)) == is_bad).all()


def test_a_bad_row_changes_no_other_row() -> None:
    inputs = ordinary(257)
    clean = greeks(inputs)
    for place in range(6):
        spoilt = [column.copy() for column in inputs]
        spoilt[place][::3] = np.nan
        got = greeks(spoilt)

        assert np.isnan(got[:, ::3]).all()
        keep = np.arange(257) % 3 != 0
        assert (got[:, keep] == clean[:, keep]).all()


def test_a_row_is_the_same_wherever_it_stands_in_a_batch() -> None:
    inputs = ordinary(1_100)
    whole = greeks(inputs)
    for at in (0, 1, 511, 512, 1_099):
        assert (greeks([column[at : at + 1] for column in inputs])[:, 0] == whole[:, at]).all()


def test_every_way_to_the_price_gives_the_same_price() -> None:
    inputs = ordinary(300)
    price = np.empty(300)
    black.black_prices(*inputs, price)
    five = np.empty((5, 300))
    black.black_greeks(*inputs, *five)

    assert (greeks(inputs)[:5] == five).all()
    assert (price == five[0]).all()


def test_the_parts_of_the_formula_are_what_they_are_called() -> None:
    inputs = ordinary(500)
    keep = (inputs[3] > 0) & (inputs[4] > 0)
    c, F, K, T, vol = (column[keep] for column in inputs[:5])
    out = np.empty((7, F.size))
    _sides(c, F, K, T, vol, out)
    root, inverse, d1, d2, density, n1, n2 = out
    s = vol * np.sqrt(T)
    near = np.abs(d1) < 37

    assert root == pytest.approx(np.sqrt(T), rel=1e-15)
    assert inverse == pytest.approx(1 / s, rel=1e-15)
    assert d1 == pytest.approx(np.log(F / K) / s + s / 2, rel=1e-12, abs=1e-11)
    assert d2 == pytest.approx(d1 - s, rel=1e-12, abs=1e-12)
    assert density[near] == pytest.approx(
        np.exp(-0.5 * d1[near] ** 2) / math.sqrt(2 * math.pi), rel=1e-11
    )
    assert n1 == pytest.approx(special.ndtr(c * d1), rel=1e-11, abs=1e-300)
    assert n2 == pytest.approx(special.ndtr(c * d2), rel=1e-11, abs=1e-300)


@pytest.mark.parametrize("limit", [{"T": 0.0}, {"vol": 0.0}, {"T": 0.0, "vol": 0.0}])
@pytest.mark.parametrize("c", [1.0, -1.0])
@pytest.mark.parametrize("F", [80.0, 95.0, 110.0])
def test_without_time_or_volatility_an_option_is_worth_its_intrinsic(
    limit: dict[str, float], c: float, F: float
) -> None:
    inputs = columns(with_(c=c, F=F, **limit))
    D = math.exp(-PLAIN[5] * limit.get("T", 0.5))
    got = greeks(inputs)[:, 0]

    assert statuses(inputs) == [0]
    assert got[black.PRICE] == pytest.approx(D * max(c * (F - 95.0), 0.0), rel=1e-15)
    assert np.isfinite(got).all()
    if F != 95.0:
        side = c if c * (F - 95.0) > 0 else 0.0
        assert got[black.DELTA] == pytest.approx(D * side, rel=1e-15)
        still = [black.GAMMA, black.VEGA, black.VANNA, black.VOLGA]
        assert got[[*still, black.SPEED, black.COLOUR, black.ZOMMA]].tolist() == [0.0] * 7


@pytest.mark.parametrize("c", [1.0, -1.0])
def test_at_a_kink_greeks_are_their_limits_or_zero_where_there_is_none(c: float) -> None:
    D = math.exp(-0.02 * 0.5)
    inputs = columns(*(with_(c=c, F=95.0, **at) for at in ({"T": 0.0}, {"vol": 0.0})))
    got = greeks(inputs)
    plain = [black.PRICE, black.GAMMA, black.THETA, black.RHO, black.VOLGA]
    plain += [black.SPEED, black.COLOUR, black.ZOMMA]

    np.testing.assert_allclose(got[plain], 0.0, atol=1e-140)
    assert got[black.DELTA] == pytest.approx([0.5 * c, 0.5 * c * D], rel=1e-15)
    # With time left and no volatility the first bit of it adds D F phi(0) sqrt(T).
    root = math.sqrt(0.5 / (2.0 * math.pi))
    assert got[black.VEGA] == pytest.approx([0.0, D * 95.0 * root], rel=1e-15)
    assert got[black.VANNA] == pytest.approx([0.0, 0.5 * D * root], rel=1e-15)
    assert got[black.CHARM] == pytest.approx([0.01 * c, 0.01 * c * D], rel=1e-15)
    five = [np.empty(2) for _ in range(5)]
    black.black_greeks(*inputs, *five)
    for row, at in zip(five, range(5), strict=True):
        np.testing.assert_array_equal(row, got[at])


def test_only_an_option_at_its_strike_with_nothing_left_is_at_a_kink() -> None:
    inputs = columns(
        (1.0, 95.0, 95.0, 0.0, 0.6, 0.0),
        (1.0, 95.0, 95.0, 0.5, 1e-61, 0.0),
        (1.0, 95.0, 95.0, 3e-17, 0.6, 0.0),  # a nanosecond
        (1.0, math.nextafter(95.0, 96.0), 95.0, 0.0, 0.6, 0.0),
        (1.0, -95.0, 95.0, 0.0, 0.6, 0.0),
    )
    status = np.array([0, 0, 0, 0, 3], np.int8)
    black.mark_kinks(*inputs[1:5], status)

    assert status.tolist() == [PricingStatus.AT_KINK, PricingStatus.AT_KINK, 0, 0, 3]
    assert np.abs(greeks(inputs)[:, 1]).max() < 1e3


def test_forward_and_strike_may_be_as_large_as_a_float64_is() -> None:
    inputs = columns((1.0, 1e308, 1e308, 1.0, 0.5, 0.0), (1.0, 1e308, 9e307, 1.0, 0.5, 0.0))
    small = columns((1.0, 1e8, 1e8, 1.0, 0.5, 0.0), (1.0, 1e8, 9e7, 1.0, 0.5, 0.0))

    assert statuses(inputs) == [0, 0]
    assert greeks(inputs)[black.PRICE] == pytest.approx(greeks(small)[black.PRICE] * 1e300)


def test_at_the_money_the_price_is_that_of_the_expansion() -> None:
    # N(s/2) - N(-s/2) = s/sqrt(2 pi) (1 - s^2/24 + s^4/640 - ...)
    for s in (1e-8, 1e-5, 1e-3, 1e-2):
        [price] = greeks(columns((1.0, 100.0, 100.0, 1.0, s, 0.0)))[black.PRICE]
        expected = 100 * s / math.sqrt(2 * math.pi) * (1 - s * s / 24 + s**4 / 640)
        assert price == pytest.approx(expected, rel=1e-15 / s)


def test_with_endless_volatility_a_call_is_the_forward_and_a_put_the_strike() -> None:
    for vol, T in ((1e3, 1.0), (1e150, 1.0), (1e160, 1e300)):
        inputs = columns((1.0, 120.0, 95.0, T, vol, 0.0), (-1.0, 120.0, 95.0, T, vol, 0.0))
        got = greeks(inputs)

        assert got[black.PRICE].tolist() == [120.0, 95.0]
        assert np.isfinite(got).all()


def test_extreme_moneyness_gives_zero_or_the_intrinsic_and_no_nan() -> None:
    inputs = columns(
        *((c, F, K, 0.5, 0.6, 0.0) for c in (1.0, -1.0) for F, K in ((1e-60, 1e60), (1e60, 1e-60)))
    )
    got = greeks(inputs)

    assert np.isfinite(got).all()
    assert got[black.PRICE].tolist() == [0.0, 1e60, 1e60, 0.0]


def test_prices_and_greeks_are_those_of_quantlib_over_the_whole_domain() -> None:
    # QuantLib's distribution function loses relative accuracy in the far tail: absolute bounds
    # there, in units of what a Greek could be.
    c, F, K, T, vol, R = inputs = ordinary(4_000)
    keep = (T > 0) & (vol > 0)
    got = greeks(inputs)
    for k in np.flatnonzero(keep):
        D, s = math.exp(-R[k] * T[k]), vol[k] * math.sqrt(T[k])
        side = QuantLib.Option.Call if c[k] > 0 else QuantLib.Option.Put
        payoff = QuantLib.PlainVanillaPayoff(side, K[k])
        other = QuantLib.BlackCalculator(payoff, F[k], s, D)
        value, delta = other.value(), other.deltaForward()
        # Its theta and rho let the forward move with the rate; ours hold it.
        theta = other.theta(D * F[k], T[k]) + R[k] * F[k] * delta
        rho = other.rho(T[k]) - T[k] * F[k] * delta
        expected = [value, delta, other.gammaForward(), other.vega(T[k]), theta, rho]
        unit, root = D * (F[k] + K[k]), math.sqrt(T[k])
        # QuantLib divides the logarithm of the discount factor by T: its rounding counts.
        decay = D * F[k] * vol[k] / root + (abs(R[k]) + 0.02 / T[k]) * unit
        scale = [unit, D, D / (F[k] * s), D * F[k] * root, decay, T[k] * unit]
        rows = [black.PRICE, black.DELTA, black.GAMMA, black.VEGA, black.THETA, black.RHO]
        for row, theirs, size in zip(rows, expected, scale, strict=True):
            bound = (2e-14 + 2e-16 / s) * size + 1e-12 * abs(theirs)
            assert abs(got[row, k] - theirs) <= bound, (row, [column[k] for column in inputs])


# A Greek, and what its central difference is taken of and in.
BUMPS = [
    (black.DELTA, black.PRICE, "F", 1.0),
    (black.GAMMA, black.DELTA, "F", 1.0),
    (black.VEGA, black.PRICE, "vol", 1.0),
    (black.THETA, black.PRICE, "T", -1.0),
    (black.RHO, black.PRICE, "R", 1.0),
    (black.VANNA, black.DELTA, "vol", 1.0),
    (black.VOLGA, black.VEGA, "vol", 1.0),
    (black.CHARM, black.DELTA, "T", -1.0),
    (black.SPEED, black.GAMMA, "F", 1.0),
    (black.COLOUR, black.GAMMA, "T", -1.0),
    (black.ZOMMA, black.GAMMA, "vol", 1.0),
]


@pytest.mark.parametrize(("greek", "of", "place", "sign"), BUMPS)
@given(
    st.sampled_from([1.0, -1.0]),
    st.floats(-6.0, 6.0),
    st.floats(0.05, 2.0),
    st.floats(0.01, 3.0),
    st.floats(-0.2, 0.2),
)
def test_a_greek_is_what_a_bump_gives(
    greek: int, of: int, place: str, sign: float, c: float, z: float, s: float, T: float, R: float
) -> None:
    row = [c, 100.0 * math.exp(z * s), 100.0, T, s / math.sqrt(T), R]
    at = PLACES.index(place)
    # Derivatives of the density grow with 1/s in the forward and with z^2 in all.
    h = {"F": row[1] * s, "vol": row[4], "T": T, "R": 1.0}[place] * 1e-4
    bumped = [list(row) for _ in range(5)]
    for line, n in zip(bumped, (0, 1, -1, 2, -2), strict=True):
        line[at] += n * h
    got = greeks(columns(*map(tuple, bumped)))
    base, up, down, up2, down2 = got[of]
    slope = sign * (8 * (up - down) - (up2 - down2)) / (12 * h)  # of fourth order
    noise = 4e-16 * (1 + abs(z)) / s * np.abs(got[of]).max() / h
    noise += 4e-16 * 100.0 * (1 + math.exp(z * s)) / h if of == black.PRICE else 0.0
    noise += 4e-16 / h if of == black.DELTA else 0.0

    assert abs(got[greek, 0] - slope) <= 4 * noise + 1e-9 * abs(slope) + 1e-11 * abs(base) / h * s
