"""The sections below the first screen, in reading order: charts with their tables, evidence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from novate.app.report import evidence
from novate.app.report.call import explanation
from novate.app.report.chart import Chart
from novate.app.report.course import (
    CCP_ACCOUNTS_MAX,
    ccp_balances,
    ccp_charts,
    concentration_charts,
    solvency_charts,
)
from novate.app.report.load import Run, Table
from novate.app.report.markup import Column, Content, Html, element, join, table
from novate.app.report.option import has_options, option_body
from novate.app.report.plot import INSTRUMENTS_MAX, call_chart, flow_chart, price_charts
from novate.app.report.series import keep_largest
from novate.app.report.wording import (
    count,
    counted,
    instant,
    money,
    signed,
    words,
)

ROWS_MAX = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One section of the page: its anchor, its heading and short name, its markup, its charts."""

    key: str
    heading: str
    name: str
    body: Html
    charts: tuple[Chart, ...] = ()

    def markup(self) -> Html:
        """Return the section as HTML."""
        return element("section", element("h2", self.heading), self.body, id=self.key)


def sections(run: Run) -> list[Section]:
    """Return every section below the first screen, in reading order."""
    return [
        _prices(run),
        _solvency(run),
        _calls(run),
        _waterfall(run),
        _concentration(run),
        _ccp(run),
        *_options(run),
        Section(
            key="story",
            heading="One account\u2019s story",
            name="One account",
            body=evidence.story(run),
        ),
        Section(
            key="calibration",
            heading="Calibration",
            name="Calibration",
            body=evidence.calibration(run),
        ),
        Section(key="inputs", heading="Inputs", name="Inputs", body=evidence.inputs(run)),
        Section(
            key="verification",
            heading="Verification",
            name="Verification",
            body=evidence.verification(run),
        ),
        Section(
            key="reproduce",
            heading="How to reproduce",
            name="Reproduce",
            body=evidence.reproduce(run),
        ),
    ]


def _figures(charts: list[Chart], class_: str) -> Html:
    return element("div", *(chart.figure() for chart in charts), class_=class_)


def _prices(run: Run) -> Section:
    charts = price_charts(run)
    more = len(run.summary.instruments) - INSTRUMENTS_MAX
    note = f"{counted(more, 'further instrument')} not drawn." if more > 0 else ""
    figures = [chart.figure() for chart in charts]
    body = join(
        [
            element("div", *figures, _largest_liquidations(run), class_="grid two"),
            element("p", note, class_="note") if note else Html(""),
        ]
    )
    heading = "Price path and liquidations"
    return Section(key="prices", heading=heading, name="Prices", body=body, charts=tuple(charts))


def _largest_liquidations(run: Run) -> Html:
    data, names, unit = run.table("liquidations"), run.references(), run.summary.numeraire
    part, heading = _largest(data, "notional", "Largest liquidations", "liquidation")
    columns = [
        Column(heading="Instant, UTC", class_="when"),
        Column(heading="Account", class_="when"),
        Column(heading="Instrument"),
        Column(heading="Lots", is_number=True),
        Column(heading="Price", is_number=True),
        Column(heading="Mark", is_number=True),
        Column(heading=f"Notional, {unit}", is_number=True),
        Column(heading=f"Fee, {unit}", is_number=True),
    ]
    instants, accounts = part.integers("instant_ns").tolist(), part.texts("account")
    rows: list[list[Content]] = [
        [
            _when(instants[row]),
            names.get(accounts[row], accounts[row]),
            part.texts("instrument")[row],
            count(int(part.integers("lots")[row])),
            *(
                money(float(part.floats(name)[row]))
                for name in ("price", "mark", "notional", "fee")
            ),
        ]
        for row in range(len(part))
    ]
    made = table(columns, rows, caption=heading, class_="tight sortable")
    return _figure_table(heading, data, made)


def _when(instant_ns: int) -> Content:
    """Return an instant for a narrow column, the date above the time; it sorts by both."""
    date, _, clock = instant(instant_ns if instant_ns > 0 else None).partition(" ")
    return join([element("small", date), clock]) if clock else date


def _solvency(run: Run) -> Section:
    charts = solvency_charts(run)
    body = _figures(charts, "grid two")
    return Section(
        key="solvency",
        heading="Equity and solvency",
        name="Solvency",
        body=body,
        charts=tuple(charts),
    )


