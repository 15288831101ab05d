"""Requirements as tables for people."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from novate.app.pricing.show import shown

FIGURES = ("equity", "initial", "maintenance", "initial_excess", "maintenance_excess")


def show_requirement(console: Console, found: dict[str, Any], *, explain: bool) -> None:
    """Print one requirement; with its parts and scenarios where ``explain``."""
    _head(console, found)
    table = Table(box=None, show_header=False)
    for name in FIGURES:
        amount = f"{shown(found[name])} {found['currency']}"
        table.add_row(name.replace("_", " "), Text(amount, justify="right"))
    console.print(table)
    for underlying, reason in found["binding"].items():
        console.print(f"{underlying}: {reason}", highlight=False, markup=False)
    for one in found["liquidation"]:
        sides = [
            f"{side} {shown(one[side])}" for side in ("below", "above") if one[side] is not None
        ]
        told = " or ".join(sides) or "at no price within reach"
        if one["assessments"] == 1:
            told = f"now, at {shown(one['below'])}: equity is below maintenance margin"
        console.print(
            f"{one['underlying']}: liquidated {told}, volatilities and all else held",
            highlight=False,
            markup=False,
        )
    for note in found["notes"]:
        console.print(note, style="yellow", highlight=False, markup=False)
    if explain:
        _parts(console, found)
        _scenarios(console, found)


def show_compared(console: Console, rows: list[dict[str, Any]]) -> None:
    """Print requirements side by side."""
    table = Table(box=None)
    table.add_column("model")
    table.add_column("as of")
    table.add_column("currency")
    for name in FIGURES:
        table.add_column(name.replace("_", " "), justify="right")
    for row in rows:
        if "refused" not in row:
            cells = [Text(row[name]) for name in ("model", "as_of", "currency")]
            table.add_row(*cells, *(shown(row[name]) for name in FIGURES))
    if table.row_count:
        console.print(table)
    for row in rows:
        if "refused" in row:
            told = f"{row['model']}: {row['refused']}"
            console.print(told, style="yellow", highlight=False, markup=False, soft_wrap=True)


def show_change(console: Console, found: dict[str, Any]) -> None:
    """Print figures before and after trades."""
    _head(console, found)
    table = Table(box=None)
    table.add_column("")
    for name in ("before", "after", "change"):
        table.add_column(name, justify="right")
    for name in FIGURES:
        row = (found[when][name] for when in ("before", "after", "change"))
        table.add_row(name.replace("_", " "), *map(shown, row))
    console.print(table)


def _head(console: Console, found: dict[str, Any]) -> None:
    console.print(
        f"{found['model']}: {found['title']}, as of {found['as_of']}, "
        f"parameters {found['version'][:12]}",
        style="bold",
        highlight=False,
        markup=False,
    )
    if not found["is_confirmed"]:
        console.print("no published number confirms this model", style="yellow")


def _parts(console: Console, found: dict[str, Any]) -> None:
    table = Table(title=Text("parts"), box=None, title_justify="left")
    for name, justify in (("part", "left"), ("of", "left"), ("initial", "right")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    table.add_column("maintenance", justify="right")
    for part in found["parts"]:
        amounts = (shown(part[name]) for name in ("initial", "maintenance"))
        table.add_row(Text(part["name"]), Text(part["subject"]), *amounts)
    table.add_row("sum", "", shown(found["initial"]), shown(found["maintenance"]), style="bold")
    console.print(table)


def _scenarios(console: Console, found: dict[str, Any]) -> None:
    if not found["scenarios"]:
        return
    table = Table(title=Text("scenarios"), box=None, title_justify="left")
    table.add_column("of")
    table.add_column("scenario")
    table.add_column("weight", justify="right")
    table.add_column("profit", justify="right")
    for one in found["scenarios"]:
        binds = found["binding"].get(one["subject"]) == one["label"]
        table.add_row(
            Text(one["subject"]), Text(one["label"]), shown(one["weight"]), shown(one["profit"]),
            style="bold" if binds else None,
        )  # fmt: skip
    console.print(table)
