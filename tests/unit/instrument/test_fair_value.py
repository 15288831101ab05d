"""Fair futures and perpetuals as instruments."""

from __future__ import annotations

import math

import numpy as np
import pytest

from novate.errors import InputError
from novate.instrument.fair_value import FairFuture, FairPerpetual
from novate.instrument.valued import Market
from novate.kernel.codes import PricingStatus

MARKET = Market(spot=1e4, years=0.5, rate=0.04, yield_=0.02)


def test_a_future_follows_the_spot_by_its_carry() -> None:
    result = FairFuture().value(MARKET)

    assert result.price == pytest.approx(1e4 * math.exp(0.01))
    assert result.delta == pytest.approx(math.exp(0.01))
    assert result.theta == pytest.approx(-0.02 * 1e4 * math.exp(0.01))
    assert result.rho == pytest.approx(0.5 * 1e4 * math.exp(0.01))


def test_a_perpetual_is_a_multiple_of_the_index() -> None:
    result = FairPerpetual(form="linear", funding=0.2, interest=0.005).value(MARKET)

    assert result.price == pytest.approx(10833.33333333)
    assert result.delta == pytest.approx(1.083333333333)
    # d/dr of S (k - i) / (k - r + q).
    assert result.rho == pytest.approx(1e4 * 0.195 / 0.18**2, rel=1e-8)
    assert result.theta == 0.0


def test_funding_that_cannot_hold_the_price_has_none() -> None:
    result = FairPerpetual(form="linear", funding=[0.2, 0.01]).value(MARKET)

    assert result.status.tolist() == [0, PricingStatus.PARAMETER_OUT_OF_RANGE]
    assert np.isnan(result.rho[1])


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"form": "power", "funding": 0.1}, "form 'power'; allowed: linear, inverse, quanto"),
        ({"form": "linear", "funding": 0.0}, "funding 0.0"),
        ({"form": "linear", "funding": 0.1, "period_years": -1}, "period_years -1.0"),
        ({"form": "quanto", "funding": 0.1, "covariance": np.inf}, "covariance inf"),
    ],
)
def test_wrong_terms_are_refused(terms, message) -> None:
    with pytest.raises(InputError) as refused:
        FairPerpetual(**terms)

    assert message in str(refused.value)
