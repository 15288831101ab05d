"""Gains of a gains window: what was received, and what a side gave away and did not lose."""

from __future__ import annotations

from novate.kernel.clearing.assess import units_of
from novate.kernel.clearing.bound import AMOUNT_MAX
from novate.kernel.clearing.value import contract_value
from novate.kernel.jit import inlined


@inlined
def add_window_gain(accounts, account, worth):  # type: ignore[no-untyped-def]
    """Add numeraire units, rounded down, to a window gain; it stays within `AMOUNT_MAX`."""
    gain = accounts.window_gain[account] + units_of(worth)
    accounts.window_gain[account] = min(max(gain, -AMOUNT_MAX), AMOUNT_MAX)


@inlined
def count_conceded(  # type: ignore[no-untyped-def]
    accounts, instruments, assets, buyer, seller, i, lots, value, buyer_fee, seller_fee
):
    """Add what a side of a trade gave away against the mark, and a rebate (rule 7.85).

    ``value`` is that of the buyer, settlement units.  Without a mark nothing was given away, and
    what goes from one account of a margin group to another stays in it.
    """
    conceded = value - value
    if instruments.mark[i] > 0:
        mark = instruments.mark[i]
        conceded = value - contract_value(instruments.form[i], instruments.unit[i], mark, lots)
    if conceded == 0 and buyer_fee >= 0 and seller_fee >= 0:
        return
    if accounts.margin_group[buyer] == accounts.margin_group[seller]:
        return
    price = assets.unit_price[instruments.settlement_asset[i]]
    if conceded > 0:
        add_window_gain(accounts, buyer, conceded * price)
    elif conceded < 0:
        add_window_gain(accounts, seller, -conceded * price)
    if buyer_fee < 0:
        add_window_gain(accounts, buyer, -buyer_fee * price)
    if seller_fee < 0:
        add_window_gain(accounts, seller, -seller_fee * price)
