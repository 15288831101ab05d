"""The option market of a generated day through the engine, as the report's tables have it."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from novate.app.replay.option_market import moments_of, option_market, option_tables
from novate.app.replay.write import SCHEMAS
from novate.kernel.codes import InstrumentStatus
from novate.simulation.crash_day import CrashDay
from tests.unit.app.replay.option_run import finished, ready


@cache
def tables() -> dict[str, list[dict[str, Any]]]:
    options, watch = ready().options, finished().options
    assert options is not None
    assert watch is not None
    inputs = ready().inputs
    assert isinstance(inputs.prices, CrashDay)
    return option_tables(options, watch, inputs.prices, inputs.seed)


def test_every_table_has_the_columns_of_its_schema() -> None:
    found = tables()

    assert set(found) == {name for name in SCHEMAS if name.startswith("option_")}
    for name, rows in found.items():
        assert rows, name
        assert all(set(row) == set(SCHEMAS[name]) for row in rows), name


def test_the_opening_is_accepted_whole_and_leaves_the_book_in_the_engine() -> None:
    options, done = ready().options, finished()
    assert options is not None
    assert done.options is not None
    moment = done.options.moments[moments_of(options)[0]]
    held = np.zeros((int(moment.positions.account.max()) + 1, len(options.book.contracts)))
    np.add.at(
        held, (moment.positions.account, moment.positions.contract), moment.positions.quantity
    )
    rows = options.book.account + options.first_account
    np.subtract.at(held, (rows, options.book.contract), options.book.lots)

    assert not held.any()
    assert not [key for key in done.run.observer.refusals if key[0] == "SubmitTrade"]


def test_options_settle_inside_the_day_and_nothing_is_left_of_them() -> None:
    options, x = ready().options, finished().engine.state
    assert options is not None
    first = options.first_instrument + np.flatnonzero(options.book.contracts.expiry == 0)
    held = np.isin(x.positions.used("instrument"), first)

    assert (x.instruments.status[first] == InstrumentStatus.EXPIRED).all()
    assert not x.positions.used("lots")[held].any()


def test_options_are_liquidated_at_the_dealers_prices() -> None:
    fills = [
        row for row in finished().run.observer.tables["liquidations"] if "-" in row["instrument"]
    ]

    assert len(fills) > 10
    assert all(row["notional"] > 0.0 and row["price"] > 0.0 for row in fills)


def test_the_calibration_says_what_was_wanted_and_reached() -> None:
    rows = {row["target"]: row for row in ready().calibration}

    assert rows["options: open interest over perpetuals"]["wanted"] == "0.35"
    assert rows["options: sum of lots, all contracts"]["reached"] == "0"


def test_a_venue_without_a_rule_for_shorts_lists_no_options() -> None:
    day, prices = ready(), ready().inputs.prices
    assert isinstance(prices, CrashDay)
    parameters = {**day.venue.parameters, "options": {"margin_rule": ""}}
    venue = replace(day.venue, parameters=parameters)

    assert option_market(venue, day.feed, day.book, prices) is None


def test_a_book_that_was_not_generated_has_no_options() -> None:
    day, prices = ready(), ready().inputs.prices
    assert isinstance(prices, CrashDay)

    assert option_market(day.venue, day.feed, replace(day.book, generated=None), prices) is None


def test_realised_volatility_is_that_of_the_bars_before_the_instant() -> None:
    options = ready().options
    assert options is not None
    day = ready().inputs.prices
    assert isinstance(day, CrashDay)
    row = next(
        row
        for row in tables()["option_realised"]
        if (row["underlying"], row["estimator"], row["minutes"]) == ("ETH", "close_to_close", 60)
    )
    at = int(np.searchsorted(options.paths[0].instant_ns, row["instant_ns"]))
    close = day.prices.grid("close_e8")[at - 61 : at, day.prices.symbols.index("ETH")] / 1e8
    moves = np.diff(np.log(close))

    assert row["realised"] == pytest.approx(math.sqrt(np.mean(moves**2) * 365 * 1440), rel=1e-9)
    assert row["realised"] > 2.0  # the hour before the trough
    assert 0.5 < row["implied_next"] < row["implied_nearest"] < 3.0
