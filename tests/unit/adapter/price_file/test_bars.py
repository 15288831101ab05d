from __future__ import annotations

import dataclasses

import numpy as np
import pyarrow as pa
import pytest

from novate.adapter.price_file.bars import BarReader, Bars, interval_of, stamp
from novate.adapter.price_file.frame import Frame
from novate.adapter.price_file.table import PriceOptions
from novate.errors import InputError, RowFault
from novate.units import HOUR, MINUTE

START = 1_621_382_400_000  # 2021-05-19T00:00:00Z in ms


def frame(rows: list[tuple[str, ...]], names: str = "open high low close volume") -> Frame:
    """One bar an hour of BTCUSDT from the given cells."""
    columns = {
        name: pa.array([cell or None for cell in cells], pa.string())
        for name, cells in zip(names.split(), zip(*rows, strict=True), strict=True)
    }
    opens = [str(START + k * 3_600_000) for k in range(len(rows))]
    return Frame(
        file="bars.csv",
        columns={"open_time": pa.array(opens), **columns},
        row=np.arange(2, 2 + len(rows), dtype=np.int64),
        symbol="BTCUSDT",
        interval_ns=HOUR,
        is_mark=False,
    )


def bars_of(given: Frame) -> tuple[Bars, list[RowFault]]:
    faults: list[RowFault] = []
    stamped = stamp(given, faults.append)
    reader = BarReader(
        frame=given,
        index=stamped.index,
        options=PriceOptions(),
        report=faults.append,
        is_usable=np.ones(len(stamped.index), np.bool_),
    )
    symbol = np.zeros(len(stamped.index), np.int32)
    return reader.read(0, stamped.open_ns, symbol, HOUR), faults


GOOD = ("10", "12", "9", "11", "5")


def test_a_good_bar_is_read_exactly() -> None:
    bars, faults = bars_of(frame([GOOD]))

    assert faults == []
    assert bars.last.tolist() == [[10 * 10**8, 12 * 10**8, 9 * 10**8, 11 * 10**8]]
    assert bars.volume.tolist() == [5 * 10**8]
    assert bars.has_mark.tolist() == [False]
    assert bars.row.tolist() == [2]


@pytest.mark.parametrize(
    ("row", "column"),
    [
        (("10", "10.5", "9", "11", "5"), "high"),
        (("10", "12", "10.5", "11", "5"), "low"),
        (("10", "8", "9", "11", "5"), "high"),
        (("0", "12", "9", "11", "5"), "open"),
        (("10", "12", "-9", "11", "5"), "low"),
        (("10", "12", "9", "nan", "5"), "close"),
        (("10", "inf", "9", "11", "5"), "high"),
        (("10", "999999999999", "9", "11", "5"), "high"),
        (("10", "12", "9", "11", "-1"), "volume"),
        (("10", "12", "9", "11", "1e15"), "volume"),
        (("10", "12", "9", "11", ""), "volume"),
        (("", "12", "9", "11", "5"), "open"),
        (("", "", "", "", "5"), "close"),
        (("ten", "12", "9", "11", "5"), "open"),
    ],
)
def test_a_bar_that_cannot_be_is_left_out_and_reported_once(
    row: tuple[str, ...], column: str
) -> None:
    bars, faults = bars_of(frame([GOOD, row, GOOD]))

    assert bars.row.tolist() == [2, 4]
    assert [(fault.row, fault.column) for fault in faults] == [(3, column)]
    assert faults[0].allowed != ""


def test_an_absent_mark_is_no_fault_but_half_a_mark_is() -> None:
    names = "open high low close volume mark_open mark_high mark_low mark_close"
    whole, absent, half = ("10", "12", "9", "11"), ("", "", "", ""), ("10", "", "9", "11")
    impossible = ("10", "10", "9", "11")

    bars, faults = bars_of(frame([GOOD + m for m in (whole, absent, half, impossible)], names))

    assert bars.has_mark.tolist() == [True, False]
    assert bars.mark[0].tolist() == [10 * 10**8, 12 * 10**8, 9 * 10**8, 11 * 10**8]
    assert [(fault.row, fault.column) for fault in faults] == [(4, "mark_open"), (5, "mark_high")]


