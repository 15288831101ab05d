"""Conversions: assets of an account that is closed are exchanged with the external market.

Debts in other assets are bought back; what is sold pays a debt in the numeraire.
"""

from __future__ import annotations

import math

from novate.book.ledger import transfer
from novate.default_management.state import DefaultState
from novate.kernel.codes import Role
from novate.message import event
from novate.message.declare import Emit, Row
from novate.valuation import ClearingState


def wanted_conversions(x: ClearingState, account: int) -> list[tuple[int, int]]:
    """Ledger units of each asset to buy (positive) or sell against the numeraire."""
    wanted = []
    debt = max(-int(x.accounts.balance[account, 0]), 0)
    for asset in range(1, x.assets.count):
        balance = int(x.accounts.balance[account, asset])
        unit_price = float(x.assets.unit_price[asset])
        if balance == 0 or unit_price <= 0.0 or x.assets.is_stale[asset]:
            continue
        if balance < 0 or x.accounts.role[account] == Role.LIQUIDATOR:
            wanted.append((asset, -balance))
        elif debt > 0:
            sold = min(balance, math.ceil(debt / unit_price))
            debt -= math.floor(sold * unit_price)
            wanted.append((asset, -sold))
    return wanted


def proceeds_of(x: ClearingState, asset: int, amount: int, price_e8: int) -> int:
    """Numeraire units for ``amount`` gained (negative: sold); a credit and a charge round down."""
    worth: int = amount * price_e8 * 10 ** int(x.assets.decimals[0])
    scale: int = 10 ** (8 + int(x.assets.decimals[asset]))
    return -worth // scale


def fill_conversion(
    x: ClearingState, number: int, account: int, asset: int, amount: int, price_e8: int, emit: Emit
) -> None:
    """Emit a conversion; what is sold is credited rounded down, what is bought charged up."""
    proceeds = proceeds_of(x, asset, amount, price_e8)
    emit(
        event.ASSET_CONVERTED,
        order=number, account=account, asset=asset, amount=amount, price_e8=price_e8,
        proceeds=proceeds,
    )  # fmt: skip


def apply_asset_converted(x: DefaultState, row: Row) -> None:
    """Exchange asset and numeraire with the external market."""
    market, account, amount = x.single(Role.EXTERNAL_MARKET), row["account"], row["amount"]
    if amount > 0:
        transfer(x.accounts, row["asset"], market, account, amount)
        transfer(x.accounts, 0, account, market, -row["proceeds"])
    else:
        transfer(x.accounts, row["asset"], account, market, -amount)
        transfer(x.accounts, 0, market, account, row["proceeds"])
    x.defaults.book_answer(row["order"], amount, x.now_ns)
