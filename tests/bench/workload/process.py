"""A workload in a process of its own, on the sources of one tree."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True)
class Tree:
    """Sources by name."""

    name: str
    src: Path


class Process:
    """`python -m tests.bench.workload` on the sources of a tree, and what it answers.

    It works in a folder of its own.

    Parameters
    ----------
    tree
        Whose package is imported; the workloads themselves are always those of this tree.
    name, sizes
        Which workload, and how large.
    """

    def __init__(self, tree: Tree, name: str, sizes: dict[str, int]) -> None:
        self.tree = tree
        self.name = name
        build = ROOT / "build"
        build.mkdir(exist_ok=True)
        self._folder = tempfile.TemporaryDirectory(prefix="bench-", dir=build)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.workload", name, json.dumps(sizes)],
            cwd=self._folder.name,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join((str(tree.src), str(ROOT))),
                "NUMBA_NUM_THREADS": "1",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ready(self) -> list[str]:
        """Wait until the workload is set up, and return the names of its turns.

        Raises
        ------
        RuntimeError
            If the process ended, or imported another tree.
        """
        answer = self._answer(None)
        assert answer is not None
        package = Path(answer["package"]).resolve()
        if not package.is_relative_to(self.tree.src.resolve()):
            message = f"{self.name} on {self.tree.name} imported {package}"
            raise RuntimeError(message)
        turns: list[str] = answer["turns"]
        return turns

    def turn(self, name: str, seconds: float | None = None) -> dict[str, Any] | None:
        """Take one turn; None if it takes longer than ``seconds``.

        Raises
        ------
        RuntimeError
            If the process ended.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(name + "\n")
        self._process.stdin.flush()
        return self._answer(seconds)

    def _answer(self, seconds: float | None) -> dict[str, Any] | None:
        # One answer for each question: nothing can be left in the buffer that select does not see.
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], seconds)[0]:
            return None
        line = self._process.stdout.readline()
        if not line:
            message = f"{self.name} on {self.tree.name} ended with {self._process.wait()}"
            raise RuntimeError(message)
        answer: dict[str, Any] = json.loads(line)
        return answer

    def end(self) -> None:
        """End the process, whatever it does, and remove what it wrote."""
        self._process.kill()
        self._process.communicate()
        self._folder.cleanup()
