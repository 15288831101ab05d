"""The double-entry ledger: every change of a balance has its other side in the same call."""

from __future__ import annotations

import numpy as np

from novate.book.columns import AccountColumns
from novate.errors import require
from novate.kernel.clearing.bound import BALANCE_STOP
from novate.kernel.clearing.columns import I64


def transfer(accounts: AccountColumns, asset: int, payer: int, payee: int, amount: int) -> None:
    """Move ``amount`` ledger units of ``asset`` from payer to payee; a balance may go negative."""
    require(amount >= 0, f"a transfer has a direction, amount {amount} is not negative")
    require(amount < BALANCE_STOP, f"a transfer is below {BALANCE_STOP}, one is {amount}")
    accounts.add(payer, asset, -amount)
    accounts.add(payee, asset, amount)
    for account in (payer, payee):
        require_balance(int(accounts.balance[account, asset]))


def collect(accounts: AccountColumns, asset: int, payers: I64, payee: int, amounts: I64) -> None:
    """Move amounts (>= 0) of ``asset`` from payers, repeats allowed, to one payee."""
    require(bool((amounts >= 0).all()), "a transfer has a direction: no amount is negative")
    accounts.add_many(payers, asset, -amounts)
    accounts.add(payee, asset, int(amounts.sum()))
    for account in (*np.unique(payers).tolist(), payee):
        require_balance(int(accounts.balance[account, asset]))


def require_balance(balance: int) -> None:
    """Stop when a balance reaches the size from which the next movement could leave 64 bits."""
    require(abs(balance) < BALANCE_STOP, f"no balance reaches {BALANCE_STOP}, one is {balance}")


def asset_sums(accounts: AccountColumns) -> I64:
    """Return the sum of all balances per asset; each is zero at all times."""
    sums: I64 = accounts.used("balance").sum(axis=0)
    return sums


def require_zero_sums(accounts: AccountColumns) -> None:
    """Stop unless the running totals of all assets are zero: `require_conserved` of one booking."""
    sums = accounts.balance_sum
    if np.count_nonzero(sums):  # the fastest look at a few numbers
        require(False, f"debits equal credits in every asset, sums {sums.tolist()}")


def require_conserved(accounts: AccountColumns) -> None:
    """Stop unless debits equal credits in every asset."""
    sums = asset_sums(accounts)
    require(not sums.any(), f"debits equal credits in every asset, sums {sums.tolist()}")
    balance = accounts.used("balance")
    if balance.size:
        require_balance(max(int(balance.max()), -int(balance.min())))
