"""Laws of implied volatility: a round trip, order, scale, symmetry, and rows on their own."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from novate.kernel.clearing.columns import F64
from novate.kernel.codes import PricingStatus
from novate.kernel.pricing.black import black_prices
from novate.valuation.implied import implied_volatility, implied_volatility_inverse

FORWARDS = st.floats(1e-3, 1e6)
MONEYNESS = st.floats(-6.0, 6.0)
YEARS = st.floats(1e-3, 5.0)
TOTAL = st.floats(1e-4, 6.0)
SHARES = st.floats(1e-12, 1.0, exclude_max=True)
"""Time values over the most that they can be."""
SIDES = st.sampled_from([1.0, -1.0])
RATES = st.floats(-0.2, 0.5)

# A price, a bound and their difference are each rounded once, at the size of the larger of F and K.
ROUNDINGS = 16 * 2.0**-53


def price(c: float, F: float, K: float, T: float, vol: float, rate: float) -> float:
    columns = [np.array([value]) for value in (c, F, K, T, vol, rate)]
    out = np.empty(1)
    black_prices(*columns, out)
    return float(out[0])


@given(SIDES, FORWARDS, MONEYNESS, YEARS, SHARES, RATES)
def test_the_volatility_of_a_price_gives_the_price(
    c: float, F: float, x: float, T: float, share: float, rate: float
) -> None:
    K = F * float(np.exp(x))
    D = float(np.exp(-rate * T))
    paid = D * (max(c * (F - K), 0.0) + share * min(F, K))
    vol, status = implied_volatility(paid, F, K, T, c, rate)

    if status == PricingStatus.OK:
        assert abs(price(c, F, K, T, float(vol), rate) - paid) <= D * ROUNDINGS * max(F, K)
    else:  # the share is lost in the rounding of the bound that it lies next to
        assert share < ROUNDINGS * max(F, K) / min(F, K) or share > 1 - ROUNDINGS


@given(SIDES, FORWARDS, MONEYNESS, YEARS, TOTAL)
def test_the_price_of_a_volatility_gives_the_volatility_as_far_as_the_price_knows_it(
    c: float, F: float, x: float, T: float, s: float
) -> None:
    K, sigma = F * float(np.exp(x)), s / float(np.sqrt(T))
    vol, status = implied_volatility(price(c, F, K, T, sigma, 0.0), F, K, T, c)
    d1 = -x / s + 0.5 * s
    vega = F * float(np.exp(-0.5 * d1 * d1)) / 2.6 * float(np.sqrt(T))

    if vol > 0.0:
        assert abs(float(vol) - sigma) * vega <= 4 * ROUNDINGS * max(F, K) + 1e-13 * vega * sigma
    else:  # no time value is left in the price, or nothing but time value: zero or a refusal
        assert vol == 0.0 or status != PricingStatus.OK
        assert vega * sigma <= 1e-9 * max(F, K)


@given(SIDES, FORWARDS, MONEYNESS, YEARS, st.lists(SHARES, min_size=2, max_size=20))
def test_more_is_paid_for_more_volatility(
    c: float, F: float, x: float, T: float, shares: list[float]
) -> None:
    K = F * float(np.exp(x))
    paid = np.sort(max(c * (F - K), 0.0) + np.array(shares) * min(F, K))
    vol, status = implied_volatility(paid, F, K, T, c)
    fine = vol[status == PricingStatus.OK]

    assert (np.diff(fine) >= -1e-15 * fine[1:]).all()
    # What has no volatility lies at the ends.
    assert (np.diff((status == PricingStatus.PRICE_ABOVE_MAXIMUM).astype(int)) >= 0).all()


@given(SIDES, FORWARDS, MONEYNESS, YEARS, SHARES, st.integers(-40, 40))
def test_another_currency_unit_changes_no_bit(
    c: float, F: float, x: float, T: float, share: float, power: int
) -> None:
    K, unit = F * float(np.exp(x)), 2.0**power
    paid = max(c * (F - K), 0.0) + share * min(F, K)
    here = implied_volatility(paid, F, K, T, c)
    there = implied_volatility(paid * unit, F * unit, K * unit, T, c)

    assert np.array_equal(here.vol, there.vol, equal_nan=True)
    assert here.status == there.status


@given(FORWARDS, MONEYNESS, YEARS, SHARES)
def test_a_call_and_the_put_with_forward_and_strike_exchanged_agree(
    F: float, x: float, T: float, share: float
) -> None:
    K = F * float(np.exp(abs(x)))
    call, put = (implied_volatility(share * F, a, b, T, c) for a, b, c in ((F, K, 1), (K, F, -1)))

    assert call.status == put.status == PricingStatus.OK
    assert abs(call.vol - put.vol) <= 1e-14 * put.vol


NUMBERS = st.one_of(
    st.floats(0.5, 200.0), st.sampled_from([0.0, -1.0, np.nan, np.inf, -np.inf, 1e-300, 1e300])
)
ROWS = st.lists(
    st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS, st.sampled_from([1.0, -1.0, 0.0])),
    min_size=1,
    max_size=40,
)


def alone(rows: list[tuple[float, ...]]) -> list[tuple[bytes, int]]:
    found = [implied_volatility_inverse(*row) for row in rows]
    return [(vol.tobytes(), int(status)) for vol, status in found]


@settings(max_examples=50)
@given(ROWS)
def test_a_row_has_the_same_bits_and_status_alone_and_among_any_others(
    rows: list[tuple[float, ...]],
) -> None:
    columns: list[F64] = [np.array(column) for column in zip(*rows, strict=True)]
    vol, status = implied_volatility_inverse(*columns)
    together = [(v.tobytes(), int(s)) for v, s in zip(vol, status, strict=True)]

    assert together == alone(rows)
    assert (np.isnan(vol) == (status != PricingStatus.OK)).all()
