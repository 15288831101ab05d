"""Barrier terms: monitoring is stated, and states that contradict it are refused."""

from __future__ import annotations

from typing import Any

import pytest

from novate.errors import InputError
from novate.instrument.barrier import Barrier
from novate.instrument.valued import Market
from novate.kernel.codes import BarrierState, Monitoring

TERMS: dict[str, Any] = {
    "side": 1, "direction": -1, "is_in": False, "strike": 90.0, "barrier": 95.0, "rebate": 3.0,
    "monitoring": Monitoring.CONTINUOUS,
}  # fmt: skip


def test_it_is_valued_as_haug_values_it() -> None:
    market = Market(spot=100.0, years=0.5, vol=0.25, rate=0.08, yield_=0.04)

    result = Barrier(**TERMS).value(market)

    assert result.price == pytest.approx(9.0246, abs=1e-4)  # Haug 1998, p. 72
    assert result.status == 0


def test_monitoring_has_no_default() -> None:
    with pytest.raises(TypeError, match="monitoring"):
        Barrier(**{name: value for name, value in TERMS.items() if name != "monitoring"})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"barrier": 0}, "barrier 0.0 (element 0); allowed: a finite number above 0"),
        ({"rebate": -1}, "rebate -1.0"),
        ({"monitoring": 4}, "monitoring 4.0 (element 0); allowed: CONTINUOUS (1), SCHEDULE (2)"),
        ({"monitoring": Monitoring.SCHEDULE}, "interval 0.0 with monitoring"),
        ({"interval": 0.1}, "interval 0.1 with monitoring"),
        ({"payoff": 9}, "payoff 9.0"),
        (
            {"monitoring": Monitoring.AT_EXPIRY, "state": BarrierState.KNOCKED},
            "nothing is touched before expiry",
        ),
    ],
)
def test_wrong_terms_are_refused(change, message) -> None:
    with pytest.raises(InputError) as refused:
        Barrier(**{**TERMS, **change})

    assert message in str(refused.value)
