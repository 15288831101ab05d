"""Put the bars of several files together: window, duplicates, order, gaps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from novate.adapter.price_file.bars import (
    ALIASES,
    CORNERS,
    REQUIRED,
    BarReader,
    Bars,
    Stamped,
    interval_of,
    stamp,
)
from novate.adapter.price_file.format.form import Report
from novate.adapter.price_file.frame import Frame, read_frame
from novate.adapter.price_file.table import BarCount, Gap, PriceOptions, PriceReview, PriceTable
from novate.errors import InputError, RowFault
from novate.units import PRICE_DECIMALS, SECOND, format_decimal, format_instant, muldiv_half_up

I64 = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

DEFAULT_OPTIONS = PriceOptions()


class _Counter:
    """Pass faults on and count them."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.count = 0

    def __call__(self, fault: RowFault) -> None:
        self.count += 1
        self.report(fault)


def load_prices(
    paths: Iterable[Path | str],
    symbols: Sequence[str],
    start_ns: int,
    end_ns: int,
    quarantine: Report,
    options: PriceOptions = DEFAULT_OPTIONS,
) -> PriceTable:
    """Read price bars whose open lies in ``[start_ns, end_ns)``.

    Parameters
    ----------
    paths
        Parquet, CSV or zip files; see the package's description.  A path with ``markPrice`` in it
        holds mark prices, which are joined to the last-trade bars of the same symbol and open.
    symbols
        Wanted symbols; an empty sequence takes every symbol found.
    start_ns, end_ns
        Window of opens, nanoseconds since 1970 UTC.
    quarantine
        Called once for each row that is left out.
    options
        Limits, symbols whose volume is stated in the quote currency, and the formats.

    Raises
    ------
    InputError
        If a file as a whole cannot be trusted, the files differ in bar length, or a wanted symbol
        has no bar in the window.
    """
    counter = _Counter(quarantine)
    files = [Path(path) for path in paths]
    if not files or end_ns <= start_ns:
        message = f"{len(files)} files, window {start_ns} to {end_ns}; allowed: files, start < end"
        raise InputError(message)
    frames = _frames(files, counter, options)
    stamps = [stamp(frame, counter) for frame in frames]
    interval = _common_interval(frames, stamps)
    names = tuple(dict.fromkeys(symbols)) or _all_symbols(stamps)
    chunks, reordered = [], 0
    for k, (frame, stamped) in enumerate(zip(frames, stamps, strict=True)):
        chosen = _window(stamped, names, start_ns, end_ns)
        order = {name: position for position, name in enumerate(names)}
        symbol = np.array([order[name] for name in stamped.names[chosen]], np.int32)
        open_ns = stamped.open_ns[chosen]
        reordered += _out_of_order(open_ns, symbol)
        reader = BarReader(
            frame=frame,
            index=stamped.index[chosen],
            options=options,
            report=counter,
            is_usable=np.ones(len(open_ns), np.bool_),
        )
        chunks.append(reader.read(k, open_ns, symbol, interval))
    is_mark = [frame.is_mark for frame in frames]
    found = sum(len(chunk.row) for chunk in chunks)
    rows = found + counter.count
    last, dropped = _unique(_joined(chunks, is_mark, False), files, counter)
    mark, dropped_mark = _unique(_joined(chunks, is_mark, True), files, counter)
    bars, mark_only = _with_marks(last, mark)
    _require_all(names, bars, stamps, files, (start_ns, end_ns))
    return PriceTable(
        symbols=names,
        interval_ns=interval,
        open_ns=bars.open_ns,
        close_ns=bars.open_ns + interval,
        symbol=bars.symbol,
        last=bars.last,
        mark=bars.mark,
        has_mark=bars.has_mark,
        volume=_base_volume(bars, names, options),
        review=PriceReview(
            files=tuple(str(path) for path in files),
            rows=rows,
            duplicates=dropped + dropped_mark,
            reordered=reordered,
            mark_only=mark_only,
            quarantined=counter.count,
            gaps=_gaps(bars, names, interval, (start_ns, end_ns)),
            bars=_counts(bars, names, interval, (start_ns, end_ns), _of_last(frames, stamps)),
        ),
    )


