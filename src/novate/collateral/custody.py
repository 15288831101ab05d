"""Deposits and withdrawals of collateral (rules 6.4 to 6.11, 6.90, 6.91 and 6.96).

A withdrawal must leave equity that covers initial margin, the cost of liquidating what is held, and
gains that the slow index has not confirmed or that nobody has paid for: those count as margin and
are not paid out.  No more leaves than the clearing house holds of the asset.

Sources: EMIR Article 46 and CPMI-IOSCO PFMI Principle 5, collateral.  The haircuts by which equity
counts an asset are those of `haircut`.
"""

from __future__ import annotations

from novate.book.ledger import transfer
from novate.collateral.obligation import pay, payment_of
from novate.kernel.clearing.columns import I64
from novate.kernel.codes import AccountStatus, Collateral, MemberStatus, Role
from novate.market.reference import VALUE_MAX
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.refusal import PostCollateralRefusal, WithdrawCollateralRefusal
from novate.message.topic import ACCOUNT, Application, Decision, Topic
from novate.valuation import ClearingState
from novate.valuation.excess import assess_without, held_back, stale_asset, unassessed_asset
from novate.valuation.other_price import at_every_price


def decide_post_collateral(x: ClearingState, row: Row, emit: Emit) -> Refusal | None:
    """Decide a deposit: `CollateralPosted`, and what it pays (rules 6.4 to 6.6 and 6.100).

    Parameters
    ----------
    row
        ``account`` of role house, client or a fund; ``asset``, for a fund the numeraire; ``amount``
        in ledger units.

    Returns
    -------
    Refusal | None
        UNKNOWN_ACCOUNT, UNKNOWN_ASSET, AMOUNT_NOT_POSITIVE, AMOUNT_TOO_LARGE or ACCOUNT_CLOSED,
        tested in this order.
    """
    no = PostCollateralRefusal
    account, asset, amount = row["account"], row["asset"], row["amount"]
    takes = x.accounts.collateral[account] if account < x.accounts.count else Collateral.NONE
    if takes == Collateral.NONE:
        return Refusal(no.UNKNOWN_ACCOUNT, account, x.accounts.count - 1)
    most = 0 if takes == Collateral.NUMERAIRE else x.assets.count - 1
    if asset > most:
        return Refusal(no.UNKNOWN_ASSET, asset, most)
    if amount <= 0:
        return Refusal(no.AMOUNT_NOT_POSITIVE, amount, 1)
    if amount > VALUE_MAX - abs(int(x.accounts.balance[account, asset])):
        return Refusal(no.AMOUNT_TOO_LARGE, amount, VALUE_MAX)
    if amount > VALUE_MAX - abs(int(x.accounts.balance[x.single(Role.CUSTODY), asset])):
        return Refusal(no.AMOUNT_TOO_LARGE, amount, VALUE_MAX)
    repaid = 0
    if x.accounts.status[account] == AccountStatus.TAKEN_OVER:
        if asset != 0:
            return Refusal(no.ACCOUNT_CLOSED, int(x.accounts.status[account]), AccountStatus.OPEN)
        repaid = min(amount, int(x.accounts.owed[x.group_of(account)]))
    worth = payment_of(x, account, asset, amount)
    emit(event.COLLATERAL_POSTED, repaid=repaid, **row)
    pay(x, account, worth, emit)
    return None


def held_in_custody(x: ClearingState, asset: int) -> int:
    """Return what the clearing house holds of an asset, ledger units (rules 6.7 and 6.90)."""
    return -int(x.accounts.balance[x.single(Role.CUSTODY), asset])


def apply_collateral_posted(x: ClearingState, row: Row) -> None:
    """Move the amount from custody to the account; custody's balance falls (rule 6.7).

    What repays a debt that a takeover left goes on to the insurance fund (rule 12.28).
    """
    account, repaid = row["account"], row["repaid"]
    transfer(x.accounts, row["asset"], x.single(Role.CUSTODY), account, row["amount"])
    if repaid:
        transfer(x.accounts, row["asset"], account, x.single(Role.INSURANCE_FUND), repaid)
        x.accounts.owed[x.group_of(account)] -= repaid


