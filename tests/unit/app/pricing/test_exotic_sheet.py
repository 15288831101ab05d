"""Rows of exotics: every kind of the catalogue from a file, and refusals by column."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from novate.app.pricing import price_file
from novate.app.pricing.exotic_sheet import READERS
from novate.app.pricing.instrument_sheet import KINDS
from novate.instrument import CATALOGUE
from novate.valuation import exotic
from novate.valuation.exotic import BarrierPayoff, BarrierState, Monitoring, TouchForm

MARKET = """
as_of = "2026-03-12T08:00:00Z"
[underlyings.BTC]
spot = 70000
rate = 0.04
vol = 0.5
[[underlyings.BTC.expiries]]
expiry = "2026-06-26T08:00:00Z"
sabr = { alpha = 0.6, beta = 1.0, rho = -0.2, nu = 1.1 }
"""
HEADER = (
    "symbol", "kind", "underlying", "side", "strike", "expiry", "settlement", "quantity", "barrier",
    "knock", "lower", "upper", "monitoring", "interval_hours", "observations", "rebate", "pays",
    "amount", "state", "form", "funding", "interest", "covariance",
)  # fmt: skip
NEAR, T = "2026-03-20T08:00:00Z", 8 / 365
BASE = {"S": 70_000.0, "T": T, "vol": 0.5, "rate": 0.04}
CALL = {"side": "call", "strike": "72000", "expiry": NEAR}
KNOCK = {**CALL, "kind": "barrier", "barrier": "65000", "knock": "down-out"}
WATCHED = {**KNOCK, "monitoring": "continuous"}
TOUCH = {"kind": "touch", "barrier": "75000", "knock": "up", "expiry": NEAR, "form": "at-hit",
         "monitoring": "continuous"}  # fmt: skip
DOUBLE = {**CALL, "kind": "double-barrier", "lower": "60000", "upper": "80000", "knock": "out"}


def priced(folder: Path, *rows: dict[str, str]) -> dict[str, Any]:
    (folder / "market.toml").write_text(MARKET, encoding="utf-8")
    lines = [",".join(HEADER)]
    for k, row in enumerate(rows):
        full = {"symbol": f"X{k}", "underlying": "BTC", **row}
        assert set(full) <= set(HEADER)
        lines.append(",".join(full.get(name, "") for name in HEADER))
    (folder / "sheet.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return price_file(folder / "sheet.csv", folder / "market.toml")


def test_every_kind_of_the_catalogue_is_reachable_from_a_file() -> None:
    reachable = {contract for contract, _ in READERS.values()}

    assert {kind.name for kind in CATALOGUE} - {kind.name for kind in reachable} == {"european"}
    assert "european" in KINDS
    assert set(READERS) <= set(KINDS)


def test_a_barrier_in_any_state_and_watched_in_any_way_is_that_of_the_pricing_function(
    tmp_path: Path,
) -> None:
    ways: list[tuple[dict[str, str], dict[str, Any]]] = [
        ({"monitoring": "continuous"}, {"monitoring": Monitoring.CONTINUOUS}),
        (
            {"monitoring": "schedule", "interval_hours": "24"},
            {"monitoring": Monitoring.SCHEDULE, "interval": 1 / 365},
        ),
        (
            {"monitoring": "schedule", "observations": "16"},
            {"monitoring": Monitoring.SCHEDULE, "interval": T / 16},
        ),
        ({"monitoring": "at-expiry"}, {"monitoring": Monitoring.AT_EXPIRY}),
        (
            {"monitoring": "continuous", "state": "touched", "rebate": "500"},
            {"monitoring": 1, "state": BarrierState.TOUCHED, "rebate": 500.0},
        ),
        (
            {"monitoring": "continuous", "state": "knocked", "knock": "down-in"},
            {"monitoring": 1, "state": BarrierState.KNOCKED, "is_in": True},
        ),
        (
            {"monitoring": "continuous", "pays": "cash", "amount": "900"},
            {"monitoring": 1, "payoff": BarrierPayoff.CASH, "amount": 900.0},
        ),
    ]
    found = priced(tmp_path, *({**KNOCK, **cells} for cells, _ in ways))

    assert found["quarantined"]["rows"] == found["unpriced"] == 0
    for entry, (_, given) in zip(found["instruments"], ways, strict=True):
        own = exotic.barrier(
            1, K=72_000, H=65_000, direction=-1, **BASE, **{"is_in": False, **given}
        )
        assert entry["value"] == pytest.approx(own.price, rel=1e-12, abs=1e-9)
        assert entry["speed"] == pytest.approx(own.speed, rel=1e-9, abs=1e-20)


def test_two_barriers_touches_and_fair_values_are_those_of_the_pricing_functions(
    tmp_path: Path,
) -> None:
    rows = [
        DOUBLE,
        {**DOUBLE, "knock": "in", "state": "knocked"},
        TOUCH,
        {**TOUCH, "form": "no-touch", "amount": "3", "pays": "asset"},
        {"kind": "fair-future", "expiry": NEAR},
        {"kind": "fair-perpetual", "funding": "0.5", "interest": "0.01", "interval_hours": "8"},
        {"kind": "fair-perpetual", "funding": "0.5", "form": "inverse"},
        {"kind": "digital", **CALL, "pays": "asset"},
    ]
    found = priced(tmp_path, *rows)
    two = {"K": 72_000, "lower": 60_000, "upper": 80_000}
    touch = {"H": 75_000, "monitoring": 1, **BASE}
    fair = {"S": 70_000, "funding": 0.5, "rate": 0.04}
    forward = 70_000 * math.exp(0.04 * T)
    expected = [
        exotic.double_barrier(1, is_in=False, **two, **BASE).price,
        exotic.double_barrier(1, is_in=True, state=BarrierState.KNOCKED, **two, **BASE).price,
        exotic.touch(1, form=TouchForm.AT_HIT, **touch).price,
        exotic.touch(1, form=TouchForm.NO_TOUCH, amount=3, pays_asset=True, **touch).price,
        forward,
        exotic.perpetual_price(interest=0.01, period_years=8 / 8760, **fair).price,
        exotic.perpetual_price(form=1, **fair).price,
        exotic.digital(1, F=forward, K=72_000, T=T, vol=0.5, rate=0.04, pays_asset=True).price,
    ]

    assert found["quarantined"]["rows"] == found["unpriced"] == 0
    values = [entry["value"] for entry in found["instruments"]]
    assert values == pytest.approx([float(price) for price in expected], rel=1e-12)


def test_a_smile_may_be_given_as_sabr_and_a_touch_is_read_at_its_barrier(tmp_path: Path) -> None:
    late = {"expiry": "2026-06-26T08:00:00Z"}
    digital, touch = priced(
        tmp_path, {"kind": "digital", **CALL, **late}, {**TOUCH, **late}
    )["instruments"]  # fmt: skip
    years = 106 / 365
    smile = {"F": 70_000 * math.exp(0.04 * years), "T": years, "alpha": 0.6, "beta": 1.0,
             "rho": -0.2, "nu": 1.1}  # fmt: skip

    assert digital["vol"] == pytest.approx(exotic.sabr(K=72_000, **smile).vol, rel=1e-12)
    assert touch["vol"] == pytest.approx(exotic.sabr(K=75_000, **smile).vol, rel=1e-12)


@pytest.mark.parametrize(
    ("row", "column", "value", "allowed"),
    [
        ({**WATCHED, "barrier": "0"}, "barrier", "0", "more than zero"),
        ({**WATCHED, "knock": "out"}, "knock", "out", "up-in, up-out"),
        ({**KNOCK}, "monitoring", "", "printable"),
        ({**KNOCK, "monitoring": "daily"}, "monitoring", "daily", "schedule"),
        ({**KNOCK, "monitoring": "schedule"}, "interval_hours", "none of the two", "one of"),
        ({**KNOCK, "monitoring": "schedule", "observations": "5", "interval_hours": "1"},
         "interval_hours", "interval_hours, observations", "one of"),
        ({**KNOCK, "monitoring": "schedule", "observations": "2.5"}, "observations", "2.5",
         "a whole number"),
        ({**KNOCK, "monitoring": "schedule", "interval_hours": "-1"}, "interval_hours", "-1",
         "a number from 0"),
        ({**KNOCK, "monitoring": "at-expiry", "state": "knocked"}, "state", "knocked", "alive"),
        ({**WATCHED, "state": "dead"}, "state", "dead", "alive, touched, knocked"),
        ({**WATCHED, "rebate": "-5"}, "rebate", "-5", "a number from 0"),
        ({**WATCHED, "pays": "gold"}, "pays", "gold", "vanilla, cash, asset"),
        ({**DOUBLE, "upper": "50000"}, "upper", "50000", "more than the lower, 60000"),
        ({**DOUBLE, "lower": ""}, "lower", "", "a number"),
        ({**DOUBLE, "knock": "up-out"}, "knock", "up-out", "in, out"),
        ({**TOUCH, "knock": "up-in"}, "knock", "up-in", "up, down"),
        ({**TOUCH, "form": "maybe"}, "form", "maybe", "at-hit, at-expiry, no-touch"),
        ({**TOUCH, "settlement": "BTC"}, "settlement", "BTC", "another asset"),
        ({**TOUCH, "amount": "0"}, "amount", "0", "more than zero"),
        ({**TOUCH, "expiry": ""}, "expiry", "", "ISO 8601"),
        ({"kind": "fair-perpetual"}, "funding", "", "a number"),
        ({"kind": "fair-perpetual", "funding": "1", "form": "round"}, "form", "round", "linear"),
        ({"kind": "fair-future"}, "expiry", "", "ISO 8601"),
    ],
)  # fmt: skip
def test_a_bad_value_is_refused_by_column_with_what_is_allowed_and_spoils_no_other(
    tmp_path: Path, row: dict[str, str], column: str, value: str, allowed: str
) -> None:
    found = priced(tmp_path, WATCHED, row, TOUCH)
    [fault] = found["quarantined"]["faults"]

    assert [entry["symbol"] for entry in found["instruments"]] == ["X0", "X2"]
    assert (fault["row"], fault["column"], fault["value"]) == (3, column, value)
    assert allowed in fault["allowed"]
