"""Write docs/messages.md and docs/parameters.md from the declarations that the engine uses.

Run it after changing a command, an event, a refusal or a parameter; a test compares the pages with
what this program would write.
"""

from __future__ import annotations

import sys
from enum import IntEnum
from pathlib import Path

from novate.adapter.parameter_file import reference_page
from novate.kernel import codes
from novate.message.command import COMMANDS, ENGINE_ONLY
from novate.message.declare import TEXT, Message
from novate.message.event import EVENTS
from novate.message.parameter import SETTINGS
from novate.message.refusal import REFUSALS, EngineCommandRefusal, LinkedRefusal

DOCS = Path(__file__).parent.parent / "docs"

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

CODES = (
    codes.Role,
    codes.Segregation,
    codes.MarginMode,
    codes.ShortfallPolicy,
    codes.AccountStatus,
    codes.Style,
    codes.InstrumentStatus,
    codes.OrderKind,
    codes.Layer,
    codes.DueKind,
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
        *(
            _message(message, REFUSALS.get(message.name, EngineCommandRefusal))
            for message in outside
        ),
        ENGINE_INTRODUCTION,
        _codes(EngineCommandRefusal, "refusal"),
        *(_message(message) for message in inside),
        "## Events\n",
        *(_message(message) for message in EVENTS),
        "## Codes\n",
        *(f"### {kind.__name__}\n\n{_first_line(kind)}\n\n{_codes(kind)}" for kind in CODES),
        "## Risk parameters\n\nThe numbers that `SetParameter` takes.\n",
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
        f"| {parameter.value} | `{parameter.name}` | {setting.unit} | {setting.default} "
        f"| {setting.minimum} to {setting.maximum} | {_cell(setting.doc)} |"
        for parameter, setting in sorted(SETTINGS.items())
    ]
    return "\n".join(
        [
            "| number | name | unit | default | allowed | meaning |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def pages() -> dict[Path, str]:
    """Return every page by its path."""
    written = {"messages.md": messages_page(), "parameters.md": reference_page()}
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
