"""The events of the day as charts: prices with liquidations, margin calls, the flow of losses.

One function for each; it reads one or two tables of the run and puts the finding in the title.
"""

from __future__ import annotations

import numpy as np

from novate.app.report.chart import (
    MILLISECOND_NS,
    Chart,
    Focus,
    Line,
    focus_of,
    numbers,
    offsets,
    time_chart,
)
from novate.app.report.flow import loss_flow
from novate.app.report.load import F64, I64, Run, Table
from novate.app.report.series import (
    POINTS_MAX,
    keep_largest,
    largest_fall,
)
from novate.app.report.wording import (
    compact,
    count,
    counted,
    instant,
    money,
    percent,
    words,
)

INSTRUMENTS_MAX = 12
DRAWN = ("prices", "solvency", "liquidations", "calls", "concentration", "ccp")
TONES = ("blue", "orange", "green", "purple", "red", "cyan", "brown", "grey")
STATUS_FORMS = {
    "met": ("green", "circle"),
    "paid": ("green", "rect"),
    "missed": ("red", "diamond"),
    "open": ("blue", "triangle"),
}


def rows_of(table: Table, column: str, name: str) -> Table:
    """Return the rows of a table in which a column holds a name."""
    chosen = [row for row, text in enumerate(table.texts(column)) if text == name]
    return table.select(np.array(chosen, dtype=np.int64))


def instruments_by_liquidation(run: Run) -> list[str]:
    """Return the instruments with prices, the one with most liquidated notional first.

    Options have smiles in the place of prices: they are drawn elsewhere.
    """
    liquidations = run.table("liquidations")
    totals = dict.fromkeys(run.summary.instruments, 0.0)
    sizes = np.abs(liquidations.floats("notional")).tolist()
    for name, size in zip(liquidations.texts("instrument"), sizes, strict=True):
        if name in totals:
            totals[name] += size
    return sorted(totals, key=lambda name: (-totals[name], name))


def period(run: Run) -> tuple[int, int]:
    """Return the first and last instant of everything drawn, in nanoseconds since 1970."""
    drawn = np.concatenate([run.table(name).integers("instant_ns") for name in DRAWN])
    return (int(drawn.min()), int(drawn.max())) if len(drawn) else (0, 0)


def focus_window(run: Run) -> Focus:
    """Return the window around the liquidations and calls, in nanoseconds since 1970.

    The first and the last hundredth of what was liquidated and called do not widen it: one small
    account hours before the crash is no part of it.
    """
    struck = [
        _bulk(run.table(name).integers("instant_ns"), run.table(name).floats(size))
        for name, size in (("liquidations", "notional"), ("calls", "amount"))
    ]
    return focus_of(np.concatenate(struck), period(run))


def _bulk(instants: I64, sizes: F64) -> I64:
    """Return the instants without those of the first and the last hundredth of all size."""
    order = np.argsort(instants, kind="stable")
    weight = np.nan_to_num(np.abs(sizes[order]))
    done = np.cumsum(weight)
    if not len(done) or done[-1] == 0:
        return instants
    is_kept = (done > done[-1] / 100) & (done - weight < done[-1] * 99 / 100)
    kept: I64 = instants[order][is_kept]
    return kept


def price_charts(run: Run) -> list[Chart]:
    """Return one chart for each instrument: index, mark and last, with liquidations as marks."""
    names = instruments_by_liquidation(run)[:INSTRUMENTS_MAX]
    return [_price_chart(run, name, place) for place, name in enumerate(names)]


def _price_chart(run: Run, name: str, place: int) -> Chart:
    prices = rows_of(run.table("prices"), "instrument", name)
    key = f"price-{place}"
    if len(prices) == 0:
        return Chart(key=key, title=f"{name}: no prices", note="", data=None)
    instants, mark = prices.integers("instant_ns"), prices.floats("mark")
    lines = [
        Line(name="Mark", values=mark, tone="blue"),
        Line(name="Index", values=prices.floats("index"), tone="green", dash="dashed"),
        Line(name="Last", values=prices.floats("last"), tone="grey", dash="dotted"),
    ]
    data = time_chart(instants, lines, run.summary.numeraire, focus=focus_window(run), form="price")
    hits = rows_of(run.table("liquidations"), "instrument", name)
    data["marks"] = _liquidation_marks(run, hits, data["origin_ms"])
    peak, trough = largest_fall(mark)
    notional = float(np.nansum(np.abs(hits.floats("notional")))) if len(hits) else 0.0
    title = f"{name}: mark never fell below an earlier high"
    if mark[trough] < mark[peak]:
        fall = percent(1 - mark[trough] / mark[peak])
        title = f"{name}: mark fell {fall}, from {money(mark[peak])} to {money(mark[trough])}"
    between = f"between {clock(instants[peak])} and {clock(instants[trough])} UTC. "
    note = (
        f"{between if trough > peak else ''}{counted(len(hits), 'liquidation')}"
        f"{f', {compact(notional)} {run.summary.numeraire} notional' if len(hits) else ''}"
        f"{_drawn(len(hits), 'liquidations')}."
    )
    return Chart(key=key, title=title, note=note[:1].upper() + note[1:], data=data, size="tall")


