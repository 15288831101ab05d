"""Follow one account through a run and write the tables of docs/walk.md.

Every number comes from the journal or is recomputed here in plain Python from the rules of
docs/rulebook.md; where both exist they are compared, and a difference stops the program.

Usage: scripts/walk.py RUN [--account REFERENCE] [--write docs/walk.md]
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from novate.adapter.sqlite_journal import SqliteJournal
from novate.canonical import Record, Run
from novate.engine.apply import apply_run
from novate.engine.engine import decode_batch
from novate.engine.state import State
from novate.errors import InputError, require
from novate.kernel.codes import AccountStatus, Layer, Role
from novate.kernel.value import LINEAR
from novate.message.declare import columns_of, rows_of
from novate.message.parameter import Parameter
from novate.units import format_instant

Row = dict[str, Any]
MARKER = re.compile(r"(<!-- walk: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
OWN = {
    "LiquidationStarted", "OrderPlaced", "OrderFilled", "AssetConverted", "LiquidationStopped",
    "MarginCalled", "DefaultDeclared", "AccountTakenOver", "CollateralPosted",
    "CollateralWithdrawn",
}  # fmt: skip


# ---- what the state says about one account


@dataclass(frozen=True, slots=True)
class Position:
    """One position with what its margin needs."""

    instrument: int
    symbol: str
    lots: int
    entry_cost: int
    settlement_cost: int
    realised: int
    mark: int


@dataclass(frozen=True, slots=True)
class View:
    """An account between two events: balances by asset, positions by instrument, status."""

    balance: tuple[int, ...]
    status: AccountStatus
    positions: dict[int, Position]
    prices: tuple[float, ...]


def view(state: State, account: int) -> View:
    """Copy what the state holds of an account."""
    x = state.exposure
    p = x.positions
    rows = [r for r in range(p.count) if p.account[r] == account] if p.count < 4096 else (
        (p.used("account") == account).nonzero()[0].tolist()
    )
    positions = {}
    for row in rows:
        i = int(p.instrument[row])
        positions[i] = Position(
            i,
            x.instruments.symbols[i],
            int(p.lots[row]),
            int(p.entry_cost[row]),
            int(p.settlement_cost[row]),
            int(p.realised[row]),
            int(x.marks.mark[i]),
        )
    return View(
        tuple(int(b) for b in x.accounts.balance[account]),
        AccountStatus(int(x.accounts.status[account])),
        positions,
        tuple(float(u) for u in x.assets.unit_price),
    )
