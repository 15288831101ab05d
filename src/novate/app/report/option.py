"""Options in the report: smiles, term structure, Greeks, gamma over spot, profit explained.

One function for each chart or table, as in `plot`; a run without options has none of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from novate.app.report.chart import Chart, Line, numbers, time_chart
from novate.app.report.load import F64, Run, Table
from novate.app.report.markup import Column, Content, Html, element, join, table
from novate.app.report.plot import clock, focus_window
from novate.app.report.realised import realised_table
from novate.app.report.wording import (
    compact,
    count,
    counted,
    money,
    percent,
    sentence,
    signed,
    words,
)
from novate.market.volatility.svi import RawSvi

TONES = ("blue", "orange", "green", "purple")
DASHES = ("solid", "dashed", "dotted")
SIDE_MARKS = (("bid_vol", "Bid", 0), ("ask_vol", "Ask", 180))
MAKERS = "Market makers"
TERMS = (
    ("delta", "Delta"),
    ("gamma", "Gamma"),
    ("vega", "Vega"),
    ("theta", "Theta"),
    ("vanna", "Vanna"),
    ("volga", "Volga"),
    ("carry", "Carry"),
    ("new_trades", "Trades, settlement"),
    ("funding", "Funding"),
    ("fees", "Fees"),
    ("residual", "Residual"),
)
CURVE_POINTS = 81
IN_ENGINE = (
    "Options are contracts of the engine like any other: their premiums, the margin of shorts, "
    "liquidations, makers\u2019 hedges and the expiry are in the journal, and profit is at the "
    "engine\u2019s marks. Only the quotes behind the smiles are not: they are drawn around the "
    "surface that the venue reports."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One line or set of points of a curve chart; ``form`` is `line` or `points`."""

    name: str
    x: F64
    y: F64
    tone: str
    form: str = "line"
    dash: str = "solid"
    symbol: str = "triangle"
    turn: int = 0
    is_area: bool = False


def has_options(run: Run) -> bool:
    """Whether the run has an option book."""
    return "option_pnl" in run.tables and len(run.table("option_pnl")) > 0


def curve_chart(
    lines: list[Curve], x_unit: str, unit: str, *, form: str = "amount"
) -> dict[str, Any]:
    """Return the data of a chart over numbers."""
    return {
        "kind": "curve",
        "unit": unit,
        "x_unit": x_unit,
        "form": form,
        "lines": [
            {
                "name": line.name,
                "tone": line.tone,
                "form": line.form,
                "dash": line.dash,
                "symbol": line.symbol,
                "turn": line.turn,
                "area": line.is_area,
                "x": numbers(line.x),
                "y": numbers(line.y),
            }
            for line in lines
        ],
    }


def only(data: Table, **wanted: str | int) -> Table:
    """Return the rows in which every named column has the wanted value."""
    keep = np.ones(len(data), dtype=np.bool_)
    for name, value in wanted.items():
        held = data.texts(name) if isinstance(value, str) else data.integers(name).tolist()
        keep &= np.array([item == value for item in held], dtype=np.bool_)
    return data.select(np.flatnonzero(keep))


def distinct(data: Table, column: str) -> list[str]:
    """Return the texts of a column in the order in which they first appear."""
    return list(dict.fromkeys(data.texts(column)))


def smile_charts(run: Run) -> list[Chart]:
    """Return one chart per underlying and instant: fitted smiles against bid and ask."""
    slices = run.table("option_slices")
    instants = sorted(set(slices.integers("instant_ns").tolist()))
    charts = []
    for coin in distinct(slices, "underlying"):
        for place, at in enumerate(instants):
            charts.append(_smile_chart(run, coin, at, place))
    return charts


def _smile_chart(run: Run, coin: str, at: int, place: int) -> Chart:
    slices = only(run.table("option_slices"), underlying=coin, instant_ns=at)
    lines: list[Curve] = []
    for k, expiry in enumerate(slices.integers("expiry_ns").tolist()):
        quotes = only(run.table("option_quotes"), underlying=coin, instant_ns=at, expiry_ns=expiry)
        strike = quotes.floats("strike")
        if len(strike) == 0:
            continue
        name, tone = _tenor(expiry, at), TONES[k % len(TONES)]
        grid = np.linspace(strike.min(), strike.max(), CURVE_POINTS)
        x, y = _deviations(slices, k, grid), _smile(slices, k, grid)
        lines.append(Curve(name=name, x=x, y=y, tone=tone, dash=DASHES[k]))
        lines += [
            Curve(
                name=f"{side}, {name}", x=_deviations(slices, k, strike), y=quotes.floats(column),
                tone=tone, form="points", turn=turn,
            )
            for column, side, turn in SIDE_MARKS
        ]  # fmt: skip
    inside, quoted = int(slices.floats("inside").sum()), int(slices.floats("quotes").sum())
    atm = slices.floats("atm_vol")
    moment = "at the open" if place == 0 else f"at the trough, {clock(at)[:5]} UTC"
    title = f"{coin} {moment}: {percent(atm[0], 0)} at the money, first expiry"
    note = (
        f"{inside} of {quoted} quotes hold the fitted smile between bid and ask. Triangles: bid "
        "(up) and ask (down)."
    )
    data = (
        curve_chart(
            lines,
            "deviations from the forward, ln(K/F) / total volatility",
            "volatility a year",
            form="percent",
        )
        if lines
        else None
    )
    return Chart(key=f"smile-{coin}-{place}".lower(), title=title, note=note, data=data)


