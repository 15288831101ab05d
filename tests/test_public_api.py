"""The public surface: what `import novate` offers, and what it costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import novate

NAMES_MAX = 40
PUBLIC = {
    "engine": ["AuditReport", "Batch", "Engine", "audit", "recover"],
    "journals": ["JournalStore", "MemoryJournal", "SqliteJournal"],
    "messages": ["REFUSALS", "Parameter", "Run", "columns_of", "command", "event", "rows_of"],
    "codes": [
        "AccountStatus",
        "ShortfallPolicy",
        "INVERSE",
        "InstrumentStatus",
        "LINEAR",
        "Layer",
        "MarginMode",
        "OrderKind",
        "Origin",
        "Role",
        "Segregation",
        "Style",
    ],
    "errors": [
        "CapacityError",
        "ConflictError",
        "InputError",
        "InvariantError",
        "JournalError",
        "NovateError",
    ],
    "valuation": ["pricing", "risk", "volatility"],
    "inputs": ["load_collateral", "load_positions", "load_prices", "read_parameters"],
}


def test_the_public_names_are_those_listed_here() -> None:
    listed = sorted(name for names in PUBLIC.values() for name in names)

    assert sorted(novate.__all__) == listed
    assert len(listed) <= NAMES_MAX


@pytest.mark.parametrize("name", novate.__all__)
def test_a_public_name_is_the_thing_of_that_name(name: str) -> None:
    value = getattr(novate, name)

    assert getattr(value, "__name__", name).rsplit(".", 1)[-1] == name
    assert getattr(novate, name) is value


def test_types_and_names_at_run_time_come_from_the_same_modules() -> None:
    tree = ast.parse(Path(novate.__file__).read_text())
    typed = {
        alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("novate.")
        for alias in node.names
    }

    assert sorted(typed) == sorted(novate.__all__)
    for name, module in typed.items():
        assert module is not None
        novate.__getattr__(name)  # a package has its modules as attributes once they are loaded
        assert getattr(import_module(module), name) is getattr(novate, name)


def test_importing_the_package_loads_no_engine() -> None:
    heavy = ("numpy", "numba", "pyarrow", "novate.engine", "novate.kernel", "novate.adapter")
    program = f"import novate, sys; print([name for name in {heavy!r} if name in sys.modules])"

    shown = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout

    assert shown.strip() == "[]"


def test_the_public_names_are_enough_to_drive_an_engine_and_to_read_its_answers() -> None:
    engine = novate.Engine(novate.MemoryJournal())
    usdt = novate.command.DECLARE_ASSET.row(symbol="USDT", decimals=6, haircut_bps=0)
    engine.submit([usdt], source="setup", source_sequence=1)
    [batch] = engine.submit([usdt])

    [refusal] = novate.rows_of(batch.events[0])
    assert novate.REFUSALS[refusal["command"]](refusal["code"]).name == "SYMBOL_TAKEN"
    assert batch.origin is novate.Origin.EXTERNAL
    assert novate.recover(engine.journal).state.digest() == engine.state.digest()
    assert novate.audit(engine.journal).records == 2
