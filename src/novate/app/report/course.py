"""The day's course: equity and resources, concentration, the clearing house's own accounts."""

from __future__ import annotations

import numpy as np

from novate.app.report.chart import Chart, Focus, Line, numbers, time_chart
from novate.app.report.load import F64, I64, Run, Table
from novate.app.report.plot import clock, focus_window, instruments_by_liquidation
from novate.app.report.series import pivot, size_distribution
from novate.app.report.wording import compact, counted, money, percent, signed, words

LINES_MAX = 8
CCP_ACCOUNTS_MAX = 12
TONES = ("blue", "orange", "green", "purple", "red", "cyan", "brown", "grey")
DASHES = ("solid", "dashed", "dotted")


def solvency_charts(run: Run) -> list[Chart]:
    """Return equity against requirements, the guarantee resources, and accounts below zero."""
    table = run.table("solvency")
    instants, unit = table.integers("instant_ns"), run.summary.numeraire
    if len(table) == 0:
        title = "Equity and solvency: nothing was sampled"
        return [Chart(key="equity", title=title, note="", data=None)]
    focus = focus_window(run)
    return [
        _equity_chart(table, unit, focus),
        _resources_chart(table, unit, focus),
        _distress_chart(table, unit, focus),
        Chart(
            key="open-interest",
            title=_from_to("Open interest", table.floats("open_interest")),
            note=f"In {unit}, at mark.",
            data=time_chart(
                instants,
                [
                    Line(
                        name="Open interest",
                        values=table.floats("open_interest"),
                        tone="blue",
                        is_area=True,
                    )
                ],
                unit,
                focus=focus,
            ),
        ),
    ]


def _equity_chart(table: Table, unit: str, focus: Focus) -> Chart:
    equity, required = table.floats("client_equity"), table.floats("maintenance_margin")
    lines = [
        Line(name="Client equity", values=equity, tone="blue"),
        Line(
            name="Initial margin",
            values=table.floats("initial_margin"),
            tone="orange",
            dash="dashed",
        ),
        Line(name="Maintenance margin", values=required, tone="red", dash="dotted"),
    ]
    title, note = _below_margin(table, unit)
    data = time_chart(table.integers("instant_ns"), lines, unit, focus=focus)
    return Chart(key="equity", title=title, note=note, data=data)


def _below_margin(table: Table, unit: str) -> tuple[str, str]:
    """Return heading and note: how many accounts lacked margin at the worst instant, how much."""
    below, short = table.integers("below_maintenance"), table.floats("maintenance_shortfall")
    sums = "The lines are sums over all clients, which hide the accounts that fail."
    initial, lacking = table.integers("below_initial"), table.floats("initial_shortfall")
    if not below.any() and not initial.any():
        return "No account was below its initial margin", sums
    worst = int(np.lexsort((short, initial, below))[-1])
    title = (
        f"At worst {counted(int(initial[worst]), 'account')} below initial margin by "
        f"{compact(float(lacking[worst]))}, {counted(int(below[worst]), 'account')} below "
        f"maintenance margin by {compact(float(short[worst]))} {unit}"
    )
    instant_ns = int(table.integers("assessed_ns")[worst])
    at = f"In the assessment of {clock(instant_ns)} UTC, before anything was done about it."
    return title, f"{at} {sums}"


def _resources_chart(table: Table, unit: str, focus: Focus) -> Chart:
    fund = table.floats("insurance_fund")
    layers = (
        ("Insurance fund", "insurance_fund", "blue"),
        ("Skin in the game", "skin_in_the_game", "cyan"),
        ("Default fund", "default_fund", "purple"),
    )
    lines = [
        Line(
            name=name,
            values=table.floats(column),
            tone=tone,
            is_step=True,
            is_area=True,
            stack="resources",
        )
        for name, column, tone in layers
    ]
    note = "Prefunded resources of the clearing house, stacked."
    data = time_chart(table.integers("instant_ns"), lines, unit, focus=focus)
    return Chart(key="resources", title=_from_to("Insurance fund", fund), note=note, data=data)


def _distress_chart(table: Table, unit: str, focus: Focus) -> Chart:
    instants = table.integers("instant_ns")
    owed, accounts = table.floats("negative_equity"), table.floats("negative_accounts")
    most = int(np.nanmax(accounts)) if not np.isnan(accounts).all() else 0
    title = "No account was left below zero at the end of a bar"
    note = "Accounts that fail are taken over at once; what they leave is with the liquidator."
    if most > 0:
        deepest = float(np.nanmax(np.abs(owed)))
        title = f"At most {counted(most, 'account')} below zero, together {compact(deepest)} {unit}"
        note = "Left axis: amounts. Right axis: accounts with negative equity at that instant."
    below = [
        Line(name="Negative equity", values=owed, tone="red", is_area=True),
        Line(name="Accounts below zero", values=accounts, tone="grey", is_step=True, is_right=True),
    ]
    lines = [
        *(below if most > 0 else []),
        Line(
            name="Liquidator equity",
            values=table.floats("liquidator_equity"),
            tone="orange",
            dash="dashed",
        ),
        Line(
            name="Uncovered loss",
            values=table.floats("uncovered"),
            tone="purple",
            dash="dotted",
            is_step=True,
        ),
    ]
    right = "accounts" if most > 0 else ""
    data = time_chart(instants, lines, unit, focus=focus, right_unit=right)
    return Chart(key="distress", title=title, note=note, data=data)


