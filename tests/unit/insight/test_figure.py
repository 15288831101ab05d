from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from novate.insight import figure
from novate.insight.observed_run import ObservedRun
from novate.insight.observer import Observer
from tests.unit.app.replay.small import finished

UNIT = 10**6


def with_losses() -> ObservedRun:
    """The small run with an observer that saw one account fail by 500 after deposits of 30."""
    run = finished()[1].run
    numbers = run.accounts.numbers
    account = int(numbers[0])
    observer = Observer(numbers)
    observer.totals.update(losses=500 * UNIT, defaults=1, calls_made=4, taken_over=1)
    observer.closed.update(int(number) for number in numbers[:3])
    observer.payers.update(
        own_members_default_fund=100 * UNIT, insurance_fund=300 * UNIT, uncovered=100 * UNIT
    )
    observer.taken_over_ns[account] = 1_773_273_600 * 10**9
    observer.flows[account] = 30 * UNIT
    observer.failed = {account: 2_000 * UNIT, int(numbers[1]): 7 * UNIT}
    observer.shortfall[account] = 500 * UNIT
    observer.holdings[account] = "+2 BTCUSDT"
    start = np.array([11_000, 1, 1], np.int64) * UNIT
    return replace(run, observer=observer, opening=replace(run.opening, equity=start))


def test_amounts_are_decimal_text() -> None:
    assert figure.text(1_234_567) == "1.234567"
    assert figure.text(-5) == "-0.000005"
    assert figure.text(np.int64(10**12)) == "1000000.000000"


def test_the_shortfall_is_all_beyond_collateral_and_the_sum_of_who_bore_it() -> None:
    run = with_losses()

    short = figure.outcome(run)

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
    run = finished()[1].run
    observer = Observer(run.accounts.numbers)
    observer.failed = {3: 200 * UNIT, 4: -50 * UNIT, 5: 7 * UNIT}
    observer.taken_over_ns = {3: 1, 4: 1}

    # What 4 was short is a loss of the next layers; 5 has not been taken over.
    assert figure.collateral_used(observer) == 200 * UNIT
    assert figure.collateral_used(run.observer) == 0


def test_payers_come_in_the_order_of_the_waterfall() -> None:
    run = with_losses()

    rows = figure.payers_of(run)

    assert [row["layer"] for row in rows] == [
        "defaulter_collateral",
        "own_members_default_fund",
        "insurance_fund",
        "skin_in_the_game",
        "default_fund",
        "variation_margin_gains_haircutting",
        "auto_deleveraging",
        "net_worth",
        "uncovered",
    ]
    assert rows[0]["amount"] == "2000.000000"
    assert rows[1]["amount"] == "100.000000"


def test_the_worst_account_is_told_with_what_it_held() -> None:
    run = with_losses()

    [row] = figure.worst_accounts(run)

    assert row["reference"] == "long"
    assert row["member"] == "east"
    assert row["own_loss"] == "11030.000000"
    assert row["shortfall"] == "500.000000"
    assert row["held"] == "+2 BTCUSDT"
    assert row["liquidated_at"] == "2026-03-12T00:00:00Z"


def test_the_result_has_funds_before_and_after() -> None:
    run = with_losses()

    result = figure.result_of(run)

    assert result["fund_before"] == "2600.000000"
    assert result["default_fund_before"] == "2600.000000"
    assert result["skin_before"] == "650.000000"
    assert result["calls_made"] == 4
    assert result["taken_over"] == 1


def test_the_verification_can_be_recomputed_from_the_journal() -> None:
    _, done = finished()

    proof = figure.verification_of(done.run, {"recovered": True, "audited": True})

    assert proof["head_sequence"] == proof["records"] == done.engine.journal.head()[0]
    assert proof["head_hash"] == done.engine.journal.head()[1].hex()
    assert proof["state_digest"] == done.engine.state.digest().hex()
    assert {row["asset"] for row in proof["conservation"]} == {"USDT", "BTC", "ETH", "USDC"}
    assert {row["sum"] for row in proof["conservation"]} == {"0"}
    assert {row["sum_lots"] for row in proof["positions"]} == {0}
    assert proof["audited"] is True


def test_every_account_has_a_line() -> None:
    run = finished()[1].run

    rows = figure.account_rows(run)

    assert [row["reference"] for row in rows] == ["long", "short", "hedge"]
    for row, start, end in zip(rows, run.opening.equity, run.equity_end, strict=True):
        assert row["equity_start"] == pytest.approx(int(start) / UNIT)
        assert row["equity_end"] == pytest.approx(int(end) / UNIT)
    assert {row["status"] for row in rows} <= {"open", "called", "liquidating", "taken_over"}
