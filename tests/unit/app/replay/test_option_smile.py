from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from novate.app.replay.option_smile import smile_rows
from tests.unit.stress.option_scene import paths, scene


@cache
def rows() -> dict[str, list[dict[str, Any]]]:
    return smile_rows(scene().book, paths(), (0, 700), 1)


def test_quotes_are_out_of_the_money_and_their_volatilities_hold_the_smile() -> None:
    quotes = rows()["option_quotes"]
    inside = [row["bid_vol"] <= row["fit_vol"] <= row["ask_vol"] for row in quotes]

    assert len(quotes) > 50
    assert all(inside)
    assert all(row["bid_vol"] < row["ask_vol"] for row in quotes)


def test_each_live_expiry_has_a_slice_without_arbitrage() -> None:
    slices = rows()["option_slices"]

    assert len(slices) == 2 * 2 * 3
    assert all(row["least_density"] > 0.0 for row in slices)
    assert all(not row["calendar_gap"] <= 0.0 for row in slices)


def test_the_quality_of_a_slice_counts_its_quotes() -> None:
    slices, quotes = rows()["option_slices"], rows()["option_quotes"]

    assert sum(row["quotes"] for row in slices) == len(quotes)
    for row in slices:
        mine = [
            q
            for q in quotes
            if all(q[key] == row[key] for key in ("instant_ns", "underlying", "expiry_ns"))
        ]
        squares = [(q["fit_vol"] - 0.5 * (q["bid_vol"] + q["ask_vol"])) ** 2 for q in mine]
        if squares:
            assert row["rms_vol"] == pytest.approx((sum(squares) / len(squares)) ** 0.5)
