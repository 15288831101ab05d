from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from novate.market.volatility.chain import PriceUnit
from novate.market.volatility.discount import DiscountReason
from novate.market.volatility.forward import (
    Doubt,
    ForwardSource,
    ForwardTerms,
    estimate_forwards,
    weighted_median,
)
from tests.unit.market.volatility.synthetic import CARRY, DAYS, SPOT, chain, changed, forward_of


def test_the_futures_price_is_the_forward_and_carry_and_basis_follow() -> None:
    curve = estimate_forwards(chain())

    assert curve.forward.tolist() == [forward_of(day) for day in DAYS]
    assert set(curve.source.tolist()) == {ForwardSource.FUTURE}
    assert curve.carry == pytest.approx([CARRY] * len(DAYS), rel=1e-9)
    assert curve.basis == pytest.approx([forward_of(day) - SPOT for day in DAYS])
    assert curve.is_trusted.all()
    assert curve.faults == ()


@pytest.mark.parametrize("unit", PriceUnit)
def test_without_futures_parity_finds_the_forward_though_a_third_of_strikes_is_wrong(
    unit: PriceUnit,
) -> None:
    source = chain(unit=unit)
    wrong = np.flatnonzero((np.arange(len(source)) // 2) % 3 == 0)
    mended = changed(source, slice(None), forward=math.nan)
    for column in ("bid", "ask"):
        values = getattr(mended, column).copy()
        values[wrong[source.side[wrong] == 1]] *= 1.05
        mended = replace(mended, **{column: values})

    curve = estimate_forwards(mended, ForwardTerms(parity_broken_max=1.0))

    assert set(curve.source.tolist()) == {ForwardSource.PARITY}
    assert curve.forward == pytest.approx([forward_of(day) for day in DAYS], rel=1e-4)


def test_prices_in_quote_currency_are_discounted_and_parity_knows() -> None:
    terms = ForwardTerms(rate=0.08)
    source = chain(unit=PriceUnit.QUOTE)
    discount = np.exp(-0.08 * source.years)
    paid = replace(
        source,
        bid=source.bid * discount,
        ask=source.ask * discount,
        mark=source.mark * discount,
        forward=np.full(len(source), np.nan),
    )

    curve = estimate_forwards(paid, terms)

    assert curve.discount == pytest.approx([math.exp(-0.08 * day / 365) for day in DAYS], rel=1e-14)
    assert curve.forward == pytest.approx([forward_of(day) for day in DAYS], rel=1e-6)


def test_several_forwards_in_one_snapshot_are_diagnosed() -> None:
    source = chain()
    curve = estimate_forwards(changed(source, 0, forward=forward_of(2) * 1.03))

    assert [(fault.doubt, fault.expiry_ns) for fault in curve.faults] == [
        (Doubt.SEVERAL_FORWARDS, int(source.expiry_ns[0]))
    ]
    assert curve.faults[0].value == pytest.approx(0.03, rel=1e-6)
    assert curve.is_trusted.tolist() == [False, True, True, True, True]


def test_a_forward_that_parity_contradicts_is_diagnosed_by_quotes_and_by_marks() -> None:
    source = chain()
    last = source.expiry_ns == source.expiry_ns[-1]
    curve = estimate_forwards(
        replace(source, forward=np.where(last, source.forward * 1.06, source.forward))
    )

    doubts = [fault.doubt for fault in curve.faults]
    assert doubts == [Doubt.PARITY_ERROR, Doubt.MARK_PARITY_ERROR]
    assert curve.parity_error[-1] > 0.02
    assert not curve.is_trusted[-1]


def test_a_forward_below_spot_far_out_is_a_doubt_but_no_verdict() -> None:
    curve = estimate_forwards(replace(chain(), spot=SPOT * 1.02))

    assert {fault.doubt for fault in curve.faults} == {Doubt.FORWARD_BELOW_SPOT}
    assert {fault.expiry_ns for fault in curve.faults} == {
        int(expiry) for expiry in curve.expiry_ns[2:4]
    }
    assert curve.is_trusted.all()


def test_a_carry_that_nobody_pays_is_diagnosed() -> None:
    curve = estimate_forwards(replace(chain(), spot=SPOT / 1.2))

    assert Doubt.CARRY_ABSURD in {fault.doubt for fault in curve.faults}


def test_an_expiry_without_futures_and_without_pairs_has_no_forward() -> None:
    source = chain(days=(30.0,))
    calls = source.side == 1
    alone = replace(
        source,
        forward=np.full(len(source), np.nan),
        bid=np.where(calls, source.bid, np.nan),
    )

    curve = estimate_forwards(alone)

    assert [fault.doubt for fault in curve.faults] == [Doubt.NO_FORWARD]
    assert not curve.is_trusted.any()


def test_a_weighted_median_ignores_a_light_outlier_and_the_order() -> None:
    values, weights = np.array([5.0, 1.0, 100.0, 4.0]), np.array([3.0, 1.0, 2.0, 2.0])

    assert weighted_median(values, weights) == 5.0
    assert weighted_median(values[::-1], weights[::-1]) == 5.0


@pytest.mark.parametrize("unit", PriceUnit)
def test_a_factor_that_parity_shows_is_used_with_and_without_futures(unit: PriceUnit) -> None:
    """Prices paid today of a market that pays 8 % a year for its price unit."""
    source = chain(unit=unit, strikes=31, spread=1e-3)
    factor = np.exp(-0.08 * source.years)
    paid = replace(
        source, bid=source.bid * factor, ask=source.ask * factor, mark=source.mark * factor
    )
    for forward in (source.forward, np.full(len(source), np.nan)):
        curve = estimate_forwards(replace(paid, forward=forward))

        far = curve.years > 20 / 365
        assert set(curve.discount_reason[far].tolist()) == {DiscountReason.IMPLIED}
        truth = np.exp(-0.08 * curve.years)
        assert (np.abs(curve.implied_discount - truth) <= 4.0 * curve.discount_error).all()
        assert curve.discount[far] == pytest.approx(truth[far], abs=2e-3)
        assert curve.forward == pytest.approx([forward_of(day) for day in DAYS], rel=1e-3)
        assert curve.is_trusted.all()


def test_a_chain_that_is_not_discounted_keeps_one_and_says_why() -> None:
    curve = estimate_forwards(chain())

    assert curve.discount.tolist() == [1.0] * len(DAYS)
    assert set(curve.discount_reason.tolist()) <= {
        DiscountReason.INSIGNIFICANT, DiscountReason.IMPRECISE, DiscountReason.FEW_STRIKES,
    }  # fmt: skip
