"""The reference page of parameter files, written from the schema."""

from __future__ import annotations

from novate.adapter.parameter_file.schema import REQUIRED, SECTIONS, Kind, Setting
from novate.units import format_decimal

INTRODUCTION = """\
# Parameters

A parameter file is TOML. `include = ["preset:venue"]` at its top starts from a preset (or from a
file, named relative to this one); what follows overrides it key by key. Amounts and prices are
decimal numbers in quotes, so that no digit is lost. An unknown key is refused.
"""


def reference_page() -> str:
    """Return the Markdown page that lists every section and key of a parameter file."""
    parts = [INTRODUCTION]
    for section in SECTIONS:
        title = f"[{section.name}.NAME]" if section.is_named else f"[{section.name}]"
        lines = [
            f"## `{title}`",
            "",
            section.doc,
            "",
            "| key | type | unit | default | allowed | meaning |",
            "|---|---|---|---|---|---|",
            *(_line(setting) for setting in section.settings),
            "",
        ]
        parts.append("\n".join(lines))
    return "\n".join(parts)


def _line(setting: Setting) -> str:
    cells = (
        f"`{setting.key}`",
        setting.kind.value,
        setting.unit,
        _default(setting),
        _allowed(setting),
        setting.doc,
    )
    return "| " + " | ".join(cells) + " |"


def _shown(value: int, setting: Setting) -> str:
    if setting.kind is Kind.DECIMAL:
        text = format_decimal(value, setting.decimals)
        return text.rstrip("0").rstrip(".") if "." in text else text
    return str(value)


def _default(setting: Setting) -> str:
    if setting.default is REQUIRED:
        return "required"
    if setting.default is None or setting.default == "":
        return "none"
    if setting.kind in {Kind.INTEGER, Kind.DECIMAL}:
        return f"`{_shown(setting.default, setting)}`"
    if setting.kind is Kind.ORDER:
        return "in the order shown"
    return f"`{setting.default}`"


def _allowed(setting: Setting) -> str:
    if setting.choices:
        return ", ".join(f"`{choice}`" for choice in setting.choices)
    if setting.minimum is None or setting.maximum is None:
        return ""
    return f"{_shown(setting.minimum, setting)} to {_shown(setting.maximum, setting)}"
