"""The public functions: shapes, statuses and agreement with the instruments."""

from __future__ import annotations

import numpy as np
import pytest

from novate.instrument.barrier import Barrier
from novate.instrument.digital import Digital, Touch, TouchForm
from novate.instrument.double_barrier import DoubleBarrier
from novate.instrument.valued import Market
from novate.kernel.codes import Monitoring, PricingStatus
from novate.valuation import exotic

MARKET = {"T": 0.5, "vol": 0.4, "rate": 0.05, "yield_": 0.02}
SAME = Market(spot=100.0, years=0.5, vol=0.4, rate=0.05, yield_=0.02)
BARRIER = {"direction": -1, "is_in": False, "monitoring": Monitoring.CONTINUOUS}


def test_scalars_in_scalars_out_and_arrays_broadcast() -> None:
    one = exotic.barrier(1, S=100.0, K=100.0, H=90.0, **BARRIER, **MARKET)
    grid = exotic.barrier(
        1, S=100.0, K=[[90.0], [100.0]], H=[80.0, 85.0, 90.0], **BARRIER, **MARKET
    )

    assert isinstance(one.price, np.float64)
    assert grid.price.shape == grid.status.shape == (2, 3)
    assert grid.status.dtype == np.int8
    assert grid.price[1, 2] == one.price


def test_functions_and_instruments_give_the_same_numbers() -> None:
    pairs = [
        (
            exotic.barrier(1, S=100.0, K=95.0, H=90.0, rebate=2.0, **BARRIER, **MARKET),
            Barrier(side=1, strike=95.0, barrier=90.0, rebate=2.0, **BARRIER).value(SAME),
        ),
        (
            exotic.touch(1, S=100.0, H=120.0, form=[1, 2, 3], amount=4.0, **MARKET),
            Touch(direction=1, barrier=120.0, form=[1, 2, 3], amount=4.0).value(SAME),
        ),
        (
            exotic.double_barrier(
                -1, is_in=True, S=100.0, K=95.0, lower=80.0, upper=130.0, **MARKET
            ),
            DoubleBarrier(side=-1, is_in=True, strike=95.0, lower=80.0, upper=130.0).value(SAME),
        ),
    ]  # fmt: skip
    for function, instrument in pairs:
        for mine, other in zip(function, instrument, strict=True):
            assert np.array_equal(mine, other)


def test_a_digital_on_the_forward_is_the_instrument_on_the_spot() -> None:
    forward = 100.0 * np.exp(0.03 * 0.5)
    mine = exotic.digital(1, F=forward, K=95.0, T=0.5, vol=0.4, rate=0.05)
    other = Digital(side=1, strike=95.0).value(SAME)

    assert mine.price == pytest.approx(other.price, rel=1e-14)
    assert mine.delta * forward / 100.0 == pytest.approx(other.delta, rel=1e-13)


def test_forms_and_flags_that_do_not_exist_are_refused_per_element() -> None:
    touch = exotic.touch(1, S=100.0, H=120.0, form=[0, 4, TouchForm.AT_HIT], **MARKET)
    flagged = exotic.touch(1, S=100.0, H=120.0, form=1, pays_asset=[0.5, 2, 1], **MARKET)

    assert touch.status.tolist() == [PricingStatus.PARAMETER_OUT_OF_RANGE] * 2 + [0]
    assert flagged.status.tolist() == [PricingStatus.PARAMETER_OUT_OF_RANGE] * 2 + [0]


def test_empty_columns_give_empty_results() -> None:
    result = exotic.barrier(1, S=np.empty(0), K=100.0, H=90.0, **BARRIER, **MARKET)

    assert result.price.shape == (0,)


def test_inputs_are_left_as_they_were() -> None:
    S = np.array([100.0, 101.0])
    exotic.barrier(1, S=S, K=100.0, H=90.0, **BARRIER, **MARKET)

    assert S.tolist() == [100.0, 101.0]


def test_volatilities_and_fair_prices_say_why_there_is_none() -> None:
    vol = exotic.sabr(F=[100.0, -1.0], K=100.0, T=1.0, alpha=0.3, beta=1.0, rho=0.0, nu=0.1)
    fair = exotic.perpetual_price(S=100.0, funding=[0.3, 0.01], rate=0.05)

    assert vol.status.tolist() == [0, PricingStatus.FORWARD_NOT_POSITIVE]
    assert fair.status.tolist() == [0, PricingStatus.PARAMETER_OUT_OF_RANGE]
    assert fair.basis[0] == pytest.approx(fair.price[0] / 100.0 - 1.0)
