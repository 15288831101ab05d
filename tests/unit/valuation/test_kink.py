"""Greeks beyond all measure: given as 0 and said so, and everything else left alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from novate.instrument.barrier import Barrier
from novate.instrument.digital import Digital
from novate.instrument.european import European
from novate.instrument.valued import Instrument
from novate.kernel.codes import Monitoring, PricingStatus
from novate.valuation.exotic_terms import Exotics
from novate.valuation.holding import Kind, UnitRisk, unit_risk
from novate.valuation.kink import level_kinks, settle_infinities
from tests.unit.valuation.books import NOW, contract, contracts, market


def expiring(terms: Instrument, forward: float = 60_000.0, left_ns: int = 0) -> UnitRisk:
    """An instrument that expires now, with the spot as given."""
    row = contracts([contract(Kind.VALUED, expiry_ns=NOW + left_ns)])
    table = replace(row, exotics=(Exotics(rows=np.arange(1), terms=terms),))
    at = np.full(1, forward)
    return unit_risk(table, market(table, spot=at, forward=at, settlement_price=np.ones(1)))


DIGITAL = Digital(side=1.0, strike=60_000.0, amount=100.0)
BARRIER = Barrier(
    side=1.0,
    strike=60_000.0,
    direction=-1.0,
    is_in=False,
    barrier=50_000.0,
    monitoring=float(Monitoring.CONTINUOUS),
)


@pytest.mark.parametrize("terms", [DIGITAL, BARRIER, European(side=-1.0, strike=60_000.0)])
def test_what_expires_at_its_strike_has_a_value_and_no_greek_that_spoils_a_book(
    terms: Instrument,
) -> None:
    risk = expiring(terms)

    assert risk.is_priced.all()
    assert np.isfinite(risk.reporting).all()
    assert np.abs(risk.native[1:]).max() <= 1.0


def test_a_digital_at_its_strike_says_so_and_is_worth_half_of_its_jump() -> None:
    risk = expiring(DIGITAL)

    assert risk.status.tolist() == [PricingStatus.AT_KINK]
    assert risk.native[0, 0] == pytest.approx(50.0)


def test_away_from_the_strike_and_with_time_left_nothing_is_changed() -> None:
    for terms, forward in ((DIGITAL, 60_001.0), (BARRIER, 65_000.0), (DIGITAL, 40_000.0)):
        assert expiring(terms, forward).status.tolist() == [PricingStatus.OK]
    soon = expiring(DIGITAL, left_ns=1)

    assert soon.status.tolist() == [PricingStatus.OK]
    assert soon["delta"][0] > 1e3  # a nanosecond before, the slope is what it is
    whole = expiring(BARRIER, 65_000.0)
    assert (whole.native[0, 0], whole.native[1, 0]) == pytest.approx((5_000.0, 1.0), rel=1e-12)


def test_only_what_no_payoff_has_is_levelled() -> None:
    rows = np.zeros((12, 4))
    rows[0], rows[1], rows[2] = 10.0, [1.0, 1e30, 1.0, 1e30], [0.0, 0.0, np.inf, 0.0]
    status = np.array([0, 0, 0, PricingStatus.NOT_FINITE], np.int8)
    level_kinks(rows, np.full(4, 100.0), np.zeros(4), np.ones(4), status)

    assert rows[1].tolist() == [1.0, 0.0, 1.0, 1e30]
    assert rows[2].tolist() == [0.0] * 4
    kink = PricingStatus.AT_KINK
    assert status.tolist() == [0, kink, kink, PricingStatus.NOT_FINITE]


def test_an_infinite_worth_is_no_price_and_an_infinite_greek_is_none() -> None:
    native, reporting = np.ones((12, 3)), np.ones((15, 3))
    reporting[0, 0], native[2, 1], reporting[4, 1] = np.inf, np.nan, -np.inf
    status = np.zeros(3, np.int8)
    settle_infinities(native, reporting, status)

    assert status.tolist() == [PricingStatus.PARAMETER_OUT_OF_RANGE, PricingStatus.AT_KINK, 0]
    assert np.isnan(native[:, 0]).all()
    assert np.isnan(reporting[:, 0]).all()
    assert (native[2, 1], reporting[4, 1]) == (0.0, 0.0)
    assert (native[:, 2] == 1.0).all()
