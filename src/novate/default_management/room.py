"""Size of the numbers that a movement would leave in the books (rules 15.6, 15.7, 15.65 to 15.69).

What cannot be refused is limited by it too: it waits, or pays less, where there is no room.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from novate.default_management.conversion import proceeds_of
from novate.kernel.clearing.bound import AMOUNT_MAX, COST_STOP
from novate.kernel.clearing.columns import I64
from novate.kernel.clearing.room import fit_takeovers, pending_room
from novate.kernel.clearing.settle import load, row_of, value_of
from novate.kernel.codes import Role, Style
from novate.valuation import ClearingState


def load_of(x: ClearingState, account: int, asset: int) -> int:
    """Return the load of an account in an asset (rule 15.64), ledger units, 2**62 at most."""
    arrays = x.account_arrays(), x.positions.arrays(), x.instrument_arrays()
    return int(load(*arrays, account, asset))


def trade_room(x: ClearingState, account: int, other: int, i: int, lots: int, ticks: int) -> int:
    """Return the largest number that a trade of two accounts could leave in the books (rule 15.6).

    Parameters
    ----------
    account, other, i
        The two sides, and the instrument.
    lots, ticks
        Signed lots that the account trades, and the price.

    Returns
    -------
    int
        The largest of what both sides and, for contracts paid at close, the settlement account
        could reach, ledger units, not negative.
    """
    value = abs(int(value_of(x.instruments.form[i], x.instruments.unit[i], ticks, lots)))
    asset = int(x.instruments.settlement_asset[i])
    turnover = [value + _entry_cost(x, one, i) for one in (account, other)]
    sizes = [
        load_of(x, one, asset) + moved
        for one, moved in zip((account, other), turnover, strict=True)
    ]
    if x.instruments.style[i] == Style.AT_CLOSE:
        settlement = x.single(Role.SETTLEMENT)
        cost = abs(int(x.positions.settlement_cost[x.instruments.suspense[i]]))
        advanced = max(abs(int(x.accounts.balance[settlement, asset])), cost)
        sizes.append(advanced + sum(turnover))
    return max(sizes)


def _entry_cost(x: ClearingState, account: int, i: int) -> int:
    row = int(row_of(x.positions.arrays(), account, i))
    return abs(int(x.positions.entry_cost[row])) if row >= 0 else 0


def conversion_room(x: ClearingState, account: int, asset: int, amount: int, price_e8: int) -> int:
    """Return the largest load that a conversion could leave (rule 15.7), ledger units.

    Account and external market are looked at, in the asset and in the numeraire; ``amount`` is in
    ledger units, ``price_e8`` in 1e-8 numeraire.
    """
    proceeds = abs(proceeds_of(x, asset, amount, price_e8))
    parties = account, x.single(Role.EXTERNAL_MARKET)
    return max(
        max(load_of(x, one, asset) + abs(amount), load_of(x, one, 0) + proceeds) for one in parties
    )


def fee_room(x: ClearingState, account: int) -> int:
    """Return the largest liquidation fee that leaves both balances in bounds (rule 15.66)."""
    fund = int(x.accounts.balance[x.single(Role.INSURANCE_FUND), 0])
    return max(min(AMOUNT_MAX - fund, AMOUNT_MAX + int(x.accounts.balance[account, 0])), 0)


def takeovers_with_room(x: ClearingState, groups: I64) -> npt.NDArray[np.bool_]:
    """Return which takeovers of a record the books have room for (rule 15.65).

    Parameters
    ----------
    groups
        Margin groups in the order in which they are taken over; shape (groups,).
    """
    fits = np.ones(groups.size, np.bool_)
    if groups.size:
        accounts, place = x.accounts_of(groups)
        fit_takeovers(
            x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), x.instruments.count,
            accounts, place, x.single(Role.LIQUIDATOR), x.single(Role.SETTLEMENT), fits,
        )  # fmt: skip
    return fits


def payment_room(x: ClearingState) -> int:
    """Return how much more the liquidator may be paid for losses (rule 15.67), numeraire units."""
    liquidator = x.single(Role.LIQUIDATOR)
    balance = int(x.accounts.balance[liquidator, 0])
    return max(COST_STOP - (load_of(x, liquidator, 0) - abs(balance)) - balance, 0)


def sweep_room(x: ClearingState) -> int:
    """Return the largest surplus that can be paid to the insurance fund (rule 15.68).

    Numeraire units; 0 where what the liquidator has pending cannot be settled either.
    """
    used = pending_room(
        x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), x.instruments.count,
        x.single(Role.LIQUIDATOR), x.single(Role.SETTLEMENT),
    )  # fmt: skip
    return 0 if used > COST_STOP else fund_room(x)


def fund_room(x: ClearingState) -> int:
    """Return what the insurance fund has room for, numeraire units (rule 15.68)."""
    return max(AMOUNT_MAX - int(x.accounts.balance[x.single(Role.INSURANCE_FUND), 0]), 0)
