"""Size of the numbers that a fill would leave in the books, for rules 15.6 and 15.7."""

from __future__ import annotations

from novate.default_management.conversion import proceeds_of
from novate.kernel.clearing.settle import room_after, value_of
from novate.kernel.codes import Role
from novate.valuation import ClearingState


def fill_room(x: ClearingState, account: int, i: int, lots: int, ticks: int) -> int:
    """Return the largest number that a fill could leave in the books (rule 15.6).

    Parameters
    ----------
    account, i
        Whose fill it is, and the instrument.
    lots, ticks
        Signed lots that it trades, and the price.

    Returns
    -------
    int
        The largest of what the account, the external market and the insurance fund could reach,
        ledger units, not negative.
    """
    value = int(value_of(x.instruments.form[i], x.instruments.unit[i], ticks, lots))
    market = x.single(Role.EXTERNAL_MARKET)
    arrays = x.account_arrays(), x.positions.arrays(), x.instrument_arrays()
    return max(
        int(room_after(*arrays, account, i, lots, value)),
        int(room_after(*arrays, market, i, -lots, -value)),
        abs(int(x.accounts.balance[x.single(Role.INSURANCE_FUND), 0])),
    )


def conversion_room(x: ClearingState, account: int, asset: int, amount: int, price_e8: int) -> int:
    """Return the largest balance that a conversion could leave (rule 15.7), ledger units.

    Account and external market are looked at, in the asset and in the numeraire; ``amount`` is in
    ledger units, ``price_e8`` in 1e-8 numeraire.
    """
    proceeds = abs(proceeds_of(x, asset, amount, price_e8))
    balance = x.accounts.balance
    return max(
        max(abs(int(balance[one, asset])) + abs(amount), abs(int(balance[one, 0])) + proceeds)
        for one in (account, x.single(Role.EXTERNAL_MARKET))
    )
