from __future__ import annotations

import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.adapter.parameter_file import check_tiers, load_tiers, tier_page
from novate.errors import InputError
from novate.units import PPM, format_decimal

ROWS = [
    {"floor": "0", "cap": "300000", "maintenance_rate": "0.004", "max_leverage": "150",
     "deduction": "0"},
    {"floor": "300000", "cap": "800000", "maintenance_rate": "0.005", "max_leverage": "100",
     "deduction": "300"},
]  # fmt: skip


def changed(tier: int, key: str, value: object) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [dict(row) for row in ROWS]
    rows[tier][key] = value
    return rows


def test_tiers_become_integers() -> None:
    tiers = check_tiers(ROWS, "here")

    assert tiers[1] == {
        "floor": 300_000 * PPM,
        "cap": 800_000 * PPM,
        "maintenance_ppm": 5_000,
        "initial_ppm": 10_000,
        "max_leverage": 100,
        "deduction": 300 * PPM,
    }
    assert tiers[0]["initial_ppm"] == 6_667  # 1/150, rounded up


@pytest.mark.parametrize(
    ("tier", "key", "value", "reason"),
    [
        (1, "deduction", "301", "tier 2, deduction.*continuous"),
        (1, "deduction", "300.000001", "continuous"),
        (0, "deduction", "1", "continuous"),
        (1, "floor", "300001", "where the tier below ends"),
        (0, "floor", "1", "where the tier below ends"),
        (0, "cap", "0", "more than floor"),
        (1, "maintenance_rate", "0.003", "at least 4000"),
        (1, "maintenance_rate", "nan", "decimal text"),
        (1, "maintenance_rate", "0", "decimal text"),
        (1, "maintenance_rate", "1", "decimal text"),
        (1, "maintenance_rate", 0.005, "decimal text"),
        (1, "max_leverage", "0", "decimal text"),
        (1, "max_leverage", "201", "maintenance rate"),
        (1, "cap", "-5", "decimal text"),
        (1, "cap", "inf", "decimal text"),
        (1, "cap", "1e30", "decimal text"),
        (1, "rebate", "1", "exactly"),
    ],
)
def test_a_table_with_a_typing_error_is_refused(
    tier: int, key: str, value: object, reason: str
) -> None:
    with pytest.raises(InputError, match=f"here, tier {tier + 1}.*") as caught:
        check_tiers(changed(tier, key, value), "here")
    caught.match(reason)


@pytest.mark.parametrize("rows", [[], "tiers", {}, [ROWS[0]] * 17, [1]])
def test_rows_are_a_list_of_1_to_16_tables(rows: object) -> None:
    with pytest.raises(InputError, match="allowed"):
        check_tiers(rows, "here")


@given(
    steps=st.lists(
        st.tuples(st.integers(1, 10**6), st.integers(0, 50_000)), min_size=1, max_size=16
    ),
    points=st.lists(st.floats(0, 1), min_size=1, max_size=5),
)
def test_accepted_tiers_make_margin_continuous_and_rising(
    steps: list[tuple[int, int]], points: list[float]
) -> None:
    rows, floor, rate, deduction = [], 0, 1_000, 0
    for width, rise in steps:
        deduction += floor * rise
        rate += rise
        rows.append(
            {
                "floor": str(floor),
                "cap": str(floor + width),
                "maintenance_rate": format_decimal(rate, 6),
                "max_leverage": "1",
                "deduction": format_decimal(deduction if floor else 0, 6),
            }
        )
        floor += width
    tiers = check_tiers(rows, "generated")

    def margin(notional: int) -> int:
        tier = next(t for t in reversed(tiers) if t["floor"] <= notional)
        return notional * tier["maintenance_ppm"] - tier["deduction"] * PPM

    for below, above in pairwise(tiers):
        edge = above["floor"]
        assert edge * below["maintenance_ppm"] - below["deduction"] * PPM == margin(edge)
    notionals = sorted(int(point * floor * PPM) for point in points)
    assert [margin(n) for n in notionals] == sorted(margin(n) for n in notionals)


def venue_table(folder: Path, **changes: list[Any]) -> Path:
    columns: dict[str, list[Any]] = {
        "symbol": ["BTC/USDT:USDT", "BTC/USDT:USDT", "ETH/USDT:USDT"],
        "tier": [2.0, 1.0, 1.0],
        "minNotional": [300000.0, 0.0, 0.0],
        "maxNotional": [1.2e9, 300000.0, 1e5],
        "maintenanceMarginRate": [0.005, 0.004, 0.01],
        "maxLeverage": [100.0, 150.0, 50.0],
        "cum": [300.0, 0.0, 0.0],
    } | changes
    path = folder / "tiers.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def test_a_venue_table_becomes_decimal_text(tmp_path: Path) -> None:
    rows = load_tiers(venue_table(tmp_path), "BTC/USDT:USDT")

    assert rows == [ROWS[0], {**ROWS[1], "cap": "1200000000"}]


@pytest.mark.parametrize("cum", [float("nan"), float("inf"), -1.0, 299.0, None])
def test_a_venue_table_with_an_error_is_refused(tmp_path: Path, cum: float | None) -> None:
    with pytest.raises(InputError, match=r"BTC/USDT:USDT, tier 2, deduction"):
        load_tiers(venue_table(tmp_path, cum=[cum, 0.0, 0.0]), "BTC/USDT:USDT")


def test_a_venue_table_must_be_there_and_hold_the_symbol(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'DOGE/USDT:USDT'; allowed: one that is in the file"):
        load_tiers(venue_table(tmp_path), "DOGE/USDT:USDT")
    with pytest.raises(InputError, match="not readable"):
        load_tiers(tmp_path / "absent.parquet", "BTC/USDT:USDT")
    pq.write_table(pa.table({"symbol": ["x"]}), tmp_path / "other.parquet")
    with pytest.raises(InputError, match=r"columns missing: .*minNotional"):
        load_tiers(tmp_path / "other.parquet", "x")


def test_a_written_table_reads_back() -> None:
    page = tier_page({"one": ("BTC/USDT:USDT", ROWS), "two": ("X", ROWS)}, "a venue", "today")

    tree = tomllib.loads(page)

    assert tree["tiers"]["one"] == {
        "source": "a venue",
        "as_of": "today",
        "symbol": "BTC/USDT:USDT",
        "rows": ROWS,
    }
    assert list(tree["tiers"]) == ["one", "two"]
