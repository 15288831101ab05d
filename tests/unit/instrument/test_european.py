"""European options: quote and coin settlement agree, statuses come from the market."""

from __future__ import annotations

import math

import numpy as np
import pytest

from novate.errors import InputError
from novate.instrument.european import European
from novate.instrument.valued import Market
from novate.kernel.codes import PricingStatus

# F, K, T, vol, price in coin and net transaction delta of Deribit's convention, verified by
# quadrature under the coin measure.
COIN = [
    (1, 60000, 60000, 0.0821917808219178, 0.55, 0.06284015181972256, 0.4685799240901387),
    (-1, 100000, 100000, 0.0027397260273972603, 0.4, 0.00835248477471394, -0.5041762423873569),
    (1, 3000, 3500, 0.2465753424657534, 0.7, 0.08042189853599864, 0.31328083492014464),
]


@pytest.mark.parametrize(("side", "F", "K", "T", "vol", "price", "net"), COIN)
def test_a_coin_price_and_its_net_delta_are_met(side, F, K, T, vol, price, net) -> None:
    result = European(side=side, strike=K, in_coin=True).value(Market(spot=F, years=T, vol=vol))

    assert result.price == pytest.approx(price, abs=1e-10)
    assert result.delta * F == pytest.approx(net, abs=1e-10)


def test_a_published_price_is_met() -> None:
    # Haug 1998, p. 2: put, S 100, K 95, r 10%, q 5%, T 0.5, vol 20%: 2.4648.
    market = Market(spot=100, years=0.5, vol=0.2, rate=0.10, yield_=0.05)

    assert European(side=-1, strike=95).value(market).price == pytest.approx(2.4648, abs=1e-4)


def test_a_bad_market_element_says_why_and_spoils_no_other() -> None:
    market = Market(spot=[100, -1, np.nan, 100, 100], years=[1, 1, 1, -1, 1], vol=[0.2] * 4 + [-1])

    result = European(side=1, strike=100).value(market)

    assert result.status.tolist() == [
        0, PricingStatus.FORWARD_NOT_POSITIVE, PricingStatus.NOT_FINITE,
        PricingStatus.TIME_NEGATIVE, PricingStatus.VOLATILITY_NEGATIVE,
    ]  # fmt: skip
    assert np.isnan(result.price).tolist() == [False, True, True, True, True]


def test_wrong_terms_are_refused() -> None:
    with pytest.raises(InputError, match=r"strike 0\.0"):
        European(side=1, strike=0)


def test_without_time_it_is_worth_its_intrinsic() -> None:
    result = European(side=[1, -1], strike=90).value(Market(spot=100))

    assert result.price.tolist() == [10.0, 0.0]
    assert math.isfinite(result.theta[0])
