"""Which margin group and netting set an account belongs to.

The accounts of a group are held to margin together: their collateral and their positions count as
one book, and they are called, liquidated and taken over together.  In a netting set opposite
positions of one contract offset each other.  Both stay inside one pool of collateral (EMIR Art. 39:
assets and positions of one client do not cover those of another).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from novate.book.account import OF_GROUP, put_into_group
from novate.kernel.clearing.bound import AMOUNT_MAX
from novate.kernel.clearing.group import GROUP_MAX, gross_lots_elsewhere
from novate.kernel.clearing.settle import gross_reserved
from novate.kernel.codes import AccountStatus, MarginMode
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.refusal import SetMarginGroupRefusal as No
from novate.message.topic import Accounts, Application, Decision, Topic
from novate.valuation import Assessment, ClearingState
from novate.valuation.excess import HeldBack, held_back
from novate.valuation.group_book import book_of
from novate.valuation.price_status import is_blocked


def decide_set_margin_group(x: ClearingState, row: Row, emit: Emit) -> Refusal | None:
    """Move an account into a margin group and a netting set, out of them, or say why not.

    Both the group that it leaves and the one that it is in afterwards must hold initial margin:
    what an account takes along is gone for the others.  If there still is a group that it left,
    each must hold what a withdrawal would leave in it: one part could otherwise pay out what covers
    the other.
    """
    account, group = row["account"], row["group"]
    refusal = _place_refusal(x, account, group, row["netting_set"])
    if refusal is not None:
        return refusal
    left = x.group_of(account)
    refusal = _standing_refusal(x, left, group)
    if refusal is not None:
        return refusal
    netting_set = int(x.accounts.netting_set[account])
    before = {name: getattr(x.accounts, name)[account] for name in OF_GROUP}
    put_into_group(x, account, group, row["netting_set"])
    refusal = _size_refusal(x, account)
    parts = (account,) if left in (account, group) else (left, account)
    found = [x.assess(part) for part in parts]
    needs = [held_back(x, part, numbers) for part, numbers in zip(parts, found, strict=True)]
    put_into_group(x, account, left, netting_set)
    for name, value in before.items():
        getattr(x.accounts, name)[account] = value
    refusal = refusal or _margin_refusal(found, needs)
    if refusal is not None:
        return refusal
    there = found[-1]
    emit(event.MARGIN_GROUP_SET, equity=there.equity, requirement=there.initial, **row)
    return None


def _standing_refusal(x: ClearingState, left: int, group: int) -> Refusal | None:
    """Whether two groups are open, and have prices."""
    for one in (left, group):
        status = int(x.accounts.status[one])
        if status != AccountStatus.OPEN:
            return Refusal(No.NOT_OPEN, status, AccountStatus.OPEN)
    for one in (left, group):
        book = book_of(x, one)
        blocked = next((i for i in book.instrument.tolist() if is_blocked(x, i)), -1)
        if blocked >= 0:
            return Refusal(No.PRICE_BLOCKED, blocked, -1)
    return None


def _margin_refusal(found: Sequence[Assessment], needs: Sequence[HeldBack]) -> Refusal | None:
    """Whether a group covers initial margin; two parts of one, what a withdrawal leaves in each."""
    if len(found) == 1:
        needs = [HeldBack(found[0].initial, 0)]
    for numbers, need in zip(found, needs, strict=True):
        if numbers.equity < need.margin:
            return Refusal(No.INSUFFICIENT_MARGIN, numbers.equity, need.margin)
    for numbers, need in zip(found, needs, strict=True):
        if numbers.equity < sum(need):
            return Refusal(No.GAINS_UNPROVEN, numbers.equity, sum(need))
    return None


def _place_refusal(x: ClearingState, account: int, group: int, netting_set: int) -> Refusal | None:
    """Why an account may not stand in a group and a netting set, whatever it holds."""
    accounts = x.accounts
    if account >= accounts.count or not accounts.is_margined[account]:
        return Refusal(No.UNKNOWN_ACCOUNT, account, accounts.count - 1)
    is_alone = group == account
    if not is_alone and not x.is_group(group):
        return Refusal(No.UNKNOWN_GROUP, group, accounts.count - 1)
    if accounts.pool[group] != accounts.pool[account]:
        return Refusal(No.OTHER_POOL, int(accounts.pool[group]), int(accounts.pool[account]))
    if not is_alone and MarginMode.ISOLATED in (accounts.mode[account], accounts.mode[group]):
        return Refusal(No.ISOLATED_IN_GROUP, int(accounts.mode[account]), MarginMode.CROSS)
    others = {*accounts.ring_of(group)} - {account} if x.is_group(group) else set()
    if len(others) >= GROUP_MAX:
        return Refusal(No.GROUP_FULL, len(others) + 1, GROUP_MAX)
    if netting_set not in {account, *accounts.netting_set[list(others)].tolist()}:
        return Refusal(No.UNKNOWN_NETTING_SET, netting_set, group)
    ring = list(accounts.ring_of(account))
    leaves = group != accounts.margin_group[account]
    is_first = accounts.margin_group[account] == account and len(ring) > 1 and leaves
    goes = leaves or netting_set != accounts.netting_set[account]
    in_set = int(np.count_nonzero(accounts.netting_set[ring] == account)) > 1
    if is_first or (goes and accounts.netting_set[account] == account and in_set):
        return Refusal(No.FIRST_OF_OTHERS, account, group)
    return None


def _size_refusal(x: ClearingState, account: int) -> Refusal | None:
    """Whether the group that an account is in now is within the limits of its contracts."""
    p = x.positions
    arrays = x.account_arrays(), p.arrays()
    row = int(x.accounts.head[account])
    while row >= 0:
        i, held = int(p.instrument[row]), int(p.lots[row])
        lots = max(abs(held + int(p.buy_lots[row])), abs(held - int(p.sell_lots[row])))
        lots += int(gross_lots_elsewhere(*arrays, account, i))
        if lots > x.instruments.lots_max[i]:
            return Refusal(No.POSITION_LIMIT, lots, int(x.instruments.lots_max[i]))
        row = int(p.link[row])
    gross = int(gross_reserved(*arrays, x.instrument_arrays(), account, 0, 0, 0))
    largest = max(gross, x.open_order_hold(account))
    if largest > AMOUNT_MAX:
        return Refusal(No.AMOUNT_TOO_LARGE, largest, AMOUNT_MAX)
    return None


def apply_margin_group_set(x: ClearingState, row: Row) -> None:
    """The account belongs to the group and the set from now on."""
    put_into_group(x, row["account"], row["group"], row["netting_set"])


def _touched(x: ClearingState, row: Row) -> Accounts:
    """Everybody whose group has one account more or less: those of the whole pool."""
    pool = x.accounts.pool[row["account"]]
    return np.flatnonzero(x.accounts.used("pool") == pool)


TOPIC: Topic[ClearingState] = Topic(
    name="margin groups",
    decisions=(Decision(command.SET_MARGIN_GROUP, decide_set_margin_group, No),),
    applications=(Application(event.MARGIN_GROUP_SET, apply_margin_group_set, _touched),),
)
