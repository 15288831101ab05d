"""Transfers of positions between two accounts of one pool (rules 7.42 to 7.48).

Lots move with their share of entry and settlement cost: nothing is priced, paid or realised, and
the sums of both accounts stay the same to the unit.

Between two margin groups each must hold afterwards what a withdrawal leaves in it (rules 6.10 and
6.11): a gain that is not proven could otherwise be parted from the cash that it was paid in.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from novate.book.transfer import parties_refusal
from novate.kernel.clearing.bound import AMOUNT_MAX
from novate.kernel.clearing.columns import I64
from novate.kernel.clearing.group import gross_lots_elsewhere
from novate.kernel.clearing.settle import gross_reserved, row_of
from novate.kernel.clearing.transfer import drop_last_row, move_lots
from novate.kernel.codes import MarginMode
from novate.margin.way_out import netted_lots
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.refusal import TransferPositionRefusal as No
from novate.message.topic import Application, Decision, Topic, named
from novate.valuation import ClearingState
from novate.valuation.excess import held_back, stale_asset, unassessed_asset
from novate.valuation.other_price import at_every_price
from novate.valuation.price_status import is_halted


def decide_transfer_position(x: ClearingState, row: Row, emit: Emit) -> Refusal | None:
    """Decide a transfer of lots: `PositionTransferred` with the costs that go along.

    Parameters
    ----------
    row
        ``sender``, ``receiver``, ``instrument``, and ``lots``, signed as the sender holds them.

    Returns
    -------
    Refusal | None
        Reasons of `parties_refusal`; then UNKNOWN_INSTRUMENT, LOTS_OUT_OF_RANGE, OPPOSITE_POSITION,
        ISOLATED_ELSEWHERE, POSITION_LIMIT, AMOUNT_TOO_LARGE, ORDERS_UNCOVERED, PRICE_BLOCKED,
        INDEX_STALE, INSUFFICIENT_MARGIN, GAINS_UNPROVEN, GAINS_NOT_PAID or PRICE_NOT_ASSESSED,
        tested in this order, of the sender before the receiver; those of margin and gains with
        equity and what it must cover, numeraire units.
    """
    refusal = parties_refusal(x, row, No) or _lots_refusal(x, row)
    if refusal is not None:
        return refusal
    sender = int(row_of(x.positions.arrays(), row["sender"], row["instrument"]))
    held = int(x.positions.lots[sender])
    moved = {
        **row,
        "entry_cost": _share(int(x.positions.entry_cost[sender]), row["lots"], held),
        "settlement_cost": _share(int(x.positions.settlement_cost[sender]), row["lots"], held),
    }
    refusal = _receiver_refusal(x, row)
    if refusal is not None:
        return refusal
    with _as_if_moved(x, moved):
        refusal = _size_refusal(x, row) or _orders_refusal(x, row) or _margin_refusal(x, row)
    if refusal is not None:
        return refusal
    emit(event.POSITION_TRANSFERRED, **moved)
    return None


def _share(cost: int, lots: int, held: int) -> int:
    """Return what of a cost goes with ``lots`` of ``held``: in size rounded down, all with all."""
    size = abs(cost) * abs(lots) // abs(held)
    return size if cost >= 0 else -size


def _lots_refusal(x: ClearingState, row: Row) -> Refusal | None:
    """Why the sender has no such lots."""
    i, lots = row["instrument"], row["lots"]
    if i >= x.instruments.count:
        return Refusal(No.UNKNOWN_INSTRUMENT, i, x.instruments.count - 1)
    place = int(row_of(x.positions.arrays(), row["sender"], i))
    held = int(x.positions.lots[place]) if place >= 0 else 0
    if lots * held <= 0 or abs(lots) > abs(held):
        return Refusal(No.LOTS_OUT_OF_RANGE, lots, held)
    return None


def _receiver_refusal(x: ClearingState, row: Row) -> Refusal | None:
    """Why the receiver's position, or its other contracts, do not let lots come.

    Opposite lots would close each other, and what they made would be realised without a price.
    """
    p, i, receiver = x.positions, row["instrument"], row["receiver"]
    elsewhere = -1
    at = int(x.accounts.head[receiver])
    while at >= 0:
        if p.instrument[at] == i:
            if int(p.lots[at]) * row["lots"] < 0:
                return Refusal(No.OPPOSITE_POSITION, row["lots"], int(p.lots[at]))
        elif p.lots[at] or p.buy_lots[at] or p.sell_lots[at]:
            elsewhere = max(elsewhere, int(p.instrument[at]))
        at = int(p.link[at])
    if elsewhere >= 0 and x.accounts.mode[receiver] == MarginMode.ISOLATED:
        return Refusal(No.ISOLATED_ELSEWHERE, i, elsewhere)
    return None


@contextmanager
def _as_if_moved(x: ClearingState, moved: Row) -> Iterator[None]:
    """Let the state be as after a transfer, and as before again.

    Room is made before, so that the index is the same when a new row is taken out of it.
    """
    i, receiver = moved["instrument"], moved["receiver"]
    x.positions.reserve(1, x.accounts)
    is_new = row_of(x.positions.arrays(), receiver, i) < 0
    _move(x, moved)
    try:
        yield
    finally:
        back = {name: -moved[name] for name in ("lots", "entry_cost", "settlement_cost")}
        _move(x, {**moved, **back})
        if is_new:
            drop_last_row(x.account_arrays(), x.positions.arrays())


def _size_refusal(x: ClearingState, row: Row) -> Refusal | None:
    """Whether what was moved leaves the receiver's limit, or either group what 64 bits hold."""
    p, i, receiver = x.positions, row["instrument"], row["receiver"]
    arrays = x.account_arrays(), p.arrays()
    at = int(row_of(p.arrays(), receiver, i))
    orders = int(p.buy_lots[at]) if row["lots"] > 0 else -int(p.sell_lots[at])
    lots = abs(int(p.lots[at]) + orders) + int(gross_lots_elsewhere(*arrays, receiver, i))
    if lots > x.instruments.lots_max[i]:
        return Refusal(No.POSITION_LIMIT, lots, int(x.instruments.lots_max[i]))
    balance = x.accounts.balance[receiver, x.instruments.settlement_asset[i]]
    size = max(abs(int(p.entry_cost[at])), abs(int(p.settlement_cost[at])), abs(int(balance)))
    for account in (row["sender"], receiver):
        gross = gross_reserved(*arrays, x.instrument_arrays(), account, i, 0, 0)
        size = max(size, int(gross))
    if size > AMOUNT_MAX:
        return Refusal(No.AMOUNT_TOO_LARGE, size, AMOUNT_MAX)
    return None


