"""Write the reference pages: docs/messages.md, docs/parameters.md and docs/rulebook_tests.md.

The first two come from the declarations that the engine uses, the third from the rules that the
tests name.  Run it after changing a command, an event, a refusal, a parameter, or what rules a test
holds; a test compares the pages with what this program would write.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from enum import IntEnum
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from novate.adapter.parameter_file import reference_page
from novate.engine.catalogue import ENGINE_ONLY, REFUSALS
from novate.kernel import codes
from novate.message.command import COMMANDS
from novate.message.declare import TEXT, Message
from novate.message.event import EVENTS
from novate.message.parameter import SETTINGS, Scope, Setting
from novate.message.refusal import EngineCommandRefusal, LinkedRefusal

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
SECOND_MODEL = "simulate/naive/"

MESSAGES_INTRODUCTION = """\
# Messages

Every command and event, their refusals, the codes in their columns, and the risk parameters.
`scripts/write_reference.py` writes this page from the declarations in `novate.message`. What the
engine does with each command is in [](rulebook.md).

Instants are nanoseconds since 1970 UTC. Prices of assets (`*_e8`) are integers of 1e-8 numeraire
per whole unit, prices of instruments are ticks. Money is ledger units of the asset named, signed
from the account holder's view. `text` is UTF-8; the other types are those of NumPy, little-endian.
"""

COMMANDS_INTRODUCTION = """\
## Commands

A refusal changes nothing; reasons are tested in the order of their codes. Any row of linked
commands may also be refused because another one was:
"""

ENGINE_INTRODUCTION = """\
## Commands of the engine

Only the engine issues these, as consequences of others. They share one set of refusals.
"""

RULES_INTRODUCTION = """\
# Tests of the rulebook

