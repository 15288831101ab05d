from __future__ import annotations

import json

import numpy as np

from novate.app.report.chart import Chart, Line, focus_of, numbers, offsets, time_chart
from novate.app.report.series import POINTS_MAX

MINUTE = 60_000_000_000


def test_values_for_json_have_nine_digits_and_no_nan() -> None:
    values = numbers(np.array([1.0, np.nan, np.inf, 0.1 + 0.2, 123456.7890123]))

    assert values == [1, None, None, 0.3, 123456.789]
    json.dumps(values, allow_nan=False)


def test_instants_are_milliseconds_since_the_origin() -> None:
    instants = np.array([5_000_000, 7_500_000], dtype=np.int64)

    assert offsets(instants, 5_000_000) == [0, 2]


def test_a_long_line_is_thinned_and_keeps_its_trough() -> None:
    values = np.full(30_000, 100.0)
    values[17_777] = 1.0
    instants = np.arange(30_000, dtype=np.int64) * MINUTE
    line = Line(name="Mark", values=values, tone="blue")
    data = time_chart(instants, [line], "USDT", focus=None)

    assert len(data["t"]) <= POINTS_MAX
    assert min(data["lines"][0]["values"]) == 1


def test_a_chart_of_nothing_draws_nothing() -> None:
    data = time_chart(
        np.array([], dtype=np.int64),
        [Line(name="x", values=np.array([]), tone="blue")],
        "",
        focus=None,
    )

    assert data["t"] == []


def test_the_focus_surrounds_what_happened() -> None:
    struck = np.array([600, 660, 720], dtype=np.int64) * MINUTE
    window = focus_of(struck, (0, 1440 * MINUTE))

    assert window == (570 * MINUTE, 780 * MINUTE)


def test_there_is_no_focus_without_events_or_when_they_fill_the_period() -> None:
    assert focus_of(np.array([], dtype=np.int64), (0, 1440 * MINUTE)) is None
    assert focus_of(np.array([0, 1000 * MINUTE], dtype=np.int64), (0, 1440 * MINUTE)) is None


def test_a_figure_says_its_finding_without_a_script() -> None:
    drawn = Chart(key="k", title="Fell 10 %", note="At noon.", data={"kind": "time"}).figure()
    empty = Chart(key="k", title="Not used", note="", data=None, empty="No loss.").figure()

    assert "Fell 10 %" in drawn
    assert 'data-chart="k"' in drawn
    assert 'aria-label="Fell 10 %. At noon."' in drawn
    assert "No loss." in empty
    assert "data-chart" not in empty
