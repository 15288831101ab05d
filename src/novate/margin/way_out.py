"""What open orders may lose, and how an account short of margin may close a position.

Sources: rules 7.23 to 7.27 and 7.50 to 7.53; CPMI-IOSCO PFMI Principle 6 (margin before exposure).
Binance likewise asks for the open loss of an order, against the mark, beside its initial margin.
"""

from __future__ import annotations

import numpy as np

from novate.book.state import BookState
from novate.kernel.clearing.columns import I64
from novate.kernel.clearing.order import netted_lots_of
from novate.kernel.clearing.way_out import (
    conceded_by_orders,
    conceded_of,
    look_at_other_orders,
    most_conceded_of,
    order_loss_of,
    worth_of_shorts,
)
from novate.kernel.codes import Style
from novate.message.parameter import Parameter
from novate.valuation import ClearingState


def order_loss(x: ClearingState, account: int, i: int, lots: int, limit_ticks: int) -> int:
    """Return what an order holds when it is granted (rules 3.52, 7.23, 7.24 and 7.50).

    That is what a fill at its limit loses, fee included, when the mark has moved against it by the
    order band.  No fill within the limit costs more: a fee is at most a tenth of the value, so that
    a better price gains more than its fee.  An option that is bought is no collateral, so its whole
    premium counts; for one that is sold the margin of the short is asked in full, and the premium
    comes in.

    Parameters
    ----------
    account
        Whose order it is.
    i, lots, limit_ticks
        Instrument, signed lots (positive to buy) and the worst price of a fill.

    Returns
    -------
    int
        Numeraire units, not negative: the value at the limit beyond that at the moved mark if it is
        a loss, and the dearer of both fees on the value at the limit, each rounded up and at most
        2**60.
    """
    band = x.parameter(Parameter.ORDER_BAND_PPM, instrument=i)
    arrays = x.account_arrays(), x.instrument_arrays(), x.asset_arrays()
    return int(order_loss_of(*arrays, account, i, lots, limit_ticks, band))


def netted_lots(x: BookState, account: int, i: int) -> tuple[int, int, int]:
    """Signed lots, and open lots bought and sold, of a contract in an account's netting set."""
    lots, buys, sells = netted_lots_of(x.account_arrays(), x.positions.arrays(), account, i)
    return int(lots), int(buys), int(sells)


def closing_orders(x: ClearingState, group: int) -> I64:
    """Return the rows of those open orders of a margin group that are closing orders (rule 7.51).

    Together those of one direction do no more than close a position.
    """
    table = x.reservations
    rows = table.of(np.array(x.group_accounts(group), np.int64))
    is_closing = np.zeros(rows.size, np.bool_)
    for k, row in enumerate(rows.tolist()):
        account, i = int(table.account[row]), int(table.instrument[row])
        held, buys, sells = netted_lots(x, account, i)
        is_buy = bool(table.lots[row] > 0)
        is_closing[k] = held < 0 if is_buy else held > 0
        is_closing[k] &= (buys if is_buy else sells) <= abs(held)
    closing: I64 = rows[is_closing]
    return closing


def conceded_with(
    x: ClearingState, account: int, i: int, lots: int, limit_ticks: int
) -> tuple[int, int]:
    """Return what a closing order and those beside it concede, and the most that they may.

    Parameters
    ----------
    account, i, lots, limit_ticks
        The order: it and the open orders of its direction do no more than close the position.

    Returns
    -------
    tuple[int, int]
        Numeraire units (rules 7.52 and 7.53).
    """
    accounts = x.account_arrays()
    terms = x.instrument_arrays(), x.asset_arrays()
    conceded = int(conceded_of(*terms, i, lots, limit_ticks))
    _, buys, sells = netted_lots(x, account, i)
    beside = buys if lots > 0 else -sells
    if beside:
        orders = x.reservations.arrays()
        conceded += int(conceded_by_orders(accounts, *terms, orders, account, i, lots))
    lost, others = look_at_other_orders(
        accounts, x.positions.arrays(), *terms, x.reservations.arrays(), account, i, lots
    )
    closed = lots + beside
    return conceded, most_conceded_by_closing(x, account, i, closed, int(lost), int(others))


def most_conceded_by_closing(
    x: ClearingState, account: int, i: int, lots: int, lost: int, conceded: int
) -> int:
    """Return the most that closing signed ``lots`` may concede, numeraire units (rule 7.53).

    Parameters
    ----------
    account, i, lots
        Whose position, the contract, and the lots that close it.
    lost, conceded
        What orders of the group lose that do more than close a position, and what closing orders of
        its other positions concede; numeraire units.
    """
    before = x.assess(account)
    shorts = worth_of_shorts(
        x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), x.asset_arrays(), account
    )
    closed = x.assess_after(account, i, lots=lots)
    after = closed.maintenance - closed.debt_maintenance + before.debt_maintenance
    cover = max(before.equity - int(shorts), 0) - lost
    return int(most_conceded_of(cover, conceded, before.maintenance, after))


def raises_initial(x: ClearingState, account: int, i: int, sells: int) -> bool:
    """Return whether more initial margin is asked with sells of an option open than without them.

    Parameters
    ----------
    account, i, sells
        Whose orders they are, the option, and their lots in the netting set, not negative.
    """
    is_option = x.instruments.style[i] == Style.PREMIUM
    if not is_option or sells <= 0 or x.is_summed(account):
        return False
    without = x.assess_after(account, i, sells=-sells)
    return x.assess(account).initial > without.initial


def order_bands(x: ClearingState) -> I64:
    """Return the order band of each instrument, in 1e-6 of the mark; shape (instruments,)."""
    return x.by_instrument(Parameter.ORDER_BAND_PPM)
