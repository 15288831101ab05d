"""Figures of the option market of a generated day."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from novate.simulation.options.terms import TRADER_NAMES
from tests.unit.app.replay.test_option_market import tables


def test_greeks_of_all_holders_add_up_to_nothing() -> None:
    total: dict[str, float] = defaultdict(float)
    size: dict[str, float] = defaultdict(float)
    for row in tables()["option_risk"]:
        for name in ("value", "cash_delta", "cash_gamma", "vega", "theta"):
            total[name] += row[name]
            size[name] += abs(row[name])

    assert all(abs(total[name]) < 1e-9 * size[name] for name in total)


def test_the_zero_gamma_level_lies_where_gamma_changes_its_sign() -> None:
    rows = [row for row in tables()["option_gamma"] if row["underlying"] == "BTC"]
    opening = [row for row in rows if row["instant_ns"] == rows[0]["instant_ns"]]
    spot, gamma = (np.array([row[name] for row in opening]) for name in ("spot", "gamma"))
    level = opening[0]["zero_gamma"]
    around = np.searchsorted(spot, level)

    assert gamma[around - 1] * gamma[around] < 0.0


def test_profit_accumulates_and_adds_up() -> None:
    for row in tables()["option_pnl"]:
        parts = sum(
            value for name, value in row.items() if name not in {"instant_ns", "holder", "actual"}
        )
        assert parts == pytest.approx(row["actual"], abs=1e-3)
    assert {row["holder"] for row in tables()["option_pnl"]} == {
        *TRADER_NAMES.values(), "Everybody else",
    }  # fmt: skip
