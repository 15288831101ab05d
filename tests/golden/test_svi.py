"""Published SVI numbers.

Gatheral and Jacquier, *Arbitrage-free SVI volatility surfaces*, Quantitative Finance 14 (2014):
example 3.1 (Axel Vogt's slice) and its SVI-JW form and repair in example 5.1; QuantLib's SVI smile
section for one value.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from novate.market.volatility.svi import (
    JumpWings,
    RawSvi,
    check_butterfly,
    from_jump_wings,
    repair_butterfly,
    to_jump_wings,
)

VOGT = RawSvi(a=-0.0410, b=0.1331, rho=0.3060, m=0.3586, sigma=0.4153)
VOGT_WINGS = JumpWings(v=0.01742625, psi=-0.1752111, p=0.6997381, c=1.316798, v_min=0.0116249)


def as_list(wings: JumpWings) -> list[float]:
    return [wings.v, wings.psi, wings.p, wings.c, wings.v_min]


def test_vogts_slice_in_jump_wings() -> None:
    """The raw parameters are printed with four digits."""
    assert as_list(to_jump_wings(VOGT, 1.0)) == pytest.approx(as_list(VOGT_WINGS), rel=3e-4)


def test_jump_wings_of_vogts_slice_give_its_raw_parameters() -> None:
    raw = from_jump_wings(VOGT_WINGS, 1.0)

    assert raw.array == pytest.approx(VOGT.array, abs=2e-4)


def test_vogts_slice_has_butterfly_arbitrage_between_half_and_one_and_a_half() -> None:
    """Figure 1 of the paper: g is negative near k = 0.8."""
    check = check_butterfly(VOGT)

    assert not check.holds
    assert check.least < -0.01
    assert 0.5 < check.at < 1.5


def test_the_published_repair_of_vogts_slice_passes() -> None:
    """Example 5.1: c = p + 2 psi = 0.3493158 and v_min = 4 v p c / (p + c)^2 = 0.01548182."""
    call_wing = VOGT_WINGS.p + 2.0 * VOGT_WINGS.psi
    least = VOGT_WINGS.v * 4.0 * VOGT_WINGS.p * call_wing / (VOGT_WINGS.p + call_wing) ** 2
    assert call_wing == pytest.approx(0.3493158, abs=2e-7)
    assert least == pytest.approx(0.01548182, abs=1e-6)

    repaired = from_jump_wings(replace(VOGT_WINGS, c=call_wing, v_min=least), 1.0)

    assert check_butterfly(repaired).holds


def test_our_repair_of_vogts_slice_passes_and_stays_near() -> None:
    repaired = repair_butterfly(VOGT, 1.0)

    assert check_butterfly(repaired).holds
    k = np.linspace(-0.4, 0.4, 81)  # three standard deviations
    error = np.sqrt(repaired.variance(k)) - np.sqrt(VOGT.variance(k))
    assert np.abs(error).max() < 0.006


def test_the_variance_at_the_vertex_is_that_of_another_library() -> None:
    raw = RawSvi(a=-0.0666, b=0.229, rho=0.439, m=0.193, sigma=0.337)

    assert raw.variance(np.array([0.193]))[0] == pytest.approx(0.010573, abs=1e-12)
