"""Conversions: assets of an account that is closed are exchanged with the external market.

Debts in other assets are bought back; what is sold pays a debt in the numeraire.
"""

from __future__ import annotations

from novate.book.ledger import transfer
from novate.default_management.state import DefaultState
from novate.kernel.codes import Role
from novate.message import event
from novate.message.declare import Emit, Row
from novate.valuation import ClearingState


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
    x.book_answer(row["order"], amount)
