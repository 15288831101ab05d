from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from novate.insight.smile_figure import quote_rows, slice_rows
from novate.market.volatility import Surface, fit_surface
from novate.simulation.options.chain import quote_chain
from novate.simulation.options.quote import option_quotes
from tests.unit.simulation.option_scene import paths, scene


@cache
def rows() -> dict[str, list[dict[str, Any]]]:
    """Figures of both underlyings at two instants."""
    found: dict[str, list[dict[str, Any]]] = {"quotes": [], "slices": []}
    for at in (0, 700):
        shown = option_quotes(scene().book, paths(), at, 1)
        for number in range(len(paths())):
            chain = quote_chain(scene().book, paths(), shown, number)
            surface = fit_surface(chain)
            assert isinstance(surface, Surface)
            found["quotes"] += quote_rows(chain, surface)
            found["slices"] += slice_rows(chain, surface)
    return found


def test_most_quotes_hold_the_fitted_smile_between_bid_and_ask() -> None:
    quotes = rows()["quotes"]
    inside = [row["bid_vol"] <= row["fit_vol"] <= row["ask_vol"] for row in quotes]

    assert len(quotes) > 50
    assert sum(inside) > 0.9 * len(inside)
    assert all(row["bid_vol"] < row["ask_vol"] for row in quotes)


def test_the_fit_is_near_the_surface_that_made_the_quotes() -> None:
    for row in rows()["slices"]:
        if row["quotes"] < 6:
            continue
        path = next(path for path in paths() if path.terms.symbol == row["underlying"])
        at = path.instant_ns.tolist().index(row["instant_ns"])
        expiry = path.expiry_ns.tolist().index(row["expiry_ns"])
        true = path.volatility(at, np.array([expiry]), np.array([row["forward"]]))[0]
        assert row["atm_vol"] == pytest.approx(true, rel=0.05)


def test_each_live_expiry_has_a_slice_without_arbitrage() -> None:
    slices = rows()["slices"]

    assert len(slices) == 2 * 2 * 3
    assert all(row["least_density"] >= 0.0 for row in slices)
    assert all(not row["calendar_gap"] < 0.0 for row in slices)


def test_the_quality_of_a_slice_counts_its_quotes() -> None:
    slices, quotes = rows()["slices"], rows()["quotes"]

    assert sum(row["quotes"] for row in slices) == len(quotes)
    assert all(row["quotes"] + row["rejected"] == 18 for row in slices)
