from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from novate.simulation.population.book import Book
from novate.simulation.population.calibration import (
    CalibrationRow,
    calibration,
    calibration_table,
    gini,
    hill_exponent,
)


def test_the_hill_estimate_recovers_a_pareto_exponent() -> None:
    rank = (np.arange(100_000) + 0.5) / 100_000
    assert hill_exponent(rank ** (-1.0 / 1.2), 5000) == pytest.approx(1.2, abs=0.02)


def test_gini_of_equals_is_zero_and_of_one_owner_close_to_one() -> None:
    assert gini(np.full(10, 7.0)) == pytest.approx(0.0)
    assert gini(np.array([0.0] * 99 + [1.0])) == pytest.approx(0.99)


def test_gini_of_a_pareto_distribution_matches_the_closed_form() -> None:
    # Gini = 1 / (2 alpha - 1) for exponent alpha.
    rank = (np.arange(200_000) + 0.5) / 200_000
    assert gini(rank ** (-1.0 / 2.5)) == pytest.approx(1.0 / 4.0, abs=0.002)


def test_a_missed_target_is_reported_as_missed(book: Book) -> None:
    wrong = dataclasses.replace(book.targets, open_interest=2 * book.targets.open_interest)
    rows = calibration(dataclasses.replace(book, targets=wrong))
    missed = {row.target for row in rows if not row.is_reached}
    assert {"open interest", "open interest BTC", "default fund"} <= missed
    assert "MISSED" in calibration_table(rows)


def test_every_row_is_printed_with_what_was_wanted_and_reached(book: Book) -> None:
    rows = calibration(book)
    table = calibration_table(rows)
    assert len(table.splitlines()) == len(rows) + 2
    assert all(row.target in table for row in rows)
    assert "MISSED" not in table


def test_a_floor_is_reached_by_more_than_wanted() -> None:
    row = CalibrationRow(target="x", wanted=1.0, reached=5.0, unit="times", is_floor=True)
    assert row.is_reached
    assert not dataclasses.replace(row, reached=0.9).is_reached
    assert not dataclasses.replace(row, is_floor=False).is_reached
    assert dataclasses.replace(row, wanted=None).is_reached


def test_a_row_reads_as_text_with_what_was_only_reported() -> None:
    row = CalibrationRow(target="size", wanted=None, reached=1234.5678, unit="lots")

    assert row.shown() == {
        "target": "size",
        "wanted": "reported",
        "reached": "1,235",
        "unit": "lots",
    }
