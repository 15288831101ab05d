"""SABR kernel: statuses, and the special cases that have a known answer."""

from __future__ import annotations

import numpy as np
import pytest

from novate.kernel.codes import PricingStatus
from novate.kernel.pricing.sabr import sabr_volatilities, stretch

NAMES = ("F", "K", "T", "alpha", "beta", "rho", "nu")
GOOD = {"F": 100.0, "K": 110.0, "T": 0.5, "alpha": 0.4, "beta": 1.0, "rho": -0.3, "nu": 0.8}


def run(*changes: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
    columns = [np.array([{**GOOD, **change}[name] for change in changes]) for name in NAMES]
    vol, status = np.empty(len(changes)), np.empty(len(changes), np.int8)
    sabr_volatilities(*columns, vol, status)
    return vol, status


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"nu": np.inf}, PricingStatus.NOT_FINITE),
        ({"F": 0.0}, PricingStatus.FORWARD_NOT_POSITIVE),
        ({"K": 0.0}, PricingStatus.STRIKE_NOT_POSITIVE),
        ({"T": -1.0}, PricingStatus.TIME_NEGATIVE),
        ({"alpha": 0.0}, PricingStatus.PARAMETER_OUT_OF_RANGE),
        ({"beta": 1.1}, PricingStatus.PARAMETER_OUT_OF_RANGE),
        ({"rho": 1.0}, PricingStatus.PARAMETER_OUT_OF_RANGE),
        ({"nu": -0.1}, PricingStatus.PARAMETER_OUT_OF_RANGE),
        ({"rho": -0.99, "nu": 4.0, "T": 30.0}, PricingStatus.PARAMETER_OUT_OF_RANGE),
    ],
)
def test_a_bad_element_is_nan_with_its_reason_and_spoils_no_other(
    change: dict[str, float], status: PricingStatus
) -> None:
    vol, statuses = run({}, change, {})

    assert statuses.tolist() == [0, status, 0]
    assert np.isnan(vol[1])
    assert vol[0] == vol[2]


def test_without_volatility_of_volatility_and_with_beta_one_it_is_flat() -> None:
    vol, _ = run({"nu": 0.0}, {"nu": 0.0, "K": 10.0}, {"nu": 0.0, "K": 1000.0})

    assert vol.tolist() == pytest.approx([0.4, 0.4, 0.4], rel=1e-15)


@pytest.mark.parametrize("rho", [-0.9, 0.0, 0.7])
def test_the_stretch_is_smooth_through_zero(rho: float) -> None:
    assert stretch(0.0, rho) == 1.0
    for z in (1e-300, -1e-12, 1e-8, -1e-4):
        assert stretch(z, rho) == pytest.approx(1.0 - 0.5 * rho * z, abs=z * z + 4e-16)


@pytest.mark.parametrize("rho", [-0.9, 0.0, 0.7])
def test_the_two_forms_of_the_stretch_meet(rho: float) -> None:
    assert stretch(-0.5, rho) == pytest.approx(stretch(-0.5 - 1e-12, rho), rel=1e-11)
