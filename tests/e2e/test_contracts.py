"""Inverse and dated contracts from a parameter file through replay, report and verify."""

from __future__ import annotations

from pathlib import Path

import pytest

from novate.adapter.sqlite_journal import SqliteJournal
from novate.app.cli import main
from novate.engine.batch import decode_batch
from novate.message.declare import rows_of
from tests.e2e.run_fixture import END, START, bars, summary, write_csv

TERMS = """
include = ["preset:venue"]

[instruments.BTCUSD]
form = "inverse"
underlying = "BTC"
settlement_asset = "BTC"
price_symbol = "BTCUSDT"
tick = "0.5"
lot = "1"
face_value = "100"
price_max = "10000000"
tiers = "binance_btcusdt"

[instruments.BTCUSDT-DATED]
kind = "future"
underlying = "BTC"
price_symbol = "BTCUSDT"
tick = "0.10"
lot = "0.001"
price_max = "10000000"
expiry = "2026-03-12T08:00:00Z"
tiers = "binance_btcusdt"

[instruments.BTCUSD-DATED]
form = "inverse"
kind = "future"
settlement_style = "at-close"
underlying = "BTC"
settlement_asset = "BTC"
price_symbol = "BTCUSDT"
tick = "0.5"
lot = "1"
face_value = "100"
price_max = "10000000"
expiry = "2026-03-12T08:00:00Z"
tiers = "binance_btcusdt"
"""
SYMBOLS = ("BTCUSD", "BTCUSDT-DATED", "BTCUSD-DATED")
POSITIONS = [
    {"account": name, "member": member, "instrument": symbol, "quantity": size, "entry_price": at}
    for name, member, symbol, size, at in (
        ("long", "M1", "BTCUSD", "3000", "50000.0"),
        ("short", "M2", "BTCUSD", "-3000", "50000.0"),
        ("hedge", "M1", "BTCUSDT-DATED", "2", "50100.0"),
        ("short", "M2", "BTCUSDT-DATED", "-2", "50100.0"),
        ("hedge", "M1", "BTCUSD-DATED", "500", "50050.0"),
        ("short", "M2", "BTCUSD-DATED", "-500", "50050.0"),
    )
]
COLLATERAL = [
    {"account": name, "asset": asset, "amount": amount}
    for name, asset, amount in (
        ("long", "BTC", "0.4"), ("short", "USDT", "80000"), ("hedge", "USDT", "60000"),
        ("hedge", "BTC", "0.5"),
    )
]  # fmt: skip


@pytest.fixture
def day(tmp_path: Path) -> Path:
    """Replay the falling day with one contract of each of the three kinds."""
    prices = write_csv(tmp_path / "prices.csv", bars())
    (tmp_path / "terms.toml").write_text(TERMS)
    positions = write_csv(tmp_path / "positions.csv", POSITIONS)
    collateral = write_csv(tmp_path / "collateral.csv", COLLATERAL)
    arguments = [
        "replay", prices, "--start", START, "--end", END, "--out", tmp_path / "run",
        "--parameters", tmp_path / "terms.toml", "--positions", positions,
        "--collateral", collateral, "--points", "4",
    ]  # fmt: skip
    for symbol in SYMBOLS:
        arguments += ["--instruments", symbol]
    assert main([str(each) for each in arguments]) == 0
    return tmp_path / "run"


def test_inverse_and_dated_contracts_are_replayed_settled_and_verified(day: Path) -> None:
    journal = SqliteJournal(day / "journal.db", read_only=True)
    events = [
        (run.name, row)
        for batch in (decode_batch(record) for record in journal.read(1))
        for run in batch.events
        for row in rows_of(run)
    ]
    journal.close()

    listed = [row["symbol"] for name, row in events if name == "InstrumentListed"]
    expired = [row["instrument"] for name, row in events if name == "ContractExpired"]
    assert listed == list(SYMBOLS)
    assert expired == [1, 2]
    # Long coin-settled and margined in the falling coin: liquidated.
    assert summary(day)["result"]["liquidated_accounts"] >= 1
    assert {row["sum"] for row in summary(day)["verification"]["conservation"]} == {"0"}
    assert main(["verify", str(day)]) == 0
    assert (day / "report.html").stat().st_size > 100_000
