from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from novate.app.replay.option_smile import quote_chain, smile_rows
from novate.simulation.options.quote import option_quotes
from tests.unit.simulation.option_scene import paths, scene


@cache
def rows() -> dict[str, list[dict[str, Any]]]:
    return smile_rows(scene().book, paths(), (0, 700), 1)


def test_most_quotes_hold_the_fitted_smile_between_bid_and_ask() -> None:
    quotes = rows()["option_quotes"]
    inside = [row["bid_vol"] <= row["fit_vol"] <= row["ask_vol"] for row in quotes]

    assert len(quotes) > 50
    assert sum(inside) > 0.9 * len(inside)
    assert all(row["bid_vol"] < row["ask_vol"] for row in quotes)


def test_the_fit_is_near_the_surface_that_made_the_quotes() -> None:
    for row in rows()["option_slices"]:
        if row["quotes"] < 6:
            continue
        path = next(path for path in paths() if path.terms.symbol == row["underlying"])
        at = path.instant_ns.tolist().index(row["instant_ns"])
        expiry = path.expiry_ns.tolist().index(row["expiry_ns"])
        true = path.volatility(at, np.array([expiry]), np.array([row["forward"]]))[0]
        assert row["atm_vol"] == pytest.approx(true, rel=0.05)


def test_each_live_expiry_has_a_slice_without_arbitrage() -> None:
    slices = rows()["option_slices"]

    assert len(slices) == 2 * 2 * 3
    assert all(row["least_density"] >= 0.0 for row in slices)
    assert all(not row["calendar_gap"] < 0.0 for row in slices)


def test_the_chain_holds_every_live_option_that_settles_in_the_numeraire() -> None:
    shown = option_quotes(scene().book, paths(), 0, 1)
    chain = quote_chain(scene().book, paths(), shown, 1)

    assert len(chain) == 3 * 9 * 2
    assert chain.underlying == "ETH"
    assert chain.spot == paths()[1].spot_e8[0] / 1e8


def test_the_quality_of_a_slice_counts_its_quotes() -> None:
    slices, quotes = rows()["option_slices"], rows()["option_quotes"]

    assert sum(row["quotes"] for row in slices) == len(quotes)
    assert all(row["quotes"] + row["rejected"] == 18 for row in slices)
