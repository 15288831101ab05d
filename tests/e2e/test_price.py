"""The command that prices a file, as a person and as a program use it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.run_fixture import ROOT, novate

EXAMPLES = ROOT / "docs" / "examples"
SHEET, MARKET = EXAMPLES / "options.csv", EXAMPLES / "options-market.toml"


def test_the_example_of_the_page_is_priced_as_json() -> None:
    shown = novate("price", SHEET, "--market", MARKET, "--json")
    found = shown.json

    assert shown.code == 0, shown.err
    assert [entry["status"] for entry in found["instruments"]] == ["OK"] * 9
    assert [total["underlying"] for total in found["totals"]] == ["BTC", "ETH"]
    assert found["instruments"][0]["implied_status"] == "OK"
    assert found["total_value"] == pytest.approx(
        sum(entry["value_reporting"] for entry in found["instruments"]), rel=1e-9
    )


def test_the_example_of_the_page_is_shown_as_a_table() -> None:
    shown = novate("price", SHEET, "--market", MARKET)

    assert shown.code == 0, shown.err
    for word in ("BTC-20MAR26-70000-C", "net delta", "totals, USD", "total value"):
        assert word in shown.out


def test_a_bad_row_is_named_and_the_rest_priced_with_exit_code_two(tmp_path: Path) -> None:
    lines = SHEET.read_text(encoding="utf-8").splitlines()
    lines.insert(2, "BAD,european,BTC,call,none,2026-03-20T08:00:00Z,BTC,1,1,,,,,")
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("\n".join(lines) + "\n", encoding="utf-8")
    clean = novate("price", SHEET, "--market", MARKET, "--json").json
    shown = novate("price", sheet, "--market", MARKET, "--json")
    [fault] = shown.json["quarantined"]["faults"]

    assert shown.code == 2
    assert shown.json["instruments"] == clean["instruments"]
    assert fault["file"] == str(sheet)
    assert (fault["row"], fault["column"], fault["value"]) == (3, "strike", "none")
    assert "a number" in fault["allowed"]
    table = novate("price", sheet, "--market", MARKET)
    assert table.code == 2
    assert "row 3, strike: 'none'; allowed: a number" in table.out


def test_a_market_that_cannot_be_used_is_one_line_and_exit_code_one(tmp_path: Path) -> None:
    market = tmp_path / "market.toml"
    market.write_text(MARKET.read_text(encoding="utf-8").replace("70000.0\nrate", "-1\nrate"))
    shown = novate("price", SHEET, "--market", market)

    assert shown.code == 1
    assert "underlyings.BTC.spot: '-1'" in shown.message
    assert shown.out == ""
