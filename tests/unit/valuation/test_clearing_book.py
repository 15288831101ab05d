"""The engine's book as columns: values and Greeks against the engine's own integers."""

from __future__ import annotations

import numpy as np
import pytest

from novate.kernel.codes import PricingStatus
from novate.valuation.clearing_book import exposed_contracts, exposed_market, exposed_positions
from novate.valuation.holding import Kind, unit_risk
from tests.unit.app.replay.option_run import finished, ready
from tests.unit.clearing import E8, ClearingHouse


def test_options_are_worth_their_marks_to_half_a_tick() -> None:
    x, options = finished().engine.state, ready().options
    assert options is not None
    rows = options.first_instrument + np.arange(len(options.book.contracts))
    live = rows[x.instruments.expiry_ns[rows] > x.now_ns]
    contracts, market = exposed_contracts(x).take(live), exposed_market(x).take(live)
    risk = unit_risk(contracts, market)
    tick = x.instruments.tick_e8[live] / 1e8 * contracts.unit
    ticks = risk.native[0] / tick

    assert len(live) == 108
    assert (risk.status == PricingStatus.OK).all()
    off = np.abs(np.maximum(ticks, 1.0) - x.marks.mark[live])
    assert (off <= 0.5 + 1e-6).all()


def test_deltas_are_those_that_the_engine_reports() -> None:
    x, options = finished().engine.state, ready().options
    assert options is not None
    rows = options.first_instrument + np.arange(len(options.book.contracts))
    live = rows[x.instruments.expiry_ns[rows] > x.now_ns]
    contracts = exposed_contracts(x).take(live)
    risk = unit_risk(contracts, exposed_market(x).take(live))

    # The engine bumps with the smile in the log-moneyness: a coarse agreement is what is meant.
    assert np.allclose(risk["delta"] / contracts.unit, x.marks.delta_e9[live] / 1e9, atol=0.2)
    assert np.corrcoef(risk["delta"] / contracts.unit, x.marks.delta_e9[live])[0, 1] > 0.99


def test_a_perpetual_counts_from_its_mark() -> None:
    x = finished().engine.state
    contracts, market = exposed_contracts(x), exposed_market(x)
    perpetuals = np.flatnonzero(x.instruments.used("kind") == 0)
    risk = unit_risk(contracts.take(perpetuals), market.take(perpetuals))

    assert (contracts.kind[perpetuals] == Kind.FUTURE).all()
    assert risk["value"] == pytest.approx(0.0, abs=1e-9)
    lot = [contract.lot_e8 / 1e8 for contract in ready().venue.contracts]
    assert contracts.unit[perpetuals] == pytest.approx(lot)


def test_positions_are_the_rows_with_lots() -> None:
    x = finished().engine.state
    held = exposed_positions(x)
    total = np.zeros(x.instruments.count)
    np.add.at(total, held.contract, held.quantity)

    assert len(held) == np.count_nonzero(x.positions.used("lots"))
    assert not total.any()


@pytest.mark.parametrize(
    ("terms", "tolerance"),
    [
        ({"kind": 2, "payout_ticks": 5_000, "ticks_max": 10_000}, 0.1),
        ({"barrier": 1, "barrier_e8": 130 * E8, "monitoring": 1, "rebate_ticks": 100}, 0.001),
        ({"barrier": 4, "barrier_e8": 80 * E8, "monitoring": 1}, 0.001),
        ({"barrier": 2, "barrier_e8": 130 * E8, "monitoring": 3, "side": -1}, 0.001),
    ],
)
def test_digitals_and_barriers_are_worth_their_marks(
    terms: dict[str, int], tolerance: float
) -> None:
    """Under a flat smile; the mark of a digital alone has a slope, which is small here."""
    house = ClearingHouse()
    house.list_option(**terms)
    house.price(100)
    house.smile(0.6)
    house.assess()
    x = house.engine.state
    contracts = exposed_contracts(x)
    risk = unit_risk(contracts, exposed_market(x))
    ticks = risk.native[0, -1] / (
        contracts.unit[-1] * x.instruments.tick_e8[x.instruments.count - 1] / 1e8
    )
    mark = x.marks.mark[x.instruments.count - 1]

    assert contracts.kind[-1] == Kind.VALUED
    assert risk.status[-1] == PricingStatus.OK
    assert ticks == pytest.approx(mark, abs=0.51, rel=tolerance)


def test_an_option_without_a_smile_is_not_priced_and_spoils_no_other() -> None:
    house = ClearingHouse()
    house.list_option()
    x = house.engine.state
    risk = unit_risk(exposed_contracts(x), exposed_market(x))

    assert risk.status[-1] == PricingStatus.NOT_FINITE or np.isnan(risk.native[0, -1])
    assert np.isnan(exposed_market(x).vol[-1])