def concentration_charts(run: Run) -> list[Chart]:
    """Return top-1 share, top-5 share and HHI through time, and the sizes of the accounts."""
    table = run.table("concentration")
    chosen = set(instruments_by_liquidation(run)[:LINES_MAX])
    texts = table.texts("instrument")
    rows = np.array([row for row, text in enumerate(texts) if text in chosen], dtype=np.int64)
    table = table.select(rows)
    measures = (
        ("top1", "Largest account", "share of open interest", "percent"),
        ("top5", "Five largest accounts", "share of open interest", "percent"),
        ("hhi", "Herfindahl\u2013Hirschman index", "0 to 1", "index"),
    )
    focus = focus_window(run)
    return [_measure_chart(table, focus, *measure) for measure in measures] + [_sizes_chart(run)]


def _measure_chart(
    table: Table, focus: Focus, column: str, label: str, unit: str, form: str
) -> Chart:
    key = f"concentration-{column}"
    if len(table) == 0:
        return Chart(key=key, title=f"{label}: nothing was sampled", note="", data=None)
    instants, columns = pivot(
        table.integers("instant_ns"), table.texts("instrument"), table.floats(column)
    )
    lines = [
        Line(name=name, values=values, tone=TONES[place % len(TONES)], dash=DASHES[place % 3])
        for place, (name, values) in enumerate(columns.items())
    ]
    highest = {name: float(np.nanmax(v)) for name, v in columns.items() if not np.isnan(v).all()}
    if not highest:
        return Chart(key=key, title=f"{label}: nothing was sampled", note="", data=None)
    name, top = max(highest.items(), key=lambda pair: pair[1])
    value = percent(top) if form == "percent" else f"{top:.3f}"
    title = f"{label}: highest {value} ({name})"
    data = time_chart(instants, lines, unit, focus=focus, form=form)
    return Chart(
        key=key, title=title, note=f"{unit[:1].upper()}{unit[1:]}, by instrument.", data=data
    )


def _sizes_chart(run: Run) -> Chart:
    unit = run.summary.numeraire
    equity = run.table("accounts").floats("equity_start")
    bins = size_distribution(equity)
    if not bins:
        return Chart(key="sizes", title="No account had equity at the start", note="", data=None)
    positive = np.sort(equity[np.isfinite(equity) & (equity > 0)])[::-1]
    tenth = max(1, len(positive) // 10)
    share = float(positive[:tenth].sum() / positive.sum())
    title = f"The largest tenth of the accounts held {percent(share)} of the equity"
    note = (
        f"Accounts by equity at the start ({unit}); median {compact(float(np.median(positive)))}."
    )
    data = {
        "kind": "sizes",
        "unit": unit,
        "labels": [f"{compact(row.low)}\u2013{compact(row.high)}" for row in bins],
        "accounts": [row.accounts for row in bins],
        "shares": numbers(np.array([row.equity_share for row in bins])),
    }
    return Chart(key="sizes", title=title, note=note, data=data)


def ccp_balances(run: Run) -> tuple[I64, dict[str, F64]]:
    """Return each account of the clearing house on common instants, in numeraire units."""
    table = run.table("ccp")
    return pivot(table.integers("instant_ns"), table.texts("account"), table.floats("balance"))


def ccp_charts(run: Run) -> list[Chart]:
    """Return one small chart for each account of the clearing house."""
    instants, columns = ccp_balances(run)
    unit, focus = run.summary.numeraire, focus_window(run)
    charts = []
    for place, (name, values) in enumerate(list(columns.items())[:CCP_ACCOUNTS_MAX]):
        known = values[~np.isnan(values)]
        change = float(known[-1] - known[0]) if len(known) else 0.0
        line = Line(name=words(name), values=values, tone="blue", is_step=True, is_area=True)
        charts.append(
            Chart(
                key=f"ccp-{place}",
                title=f"{words(name)}: {signed(change)}",
                note="",
                data=time_chart(instants, [line], unit, focus=focus),
                size="small",
            )
        )
    return charts


def _from_to(label: str, values: F64) -> str:
    known = values[~np.isnan(values)]
    if len(known) == 0:
        return f"{label}: nothing was sampled"
    first, last = float(known[0]), float(known[-1])
    if first == last == float(known.min()) == float(known.max()):
        return f"{label} did not move from {money(first)}"
    low = float(known.min())
    dip = f", lowest {compact(low)}" if low < min(first, last) else ""
    return f"{label} went from {compact(first)} to {compact(last)}{dip}"