def _liquidation_marks(run: Run, hits: Table, origin_ms: int) -> dict[str, object]:
    rows = keep_largest(np.abs(hits.floats("notional")), POINTS_MAX)
    kept = hits.select(rows)
    names = run.references()
    return {
        "name": "Liquidation (area = notional)",
        "t": offsets(kept.integers("instant_ns"), origin_ms * MILLISECOND_NS),
        "price": numbers(kept.floats("price")),
        "size": numbers(np.abs(kept.floats("notional"))),
        "account": [names.get(text, text) for text in kept.texts("account")],
        "lots": numbers(kept.floats("lots")),
        "mark": numbers(kept.floats("mark")),
        "fee": numbers(kept.floats("fee")),
    }


def call_chart(run: Run) -> Chart:
    """Return the margin calls: when each was made, how much it asked, how it ended."""
    calls, result, unit = run.table("calls"), run.summary.result, run.summary.numeraire
    if len(calls) == 0:
        return Chart(key="calls", title="No margin call was made", note="", data=None)
    amounts = calls.floats("amount")
    kept = calls.select(keep_largest(amounts, POINTS_MAX))
    origin = int(kept.integers("instant_ns").min())
    statuses, names = kept.texts("status"), run.references()
    groups = []
    for place, status in enumerate(sorted(set(statuses))):
        spare = (TONES[(place + 3) % len(TONES)], "rect")
        tone, symbol = STATUS_FORMS.get(status.casefold(), spare)
        rows = np.array([row for row, text in enumerate(statuses) if text == status])
        part = kept.select(rows)
        resolved = part.integers("resolved_ns")
        asked = part.floats("amount")  # a logarithmic axis has no place for zero
        taken = np.where(resolved > 0, (resolved - part.integers("instant_ns")) / 1e9, np.nan)
        groups.append(
            {
                "name": words(status),
                "tone": tone,
                "symbol": symbol,
                "t": offsets(part.integers("instant_ns"), origin),
                "amount": numbers(np.where(asked > 0, asked, np.nan)),
                "account": [names.get(text, text) for text in part.texts("account")],
                "deadline": [instant(value) for value in part.integers("deadline_ns").tolist()],
                "taken_s": numbers(taken),
            }
        )
    called = compact(float(np.nansum(amounts)))
    title = f"{count(result.calls_met)} of {counted(result.calls_made, 'call')} met"
    note = (
        f"{called} {unit} called in all. Each mark is one call at the instant it was made"
        f"{_drawn(len(calls), 'calls')}; the amount axis is logarithmic."
    )
    data = {"kind": "calls", "unit": unit, "origin_ms": origin // MILLISECOND_NS, "groups": groups}
    return Chart(key="calls", title=title, note=note, data=data, size="tall")


def flow_chart(run: Run) -> Chart:
    """Return the losses as a flow from defaulters to the layers that paid."""
    flow, unit = loss_flow(run), run.summary.numeraire
    if flow is None:
        empty = "No loss reached the waterfall, so there is no flow to draw."
        return Chart(
            key="waterfall", title="The waterfall was not used", note="", data=None, empty=empty
        )
    total = sum(node["amount"] for node in flow["nodes"] if node["column"] == 0)
    top = max(
        (node for node in flow["nodes"] if node["column"] == 1), key=lambda node: node["amount"]
    )
    title = (
        f"{compact(total)} {unit} went through the waterfall: {top['label'].lower()} paid "
        f"{percent(top['amount'] / total)}"
    )
    note = f"From the sources of loss to the layers that paid; widths are {unit}."
    return Chart(
        key="waterfall",
        title=title,
        note=note,
        data={"kind": "flow", "unit": unit, **flow},
        size="flow",
    )


def _drawn(total: int, what: str) -> str:
    return f" (the {count(POINTS_MAX)} largest {what} are drawn)" if total > POINTS_MAX else ""


def clock(instant_ns: int) -> str:
    """Return the time of day of an instant, UTC."""
    return instant(int(instant_ns), with_date=False)
