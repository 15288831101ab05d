from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.adapter.price_file import Gap, PriceOptions, PriceTable, load_prices
from novate.errors import InputError, RowFault
from novate.units import DAY, HOUR, MINUTE, format_instant, parse_instant

START = parse_instant("2021-05-19T00:00:00Z")
HEADER = "open_time,symbol,open,high,low,close,volume"


def line(hour: int, symbol: str = "BTCUSDT", close: str = "11") -> str:
    return f"{format_instant(START + hour * HOUR)},{symbol},10,12,9,{close},5"


def write(folder: Path, lines: list[str], name: str = "bars.csv", header: str = HEADER) -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text("\n".join(([header] if header else []) + lines) + "\n")
    return path


def load(
    paths: list[Path], symbols: tuple[str, ...] = ("BTCUSDT",), hours: int = 4
) -> tuple[PriceTable, list[RowFault]]:
    faults: list[RowFault] = []
    return load_prices(paths, symbols, START, START + hours * HOUR, faults.append), faults


def test_bars_are_sorted_by_open_and_symbol_in_the_order_asked_for(tmp_path: Path) -> None:
    lines = [line(h, s) for s in ("BTCUSDT", "ETHUSDT", "XRPUSDT") for h in range(4)]

    table, faults = load([write(tmp_path, lines)], ("ETHUSDT", "BTCUSDT"))

    assert table.symbols == ("ETHUSDT", "BTCUSDT")
    assert table.symbol.tolist() == [0, 1] * 4
    assert (np.diff(table.open_ns) >= 0).all()
    assert (table.close_ns - table.open_ns == HOUR).all()
    assert table.interval_ns == HOUR
    assert (table.review.rows, faults, table.review.gaps) == (8, [], ())


def test_no_symbols_means_all_symbols(tmp_path: Path) -> None:
    lines = [line(h, s) for s in ("ETHUSDT", "BTCUSDT") for h in range(4)]

    assert load([write(tmp_path, lines)], ())[0].symbols == ("BTCUSDT", "ETHUSDT")


