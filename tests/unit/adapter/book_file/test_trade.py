from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.adapter.book_file import Grid, TradeTable, load_trades
from novate.errors import InputError, RowFault
from novate.units import SECOND, format_decimal, format_instant, parse_instant

START = parse_instant("2021-05-19T00:00:00Z")
GRIDS = {"BTCUSDT": Grid(10**7, 10**5), "ETHUSDT": Grid(10**6, 10**5)}
HEADER = "trade_id,instant,buyer,seller,instrument,price,quantity,maker_side"
GOOD = "t{0},2021-05-19T00:00:0{0}Z,alice,bob,BTCUSDT,43000.1,0.250,seller"


def load(folder: Path, *lines: str, header: str = HEADER) -> tuple[TradeTable, list[RowFault]]:
    path = folder / "trades.csv"
    path.write_text("\n".join((header, *lines)) + "\n")
    faults: list[RowFault] = []
    return load_trades(path, GRIDS, faults.append), faults


def test_a_trade_is_read_in_ticks_and_lots(tmp_path: Path) -> None:
    table, faults = load(tmp_path, GOOD.format(1))

    assert (table.ticks.tolist(), table.lots.tolist()) == ([430_001], [250])
    assert table.maker_side.tolist() == [2]
    assert table.instant_ns.tolist() == [START + SECOND]
    assert table.accounts == ("alice", "bob")
    assert (table.buyer.tolist(), table.seller.tolist()) == ([0], [1])
    assert (table.instruments, len(table), faults) == (("BTCUSDT",), 1, [])


def test_the_maker_side_may_be_absent(tmp_path: Path) -> None:
    line, header = GOOD.format(1).rsplit(",", 1)[0], HEADER.rsplit(",", 1)[0]

    assert load(tmp_path, line, header=header)[0].maker_side.tolist() == [0]


@pytest.mark.parametrize(
    ("old", "new", "column"),
    [
        ("43000.1", "43000.15", "price"),
        ("43000.1", "0", "price"),
        ("43000.1", "-1", "price"),
        ("43000.1", "nan", "price"),
        ("43000.1", "inf", "price"),
        ("43000.1", "1e30", "price"),
        ("43000.1", "", "price"),
        ("0.250", "0.0005", "quantity"),
        ("0.250", "0", "quantity"),
        ("0.250", "-0.25", "quantity"),
        ("0.250", "99999999999", "quantity"),
        ("BTCUSDT", "BTCUSD", "instrument"),
        ("bob", "alice", "seller"),
        ("bob", "", "seller"),
        ("alice", "", "buyer"),
        (",seller", ",both", "maker_side"),
        ("T00:00:02Z", "T00:00:02", "instant"),
        ("T00:00:02Z", "T25:00:02Z", "instant"),
        ("t2", "", "trade_id"),
        ("t2", "t1", "trade_id"),
    ],
)
def test_a_trade_that_cannot_be_is_left_out(
    tmp_path: Path, old: str, new: str, column: str
) -> None:
    bad = GOOD.format(2).replace(old, new)

    table, faults = load(tmp_path, GOOD.format(1), bad, GOOD.format(3))

    assert table.trade_ids == ("t1", "t3")
    assert [(fault.row, fault.column) for fault in faults] == [(3, column)]
    assert table.quarantined == 1
    assert faults[0].allowed != ""


def test_repeated_and_late_trades_are_counted(tmp_path: Path) -> None:
    table, faults = load(tmp_path, *(GOOD.format(k) for k in (1, 3, 2, 3)))

    assert table.trade_ids == ("t1", "t2", "t3")
    assert (table.duplicates, table.reordered, faults) == (1, 1, [])


def test_trades_of_one_instant_keep_their_order(tmp_path: Path) -> None:
    lines = [GOOD.format(1).replace("t1,", f"x{k},") for k in (5, 2, 9)]

    assert load(tmp_path, *lines)[0].trade_ids == ("x5", "x2", "x9")


def test_mixed_zones_refuse_the_file(tmp_path: Path) -> None:
    other = GOOD.format(2).replace("02Z", "02+02:00")

    with pytest.raises(InputError, match="time zones are mixed"):
        load(tmp_path, GOOD.format(1), other)


def test_a_file_without_one_usable_trade_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no usable trade, 1 rows left out"):
        load(tmp_path, GOOD.format(1).replace("0.250", "0"))


@given(
    trades=st.lists(
        st.tuples(
            st.integers(1, 10**8), st.integers(1, 10**9), st.integers(0, 10**9), st.booleans()
        ),
        min_size=1,
        max_size=20,
    )
)
def test_trades_written_and_read_are_the_same_trades(
    tmp_path_factory: pytest.TempPathFactory, trades: list[tuple[int, int, int, bool]]
) -> None:
    lines = [
        f"t{k},{format_instant(START + after)},{'ab'[flip]},{'ba'[flip]},ETHUSDT,"
        f"{format_decimal(ticks, 2)},{format_decimal(lots, 3)},"
        for k, (ticks, lots, after, flip) in enumerate(trades)
    ]
    ordered = sorted(trades, key=lambda trade: trade[2])

    table, faults = load(tmp_path_factory.mktemp("trades"), *lines)

    assert faults == []
    assert table.ticks.tolist() == [trade[0] for trade in ordered]
    assert table.lots.tolist() == [trade[1] for trade in ordered]
    assert [table.accounts[k] for k in table.buyer] == ["ab"[trade[3]] for trade in ordered]
