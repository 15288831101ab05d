"""The pricing kernels give the same bits whatever compiles them, or if nothing does."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.unit.kernel.pricing_sample import answers

ROOT = Path(__file__).parent.parent.parent.parent

# A processor's name, and the features it is allowed; where none are listed, this machine's.
EVERYWHERE: dict[str, dict[str, str]] = {
    "a generic processor": {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""},
    "no compiler": {"NUMBA_DISABLE_JIT": "1"},
}
INTEL = {
    "a generic processor with a multiply-add": {
        "NUMBA_CPU_NAME": "generic",
        "NUMBA_CPU_FEATURES": "+avx,+avx2,+fma",
    },
    "Haswell with the features of this machine": {"NUMBA_CPU_NAME": "haswell"},
    "Haswell without a multiply-add": {
        "NUMBA_CPU_NAME": "haswell",
        "NUMBA_CPU_FEATURES": "+avx,-avx2,-fma",
    },
}
PROCESSORS = EVERYWHERE | (INTEL if platform.machine() in {"x86_64", "AMD64"} else {})


def elsewhere(folder: Path, settings: dict[str, str]) -> np.ndarray:
    """Answers of a process with these settings and a compiler's cache of its own."""
    out = folder / "answers.bin"
    environment = {**os.environ, **settings, "NUMBA_CACHE_DIR": str(folder / "cache")}
    subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.unit.kernel.pricing_sample", str(out)],
        cwd=ROOT,
        env=environment,
        check=True,
    )
    return np.frombuffer(out.read_bytes())


@pytest.mark.parametrize("name", PROCESSORS)
def test_another_processor_or_plain_python_gives_the_same_bits(name: str, tmp_path: Path) -> None:
    here = answers()
    there = elsewhere(tmp_path, PROCESSORS[name])

    assert np.flatnonzero(here.view(np.int64) != there.view(np.int64)).tolist() == []


def test_the_sample_reaches_prices_and_refusals() -> None:
    values = answers()

    assert np.isnan(values).any()
    assert (np.isfinite(values) & (values != 0.0)).sum() > values.size / 2