def _calls(run: Run) -> Section:
    chart, data, unit = call_chart(run), run.table("calls"), run.summary.numeraire
    names = run.references()
    part, heading = _largest(data, "amount", "Largest margin calls", "margin call")
    columns = [
        Column(heading="Made, UTC", class_="when"),
        Column(heading="Account", class_="when"),
        Column(heading=f"Amount, {unit}", is_number=True),
        Column(heading=f"Paid, {unit}", is_number=True),
        Column(heading="Deadline, UTC", class_="when"),
        Column(heading="Outcome"),
        Column(heading="Resolved, UTC", class_="when"),
    ]
    accounts, statuses = part.texts("account"), part.texts("status")
    made, due, resolved = (
        part.integers(name).tolist() for name in ("instant_ns", "deadline_ns", "resolved_ns")
    )
    rows: list[list[Content]] = [
        [
            _when(made[row]),
            names.get(accounts[row], accounts[row]),
            money(float(part.floats("amount")[row])),
            money(float(part.floats("paid")[row])),
            _when(due[row]),
            words(statuses[row]),
            _when(resolved[row]),
        ]
        for row in range(len(part))
    ]
    made = table(columns, rows, caption=heading, class_="tight sortable")
    listed = _figure_table(heading, data, made) if rows else Html("")
    body = join(
        [
            element("p", explanation(run), class_="note"),
            element("div", chart.figure(), listed, class_="grid two"),
        ]
    )
    return Section(key="calls", heading="Margin calls", name="Calls", body=body, charts=(chart,))


def _waterfall(run: Run) -> Section:
    chart = flow_chart(run)
    return Section(
        key="waterfall",
        heading="Waterfall use",
        name="Waterfall",
        body=chart.figure(),
        charts=(chart,),
    )


def _concentration(run: Run) -> Section:
    charts = concentration_charts(run)
    body = _figures(charts, "grid two")
    return Section(
        key="concentration",
        heading="Concentration",
        name="Concentration",
        body=body,
        charts=tuple(charts),
    )


def _ccp(run: Run) -> Section:
    charts, unit = ccp_charts(run), run.summary.numeraire
    _, columns = ccp_balances(run)
    headings = [Column(heading="Account")] + [
        Column(heading=f"{name}, {unit}", is_number=True)
        for name in ("Start", "Lowest", "Highest", "Final", "Change")
    ]
    rows: list[list[Content]] = []
    for name, values in columns.items():
        known = values[~np.isnan(values)]
        if len(known):
            first, last = float(known[0]), float(known[-1])
            cells = (
                money(first),
                money(float(known.min())),
                money(float(known.max())),
                money(last),
            )
            rows.append([words(name), *cells, signed(last - first)])
    made = table(headings, rows, caption="Accounts of the clearing house", class_="sortable")
    signs = (
        "Signs are those of the ledger, and all accounts sum to zero: custody holds what everybody "
        "paid in, so it is negative by what the clearing house owes them; the external market is "
        "the other side of fills and of opening positions, positive where it gained from them."
    )
    more = len(columns) - CCP_ACCOUNTS_MAX
    note = f"The first {CCP_ACCOUNTS_MAX} of {len(columns)} are drawn." if more > 0 else ""
    text = f"{signs} {note}".strip()
    body = join([made, element("p", text, class_="note"), _figures(charts, "grid three")])
    heading = "Accounts of the clearing house"
    return Section(
        key="ccp", heading=heading, name="Clearing house", body=body, charts=tuple(charts)
    )


def _options(run: Run) -> list[Section]:
    if not has_options(run):
        return []
    body, charts = option_body(run)
    return [
        Section(key="options", heading="Options", name="Options", body=body, charts=tuple(charts))
    ]


def _largest(data: Table, column: str, heading: str, one: str) -> tuple[Table, str]:
    """Return the largest rows in the order of time and a heading that says which they are."""
    part = data.select(keep_largest(np.abs(data.floats(column)), ROWS_MAX))
    if len(data) <= ROWS_MAX:
        return part, f"{words(counted(len(data), one))}"
    return part, f"{heading}: {ROWS_MAX} of {count(len(data))}"


def _figure_table(heading: str, data: Table, content: Html) -> Html:
    where = f"Every row is in {data.name}.parquet, beside this report."
    note = element("p", where if len(data) > ROWS_MAX else "", class_="note")
    return element("figure", element("h3", heading), note, content)
