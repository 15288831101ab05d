"""What an account in need may not give away: the worth of its long options.

A long option is no collateral, so that equity says nothing of what it is sold for.  An account
whose equity does not cover initial margin may sell it at a price near its mark only: at any price
whatever it would hand what is left to a friend, and its loss to the house.
"""

from __future__ import annotations

import numpy as np

from novate.kernel.assess import EQUITY, INITIAL, assess_with
from novate.kernel.codes import Role, Style
from novate.kernel.jit import inlined
from novate.kernel.position import find_position

_PREMIUM = int(Style.PREMIUM)
_HOUSE = int(Role.HOUSE)
_CLIENT = int(Role.CLIENT)
_EXTERNAL = int(Role.EXTERNAL_MARKET)


@inlined
def sale_floor(mark, way_out_ppm):  # type: ignore[no-untyped-def]
    """Lowest price in ticks of such a sale: the mark less its share, the share rounded up."""
    return mark - (mark * way_out_ppm + 999_999) // 1_000_000


@inlined
def is_given_away(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, buyer, seller, i, ticks, way_out_ppm, scratch, out
):
    """Whether a seller in need sells a long option below its floor to another member's account.

    The account is assessed as it stands before the trade, and only if the price is below the floor.
    """
    if instruments.style[i] != _PREMIUM or ticks >= sale_floor(instruments.mark[i], way_out_ppm):
        return False
    role = accounts.role[seller]
    if (role != _HOUSE and role != _CLIENT) or accounts.role[buyer] == _EXTERNAL:
        return False
    row = find_position(positions, seller, i)
    if row < 0 or positions.lots[row] <= 0:
        return False
    none = np.int64(0)
    assess_with(
        accounts, positions, instruments, assets, seller, i, none, none, none, none, none, scratch,
        out,
    )  # fmt: skip
    return out[EQUITY] < out[INITIAL]
