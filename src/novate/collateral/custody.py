"""Deposits and withdrawals of collateral (rules 6.4 to 6.11).

A withdrawal must leave equity that covers initial margin, the cost of liquidating what is held, and
gains that the slow index has not confirmed: those count as margin and are not paid out.

Sources: EMIR Article 46 and CPMI-IOSCO PFMI Principle 5, collateral.  The haircuts by which equity
counts an asset are those of `haircut`.
"""

from __future__ import annotations

import numpy as np

from novate.book.ledger import transfer
from novate.book.state import FUND_ROLES, MARGIN_ROLES
from novate.kernel.codes import AccountStatus, Role
from novate.market.reference import PPM, VALUE_MAX
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.parameter import Parameter
from novate.message.refusal import PostCollateralRefusal, WithdrawCollateralRefusal
from novate.message.topic import ACCOUNT, Application, Decision, Topic
from novate.valuation import Assessment, ClearingState


def decide_post_collateral(x: ClearingState, row: Row, emit: Emit) -> Refusal | None:
    """Decide a deposit: `CollateralPosted` (rules 6.4 to 6.6).

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
    role = x.accounts.role[account] if account < x.accounts.count else 0
    if role not in (*MARGIN_ROLES, *FUND_ROLES):
        return Refusal(no.UNKNOWN_ACCOUNT, account, x.accounts.count - 1)
    if asset >= x.assets.count or (asset and role in FUND_ROLES):
        return Refusal(no.UNKNOWN_ASSET, asset, 0 if role in FUND_ROLES else x.assets.count - 1)
    if amount <= 0:
        return Refusal(no.AMOUNT_NOT_POSITIVE, amount, 1)
    if amount > VALUE_MAX - abs(int(x.accounts.balance[account, asset])):
        return Refusal(no.AMOUNT_TOO_LARGE, amount, VALUE_MAX)
    if amount > VALUE_MAX - abs(int(x.accounts.balance[x.single(Role.CUSTODY), asset])):
        return Refusal(no.AMOUNT_TOO_LARGE, amount, VALUE_MAX)
    if x.accounts.status[account] == AccountStatus.TAKEN_OVER:
        return Refusal(no.ACCOUNT_CLOSED, int(x.accounts.status[account]), AccountStatus.OPEN)
    emit(event.COLLATERAL_POSTED, **row)
    return None


def apply_collateral_posted(x: ClearingState, row: Row) -> None:
    """Move the amount from custody to the account; custody's balance falls (rule 6.7)."""
    transfer(x.accounts, row["asset"], x.single(Role.CUSTODY), row["account"], row["amount"])


def decide_withdraw_collateral(x: ClearingState, row: Row, emit: Emit) -> Refusal | None:
    """Decide a withdrawal: `CollateralWithdrawn` (rules 6.8 to 6.11).

    Parameters
    ----------
    row
        ``account``, ``asset`` and ``amount`` in ledger units.

    Returns
    -------
    Refusal | None
        UNKNOWN_ACCOUNT, UNKNOWN_ASSET, AMOUNT_NOT_POSITIVE, ACCOUNT_NOT_OPEN, INDEX_STALE,
        INSUFFICIENT_BALANCE, INSUFFICIENT_MARGIN or GAINS_UNPROVEN, tested in this order; the last
        two with equity after the withdrawal and what it must cover, numeraire units.
    """
    no = WithdrawCollateralRefusal
    account, asset, amount = row["account"], row["asset"], row["amount"]
    if account >= x.accounts.count or x.accounts.role[account] not in MARGIN_ROLES:
        return Refusal(no.UNKNOWN_ACCOUNT, account, x.accounts.count - 1)
    if asset >= x.assets.count:
        return Refusal(no.UNKNOWN_ASSET, asset, x.assets.count - 1)
    if amount <= 0:
        return Refusal(no.AMOUNT_NOT_POSITIVE, amount, 1)
    if x.accounts.status[account] != AccountStatus.OPEN:
        return Refusal(no.ACCOUNT_NOT_OPEN, int(x.accounts.status[account]), AccountStatus.OPEN)
    stale = _stale_asset(x, account)
    if stale >= 0:
        return Refusal(no.INDEX_STALE, stale, -1)
    balance = int(x.accounts.balance[account, asset])
    if balance < amount:
        return Refusal(no.INSUFFICIENT_BALANCE, amount, balance)
    after = _assess_without(x, account, asset, amount)
    share = x.parameter(Parameter.LIQUIDATION_COST_PPM, account=account)
    cost = -(-after.notional * share // PPM)
    needed = after.initial + cost
    if after.equity < needed:
        return Refusal(no.INSUFFICIENT_MARGIN, after.equity, needed)
    unproven = after.unproven + int(x.accounts.encumbered[account])
    if after.equity < needed + unproven:
        return Refusal(no.GAINS_UNPROVEN, after.equity, needed + unproven)
    emit(event.COLLATERAL_WITHDRAWN, **row)
    return None


def _stale_asset(x: ClearingState, account: int) -> int:
    """Lowest number of a stale asset that the account's worth depends on, or -1 (rule 6.9).

    Those are the underlying and settlement assets of its open positions, and every asset it holds
    that has a price: one without a price counts for nothing.  An option depends on its smile too;
    if that is not live, its underlying counts as stale.
    """
    held = np.flatnonzero(x.accounts.balance[account, : x.assets.count])
    needed = {int(asset) for asset in held if x.assets.unit_price[asset] > 0.0}
    stale: set[int] = set()
    row = int(x.accounts.head[account])
    while row >= 0:
        if x.positions.lots[row]:
            i = int(x.positions.instrument[row])
            needed |= {int(x.instruments.underlying[i]), int(x.instruments.settlement_asset[i])}
            if x.is_option(i) and x.smile_row(i) < 0:
                stale.add(int(x.instruments.underlying[i]))
        row = int(x.positions.link[row])
    return min(stale | {asset for asset in needed if not x.is_fresh(asset)}, default=-1)


def _assess_without(x: ClearingState, account: int, asset: int, amount: int) -> Assessment:
    """Assess an account as if ``amount`` had left it."""
    x.accounts.balance[account, asset] -= amount
    after = x.assess(account)
    x.accounts.balance[account, asset] += amount
    return after


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
