from __future__ import annotations

import dataclasses

import numpy as np
import pyarrow as pa
import pytest

from novate.app.replay.write import SCHEMAS
from novate.app.report.column import OPTION_COLUMNS
from novate.app.report.load import Run, Table
from novate.app.report.option import (
    Curve,
    curve_chart,
    gamma_charts,
    has_options,
    only,
    option_body,
    pnl_table,
    sentence_of,
    smile_charts,
)
from novate.app.report.section import sections
from tests.unit.app.replay.test_option_market import tables


@pytest.fixture(scope="module")
def option_run(loss_run: Run) -> Run:
    made = {
        name: Table(
            name=name,
            data=pa.table(
                {
                    column: pa.array([row[column] for row in rows], kind)
                    for column, kind in SCHEMAS[name].items()
                }
            ),
        )
        for name, rows in tables().items()
    }
    return dataclasses.replace(loss_run, tables={**loss_run.tables, **made})


def test_a_run_without_options_has_no_section_of_them(loss_run: Run, option_run: Run) -> None:
    assert not has_options(loss_run)
    assert "options" not in [part.key for part in sections(loss_run)]
    assert "options" in [part.key for part in sections(option_run)]


def test_the_schema_holds_every_column_that_the_report_reads() -> None:
    for name, wanted in OPTION_COLUMNS.items():
        assert set(wanted) <= set(SCHEMAS[name])


def test_one_plain_sentence_says_what_each_kind_of_holder_made(option_run: Run) -> None:
    text = sentence_of(option_run)

    assert text.startswith("Over the day covered-call writers ")
    assert text.endswith(" on their options.")
    assert "market makers" in text


def test_a_smile_chart_has_a_line_and_two_sides_for_each_expiry(option_run: Run) -> None:
    chart = smile_charts(option_run)[0]

    assert chart.data is not None
    forms = [line["form"] for line in chart.data["lines"]]
    assert forms == ["line", "points", "points"] * 3
    assert chart.title.startswith("BTC at the open: ")


def test_the_gamma_chart_names_spot_and_the_level_of_zero(option_run: Run) -> None:
    chart = gamma_charts(option_run)[0]

    assert chart.data is not None
    names = [line["name"].split()[0] for line in chart.data["lines"]]
    assert names == ["Gamma", "Spot", "Zero"]
    assert "short gamma" in chart.title


def test_the_profit_table_ends_in_the_profit(option_run: Run) -> None:
    text = pnl_table(option_run)

    assert "<tfoot>" in text
    assert "Residual" in text


def test_no_two_charts_of_the_section_share_a_key(option_run: Run) -> None:
    _, charts = option_body(option_run)
    keys = [chart.key for chart in charts]

    assert len(keys) == len(set(keys)) == 4 + 1 + 4 + 1


def test_rows_are_chosen_by_every_named_column(option_run: Run) -> None:
    data = option_run.table("option_gamma")
    at = int(data.integers("instant_ns")[0])
    part = only(data, underlying="ETH", instant_ns=at)

    assert set(part.texts("underlying")) == {"ETH"}
    assert set(part.integers("instant_ns").tolist()) == {at}


def test_a_curve_keeps_gaps_as_nothing() -> None:
    data = curve_chart(
        [Curve(name="a", x=np.array([1.0, 2.0]), y=np.array([np.nan, 3.0]), tone="blue")], "x", "y"
    )

    assert data["lines"][0]["y"] == [None, 3]
