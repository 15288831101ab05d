from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.instrument.columns import TIERS_MAX
from novate.kernel.clearing.requirement import tier_margin
from novate.margin.contract_rule.notional_tier import apply_tier_set, decide_set_tier
from novate.message.refusal import SetTierRefusal
from novate.valuation import ClearingState
from tests.unit.clearing import Recorder

ROW: dict[str, Any] = {
    "instrument": 0,
    "floor": 2_000,
    "initial_ppm": 200_000,
    "maintenance_ppm": 100_000,
}


def instrument_with(*tiers: tuple[int, int, int]) -> ClearingState:
    state = ClearingState()
    state.instruments.append()
    for floor, initial_ppm, maintenance_ppm in tiers:
        row = {
            "instrument": 0,
            "floor": floor,
            "initial_ppm": initial_ppm,
            "maintenance_ppm": maintenance_ppm,
        }
        emitted = Recorder()
        assert decide_set_tier(state, row, emitted) is None
        apply_tier_set(state, emitted.only())
    return state


ONE_TIER = (0, 100_000, 50_000)


@pytest.mark.rule("4.25", "15.17")
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"instrument": 1, "floor": -1}, SetTierRefusal.UNKNOWN_INSTRUMENT),
        ({"floor": 0, "initial_ppm": 0}, SetTierRefusal.FLOOR_NOT_ASCENDING),
        ({"initial_ppm": 1_000_001, "maintenance_ppm": 1}, SetTierRefusal.RATE_OUT_OF_RANGE),
        ({"maintenance_ppm": 0}, SetTierRefusal.RATE_OUT_OF_RANGE),
        ({"maintenance_ppm": 1_000_001}, SetTierRefusal.RATE_OUT_OF_RANGE),
        ({"maintenance_ppm": 49_999}, SetTierRefusal.RATE_FALLING),
        ({"initial_ppm": 99_999, "maintenance_ppm": 99_999}, SetTierRefusal.RATE_FALLING),
        ({"initial_ppm": 100_000}, SetTierRefusal.INITIAL_BELOW_MAINTENANCE),
        ({"initial_ppm": 100_001}, None),
        ({"initial_ppm": 1_000_000, "maintenance_ppm": 1_000_000}, None),
        ({"floor": 1, "initial_ppm": 100_000, "maintenance_ppm": 50_000}, None),
    ],
)
def test_a_tier_is_refused_in_the_order_of_the_codes(
    change: dict[str, Any], code: SetTierRefusal | None
) -> None:
    emitted = Recorder()

    refusal = decide_set_tier(instrument_with(ONE_TIER), {**ROW, **change}, emitted)

    assert (refusal and refusal.code) == code
    assert emitted.names == ([] if code else ["TierSet"])


@pytest.mark.rule("15.17")
def test_the_first_tier_starts_at_zero() -> None:
    refusal = decide_set_tier(instrument_with(), {**ROW, "floor": 1}, Recorder())

    assert refusal is not None
    assert refusal.code == SetTierRefusal.FLOOR_NOT_ASCENDING


@pytest.mark.rule("15.17")
def test_an_instrument_has_no_more_tiers_than_there_is_room_for() -> None:
    full = instrument_with(*((k, 100_000 + k, 50_000 + k) for k in range(TIERS_MAX)))

    refusal = decide_set_tier(full, {**ROW, "floor": 0}, Recorder())

    assert refusal == (SetTierRefusal.TOO_MANY_TIERS, TIERS_MAX + 1, TIERS_MAX)


# 10% and 5%; from 1,000 on 20% and 10%, that is less 100 and 50; from 5,000 on 50% and 40%, less
# 100 + 5,000 * 30% = 1,600 and 50 + 5,000 * 30% = 1,550.
@pytest.mark.rule("3.8")
def test_deductions_add_up_from_tier_to_tier() -> None:
    state = instrument_with(ONE_TIER, (1_000, 200_000, 100_000), (5_000, 500_000, 400_000))
    instruments = state.instruments

    assert instruments.initial_deduction[0, :3].tolist() == [0.0, 100.0, 1_600.0]
    assert instruments.maintenance_deduction[0, :3].tolist() == pytest.approx([0.0, 50.0, 1_550.0])
    assert instruments.tier_count[0] == 3


@pytest.mark.rule("3.7", "3.8")
@given(
    steps=st.lists(
        st.tuples(st.integers(1, 10**14), st.integers(1, 50_000), st.integers(0, 20_000)),
        max_size=TIERS_MAX - 1,
    ),
    notional=st.integers(0, 10**15),
)
def test_margin_is_the_sum_over_the_slices_of_the_notional(
    steps: list[tuple[int, int, int]], notional: int
) -> None:
    tiers = [(0, 20_000, 10_000)]
    for width, initial_step, maintenance_step in steps:
        floor, initial, maintenance = tiers[-1]
        maintenance += maintenance_step
        initial = max(min(initial + initial_step, 1_000_000), maintenance + 1)
        tiers.append((floor + width, initial, maintenance))
    x = instrument_with(*tiers)

    margins = tier_margin(x.instrument_arrays(), 0, float(notional))

    for found, column in zip(margins, (1, 2), strict=True):
        exact = Fraction(0)
        for k, tier in enumerate(tiers):
            end = min(tiers[k + 1][0], notional) if k + 1 < len(tiers) else notional
            exact += max(end - tier[0], 0) * Fraction(tier[column], 1_000_000)
        # Rounded up once, after products in float64 whose last bit is worth an eighth at most.
        assert exact - 4 <= int(found) <= exact + 5
