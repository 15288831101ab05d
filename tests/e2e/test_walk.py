"""The example of the replay page runs as it is written there, and its accounts can be followed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from novate.app.replay.write import SCHEMAS
from novate.errors import InputError, InvariantError
from tests.e2e.run_fixture import ROOT, Shown, novate, summary

REPLAY = (ROOT / "docs" / "replay.md").read_text(encoding="utf-8")
WALK = (ROOT / "docs" / "walk.md").read_text(encoding="utf-8")
FAILED = ("orchid", "poplar", "quince")


def written_command() -> list[str]:
    """The replay that the page tells the reader to run, as arguments."""
    found = re.search(r"```text\nnovate (replay .*?)\nnovate verify", REPLAY, re.DOTALL)
    assert found is not None
    return shlex.split(found[1].replace("\\\n", " "))


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Shown]:
    """Run directory of the example, and what the program printed."""
    out = tmp_path_factory.mktemp("example") / "run"
    arguments = written_command()
    arguments[arguments.index("--out") + 1] = str(out)
    return out, novate(*arguments, "--no-variants")


@pytest.fixture
def walk(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The program that follows an account."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return __import__("walk")


def test_the_example_runs_as_it_is_written(example: tuple[Path, Shown]) -> None:
    out, shown = example
    content: dict[str, Any] = summary(out)

    assert shown.code == 0, shown.err
    assert content["accounts"] == 5
    assert content["result"]["taken_over"] == len(FAILED)
    assert content["verification"]["audited"] is True
    assert {row["reference"] for row in content["worst_accounts"]} == set(FAILED)
    assert content["house_accounts"]["2"] == "liquidator"


@pytest.mark.parametrize("reference", FAILED)
def test_every_number_of_a_failed_account_is_found_again_by_hand(
    example: tuple[Path, Shown], walk: ModuleType, reference: str
) -> None:
    names = frozenset(walk.BLOCKS) - {"verify"}
    made = walk.blocks(example[0], reference, names)

    assert set(made) == names
    assert f"The account is `{reference}`" in made["account"]
    assert "taken over by the liquidator" in made["account"]
    assert "**net equity that went along** | **−" in made["statement"]  # noqa: RUF001
    assert made["loss"].rstrip().endswith("| 0.000000 |")


def test_the_account_to_follow_was_liquidated_and_taken_over_with_a_loss(
    example: tuple[Path, Shown], walk: ModuleType
) -> None:
    made = walk.blocks(example[0], wanted=frozenset({"account", "slices", "loss"}))

    assert re.search(r"The account is `(orchid|poplar|quince)`", made["account"])
    assert "fills at" in made["slices"]
    assert "own contribution" in made["loss"]


def test_an_account_that_is_not_there_is_refused(
    example: tuple[Path, Shown], walk: ModuleType
) -> None:
    with pytest.raises(InputError, match="'nobody' is not in the journal"):
        walk.blocks(example[0], "nobody")


def test_a_number_that_differs_stops_the_walk(
    example: tuple[Path, Shown], walk: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = walk.Terms.value
    monkeypatch.setattr(walk.Terms, "value", lambda *arguments: exact(*arguments) + 1)

    with pytest.raises(InvariantError, match=r"value of the trade: \d+ by hand is \d+"):
        walk.blocks(example[0], "orchid")


def test_the_page_of_the_walk_asks_for_every_block_once_and_shows_it(walk: ModuleType) -> None:
    found = re.findall(r"<!-- walk: (\w+) -->\n(.*?)<!-- end -->", WALK, re.DOTALL)

    assert sorted(name for name, _ in found) == sorted(walk.BLOCKS)
    assert [name for name, text in found if not text.strip()] == []
    assert "verified: chain, recovery and audit agree" in WALK


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_table_of_a_run_is_described_with_all_its_columns(name: str) -> None:
    _, _, rest = REPLAY.partition(f"\n**{name}**,")
    text = rest.partition("\n\n")[0]

    assert [column for column in SCHEMAS[name] if f"`{column}`" not in text] == []
