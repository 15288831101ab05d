"""Commands that open accounts and positions, whoever holds them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from novate.canonical import Run
from novate.kernel.codes import MarginMode, Role, Segregation, ShortfallPolicy
from novate.message import command

I64 = npt.NDArray[np.int64]


def account_row(
    reference: str,
    role: Role,
    parent: int = -1,
    *,
    mode: MarginMode = MarginMode.CROSS,
    shortfall_policy: ShortfallPolicy = ShortfallPolicy.AUTO_LIQUIDATE,
) -> Run:
    """Return the command that opens the next account; ``parent`` is a number, -1 for none."""
    return command.OPEN_ACCOUNT.row(
        reference=reference,
        role=int(role),
        parent=parent,
        segregation=int(Segregation.NONE),
        mode=int(mode),
        shortfall_policy=int(shortfall_policy),
    )


def deposit_row(account: int, amount: int) -> Run:
    """Return the command that pays an amount of the numeraire, ledger units, into an account."""
    return command.POST_COLLATERAL.row(account=account, asset=0, amount=amount)


def trade_run(
    parties: tuple[I64, I64],
    instrument: I64,
    ticks: I64,
    lots: I64,
    buyer_is_maker: npt.NDArray[np.bool_] | None = None,
) -> Run:
    """Return trades without reservations.

    Parameters
    ----------
    parties
        Buyers and sellers, by number.
    instrument, ticks, lots
        Columns of the trades; ``lots`` positive.
    buyer_is_maker
        Who pays the maker fee; nobody's buyer where it is not given.
    """
    rows = len(lots)
    buyer, seller = parties
    return command.SUBMIT_TRADE.run(
        {
            "buyer": buyer,
            "seller": seller,
            "instrument": instrument,
            "ticks": ticks,
            "lots": lots,
            "buyer_is_maker": np.zeros(rows, np.bool_)
            if buyer_is_maker is None
            else buyer_is_maker,
            "buyer_reservation": np.zeros(rows, np.uint32),
            "seller_reservation": np.zeros(rows, np.uint32),
        }
    )
