"""Margin by notional tiers against venue tables and published examples.

Maintenance margin of a notional in a tier is notional * rate - deduction, rounded up to a ledger
unit.  The table is the one the package ships (Binance USD-M, BTCUSDT); the expected margins are
computed here from its decimal text with exact fractions.
"""

from __future__ import annotations

import tomllib
from fractions import Fraction
from importlib.resources import files
from itertools import pairwise
from typing import Any

import pytest

from novate.adapter.parameter_file.tier import check_tiers
from tests.unit.clearing import COIN, ClearingHouse

TABLES = tomllib.loads(
    (files("novate.app") / "preset" / "binance-tiers.toml").read_text(encoding="utf-8")
)["tiers"]
BTC = TABLES["binance_btcusdt"]["rows"]


def maintenance_of(notionals: list[int], rows: list[dict[str, int]]) -> list[int]:
    """Maintenance margin the engine asks for long positions of these notionals (numeraire)."""
    house = ClearingHouse()
    tiers = tuple((row["floor"], row["initial_ppm"], row["maintenance_ppm"]) for row in rows)
    house.list_contract(unit=1, ticks_max=10**6, lots_max=10**12, tiers=tiers)
    house.open_client("dealer", deposit=10**17)
    house.price(10**6)  # one lot is one numeraire
    margins = []
    for notional in notionals:
        house.open_client(f"holds {notional}", deposit=10**16)
        house.trade(f"holds {notional}", "dealer", lots=notional, ticks=10**6)
        margins.append(house.state.assess(house.number(f"holds {notional}")).maintenance)
    return margins


def by_table(notional: int, rows: list[dict[str, Any]]) -> int:
    """Maintenance margin in ledger units from the decimal text of a table."""
    row = max(
        (row for row in rows if Fraction(row["floor"]) <= notional),
        key=lambda row: Fraction(row["floor"]),
    )
    margin = notional * Fraction(row["maintenance_rate"]) - Fraction(row["deduction"])
    return -(-(margin * COIN).numerator // (margin * COIN).denominator)


NOTIONALS = [
    1,
    299_999,
    300_000,  # where the second tier starts
    799_999,
    1_000_000,
    2_999_999,
    3_000_000,
    12_000_001,
    69_999_999,
    150_000_000,
    1_799_999_999,
]


# Tolerance: one ledger unit (1e-6), for the float64 product is rounded up once.
@pytest.mark.rule("3.7")
def test_margin_of_the_shipped_table_is_notional_times_rate_less_deduction() -> None:
    margins = maintenance_of(NOTIONALS, check_tiers(BTC, "BTCUSDT"))

    for notional, margin in zip(NOTIONALS, margins, strict=True):
        assert 0 <= margin - by_table(notional, BTC) <= 1


# By hand: 1,000,000 * 0.65% - 1,500 = 5,000; 150,000,000 * 5% - 2,982,000 = 4,518,000.
@pytest.mark.rule("3.7")
def test_two_margins_of_the_shipped_table_by_hand() -> None:
    margins = maintenance_of([1_000_000, 150_000_000], check_tiers(BTC, "BTCUSDT"))

    assert [round(margin / COIN) for margin in margins] == [5_000, 4_518_000]


@pytest.mark.rule("3.8")
@pytest.mark.parametrize("name", sorted(TABLES))
def test_margin_is_continuous_at_every_floor_of_every_shipped_table(name: str) -> None:
    rows = TABLES[name]["rows"]
    for below, row in pairwise(rows):
        floor = Fraction(row["floor"])
        in_this, in_that = (
            floor * Fraction(tier["maintenance_rate"]) - Fraction(tier["deduction"])
            for tier in (row, below)
        )
        assert in_this == in_that


# OKX announcement of marginal tiers (copy at pastorq.com/13690.html): 1m at 0.75%, the next 4m at
# 1.75%, the next 5m at 2.5%: 202,500 on 10m.
@pytest.mark.rule("3.8")
def test_marginal_tiers_and_deductions_are_the_same_rule() -> None:
    rows = [
        {"floor": 0, "initial_ppm": 15_000, "maintenance_ppm": 7_500},
        {"floor": 1_000_000 * COIN, "initial_ppm": 35_000, "maintenance_ppm": 17_500},
        {"floor": 5_000_000 * COIN, "initial_ppm": 50_000, "maintenance_ppm": 25_000},
    ]

    assert maintenance_of([10_000_000], rows) == [202_500 * COIN]


# Hyperliquid, documentation, "Liquidations": maintenance is half of initial margin at the highest
# leverage; 50, 40 and 3 times give 1%, 1.25% and 16.6667% (six decimals).
@pytest.mark.parametrize(("leverage", "maintenance"), [(50, 0.01), (40, 0.0125), (3, 0.166667)])
def test_maintenance_of_half_the_initial_margin(leverage: int, maintenance: float) -> None:
    initial_ppm = -(-1_000_000 // leverage)
    rows = [{"floor": 0, "initial_ppm": initial_ppm, "maintenance_ppm": -(-initial_ppm // 2)}]

    [margin] = maintenance_of([1_000_000], rows)

    assert margin / (1_000_000 * COIN) == pytest.approx(maintenance, abs=1e-6)