def decide_withdraw_collateral(x: ClearingState, row: Row, emit: Emit) -> Refusal | None:
    """Decide a withdrawal: `CollateralWithdrawn` (rules 6.8 to 6.11, 6.52, 6.80, 6.90 and 6.96).

    Parameters
    ----------
    row
        ``account``, ``asset`` and ``amount`` in ledger units.

    Returns
    -------
    Refusal | None
        UNKNOWN_ACCOUNT, UNKNOWN_ASSET, AMOUNT_NOT_POSITIVE, ACCOUNT_NOT_OPEN, INDEX_STALE,
        INSUFFICIENT_BALANCE, INSUFFICIENT_MARGIN, GAINS_UNPROVEN, MEMBER_NOT_ACTIVE, CUSTODY_SHORT,
        GAINS_NOT_PAID or PRICE_NOT_ASSESSED (with the asset), tested in this order.
    """
    refusal = _withdrawal_refusal(x, **row) or _excess_refusal(x, **row)
    if refusal is None:
        reported = unassessed_asset(x, row["account"])
        if reported >= 0:
            return Refusal(WithdrawCollateralRefusal.PRICE_NOT_ASSESSED, reported, -1)
        emit(event.COLLATERAL_WITHDRAWN, **row)
    return refusal


def _withdrawal_refusal(x: ClearingState, account: int, asset: int, amount: int) -> Refusal | None:
    """Whether an account may withdraw at all, and has what it asks for."""
    no = WithdrawCollateralRefusal
    if account >= x.accounts.count or not x.accounts.is_margined[account]:
        return Refusal(no.UNKNOWN_ACCOUNT, account, x.accounts.count - 1)
    if asset >= x.assets.count:
        return Refusal(no.UNKNOWN_ASSET, asset, x.assets.count - 1)
    if amount <= 0:
        return Refusal(no.AMOUNT_NOT_POSITIVE, amount, 1)
    if x.accounts.status[account] != AccountStatus.OPEN and not _owes_nothing(x, account):
        return Refusal(no.ACCOUNT_NOT_OPEN, int(x.accounts.status[account]), AccountStatus.OPEN)
    stale = stale_asset(x, account)
    if stale >= 0:
        return Refusal(no.INDEX_STALE, stale, -1)
    balance = int(x.accounts.balance[account, asset])
    if balance < amount:
        return Refusal(no.INSUFFICIENT_BALANCE, amount, balance)
    return None


def _excess_refusal(x: ClearingState, account: int, asset: int, amount: int) -> Refusal | None:
    """Whether what stays in the group, and in custody, suffices."""
    no = WithdrawCollateralRefusal
    refusal = at_every_price(x, lambda marks: _margin_refusal(x, account, asset, amount, marks))
    if refusal is not None:
        return refusal
    if x.accounts.is_suspended[account]:
        standing = int(x.accounts.status[x.accounts.parent[account]])
        return Refusal(no.MEMBER_NOT_ACTIVE, standing, MemberStatus.ACTIVE)
    there = held_in_custody(x, asset)
    if amount > there:
        return Refusal(no.CUSTODY_SHORT, amount, there)
    after = assess_without(x, account, asset, amount)
    needed = sum(held_back(x, account, after, x.marks.mark))
    if after.equity < needed:
        return Refusal(no.GAINS_NOT_PAID, after.equity, needed)
    return None


def _margin_refusal(
    x: ClearingState, account: int, asset: int, amount: int, marks: I64
) -> Refusal | None:
    """Whether what stays in the group covers what must stay (rules 6.10 and 6.11)."""
    no = WithdrawCollateralRefusal
    after = assess_without(x, account, asset, amount)
    margin, gains, _ = held_back(x, account, after, marks)
    if after.equity < margin:
        return Refusal(no.INSUFFICIENT_MARGIN, after.equity, margin)
    if after.equity < margin + gains:
        return Refusal(no.GAINS_UNPROVEN, after.equity, margin + gains)
    return None


def _owes_nothing(x: ClearingState, account: int) -> bool:
    """Whether an account was taken over and owes nothing: what it kept is its own (rule 6.8)."""
    is_taken_over = x.accounts.status[account] == AccountStatus.TAKEN_OVER
    return bool(is_taken_over and x.accounts.owed[x.group_of(account)] == 0)


def apply_collateral_withdrawn(x: ClearingState, row: Row) -> None:
    """Move the amount from the account to custody."""
    transfer(x.accounts, row["asset"], row["account"], x.single(Role.CUSTODY), row["amount"])


TOPIC: Topic[ClearingState] = Topic(
    name="custody",
    decisions=(
        Decision(command.POST_COLLATERAL, decide_post_collateral, PostCollateralRefusal),
        Decision(
            command.WITHDRAW_COLLATERAL, decide_withdraw_collateral, WithdrawCollateralRefusal
        ),
    ),
    applications=(
        Application(event.COLLATERAL_POSTED, apply_collateral_posted, ACCOUNT),
        Application(event.COLLATERAL_WITHDRAWN, apply_collateral_withdrawn, ACCOUNT),
    ),
)
