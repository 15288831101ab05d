"""The reference pages say everything that the declarations say, and nothing older."""

from __future__ import annotations

from pathlib import Path

import pytest

from novate.engine.catalogue import ENGINE_ONLY, REFUSALS
from novate.message.command import COMMANDS
from novate.message.event import EVENTS
from novate.message.parameter import SETTINGS
from novate.message.refusal import EngineCommandRefusal
from tests.reference import writer

ROOT = Path(__file__).parent.parent
MESSAGES = (ROOT / "docs" / "messages.md").read_text(encoding="utf-8")
PARAMETERS = (ROOT / "docs" / "parameters.md").read_text(encoding="utf-8")


def chapter(name: str) -> str:
    """Return the text under a heading of the messages page, up to the next one."""
    _, _, rest = MESSAGES.partition(f"\n### {name}\n")
    return rest.partition("\n##")[0]


def test_the_pages_are_what_their_program_writes_now() -> None:
    for path, text in writer().pages().items():
        assert path.read_text(encoding="utf-8") == text, "run scripts/write_reference.py"


def test_the_pages_are_the_same_each_time_they_are_written() -> None:
    program = writer()

    assert program.pages() == program.pages()


@pytest.mark.parametrize("message", [*COMMANDS, *EVENTS], ids=lambda message: message.name)
def test_every_message_is_described_with_all_its_columns(message: object) -> None:
    text = chapter(message.name)  # type: ignore[attr-defined]

    assert text.strip().startswith(message.doc)  # type: ignore[attr-defined]
    for field in message.fields:  # type: ignore[attr-defined]
        assert f"| `{field.name}` |" in text
        assert f"| {field.doc} |" in text


@pytest.mark.parametrize("command", sorted(set(REFUSALS) - ENGINE_ONLY))
def test_every_refusal_is_listed_under_its_command_in_order(command: str) -> None:
    rows = [line for line in chapter(command).splitlines() if line[2:3].isdigit()]

    assert rows == [f"| {code.value} | `{code.name}` |" for code in REFUSALS[command]]


def test_refusals_of_the_engines_own_commands_are_listed() -> None:
    for code in EngineCommandRefusal:
        assert f"| {code.value} | `{code.name}` |" in MESSAGES


@pytest.mark.parametrize("parameter", SETTINGS)
def test_every_risk_parameter_has_number_unit_default_and_limits(parameter: int) -> None:
    setting = SETTINGS[parameter]  # type: ignore[index]
    [line] = [line for line in MESSAGES.splitlines() if f"| `{parameter.name}` |" in line]  # type: ignore[attr-defined]

    for part in (int(parameter), setting.unit.engine, setting.default, setting.doc):
        assert f"| {part} |" in line
    assert f"{setting.minimum} to {setting.maximum}" in line


def test_the_page_of_parameter_files_has_a_table_per_section() -> None:
    headings = [line for line in PARAMETERS.splitlines() if line.startswith("## ")]

    assert headings[:3] == ["## `[run]`", "## `[assets.NAME]`", "## `[instruments.NAME]`"]
    assert "/" + "work" not in PARAMETERS
