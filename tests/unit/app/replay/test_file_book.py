"""A book from files, opened by the engine."""

from __future__ import annotations

import numpy as np
import pytest

from novate.adapter.book_file import CollateralTable, PositionTable
from novate.app.replay.file_book import file_book
from novate.app.replay.read import BookFiles
from novate.errors import InputError
from novate.kernel.codes import Role
from novate.message.declare import columns_of, rows_of
from tests.unit.app.replay.small import finished, ready


def test_positions_are_opened_against_the_external_market_which_ends_flat() -> None:
    prepared, done = finished()
    x, accounts = done.engine.state, prepared.book.accounts
    trades = next(run for run in prepared.book.opening if run.name == "SubmitTrade")
    columns = columns_of(trades)
    market = prepared.venue.house[Role.EXTERNAL_MARKET]

    assert accounts.references == ("long", "short", "hedge")
    assert accounts.members == ("east", "west", "west")
    signed = np.where(columns["buyer"] == market, -columns["lots"], columns["lots"])
    for instrument in range(2):
        assert signed[columns["instrument"] == instrument].sum() == 0
    assert columns["ticks"].tolist() == [500_000, 498_003, 500_100, 300_000, 299_050]
    members = [x.accounts.references[x.accounts.parent[a]] for a in accounts.numbers]
    assert members == ["member:east", "member:west", "member:west"]


def test_the_default_fund_is_split_evenly_over_the_members_of_a_file() -> None:
    prepared = ready()
    deposits = [
        rows_of(run)[0]["amount"] for run in prepared.book.opening if run.name == "PostCollateral"
    ]

    # 2 % of a long notional of 2 x 50,000 and 10 x 3,000, over two members.
    assert deposits[:2] == [1_300 * 10**6] * 2


def test_collateral_of_an_account_without_a_position_is_refused() -> None:
    day = ready()
    none = np.zeros(0, np.int64)
    positions = PositionTable(
        accounts=(), instruments=(), account=none.astype(np.int32),
        instrument=none.astype(np.int32), lots=none, entry_price_e8=none,
    )  # fmt: skip
    collateral = CollateralTable(
        accounts=("ghost",), assets=("USDT",), account=np.zeros(1, np.int32),
        asset=np.zeros(1, np.int32), amount=np.ones(1, np.int64),
    )  # fmt: skip

    with pytest.raises(InputError, match="collateral of account 'ghost', which holds no position"):
        file_book(day.venue, day.feed, BookFiles(positions, collateral, None))
