"""Exotics among other contracts: taken with their rows, touched where asked, in every report."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from novate.errors import InputError
from novate.instrument.barrier import Barrier
from novate.instrument.digital import Digital
from novate.instrument.double_barrier import DoubleBarrier
from novate.instrument.fair_value import FairPerpetual
from novate.kernel.clearing.value import INVERSE
from novate.kernel.codes import Monitoring, PricingStatus
from novate.valuation.book_risk import Positions, book_risk
from novate.valuation.exotic_terms import Exotics
from novate.valuation.gamma_acceleration import gamma_acceleration, pin_list
from novate.valuation.gamma_profile import Sticky, gamma_profile
from novate.valuation.holding import Kind, unit_risk
from novate.valuation.pnl_explain import explain, moves
from tests.unit.valuation.books import DAY, NOW, bumped, contract, contracts, market

STRIKES = np.array([57_000.0, 60_000.0, 66_000.0])
BOOK = contracts(
    [
        contract(Kind.EUROPEAN, strike=62_000.0),
        *(contract(Kind.VALUED, strike=strike) for strike in STRIKES),
        *(contract(Kind.VALUED, INVERSE, strike=strike) for strike in STRIKES),
        contract(Kind.VALUED, strike=60_000.0),
    ]
)
EXOTIC = replace(
    BOOK,
    exotics=(
        Exotics(rows=np.array([1, 2, 3]), terms=Digital(side=1, strike=STRIKES, amount=5_000.0)),
        Exotics(
            rows=np.array([4, 5, 6]),
            terms=Barrier(
                side=-1, direction=1, is_in=[True, False, False], strike=STRIKES, rebate=0.01,
                barrier=[70_000.0, 72_000.0, 68_000.0], monitoring=Monitoring.CONTINUOUS,
                in_coin=True,
            ),
        ),
        Exotics(
            rows=np.array([7]),
            terms=DoubleBarrier(
                side=1, is_in=False, strike=60_000.0, lower=50_000.0, upper=75_000.0
            ),
        ),
    ),
)  # fmt: skip
AT = market(EXOTIC)
QUANTITY = np.array([2.0, 1.0, -2.0, 1.0, 3.0, 2.0, -1.0, 4.0])


def test_exotics_are_taken_with_their_rows() -> None:
    strikes = np.array([50_000.0, 60_000.0, 75_000.0])
    rows = [contract(Kind.SPOT), *(contract(Kind.VALUED, strike=strike) for strike in strikes)]
    option = Digital(side=1, strike=strikes, amount=7.0)
    terms = replace(contracts(rows), exotics=(Exotics(rows=np.arange(1, 4), terms=option),))
    whole = unit_risk(terms, market(terms))
    picked = np.array([3, 0, 1])
    part = terms.take(picked)

    assert part.exotics[0].rows.tolist() == [0, 2]
    np.testing.assert_array_equal(unit_risk(part, market(part)).native, whole.native[:, picked])


def test_an_exotic_without_a_settlement_price_has_no_value() -> None:
    rows = [contract(Kind.VALUED), contract(Kind.VALUED)]
    terms = replace(
        contracts(rows),
        exotics=(Exotics(rows=np.arange(2), terms=Digital(side=1, strike=60_000.0)),),
    )
    risk = unit_risk(terms, market(terms, settlement_price=np.array([1.0, np.nan])))

    assert risk.status.tolist() == [0, PricingStatus.NOT_FINITE]
    assert np.isnan(risk.native[:, 1]).all()


def test_a_barrier_beyond_its_level_is_contradicted_or_touched_as_asked() -> None:
    rows = [contract(Kind.VALUED)] * 3 + [contract(Kind.EUROPEAN)]
    knock = Barrier(
        side=1, direction=1, is_in=[True, False, False], strike=60_000.0,
        barrier=[59_000.0, 59_000.0, 70_000.0], rebate=5.0, monitoring=Monitoring.CONTINUOUS,
    )  # fmt: skip
    terms = replace(contracts(rows), exotics=(Exotics(rows=np.arange(3), terms=knock),))
    at = market(terms)

    crossed = PricingStatus.BARRIER_CROSSED
    assert unit_risk(terms, at).status.tolist() == [crossed, crossed, 0, 0]
    risk = unit_risk(terms, at, touches=True)
    assert not risk.status.any()
    assert risk.native[0, :2] == pytest.approx([risk.native[0, 3], 5.0], rel=1e-12)


def test_exotics_with_columns_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="strike of shape"):
        Exotics(rows=np.arange(3), terms=Digital(side=1, strike=np.array([1.0, 2.0])))
    with pytest.raises(InputError, match="without repetition"):
        Exotics(rows=np.array([1, 1]), terms=Digital(side=1, strike=1.0))


def test_terms_that_are_no_numbers_stay_as_they_are() -> None:
    perpetual = FairPerpetual(form="linear", funding=np.array([1.0, 2.0]))
    part = Exotics(rows=np.arange(2), terms=perpetual).take(np.array([1]), 2)

    assert part.terms == FairPerpetual(
        form="linear", funding=2.0, interest=0, period_years=0, is_at_end=False, covariance=0
    )


def test_every_exotic_has_every_measure() -> None:
    risk = unit_risk(EXOTIC, AT)

    assert not risk.status.any()
    assert np.isfinite(risk.native).all()
    assert np.isfinite(risk.reporting).all()


def test_a_book_of_exotics_is_the_sum_of_its_rows() -> None:
    risk = unit_risk(EXOTIC, AT)
    positions = Positions(
        account=np.zeros(8, np.int32), contract=np.arange(8, dtype=np.int32), quantity=QUANTITY
    )
    table = book_risk(
        positions, EXOTIC, risk, member=np.zeros(1, np.int32), bucket=np.zeros(8, np.int64)
    ).by("underlying")

    assert table.unpriced.tolist() == [0]
    np.testing.assert_allclose(table.reporting[:, 0], risk.reporting @ QUANTITY, rtol=1e-12)


@pytest.mark.parametrize("sticky", Sticky)
def test_delta_and_gamma_of_a_profile_with_exotics_are_the_slopes_of_its_value(
    sticky: Sticky,
) -> None:
    h = 2.0
    for spot in (52_345.0, 60_700.0, 66_890.0):
        here = gamma_profile(EXOTIC, AT, QUANTITY, [spot - h, spot, spot + h], sticky=sticky)
        assert here.unpriced == 0
        slope = (here.value[2] - here.value[0]) / (2 * h)
        bend = (here.delta[2] - here.delta[0]) / (2 * h)
        assert here.delta[1] == pytest.approx(slope, rel=1e-5)
        assert here.gamma[1] == pytest.approx(bend, rel=1e-5)


def test_beyond_a_barrier_a_profile_has_what_the_touch_left() -> None:
    far = gamma_profile(EXOTIC, AT, np.eye(8)[7], [60_000.0, 74_999.99, 75_001.0, 80_000.0])
    rebate = gamma_profile(EXOTIC, AT, np.eye(8)[6], [60_000.0, 69_000.0])

    assert far.value[2:].tolist() == [0.0, 0.0]
    assert 0.0 < far.value[1] < 1.0
    # A hundredth of a coin, at the price of the coin there.
    coin = AT.settlement_price[6] * 69_000.0 / AT.spot[6]
    assert rebate.value[1] == pytest.approx(0.01 * coin, rel=1e-12)


def test_acceleration_is_quantity_times_the_greeks_of_exotics_too() -> None:
    risk = unit_risk(EXOTIC, AT)
    found = gamma_acceleration(EXOTIC, AT, risk, QUANTITY)

    for name in ("gamma", "speed", "colour", "zomma"):
        np.testing.assert_array_equal(getattr(found, name), QUANTITY * risk[name])
    assert found.is_near.all()
    assert np.isnan(found.doubling_years[1:]).all()


def test_exotics_near_their_strike_are_listed_apart_from_calls_and_puts() -> None:
    found = pin_list(EXOTIC, AT, unit_risk(EXOTIC, AT), QUANTITY, days=31.0)

    assert found.is_exotic.tolist().count(False) == 1
    assert found.strike[~found.is_exotic].tolist() == [62_000.0]
    assert set(found.strike[found.is_exotic]) == {57_000.0, 60_000.0, 66_000.0}


def test_profit_of_exotics_is_explained_up_to_the_third_order() -> None:
    def left(step: float) -> np.ndarray:
        end = replace(
            bumped(EXOTIC, AT, spot=0.02 * step, vol=0.03 * step),
            as_of_ns=NOW + int(DAY * step),
        )
        found = moves(EXOTIC, AT, end)
        assert found.is_priced.all()
        return np.abs(found.remainder())

    ratio = left(0.1) / left(0.05)
    assert (ratio[1:] > 6.0).all()  # a half of the step leaves an eighth
    assert (ratio[1:] < 10.0).all()


def test_profit_over_a_touch_is_explained_to_the_last_unit() -> None:
    end = bumped(EXOTIC, AT, spot=0.15)  # beyond the barrier at 68,000
    found = moves(EXOTIC, AT, end)
    positions = Positions(
        account=np.zeros(8, np.int32), contract=np.arange(8, dtype=np.int32), quantity=QUANTITY
    )
    told = explain(found, positions, accounts=1, decimals=6)

    assert found.is_priced.all()
    assert told.unpriced.tolist() == [0]
    assert told.units.sum() == told.actual[0]
    assert found.worth[6] == pytest.approx(0.01 * end.settlement_price[6], rel=1e-12)