def _frames(files: list[Path], report: Report, options: PriceOptions) -> list[Frame]:
    known = options.formats
    return [read_frame(path, ALIASES, REQUIRED, report, formats=known) for path in files]


def _common_interval(frames: list[Frame], stamps: list[Stamped]) -> int:
    found: dict[int, str] = {}
    for frame, stamped in zip(frames, stamps, strict=True):
        interval = interval_of(frame, stamped)
        if interval is not None:
            found.setdefault(interval, frame.file)
    if len(found) != 1:
        lengths = {file: f"{interval // SECOND} s" for interval, file in found.items()}
        message = f"bar lengths {lengths or 'unknown (one bar per symbol)'}; allowed: exactly one"
        raise InputError(message)
    return next(iter(found))


def _all_symbols(stamps: list[Stamped]) -> tuple[str, ...]:
    return tuple(sorted({name for stamped in stamps for name in set(stamped.names)}))


def _window(stamped: Stamped, names: tuple[str, ...], start_ns: int, end_ns: int) -> Mask:
    wanted = frozenset(names)
    is_wanted = np.fromiter((name in wanted for name in stamped.names), np.bool_)
    chosen: Mask = is_wanted & (stamped.open_ns >= start_ns) & (stamped.open_ns < end_ns)
    return chosen


def _out_of_order(open_ns: I64, symbol: npt.NDArray[np.int32]) -> int:
    late = 0
    for code in np.unique(symbol):
        opens = open_ns[symbol == code]
        late += int(np.count_nonzero(opens < np.maximum.accumulate(opens)))
    return late


def _joined(chunks: list[Bars], is_mark: list[bool], wanted: bool) -> Bars:
    chosen = [chunk for chunk, flag in zip(chunks, is_mark, strict=True) if flag is wanted]
    if not chosen:
        return chunks[0].take(np.zeros(len(chunks[0].row), np.bool_))
    return Bars(
        **{
            name: np.concatenate([getattr(chunk, name) for chunk in chosen])
            for name in Bars.__slots__
        }
    )


def _unique(bars: Bars, files: list[Path], report: Report) -> tuple[Bars, int]:
    """Sort by (open, symbol) and leave one of equal bars, none of contradicting ones."""
    bars = bars.take(np.lexsort((bars.row, bars.file, bars.symbol, bars.open_ns)))
    count = len(bars.row)
    if count == 0:
        return bars, 0
    same = (np.diff(bars.open_ns) == 0) & (np.diff(bars.symbol) == 0)
    first = np.concatenate(([0], np.flatnonzero(~same) + 1))
    group = np.concatenate(([0], np.cumsum(~same)))
    content = np.column_stack((bars.last, bars.mark, bars.has_mark, bars.volume)).astype(np.int64)
    differs = content != content[first[group]]
    is_conflict = np.zeros(len(first), np.bool_)
    is_conflict[group[differs.any(axis=1)]] = True
    ends = np.concatenate((first[1:], [count]))
    for k in np.flatnonzero(is_conflict):
        _report_conflict(bars, content, range(int(first[k]), int(ends[k])), files, report)
    kept = first[~is_conflict]
    dropped = int(np.count_nonzero(~is_conflict[group])) - len(kept)
    return bars.take(kept), dropped


