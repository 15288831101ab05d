from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import msgspec

from novate.app.report.load import Payer, Run
from novate.app.report.opening import opening, verdict
from novate.app.report.wording import money
from tests.e2e.report_fixture import HOSTILE


def test_the_first_screen_says_how_bad_and_who_paid(loss_run: Run) -> None:
    page, result = opening(loss_run), loss_run.summary.result

    for amount in (result.shortfall, result.fund_before, result.fund_after):
        assert money(amount) in page
    for payer in loss_run.summary.payers:
        assert money(payer.amount) in page
    for row in loss_run.summary.worst_accounts:
        assert money(row.shortfall) in page


def test_the_controls_and_the_path_orders_stand_side_by_side(loss_run: Run) -> None:
    page, summary = opening(loss_run), loss_run.summary

    assert summary.controls is not None
    assert summary.bounds is not None
    for outcome in (summary.controls.off, summary.bounds.high_first):
        assert money(outcome.shortfall) in page
        assert money(outcome.own_members) in page
        assert money(outcome.clearing_house) in page


def test_what_was_not_run_is_said(quiet_run: Run) -> None:
    page = opening(quiet_run)

    assert page.count("not run") == 28
    assert "Not run: the run with controls off and both path orders." in page
    assert "No account lost anything." in page


def test_the_verdict_of_a_quiet_day_claims_nothing_more(quiet_run: Run) -> None:
    assert verdict(quiet_run.summary) == "No shortfall and no default. Uncovered loss: none."


def test_the_verdict_names_what_is_left_uncovered(loss_run: Run) -> None:
    result = msgspec.structs.replace(loss_run.summary.result, uncovered=Decimal(1234567))
    summary = msgspec.structs.replace(loss_run.summary, result=result)

    assert verdict(summary).endswith("1,234,567 USDT is left uncovered.")


def test_payers_that_do_not_sum_to_the_shortfall_are_called_out(loss_run: Run) -> None:
    payers = [Payer(layer="insurance_fund", amount=Decimal(1))]
    summary = msgspec.structs.replace(loss_run.summary, payers=payers)

    assert "they differ by" in opening(replace(loss_run, summary=summary))
    assert "they differ by" not in opening(loss_run)


def test_a_hostile_reference_stays_text(loss_run: Run) -> None:
    page = opening(loss_run)

    assert HOSTILE not in page
    assert "&lt;img src=x" in page


def test_long_holdings_are_cut_and_break_between_two_of_them(loss_run: Run) -> None:
    held = ", ".join(f"-{k},000.5 COIN-{k}" for k in range(1, 9))
    first = msgspec.structs.replace(loss_run.summary.worst_accounts[0], held=held)
    summary = msgspec.structs.replace(loss_run.summary, worst_accounts=[first])
    page = opening(replace(loss_run, summary=summary))

    assert "\u22121,000.5\u00a0COIN-1, \u22122,000.5\u00a0COIN-2" in page
    assert "6\u00a0more" in page
    assert f'title="{held}"' in page
