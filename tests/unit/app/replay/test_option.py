from __future__ import annotations

from collections import defaultdict
from functools import cache
from typing import Any

import numpy as np
import pytest

from novate.app.replay.option import option_tables
from novate.app.replay.write import SCHEMAS
from novate.stress.crash_day import crash_day
from novate.stress.population import Targets, generate_book
from tests.unit.stress.conftest import ASSETS, INSTRUMENTS, LEDGER, margin_by_size
from tests.unit.stress.option_scene import START_NS


@cache
def tables() -> tuple[dict[str, list[dict[str, Any]]], list[dict[str, Any]]]:
    day = crash_day(3, START_NS)
    book = generate_book(
        Targets(accounts=500, members=4, open_interest=100_000_000 * LEDGER),
        INSTRUMENTS,
        ASSETS,
        recent_e8=day.index_e8[:600, :3],
        initial_margin=margin_by_size,
        seed=3,
    )
    return option_tables(day, book, 3, START_NS)


def test_every_table_has_the_columns_of_its_schema() -> None:
    found, _ = tables()

    assert set(found) == {name for name in SCHEMAS if name.startswith("option_")}
    for name, rows in found.items():
        assert rows, name
        assert all(set(row) == set(SCHEMAS[name]) for row in rows), name


def test_greeks_of_all_holders_add_up_to_nothing() -> None:
    total: dict[str, float] = defaultdict(float)
    size: dict[str, float] = defaultdict(float)
    for row in tables()[0]["option_risk"]:
        for name in ("value", "cash_delta", "cash_gamma", "vega", "theta"):
            total[name] += row[name]
            size[name] += abs(row[name])

    assert all(abs(total[name]) < 1e-9 * size[name] for name in total)


def test_the_zero_gamma_level_lies_where_gamma_changes_its_sign() -> None:
    rows = [row for row in tables()[0]["option_gamma"] if row["underlying"] == "BTC"]
    opening = [row for row in rows if row["instant_ns"] == rows[0]["instant_ns"]]
    spot, gamma = (np.array([row[name] for row in opening]) for name in ("spot", "gamma"))
    level = opening[0]["zero_gamma"]
    around = np.searchsorted(spot, level)

    assert gamma[around - 1] * gamma[around] < 0.0


def test_profit_accumulates_and_adds_up() -> None:
    for row in tables()[0]["option_pnl"]:
        parts = sum(
            value for name, value in row.items() if name not in {"instant_ns", "holder", "actual"}
        )
        assert parts == pytest.approx(row["actual"], abs=1e-3)


def test_the_calibration_says_what_was_wanted_and_reached() -> None:
    rows = {row["target"]: row for row in tables()[1]}

    assert rows["options: open interest over perpetuals"]["wanted"] == "0.35"
    assert rows["options: sum of lots, all contracts"]["reached"] == "0"
