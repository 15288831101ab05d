"""Perpetual futures: Ackerer, Hugonnier and Jermann (2024), and QuantLib's engine."""

from __future__ import annotations

import itertools

import pytest
import QuantLib

from novate.valuation.exotic import perpetual_price

# Equation 12 and propositions 2 to 4 evaluated at the terms of QuantLib's perpetualfutures.cpp:
# form, at the period's end, period, k, i, price, tolerance.  S 10,000, r 4%, q 2%.
PAPER = [
    (0, False, 0.25, 0.01, 0.005, 10025.104585, 0.0101),
    (1, True, 0.25, 0.01, 0.005, 30025.0417188, 0.0301),
    (0, False, 0.0, 0.2, 0.005, 10833.33333333, 0.0109),
]


@pytest.mark.parametrize(("form", "is_at_end", "period", "k", "i", "price", "tolerance"), PAPER)
def test_a_published_perpetual_price_is_met(
    form: int, is_at_end: bool, period: float, k: float, i: float, price: float, tolerance: float
) -> None:
    result = perpetual_price(
        S=1e4, funding=k, interest=i, rate=0.04, yield_=0.02, period_years=period, form=form,
        is_at_end=is_at_end,
    )  # fmt: skip

    assert result.price == pytest.approx(price, abs=tolerance)
    # The rows have ten digits; the tolerances are those of their source.
    assert result.price == pytest.approx(price, rel=1e-10)


@pytest.mark.parametrize(
    ("form", "is_at_end", "period"),
    list(itertools.product((0, 1), (False, True), (0.0, 0.25))),
)
def test_a_fair_price_agrees_with_quantlib(form: int, is_at_end: bool, period: float) -> None:
    today = QuantLib.Date(1, 1, 2026)
    QuantLib.Settings.instance().evaluationDate = today
    count = QuantLib.Actual365Fixed()
    kinds = (QuantLib.PerpetualFutures.Linear, QuantLib.PerpetualFutures.Inverse)
    timings = (
        QuantLib.PerpetualFutures.FundingWithPreviousSpot,
        QuantLib.PerpetualFutures.FundingWithCurrentSpot,
    )
    k, i = (0.01, 0.005) if period else (0.2, 0.005)
    contract = QuantLib.PerpetualFutures(
        kinds[form], timings[is_at_end],
        QuantLib.Period(3, QuantLib.Months) if period else QuantLib.Period(0, QuantLib.Months),
    )  # fmt: skip
    curve = [
        QuantLib.YieldTermStructureHandle(QuantLib.FlatForward(today, rate, count))
        for rate in (0.04, 0.02)
    ]
    contract.setPricingEngine(
        QuantLib.DiscountingPerpetualFuturesEngine(
            curve[0], curve[1], QuantLib.QuoteHandle(QuantLib.SimpleQuote(1e4)),
            [0.0], [k], [i],
        )
    )  # fmt: skip

    result = perpetual_price(
        S=1e4, funding=k, interest=i, rate=0.04, yield_=0.02, period_years=period, form=form,
        is_at_end=is_at_end,
    )  # fmt: skip

    assert result.price == pytest.approx(contract.NPV(), rel=1e-6)


def test_a_quanto_on_its_own_coin_grows_by_its_variance() -> None:
    # Settled in the underlying itself at a fixed rate, cov is vol^2: the multiple is that of an
    # index that grows by r - q + vol^2 (proposition 4 with the settlement asset as numeraire).
    vol, k, i, r, q = 0.6, 1.0, 0.01, 0.04, 0.02
    result = perpetual_price(
        S=100.0, funding=k, interest=i, rate=r, yield_=q, form=2, covariance=vol * vol
    )

    assert result.price == pytest.approx(100.0 * (k - i) / (k - (r - q) - vol * vol), rel=1e-14)
