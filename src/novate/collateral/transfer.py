"""Transfers of collateral between two accounts of one pool (rules 6.54 to 6.57).

Out of a margin group collateral goes as by a withdrawal.  Inside a group nothing but the balance is
asked: what the group has and must hold stays the same.

The window gain goes along, so that a gains haircut finds a gain where its money is.  Encumbered
gains stay: what covers them stays too.
"""

from __future__ import annotations

import math

from novate.book.ledger import transfer
from novate.book.transfer import parties_refusal
from novate.collateral.obligation import pay, payment_of
from novate.kernel.clearing.bound import AMOUNT_MAX
from novate.kernel.clearing.columns import I64
from novate.kernel.codes import AccountStatus
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.refusal import TransferCollateralRefusal as No
from novate.message.topic import Application, Decision, Topic, named
from novate.valuation import ClearingState
from novate.valuation.excess import assess_without, held_back, stale_asset, unassessed_asset
from novate.valuation.other_price import at_every_price

STANDING = (AccountStatus.OPEN, AccountStatus.CALLED)
"""Status of an account that receives collateral: it may pay what it was called for."""


def decide_transfer_collateral(x: ClearingState, row: Row, emit: Emit) -> Refusal | None:
    """Decide a transfer of collateral: `CollateralTransferred`, and what it pays (rule 6.100).

    Parameters
    ----------
    row
        ``sender``, ``receiver``, ``asset`` and ``amount`` in ledger units.

    Returns
    -------
    Refusal | None
        Reasons of `parties_refusal`, then UNKNOWN_ASSET, AMOUNT_NOT_POSITIVE, INSUFFICIENT_BALANCE,
        AMOUNT_TOO_LARGE, and out of a group INDEX_STALE, INSUFFICIENT_MARGIN, GAINS_UNPROVEN,
        GAINS_NOT_PAID (these three with the equity that stays and what it must cover, numeraire
        units) or PRICE_NOT_ASSESSED.
    """
    refusal = parties_refusal(x, row, No, STANDING) or _amount_refusal(x, row)
    if refusal is not None:
        return refusal
    sender = row["sender"]
    if x.group_of(sender) != x.group_of(row["receiver"]):
        refusal = _group_refusal(x, sender, row["asset"], row["amount"])
        if refusal is not None:
            return refusal
    receiver = row["receiver"]
    worth = payment_of(x, receiver, row["asset"], row["amount"])
    emit(event.COLLATERAL_TRANSFERRED, window_gain=_window_gain(x, row), **row)
    pay(x, receiver, worth, emit)
    return None


def _amount_refusal(x: ClearingState, row: Row) -> Refusal | None:
    """Why the sender cannot give, or the receiver not take, an amount of an asset."""
    asset, amount = row["asset"], row["amount"]
    if asset >= x.assets.count:
        return Refusal(No.UNKNOWN_ASSET, asset, x.assets.count - 1)
    if amount <= 0:
        return Refusal(No.AMOUNT_NOT_POSITIVE, amount, 1)
    balance = int(x.accounts.balance[row["sender"], asset])
    if amount > balance:
        return Refusal(No.INSUFFICIENT_BALANCE, amount, balance)
    room = AMOUNT_MAX - abs(int(x.accounts.balance[row["receiver"], asset]))
    if amount > room:
        return Refusal(No.AMOUNT_TOO_LARGE, amount, room)
    return None


def _group_refusal(x: ClearingState, sender: int, asset: int, amount: int) -> Refusal | None:
    """Why an amount does not leave the sender's margin group."""
    stale = stale_asset(x, sender)
    if stale >= 0:
        return Refusal(No.INDEX_STALE, stale, -1)
    refusal = at_every_price(x, lambda marks: _margin_refusal(x, sender, asset, amount, marks))
    if refusal is None and (reported := unassessed_asset(x, sender)) >= 0:
        return Refusal(No.PRICE_NOT_ASSESSED, reported, -1)
    return refusal


def _margin_refusal(
    x: ClearingState, sender: int, asset: int, amount: int, marks: I64
) -> Refusal | None:
    """Whether what stays in the group covers what must stay."""
    after = assess_without(x, sender, asset, amount)
    margin, gains, unpaid = held_back(x, sender, after, marks)
    if after.equity < margin:
        return Refusal(No.INSUFFICIENT_MARGIN, after.equity, margin)
    if after.equity < margin + gains:
        return Refusal(No.GAINS_UNPROVEN, after.equity, margin + gains)
    if after.equity < margin + gains + unpaid:
        return Refusal(No.GAINS_NOT_PAID, after.equity, margin + gains + unpaid)
    return None


def _window_gain(x: ClearingState, row: Row) -> int:
    """Return the window gain that goes along with an amount, numeraire units, not negative.

    The worth of the amount, as far as the sender's group has gained that much in the window; both
    window gains stay within `AMOUNT_MAX`.
    """
    sender, window_gain = row["sender"], x.accounts.window_gain
    gained = max(x.window_gain(sender) + x.assess(sender).gain, 0)
    price = float(x.assets.unit_price[row["asset"]])
    worth = math.ceil(min(row["amount"] * price, float(AMOUNT_MAX)))
    room = AMOUNT_MAX + int(window_gain[sender]), AMOUNT_MAX - int(window_gain[row["receiver"]])
    return int(min(worth, gained, *room))


def apply_collateral_transferred(x: ClearingState, row: Row) -> None:
    """Move the amount and its window gain."""
    transfer(x.accounts, row["asset"], row["sender"], row["receiver"], row["amount"])
    x.accounts.window_gain[row["sender"]] -= row["window_gain"]
    x.accounts.window_gain[row["receiver"]] += row["window_gain"]


TOPIC: Topic[ClearingState] = Topic(
    name="transfers of collateral",
    decisions=(Decision(command.TRANSFER_COLLATERAL, decide_transfer_collateral, No),),
    applications=(
        Application(
            event.COLLATERAL_TRANSFERRED, apply_collateral_transferred, named("sender", "receiver")
        ),
    ),
)
