"""Conversions: assets of an account that is closed out are exchanged with the external market.

Debts in other assets are bought back; what is sold pays a debt in the numeraire (rules 11.7 to
11.10 and 11.17).
"""

from __future__ import annotations

from novate.book.ledger import transfer
from novate.default_management.state import DefaultState
from novate.kernel.codes import Role
from novate.message import event
from novate.message.declare import Emit, Row
from novate.valuation import ClearingState


def proceeds_of(x: ClearingState, asset: int, amount: int, price_e8: int) -> int:
    """Return what an account gets for a conversion (rule 11.17).

    Parameters
    ----------
    asset, amount
        Ledger units of the asset that the account gains; negative when it sells.
    price_e8
        Price of one whole unit of the asset, 1e-8 of a whole numeraire.

    Returns
    -------
    int
        Numeraire units, negative when it pays: a credit is rounded down, a charge up.
    """
    worth: int = amount * price_e8 * 10 ** int(x.assets.decimals[0])
    scale: int = 10 ** (8 + int(x.assets.decimals[asset]))
    return -worth // scale


def fill_conversion(
    x: ClearingState, number: int, account: int, asset: int, amount: int, price_e8: int, emit: Emit
) -> None:
    """Emit `AssetConverted`: an account gains signed ledger units of an asset at a price."""
    proceeds = proceeds_of(x, asset, amount, price_e8)
    emit(
        event.ASSET_CONVERTED,
        order=number, account=account, asset=asset, amount=amount, price_e8=price_e8,
        proceeds=proceeds,
    )  # fmt: skip


def apply_asset_converted(x: DefaultState, row: Row) -> None:
    """Book a conversion, and note that no assessment has seen it (rule 6.110)."""
    book_conversion(x, row)
    x.has_settled = True


def book_conversion(x: DefaultState, row: Row) -> None:
    """Exchange asset and numeraire with the external market, and take the fill off the order."""
    market, account, amount = x.single(Role.EXTERNAL_MARKET), row["account"], row["amount"]
    if amount > 0:
        transfer(x.accounts, row["asset"], market, account, amount)
        transfer(x.accounts, 0, account, market, -row["proceeds"])
    else:
        transfer(x.accounts, row["asset"], account, market, -amount)
        transfer(x.accounts, 0, market, account, row["proceeds"])
    x.book_answer(row["order"], amount)
