"""The option market of a generated day through the engine, as the report's tables have it."""

from __future__ import annotations

import math
from collections import defaultdict
from functools import cache
from typing import Any

import numpy as np
import pytest

from novate.app.replay.option import moments_of, option_tables, option_venue
from novate.app.replay.write import SCHEMAS
from novate.kernel.codes import InstrumentStatus
from novate.simulation.crash_day import crash_day
from novate.simulation.options.terms import TRADER_NAMES
from tests.unit.app.replay.option_run import START_NS, finished, job, ready


@cache
def tables() -> dict[str, list[dict[str, Any]]]:
    options, watch = ready().options, finished().options
    assert options is not None
    assert watch is not None
    seed = job().parameters["run"]["seed"]
    return option_tables(options, watch, crash_day(seed, START_NS), seed)


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
    assert not [key for key in done.observer.refusals if key[0] == "SubmitTrade"]


def test_options_settle_inside_the_day_and_nothing_is_left_of_them() -> None:
    options, x = ready().options, finished().engine.state
    assert options is not None
    first = options.first_instrument + np.flatnonzero(options.book.contracts.expiry == 0)
    held = np.isin(x.positions.used("instrument"), first)

    assert (x.instruments.status[first] == InstrumentStatus.EXPIRED).all()
    assert not x.positions.used("lots")[held].any()


def test_options_are_liquidated_at_the_dealers_prices() -> None:
    fills = [row for row in finished().observer.tables["liquidations"] if "-" in row["instrument"]]

    assert len(fills) > 10
    assert all(row["notional"] > 0.0 and row["price"] > 0.0 for row in fills)


def test_greeks_of_all_holders_add_up_to_nothing() -> None:
    total: dict[str, float] = defaultdict(float)
    size: dict[str, float] = defaultdict(float)
    for row in tables()["option_risk"]:
        for name in ("value", "cash_delta", "cash_gamma", "vega", "theta"):
            total[name] += row[name]
            size[name] += abs(row[name])

    assert all(abs(total[name]) < 1e-9 * size[name] for name in total)


def test_the_zero_gamma_level_lies_where_gamma_changes_its_sign() -> None:
    rows = [row for row in tables()["option_gamma"] if row["underlying"] == "BTC"]
    opening = [row for row in rows if row["instant_ns"] == rows[0]["instant_ns"]]
    spot, gamma = (np.array([row[name] for row in opening]) for name in ("spot", "gamma"))
    level = opening[0]["zero_gamma"]
    around = np.searchsorted(spot, level)

    assert gamma[around - 1] * gamma[around] < 0.0


def test_profit_accumulates_and_adds_up() -> None:
    for row in tables()["option_pnl"]:
        parts = sum(
            value for name, value in row.items() if name not in {"instant_ns", "holder", "actual"}
        )
        assert parts == pytest.approx(row["actual"], abs=1e-3)
    assert {row["holder"] for row in tables()["option_pnl"]} == {
        *TRADER_NAMES.values(), "Everybody else",
    }  # fmt: skip


def test_the_calibration_says_what_was_wanted_and_reached() -> None:
    rows = {row["target"]: row for row in ready().book.calibration}

    assert rows["options: open interest over perpetuals"]["wanted"] == "0.35"
    assert rows["options: sum of lots, all contracts"]["reached"] == "0"


def test_a_venue_without_a_rule_for_shorts_lists_no_options() -> None:
    prepared = ready()
    without = {**prepared.venue.parameters, "options": {"margin_rule": ""}}
    venue = type(prepared.venue)(
        without, list(prepared.venue.assets), list(prepared.venue.decimals)
    )
    venue.contracts = list(prepared.venue.contracts)
    generated = prepared.book.generated
    assert generated is not None

    assert option_venue(venue, None, generated, prepared.feed, 0) is None  # type: ignore[arg-type]


def test_realised_volatility_is_that_of_the_bars_before_the_instant() -> None:
    options = ready().options
    assert options is not None
    day = crash_day(job().parameters["run"]["seed"], START_NS)
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
