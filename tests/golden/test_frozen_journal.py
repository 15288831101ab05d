"""Journals made by earlier versions must recover and audit for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from novate.engine.batch import decode_batch
from novate.engine.recover import audit, recover
from novate.message.event import BY_NAME
from tests.golden.frozen import DATA, freeze, thaw
from tests.golden.make_frozen import main

FILES = sorted(DATA.glob("frozen-*.json"))


def test_there_is_a_frozen_journal() -> None:
    assert FILES != []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_frozen_journal_recovers_to_the_digest_it_states(path: Path) -> None:
    journal, stated = thaw(path)

    engine = recover(journal)

    assert (engine.sequence, engine.head_hash.hex()) == (stated["sequence"], stated["head"])
    assert engine.state.digest().hex() == stated["digest"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_frozen_journal_is_decided_again_event_by_event(path: Path) -> None:
    journal, stated = thaw(path)

    report = audit(journal)

    assert report.records == stated["sequence"]
    assert report.digest.hex() == stated["digest"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_frozen_journal_recovers_from_any_snapshot_on_its_way(path: Path) -> None:
    journal, stated = thaw(path)
    half, _ = thaw(path)
    half._records = half._records[: stated["sequence"] // 2]
    engine = recover(half)
    journal.put_snapshot(engine.sequence, engine.state.digest(), engine.state.encode())

    assert recover(journal).state.digest().hex() == stated["digest"]


def test_every_event_is_in_some_frozen_journal() -> None:
    seen = {
        run.name
        for path in FILES
        for record in thaw(path)[0].read()
        for run in decode_batch(record).events
    }

    assert set(BY_NAME) - seen == set(), "add it to the scenario and make another frozen journal"


def test_freezing_what_was_thawed_gives_the_same_journal(tmp_path: Path) -> None:
    journal, stated = thaw(FILES[0])
    again = tmp_path / "again.json"

    again.write_text(freeze(recover(journal), stated["note"]))

    assert thaw(again)[1] == stated
    assert list(thaw(again)[0].read()) == list(journal.read())


def test_a_frozen_journal_is_never_written_again(capsys: pytest.CaptureFixture[str]) -> None:
    before = FILES[0].read_bytes()

    assert main([str(FILES[0])]) == 2
    assert "does not exist yet" in capsys.readouterr().err
    assert FILES[0].read_bytes() == before


def test_the_scenario_still_plays_and_ends_in_one_state(tmp_path: Path) -> None:
    paths = [tmp_path / "one.json", tmp_path / "two.json"]

    for path in paths:
        assert main([str(path)]) == 0

    assert paths[0].read_bytes() == paths[1].read_bytes()