def _smile(slices: Table, row: int, strike: F64) -> F64:
    """Fitted volatility of strikes."""
    raw = RawSvi(*(float(slices.floats(name)[row]) for name in ("a", "b", "rho", "m", "sigma")))
    forward, years = (float(slices.floats(name)[row]) for name in ("forward", "years"))
    vol: F64 = np.sqrt(raw.variance(np.log(strike / forward)) / years)
    return vol


def _deviations(slices: Table, row: int, strike: F64) -> F64:
    """ln(K/F) over the total volatility at the money."""
    atm, forward, years = (
        float(slices.floats(name)[row]) for name in ("atm_vol", "forward", "years")
    )
    out: F64 = np.log(strike / forward) / (atm * np.sqrt(years))
    return out


def _tenor(expiry: int, at: int) -> str:
    hours = (expiry - at) / 3.6e12
    return f"{hours:.0f} hours" if hours < 48 else f"{hours / 24:.0f} days"


def quality_table(run: Run) -> Html:
    """Return the quality of each slice with its arbitrage flags."""
    data = run.table("option_slices")
    columns = [
        Column(heading="Instant, UTC", class_="when"),
        Column(heading="Underlying"),
        Column(heading="Expiry", class_="when"),
        Column(heading="At the money", is_number=True),
        Column(heading="Shape from", class_="when"),
        Column(heading="Quotes", is_number=True),
        Column(heading="Left out", is_number=True),
        Column(heading="Inside bid\u2013ask", is_number=True),
        Column(heading="Error, vol points", is_number=True),
        Column(heading="Least density g", is_number=True),
        Column(heading="Arbitrage"),
    ]
    at, expiry = data.integers("instant_ns").tolist(), data.integers("expiry_ns").tolist()
    density, gap = data.floats("least_density"), data.floats("calendar_gap")
    rows: list[list[Content]] = []
    for k in range(len(data)):
        faults = [
            name
            for name, is_broken in (("butterfly", density[k] < 0.0), ("calendar", gap[k] < 0.0))
            if is_broken
        ]
        rows.append(
            [
                clock(at[k])[:5],
                data.texts("underlying")[k],
                _tenor(expiry[k], at[k]),
                percent(float(data.floats("atm_vol")[k])),
                words(data.texts("source")[k]),
                count(int(data.integers("quotes")[k])),
                count(int(data.integers("rejected")[k])),
                count(int(data.integers("inside")[k])),
                f"{100 * error:.2f}" if np.isfinite(error := data.floats("rms_vol")[k]) else "n/a",
                f"{density[k]:.3f}",
                sentence(faults) or "none",
            ]
        )
    made = table(columns, rows, caption="Quality of the smiles", class_="tight sortable")
    note = (
        "A density g below zero anywhere would be butterfly arbitrage, total variance that falls "
        "from one expiry to the next calendar arbitrage. In-the-money quotes give way to those out "
        "of the money; an expiry with few quotes takes its shape from the whole chain."
    )
    return element(
        "figure", element("h3", "Quality of the smiles"), element("p", note, class_="note"), made
    )


def term_chart(run: Run) -> Chart:
    """Return volatility at the money by time to expiry, at the open and at the trough."""
    data = run.table("option_slices")
    instants = sorted(set(data.integers("instant_ns").tolist()))
    lines: list[Curve] = []
    moved = []
    for k, coin in enumerate(distinct(data, "underlying")):
        ends = []
        for place, at in enumerate(instants):
            part = only(data, underlying=coin, instant_ns=at)
            name = f"{coin} {'open' if place == 0 else 'trough'}"
            lines.append(
                Curve(
                    name=name, x=365.0 * part.floats("years"), y=part.floats("atm_vol"),
                    tone=TONES[k], dash=DASHES[place],
                )
            )  # fmt: skip
            ends.append(float(part.floats("atm_vol")[0]))
        moved.append(f"{coin} from {percent(ends[0], 0)} to {percent(ends[-1], 0)}")
    return Chart(
        key="option-term",
        title=f"Short volatility went up: {sentence(moved)}",
        note="At the money, by days to expiry; in the crash the curve is inverted.",
        data=curve_chart(lines, "days to expiry", "volatility a year", form="percent"),
    )


