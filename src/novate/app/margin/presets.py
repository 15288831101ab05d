"""The presets of margin methodologies that come with novate, and those of a file."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from novate.adapter.methodology_file import read_preset
from novate.errors import InputError
from novate.margin.methodology.preset import Preset


def directory() -> Path:
    """Directory of the presets that come with novate."""
    return Path(str(files("novate.app") / "preset" / "margin"))


def names() -> list[str]:
    """Return the names of the presets that come with novate, sorted."""
    return sorted(path.stem for path in directory().glob("*.toml"))


def load(name: str) -> Preset:
    """Return a preset by its name, or that of a TOML file.

    Raises
    ------
    InputError
        If there is none of this name, or the file is not a preset.
    """
    if name.endswith(".toml"):
        return read_preset(Path(name))
    if name not in names():
        raise InputError(f"model {name!r}; allowed: a TOML file, or one of {', '.join(names())}")
    return read_preset(directory() / f"{name}.toml")


def load_all() -> list[Preset]:
    """Return all presets that come with novate, in order of name."""
    return [load(name) for name in names()]
