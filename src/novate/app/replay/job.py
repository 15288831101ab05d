"""What a replay is asked for, and its variants: plain values that cross to another process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from novate.simulation.path import PathOrder

ORDERS = {"high-first": PathOrder.HIGH_FIRST, "low-first": PathOrder.LOW_FIRST}
OTHER_ORDER = {"high-first": "low-first", "low-first": "high-first"}


@dataclass(frozen=True, slots=True)
class Job:
    """What to run.

    Attributes
    ----------
    parameters
        Checked parameters.
    symbols
        Instruments, in order.
    start_ns, end_ns
        Window of bars.
    title
        First line of the report.
    order
        Which extreme of a bar comes first.
    points
        Prices per bar.
    price_files
        Files of bars; a crash day is generated when there are none.
    positions_file, collateral_file
        The book; generated when there are none.
    trades_file
        Executed trades of the window, with a book from files.
    commands, notes
        For the report.
    """

    parameters: Mapping[str, Any]
    symbols: tuple[str, ...]
    start_ns: int
    end_ns: int
    title: str
    order: str
    points: int
    price_files: tuple[str, ...] = ()
    positions_file: str = ""
    collateral_file: str = ""
    trades_file: str = ""
    commands: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Variant:
    """How one run takes what was read.

    Attributes
    ----------
    order
        Which extreme of a bar comes first.
    has_controls
        Whether the venue's rules are the parameters or their counterfactual.
    """

    order: str
    has_controls: bool = True
