"""What every test shares: hypothesis profiles, the browser, and no silent skips where it counts."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator

import hypothesis
import pytest

# In CI an example that fails today fails tomorrow; on a desk each run tries new ones.  Deadlines
# are off in both: a kernel's first call compiles, and no test depends on the clock.
hypothesis.settings.register_profile("dev", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
IN_CI = os.environ.get("NOVATE_CI") == "1"
hypothesis.settings.load_profile("ci" if IN_CI else "dev")


def _skip_is_failure(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure, so that CI cannot pass on tests that it did not run."""
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {report.longrepr}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _skip_is_failure(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _skip_is_failure(report)
    return report


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the browser that the tests of the pages drive; `make test` names it."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.fail("no Chromium: run scripts/ensure_chromium.sh, or set CHROMIUM")
    return path
