"""Realised volatility beside implied, in the report."""

from __future__ import annotations

from novate.app.report.load import Run
from novate.app.report.markup import Column, Content, Html, element, table
from novate.app.report.plot import clock
from novate.app.report.wording import percent

ESTIMATORS = (
    ("close_to_close", "Close to close"),
    ("parkinson", "Parkinson"),
    ("garman_klass", "Garman\u2013Klass"),
    ("rogers_satchell", "Rogers\u2013Satchell"),
    ("yang_zhang", "Yang\u2013Zhang"),
    ("ewma", "EWMA"),
)
NOTE = (
    "Per year, from one-minute bars of the perpetual\u2019s last price over the window that ends "
    "at the instant; estimators with high and low see the wicks. Implied is at the money, of the "
    "nearest two expiries, as the venue reported it."
)


def realised_table(run: Run) -> Html:
    """Return each estimator beside the implied volatility of the nearest expiries."""
    data = run.table("option_realised")
    columns = [
        Column(heading="Instant, UTC", class_="when"),
        Column(heading="Underlying"),
        Column(heading="Window", class_="when"),
        *(Column(heading=name, is_number=True) for _, name in ESTIMATORS),
        Column(heading="Implied, nearest", is_number=True),
        Column(heading="Implied, next", is_number=True),
    ]
    groups: dict[tuple[int, str, int], dict[str, float]] = {}
    keys = zip(
        data.integers("instant_ns").tolist(),
        data.texts("underlying"),
        data.integers("minutes").tolist(),
        strict=True,
    )
    for k, key in enumerate(keys):
        held = groups.setdefault(key, {})
        held[data.texts("estimator")[k]] = float(data.floats("realised")[k])
        held["nearest"] = float(data.floats("implied_nearest")[k])
        held["next"] = float(data.floats("implied_next")[k])
    rows: list[list[Content]] = [
        [
            clock(at)[:5],
            coin,
            f"{minutes} minutes",
            *(percent(held[name], 0) for name, _ in (*ESTIMATORS, ("nearest", ""), ("next", ""))),
        ]
        for (at, coin, minutes), held in groups.items()
    ]
    made = table(columns, rows, caption="Realised beside implied volatility", class_="tight")
    return element(
        "figure", element("h3", "Realised beside implied volatility"),
        element("p", NOTE, class_="note"), made,
    )  # fmt: skip
