from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from novate.app.printed import print_summary, print_verified, shown

SPLIT = {"shortfall": "9.5", "own_members": "4", "clearing_house": "5.5", "others": "0"}
RUN: dict[str, Any] = {
    "title": "A day",
    "accounts": 1_000,
    "bars": 24,
    "steps": 48,
    "numeraire": "USDT",
    "result": {
        **SPLIT, "fund_before": "2000", "fund_after": "1500", "fund_lowest": "12.5",
        "fund_lowest_at": "2026-03-12T11:09:00Z", "liquidated_accounts": 3,
        "liquidated_notional": "1234567.891", "calls_made": 2, "calls_met": 1, "uncovered": "0",
    },
    "payers": [
        {"layer": "insurance_fund", "amount": "5.5"}, {"layer": "default_fund", "amount": "0"},
    ],
    "controls": {name: {**SPLIT, "uncovered": "0"} for name in ("on", "off")},
    "verification": {
        "events": 7, "conservation": [{"sum": "0"}, {"sum": "0"}], "recovered": True,
        "audited": True, "state_digest": "ab" * 32,
    },
    "quarantined_rows": 1,
}  # fmt: skip


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0.000000", "0.00"), ("1234567.891234", "1,234,567.89"), ("17", "17.00"),
        ("-1234.5", "-1,234.50"), ("12.5", "12.50"),
    ],
)  # fmt: skip
def test_amounts_are_shown_with_thousands_and_two_decimals(amount: str, text: str) -> None:
    assert shown(amount) == text


def test_a_run_is_told_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    print_summary(RUN, Path("day/report.html"))

    text = " ".join(capsys.readouterr().out.split())
    assert "A day: 1,000 accounts, 24 bars, 48 steps, 7 events" in text
    assert "2,000.00 -> 1,500.00, lowest 12.50 at 11:09" in text
    assert "insurance fund 5.50" in text
    assert "default fund" not in text  # it paid nothing
    assert "every asset sums to 0, state abababababababab" in text
    assert "1 row quarantined" in text
    assert text.endswith("report: day/report.html")


VERIFIED: dict[str, Any] = {
    "records": 9,
    "audited": {"first": 1, "last": 9, "engine_version": 2},
    "earlier": [],
    "head_hash": "ab" * 32,
}


def test_what_was_verified_is_told_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_verified(VERIFIED)

    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        ["verified:", "chain,", "recovery", "and", "audit", "agree"],
        ["records", "9"],
        ["audited", "1", "to", "9"],
        ["head", "hash", "ab" * 32],
    ]


@pytest.mark.parametrize(
    ("audited", "agree", "first"),
    [
        (None, "chain and recovery agree; no record was decided by this engine version", "none"),
        ({"first": 8, "last": 9}, "chain, recovery and audit agree", "8 to 9"),
    ],
)
def test_records_of_an_earlier_engine_are_told_with_the_release_that_audits_them(
    capsys: pytest.CaptureFixture[str], audited: dict[str, int] | None, agree: str, first: str
) -> None:
    earlier = [{"first": 1, "last": 7, "engine_version": 1, "release": "2026.11.0"}]

    print_verified({**VERIFIED, "audited": audited, "earlier": earlier})

    text = " ".join(capsys.readouterr().out.split())
    assert f"verified: {agree} records 9 audited {first} head" in text
    assert "records 1 to 7 were decided by engine version 1: release 2026.11.0 audits them" in text
