"""Prices and Greeks as tables for people."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

GREEKS = ("value", "delta", "net_delta", "gamma", "vega", "theta", "rho")
WIDTH_MAX = 1_000
GROUPED_MAX = 1e15
"""Largest number written in full."""
TOTALS = ("value", "delta", "net_delta", "gamma", "vega", "theta", "cash_delta", "cash_gamma")


def show(console: Console, content: dict[str, Any]) -> None:
    """Print what `novate.app.pricing.price_file` found."""
    console.print(
        f"[bold]as of {content['as_of']}[/bold], per 1.00, in the settlement asset", soft_wrap=True
    )
    _print(console, _instruments(content["instruments"]))
    if content["totals"]:
        table = Table(title=Text(f"totals, {content['reporting']}"), box=None, title_justify="left")
        table.add_column("underlying")
        for name in TOTALS:
            table.add_column(name.replace("_", " "), justify="right")
        for row in content["totals"]:
            table.add_row(Text(row["underlying"]), *(shown(row[name]) for name in TOTALS))
        _print(console, table)
        total = f"total value {shown(content['total_value'])} {content['reporting']}"
        console.print(total, highlight=False, markup=False)
    for fault in content["quarantined"]["faults"]:
        console.print(
            f"quarantined: {fault['file']}, row {fault['row']}, {fault['column']}: "
            f"{fault['value']!r}; allowed: {fault['allowed']}",
            style="yellow",
            soft_wrap=True,
            highlight=False,
            markup=False,
        )
    if content["quarantined"]["rows"]:
        console.print(f"[yellow]{content['quarantined']['rows']} rows quarantined[/yellow]")


def _print(console: Console, table: Table) -> None:
    """Print a table as wide as it is: a number cut short at the terminal's edge is a wrong one."""
    unbounded = console.options.update(width=WIDTH_MAX)
    before, needed = console.width, table.__rich_measure__(console, unbounded).maximum
    console.width = max(before, needed)
    try:
        console.print(table)
    finally:
        console.width = before


def _instruments(entries: list[dict[str, Any]]) -> Table:
    has_price = any("price" in entry for entry in entries)
    table = Table(box=None)
    table.add_column("symbol", no_wrap=True)
    table.add_column("in")
    for name in ("forward", "vol", *GREEKS):
        table.add_column(name.replace("_", " "), justify="right")
    if has_price:
        table.add_column("price", justify="right")
        table.add_column("implied", justify="right")
    table.add_column("status")
    for entry in entries:
        cells = [shown(entry[name]) for name in ("forward", "vol", *GREEKS)]
        if has_price:
            implied = entry.get("implied_vol")
            why = entry.get("implied_status", "")
            cells += [shown(entry.get("price")), why if why not in ("", "OK") else shown(implied)]
        names = (Text(entry[name]) for name in ("symbol", "settlement"))
        table.add_row(*names, *cells, entry["status"])
    return table


def shown(value: float | None) -> str:
    """Six significant digits with thousands separators; nothing for what is no number."""
    if value is None:
        return ""
    if abs(value) >= GROUPED_MAX:
        return f"{value:.6g}"
    return f"{value:,.2f}" if abs(value) >= 1e5 else f"{value:,.6g}"
