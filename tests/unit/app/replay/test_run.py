from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

from novate.app.replay.job import OTHER_ORDER, Variant
from novate.app.replay.read import read_inputs
from novate.app.replay.run import run_job, run_variant
from novate.errors import InputError
from novate.insight.figure import outcome
from tests.unit.app.replay.small import END_NS, START_NS, finished, job, parameters, prepared


def test_a_job_from_files_is_prepared(tmp_path: Path) -> None:
    day = prepared(job(tmp_path))

    assert day.book.accounts.references == ("long", "short", "hedge")
    assert day.feed.bars == 10
    assert START_NS <= day.feed.instant_ns[0] < day.feed.instant_ns[-1] < END_NS
    assert day.options is None
    assert day.calibration == ()


def test_a_book_is_drawn_under_the_controls_whatever_the_rules(tmp_path: Path) -> None:
    settings = parameters()
    settings["book"]["accounts"] = 400
    given = {"parameters": settings, "positions_file": "", "collateral_file": ""}

    on = prepared(job(tmp_path, **given))
    off = prepared(job(tmp_path, **given), has_controls=False)

    assert on.book.opening == off.book.opening
    assert on.opening != off.opening


def test_a_variant_comes_to_what_the_run_itself_comes_to(tmp_path: Path) -> None:
    inputs = read_inputs(job(tmp_path))

    assert run_variant(inputs, Variant("low-first")) == outcome(finished()[1].run)
    assert {value: key for key, value in OTHER_ORDER.items()} == OTHER_ORDER


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
    assert set(told) == {"prepare", "replay", "recover", "audit"}
    assert told["replay"] == content["steps"] == 40


def test_inputs_cross_to_another_process(tmp_path: Path) -> None:
    asked = job(tmp_path)
    inputs = read_inputs(asked)

    sent = pickle.loads(pickle.dumps(inputs))  # noqa: S301

    assert run_variant(sent, Variant(asked.order)) == outcome(finished()[1].run)


def test_what_cannot_be_used_leaves_an_earlier_run_as_it_is(tmp_path: Path) -> None:
    out = tmp_path / "run"
    out.mkdir()
    (out / "journal.db").write_bytes(b"an older run")

    with pytest.raises(InputError, match="needs a collateral file"):
        run_job(job(tmp_path, collateral_file=""), out, lambda phase, done, total: None)

    assert (out / "journal.db").read_bytes() == b"an older run"
