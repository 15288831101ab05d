"""Booking of trades against a dict of dataclasses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from novate.kernel.clearing.trade import accumulate, apply_trades
from novate.kernel.clearing.trade import mix as mix_compiled
from novate.kernel.jit import kernel
from tests.unit.kernel import twin
from tests.unit.kernel.exposures import random_exposure

ACCOUNTS, FEES = 6, 6
INT64 = st.integers(-(2**63), 2**63 - 1)


@kernel
def _mix(a, b, c):  # type: ignore[no-untyped-def]
    return mix_compiled(a, b, c)


@kernel
def _accumulate(checksum, word):  # type: ignore[no-untyped-def]
    accumulate(checksum, word)


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1), INT64)
def test_a_checksum_word_is_that_of_unbounded_integers(a: int, b: int, c: int) -> None:
    assert int(_mix(np.int64(a), np.int64(b), np.int64(c))) == twin.mix(a, b, c)


def test_the_checksum_wraps_around() -> None:
    checksum = np.array([2**64 - 1], np.uint64)
    _accumulate(checksum, np.uint64(3))
    assert int(checksum[0]) == 2


TRADES = st.lists(
    st.tuples(
        st.integers(0, ACCOUNTS - 1), st.integers(1, ACCOUNTS - 1), st.integers(0, 1),
        st.integers(1, 2**28), st.integers(1, 2**20), st.integers(-1_000, 1_000),
        st.integers(-1_000, 1_000),
    ),
    max_size=60,
)  # fmt: skip


@pytest.mark.rule("7.14", "7.15", "7.16", "7.17", "7.21")
@given(TRADES)
@settings(max_examples=40)
def test_positions_cash_and_checksum_are_those_of_the_readable_book(
    drawn: list[tuple[int, int, int, int, int, int, int]],
) -> None:
    x = random_exposure(np.random.default_rng(1), accounts=ACCOUNTS + 1, rows=0)
    x.accounts.balance[:] = 0
    x.instruments.unit[:2] = 10
    x.marks.slow[:] = 0
    book = twin.Book(unit=10, fees_account=FEES)
    rows = []
    for buyer, step, instrument, ticks, lots, buyer_fee, seller_fee in drawn:
        seller = (buyer + step) % ACCOUNTS
        value = 10 * ticks * lots
        rows.append((buyer, seller, instrument, ticks, lots, value, buyer_fee, seller_fee))
    for row in rows:
        book.trade(row)
    x.positions.reserve(2 * len(rows), x.accounts)
    columns = np.array(rows, np.int64).reshape(-1, 8).T.copy()
    apply_trades(
        x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), x.asset_arrays(), FEES,
        x.checksum, *columns, np.zeros(len(rows), np.int64), True,
    )  # fmt: skip
    p = x.positions
    found = {
        (int(p.account[r]), int(p.instrument[r])): (
            int(p.lots[r]), int(p.entry_cost[r]), int(p.settlement_cost[r]), int(p.realised[r]),
        )
        for r in range(p.count)
    }  # fmt: skip
    assert found == {
        key: (h.lots, h.entry_cost, h.settlement_cost, h.realised)
        for key, h in book.holdings.items()
    }
    cash = x.accounts.used("balance")[:, 0].tolist()
    assert cash == [book.cash.get(account, 0) for account in range(ACCOUNTS + 1)]
    assert int(x.checksum[0]) == book.checksum
