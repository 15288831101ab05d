from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest

from novate.app.report.course import (
    ccp_balances,
    ccp_charts,
    concentration_charts,
    solvency_charts,
)
from novate.app.report.load import Run
from novate.app.report.series import POINTS_MAX


def without(run: Run, name: str) -> Run:
    """The run with one table emptied."""
    table = run.table(name)
    return replace(run, tables=run.tables | {name: replace(table, data=table.data.slice(0, 0))})


def test_solvency_titles_state_what_the_columns_hold(loss_run: Run) -> None:
    titles = [chart.title for chart in solvency_charts(loss_run)]

    assert titles[0] == (
        "At worst 78 accounts below initial margin by 18.2\u00a0m, "
        "52 accounts below maintenance margin by 13\u00a0m USDT"
    )
    assert titles[1] == "Insurance fund went from 42\u00a0m to 28.2\u00a0m, lowest 27.3\u00a0m"
    assert "accounts below zero" in titles[2]


def test_a_quiet_day_has_no_account_below_zero(quiet_run: Run) -> None:
    titles = [chart.title for chart in solvency_charts(quiet_run)]

    assert "No account was left below zero at the end of a bar" in titles
    assert "Insurance fund did not move from 42,000,000" in titles


def test_no_line_has_more_points_than_a_screen_can_show(loss_run: Run) -> None:
    charts = solvency_charts(loss_run) + concentration_charts(loss_run) + ccp_charts(loss_run)
    lengths = [len(chart.data["t"]) for chart in charts if chart.data and "t" in chart.data]

    assert max(lengths) <= POINTS_MAX


def test_concentration_has_three_measures_and_the_account_sizes(loss_run: Run) -> None:
    keys = [chart.key for chart in concentration_charts(loss_run)]

    assert keys == ["concentration-top1", "concentration-top5", "concentration-hhi", "sizes"]


def test_every_account_of_the_clearing_house_ends_at_its_balance(loss_run: Run) -> None:
    _, columns = ccp_balances(loss_run)

    assert len(ccp_charts(loss_run)) == len(columns) == 6
    after = float(loss_run.summary.result.fund_after)
    assert columns["insurance_fund"][-1] == pytest.approx(after)


def test_empty_tables_are_said_to_be_empty(loss_run: Run) -> None:
    assert solvency_charts(without(loss_run, "solvency"))[0].data is None
    sizes = concentration_charts(without(loss_run, "accounts"))[-1]
    shares = concentration_charts(without(loss_run, "concentration"))[0]
    assert sizes.title == "No account had equity at the start"
    assert shares.title == "Largest account: nothing was sampled"
    assert ccp_charts(without(loss_run, "ccp")) == []


def test_a_measure_that_was_never_known_is_not_drawn(loss_run: Run) -> None:
    table = loss_run.table("concentration")
    data = table.data.set_column(2, "top1", pa.nulls(len(table), pa.float64()))
    run = replace(loss_run, tables=loss_run.tables | {"concentration": replace(table, data=data)})

    assert concentration_charts(run)[0].title == "Largest account: nothing was sampled"
