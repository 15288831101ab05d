"""Exotics have the same bits compiled for any processor, and uncompiled as plain Python."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.unit.kernel.exotic_sample import digest, results

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    "setting",
    [{"NUMBA_DISABLE_JIT": "1"}, {"NUMBA_CPU_NAME": "generic"}],
    ids=["plain Python", "generic processor"],
)
def test_every_bit_is_the_same_under(setting: dict[str, str]) -> None:
    program = [sys.executable, "-m", "tests.unit.kernel.exotic_sample"]

    shown = subprocess.run(
        program, check=True, capture_output=True, text=True, cwd=ROOT, env={**os.environ, **setting}
    ).stdout

    assert shown.strip() == digest(40)


def test_most_of_the_sample_has_a_price() -> None:
    columns = results(200)
    statuses = [column for column in columns if column.dtype == np.int8]

    assert len(statuses) == 6
    assert all((column == 0).mean() > 0.5 for column in statuses)
