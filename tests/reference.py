"""The program that writes the reference pages, for the tests of these pages."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

NAME = "write_reference"


def writer() -> ModuleType:
    """Load the program that writes the pages."""
    path = Path(__file__).parent.parent / "scripts" / f"{NAME}.py"
    spec = importlib.util.spec_from_file_location(NAME, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[NAME] = module  # where a class of it is looked up by its annotations
    spec.loader.exec_module(module)
    return module