@given(seed=st.integers(0, 10**6), repeated=st.lists(st.integers(0, 23), max_size=5))
def test_order_and_equal_duplicates_do_not_change_the_table(
    tmp_path_factory: pytest.TempPathFactory, seed: int, repeated: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("bars")
    lines = [line(h, s) for h in range(24) for s in ("BTCUSDT", "ETHUSDT")]
    shuffled = lines + [lines[k] for k in repeated]
    np.random.default_rng(seed).shuffle(shuffled)
    symbols = ("BTCUSDT", "ETHUSDT")

    clean, _ = load([write(folder, lines)], symbols, 24)
    mixed, faults = load([write(folder, shuffled, "mixed.csv")], symbols, 24)

    for name in ("open_ns", "close_ns", "symbol", "last", "mark", "has_mark", "volume"):
        assert (getattr(mixed, name) == getattr(clean, name)).all()
    assert (mixed.review.duplicates, faults) == (len(repeated), [])


def test_rows_out_of_order_are_counted(tmp_path: Path) -> None:
    table, _ = load([write(tmp_path, [line(h) for h in (0, 2, 1, 3)])])

    assert table.review.reordered == 1


def test_contradicting_duplicates_are_all_left_out(tmp_path: Path) -> None:
    lines = [line(0), line(1), line(1, close="11.5"), line(1), line(2), line(3)]

    table, faults = load([write(tmp_path, lines)])

    assert [(fault.row, fault.column) for fault in faults] == [
        (3, "close"),
        (4, "close"),
        (5, "close"),
    ]
    assert "the same bar as row 4" in faults[0].allowed
    assert table.review.gaps == (Gap("BTCUSDT", START + HOUR, START + 2 * HOUR, 1),)


def test_missing_bars_are_listed_with_the_edges_of_the_window(tmp_path: Path) -> None:
    table, _ = load([write(tmp_path, [line(h) for h in (1, 2, 5)])], hours=8)

    assert table.review.gaps == (
        Gap("BTCUSDT", START, START + HOUR, 1),
        Gap("BTCUSDT", START + 3 * HOUR, START + 5 * HOUR, 2),
        Gap("BTCUSDT", START + 6 * HOUR, START + 8 * HOUR, 2),
    )


def test_several_files_make_one_table(tmp_path: Path) -> None:
    first = write(tmp_path, [line(h) for h in (0, 1)], "a.csv")
    second = write(tmp_path, [line(h) for h in (1, 2, 3)], "b.csv")

    table, _ = load([first, second])

    assert len(table) == 4
    assert table.review.duplicates == 1


def kline(hour: int, scale: int = 1, close: str = "11", volume: str = "5") -> str:
    opened = (START // 10**6 + hour * 3_600_000) * scale
    return f"{opened},10,12,9,{close},{volume},{opened + 3_600_000 * scale - 1},1,1,1,1,0"


@pytest.mark.parametrize("scale", [1, 1000], ids=["milliseconds", "microseconds"])
@pytest.mark.parametrize("has_header", [True, False])
def test_public_archives_are_read_with_their_mark_prices(
    tmp_path: Path, scale: int, has_header: bool
) -> None:
    header = (
        "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,"
        "taker_buy_quote_volume,ignore"
    )
    header = header if has_header else ""
    name = "BTCUSDT-1h-2021-05.csv"
    last = [kline(h, scale) for h in range(4)]
    mark = [kline(h, scale, "10.12345678", "0") for h in (1, 2, 9)]
    paths = [
        write(tmp_path / "klines", last, name, header),
        write(tmp_path / "markPriceKlines", mark, name, header),
    ]

    table, faults = load(paths, hours=10)

    assert faults == []
    assert table.has_mark.tolist() == [False, True, True, False]
    assert table.mark[1, 3] == 1_012_345_678
    assert table.mark[0].tolist() == [0, 0, 0, 0]
    assert table.volume.tolist() == [5 * 10**8] * 4
    assert table.review.mark_only == 1


def test_a_single_bar_needs_a_length_from_somewhere(tmp_path: Path) -> None:
    named = write(tmp_path, [kline(0)], "BTCUSDT-1h-2021-05.csv", "")
    assert load([named])[0].interval_ns == HOUR

    with pytest.raises(InputError, match="bar lengths unknown"):
        load([write(tmp_path, [line(0)])])


def test_files_of_two_bar_lengths_are_refused(tmp_path: Path) -> None:
    hourly = write(tmp_path, [line(h) for h in range(3)], "h.csv")
    minutes = [f"{format_instant(START + k * MINUTE)},BTCUSDT,10,12,9,11,5" for k in range(3)]

    with pytest.raises(InputError, match=r"bar lengths .*3600 s.*60 s"):
        load([hourly, write(tmp_path, minutes, "m.csv")])


def test_volume_in_quote_currency_becomes_base_volume(tmp_path: Path) -> None:
    path = write(tmp_path, [line(h, close="10") for h in range(2)])
    options = PriceOptions(quote_volume=frozenset({"BTCUSDT"}))

    table = load_prices([path], ["BTCUSDT"], START, START + DAY, [].append, options)

    assert table.volume.tolist() == [5 * 10**8 // 10] * 2


def test_an_unknown_symbol_or_an_empty_window_names_what_is_there(tmp_path: Path) -> None:
    path = write(tmp_path, [line(h) for h in range(3)])

    with pytest.raises(InputError, match=r"no usable bar of 'DOGEUSDT'.*\['BTCUSDT'\]"):
        load([path], ("DOGEUSDT",))
    with pytest.raises(InputError, match="bars from 2021-05-19T00:00:00Z to 2021-05-19T02:00:00Z"):
        load_prices([path], ["BTCUSDT"], START + DAY, START + 2 * DAY, [].append)


def test_files_and_a_window_are_needed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="0 files"):
        load([])
    with pytest.raises(InputError, match="start < end"):
        load([write(tmp_path, [line(0), line(1)])], hours=0)


@given(
    cells=st.lists(
        st.tuples(*[st.text(alphabet="0123456789.-eE nainf", max_size=8)] * 5),
        min_size=1,
        max_size=6,
    )
)
def test_whatever_stands_in_the_cells_every_row_is_a_bar_or_a_fault(
    tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[str, ...]]
) -> None:
    lines = [line(0), line(1)]
    for k, row in enumerate(cells):
        opened = format_instant(START + (k + 2) * HOUR)
        lines.append(f"{opened},BTCUSDT,{','.join(row)}")
    path = write(tmp_path_factory.mktemp("any"), lines)

    table, faults = load([path], hours=10)

    assert len(table) + len(faults) == len(lines)
    assert (table.last[:, 1] == table.last.max(axis=1)).all()
    assert (table.last[:, 2] == table.last.min(axis=1)).all()
    assert (table.last > 0).all()
    assert (table.volume >= 0).all()
