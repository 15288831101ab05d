"""What `novate verify` finds about a run, and what it takes for a fault."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from novate.app.replay.run import run_job
from novate.app.verify import verify_run
from novate.errors import InputError, JournalError
from tests.unit.app.replay.small import finished, job


def silent(phase: str, done: int, total: int) -> None:
    """No progress."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the small run."""
    folder = tmp_path_factory.mktemp("verify")
    run_job(job(folder), folder / "run", silent, with_variants=False)
    return folder / "run"


def test_a_run_is_verified_with_its_summary(run: Path) -> None:
    told: dict[str, tuple[int, int]] = {}

    found = verify_run(run, lambda phase, done, total: told.update({phase: (done, total)}))

    records = finished()[1].engine.sequence
    assert found["head_hash"] == finished()[1].engine.head_hash.hex()
    assert found["records"] == records
    assert "summary.json" in found["checked"]
    assert told == {"recover": (records, records), "audit": (records, records)}


def test_a_journal_alone_is_verified_without_a_summary(run: Path) -> None:
    assert verify_run(run / "journal.db", silent)["checked"] == "journal.db and its anchor"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not the summary of a run: JSONDecodeError"),
        ("{}", "not the summary of a run: KeyError 'payers'"),
        ("", r"result\.defaults is 7; the journal gives"),
    ],
)
def test_a_summary_that_does_not_follow_is_a_fault(
    run: Path, tmp_path: Path, text: str, message: str
) -> None:
    copy = shutil.copytree(run, tmp_path / "copy")
    path = copy / "summary.json"
    content = json.loads(path.read_text())
    content["result"]["defaults"] = 7
    path.write_text(text or json.dumps(content))

    with pytest.raises(JournalError, match=message) as caught:
        verify_run(copy, silent)
    assert str(path) in str(caught.value)


def test_a_directory_without_a_journal_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"journal\.db does not exist"):
        verify_run(tmp_path, silent)
