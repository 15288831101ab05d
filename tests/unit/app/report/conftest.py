"""Two made-up runs that every test of the report reads: a day with losses and a quiet one."""

from __future__ import annotations

from pathlib import Path

import pytest

from novate.app.report.load import Run, load_run
from tests.e2e.report_fixture import write_fixture


@pytest.fixture(scope="session")
def loss_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_fixture(tmp_path_factory.mktemp("loss"))


@pytest.fixture(scope="session")
def loss_run(loss_directory: Path) -> Run:
    return load_run(loss_directory)


@pytest.fixture(scope="session")
def quiet_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return load_run(write_fixture(tmp_path_factory.mktemp("quiet"), is_quiet=True))
