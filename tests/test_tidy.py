"""House rules that no linter has, with a ratchet for old debt.

`tests/tidy_debt.json` holds what is allowed to break a rule for now: under `lines`, per file, the
functions and modules that are too long and how long they are; under `unmirrored`, per file, why it
has no unit test of its own.  It may only shrink.
"""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src"
UNIT = ROOT / "tests" / "unit"
DEBT = json.loads(Path(__file__).with_name("tidy_debt.json").read_text())
FUNCTION_LINES, MODULE_LINES = 60, 500
BANNED_CALLS = {
    "hash": "salted per process",
    "id": "an address",
    "eval": "code from data",
    "exec": "code from data",
}
MODULES = {str(path.relative_to(SOURCE)): path for path in sorted(SOURCE.rglob("*.py"))}


def functions(path: Path) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a file by its qualified name, methods and inner functions included."""
    found: dict[str, ast.FunctionDef | ast.AsyncFunctionDef] = {}

    def visit(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            inner = prefix
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                inner = f"{prefix}{child.name}."
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                found[f"{prefix}{child.name}"] = child
            visit(child, inner)

    visit(ast.parse(path.read_text()), "")
    return found


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function, its docstring not counted."""
    lines = (function.end_lineno or 0) - function.lineno + 1
    if ast.get_docstring(function) is not None:
        docstring = function.body[0]
        lines -= (docstring.end_lineno or 0) - docstring.lineno + 1
    return lines


def overlong(path: Path) -> dict[str, int]:
    """Everything in a file that is longer than the house allows, with its length."""
    found = {
        name: n for name, node in functions(path).items() if (n := length(node)) > FUNCTION_LINES
    }
    if (lines := path.read_text().count("\n")) > MODULE_LINES:
        found["<module>"] = lines
    return found


def called_builtins(path: Path) -> set[str]:
    """Names that a file calls without a dot."""
    return {
        node.func.id
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }


def needs_mirror(name: str) -> bool:
    """Whether a module has anything to test: one that only declares or re-exports has not."""
    return bool(functions(MODULES[name]))


def mirror(name: str) -> Path:
    """Where the unit test of a module belongs: `book/ledger.py` -> `unit/book/test_ledger.py`."""
    inside = Path(name).relative_to("novate")
    if inside.name == "__init__.py":
        folder = inside.parent
        return UNIT / folder / f"test_{folder.name or 'novate'}.py"
    return UNIT / inside.with_name(f"test_{inside.stem.lstrip('_')}.py")


@pytest.mark.parametrize("name", MODULES)
def test_nothing_is_longer_than_the_house_allows(name: str) -> None:
    allowed = DEBT["lines"].get(name, {})
    grown = {key: n for key, n in overlong(MODULES[name]).items() if n > allowed.get(key, 0)}

    assert grown == {}, "split it, or explain the debt in tidy_debt.json"


def test_every_debt_of_length_is_still_owed() -> None:
    stale = [
        (name, key)
        for name, entry in DEBT["lines"].items()
        for key, lines in entry.items()
        if name not in MODULES or overlong(MODULES[name]).get(key) != lines
    ]

    assert stale == [], "paid off or shortened: take it out of tidy_debt.json"


@pytest.mark.parametrize("name", MODULES)
def test_no_builtin_is_called_that_differs_between_runs_or_runs_data(name: str) -> None:
    called = called_builtins(MODULES[name]) & set(BANNED_CALLS)

    assert called == set(), {builtin: BANNED_CALLS[builtin] for builtin in called}


@pytest.mark.parametrize("name", [name for name in MODULES if not name.startswith("novate/app/")])
def test_only_the_application_talks_to_a_person(name: str) -> None:
    assert called_builtins(MODULES[name]).isdisjoint({"print", "input"})


@pytest.mark.parametrize("name", [name for name in MODULES if needs_mirror(name)])
def test_every_module_has_a_unit_test_of_its_own(name: str) -> None:
    has_mirror = mirror(name).is_file()

    assert has_mirror or name in DEBT["unmirrored"], f"write {mirror(name).relative_to(ROOT)}"


def test_every_debt_of_a_unit_test_is_still_owed_and_explained() -> None:
    stale = [
        name
        for name, reason in DEBT["unmirrored"].items()
        if name not in MODULES or mirror(name).is_file() or not reason.strip()
    ]

    assert stale == [], "written meanwhile, gone, or without a reason"
