"""Run the property tests with fresh seeds, up to the first that fails.

Usage: try_seeds.py COUNT [ARGUMENT ...]; the arguments go to pytest.
"""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np

TESTS = ("-m", "hypothesis and not soak")


def main(arguments: list[str]) -> int:
    """Try seed after seed; the result is the exit status."""
    count = int(arguments[0])
    for at in range(count):
        seed = int(np.random.default_rng().integers(2**32))
        print(f"property tests, seed {at + 1} of {count}: NOVATE_SEED={seed}", flush=True)
        command = [sys.executable, "-m", "pytest", *arguments[1:], *TESTS]
        environment = {**os.environ, "NOVATE_SEED": str(seed)}
        if status := subprocess.run(command, check=False, env=environment).returncode:
            print(f"property tests fail with NOVATE_SEED={seed}", flush=True)
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
