"""One seed for all that is random in a run of the tests, printed with the way back to it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
OURS = ("CI", "NOVATE_CI", "NOVATE_SEED", "PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER")
DRAWING = """
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st


def test_what_the_generator_draws():
    pytest.fail(f"drew {random.random()}.")


SEEN = []


@settings(max_examples=20, database=None)
@given(st.integers(0, 2**60))
def see(number):
    SEEN.append(number)


def test_what_examples_are():
    see()
    pytest.fail(f"drew {SEEN}.")
"""


def run(folder: Path, *arguments: str, **environment: str) -> str:
    """Output of a run of two tests that fail with what they draw."""
    (folder / "test_drawing.py").write_text(DRAWING)
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider"]
    found = subprocess.run(
        [*command, "-c", os.devnull, "--rootdir", str(folder), *arguments, str(folder)],
        cwd=ROOT,
        env={**{k: v for k, v in os.environ.items() if k not in OURS}, **environment},
        check=False,
        capture_output=True,
        text=True,
    )
    return found.stdout + found.stderr


def drawn(output: str) -> set[str]:
    """What the two tests drew."""
    found = set(re.findall(r"Failed: drew (.+)\.$", output, re.MULTILINE))
    assert len(found) == 2, output
    return found


def test_a_seed_is_printed_and_draws_the_same_in_every_worker_and_in_integration(
    tmp_path: Path,
) -> None:
    by_name = run(tmp_path, "-n", "2", NOVATE_SEED="7")

    assert "seed: NOVATE_SEED=7" in by_name
    assert re.search(r"^same seed again: NOVATE_SEED=7 .* -n 2 ", by_name, re.MULTILINE)
    assert drawn(by_name) == drawn(run(tmp_path, "--hypothesis-seed=7"))
    assert drawn(by_name) == drawn(run(tmp_path, NOVATE_CI="1", NOVATE_SEED="7"))


def test_a_run_on_a_desk_draws_a_seed_that_leads_back_to_it(tmp_path: Path) -> None:
    first, second = run(tmp_path), run(tmp_path)
    seed = re.search(r"seed: NOVATE_SEED=(\d+)", first)
    assert seed is not None

    assert not drawn(first) & drawn(second)
    assert drawn(run(tmp_path, NOVATE_SEED=seed[1])) == drawn(first)


def test_integration_draws_the_same_in_every_run(tmp_path: Path) -> None:
    first, second = run(tmp_path, NOVATE_CI="1"), run(tmp_path, NOVATE_CI="1")

    assert drawn(first) == drawn(second)
    assert "seed: fixed examples and order" in first


def test_a_seed_that_is_no_number_is_refused(tmp_path: Path) -> None:
    assert "seed 'x'; allowed: an integer" in run(tmp_path, NOVATE_SEED="x")
