from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import msgspec

from novate.app.report.evidence import (
    badge,
    calibration,
    inputs,
    reproduce,
    story,
    verification,
)
from novate.app.report.load import AssetSum, Run, Target


def test_each_fact_has_its_sequence_instant_and_numbers(loss_run: Run) -> None:
    page = story(loss_run)

    for fact in loss_run.story.facts:
        assert f"#{fact.sequence}" in page
    assert "2025-10-10 21:06:30" in page
    assert "5,719,993.19" in page
    assert "maintenance margin, scenario 11" in page


def test_an_account_without_facts_has_no_story(quiet_run: Run) -> None:
    assert story(quiet_run) == '<p class="none">none</p>'


def test_targets_stand_beside_what_was_reached(loss_run: Run) -> None:
    page = calibration(loss_run)

    assert "4,100,000,000" in page
    assert "4,098,213,377.50" in page


def test_quarantined_rows_and_refusals_are_listed_or_none(loss_run: Run, quiet_run: Run) -> None:
    assert "a positive price, at most the high" in inputs(loss_run)
    assert "insufficient_excess" in inputs(loss_run)
    assert "Quarantined rows: none" in inputs(quiet_run)


def test_the_proof_shows_hashes_sums_and_answers(loss_run: Run) -> None:
    page, proof = verification(loss_run), loss_run.summary.verification

    assert proof.head_hash in page
    assert proof.state_digest in page
    assert "Sum of all ledger accounts, USDT" in page


def test_the_badge_names_what_is_missing(loss_run: Run) -> None:
    proof = loss_run.summary.verification
    off = msgspec.structs.replace(
        proof, audited=False, conservation=[AssetSum(asset="USDT", sum=Decimal(1))]
    )

    assert "Verified: conserves" in badge(proof)
    assert "Not verified: conservation and audit" in badge(off)


def test_commands_are_listed_or_none(loss_run: Run) -> None:
    summary = msgspec.structs.replace(loss_run.summary, commands=[])

    assert "novate verify run/journal.sqlite" in reproduce(loss_run)
    assert "none" in reproduce(replace(loss_run, summary=summary))


def test_targets_of_each_instrument_and_group_share_a_table(loss_run: Run) -> None:
    rows = [
        Target("open interest BTCUSDT", "4.5e+08", "4.4e+08", "USDT"),
        Target("open interest ETHUSDT", "2.7e+08", "2.7e+08", "USDT"),
        Target("taker: isolated accounts", "0.35", "0.3308", "share"),
        Target("market maker: isolated accounts", "reported", "0", "share"),
        Target("market maker: median leverage", "2.5", "2.5", "times"),
    ]
    summary = msgspec.structs.replace(loss_run.summary, calibration=rows)
    page = calibration(replace(loss_run, summary=summary))

    assert "Targets by instrument" in page
    assert page.count("Open interest") == 1
    assert "440,000,000<small>450,000,000</small>" in page
    assert "33.1\u00a0%<small>35.0\u00a0%</small>" in page
    assert "e+08" not in page


def test_a_book_from_files_has_no_targets(loss_run: Run) -> None:
    summary = msgspec.structs.replace(loss_run.summary, calibration=[])

    assert "No population was generated." in calibration(replace(loss_run, summary=summary))


def test_what_did_not_happen_has_no_empty_table(quiet_run: Run) -> None:
    assert "<table" not in inputs(quiet_run)
