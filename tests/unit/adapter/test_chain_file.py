from __future__ import annotations

import math
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from novate.adapter.chain_file import load_chains, snapshot_instant
from novate.adapter.quarantine import Quarantine
from novate.errors import InputError, RowFault
from novate.market.volatility.chain import PriceUnit
from novate.market.volatility.quote import Reject
from novate.market.volatility.surface import Surface, fit_surface
from novate.units import parse_instant

HEAD = (
    "snapshot,observed,underlying,unit,expiry,strike,side,bid,ask,bid_size,ask_size,"
    "open_interest,mark,forward,spot"
)
ROW = (
    "a,2026-03-02T09:00:00Z,BTC,coin,2026-03-27T08:00:00Z,50000.5,call,0.041,0.042,"
    "3,2.5,120.1,0.0415,50210.25,50000"
)


def write(folder: Path, *rows: str, head: str = HEAD) -> Path:
    path = folder / "chain.csv"
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return path


def refuse(fault: RowFault) -> None:
    raise AssertionError(str(fault))


def test_a_plain_row_is_read_exactly(tmp_path: Path) -> None:
    [chain] = load_chains(write(tmp_path, ROW), refuse)

    assert (chain.underlying, chain.unit) == ("BTC", PriceUnit.COIN)
    assert chain.instant_ns == parse_instant("2026-03-02T09:00:00Z")
    assert chain.strike_e8.tolist() == [5_000_050_000_000]
    assert chain.expiry_ns.tolist() == [parse_instant("2026-03-27T08:00:00Z")]
    assert chain.side.tolist() == [1]
    assert [chain.bid[0], chain.ask[0], chain.mark[0]] == [0.041, 0.042, 0.0415]
    assert [chain.bid_size[0], chain.ask_size[0], chain.open_interest[0]] == [3.0, 2.5, 120.1]
    assert (chain.forward[0], chain.spot) == (50_210.25, 50_000.0)


def test_an_empty_cell_is_an_unknown_number(tmp_path: Path) -> None:
    row = "a,2026-03-02T09:00:00Z,BTC,quote,2026-03-27T08:00:00Z,50000,put,,,,,,,,"
    [chain] = load_chains(write(tmp_path, row), refuse)

    assert chain.unit is PriceUnit.QUOTE
    unknown = (chain.bid, chain.ask, chain.bid_size, chain.open_interest, chain.forward)
    assert all(math.isnan(column[0]) for column in unknown)
    assert math.isnan(chain.spot)


