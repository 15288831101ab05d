"""Prices as the engine will see them: instants, source reports, venue prices, and depth.

A bar is known when it closes; inside it prices follow the declared path (`simulation.path`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from novate.adapter.price_file import PriceTable
from novate.app.replay.venue import Venue
from novate.canonical import Run
from novate.errors import InputError
from novate.message import command
from novate.message.parameter import MINUTE, SETTINGS, Parameter, set_parameter
from novate.simulation.crash_day import MINUTE_NS, CrashDay
from novate.simulation.path import PathOrder, intrabar_path, offset_ns

I64 = npt.NDArray[np.int64]
PAR_E8 = 100_000_000
QUIET_PPM = 10_000
"""Range of a bar of a generated day up to which only its close is taken."""


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


@dataclass(frozen=True, slots=True)
class Source:
    """A source of index prices: its name, and the asset that it prices."""

    name: str
    asset: int


@dataclass(frozen=True, slots=True)
class Feed:
    """Steps of a run; iterate to get them one at a time.

    Attributes
    ----------
    bar_ns, bars
        Length of a bar, and how many there are.
    sources
        Index sources, by number.
    instant_ns
        Instants of the steps, ascending, shape (steps,).
    source, price_e8, observed_ns
        Reports of each step, see `Step`.
    last_e8, volume_e8, range_ppm
        Per contract, shape (steps, contracts), see `Step`.
    is_bar_end
        Shape (steps,).
    opening_e8
        Price of each contract at the opening, shape (contracts,).
    """

    bar_ns: int
    bars: int
    sources: tuple[Source, ...]
    instant_ns: I64
    source: Sequence[I64]
    price_e8: Sequence[I64]
    observed_ns: Sequence[I64]
    last_e8: I64
    volume_e8: I64
    range_ppm: I64
    is_bar_end: npt.NDArray[np.bool_]
    opening_e8: I64

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

    @property
    def step_ns(self) -> int:
        """Longest time between two steps."""
        return int(np.diff(self.instant_ns).max(initial=0))

    def opening(self, rules: Mapping[str, Any]) -> list[Run]:
        """Return the commands that declare its sources, and give orders time for its steps.

        An order lives for two answers of the market at least, which answers once in a step.

        Parameters
        ----------
        rules
            Parameters under which the venue runs.

        Raises
        ------
        InputError
            If an asset has fewer sources than its index needs: it would be stale for ever.
        """
        _require_sources(self.sources, rules["index"]["sources_min"])
        declared = [
            command.DECLARE_SOURCE.row(symbol=source.name, asset=source.asset, weight=1)
            for source in self.sources
        ]
        life = rules["liquidation"]["order_minutes"] * MINUTE
        least = 2 * (self.step_ns + rules["agent"]["latency_ms"] * 1_000_000)
        if life == 0 or life >= least:
            return declared
        value = least if least <= SETTINGS[Parameter.ORDER_LIFE_NS].maximum else 0
        row = set_parameter(Parameter.ORDER_LIFE_NS, value)
        return [*declared, row]


def make_feed(
    prices: PriceTable | CrashDay, venue: Venue, *, order: PathOrder, points: int
) -> Feed:
    """Return the steps of price files or of a generated day.

    Parameters
    ----------
    prices
        Bars, or the day.
    venue
        Its contracts take part.
    order, points
        Which extreme of a bar comes first, and how many prices a bar gives.

    Raises
    ------
    InputError
        If no bar has a price of every contract.
    """
    if isinstance(prices, PriceTable):
        return file_feed(prices, venue, order=order, points=points)
    return day_feed(prices, venue, order=order, points=points)


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


def file_feed(table: PriceTable, venue: Venue, *, order: PathOrder, points: int) -> Feed:
    """Return the steps of price files.

    The mark column stands in for the index where the file has one, else the last price does; an
    asset without bars that is held as collateral is reported at par.
    """
    opens, grid = _grid(table, venue)
    bars = len(opens)
    index = _path(grid["mark"], order, points)
    instants = (opens[:, None] + offset_ns(points, table.interval_ns)[None, :]).reshape(-1)
    low = np.maximum(grid["last"][..., 2], 1)
    width = (grid["last"][..., 1] - low) * 1_000_000 // low
    priced = _first_contract(venue)
    at_par = [asset for asset in range(1, len(venue.assets)) if asset not in priced]
    sources = (
        *(Source(f"file:{venue.assets[asset]}", asset) for asset in priced),
        *(Source(f"par:{venue.assets[asset]}", asset) for asset in at_par),
    )
    first, par = list(priced.values()), np.full(len(at_par), PAR_E8)
    number = np.arange(len(sources))
    ends = np.zeros((bars, points), np.bool_)
    ends[:, -1] = True
    return Feed(
        bar_ns=table.interval_ns,
        bars=bars,
        sources=sources,
        instant_ns=instants,
        source=[number] * len(instants),
        price_e8=[np.concatenate((row[first], par)) for row in index],
        observed_ns=[np.full(len(sources), at, np.int64) for at in instants],
        last_e8=_path(grid["last"], order, points),
        volume_e8=np.repeat(grid["volume"], points, axis=0),
        range_ppm=np.repeat(width, points, axis=0),
        is_bar_end=ends.reshape(-1),
        opening_e8=grid["last"][0, :, 0].copy(),
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


def day_feed(
    day: CrashDay, venue: Venue, *, order: PathOrder, points: int, quiet_ppm: int = QUIET_PPM
) -> Feed:
    """Return the steps of a generated day.

    Index sources report at the end of each minute.  A bar whose range exceeds ``quiet_ppm`` takes
    its venue prices along the path; a quieter one only closes.
    """
    prices = day.prices
    coin = {symbol: k for k, symbol in enumerate(prices.symbols)}
    wanted = [coin[venue.assets[contract.asset]] for contract in venue.contracts]
    grid = {name: prices.grid(f"{name}_e8")[:, wanted] for name in ("open", "high", "low", "close")}
    path = intrabar_path(
        grid["open"], grid["high"], grid["low"], grid["close"], order=order, points=points
    )
    width = (grid["high"] - grid["low"]) * 1_000_000 // grid["low"]
    opens = prices.grid("open_ns")[:, 0]
    # Which points of which bars are steps: the last of each, and the others of wide ones.
    is_taken = np.repeat((width.max(axis=1) > quiet_ppm)[:, None], points, axis=1)
    is_taken[:, -1] = True
    of_bar, point = np.nonzero(is_taken)
    is_end = point == points - 1
    sources, reports = _day_reports(day, venue, opens + MINUTE_NS)
    nothing = _Reports(*[np.empty(0, np.int64)] * 3)
    taken = [reports[bar] if end else nothing for bar, end in zip(of_bar, is_end, strict=True)]
    return Feed(
        bar_ns=MINUTE_NS,
        bars=len(opens),
        sources=sources,
        instant_ns=opens[of_bar] + (point + 1) * MINUTE_NS // points,
        source=[one.source for one in taken],
        price_e8=[one.price_e8 for one in taken],
        observed_ns=[one.observed_ns for one in taken],
        last_e8=path[of_bar, :, point],
        volume_e8=prices.grid("volume_e8")[:, wanted][of_bar],
        range_ppm=width[of_bar],
        is_bar_end=is_end,
        opening_e8=grid["open"][0].copy(),
    )


def _require_sources(sources: tuple[Source, ...], least: int) -> None:
    """Stop unless every asset that has a source has as many as an index needs."""
    of_asset = Counter(source.asset for source in sources)
    few = sorted(asset for asset, number in of_asset.items() if number < least)
    if few:
        name = next(source.name for source in sources if source.asset == few[0])
        raise InputError(
            f"index.sources_min is {least}, and {name!r} is one of {of_asset[few[0]]} sources of"
            " its asset: a parameter file for fewer sources says so"
        )


class _Reports(NamedTuple):
    """What sources reported at one instant, see `Step`."""

    source: I64
    price_e8: I64
    observed_ns: I64


def _day_reports(
    day: CrashDay, venue: Venue, instants: I64
) -> tuple[tuple[Source, ...], list[_Reports]]:
    """Sources of every coin that is an asset, and what they reported at each instant."""
    reports = day.reports
    each = int(reports.source.max()) + 1
    number = np.full((len(day.prices.symbols), each), -1, np.int64)
    sources: list[Source] = []
    for coin, symbol in enumerate(day.prices.symbols):
        if symbol in venue.assets:
            number[coin] = len(sources) + np.arange(each)
            asset = venue.asset(symbol)
            sources.extend(Source(f"feed-{k + 1}:{symbol}", asset) for k in range(each))
    source = number[reports.symbol, reports.source]
    first = np.searchsorted(reports.instant_ns, instants)
    until = np.searchsorted(reports.instant_ns, instants, side="right")
    found = []
    for start, end in zip(first.tolist(), until.tolist(), strict=True):
        rows = start + np.flatnonzero(source[start:end] >= 0)
        found.append(_Reports(source[rows], reports.price_e8[rows], reports.observed_ns[rows]))
    return tuple(sources), found
