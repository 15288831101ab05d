"""Presets of published margin methodologies as they are shipped, by name."""

from __future__ import annotations

import tomllib
from pathlib import Path

import novate
from novate.margin.methodology.catalogue import METHODS
from novate.margin.methodology.outcome import Outcome
from novate.margin.methodology.preset import Preset, preset_of

FOLDER = Path(novate.__file__).parent / "app" / "preset" / "margin"
NAMES = sorted(path.stem for path in FOLDER.glob("*.toml"))


def preset(name: str) -> Preset:
    """The preset of that file."""
    path = FOLDER / f"{name}.toml"
    return preset_of(tomllib.loads(path.read_text(encoding="utf-8")), METHODS, path.name)


def part(outcome: Outcome, name: str) -> tuple[float, float]:
    """Initial and maintenance margin of a part, added up over subjects; 0 where there is none."""
    found = [one for one in outcome.parts if one.name == name]
    return sum(one.initial for one in found), sum(one.maintenance for one in found)