def test_snapshots_and_underlyings_are_chains_of_their_own_in_order(tmp_path: Path) -> None:
    later = ROW.replace("a,2026-03-02T09", "b,2026-03-02T10")
    rows = [later, ROW, ROW.replace("BTC", "ETH"), ROW.replace("call", "put")]
    chains = load_chains(write(tmp_path, *rows), refuse)

    assert [(chain.underlying, len(chain)) for chain in chains] == [
        ("BTC", 2), ("ETH", 1), ("BTC", 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("good", "bad", "column"),
    [
        ("50000.5", "fifty", "strike"),
        ("50000.5", "0", "strike"),
        ("50000.5", "50000.123456789", "strike"),
        ("call", "both", "side"),
        ("BTC", "", "underlying"),
        ("coin", "cents", "unit"),
        ("2026-03-27T08:00:00Z", "27 March", "expiry"),
        ("2026-03-02T09:00:00Z", "2026-03-02T09:00:00", "observed"),
        ("0.041,", "-0.041,", "bid"),
        ("0.042,", "1e300,", "ask"),
    ],
)
def test_a_bad_cell_is_reported_with_file_row_column_value_and_what_is_allowed(
    good: str, bad: str, column: str, tmp_path: Path
) -> None:
    path = write(tmp_path, ROW, ROW.replace(good, bad))
    quarantine = Quarantine()

    [chain] = load_chains(path, quarantine)

    assert len(chain) == 1
    [fault] = quarantine.examples
    assert (fault.file, fault.row, fault.column) == (str(path), 3, column)
    assert fault.value == bad.rstrip(",")
    assert fault.allowed


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("strike,side\n1,call\n", "columns"),
    ],
)
def test_a_file_that_is_no_chain_is_refused(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "chain.csv"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(InputError, match=words):
        load_chains(path, refuse)


def test_missing_files_other_types_and_broken_parquet_are_refused(tmp_path: Path) -> None:
    broken = tmp_path / "chain.parquet"
    broken.write_bytes(b"PAR1 no")
    for path, words in (
        (tmp_path / "none.csv", "readable"),
        (tmp_path / "chain.txt", "file type"),
        (broken, "Parquet"),
    ):
        with pytest.raises(InputError, match=words):
            load_chains(path, refuse)


def test_a_row_of_another_width_is_reported_and_the_others_keep_their_numbers(
    tmp_path: Path,
) -> None:
    faults: list[RowFault] = []
    bad = ROW.replace("call", "both")
    [chain] = load_chains(write(tmp_path, ROW, "x,y", bad, ROW), faults.append)

    assert len(chain) == 2
    assert [(one.row, one.column, one.value, one.allowed) for one in faults] == [
        (3, "row", "2 cells", "15 cells"),
        (4, "side", "both", "call, C, put, P"),
    ]


def test_rows_in_another_unit_than_most_are_reported(tmp_path: Path) -> None:
    faults: list[RowFault] = []
    other = ROW.replace("coin", "quote")
    found = load_chains(write(tmp_path, other, ROW, ROW), faults.append)

    assert [(chain.unit, len(chain)) for chain in found] == [(PriceUnit.COIN, 2)]
    assert [(one.row, one.column, one.value) for one in faults] == [(2, "unit", "quote")]
    assert faults[0].allowed == "coin, as most of its snapshot"


@pytest.mark.parametrize("late", ["2026-03-02T10:00:00Z", "2027-03-02T09:00:00Z"])
def test_a_row_of_another_time_does_not_move_the_snapshot(tmp_path: Path, late: str) -> None:
    rows = [ROW, ROW.replace("09:00:00", "09:00:50"), ROW.replace("2026-03-02T09:00:00Z", late)]
    [chain] = load_chains(write(tmp_path, *rows), refuse)

    assert chain.instant_ns == parse_instant("2026-03-02T09:00:50Z")
    assert len(chain) == 3


def test_a_snapshot_is_as_late_as_half_of_its_rows_allow() -> None:
    minute = 60 * 10**9

    assert snapshot_instant([0]) == 0
    assert snapshot_instant([0, 60 * minute]) == 60 * minute
    assert snapshot_instant([0, 0, 60 * minute]) == 0
    assert snapshot_instant([k * minute for k in range(8)]) == 7 * minute
    # Spread too widely for any instant: the last one, which the fit then judges.
    assert snapshot_instant([k * 10 * minute for k in range(8)]) == 70 * minute


@pytest.mark.parametrize("seen", ["2026-03-12T01:01:00Z", "2026-03-11T00:01:00Z"])
def test_one_row_of_another_time_is_rejected_alone(tmp_path: Path, seen: str) -> None:
    example = Path(__file__).parents[3] / "docs" / "examples" / "chain.csv"
    lines = example.read_text(encoding="utf-8").splitlines()
    cells = lines[5].split(",")
    cells[lines[0].split(",").index("observed")] = seen
    path = write(tmp_path, *lines[1:5], ",".join(cells), *lines[6:], head=lines[0])
    [chain], [plain] = load_chains(path, refuse), load_chains(example, refuse)
    surface = fit_surface(chain)

    assert chain.instant_ns == plain.instant_ns
    assert isinstance(surface, Surface)
    reasons = surface.quotes.rejected_reason[surface.quotes.rejected_row == 4]
    assert reasons.tolist() == [Reject.STALE]


def test_parquet_times_must_be_utc(tmp_path: Path) -> None:
    path = tmp_path / "chain.parquet"
    zoned = pa.array([0], pa.timestamp("us", tz="Europe/Berlin"))
    pq.write_table(pa.table({"timestamp": zoned}), path)

    with pytest.raises(InputError, match="time zone"):
        load_chains(path, refuse)
