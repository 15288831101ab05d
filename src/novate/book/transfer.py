"""Between which accounts something may be transferred without a price (rule 6.53).

Both belong to one holder: they are of one pool, and so of one member and one class.
"""

from __future__ import annotations

from collections.abc import Sequence

from novate.book.state import BookState
from novate.kernel.codes import AccountStatus, MemberStatus
from novate.message.declare import Refusal, Row
from novate.message.refusal import TransferCollateralRefusal, TransferPositionRefusal

Reasons = type[TransferCollateralRefusal] | type[TransferPositionRefusal]
"""The first reasons of both are the same."""


def parties_refusal(
    state: BookState,
    row: Row,
    no: Reasons,
    receives: Sequence[AccountStatus] = (AccountStatus.OPEN,),
) -> Refusal | None:
    """Return why nothing moves between two accounts, whatever it is.

    Parameters
    ----------
    row
        ``sender`` and ``receiver``.
    no
        Reasons of the command.
    receives
        Status with which an account may receive.

    Returns
    -------
    Refusal | None
        UNKNOWN_SENDER, UNKNOWN_RECEIVER, SAME_ACCOUNT, OTHER_POOL, ACCOUNT_NOT_OPEN (the sender
        first) or MEMBER_NOT_ACTIVE, tested in this order.
    """
    accounts, sender, receiver = state.accounts, row["sender"], row["receiver"]
    for account, code in ((sender, no.UNKNOWN_SENDER), (receiver, no.UNKNOWN_RECEIVER)):
        if account >= accounts.count or not accounts.is_margined[account]:
            return Refusal(code, account, accounts.count - 1)
    if sender == receiver:
        return Refusal(no.SAME_ACCOUNT, receiver, -1)
    if accounts.pool[sender] != accounts.pool[receiver]:
        return Refusal(no.OTHER_POOL, int(accounts.pool[receiver]), int(accounts.pool[sender]))
    for account, allowed in ((sender, (AccountStatus.OPEN,)), (receiver, receives)):
        status = int(accounts.status[account])
        if status not in allowed:
            return Refusal(no.ACCOUNT_NOT_OPEN, status, AccountStatus.OPEN)
    if accounts.is_suspended[sender]:
        standing = int(accounts.status[accounts.parent[sender]])
        return Refusal(no.MEMBER_NOT_ACTIVE, standing, MemberStatus.ACTIVE)
    return None
