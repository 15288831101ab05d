from __future__ import annotations

from novate.app.report.load import Run
from novate.app.report.section import ROWS_MAX, sections


def test_sections_come_in_reading_order_with_their_own_anchor(loss_run: Run) -> None:
    assert [part.key for part in sections(loss_run)] == [
        "prices",
        "solvency",
        "calls",
        "waterfall",
        "concentration",
        "ccp",
        "story",
        "calibration",
        "inputs",
        "verification",
        "reproduce",
    ]


def test_no_two_charts_share_a_key(loss_run: Run) -> None:
    keys = [chart.key for part in sections(loss_run) for chart in part.charts]

    assert len(keys) == len(set(keys))


def test_every_drawn_chart_has_a_place_in_its_section(loss_run: Run) -> None:
    for part in sections(loss_run):
        markup = part.markup()
        for chart in part.charts:
            assert (f'data-chart="{chart.key}"' in markup) == (chart.data is not None)


def test_a_long_table_says_how_much_it_shows_and_where_the_rest_is(loss_run: Run) -> None:
    page = sections(loss_run)[0].markup()

    assert f"Largest liquidations: {ROWS_MAX} of 420" in page
    assert "Every row is in liquidations.parquet" in page


def test_a_quiet_day_renders_with_none_where_there_is_none(quiet_run: Run) -> None:
    pages = {part.key: part.markup() for part in sections(quiet_run)}

    assert "No margin call was made" in pages["calls"]
    assert "The waterfall was not used" in pages["waterfall"]
    assert "No liquidations" in pages["prices"]
