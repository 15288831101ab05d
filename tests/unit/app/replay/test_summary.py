from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from novate.app.replay import summary
from novate.app.replay.driver import Finished
from novate.app.replay.observe import Observer
from tests.unit.app.replay.small import finished

UNIT = 10**6


def with_losses() -> tuple[Any, Finished]:
    """The small run with an observer that saw one account fail by 500 after deposits of 30."""
    prepared, done = finished()
    account = int(prepared.book.accounts[0])
    observer = Observer(prepared.venue, prepared.book.accounts)
    observer.totals.update(losses=500 * UNIT, defaults=1, calls_made=4, taken_over=1)
    observer.closed.update(int(number) for number in prepared.book.accounts[:3])
    observer.payers.update(
        own_members_default_fund=100 * UNIT, insurance_fund=300 * UNIT, uncovered=100 * UNIT
    )
    observer.taken_over_ns[account] = 1_773_273_600 * 10**9
    observer.flows[account] = 30 * UNIT
    observer.failed = {account: 2_000 * UNIT, int(prepared.book.accounts[1]): 7 * UNIT}
    observer.shortfall[account] = 500 * UNIT
    observer.held[account] = "+2 BTCUSDT"
    start = np.array([11_000, 1, 1], np.int64) * UNIT
    return prepared.book, replace(done, observer=observer, equity_start=start)


def test_amounts_are_decimal_text() -> None:
    assert summary.text(1_234_567) == "1.234567"
    assert summary.text(-5) == "-0.000005"
    assert summary.text(np.int64(10**12)) == "1000000.000000"


def test_the_shortfall_is_all_beyond_collateral_and_the_sum_of_who_bore_it() -> None:
    book, done = with_losses()

    short = summary.outcome(done, book)

    assert short.shortfall == 400 * UNIT
    assert (short.own_members, short.clearing_house, short.others) == (100 * UNIT, 300 * UNIT, 0)
    assert short.fund_used == 300 * UNIT
    assert short.liquidated_accounts == 3
    assert short.own_collateral == 2_000 * UNIT
    assert short.shown() == {
        "shortfall": "400.000000",
        "own_members": "100.000000",
        "clearing_house": "300.000000",
        "others": "0.000000",
        "uncovered": "0.000000",
        "liquidated_accounts": 3,
        "fund_used": "300.000000",
        "calls_made": 4,
    }


def test_collateral_used_is_what_a_taken_over_account_had_when_it_failed() -> None:
    prepared, done = finished()
    observer = Observer(prepared.venue, prepared.book.accounts)
    observer.failed = {3: 200 * UNIT, 4: -50 * UNIT, 5: 7 * UNIT}
    observer.taken_over_ns = {3: 1, 4: 1}

    # What 4 was short is a loss of the next layers; 5 has not been taken over.
    assert summary.collateral_used(observer) == 200 * UNIT
    assert summary.collateral_used(done.observer) == 0


def test_payers_come_in_the_order_of_the_waterfall() -> None:
    book, done = with_losses()

    rows = summary.payers_of(done, book)

    assert [row["layer"] for row in rows] == [
        "defaulter_collateral",
        "own_members_default_fund",
        "insurance_fund",
        "skin_in_the_game",
        "default_fund",
        "variation_margin_gains_haircutting",
        "auto_deleveraging",
        "uncovered",
    ]
    assert rows[0]["amount"] == "2000.000000"
    assert rows[1]["amount"] == "100.000000"


def test_the_worst_account_is_told_with_what_it_held() -> None:
    book, done = with_losses()

    [row] = summary.worst_accounts(done, book)

    assert row["reference"] == "long"
    assert row["member"] == "east"
    assert row["own_loss"] == "11030.000000"
    assert row["shortfall"] == "500.000000"
    assert row["held"] == "+2 BTCUSDT"
    assert row["liquidated_at"] == "2026-03-12T00:00:00Z"


def test_the_result_has_funds_before_and_after() -> None:
    book, done = with_losses()

    result = summary.result_of(done, book)

    assert result["fund_before"] == "2600.000000"
    assert result["default_fund_before"] == "2600.000000"
    assert result["skin_before"] == "650.000000"
    assert result["calls_made"] == 4
    assert result["taken_over"] == 1


def test_the_verification_can_be_recomputed_from_the_journal() -> None:
    _, done = finished()

    proof = summary.verification_of(done, {"recovered": True, "audited": True})

    assert proof["head_sequence"] == proof["records"] == done.engine.journal.head()[0]
    assert proof["head_hash"] == done.engine.journal.head()[1].hex()
    assert proof["state_digest"] == done.engine.state.digest().hex()
    assert {row["asset"] for row in proof["conservation"]} == {"USDT", "BTC", "ETH", "USDC"}
    assert {row["sum"] for row in proof["conservation"]} == {"0"}
    assert {row["sum_lots"] for row in proof["positions"]} == {0}
    assert proof["audited"] is True


def test_every_account_has_a_line() -> None:
    prepared, done = finished()

    rows = summary.account_rows(done, prepared.book)

    assert [row["reference"] for row in rows] == ["long", "short", "hedge"]
    for row, start, end in zip(rows, done.equity_start, done.equity_end, strict=True):
        assert row["equity_start"] == pytest.approx(int(start) / UNIT)
        assert row["equity_end"] == pytest.approx(int(end) / UNIT)
    assert {row["status"] for row in rows} <= {"open", "called", "liquidating", "taken_over"}
