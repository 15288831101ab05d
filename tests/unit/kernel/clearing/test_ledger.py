"""Legs of a booking and the running totals beside them."""

from __future__ import annotations

from novate.kernel.clearing.columns import ACCOUNT_BLOCK
from novate.kernel.clearing.ledger import add_balance, add_lots, add_pending, note_moved
from novate.kernel.jit import kernel
from novate.valuation import ClearingState


@kernel
def _note(accounts, account):  # type: ignore[no-untyped-def]
    note_moved(accounts, account)


@kernel
def _balance(accounts, account, asset, amount):  # type: ignore[no-untyped-def]
    add_balance(accounts, account, asset, amount)


@kernel
def _lots(positions, instruments, row, i, lots):  # type: ignore[no-untyped-def]
    add_lots(positions, instruments, row, i, lots)


@kernel
def _pending(positions, instruments, row, i, value):  # type: ignore[no-untyped-def]
    add_pending(positions, instruments, row, i, value)


def book() -> ClearingState:
    """Some accounts, two assets, two contracts, a position of account 1 in contract 1."""
    x = ClearingState()
    for _ in range(2):
        x.assets.append()
        x.instruments.append()
        x.marks.append()
    x.accounts.widen(2)
    x.accounts.ensure(3 * ACCOUNT_BLOCK)
    x.accounts.count = 3 * ACCOUNT_BLOCK
    assert x.hold(1, 1) == 0
    return x


def test_a_leg_of_money_is_added_to_the_balance_and_to_the_total_of_its_asset() -> None:
    x = book()

    _balance(x.account_arrays(), 5, 1, 40)
    _balance(x.account_arrays(), 2, 1, -30)

    assert (x.accounts.balance[5, 1], x.accounts.balance[2, 1]) == (40, -30)
    assert x.accounts.balance_sum.tolist() == [0, 10]


def test_the_block_of_an_account_that_moved_is_marked() -> None:
    x = book()

    _balance(x.account_arrays(), ACCOUNT_BLOCK, 0, 0)
    _note(x.account_arrays(), 3 * ACCOUNT_BLOCK - 1)

    assert x.accounts.moved_block[:3].tolist() == [0, 1, 1]


def test_lots_and_pending_cash_are_added_up_by_contract() -> None:
    x = book()
    tables = x.positions.arrays(), x.instrument_arrays()

    _lots(*tables, 0, 1, 7)
    _lots(*tables, 0, 1, -2)
    _pending(*tables, 0, 1, -90)

    assert (x.positions.lots[0], x.positions.settlement_cost[0]) == (5, -90)
    assert x.instruments.lots_sum[:2].tolist() == [0, 5]
    assert x.instruments.pending_sum[:2].tolist() == [0, -90]


def test_totals_are_found_again_from_the_rows() -> None:
    x = book()
    x.accounts.balance[4] = [3, -8]
    x.positions.lots[0], x.positions.settlement_cost[0] = 6, 11

    x.sum_again()

    assert x.accounts.balance_sum.tolist() == [3, -8]
    assert x.instruments.lots_sum[:2].tolist() == [0, 6]
    assert x.instruments.pending_sum[:2].tolist() == [0, 11]
