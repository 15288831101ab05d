"""Presets as shipped, and books and markets in few words, for tests of published margin numbers."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from importlib.resources import files

from novate.margin.methodology.catalogue import METHODS
from novate.margin.methodology.outcome import Outcome
from novate.margin.methodology.portfolio import Contract, Snapshot
from novate.margin.methodology.preset import Methodology, Preset, preset_of

NOW = 1_790_000_000 * 10**9
MARKET = Snapshot(instant_ns=NOW, index={})


def shipped(name: str) -> Preset:
    """The preset of a name, out of the package."""
    path = files("novate.app") / "preset" / "margin" / f"{name}.toml"
    return preset_of(tomllib.loads(path.read_text(encoding="utf-8")), METHODS, name)


def method(name: str) -> Methodology:
    """What a shipped preset computes with."""
    return shipped(name).methodology


def market(**said: object) -> Snapshot:
    """A market that says this, and nothing else."""
    return replace(MARKET, **said)  # type: ignore[arg-type]


def perpetual(symbol: str, underlying: str = "", settlement: str = "USDC") -> Contract:
    """A perpetual on an underlying, named like its symbol where none is given."""
    return Contract(
        symbol=symbol,
        kind="perpetual",
        underlying=underlying or symbol,
        settlement=settlement,
    )


def check_parts(outcome: Outcome) -> None:
    """The law of every outcome: its parts add up."""
    assert sum(part.initial for part in outcome.parts) == outcome.initial
    assert sum(part.maintenance for part in outcome.parts) == outcome.maintenance
    assert outcome.initial >= 0
    assert outcome.maintenance >= 0
