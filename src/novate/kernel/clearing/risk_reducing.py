"""Limit of price at which an account short of initial margin may sell its long options (rule 7.12).

A long option is no collateral: equity does not change with the price it is sold at.  An account
whose equity does not cover initial margin could therefore transfer its worth to another account by
a sale far below the mark, and leave its loss to the clearing house.  Such a sale is refused.
"""

from __future__ import annotations

from novate.kernel.clearing.assess import (
    DEBT_INITIAL,
    DEBT_MAINTENANCE,
    EQUITY,
    INITIAL,
    MAINTENANCE,
    assess_account,
)
from novate.kernel.clearing.offset import may_offset
from novate.kernel.clearing.position import find_position
from novate.kernel.clearing.requirement import STANDARD
from novate.kernel.jit import inlined, kernel

BUYER, SELLER = range(2)
"""Rows of what models outside the kernels ask of the two sides of a trade; see `AFTER`."""

AFTER, BEFORE, CLOSED = 0, 2, 4
"""Columns of the same: initial margin after the trade, maintenance margin, both before it, and
maintenance margin after it when the open orders of its direction in the position are filled too."""

ASKED = 5
"""Number of these columns."""

NO, YES, UNASKED = range(3)
"""Answers of `is_given_away`; the last: what limits the group's shorts must be asked first."""


@inlined
def has_model(accounts, asked, account):  # type: ignore[no-untyped-def]
    """Whether an account's group has another margin model than the standard one, or an add-on.

    ``asked`` is empty while no group has one, so that nothing is looked up.
    """
    return asked.size > 0 and (
        accounts.margin_model[account] != STANDARD or accounts.add_ons[account] != 0
    )


@inlined
def take_requirement(asked, side, when, out):  # type: ignore[no-untyped-def]
    """Put what a model asks of one side in the place of the sums of contract rules.

    What debts ask for is no part of the model, and stays.
    """
    out[INITIAL] = asked[side, when] + out[DEBT_INITIAL]
    out[MAINTENANCE] = asked[side, when + 1] + out[DEBT_MAINTENANCE]


@inlined
def sale_floor(mark, risk_reducing_sale_ppm):  # type: ignore[no-untyped-def]
    """Lowest price in ticks of such a sale: the mark less its share, the share rounded up."""
    return mark - (mark * risk_reducing_sale_ppm + 999_999) // 1_000_000


@kernel
def is_given_away(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, buyer, seller, i, asked, is_asked, scratch, out
):
    """Say whether a seller short of initial margin sells a long option below the floor (rule 7.12).

    Asked for a price below the floor only; the account is assessed as it stands before the trade.
    Not inlined, so that trades of other contracts do not carry its code.
    """
    if not accounts.is_margined[seller]:
        return NO
    row = find_position(positions, seller, i)
    if row < 0 or positions.lots[row] <= 0:
        return NO
    assess_account(accounts, positions, instruments, assets, seller, scratch, out)
    if has_model(accounts, asked, seller):
        take_requirement(asked, SELLER, BEFORE, out)
    elif out[EQUITY] < out[INITIAL] and may_offset(accounts, positions, instruments, seller, i):
        if not is_asked:
            return UNASKED
        take_requirement(asked, SELLER, BEFORE, out)
    return YES if out[EQUITY] < out[INITIAL] else NO
