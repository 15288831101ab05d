"""What the command line prints of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


def print_summary(content: dict[str, Any], report: Path) -> None:
    """Print what a person wants to know of a run, from the content of its ``summary.json``."""
    console = Console()
    result, proof = content["result"], content["verification"]
    console.print(
        f"[bold]{content['title']}[/bold]: {content['accounts']:,} accounts, "
        f"{content['bars']:,} bars, {content['steps']:,} steps, {proof['events']:,} events",
        soft_wrap=True,
    )
    table = Table(show_header=False, box=None, padding=(0, 2))
    fund = f"{shown(result['fund_before'])} -> {shown(result['fund_after'])}"
    ends = (float(result["fund_before"]), float(result["fund_after"]))
    if float(result["fund_lowest"]) < min(ends):
        low = f"{shown(result['fund_lowest'])} at {result['fund_lowest_at'][11:16]}"
        fund = f"{fund}, lowest {low}"
    lines = (
        ("shortfall", f"{shown(result['shortfall'])} beyond the defaulters' collateral"),
        ("insurance fund", fund),
        ("accounts liquidated", f"{result['liquidated_accounts']:,}"),
        ("notional liquidated", shown(result["liquidated_notional"])),
        ("margin calls made, met", f"{result['calls_made']:,}, {result['calls_met']:,}"),
        ("uncovered", shown(result["uncovered"])),
    )
    for name, value in lines:
        table.add_row(name, value)
    console.print(table)
    _print_payers(console, content)
    if content["controls"]:
        for name in ("on", "off"):
            run = content["controls"][name]
            console.print(
                f"controls {name}: shortfall {shown(run['shortfall'])} = "
                f"own members {shown(run['own_members'])} + clearing house "
                f"{shown(run['clearing_house'])} + others {shown(run['others'])} + uncovered "
                f"{shown(run['uncovered'])}",
                soft_wrap=True,
            )
    for row in content.get("bars_by_symbol", ()):
        console.print(
            f"bars {row['symbol']}: {row['present']:,} of {row['expected']:,} of the window, "
            f"{row['missing']:,} missing; {row['outside']:,} rows outside it",
            soft_wrap=True,
        )
    sums = {row["sum"] for row in proof["conservation"]}
    console.print(
        f"verified: recovered {proof['recovered']}, audited {proof['audited']}, "
        f"every asset sums to {', '.join(sorted(sums))}, state {proof['state_digest'][:16]}",
        soft_wrap=True,
    )
    if content["quarantined_rows"]:
        rows = content["quarantined_rows"]
        console.print(f"[yellow]{rows:,} {'row' if rows == 1 else 'rows'} quarantined[/yellow]")
    console.print(f"report: {report}", soft_wrap=True)


def _print_payers(console: Console, content: dict[str, Any]) -> None:
    table = Table(title="who paid", box=None, padding=(0, 2), title_justify="left")
    table.add_column("layer")
    table.add_column(content["numeraire"], justify="right")
    for row in content["payers"]:
        if float(row["amount"]):
            table.add_row(row["layer"].replace("_", " "), shown(row["amount"]))
    table.add_row("shortfall, all but the collateral", shown(content["result"]["shortfall"]))
    console.print(table)


def print_verified(found: dict[str, Any]) -> None:
    """Print what `novate verify` found, for a person."""
    console = Console()
    audited, earlier = found["audited"], found["earlier"]
    if audited is None and earlier:
        agree = "chain and recovery agree; no record was decided by this engine version"
    else:
        agree = "chain, recovery and audit agree"
    lines = {
        **found,
        "audited": "none" if audited is None else f"{audited['first']} to {audited['last']}",
    }
    del lines["earlier"]
    console.print(f"[bold green]verified[/bold green]: {agree}", soft_wrap=True)
    for name, value in lines.items():
        console.print(f"  {name.replace('_', ' '):14} {value}", soft_wrap=True)
    for era in earlier:
        console.print(
            f"  records {era['first']} to {era['last']} were decided by engine version"
            f" {era['engine_version']}: release {era['release']} audits them",
            soft_wrap=True,
        )


def shown(amount: str) -> str:
    """Decimal text with thousands separators and two decimals."""
    whole, _, part = amount.partition(".")
    return f"{int(whole):,}.{(part + '00')[:2]}"
