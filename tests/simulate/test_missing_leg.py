"""The running totals find every leg that a booking forgets."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
KERNELS = ROOT / "src" / "novate" / "kernel" / "clearing"


def test_a_leg_that_any_booking_forgets_stops_the_engine() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.simulate.missing_leg"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}", "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    print(run.stdout)

    assert [line for line in lines if not line.startswith("found ")] == []
    assert len(lines) >= 35


def test_balances_lots_and_pending_cash_are_booked_by_the_functions_of_the_ledger_alone() -> None:
    moved = {"balance", "lots", "settlement_cost"}
    tables = {"accounts", "positions"}
    found = []
    for path in sorted(KERNELS.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            targets = node.targets if isinstance(node, ast.Assign) else []
            if isinstance(node, ast.AugAssign):
                targets = [node.target]
            for target in targets:
                if not isinstance(target, ast.Subscript):
                    continue
                column = target.value
                if (
                    isinstance(column, ast.Attribute)
                    and column.attr in moved
                    and getattr(column.value, "id", "") in tables
                ):
                    found.append((path.name, column.attr))

    assert sorted(set(found)) == [
        ("ledger.py", "balance"), ("ledger.py", "lots"), ("ledger.py", "settlement_cost"),
    ]  # fmt: skip