Each rule of [](rulebook.md) with the tests that hold it: the name of a test is the sentence that it
proves. `scripts/write_reference.py` writes this page from the marks at the tests,
`@pytest.mark.rule("7.3")`. A function of the second model (`tests/simulate/naive`) names the rules
that it is written from; random streams of commands compare what it does with the engine
(`tests/simulate/test_against_naive.py`).
"""

CODES = (
    codes.Role,
    codes.Segregation,
    codes.MarginMode,
    codes.ShortfallPolicy,
    codes.AccountStatus,
    codes.MemberStatus,
    codes.Style,
    codes.InstrumentStatus,
    codes.OrderKind,
    codes.Layer,
    codes.DueKind,
    Scope,
    codes.Origin,
)


def messages_page() -> str:
    """Return the page of commands, events, refusals, codes and risk parameters."""
    outside = [message for message in COMMANDS if message.name not in ENGINE_ONLY]
    inside = [message for message in COMMANDS if message.name in ENGINE_ONLY]
    parts = [
        MESSAGES_INTRODUCTION,
        COMMANDS_INTRODUCTION,
        _codes(LinkedRefusal, "refusal"),
        *(_message(message, REFUSALS[message.name]) for message in outside),
        ENGINE_INTRODUCTION,
        _codes(EngineCommandRefusal, "refusal"),
        *(_message(message) for message in inside),
        "## Events\n",
        *(_message(message) for message in EVENTS),
        "## Codes\n",
        *(f"### {kind.__name__}\n\n{_first_line(kind)}\n\n{_codes(kind)}" for kind in CODES),
        "## Risk parameters\n\nThe numbers that `SetParameter` takes, and the narrower scopes.\n",
        _parameters(),
    ]
    return "\n".join(parts)


def _message(message: Message, refusals: type[IntEnum] | None = None) -> str:
    """Return heading, meaning and columns of a message, and why a command is refused."""
    lines = [
        f"### {message.name}",
        "",
        f"{message.doc} Version {message.version}.",
        "",
        "| column | type | meaning |",
        "|---|---|---|",
        *(f"| `{f.name}` | {_type(f.dtype)} | {_cell(f.doc)} |" for f in message.fields),
        "",
    ]
    if refusals is not None:
        lines.append(_codes(refusals, "refusal"))
    return "\n".join(lines)


def _type(dtype: str) -> str:
    return "text" if dtype == TEXT else f"`{dtype}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _codes(kind: type[IntEnum], title: str = "name") -> str:
    """Return a table of the members of an enum, in order of their codes."""
    rows = [f"| {member.value} | `{member.name}` |" for member in sorted(kind)]
    return "\n".join([f"| code | {title} |", "|---|---|", *rows, ""])


def _first_line(kind: type[IntEnum]) -> str:
    return (kind.__doc__ or "").strip().split("\n", maxsplit=1)[0]


def _parameters() -> str:
    """Return the table of risk parameters."""
    rows = [
        f"| {parameter.value} | `{parameter.name}` | {setting.unit.engine} | {setting.default} "
        f"| {setting.minimum} to {setting.maximum} | {_scopes(setting)} | {_cell(setting.doc)} |"
        for parameter, setting in sorted(SETTINGS.items())
    ]
    return "\n".join(
        [
            "| number | name | unit | default | allowed | scopes | meaning |",
            "|---|---|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _scopes(setting: Setting) -> str:
    return ", ".join(scope.name.lower() for scope in setting.scopes)


class Holder(NamedTuple):
    """A test, or a function of the second model, and the rules that it holds."""

    file: str  # below tests/
    name: str
    rules: tuple[str, ...]

    @property
    def is_test(self) -> bool:
        """Whether it is a test: others are functions of the second model."""
        return self.name.startswith("test_")


def chapters() -> dict[str, list[str]]:
    """Return the rule numbers of each chapter of the rulebook, in the order of the page."""
    found: dict[str, list[str]] = {}
    for line in (DOCS / "rulebook.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            found[line[3:]] = []
        elif rule := re.match(r"- \*\*R (\d+\.\d+)\*\* ", line):
            found[list(found)[-1]].append(rule[1])
    return found


def holders() -> list[Holder]:
    """Return what names a rule, from the source of the tests, in order of file and line."""
    tests = ROOT / "tests"
    return [
        holder
        for path in sorted(tests.rglob("*.py"))
        for holder in _marked(
            ast.parse(path.read_text(encoding="utf-8")), str(path.relative_to(tests))
        )
    ]


def _marked(node: ast.AST, file: str, prefix: str = "") -> Iterator[Holder]:
    """Yield the marked functions and classes below a node."""
    for child in ast.iter_child_nodes(node):
        inner = prefix
        if isinstance(child, ast.ClassDef | ast.FunctionDef):
            rules = [
                ast.literal_eval(rule)
                for call in child.decorator_list
                if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.rule"
                for rule in call.args
            ]
            if rules:
                yield Holder(file, prefix + child.name, tuple(rules))
            inner = f"{prefix}{child.name}."
        yield from _marked(child, file, inner)


def rulebook_tests_page() -> str:
    """Return the page that lists under each rule what holds it."""
    found = holders()
    parts = [RULES_INTRODUCTION]
    for chapter, rules in chapters().items():
        rows = (
            f"| {rule} | {_cell(_held_by([h for h in found if rule in h.rules]))} |"
            for rule in rules
        )
        parts.append("\n".join([f"## {chapter}\n", "| rule | held by |", "|---|---|", *rows, ""]))
    return "\n".join(parts)


def _held_by(found: list[Holder]) -> str:
    """Return tests as sentences, then functions of the second model, each under its file."""
    lines = []
    for file, group in groupby(found, key=lambda holder: holder.file):
        for is_test, names in groupby(group, key=lambda holder: holder.is_test):
            if is_test:
                said = "; ".join(h.name.removeprefix("test_").replace("_", " ") for h in names)
            else:
                said = "second model: " + ", ".join(f"`{h.name}`" for h in names)
            lines.append(f"{said} (`{file}`)")
    return "<br>".join(lines)


def pages() -> dict[Path, str]:
    """Return every page by its path."""
    written = {
        "messages.md": messages_page(),
        "parameters.md": reference_page(),
        "rulebook_tests.md": rulebook_tests_page(),
    }
    return {DOCS / name: text.rstrip("\n") + "\n" for name, text in written.items()}


def main() -> int:
    """Write the pages and say which of them changed."""
    for path, text in pages().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(DOCS.parent)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
