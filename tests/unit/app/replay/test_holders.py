"""What holders do as the day goes on."""

from __future__ import annotations

import numpy as np

from novate.app.replay.holders import Holders
from novate.message.declare import columns_of
from tests.unit.app.replay.small import START_NS, ready
from tests.unit.app.replay.test_generated_book import made


def test_holders_of_a_file_do_nothing() -> None:
    holders = Holders(ready().book)

    assert holders.react(np.zeros(3, np.int64), np.ones(3, np.int64), START_NS) == []


def test_holders_of_a_generated_book_top_up_and_withdraw_in_numeraire() -> None:
    _, _, book = made()
    holders, count = Holders(book), len(book.accounts)
    seen: set[str] = set()
    for minute in range(0, 24 * 60, 10):
        instant = START_NS + minute * 60 * 10**9
        short = np.full(count, 10**9 if minute > 600 else 10**13, np.int64)
        for run in holders.react(short, np.full(count, 10**12, np.int64), instant):
            rows = columns_of(run)
            seen.add(run.name)
            assert (rows["amount"] > 0).all()
            assert (rows["asset"] == 0).all()
            assert np.isin(rows["account"], book.accounts.numbers).all()

    assert seen <= {"PostCollateral", "WithdrawCollateral"}
    assert "PostCollateral" in seen
