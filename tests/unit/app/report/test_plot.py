from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from novate.app.report.load import Run
from novate.app.report.plot import (
    call_chart,
    clock,
    flow_chart,
    focus_window,
    instruments_by_liquidation,
    period,
    price_charts,
    rows_of,
)


def test_a_price_chart_states_the_fall_and_marks_every_liquidation(loss_run: Run) -> None:
    charts = price_charts(loss_run)
    drawn = [chart.data["marks"]["t"] for chart in charts if chart.data]

    assert len(charts) == 3
    assert all("mark fell" in chart.title for chart in charts)
    assert sum(len(marks) for marks in drawn) == len(loss_run.table("liquidations"))


def test_the_instrument_with_most_liquidations_comes_first(loss_run: Run) -> None:
    names = instruments_by_liquidation(loss_run)
    table = loss_run.table("liquidations")
    sums = [rows_of(table, "instrument", name).floats("notional").sum() for name in names]

    assert sums == sorted(sums, reverse=True)


def test_the_window_holds_every_liquidation_and_lies_in_the_period(loss_run: Run) -> None:
    window, whole = focus_window(loss_run), period(loss_run)
    struck = loss_run.table("liquidations").integers("instant_ns")

    assert window is not None
    assert whole[0] <= window[0] <= struck.min()
    assert struck.max() <= window[1] <= whole[1]


def test_calls_are_grouped_by_how_they_ended(loss_run: Run) -> None:
    chart = call_chart(loss_run)

    assert chart.data is not None
    groups = chart.data["groups"]
    assert sum(len(group["t"]) for group in groups) == len(loss_run.table("calls"))
    assert len({group["symbol"] for group in groups}) == len(groups)
    assert chart.title == "230 of 310 calls met"


def test_a_quiet_day_says_that_nothing_was_called_or_paid(quiet_run: Run) -> None:
    assert call_chart(quiet_run).title == "No margin call was made"
    assert flow_chart(quiet_run).data is None
    assert "no flow to draw" in flow_chart(quiet_run).figure()
    assert focus_window(quiet_run) is None


def test_the_flow_names_the_layer_that_paid_most(loss_run: Run) -> None:
    assert "defaulters\u2019 collateral paid" in flow_chart(loss_run).title


def test_a_clock_reads_in_utc() -> None:
    assert clock(1_760_131_764_000_000_000) == "21:29:24"


def test_a_small_liquidation_long_before_the_crash_does_not_widen_the_window(
    loss_run: Run,
) -> None:
    hits = loss_run.table("liquidations")
    instants = hits.integers("instant_ns").copy()
    sizes = hits.floats("notional").copy()
    before = focus_window(loss_run)
    instants[0], sizes[0] = period(loss_run)[0], 1.0
    data = hits.data.set_column(0, "instant_ns", pa.array(instants))
    data = data.set_column(data.column_names.index("notional"), "notional", pa.array(sizes))
    early = replace(loss_run, tables=loss_run.tables | {"liquidations": replace(hits, data=data)})
    after = focus_window(early)

    assert before is not None
    assert after is not None
    assert after[0] > period(loss_run)[0]