def gamma_charts(run: Run) -> list[Chart]:
    """Return the makers' gamma over spot, one chart per underlying and instant."""
    data = run.table("option_gamma")
    instants = sorted(set(data.integers("instant_ns").tolist()))
    charts = []
    for coin in distinct(data, "underlying"):
        for place, at in enumerate(instants):
            part = only(data, underlying=coin, instant_ns=at)
            charts.append(_gamma_chart(part, coin, place, run.summary.numeraire))
    return charts


def _gamma_chart(part: Table, coin: str, place: int, unit: str) -> Chart:
    now, zero = float(part.floats("now")[0]), float(part.floats("zero_gamma")[0])
    spot, gamma = part.floats("spot"), part.floats("gamma")
    here = float(np.interp(now, spot, gamma))
    ends = np.array([min(float(gamma.min()), 0.0), max(float(gamma.max()), 0.0)])
    lines = [
        Curve(name="Gamma of the makers", x=spot, y=gamma, tone="purple", is_area=True),
        Curve(name=f"Spot {money(now)}", x=np.full(2, now), y=ends, tone="ink"),
    ]
    level = "it changes sign nowhere on this ladder"
    if np.isfinite(zero):
        name = f"Zero gamma {money(zero)}"
        lines.append(Curve(name=name, x=np.full(2, zero), y=ends, tone="red", dash="dashed"))
        level = f"it changes sign at {money(zero)}, {percent(abs(zero / now - 1))} away"
    moment = "at the open" if place == 0 else "at the trough"
    side = "short" if here < 0 else "long"
    action = "sell as the price falls" if here < 0 else "buy as the price falls"
    return Chart(
        key=f"gamma-{coin}-{place}".lower(),
        title=f"{coin} {moment}: makers are {side} gamma, {compact(abs(here))} {unit} for 1%",
        note=f"Hedged makers {action}; {level}. Each strike keeps its volatility.",
        data=curve_chart(lines, f"{coin} price", f"{unit} for 1%"),
    )


def greeks_table(run: Run) -> Html:
    """Return value and Greeks by holder, underlying and expiry bucket, at the open."""
    data, unit = run.table("option_risk"), run.summary.numeraire
    data = only(data, instant_ns=min(data.integers("instant_ns").tolist()))
    columns = [
        Column(heading="Holder", class_="when"),
        Column(heading="Underlying"),
        Column(heading="Expiry", class_="when"),
        Column(heading=f"Value, {unit}", is_number=True),
        Column(heading=f"Delta, {unit}", is_number=True),
        Column(heading=f"Gamma, {unit} for 1%", is_number=True),
        Column(heading=f"Vega, {unit} a point", is_number=True),
        Column(heading=f"Theta, {unit} a day", is_number=True),
    ]
    names = ("value", "cash_delta", "cash_gamma", "vega", "theta")
    figures = [data.floats(name) for name in names]
    rows: list[list[Content]] = [
        [
            data.texts("holder")[k],
            data.texts("underlying")[k],
            data.texts("bucket")[k],
            *(money(float(round(column[k]))) for column in figures),
        ]
        for k in range(len(data))
    ]
    total: list[Content] = ["All", "", "", *(money(float(round(c.sum()))) for c in figures)]
    made = table(columns, rows, caption="Value and Greeks", class_="tight sortable", total=total)
    note = "Positive = long. Every option has a holder on either side, so each column adds up to 0."
    return element(
        "figure", element("h3", "Value and Greeks at the open"),
        element("p", note, class_="note"), made,
    )  # fmt: skip


