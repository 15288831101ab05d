"""Historical funding rates, for comparison with the rates the engine computes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from novate.adapter.price_file.bars import stamp
from novate.adapter.price_file.cells import scale_column
from novate.adapter.price_file.format.form import Report
from novate.adapter.price_file.frame import read_frame
from novate.errors import InputError, RowFault
from novate.units import format_instant

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

ALIASES: dict[str, tuple[str, ...]] = {
    "open_time": ("calc_time", "date", "instant"),
    "symbol": ("symbol",),
    "rate": ("last_funding_rate", "funding_rate"),
}
RATE_MAX_E8 = 10**7
"""Largest funding rate accepted: 10 % per period; venues clip at a fraction of that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingTable:
    """Funding payments, one row per symbol and instant, sorted by (instant, symbol).

    Attributes
    ----------
    symbols
        Names; ``symbol`` holds positions in this tuple.
    instant_ns
        Int64 ``[n]``: when the payment was made.
    symbol
        Int32 ``[n]``.
    rate_e8
        Int64 ``[n]``: fraction of the notional, 1e-8; positive = longs pay shorts.
    duplicates
        Rows dropped because an equal row was there.
    """

    symbols: tuple[str, ...]
    instant_ns: I64
    symbol: I32
    rate_e8: I64
    duplicates: int

    def __len__(self) -> int:
        return len(self.instant_ns)


def load_funding(
    paths: Iterable[Path | str],
    symbols: Sequence[str],
    start_ns: int,
    end_ns: int,
    quarantine: Report,
) -> FundingTable:
    """Read funding rates paid in ``[start_ns, end_ns)``.

    Parameters
    ----------
    paths
        Parquet or CSV with ``symbol, date, funding_rate``, or Binance's funding archives
        (``calc_time, funding_interval_hours, last_funding_rate``, symbol in the file's name).
    symbols
        Wanted symbols; a symbol without a payment in the window has no row.
    start_ns, end_ns
        Window, nanoseconds since 1970 UTC.
    quarantine
        Called once for each row that is left out.

    Raises
    ------
    InputError
        If a file as a whole cannot be trusted.
    """
    order = {name: position for position, name in enumerate(symbols)}
    found: dict[tuple[int, int], tuple[int, str, int]] = {}
    contradicted: set[tuple[int, int]] = set()
    duplicates = 0
    files = [Path(path) for path in paths]
    if not files:
        message = "no funding file; allowed: at least one"
        raise InputError(message)
    for path in files:
        for row, instant, symbol, rate in _rows(path, order, (start_ns, end_ns), quarantine):
            key = (instant, symbol)
            if key not in found:
                found[key] = (rate, str(path), row)
            elif found[key][0] == rate:
                duplicates += 1
            else:
                contradicted.add(key)
                _, other, other_row = found[key]
                allowed = f"the rate of row {other_row} of {other} ({format_instant(instant)})"
                quarantine(RowFault(str(path), row, "rate", str(rate), allowed))
    keys = sorted(key for key in found if key not in contradicted)
    return FundingTable(
        symbols=tuple(symbols),
        instant_ns=np.array([key[0] for key in keys], np.int64),
        symbol=np.array([key[1] for key in keys], np.int32),
        rate_e8=np.array([found[key][0] for key in keys], np.int64),
        duplicates=duplicates,
    )


def _rows(
    path: Path, order: dict[str, int], window: tuple[int, int], report: Report
) -> list[tuple[int, int, int, int]]:
    """Return (row, instant, symbol, rate) of the wanted rows of one file."""
    frame = read_frame(path, ALIASES, ("open_time", "rate"), report, headless=None)
    stamped = stamp(frame, report)
    is_wanted = np.fromiter((name in order for name in stamped.names), np.bool_)
    is_wanted &= (stamped.open_ns >= window[0]) & (stamped.open_ns < window[1])
    index = stamped.index[is_wanted]
    array = frame.columns["rate"].take(pa.array(index))
    rates = scale_column(frame.file, "rate", array, (-RATE_MAX_E8, RATE_MAX_E8))
    keys = zip(stamped.open_ns[is_wanted].tolist(), stamped.names[is_wanted], strict=True)
    rows = []
    for position, (instant, name) in enumerate(keys):
        row = int(frame.row[index[position]])
        if not rates.is_present[position]:
            report(RowFault(frame.file, row, "rate", "", "a rate"))
        elif position in rates.faults:
            report(RowFault(frame.file, row, "rate", *rates.faults[position]))
        else:
            rows.append((row, instant, order[name], int(rates.values[position])))
    return rows
