"""The form of a chart: what the page's script gets to draw, and the words around it.

Every chart has a title that states what it found, a unit on each axis, and a note in plain text,
so that a reader without JavaScript, or without eyes, gets the finding too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from novate.app.report.load import F64, I64
from novate.app.report.markup import Html, element, join
from novate.app.report.series import POINTS_MAX, keep_extremes

MILLISECOND_NS = 1_000_000
SIGNIFICANT_DIGITS = 9
FOCUS_SPAN_NS_MIN = 600 * 1_000_000_000

Focus = tuple[int, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a time chart.

    Parameters
    ----------
    name
        In the legend.
    values
        One for each instant of the chart; NaN leaves a gap.
    tone
        Colour name of the page's palette.
    dash
        `solid`, `dashed` or `dotted`: the second way to tell lines apart.
    is_step
        Whether a value holds until the next.
    is_area
        Whether the space below is filled.
    stack
        Lines of one stack are added up.
    is_right
        Whether the line belongs to the right axis.
    """

    name: str
    values: F64
    tone: str
    dash: str = "solid"
    is_step: bool = False
    is_area: bool = False
    stack: str | None = None
    is_right: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One chart and its words; `data` is JSON for the script and None draws nothing."""

    key: str
    title: str
    note: str
    data: dict[str, Any] | None
    size: str = "normal"
    empty: str = "none"

    def figure(self) -> Html:
        """Return the chart's place in the page, its words in plain HTML."""
        heading = element("h3", self.title, id=f"title-{self.key}")
        note = element("p", self.note, class_="note") if self.note else Html("")
        if self.data is None:
            return element(
                "figure", heading, element("p", self.empty, class_="none"), class_=self.size
            )
        drawing = element(
            "div",
            class_=f"chart chart-{self.size}",
            data_chart=self.key,
            role="img",
            aria_label=f"{self.title}. {self.note}",
        )
        return element("figure", join([heading, note, drawing]), class_=self.size)


def focus_of(instants: I64, period: tuple[int, int]) -> Focus:
    """Return the window around what happened: a quarter more before, half more after.

    Parameters
    ----------
    instants
        When things happened, nanoseconds since 1970, in any order.
    period
        First and last instant of everything, in the same unit.

    Returns
    -------
    First and last instant; None when nothing happened or when it took most of the period.
    """
    if len(instants) == 0:
        return None
    first, last = int(instants.min()), int(instants.max())
    span = max(last - first, FOCUS_SPAN_NS_MIN)
    start, end = max(period[0], first - span // 4), min(period[1], last + span // 2)
    return None if end - start > 0.7 * (period[1] - period[0]) else (start, end)


def _rows_within(instants: I64, window: tuple[int, int]) -> tuple[int, int]:
    start = int(np.searchsorted(instants, window[0], side="left"))
    return start, int(np.searchsorted(instants, window[1], side="right"))


def numbers(values: F64) -> list[float | int | None]:
    """Return values for JSON: nine significant digits, NaN and infinities as null."""
    result: list[float | int | None] = []
    for value in values.tolist():
        if not math.isfinite(value):
            result.append(None)
            continue
        short = float(f"{value:.{SIGNIFICANT_DIGITS}g}")
        result.append(int(short) if short.is_integer() else short)
    return result


def offsets(instants: I64, origin_ns: int) -> list[int]:
    """Return instants as milliseconds since the origin."""
    result: list[int] = ((instants - origin_ns) // MILLISECOND_NS).tolist()
    return result


def time_chart(
    instants: I64,
    lines: list[Line],
    unit: str,
    *,
    focus: Focus,
    right_unit: str = "",
    form: str = "amount",
) -> dict[str, Any]:
    """Return the data of a time chart, thinned so that every line keeps its extremes.

    Parameters
    ----------
    instants
        Ascending, nanoseconds since 1970.
    lines
        Each with one value for each instant.
    focus
        The window in which the points are densest.
    unit, right_unit
        Of the axes.
    form
        How values read: `amount`, `percent` (of a fraction) or `index`.
    """
    part = None if focus is None else _rows_within(instants, focus)
    rows = keep_extremes([line.values for line in lines], POINTS_MAX, part)
    origin = int(instants[rows[0]]) if len(rows) else 0
    return {
        "kind": "time",
        "unit": unit,
        "right_unit": right_unit,
        "form": form,
        "origin_ms": origin // MILLISECOND_NS,
        "t": offsets(instants[rows], origin),
        "lines": [
            {
                "name": line.name,
                "tone": line.tone,
                "dash": line.dash,
                "step": line.is_step,
                "area": line.is_area,
                "stack": line.stack,
                "right": line.is_right,
                "values": numbers(line.values[rows]),
            }
            for line in lines
        ],
    }