def pin_table(run: Run) -> Html:
    """Return the strikes near the forward shortly before they expire."""
    data, unit = run.table("option_pins"), run.summary.numeraire
    heading = "No strike was about to be pinned"
    if len(data):
        heading = (
            f"{counted(len(data), 'strike')} within one deviation of the forward before expiry"
        )
    columns = [
        Column(heading="Instant, UTC", class_="when"),
        Column(heading="Underlying"),
        Column(heading="Minutes left", is_number=True),
        Column(heading="Strike", is_number=True),
        Column(heading="Forward", is_number=True),
        Column(heading="Deviations", is_number=True),
        Column(heading="Coins of the makers", is_number=True),
        Column(heading=f"Gamma, {unit} for 1%", is_number=True),
        Column(heading="Gamma doubles in, min", is_number=True),
    ]
    rows: list[list[Content]] = []
    for k in range(len(data)):
        doubling = float(data.floats("doubling_minutes")[k])
        rows.append(
            [
                clock(int(data.integers("instant_ns")[k]))[:5],
                data.texts("underlying")[k],
                f"{data.floats('minutes')[k]:.0f}",
                *(money(float(data.floats(name)[k])) for name in ("strike", "forward")),
                f"{data.floats('distance')[k]:.2f}",
                money(float(data.floats("coins")[k])),
                money(float(round(data.floats("gamma")[k]))),
                f"{doubling:.0f}" if np.isfinite(doubling) else "never",
            ]
        )
    note = (
        "Gamma accelerates as time runs out near a strike: a hedge that was right an hour ago is "
        "wrong after a move of one deviation. Looked at as the day opens and an hour before expiry."
    )
    made = table(columns, rows, caption=heading, class_="tight sortable", empty="none")
    return element("figure", element("h3", heading), element("p", note, class_="note"), made)


def pnl_chart(run: Run) -> Chart:
    """Return the makers' profit through the day by what it came from."""
    data = only(run.table("option_pnl"), holder=MAKERS)
    unit = run.summary.numeraire
    actual = data.floats("actual")
    shown = (("gamma", "red"), ("delta", "blue"), ("vega", "orange"), ("theta", "green"))
    lines = [Line(name="All", values=actual, tone="ink")] + [
        Line(name=name.capitalize(), values=data.floats(name), tone=tone, dash=DASHES[k % 2 + 1])
        for k, (name, tone) in enumerate(shown)
    ]
    verb = "lost" if actual[-1] < 0 else "gained"
    worst = float(data.floats("gamma")[-1])
    title = (
        f"Makers {verb} {compact(abs(float(actual[-1])))} {unit}, of which gamma {compact(worst)}"
    )
    note = "Cumulative; delta is what moved before the market had taken their hedges."
    charted = time_chart(
        data.integers("instant_ns"), lines, unit, focus=focus_window(run), form="amount"
    )
    return Chart(key="option-pnl", title=title, note=note, data=charted, size="tall")


def pnl_table(run: Run) -> Html:
    """Return each kind of holder's profit by term; every row adds up."""
    data, unit = run.table("option_pnl"), run.summary.numeraire
    last = only(data, instant_ns=max(data.integers("instant_ns").tolist()))
    columns = [Column(heading="Source")] + [
        Column(heading=f"{name}, {unit}", is_number=True) for name in last.texts("holder")
    ]
    rows: list[list[Content]] = [
        [
            heading,
            *(signed(float(round(value))) if round(value) else "0" for value in last.floats(name)),
        ]
        for name, heading in TERMS
    ]
    total: list[Content] = [
        "Profit or loss", *(signed(float(round(value))) for value in last.floats("actual"))
    ]  # fmt: skip
    made = table(
        columns, rows, caption="Profit and loss of options by source", class_="tight", total=total
    )
    note = (
        "Terms add up to the profit to the last ledger unit; the residual is what is left over. "
        "Everybody else is the liquidator, and the market outside that takes hedges and close-outs."
    )
    return element(
        "figure", element("h3", "Where profit and loss came from"),
        element("p", note, class_="note"), made,
    )  # fmt: skip


def sentence_of(run: Run) -> str:
    """Return the one sentence that says what the options did on this day."""
    data = run.table("option_pnl")
    last = only(data, instant_ns=max(data.integers("instant_ns").tolist()))
    made = dict(zip(last.texts("holder"), last.floats("actual").tolist(), strict=True))
    parts = [
        f"{name.lower()} {'lost' if value < 0 else 'gained'} {compact(abs(value))}"
        for name, value in made.items()
    ]
    return f"Over the day {sentence(parts)} {run.summary.numeraire} on their options."


def option_body(run: Run) -> tuple[Html, list[Chart]]:
    """Return the section's content and its charts."""
    smiles, term, gamma, profit = (
        smile_charts(run),
        term_chart(run),
        gamma_charts(run),
        pnl_chart(run),
    )
    body = join(
        [
            element("p", sentence_of(run)),
            element("p", IN_ENGINE, class_="note"),
            element("div", *(chart.figure() for chart in smiles), class_="grid two"),
            element("div", term.figure(), quality_table(run), realised_table(run), class_="grid"),
            element("div", *(chart.figure() for chart in gamma), class_="grid two"),
            element(
                "div",
                profit.figure(),
                pnl_table(run),
                pin_table(run),
                greeks_table(run),
                class_="grid",
            ),
        ]
    )
    return body, [*smiles, term, *gamma, profit]
