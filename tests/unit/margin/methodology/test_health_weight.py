"""Weights that take away and never add."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.margin.methodology.health_weight import PerpetualTerms, TokenTerms

TERMS = TokenTerms(
    initial_asset=0.8,
    maintenance_asset=0.9,
    initial_liability=1.2,
    maintenance_liability=1.1,
    size_factor=0.003,
)


@given(st.floats(-1e12, 1e12))
def test_assets_weigh_at_most_one_and_debts_at_least_one(units: float) -> None:
    for kind, least in (("initial", 1.2), ("maintenance", 1.1)):
        weight = TERMS.weight(kind, units)  # type: ignore[arg-type]
        assert 0 <= weight <= 0.9 if units >= 0 else weight >= least


def test_a_perpetual_has_rates_of_each_side_and_size() -> None:
    terms = PerpetualTerms(
        initial_long=0.1,
        initial_short=0.2,
        maintenance_long=0.03,
        maintenance_short=0.04,
        maintenance_profit=0.9,
        size_factor=0.01,
    )
    assert (terms.rate("initial", 1.0), terms.rate("initial", -1.0)) == (0.1, 0.2)
    assert (terms.rate("maintenance", 0.5), terms.rate("maintenance", -0.5)) == (
        pytest.approx(0.03107106781186548),
        0.04,
    )
    assert terms.rate("initial", 10_000.0) == pytest.approx(1.08)
    assert terms.profit_weight("maintenance", 1e9) == 0.9


@pytest.mark.parametrize(("asset", "liability"), [(1.1, 1.0), (-0.1, 1.0), (1.0, 0.9)])
def test_weights_that_add_are_refused(asset: float, liability: float) -> None:
    with pytest.raises(ValueError, match="allowed: 0 to 1"):
        TokenTerms(
            initial_asset=asset,
            maintenance_asset=0.9,
            initial_liability=liability,
            maintenance_liability=1.1,
        )
