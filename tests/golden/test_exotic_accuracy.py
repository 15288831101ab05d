"""The page of accuracy holds what the Greeks of exotics measure now."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden.derivative import BY
from tests.golden.exotic_accuracy import KINDS, TOTALS, worst

PAGE = Path(__file__).parents[2] / "docs" / "accuracy.md"


def column(kind: str, total: float) -> dict[str, str]:
    """One column of a table of the page."""
    table = PAGE.read_text(encoding="utf-8").partition(f"### Greeks of {kind}\n")[2]
    table = table.partition("\n### ")[0]
    place = TOTALS.index(total) + 1
    cells = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("|")]
    return {row[0]: row[place] for row in cells[2:]}


@pytest.mark.parametrize("total", [0.01, 0.4])
@pytest.mark.parametrize("kind", KINDS)
def test_a_column_of_the_page_is_what_is_measured_now(kind: str, total: float) -> None:
    measured = {name: f"{error:.1e}" for name, error in worst(kind, total).items()}

    assert column(kind, total) == measured


@pytest.mark.parametrize("kind", KINDS)
def test_no_error_of_the_page_is_larger_than_the_text_says(kind: str) -> None:
    for total in TOTALS:
        errors = column(kind, total)
        assert set(errors) == set(BY)
        assert max(map(float, errors.values())) < (3e-13 if total >= 0.01 else 2e-12)
