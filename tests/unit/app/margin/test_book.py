from __future__ import annotations

from pathlib import Path

import pytest

from novate.app.margin.book import read_book
from novate.errors import InputError
from novate.margin.methodology.outcome import NotValuedError
from novate.margin.methodology.portfolio import Collateral
from tests.unit.app.margin.files import BOOK, write


def test_a_book_its_market_and_its_collateral_are_read(tmp_path: Path) -> None:
    portfolio, snapshot = read_book(*write(tmp_path))

    perpetual, call, put = portfolio.positions
    assert portfolio.cash == 300_000.0
    assert (perpetual.quantity, perpetual.unrealised) == (2.0, 2 * (70_000 - 65_000))
    assert (call.contract.strike, call.contract.is_call, call.quantity) == (70_000.0, True, -10.0)
    assert not put.contract.is_call
    assert snapshot.index["BTC"] == 70_000.0
    assert snapshot.volatility[call.contract.symbol] == pytest.approx(0.52, abs=1e-3)
    assert snapshot.curve["BTC", call.contract.expiry_ns or 0].forward == 70_060.0
    assert 0 < snapshot.mark[call.contract.symbol] < 3_000


def test_an_inverse_row_has_a_face_value_and_a_spot_row_is_collateral(tmp_path: Path) -> None:
    book = (
        "symbol,kind,underlying,side,strike,expiry,settlement,unit,quantity,price\n"
        "BTC-INV,perpetual,BTC,,56000,,BTC,100,1400,\nBTC,spot,BTC,,,,,1,3,\n"
    )
    portfolio, _ = read_book(*write(tmp_path, book=book))

    [position] = portfolio.positions
    assert position.quantity == pytest.approx(2.0)  # 140,000 USD at 70,000
    assert position.unrealised == pytest.approx(140_000 * (1 / 56_000 - 1 / 70_000))
    assert portfolio.collateral == (Collateral(asset="BTC", quantity=3.0),)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("X,perpetual,DOGE,,,,,1,2,", "row 5, underlying: 'DOGE'"),
        ("X,european,BTC,call,abc,2026-03-20T08:00:00Z,,1,2,", "row 5, strike: 'abc'"),
        ("X,perpetual,BTC,,,,,1,,", "row 5, quantity: none"),
    ],
)
def test_a_row_that_cannot_be_used_refuses_the_book(tmp_path: Path, row: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        read_book(*write(tmp_path, book=BOOK + row + "\n"))


def test_an_option_is_marked_at_its_volatility_whatever_price_is_stated(tmp_path: Path) -> None:
    priced = BOOK.replace("-10,", "-10,1.5")

    _, stated = read_book(*write(tmp_path, book=priced))
    _, plain = read_book(*write(tmp_path))

    assert stated.mark == plain.mark


def test_one_contract_under_two_symbols_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="X: the same contract as BTC-PERP"):
        read_book(*write(tmp_path, book=BOOK + "X,perpetual,BTC,,,,,1,2,\n"))


def test_a_kind_that_no_methodology_takes_is_refused(tmp_path: Path) -> None:
    book = (
        "symbol,kind,underlying,side,strike,expiry,quantity,amount\n"
        "D,digital,BTC,call,75000,2026-03-20T08:00:00Z,3,1000\n"
    )
    with pytest.raises(NotValuedError, match="D: kind 'digital'"):
        read_book(*write(tmp_path, book=book))


@pytest.mark.parametrize("collateral", ["asset,amount\nGOLD,1\n", "asset,amount\nUSD,\n"])
def test_collateral_without_a_price_or_an_amount_is_refused(
    tmp_path: Path, collateral: str
) -> None:
    with pytest.raises(InputError, match="row 2"):
        read_book(*write(tmp_path, collateral=collateral))
