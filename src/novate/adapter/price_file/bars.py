"""Bars of one file: read, checked cell by cell and bar by bar."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from novate.adapter.price_file.cells import Scaled, instant_column, scale_column
from novate.adapter.price_file.format.form import Report
from novate.adapter.price_file.frame import Frame
from novate.adapter.price_file.table import PriceOptions
from novate.errors import InputError, RowFault
from novate.units import DAY, SECOND, Rounding, format_decimal, format_instant

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

CORNERS = ("open", "high", "low", "close")
ALIASES: dict[str, tuple[str, ...]] = {
    "open_time": ("open_time", "date", "instant"),
    "symbol": ("symbol",),
    **{name: (name,) for name in CORNERS},
    **{f"mark_{name}": (f"mark_{name}",) for name in CORNERS},
    "volume": ("volume", "volume_base", "volume_btc"),
    "close_time": ("close_time",),
}
REQUIRED = ("open_time", *CORNERS, "volume")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """Checked bars in file order.

    Attributes
    ----------
    file
        Int64 ``[n]``: position of the file in the list of files.
    row
        Int64 ``[n]``: row number inside that file.
    open_ns, symbol
        Key of the bar.
    last, mark
        Int64 ``[n, 4]``: open, high, low, close, 1e-8.
    has_mark
        Bool ``[n]``.
    volume
        Int64 ``[n]``, 1e-8 base units.
    """

    file: I64
    row: I64
    open_ns: I64
    symbol: I32
    last: I64
    mark: I64
    has_mark: Mask
    volume: I64

    def take(self, chosen: I64 | Mask) -> Bars:
        """Return chosen rows."""
        return Bars(
            file=self.file[chosen],
            row=self.row[chosen],
            open_ns=self.open_ns[chosen],
            symbol=self.symbol[chosen],
            last=self.last[chosen],
            mark=self.mark[chosen],
            has_mark=self.has_mark[chosen],
            volume=self.volume[chosen],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamped:
    """Rows of a file with readable key, before prices are read.

    Attributes
    ----------
    index
        Int64: positions in the frame.
    open_ns
        Int64: opens.
    names
        Symbol of each row.
    """

    index: I64
    open_ns: I64
    names: npt.NDArray[np.object_]


def stamp(frame: Frame, report: Report) -> Stamped:
    """Read time and symbol of every row.

    Raises
    ------
    InputError
        If the file has neither a symbol column nor a symbol in its name, or times that cannot be
        trusted (see `instant_column`).
    """
    instants = instant_column(frame.file, "open_time", frame.columns["open_time"])
    is_usable = np.ones(len(frame.row), np.bool_)
    _report(frame, "open_time", np.arange(len(frame.row)), instants, is_usable, report)
    if "symbol" in frame.columns:
        text = pc.cast(frame.columns["symbol"], pa.string())
        names = np.array(text.to_pylist(), dtype=object)
    elif frame.symbol is not None:
        names = np.full(len(frame.row), frame.symbol, dtype=object)
    else:
        message = (
            f"{frame.file}: no symbol; allowed: a column 'symbol' or a file name such as "
            "BTCUSDT-1h-2021-05.zip"
        )
        raise InputError(message)
    for position in np.flatnonzero(is_usable & (names == None)):  # noqa: E711  elementwise
        report(RowFault(frame.file, int(frame.row[position]), "symbol", "", "a symbol"))
        is_usable[position] = False
    index = np.flatnonzero(is_usable)
    if len(index) == 0:
        message = f"{frame.file}: no row has a readable time and symbol"
        raise InputError(message)
    return Stamped(index=index, open_ns=instants.values[index], names=names[index])


def interval_of(frame: Frame, stamped: Stamped) -> int | None:
    """Return the bar length of a file: the most frequent distance between neighbouring opens.

    Returns
    -------
    int or None
        Nanoseconds; None when no symbol has two bars and the name says nothing.

    Raises
    ------
    InputError
        If the length differs from the one in the file's name, is no whole number of seconds, or
        does not divide a day.
    """
    distances = []
    for name in sorted(set(stamped.names)):
        opens = np.unique(stamped.open_ns[stamped.names == name])
        distances.append(np.diff(opens))
    found, counts = np.unique(np.concatenate(distances), return_counts=True)
    if len(found) == 0:
        return frame.interval_ns
    # The smallest wins a tie, so that a gap in a very short file is not taken for the length.
    interval = int(found[np.argmax(counts)])
    if frame.interval_ns not in {None, interval}:
        message = (
            f"{frame.file}: bars are {interval / SECOND:g} s long; "
            f"allowed: {(frame.interval_ns or 0) / SECOND:g} s, as the name says"
        )
        raise InputError(message)
    if interval % SECOND or DAY % interval:
        message = (
            f"{frame.file}: bars are {interval / SECOND:g} s long; allowed: a divisor of a day"
        )
        raise InputError(message)
    return interval


def _report(
    frame: Frame, column: str, index: I64, scaled: Scaled, is_usable: Mask, report: Report
) -> None:
    """Report the faults of a column whose row k is frame row ``index[k]``, each row once."""
    for position, (value, allowed) in sorted(scaled.faults.items()):
        if is_usable[position]:
            row = int(frame.row[index[position]])
            report(RowFault(frame.file, row, column, value, allowed))
            is_usable[position] = False


@dataclass(slots=True, kw_only=True)
class BarReader:
    """Reads the prices of chosen rows of one frame; each bad row is reported once and dropped.

    Attributes
    ----------
    frame
        The file.
    index
        Int64 ``[n]``: chosen positions in the frame.
    options, report
        As given to `load_prices`.
    is_usable
        Bool ``[n]``: rows without fault so far.
    """

    frame: Frame
    index: I64
    options: PriceOptions
    report: Report
    is_usable: Mask

    def read(self, file: int, open_ns: I64, symbol: I32, interval_ns: int) -> Bars:
        """Return the usable bars of the chosen rows.

        Parameters
        ----------
        file
            Position of the file in the list of files.
        open_ns, symbol
            Keys of the chosen rows.
        interval_ns
            Length of every bar.
        """
        self._check_grid(open_ns, interval_ns)
        last, has_last = self._corners("")
        self._reject_absent(~has_last, "close", "four prices")
        mark, has_mark = last, has_last
        if not self.frame.is_mark:
            mark, has_mark = self._corners("mark_")
        volume = self._scaled("volume", (0, self.options.volume_max_e8), Rounding.HALF_UP)
        self._reject_absent(~volume.is_present, "volume", "a volume of at least 0")
        if self.frame.is_mark:
            last = np.zeros_like(mark)
        bars = Bars(
            file=np.full(len(self.index), file, np.int64),
            row=self.frame.row[self.index],
            open_ns=open_ns,
            symbol=symbol,
            last=last,
            mark=mark,
            has_mark=has_mark,
            volume=volume.values,
        )
        return bars.take(self.is_usable)

    def _scaled(
        self, column: str, bounds: tuple[int, int], rounding: Rounding = Rounding.EXACT
    ) -> Scaled:
        array = self.frame.columns[column].take(pa.array(self.index))
        scaled = scale_column(self.frame.file, column, array, bounds, rounding)
        _report(self.frame, column, self.index, scaled, self.is_usable, self.report)
        return scaled

    def _reject(self, position: int, column: str, value: str, allowed: str) -> None:
        if self.is_usable[position]:
            row = int(self.frame.row[self.index[position]])
            self.report(RowFault(self.frame.file, row, column, value, allowed))
            self.is_usable[position] = False

    def _reject_absent(self, is_absent: Mask, column: str, allowed: str) -> None:
        for position in np.flatnonzero(is_absent):
            self._reject(int(position), column, "", allowed)

    def _check_grid(self, open_ns: I64, interval_ns: int) -> None:
        for position in np.flatnonzero(open_ns % interval_ns):
            value = format_instant(int(open_ns[position]))
            allowed = f"a multiple of {interval_ns // SECOND} s"
            self._reject(int(position), "open_time", value, allowed)
        if "close_time" not in self.frame.columns:
            return
        array = self.frame.columns["close_time"].take(pa.array(self.index))
        closes = instant_column(self.frame.file, "close_time", array)
        _report(self.frame, "close_time", self.index, closes, self.is_usable, self.report)
        # Archives name the last millisecond or microsecond of the bar, not its end.
        early = open_ns + interval_ns - closes.values
        for position in np.flatnonzero((early < 0) | (early > SECOND)):
            value = format_instant(int(closes.values[position]))
            allowed = f"the end of a bar of {interval_ns // SECOND} s"
            self._reject(int(position), "close_time", value, allowed)

    def _corners(self, prefix: str) -> tuple[I64, Mask]:
        """Return (int64 [n, 4], bool [n]: all four are there), and report inconsistent bars."""
        count = len(self.index)
        if f"{prefix}open" not in self.frame.columns:
            return np.zeros((count, 4), np.int64), np.zeros(count, np.bool_)
        corners = np.zeros((count, 4), np.int64)
        is_present = np.zeros((count, 4), np.bool_)
        for k, name in enumerate(CORNERS):
            if prefix + name not in self.frame.columns:
                message = f"{self.frame.file}: column {prefix + name} missing beside {prefix}open"
                raise InputError(message)
            scaled = self._scaled(prefix + name, (1, self.options.price_max_e8))
            corners[:, k], is_present[:, k] = scaled.values, scaled.is_present
        is_whole: Mask = np.logical_and.reduce(is_present, axis=1)
        is_partial: Mask = np.logical_or.reduce(is_present, axis=1) & ~is_whole
        self._reject_absent(is_partial, f"{prefix}open", "four prices")
        # A failed cell holds zero; its row is out already, so it is not judged twice.
        for k, name, extreme, word in (
            (1, "high", corners.max(axis=1), "at least"),
            (2, "low", corners.min(axis=1), "at most"),
        ):
            for position in np.flatnonzero(is_whole & (corners[:, k] != extreme)):
                value = format_decimal(int(corners[position, k]), 8)
                bound = format_decimal(int(extreme[position]), 8)
                self._reject(int(position), prefix + name, value, f"{word} {bound}")
        return corners, is_whole