def _report_conflict(
    bars: Bars,
    content: I64,
    members: range,
    files: list[Path],
    report: Report,
) -> None:
    """Report every bar of one (open, symbol): nothing says which of them is right."""
    names = (*CORNERS, *(f"mark_{name}" for name in CORNERS), "mark", "volume")
    column = int(
        np.flatnonzero(
            (content[members.start : members.stop] != content[members.start]).any(axis=0)
        )[0]
    )
    for position in members:
        other = members[0] if position != members[0] else members[1]
        allowed = (
            f"the same bar as row {bars.row[other]} of {files[bars.file[other]]} "
            f"({format_instant(int(bars.open_ns[position]))})"
        )
        value = format_decimal(int(content[position, column]), PRICE_DECIMALS)
        file = str(files[bars.file[position]])
        report(RowFault(file, int(bars.row[position]), names[column], value, allowed))


def _with_marks(last: Bars, mark: Bars) -> tuple[Bars, int]:
    """Attach separate mark bars to the last-trade bars of the same key."""
    place = {
        key: position
        for position, key in enumerate(
            zip(last.open_ns.tolist(), last.symbol.tolist(), strict=True)
        )
    }
    mark_only = 0
    for k, key in enumerate(zip(mark.open_ns.tolist(), mark.symbol.tolist(), strict=True)):
        position = place.get(key)
        if position is None:
            mark_only += 1
        else:
            last.mark[position] = mark.mark[k]
            last.has_mark[position] = True
    return last, mark_only


def _require_all(
    names: tuple[str, ...],
    bars: Bars,
    stamps: list[Stamped],
    files: list[Path],
    window: tuple[int, int],
) -> None:
    for code, name in enumerate(names):
        if np.any(bars.symbol == code):
            continue
        opens = np.concatenate([stamped.open_ns[stamped.names == name] for stamped in stamps])
        if len(opens):
            extent = [format_instant(int(opens.min())), format_instant(int(opens.max()))]
            reason = f"bars from {extent[0]} to {extent[1]}"
        else:
            reason = f"symbols {list(_all_symbols(stamps))}"
        message = (
            f"{[str(path) for path in files]}: no usable bar of {name!r} from "
            f"{format_instant(window[0])} to {format_instant(window[1])}; the files hold {reason}"
        )
        raise InputError(message)


def _base_volume(bars: Bars, names: tuple[str, ...], options: PriceOptions) -> I64:
    volume = bars.volume.copy()
    for code, name in enumerate(names):
        if name in options.quote_volume:
            for position in np.flatnonzero(bars.symbol == code):
                close = int(bars.last[position, 3])
                volume[position] = muldiv_half_up(int(volume[position]), 10**PRICE_DECIMALS, close)
    return volume


def _of_last(frames: list[Frame], stamps: list[Stamped]) -> list[Stamped]:
    return [stamped for frame, stamped in zip(frames, stamps, strict=True) if not frame.is_mark]


def _counts(
    bars: Bars,
    names: tuple[str, ...],
    interval: int,
    window: tuple[int, int],
    stamps: list[Stamped],
) -> tuple[BarCount, ...]:
    start, end = (-(-edge // interval) for edge in window)
    counts = []
    for code, name in enumerate(names):
        outside = 0
        for stamped in stamps:
            opens = stamped.open_ns[np.asarray(stamped.names) == name]
            outside += int(np.count_nonzero((opens < window[0]) | (opens >= window[1])))
        present = int(np.count_nonzero(bars.symbol == code))
        counts.append(BarCount(name, end - start, present, outside))
    return tuple(counts)


def _gaps(
    bars: Bars, names: tuple[str, ...], interval: int, window: tuple[int, int]
) -> tuple[Gap, ...]:
    start, end = (-(-edge // interval) * interval for edge in window)
    gaps = []
    for code, name in enumerate(names):
        opens = bars.open_ns[bars.symbol == code]
        edges = np.concatenate(([start - interval], opens, [end]))
        for k in np.flatnonzero(np.diff(edges) > interval):
            first = int(edges[k]) + interval
            until = int(edges[k + 1])
            gaps.append(Gap(name, first, until, (until - first) // interval))
    return tuple(gaps)
