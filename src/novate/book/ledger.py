"""The double-entry ledger: every change of a balance has its other side in the same call."""

from __future__ import annotations

from novate.book.columns import AccountColumns
from novate.errors import require
from novate.kernel.columns import I64

BALANCE_MAX = 2**62
"""A balance of this size is a fault: the next movement could leave 64 bits."""


def transfer(accounts: AccountColumns, asset: int, payer: int, payee: int, amount: int) -> None:
    """Move ``amount`` ledger units of ``asset`` from payer to payee; a balance may go negative."""
    require(amount >= 0, f"a transfer has a direction, amount {amount} is not negative")
    accounts.balance[payer, asset] -= amount
    accounts.balance[payee, asset] += amount


def asset_sums(accounts: AccountColumns) -> I64:
    """Return the sum of all balances per asset; each is zero at all times."""
    sums: I64 = accounts.used("balance").sum(axis=0)
    return sums


def require_conserved(accounts: AccountColumns) -> None:
    """Stop unless debits equal credits in every asset."""
    sums = asset_sums(accounts)
    require(not sums.any(), f"debits equal credits in every asset, sums {sums.tolist()}")
    balance = accounts.used("balance")
    if balance.size:
        largest = max(int(balance.max()), -int(balance.min()))
        require(largest < BALANCE_MAX, f"no balance reaches {BALANCE_MAX}, one is {largest}")
