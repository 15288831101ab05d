"""Which margin group and netting set an account belongs to.

The accounts of a group are held to margin together: their collateral and their positions count as
one book, and they are called, liquidated and taken over together.  In a netting set opposite
positions of one contract offset each other.  Both stay inside one pool of collateral (EMIR Art. 39:
assets and positions of one client do not cover those of another).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from novate.book.account import OF_GROUP, put_into_group
from novate.kernel.clearing.bound import AMOUNT_MAX
from novate.kernel.clearing.columns import I64
from novate.kernel.clearing.group import GROUP_MAX, gross_lots_elsewhere, lots_elsewhere
from novate.kernel.clearing.settle import gross_reserved
from novate.kernel.codes import AccountStatus, MarginMode, MemberStatus
from novate.margin.way_out import netted_lots
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.refusal import SetMarginGroupRefusal as No
from novate.message.topic import Accounts, Application, Decision, Topic
from novate.valuation import Assessment, ClearingState
from novate.valuation.excess import held_back, stale_asset, unassessed_asset
from novate.valuation.group_book import book_of
from novate.valuation.other_price import at_every_price
from novate.valuation.price_status import is_blocked


class Lots(NamedTuple):
    """Signed lots, and open lots bought and sold."""

    lots: int
    buys: int
    sells: int


def decide_set_margin_group(x: ClearingState, row: Row, emit: Emit) -> Refusal | None:
    """Move an account into a margin group and a netting set, out of them, or say why not.

    The group that it is in afterwards must hold initial margin.  What an account takes along out of
    a group that goes on is gone for the others, and free of what they must hold: each part must
    then hold what a withdrawal leaves (rule 6.58).  Orders that only reduced a netted position may
    not become orders that open one (rule 6.59).
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
    is_same = (left, netting_set) == (group, row["netting_set"])
    before = {name: getattr(x.accounts, name)[account] for name in OF_GROUP}
    parted = _beside(x, account)
    put_into_group(x, account, group, row["netting_set"])
    there = x.assess(account)
    is_parted = left not in (account, group)
    reported = [unassessed_asset(x, part) for part in (left, account)] if is_parted else []
    refusal = _size_refusal(x, account)
    refusal = refusal or (None if is_same else _orders_refusal(x, account, parted))
    unpaid = None
    if left in (account, group):
        refusal = refusal or _margin_refusal(there, there.initial)
    else:
        refusal = refusal or _parts_refusal(x, (left, account))
        unpaid = refusal or _unpaid_refusal(x, (left, account))
    put_into_group(x, account, left, netting_set)
    for name, value in before.items():
        getattr(x.accounts, name)[account] = value
    if refusal is None and x.accounts.is_suspended[account]:
        standing = int(x.accounts.status[x.accounts.parent[account]])
        refusal = Refusal(No.MEMBER_NOT_ACTIVE, standing, MemberStatus.ACTIVE)
    refusal = refusal or unpaid
    if refusal is None and max(reported, default=-1) >= 0:
        refusal = Refusal(No.PRICE_NOT_ASSESSED, next(a for a in reported if a >= 0), -1)
    if refusal is None:
        emit(event.MARGIN_GROUP_SET, equity=there.equity, requirement=there.initial, **row)
    return refusal


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


def _margin_refusal(found: Assessment, margin: int) -> Refusal | None:
    """Whether the equity of a group covers a margin."""
    if found.equity < margin:
        return Refusal(No.INSUFFICIENT_MARGIN, found.equity, margin)
    return None


def _parts_refusal(x: ClearingState, parts: tuple[int, int]) -> Refusal | None:
    """Whether both parts of what was one group have what a withdrawal must leave (rule 6.58).

    Inside a group cash goes where it is wanted: parted from its group it is free to leave.
    """
    stale = [asset for asset in (stale_asset(x, part) for part in parts) if asset >= 0]
    if stale:
        return Refusal(No.INDEX_STALE, stale[0], -1)
    return at_every_price(x, lambda marks: _excess_refusal(x, parts, marks))


def _excess_refusal(x: ClearingState, parts: tuple[int, int], marks: I64) -> Refusal | None:
    """Whether both parts have what a withdrawal leaves."""
    both = [x.assess(part) for part in parts]
    needs = [held_back(x, part, found, marks) for part, found in zip(parts, both, strict=True)]
    for count, code in ((1, No.INSUFFICIENT_MARGIN), (2, No.GAINS_UNPROVEN)):
        for found, need in zip(both, needs, strict=True):
            if found.equity < sum(need[:count]):
                return Refusal(code, found.equity, sum(need[:count]))
    return None


def _unpaid_refusal(x: ClearingState, parts: tuple[int, int]) -> Refusal | None:
    """Whether both parts also keep their shares of what is not paid for (rule 6.96)."""
    for part in parts:
        found = x.assess(part)
        need = sum(held_back(x, part, found, x.marks.mark))
        if found.equity < need:
            return Refusal(No.GAINS_NOT_PAID, found.equity, need)
    return None


def _beside(x: ClearingState, account: int) -> dict[int, Lots]:
    """Return lots, and open lots of each side, of an account's contracts in the rest of its set."""
    p, found = x.positions, {}
    row = int(x.accounts.head[account])
    while row >= 0:
        i = int(p.instrument[row])
        if p.lots[row] or p.buy_lots[row] or p.sell_lots[row]:
            lots = lots_elsewhere(x.account_arrays(), p.arrays(), account, i)
            found[i] = Lots(*(int(n) for n in lots))
        row = int(p.link[row])
    return found


def _orders_refusal(x: ClearingState, account: int, parted: dict[int, Lots]) -> Refusal | None:
    """Whether open orders have the position that they close, in the set left and in the new one.

    An order that only reduces may stand on the position that it closes, not on margin.

    Parameters
    ----------
    account
        It stands in its new netting set.
    parted
        What `_beside` found before.
    """
    for i, joined in sorted(_beside(x, account).items()):
        left = parted[i]
        if not any(left) and not any(joined):
            continue
        own = Lots(*(n - m for n, m in zip(netted_lots(x, account, i), joined, strict=True)))
        held = left.lots + own.lots, joined.lots
        now = Lots(*(n + m for n, m in zip(own, joined, strict=True)))
        for lots, buys, sells in (left, now):
            for is_closed, closing, rest in (
                (max(held) > 0, sells, max(lots, 0)),
                (min(held) < 0, buys, max(-lots, 0)),
            ):
                if is_closed and closing > rest:
                    return Refusal(No.ORDERS_UNCOVERED, closing, rest)
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
