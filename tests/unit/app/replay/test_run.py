from __future__ import annotations

import json
from pathlib import Path

import pytest

from novate.adapter.memory_journal import MemoryJournal
from novate.app.replay import summary
from novate.app.replay.run import OTHER, prepare, run_job, run_variant, verify, without_controls
from novate.engine.engine import Engine
from novate.errors import InputError
from novate.message.parameter import MINUTE, Parameter
from tests.unit.app.replay.small import END_NS, START_NS, finished, job, parameters


def test_the_counterfactual_changes_rules_and_leaves_the_rest_alone() -> None:
    settings = parameters()
    before = json.dumps(settings, default=str)

    off = without_controls(settings)

    assert json.dumps(settings, default=str) == before
    assert off["liquidation"]["slice_ppm"] == 1_000_000
    assert off["liquidation"]["fee_ppm"] == 0
    assert off["index"]["sources_min"] == 1
    assert {asset["haircut_bps"] for asset in off["assets"].values()} == {0}
    assert {len(terms["tiers"]) for terms in off["instruments"].values()} == {1}
    assert off["book"] == settings["book"]
    assert off["waterfall"] == settings["waterfall"]
    assert off["agent"] == settings["agent"]


def test_a_job_from_files_is_prepared(tmp_path: Path) -> None:
    prepared = prepare(job(tmp_path))

    assert prepared.book.references == ["long", "short", "hedge"]
    assert prepared.feed.bars == 10
    assert START_NS <= prepared.feed.instant_ns[0] < prepared.feed.instant_ns[-1] < END_NS
    assert prepared.quarantine.count == 0


def test_a_book_is_drawn_under_the_controls_whatever_the_rules(tmp_path: Path) -> None:
    settings = parameters()
    settings["book"]["accounts"] = 400
    given = {"parameters": settings, "positions_file": "", "collateral_file": ""}

    on = prepare(job(tmp_path, **given))
    off = prepare(job(tmp_path, **given, has_controls=False))

    assert on.book.runs == off.book.runs
    assert on.opening != off.opening


@pytest.mark.parametrize(
    ("minutes", "latency_ms", "life_ns"),
    [
        (10, 250, 2 * (15 * MINUTE + 250_000_000)),  # hourly bars of four points
        (10, 3_600_000, 2 * (75 * MINUTE)),
        (60, 250, 60 * MINUTE),
        (0, 250, 0),
    ],
)
def test_an_order_outlives_two_answers_of_the_market(
    tmp_path: Path, minutes: int, latency_ms: int, life_ns: int
) -> None:
    settings = parameters()
    settings["liquidation"]["order_minutes"] = minutes
    settings["agent"]["latency_ms"] = latency_ms

    engine = Engine(MemoryJournal())
    engine.submit(prepare(job(tmp_path, parameters=settings)).opening)

    assert engine.state.parameter(Parameter.ORDER_LIFE_NS) == life_ns


def test_positions_need_collateral(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="needs a collateral file"):
        prepare(job(tmp_path, collateral_file=""))


def test_a_variant_comes_to_what_the_run_itself_comes_to(tmp_path: Path) -> None:
    prepared, done = finished()

    assert run_variant(job(tmp_path)) == summary.outcome(done, prepared.book)
    assert {value: key for key, value in OTHER.items()} == OTHER


def test_a_journal_is_recovered_and_audited() -> None:
    _, done = finished()
    told: list[str] = []

    checks = verify(
        done.engine.journal,
        done.engine.state.digest(),
        lambda phase, done, total: told.append(phase),
    )
    other = verify(done.engine.journal, bytes(32), lambda phase, done, total: None)

    assert (checks["recovered"], checks["audited"]) == (True, True)
    assert set(told) == {"recover", "audit"}
    assert (other["recovered"], other["audited"]) == (False, False)


def test_an_empty_journal_is_verified_as_empty() -> None:
    checks = verify(MemoryJournal(), bytes(32), lambda phase, done, total: None)

    assert checks["recovered"] is False


def test_a_job_leaves_its_directory_and_takes_the_place_of_an_older_one(tmp_path: Path) -> None:
    out = tmp_path / "run"
    out.mkdir()
    (out / "journal.db").write_bytes(b"an older run")
    told: dict[str, int] = {}

    report = run_job(
        job(tmp_path, notes=("A note.",), commands=("novate replay",)),
        out,
        lambda phase, done, total: told.update({phase: total}),
        with_variants=False,
    )

    content = json.loads((out / "summary.json").read_text())
    assert report == out / "report.html"
    assert report.stat().st_size > 100_000
    assert content["verification"]["head_hash"] == finished()[1].engine.head_hash.hex()
    assert content["verification"]["audited"] is True
    assert (content["bounds"], content["controls"]) == (None, None)
    assert content["notes"] == ["A note."]
    assert content["quarantined_rows"] == 0
    assert set(told) == {"replay", "recover", "audit"}
    assert told["replay"] == content["steps"] == 40
