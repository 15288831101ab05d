"""Surfaces and sums have the same bits for any processor and number of threads, and uncompiled."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from novate.market.volatility import Surface
from tests.unit.kernel.surface_sample import digest, fitted

ROOT = Path(__file__).parents[3]

OLD_NUMPY = "X86_V3 X86_V4 AVX512_ICL AVX512_SPR"
"""NumPy's names of what it would use on newer processors; one that has none of them warns."""


def elsewhere(name: str, settings: dict[str, str]) -> str:
    """The digest of a process with these settings."""
    program = [sys.executable, "-W", "ignore", "-m", "tests.unit.kernel.surface_sample", name]
    environment = {**os.environ, **settings}
    return subprocess.run(
        program, check=True, capture_output=True, text=True, cwd=ROOT, env=environment
    ).stdout


def test_plain_python_and_the_compiler_fit_with_the_same_bits() -> None:
    assert elsewhere("kernels", {"NUMBA_DISABLE_JIT": "1"}) == digest("kernels")


@pytest.mark.parametrize("threads", ["1", "2"])
def test_the_number_of_threads_changes_no_bit_of_a_fit_or_a_sum(threads: str) -> None:
    assert elsewhere("kernels", {"NUMBA_NUM_THREADS": threads}) == digest("kernels")


def test_an_old_processor_fits_and_repairs_a_whole_surface_with_the_same_bits() -> None:
    """No multiply-add and no wide vectors, neither for the compiler nor for NumPy."""
    settings = {"NUMBA_CPU_NAME": "generic", "NPY_DISABLE_CPU_FEATURES": OLD_NUMPY}

    assert elsewhere("surface", settings) == digest("surface")


def test_the_sample_is_repaired_thin_in_places_and_given_up_in_others() -> None:
    result = fitted()

    assert isinstance(result, Surface)
    assert any(one.was_crossed for one in result.slices)
    assert result.ssvi is not None
    assert all(one.raw != one.first_fit for one in result.slices)
    outside = [
        np.abs(np.sqrt(one.raw.variance(result.quotes.k[mine]) / one.years) - vol[mine])
        > half[mine]
        for one in result.slices
        for mine in [result.quotes.expiry_ns == one.expiry_ns]
        for vol, half in [(result.quotes.mid_vol, result.quotes.half_spread)]
    ]
    assert np.concatenate(outside).any()
