"""Tables that the price readers return."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from novate.adapter.price_file.format import CATALOGUE, FileFormat

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceOptions:
    """How strictly prices are read.

    Attributes
    ----------
    price_max_e8
        Largest price accepted, 1e-8 numeraire; a larger one is a slipped decimal point.
    volume_max_e8
        Largest volume of a bar accepted, 1e-8 units.
    quote_volume
        Symbols whose files state volume in the quote currency (some venues do); it is converted
        at the bar's close.
    formats
        What may be read; the first that recognises a file reads it.
    """

    price_max_e8: int = 10**16
    volume_max_e8: int = 10**18
    quote_volume: frozenset[str] = field(default_factory=frozenset)
    formats: tuple[FileFormat, ...] = CATALOGUE


@dataclass(frozen=True, slots=True)
class Gap:
    """Bars that are missing: opens from ``start_ns`` (inclusive) to ``end_ns`` (exclusive)."""

    symbol: str
    start_ns: int
    end_ns: int
    bars: int


@dataclass(frozen=True, slots=True)
class BarCount:
    """Last-trade bars of a symbol: in the window, found in it, and rows found outside it."""

    symbol: str
    expected: int
    present: int
    outside: int

    @property
    def missing(self) -> int:
        """Bars of the window that no usable row gives."""
        return self.expected - self.present


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceReview:
    """What happened while reading.

    Attributes
    ----------
    files
        Files read, as given.
    rows
        Rows of the wanted symbols and window that were found, before any was left out.
    duplicates
        Rows dropped because an equal row was there.
    reordered
        Rows that stood after a later bar of the same symbol in their file; they were sorted in.
    mark_only
        Mark bars dropped because their last-trade bar is missing.
    quarantined
        Faults reported.
    gaps
        Missing bars per symbol, the edges of the window included.
    bars
        Bars per symbol, in the order of ``PriceTable.symbols``.
    """

    files: tuple[str, ...]
    rows: int
    duplicates: int
    reordered: int
    mark_only: int
    quarantined: int
    gaps: tuple[Gap, ...]
    bars: tuple[BarCount, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceTable:
    """Bars of several symbols, one row per bar, sorted by (open_ns, symbol).

    Attributes
    ----------
    symbols
        Names; ``symbol`` holds positions in this tuple.
    interval_ns
        Length of every bar.
    open_ns, close_ns
        Int64 ``[n]``: first instant of the bar, and the instant at which it is complete
        (``open_ns + interval_ns``).
    symbol
        Int32 ``[n]``.
    last
        Int64 ``[n, 4]``: open, high, low, close of the last-trade price, 1e-8 numeraire.
    mark
        Int64 ``[n, 4]``: the same of the mark price; zero where ``has_mark`` is false.
    has_mark
        Bool ``[n]``.
    volume
        Int64 ``[n]``: traded volume, 1e-8 units of the base coin.
    review
        Counts and gaps.
    """

    symbols: tuple[str, ...]
    interval_ns: int
    open_ns: I64
    close_ns: I64
    symbol: I32
    last: I64
    mark: I64
    has_mark: Mask
    volume: I64
    review: PriceReview

    def __len__(self) -> int:
        return len(self.open_ns)
