"""Replays of price files: generated and real prices, generated and given books, dirty rows."""

from __future__ import annotations

import os
from collections.abc import Generator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.e2e.run_fixture import (
    HOUR_NS,
    HOURS,
    ROOT,
    START,
    bars,
    book_arguments,
    novate,
    replay_arguments,
    summary,
    write_csv,
)
from tests.e2e.test_report import FLAGS, is_painted, visit

MARKET = Path(os.environ.get("NOVATE_MARKET", ROOT.parent / "shared" / "market"))
REAL_PRICES = MARKET / "perp_1h_binance_last_and_mark.parquet"


@pytest.fixture(scope="module")
def browser(chromium: str) -> Generator[Browser, None, None]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield launched
        launched.close()


def prices_of(folder: Path, rows: list[dict[str, str]] | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    return write_csv(folder / "prices.csv", rows or bars())


def proof(run: Path) -> tuple[str, str, int]:
    """What identifies a run: head of the journal, state, number of records."""
    found: dict[str, Any] = summary(run)["verification"]
    return found["head_hash"], found["state_digest"], found["records"]


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A replay of the generated day with a generated book of 400 accounts."""
    folder = tmp_path_factory.mktemp("generated")
    shown = novate(*replay_arguments(prices_of(folder), folder / "run", "--json"))
    assert shown.code == 0, shown.err
    assert shown.json == summary(folder / "run")
    return folder / "run"


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A replay of the generated day with positions and collateral from files."""
    folder = tmp_path_factory.mktemp("given")
    shown = novate(*replay_arguments(prices_of(folder), folder / "run", *book_arguments(folder)))
    assert shown.code == 0, shown.err
    return folder / "run"


def test_a_falling_day_goes_through_the_clearing_house(generated: Path) -> None:
    content = summary(generated)

    assert (content["accounts"], content["bars"], content["steps"]) == (400, HOURS, 4 * HOURS)
    assert content["quarantined_rows"] == 0
    assert content["result"]["liquidated_accounts"] > 0
    assert content["verification"]["recovered"] is True
    assert content["verification"]["audited"] is True
    assert content["controls"] is None
    assert content["bounds"] is None


def test_the_venue_price_of_the_report_is_the_close_of_each_bar(given: Path) -> None:
    closes = {
        symbol: [float(row["close"]) for row in bars() if row["symbol"] == symbol]
        for symbol in ("BTCUSDT", "ETHUSDT")
    }
    table = pq.read_table(given / "prices.parquet").to_pylist()

    for symbol, wanted in closes.items():
        rows = [row for row in table if row["instrument"] == symbol]
        assert len(rows) == HOURS
        assert [row["last"] for row in rows] == pytest.approx(wanted, rel=0.02)
        assert [row["index"] for row in rows] == pytest.approx(wanted, abs=0.1)


def test_positions_from_a_file_are_those_of_the_file(given: Path) -> None:
    rows = {row["reference"]: row for row in pq.read_table(given / "accounts.parquet").to_pylist()}

    assert set(rows) == {"long", "short", "hedge"}
    assert rows["long"]["member"] == "east"
    # Index 50,000 and 3,000 at the start.  Collateral, haircuts aside: 9,000 and 0.05 BTC; 30,000
    # less 1.5 x 199.7 and 10 x 9.5; 20,000.5 and 5.  A book that exists pays no fee again.
    assert rows["long"]["equity_start"] == pytest.approx(11_500, abs=1e-5)
    assert rows["short"]["equity_start"] == pytest.approx(30_000 - 299.55 - 95, abs=1e-5)
    assert rows["hedge"]["equity_start"] == pytest.approx(20_000.5 + 5, abs=1e-5)
    assert rows["long"]["status"] != "open"  # 20 % down on nine times its equity


def test_the_same_inputs_give_the_same_journal(generated: Path, tmp_path: Path) -> None:
    shown = novate(*replay_arguments(prices_of(tmp_path / "again"), tmp_path / "run"))

    assert shown.code == 0, shown.err
    assert proof(tmp_path / "run") == proof(generated)


def test_another_seed_gives_another_book(given: Path, generated: Path, tmp_path: Path) -> None:
    prices = prices_of(tmp_path / "again")
    shown = novate(*replay_arguments(prices, tmp_path / "run", "--seed", "2"))

    assert shown.code == 0, shown.err
    assert proof(tmp_path / "run") != proof(generated)


def test_order_and_repetition_of_rows_do_not_matter(given: Path, tmp_path: Path) -> None:
    rows = bars()
    shuffled = [*rows[::-1], rows[4], rows[9]]
    arguments = replay_arguments(
        prices_of(tmp_path / "again", shuffled), tmp_path / "run", *book_arguments(tmp_path)
    )

    shown = novate(*arguments)

    assert shown.code == 0, shown.err
    assert summary(tmp_path / "run")["quarantined_rows"] == 0
    assert proof(tmp_path / "run") == proof(given)


def test_the_other_path_through_a_bar_is_another_run(given: Path, tmp_path: Path) -> None:
    arguments = replay_arguments(
        prices_of(tmp_path / "again"),
        tmp_path / "run",
        *book_arguments(tmp_path),
        "--path",
        "high-first",
    )

    shown = novate(*arguments)

    assert shown.code == 0, shown.err
    assert summary(tmp_path / "run")["path"] == "high-first"
    assert proof(tmp_path / "run") != proof(given)


def test_unusable_rows_are_left_out_counted_and_said(tmp_path: Path) -> None:
    rows = bars()
    rows[4]["close"] = "nan"
    rows[7]["low"] = "0"
    rows[8]["high"] = "-1"
    prices = prices_of(tmp_path / "dirty", rows)

    shown = novate(*replay_arguments(prices, tmp_path / "run", *book_arguments(tmp_path), "--json"))

    assert shown.code == 2, shown.err
    content = summary(tmp_path / "run")
    assert shown.json == content
    assert content["quarantined_rows"] == 3
    told = {(row["row"], row["column"], row["value"]) for row in content["quarantine"]}
    assert told == {(6, "close", "nan"), (9, "low", "0"), (10, "high", "-1")}
    assert {row["file"] for row in content["quarantine"]} == {str(prices)}
    assert all(row["allowed"].startswith("0.00000001 to") for row in content["quarantine"])
    assert content["bars"] == HOURS - 3  # a bar that one contract lacks is left out for both
    report = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "quarantine" in report.lower()


def real_or_generated(folder: Path) -> tuple[list[str | Path], int]:
    """Arguments and hours of a replay of 12 and 13 March 2020, or of the generated day."""
    if not REAL_PRICES.exists():
        return replay_arguments(prices_of(folder), folder / "run"), HOURS
    return [
        "replay", REAL_PRICES, "--start", "2020-03-12T08:00:00Z", "--end", "2020-03-13T04:00:00Z",
        "--points", "4", "--accounts", "400", "--no-variants", "--out", folder / "run",
    ], 20  # fmt: skip


def test_a_replay_of_a_stressed_night_is_verified_and_its_report_opens(
    tmp_path: Path, browser: Browser
) -> None:
    arguments, hours = real_or_generated(tmp_path)

    shown = novate(*arguments)

    assert shown.code == 0, shown.err
    content = summary(tmp_path / "run")
    assert content["bars"] == hours
    assert content["result"]["liquidated_accounts"] > 0
    assert content["verification"]["audited"] is True
    assert proof(tmp_path / "run")[1] in novate("verify", tmp_path / "run", "--json").out
    with visit(browser, tmp_path / "run" / "report.html") as opened:
        painted = is_painted(opened.page)

        assert painted
        assert all(painted)
        assert content["title"] in opened.page.locator("body").inner_text()
        assert opened.errors == []


def test_the_window_is_the_one_asked_for(given: Path) -> None:
    content = summary(given)
    times = pq.read_table(given / "solvency.parquet")["instant_ns"].to_pylist()

    assert content["period"]["from"] == START
    assert content["period"]["to"] == "2026-03-12T09:45:00Z"  # the last of four prices of a bar
    assert len(times) == HOURS
    assert {after - before for before, after in pairwise(times)} == {HOUR_NS}
