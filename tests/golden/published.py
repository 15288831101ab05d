"""Published rows: a CSV file of this folder's data, `#` lines first, as dicts of text."""

from __future__ import annotations

import csv
from pathlib import Path

DATA = Path(__file__).parent / "data"


def rows(name: str) -> list[dict[str, str]]:
    """Every row of `data/<name>.csv`."""
    lines = (DATA / f"{name}.csv").read_text().splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def numbers(row: dict[str, str], *names: str) -> list[float]:
    """The named cells of a row as floats."""
    return [float(row[name]) for name in names]


def side(row: dict[str, str]) -> int:
    """+1 for a call, -1 for a put."""
    return {"call": 1, "put": -1}[row["type"]]
