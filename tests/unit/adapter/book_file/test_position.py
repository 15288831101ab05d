from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.adapter.book_file import (
    CollateralTable,
    Grid,
    PositionTable,
    load_collateral,
    load_positions,
)
from novate.errors import InputError, RowFault
from novate.kernel.codes import MarginMode, Role, ShortfallPolicy

GRIDS = {"BTCUSDT": Grid(10**7, 10**5), "ETHUSDT": Grid(10**6, 10**5)}
HEADER = "account,instrument,quantity,entry_price,member,role,margin_mode,shortfall_policy"
LONG = "alice,BTCUSDT,0.250,43000.123,north,client,isolated,"
SHORT = "bob,BTCUSDT,-0.250,43000.1,north,house,,call-then-default"


def positions(folder: Path, *lines: str) -> tuple[PositionTable, list[RowFault]]:
    path = folder / "positions.csv"
    path.write_text("\n".join((HEADER, *lines)) + "\n")
    faults: list[RowFault] = []
    return load_positions(path, GRIDS, faults.append), faults


def test_a_balanced_book_is_read_with_its_accounts(tmp_path: Path) -> None:
    table, _ = positions(tmp_path, LONG, SHORT)

    assert table.lots.tolist() == [250, -250]
    assert table.entry_price_e8.tolist() == [4_300_012_300_000, 4_300_010_000_000]
    assert [account.reference for account in table.accounts] == ["alice", "bob"]
    assert (table.instruments, len(table)) == (("BTCUSDT",), 2)
    alice, bob = table.accounts
    assert (alice.member, alice.role, alice.margin_mode, alice.shortfall_policy) == (
        "north",
        Role.CLIENT,
        MarginMode.ISOLATED,
        ShortfallPolicy.AUTO_LIQUIDATE,
    )
    assert (bob.role, bob.margin_mode, bob.shortfall_policy) == (
        Role.HOUSE,
        MarginMode.CROSS,
        ShortfallPolicy.CALL_THEN_DEFAULT,
    )


def test_an_unbalanced_book_is_refused_with_instrument_and_imbalance(tmp_path: Path) -> None:
    eth = ("carol,ETHUSDT,1,2000,,,,", "dave,ETHUSDT,-1.5,2000,,,,")

    with pytest.raises(InputError, match=r"ETHUSDT -500 lots \(-0\.50000000\); allowed: 0"):
        positions(tmp_path, LONG, SHORT, *eth)


@pytest.mark.parametrize(
    ("old", "new", "column"),
    [
        ("-0.250", "-0.25001", "quantity"),
        ("-0.250", "0", "quantity"),
        ("-0.250", "nan", "quantity"),
        ("-0.250", "1e30", "quantity"),
        ("43000.1", "0", "entry_price"),
        ("43000.1", "-5", "entry_price"),
        ("43000.1", "inf", "entry_price"),
        ("BTCUSDT", "XBT", "instrument"),
        ("bob", "", "account"),
        ("house", "king", "role"),
        (",house,,", ",house,shared,", "margin_mode"),
        ("call-then-default", "pray", "shortfall_policy"),
        ("bob,BTCUSDT", "alice,ETHUSDT", "account"),
        (SHORT, LONG, "instrument"),
    ],
)
def test_one_bad_row_refuses_the_book_and_every_fault_is_reported(
    tmp_path: Path, old: str, new: str, column: str
) -> None:
    faults: list[RowFault] = []
    path = tmp_path / "positions.csv"
    path.write_text("\n".join((HEADER, LONG, SHORT.replace(old, new), ",,,,,,,")) + "\n")

    with pytest.raises(InputError, match="first of 2 unusable rows"):
        load_positions(path, GRIDS, faults.append)

    assert [(fault.row, fault.column) for fault in faults] == [(3, column), (4, "account")]


@given(lots=st.lists(st.integers(-(10**9), 10**9).filter(bool), min_size=1, max_size=20))
def test_a_book_is_accepted_exactly_when_it_sums_to_zero(
    tmp_path_factory: pytest.TempPathFactory, lots: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("book")
    lines = [f"a{k},ETHUSDT,{lot / 1000:.3f},2000,,,," for k, lot in enumerate(lots)]
    rest = -sum(lots)
    whole = [*lines, f"z,ETHUSDT,{rest / 1000:.3f},2000,,,,"] if rest else lines

    table, _ = positions(folder, *whole)

    assert table.lots.sum() == 0
    assert table.lots.tolist()[: len(lots)] == lots
    if rest:
        with pytest.raises(InputError, match=re.escape(f"ETHUSDT {-rest:+d} lots")):
            positions(folder, *lines)


def collateral(folder: Path, *lines: str) -> CollateralTable:
    path = folder / "collateral.csv"
    path.write_text("\n".join(("account,asset,amount", *lines)) + "\n")
    return load_collateral(path, {"USDT": 6, "BTC": 8}, [].append)


def test_collateral_is_read_in_ledger_units(tmp_path: Path) -> None:
    table = collateral(tmp_path, "alice,USDT,1000.5", "alice,BTC,0.00000001", "bob,USDT,2")

    assert table.amount.tolist() == [1_000_500_000, 1, 2_000_000]
    assert (table.accounts, table.assets, len(table)) == (("alice", "bob"), ("USDT", "BTC"), 3)
    assert (table.account.tolist(), table.asset.tolist()) == ([0, 0, 1], [0, 1, 0])


@pytest.mark.parametrize(
    "line",
    [
        "bob,USDT,0",
        "bob,USDT,-1",
        "bob,USDT,nan",
        "bob,USDT,1e20",
        "bob,USDT,0.0000001",
        "bob,DOGE,1",
        ",USDT,1",
        "alice,USDT,5",
        "bob,USDT",
    ],
)
def test_collateral_with_one_bad_row_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(InputError, match=r"row 3.*first of 1 unusable"):
        collateral(tmp_path, "alice,USDT,1", line)