def test_mark_columns_come_in_fours() -> None:
    with pytest.raises(InputError, match="column mark_high missing beside mark_open"):
        bars_of(frame([(*GOOD, "10")], "open high low close volume mark_open"))


def test_the_close_time_must_end_the_bar() -> None:
    good = (*GOOD, str(START + 3_600_000 - 1))
    late = (*GOOD, str(START + 2 * 3_600_000 + 1))
    early = (*GOOD, str(START + 2 * 3_600_000 + 60_000))

    bars, faults = bars_of(frame([good, late, early], "open high low close volume close_time"))

    assert bars.row.tolist() == [2]
    assert [fault.column for fault in faults] == ["close_time", "close_time"]


def test_a_bar_off_the_grid_is_left_out() -> None:
    given = frame([GOOD, GOOD, GOOD])
    opens = [str(START), str(START + 3_600_000 + 60_000), str(START + 7_200_000)]
    columns = {**given.columns, "open_time": pa.array(opens)}

    bars, faults = bars_of(dataclasses.replace(given, columns=columns))

    assert bars.row.tolist() == [2, 4]
    assert faults[0].column == "open_time"
    assert faults[0].value == "2021-05-19T01:01:00Z"


def test_the_length_of_a_bar_is_the_usual_distance() -> None:
    given = dataclasses.replace(frame([GOOD] * 5), interval_ns=None)
    opens = [START + 60_000 * k for k in (0, 1, 2, 9, 10)]
    timed = dataclasses.replace(
        given, columns={**given.columns, "open_time": pa.array([str(o) for o in opens])}
    )

    assert interval_of(timed, stamp(timed, [].append)) == MINUTE
    assert interval_of(given, stamp(given, [].append)) == HOUR
    single = dataclasses.replace(frame([GOOD]), interval_ns=None)
    assert interval_of(single, stamp(single, [].append)) is None


@pytest.mark.parametrize(
    ("step_ms", "reason"), [(60_000, "as the name says"), (7_000_000, "as the name says")]
)
def test_bars_must_be_as_long_as_the_name_says(step_ms: int, reason: str) -> None:
    given = frame([GOOD] * 3)
    opens = [str(START + k * step_ms) for k in range(3)]
    timed = dataclasses.replace(given, columns={**given.columns, "open_time": pa.array(opens)})

    with pytest.raises(InputError, match=reason):
        interval_of(timed, stamp(timed, [].append))


def test_bars_must_divide_a_day() -> None:
    given = dataclasses.replace(frame([GOOD] * 3), interval_ns=None)
    opens = [str(START + k * 7_000_000) for k in range(3)]
    timed = dataclasses.replace(given, columns={**given.columns, "open_time": pa.array(opens)})

    with pytest.raises(InputError, match="7000 s long; allowed: a divisor of a day"):
        interval_of(timed, stamp(timed, [].append))


def test_a_symbol_comes_from_the_column_or_the_name() -> None:
    given = frame([GOOD, GOOD])
    named = {**given.columns, "symbol": pa.array(["ETHUSDT", None])}
    faults: list[RowFault] = []

    stamped = stamp(dataclasses.replace(given, columns=named), faults.append)

    assert list(stamped.names) == ["ETHUSDT"]
    assert [fault.column for fault in faults] == ["symbol"]
    assert list(stamp(given, faults.append).names) == ["BTCUSDT", "BTCUSDT"]
    with pytest.raises(InputError, match="no symbol"):
        stamp(dataclasses.replace(given, symbol=None), faults.append)


def test_a_file_without_one_readable_time_is_refused() -> None:
    given = frame([GOOD])
    columns = {**given.columns, "open_time": pa.array(["someday"])}

    with pytest.raises(InputError, match="no row has a readable time"):
        stamp(dataclasses.replace(given, columns=columns), [].append)
