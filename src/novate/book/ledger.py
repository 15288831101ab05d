"""The double-entry ledger: every change of a balance has its other side in the same call."""

from __future__ import annotations

import numpy as np

from novate.book.columns import AccountColumns
from novate.errors import require
from novate.kernel.clearing.bound import BALANCE_STOP
from novate.kernel.clearing.columns import I64


def transfer(accounts: AccountColumns, asset: int, payer: int, payee: int, amount: int) -> None:
    """Move an amount from payer to payee.

    Parameters
    ----------
    asset, amount
        Ledger units of the asset, not negative and below 2**62.
    payer, payee
        Accounts whose balances fall and rise; a balance may become negative.

    Raises
    ------
    InvariantError
        For another amount, or if a balance reaches 2**62 in size (rule 15.8).
    """
    require(amount >= 0, f"a transfer has a direction, amount {amount} is not negative")
    require(amount < BALANCE_STOP, f"a transfer is below {BALANCE_STOP}, one is {amount}")
    accounts.add(payer, asset, -amount)
    accounts.add(payee, asset, amount)
    for account in (payer, payee):
        require_balance(int(accounts.balance[account, asset]))


def collect(accounts: AccountColumns, asset: int, payers: I64, payee: int, amounts: I64) -> None:
    """Move amounts of one asset from many payers to one payee.

    Parameters
    ----------
    payers, amounts
        Accounts, repeats allowed, and ledger units that each pays, not negative; shape (payments,).
    payee
        Account that receives the sum.

    Raises
    ------
    InvariantError
        For a negative amount, or if a balance reaches 2**62 in size (rule 15.8).
    """
    require(bool((amounts >= 0).all()), "a transfer has a direction: no amount is negative")
    accounts.add_many(payers, asset, -amounts)
    accounts.add(payee, asset, int(amounts.sum()))
    for account in (*np.unique(payers).tolist(), payee):
        require_balance(int(accounts.balance[account, asset]))


def require_balance(balance: int) -> None:
    """Raise unless a balance is below 2**62 ledger units in size (rule 15.8).

    From there on the next movement could leave 64 bits.
    """
    require(abs(balance) < BALANCE_STOP, f"no balance reaches {BALANCE_STOP}, one is {balance}")


def asset_sums(accounts: AccountColumns) -> I64:
    """Return the ledger units of all balances: zero at all times (rule 14.8); shape (assets,)."""
    sums: I64 = accounts.used("balance").sum(axis=0)
    return sums


def require_zero_sums(accounts: AccountColumns) -> None:
    """Raise unless the running totals of all assets are zero (rule 14.8).

    It looks at one number per asset, `require_conserved` at every balance.
    """
    sums = accounts.balance_sum
    if np.count_nonzero(sums):  # the fastest look at a few numbers
        require(False, f"debits equal credits in every asset, sums {sums.tolist()}")


def require_conserved(accounts: AccountColumns) -> None:
    """Raise unless balances of every asset sum to zero and are in range (rules 14.8 and 15.8)."""
    sums = asset_sums(accounts)
    require(not sums.any(), f"debits equal credits in every asset, sums {sums.tolist()}")
    balance = accounts.used("balance")
    if balance.size:
        require_balance(max(int(balance.max()), -int(balance.min())))