def _orders_refusal(x: ClearingState, row: Row) -> Refusal | None:
    """Whether open orders of the sender could close more than what stays, in its netting set.

    An order that only reduces may stand on the position that it closes, not on margin.
    """
    sender, lots = row["sender"], row["lots"]
    if x.accounts.netting_set[sender] == x.accounts.netting_set[row["receiver"]]:
        return None
    rest, buys, sells = netted_lots(x, sender, row["instrument"])
    closing, rest = (sells, rest) if lots > 0 else (buys, -rest)
    if closing > max(rest, 0):
        return Refusal(No.ORDERS_UNCOVERED, closing, max(rest, 0))
    return None


def _margin_refusal(x: ClearingState, row: Row) -> Refusal | None:
    """Whether what was moved leaves each group what it must hold."""
    accounts, i = x.accounts, row["instrument"]
    if is_halted(x, i):
        return Refusal(No.PRICE_BLOCKED, i, -1)
    parties = row["sender"], row["receiver"]
    groups = {x.group_of(account) for account in parties}
    if len(groups) == 1:
        if accounts.netting_set[parties[0]] == accounts.netting_set[parties[1]]:
            return None
        found = x.assess(parties[0])
        is_covered = found.equity >= found.initial
        return None if is_covered else Refusal(No.INSUFFICIENT_MARGIN, found.equity, found.initial)
    return _parties_refusal(x, parties)


def _parties_refusal(x: ClearingState, parties: tuple[int, int]) -> Refusal | None:
    """Whether each of two groups keeps what a withdrawal would leave in it (rule 7.48)."""
    stale = [asset for asset in (stale_asset(x, account) for account in parties) if asset >= 0]
    if stale:
        return Refusal(No.INDEX_STALE, stale[0], -1)
    refusal = at_every_price(x, lambda marks: _excess_refusal(x, parties, marks))
    for account in parties if refusal is None else ():
        reported = unassessed_asset(x, account)
        if reported >= 0:
            return Refusal(No.PRICE_NOT_ASSESSED, reported, -1)
    return refusal


def _excess_refusal(x: ClearingState, parties: tuple[int, int], marks: I64) -> Refusal | None:
    """Whether both groups have what a withdrawal leaves."""
    both = [x.assess(account) for account in parties]
    needs = [
        held_back(x, account, found, marks) for account, found in zip(parties, both, strict=True)
    ]
    for parts, code in (
        (1, No.INSUFFICIENT_MARGIN), (2, No.GAINS_UNPROVEN), (3, No.GAINS_NOT_PAID)
    ):  # fmt: skip
        for found, need in zip(both, needs, strict=True):
            if found.equity < sum(need[:parts]):
                return Refusal(code, found.equity, sum(need[:parts]))
    return None


def apply_position_transferred(x: ClearingState, row: Row) -> None:
    """Move the lots and their costs."""
    x.positions.reserve(1, x.accounts)
    _move(x, row)


def _move(x: ClearingState, row: Row) -> None:
    move_lots(
        x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), row["sender"],
        row["receiver"], row["instrument"], row["lots"], row["entry_cost"], row["settlement_cost"],
    )  # fmt: skip


TOPIC: Topic[ClearingState] = Topic(
    name="transfers of positions",
    decisions=(Decision(command.TRANSFER_POSITION, decide_transfer_position, No),),
    applications=(
        Application(
            event.POSITION_TRANSFERRED, apply_position_transferred, named("sender", "receiver")
        ),
    ),
)
