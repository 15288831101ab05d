"""Prices as the engine will see them: instants, source reports, venue prices, and depth.

A bar is known when it closes; what happened inside it follows the declared path (`stress.path`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from novate.adapter.price_file import PriceTable
from novate.app.replay.venue import Venue, source_row
from novate.canonical import Run
from novate.errors import InputError
from novate.simulation import crash_day as day_module
from novate.simulation.path import PathOrder, intrabar_path, offset_ns

I64 = npt.NDArray[np.int64]
PAR_E8 = 100_000_000


@dataclass(frozen=True, slots=True)
class Step:
    """One instant of a replay.

    ``source``, ``price_e8``, ``observed_ns``: reports of index sources, shape (reports,).
    ``last_e8``, ``volume_e8``, ``range_ppm``: per contract: venue price, volume of the bar in 1e-8
    base units, and high / low - 1 of the bar.  ``is_bar_end`` marks the last instant of a bar.
    """

    instant_ns: int
    source: I64
    price_e8: I64
    observed_ns: I64
    last_e8: I64
    volume_e8: I64
    range_ppm: I64
    is_bar_end: bool


@dataclass(slots=True)
class Feed:
    """Steps of a run; iterate to get them one at a time."""

    bar_ns: int
    bars: int
    instant_ns: I64
    source: list[I64]
    price_e8: list[I64]
    observed_ns: list[I64]
    last_e8: I64
    volume_e8: I64
    range_ppm: I64
    is_bar_end: npt.NDArray[np.bool_]
    recent_e8: I64

    def __len__(self) -> int:
        return len(self.instant_ns)

    def __iter__(self) -> Iterator[Step]:
        for k in range(len(self)):
            yield Step(
                int(self.instant_ns[k]),
                self.source[k],
                self.price_e8[k],
                self.observed_ns[k],
                self.last_e8[k],
                self.volume_e8[k],
                self.range_ppm[k],
                bool(self.is_bar_end[k]),
            )


def _grid(table: PriceTable, venue: Venue) -> tuple[I64, dict[str, npt.NDArray[np.int64]]]:
    """Bars as arrays (bars, contracts, ...); bars that a contract lacks are left out for all."""
    wanted = [table.symbols.index(contract.price_symbol) for contract in venue.contracts]
    rows: dict[int, dict[int, int]] = {}
    for row, (open_ns, symbol) in enumerate(zip(table.open_ns, table.symbol, strict=True)):
        rows.setdefault(int(open_ns), {})[int(symbol)] = row
    opens = [at for at, row in sorted(rows.items()) if all(s in row for s in wanted)]
    if not opens:
        raise InputError("no bar has a price of every contract")
    pick = np.array([[rows[at][s] for s in wanted] for at in opens])
    mark = np.where(table.has_mark[pick][..., None], table.mark[pick], table.last[pick])
    return np.array(opens, np.int64), {
        "last": table.last[pick],
        "mark": mark,
        "volume": table.volume[pick],
    }


def file_feed(
    table: PriceTable, venue: Venue, *, order: PathOrder, points: int
) -> tuple[Feed, list[Run]]:
    """Return the steps of price files, and the commands that declare their sources.

    The mark column stands in for the index where the file has one, else the last price does; an
    asset without bars that is held as collateral is reported at par.
    """
    opens, grid = _grid(table, venue)
    bars, contracts = len(opens), len(venue.contracts)
    last = _path(grid["last"], order, points)
    index = _path(grid["mark"], order, points)
    instants = (opens[:, None] + offset_ns(points, table.interval_ns)[None, :]).reshape(-1)
    low = np.maximum(grid["last"][..., 2], 1)
    width = (grid["last"][..., 1] - low) * 1_000_000 // low
    declared, source_of = _file_sources(venue)
    par = [number for name, (number, asset) in venue.sources.items() if name.startswith("par:")]
    source = np.array([*source_of, *par], np.int64)
    prices = [
        np.concatenate((index[k][list(_first_contract(venue).values())], np.full(len(par), PAR_E8)))
        for k in range(bars * points)
    ]
    ends = np.zeros((bars, points), np.bool_)
    ends[:, -1] = True
    return (
        Feed(
            bar_ns=table.interval_ns,
            bars=bars,
            instant_ns=instants,
            source=[source] * len(instants),
            price_e8=prices,
            observed_ns=[np.full(len(source), at, np.int64) for at in instants],
            last_e8=last,
            volume_e8=np.repeat(grid["volume"], points, axis=0),
            range_ppm=np.repeat(width, points, axis=0),
            is_bar_end=ends.reshape(-1),
            recent_e8=np.ascontiguousarray(grid["last"][:1, :, 0]).reshape(1, contracts),
        ),
        declared,
    )


def _path(ohlc: I64, order: PathOrder, points: int) -> I64:
    """Points of each bar in order, shape (bars * points, contracts)."""
    path = intrabar_path(
        ohlc[..., 0], ohlc[..., 1], ohlc[..., 2], ohlc[..., 3], order=order, points=points
    )
    bars, contracts, _ = path.shape
    return np.ascontiguousarray(path.transpose(0, 2, 1).reshape(bars * points, contracts))


def _first_contract(venue: Venue) -> dict[int, int]:
    """First contract of each underlying asset."""
    first: dict[int, int] = {}
    for number, contract in enumerate(venue.contracts):
        first.setdefault(contract.asset, number)
    return first


def _file_sources(venue: Venue) -> tuple[list[Run], list[int]]:
    """Declare one source per underlying, and par for other collateral."""
    runs, numbers = [], []
    priced = _first_contract(venue)
    for asset in priced:
        runs.append(source_row(venue, f"file:{venue.assets[asset]}", asset))
        numbers.append(venue.sources[f"file:{venue.assets[asset]}"][0])
    runs.extend(
        source_row(venue, f"par:{venue.assets[asset]}", asset)
        for asset in range(1, len(venue.assets))
        if asset not in priced
    )
    return runs, numbers


def day_feed(
    day: day_module.CrashDay, venue: Venue, *, order: PathOrder, points: int, quiet_ppm: int
) -> tuple[Feed, list[Run]]:
    """Return the steps of a generated day.

    Index sources report at the end of each minute.  A bar whose range exceeds ``quiet_ppm`` takes
    its venue prices along the path; a quieter one only closes.
    """
    prices, reports = day.prices, day.reports
    coin = {symbol: k for k, symbol in enumerate(prices.symbols)}
    wanted = [coin[venue.assets[contract.asset]] for contract in venue.contracts]
    grid = {name: prices.grid(f"{name}_e8")[:, wanted] for name in ("open", "high", "low", "close")}
    path = intrabar_path(
        grid["open"], grid["high"], grid["low"], grid["close"], order=order, points=points
    )
    width = (grid["high"] - grid["low"]) * 1_000_000 // grid["low"]
    opens = prices.grid("open_ns")[:, 0]
    bar_ns = day_module.MINUTE_NS
    declared, by_source = _day_sources(day, venue)
    feed = Feed(bar_ns, len(opens), *([] for _ in range(9)))  # type: ignore[arg-type]
    instants: list[int] = []
    last: list[I64] = []
    bar_of: list[int] = []
    at = np.searchsorted(reports.instant_ns, opens + bar_ns)
    until = np.searchsorted(reports.instant_ns, opens + bar_ns, side="right")
    nothing = np.empty(0, np.int64)
    for bar in range(len(opens)):
        inner = points - 1 if width[bar].max() > quiet_ppm else 0
        instants.extend(int(opens[bar]) + (k + 1) * bar_ns // points for k in range(inner))
        last.extend(path[bar, :, k] for k in range(inner))
        bar_of.extend([bar] * inner)
        for reported in (feed.source, feed.price_e8, feed.observed_ns):
            reported.extend([nothing] * inner)
        rows = slice(int(at[bar]), int(until[bar]))
        number = by_source[reports.symbol[rows], reports.source[rows]]
        known = number >= 0
        instants.append(int(opens[bar]) + bar_ns)
        last.append(path[bar, :, -1])
        bar_of.append(bar)
        feed.source.append(number[known])
        feed.price_e8.append(reports.price_e8[rows][known])
        feed.observed_ns.append(reports.observed_ns[rows][known])
    of_bar = np.array(bar_of)
    feed.instant_ns = np.array(instants, np.int64)
    feed.last_e8 = np.array(last, np.int64)
    feed.volume_e8 = prices.grid("volume_e8")[:, wanted][of_bar]
    feed.range_ppm = width[of_bar]
    feed.is_bar_end = np.append(of_bar[1:] != of_bar[:-1], True)
    feed.recent_e8 = np.ascontiguousarray(grid["open"][:1])
    return feed, declared


def _day_sources(day: day_module.CrashDay, venue: Venue) -> tuple[list[Run], I64]:
    """Declare every source of every coin that is an asset; returns numbers [coin, source]."""
    sources = int(day.reports.source.max()) + 1
    numbers = np.full((len(day.prices.symbols), sources), -1, np.int64)
    runs = []
    for coin, symbol in enumerate(day.prices.symbols):
        if symbol not in venue.assets:
            continue
        for source in range(sources):
            name = f"feed-{source + 1}:{symbol}"
            runs.append(source_row(venue, name, venue.asset(symbol)))
            numbers[coin, source] = venue.sources[name][0]
    return runs, numbers
