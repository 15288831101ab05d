"""Long streams are run once for all workers of a run."""

from __future__ import annotations

import os

import pytest

from tests.simulate import shared


@pytest.fixture(scope="session", autouse=True)
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let workers find what the others counted: the folder above their own is that of the run."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared.folder = tmp_path_factory.getbasetemp().parent
