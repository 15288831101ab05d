"""What the code imports is declared; what is declared is locked, by hash, without an address."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-setup.lock")


def distribution(requirement: str) -> str:
    """Name of the distribution that a requirement asks for."""
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match is not None, requirement
    return match.group().lower()


RUN_TIME = {distribution(line) for line in PROJECT["project"]["dependencies"]}
DEVELOPMENT = {
    distribution(line) for line in PROJECT["dependency-groups"]["dev"] if isinstance(line, str)
}


def imported(folder: Path) -> set[str]:
    """Top-level names that the files of a folder import, the standard library left out.

    Written as the names of distributions are: in lower case, with hyphens.
    """
    names: set[str] = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names.update(alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.split(".")[0])
    return {name.lower().replace("_", "-") for name in names - sys.stdlib_module_names}


def pins(lock: str) -> dict[str, str]:
    """The pinned versions of a lock file, by distribution and environment marker."""
    return dict(re.findall(r"^([a-z0-9._-]+)==([^\s;]+)", (ROOT / lock).read_text(), re.MULTILINE))


def test_the_package_imports_what_it_declares_and_nothing_else() -> None:
    assert imported(ROOT / "src") - {"novate"} <= RUN_TIME


def test_the_tests_import_what_is_declared_and_nothing_else() -> None:
    assert imported(ROOT / "tests") - {"novate", "scripts", "tests"} <= RUN_TIME | DEVELOPMENT


def test_every_declared_dependency_is_locked() -> None:
    assert set(pins("requirements.lock")) >= RUN_TIME
    assert set(pins("requirements-dev.lock")) >= RUN_TIME | DEVELOPMENT


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-setup.lock"])
def test_the_smaller_locks_pin_what_the_development_lock_pins(lock: str) -> None:
    assert pins(lock).items() <= pins("requirements-dev.lock").items()


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_pins_with_hashes_and_nothing_else(lock: str) -> None:
    allowed = re.compile(r"[a-z0-9._-]+==\S+( ; [^/\\]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?")
    lines = (ROOT / lock).read_text().splitlines()

    assert [line for line in lines if not allowed.fullmatch(line)] == []
