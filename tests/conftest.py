"""What every test shares: one seed, the browser, and no silent skips where it counts.

One number seeds the examples of hypothesis, the order of the tests and the generators that
pytest-randomly resets, in every worker.  On a desk each run draws a new one.  In CI examples and
order are fixed: what fails today fails tomorrow.  A seed that is given counts everywhere.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Generator

import hypothesis
import numpy as np
import pytest

# Deadlines are off: a kernel's first call compiles, and no test depends on the clock.
hypothesis.settings.register_profile("seeded", deadline=None)
hypothesis.settings.register_profile("fixed", deadline=None, derandomize=True, print_blob=True)
IN_CI = os.environ.get("NOVATE_CI") == "1"


def _given_seed(config: pytest.Config) -> int | None:
    """The seed of the command line or the environment; a worker finds its controller's."""
    text = config.getoption("hypothesis_seed", None) or os.environ.get("NOVATE_SEED") or None
    if text is None:
        return None
    try:
        return int(text)
    except ValueError:
        raise pytest.UsageError(f"seed {text!r}; allowed: an integer") from None


@pytest.hookimpl(tryfirst=True)  # before hypothesis and pytest-randomly read their options
def pytest_configure(config: pytest.Config) -> None:
    seed = _given_seed(config)
    if seed is None and not IN_CI:
        seed = int(np.random.default_rng().integers(2**32))
    hypothesis.settings.load_profile("fixed" if seed is None else "seeded")
    config.option.hypothesis_seed = None if seed is None else str(seed)
    if config.getoption("randomly_seed", None) == "default":
        config.option.randomly_seed = seed or 0


def pytest_report_header(config: pytest.Config) -> str:
    seed = config.option.hypothesis_seed
    return "seed: fixed examples and order" if seed is None else f"seed: NOVATE_SEED={seed}"


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
) -> None:
    """Say after a failure how to run with the same seed."""
    seed = config.option.hypothesis_seed
    if exitstatus and seed is not None:
        python = os.path.relpath(sys.executable)
        command = shlex.join([python, "-m", "pytest", *config.invocation_params.args])
        terminalreporter.write_line(f"same seed again: NOVATE_SEED={seed} {command}")


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
