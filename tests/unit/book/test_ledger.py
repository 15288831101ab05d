from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.book.columns import AccountColumns
from novate.book.ledger import asset_sums, require_conserved, require_zero_sums, transfer
from novate.errors import InvariantError


def accounts_with(count: int, assets: int) -> AccountColumns:
    accounts = AccountColumns(capacity=count)
    for _ in range(count):
        accounts.append()
    accounts.widen(assets)
    return accounts


def test_a_transfer_books_both_sides() -> None:
    accounts = accounts_with(3, 2)

    transfer(accounts, 1, payer=0, payee=2, amount=7)

    assert accounts.used("balance").tolist() == [[0, -7], [0, 0], [0, 7]]


def test_a_transfer_to_oneself_changes_nothing() -> None:
    accounts = accounts_with(1, 1)

    transfer(accounts, 0, payer=0, payee=0, amount=7)

    assert accounts.balance[0, 0] == 0


def test_a_negative_transfer_is_a_fault() -> None:
    with pytest.raises(InvariantError, match="amount -1 is not negative"):
        transfer(accounts_with(2, 1), 0, payer=0, payee=1, amount=-1)


@pytest.mark.rule("14.8")
@given(
    moves=st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 4), st.integers(0, 4), st.integers(0, 2**50)),
        max_size=30,
    )
)
def test_whatever_is_transferred_every_asset_sums_to_zero(
    moves: list[tuple[int, int, int, int]],
) -> None:
    accounts = accounts_with(5, 3)

    for asset, payer, payee, amount in moves:
        transfer(accounts, asset, payer, payee, amount)

    assert asset_sums(accounts).tolist() == [0, 0, 0]
    require_conserved(accounts)


@pytest.mark.rule("14.8")
def test_one_missing_unit_is_found_and_shown() -> None:
    accounts = accounts_with(2, 3)
    accounts.balance[1, 2] = 1

    with pytest.raises(InvariantError, match=r"debits equal credits.*\[0, 0, 1\]"):
        require_conserved(accounts)


def test_rows_that_are_not_in_use_do_not_count() -> None:
    accounts = accounts_with(2, 1)
    accounts.ensure(10)
    accounts.balance[9, 0] = 5

    require_conserved(accounts)


def test_one_leg_alone_is_seen_in_the_running_totals() -> None:
    accounts = accounts_with(2, 2)
    transfer(accounts, 1, payer=0, payee=1, amount=7)
    require_zero_sums(accounts)

    accounts.add(0, 1, -4)

    with pytest.raises(InvariantError, match=r"in every asset, sums \[0, -4\]"):
        require_zero_sums(accounts)
