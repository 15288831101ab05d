"""Digital and touch terms: refusals, and the forms against one another."""

from __future__ import annotations

import math

import numpy as np
import pytest

from novate.errors import InputError
from novate.instrument.digital import Digital, Touch, TouchForm
from novate.instrument.valued import Market
from novate.kernel.codes import BarrierState

MARKET = Market(spot=100.0, years=0.5, vol=0.4, rate=0.06, yield_=0.02)


def test_a_call_and_a_put_pay_the_amount_together() -> None:
    both = Digital(side=[1, -1], strike=110.0, amount=7.0).value(MARKET)

    assert both.price.sum() == pytest.approx(7.0 * math.exp(-0.03), rel=1e-14)
    assert both.delta.sum() == pytest.approx(0.0, abs=1e-14)


def test_paid_in_the_asset_both_make_the_asset_without_its_yield() -> None:
    both = Digital(side=[1, -1], strike=110.0, pays_asset=True).value(MARKET)

    assert both.price.sum() == pytest.approx(100.0 * math.exp(-0.01), rel=1e-14)
    assert both.delta.sum() == pytest.approx(math.exp(-0.01), rel=1e-12)


def test_touched_and_not_touched_make_the_amount() -> None:
    forms = [TouchForm.AT_EXPIRY, TouchForm.NO_TOUCH]
    both = Touch(direction=1, barrier=120.0, form=forms, amount=5.0).value(MARKET)

    assert both.price.sum() == pytest.approx(5.0 * math.exp(-0.03), rel=1e-14)


def test_paid_at_the_touch_it_is_worth_more_than_at_expiry() -> None:
    forms = [TouchForm.AT_HIT, TouchForm.AT_EXPIRY]
    hit, expiry = Touch(direction=-1, barrier=90.0, form=forms).value(MARKET).price

    assert expiry < hit < expiry * math.exp(0.03)


def test_an_asset_at_the_touch_is_worth_the_barrier() -> None:
    asset = Touch(direction=1, barrier=120.0, pays_asset=True).value(MARKET)
    cash = Touch(direction=1, barrier=120.0, amount=120.0).value(MARKET)

    assert asset.price == pytest.approx(cash.price, rel=1e-14)


def test_touched_now_the_amount_is_due_and_later_it_has_been_paid() -> None:
    states = [BarrierState.TOUCHED, BarrierState.KNOCKED]
    result = Touch(direction=1, barrier=99.0, amount=5.0, state=states).value(MARKET)

    assert result.price.tolist() == [5.0, 0.0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Digital(side=3, strike=1), "side 3.0"),
        (lambda: Digital(side=1, strike=1, amount=-1), "amount -1.0"),
        (lambda: Digital(side=1, strike=1, in_coin=0.5), "in_coin 0.5"),
        (lambda: Touch(direction=0, barrier=1), "direction 0.0"),
        (lambda: Touch(direction=1, barrier=1, form=4), "form 4.0 (element 0); allowed: AT_HIT"),
        (lambda: Touch(direction=1, barrier=np.nan), "barrier nan"),
    ],
)
def test_wrong_terms_are_refused(make, message) -> None:
    with pytest.raises(InputError) as refused:
        make()

    assert message in str(refused.value)
