"""What a fill could bring the numbers of the book to: what does not fit is refused."""

from __future__ import annotations

from novate.default_management.conversion import proceeds_of
from novate.kernel.clearing.settle import room_after, value_of
from novate.kernel.codes import Role
from novate.valuation import ClearingState


def fill_room(x: ClearingState, account: int, i: int, lots: int, ticks: int) -> int:
    """Largest number that a fill could leave in the books of account and external market."""
    value = int(value_of(x.instruments.form[i], x.instruments.unit[i], ticks, lots))
    market = x.single(Role.EXTERNAL_MARKET)
    arrays = x.account_arrays(), x.positions.arrays(), x.instrument_arrays()
    return max(
        int(room_after(*arrays, account, i, lots, value)),
        int(room_after(*arrays, market, i, -lots, -value)),
        abs(int(x.accounts.balance[x.single(Role.INSURANCE_FUND), 0])),
    )


def conversion_room(x: ClearingState, account: int, asset: int, amount: int, price_e8: int) -> int:
    """Largest balance that a conversion could leave with account and external market."""
    proceeds = abs(proceeds_of(x, asset, amount, price_e8))
    balance = x.accounts.balance
    return max(
        max(abs(int(balance[one, asset])) + abs(amount), abs(int(balance[one, 0])) + proceeds)
        for one in (account, x.single(Role.EXTERNAL_MARKET))
    )
