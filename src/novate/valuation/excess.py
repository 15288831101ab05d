"""What a margin group may give away: equity beyond what must stay (rules 6.9 to 6.11 and 6.96).

Withdrawals, transfers out of a group and leaving a group ask the same: that every price which the
group's worth hangs on is fresh, not narrow and has been assessed, and that what stays covers
initial margin, the cost of liquidating what is held, funding that has accrued, gains that the slow
index has not confirmed, and a share of gains that nobody has paid for yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from novate.kernel.clearing.columns import I64
from novate.market.reference import PPM
from novate.message.parameter import Parameter
from novate.valuation.clearing_state import Assessment, ClearingState
from novate.valuation.index_bound import accrued_at
from novate.valuation.other_price import orders_gap


class HeldBack(NamedTuple):
    """What must stay in a group, numeraire units.

    Attributes
    ----------
    margin
        Initial margin, the cost of liquidation, funding that has accrued and, at other prices than
        the marks, what orders that are open lose more there.
    gains
        Gains that are not proven: of open positions and, encumbered, of closed ones.
    unpaid
        Its share of what nobody has paid for yet, `unpaid_share`.
    """

    margin: int
    gains: int
    unpaid: int


def held_back(x: ClearingState, account: int, found: Assessment, marks: I64) -> HeldBack:
    """Return what must stay in the group of an account with an assessment.

    Parameters
    ----------
    account
        Account that gives something away; its parameters hold.
    found
        Assessment of its group, as it would be afterwards.
    marks
        The marks, where the state has other prices.
    """
    share = x.parameter(Parameter.LIQUIDATION_COST_PPM, account=account)
    cost = -(-found.notional * share // PPM)
    gains = found.unproven + x.encumbered(account)
    margin = found.initial + cost + orders_gap(x, account, marks) + accrued_at(x, account, marks)
    return HeldBack(margin, gains, unpaid_share(x, account, found.gain))


def unpaid_share(x: ClearingState, account: int, gain: int) -> int:
    """Return the share of a group in what is not paid for, numeraire units (rule 6.96).

    Pro rata to gains, rounded up, and no more than the group's own: who gained nothing waits for
    nobody.

    Parameters
    ----------
    account, gain
        An account of the group, and the group's GAIN.
    """
    if not x.unpaid:
        return 0
    gained = max(x.window_gain(account) + gain, 0)
    if not gained:
        return 0
    return min(gained, -(-x.unpaid * gained // max(x.gains, gained)))


def assess_without(x: ClearingState, account: int, asset: int, amount: int) -> Assessment:
    """Assess the group of an account as if ``amount`` (ledger units) had left it."""
    x.accounts.balance[account, asset] -= amount
    after = x.assess(account)
    x.accounts.balance[account, asset] += amount
    return after


def stale_asset(x: ClearingState, account: int) -> int:
    """Return the lowest asset that a group's worth hangs on and whose index is not broad, or -1.

    Those are the underlying and settlement assets of its open positions, and every asset it holds
    that has a price: one without a price counts for nothing.  An option hangs on its smile too; if
    that is not live, its underlying counts as stale.
    """
    c, p = x.instruments, x.positions
    needed = _held_assets(x, account)
    stale: set[int] = set()
    for row in _rows_in_use(x, account):
        if p.lots[row]:
            i = int(p.instrument[row])
            needed |= {int(c.underlying[i]), int(c.settlement_asset[i])}
            if x.is_option(i) and x.smile_row(i) < 0:
                stale.add(int(c.underlying[i]))
    with x.looking_once():
        return min(stale | {asset for asset in needed if not x.is_broad(asset)}, default=-1)


def unassessed_asset(x: ClearingState, account: int) -> int:
    """Return the lowest asset of which a price that the group hangs on is not assessed, or -1.

    The numeraire stands for what was settled since the last assessment, which a group that gained
    something waits for (rule 6.110).

    A price is not assessed if it was reported since the last assessment (rules 5.40 and 6.80): of
    an asset that the group holds and that has a price, of the underlying or the settlement asset of
    a contract in which it has lots or open orders, and the last price of such a contract, or of an
    option the smile, for which its underlying stands.
    """
    c, p = x.instruments, x.positions
    if x.has_settled and x.window_gain(account) + x.assess(account).gain > 0:
        return 0
    needed = _held_assets(x, account)
    found: set[int] = set()
    for row in _rows_in_use(x, account):
        i = int(p.instrument[row])
        needed |= {int(c.underlying[i]), int(c.settlement_asset[i])}
        smile = x.last_smile_row(i) if x.is_option(i) else -1
        is_new = x.surfaces.is_reported[smile] if smile >= 0 else x.marks.is_reported[i]
        if is_new:
            found.add(int(c.underlying[i]))
    return min(found | {a for a in needed if x.assets.is_reported[a]}, default=-1)


def _held_assets(x: ClearingState, account: int) -> set[int]:
    """Assets with a price of which an account of the group has a balance."""
    found: set[int] = set()
    for member in x.group_accounts(account):
        held = np.flatnonzero(x.accounts.balance[member, : x.assets.count])
        found |= {int(asset) for asset in held if x.assets.unit_price[asset] > 0.0}
    return found


def _rows_in_use(x: ClearingState, account: int) -> Iterator[int]:
    """Position rows of a group with lots or open orders."""
    p = x.positions
    for member in x.group_accounts(account):
        row = int(x.accounts.head[member])
        while row >= 0:
            if p.lots[row] or p.buy_lots[row] or p.sell_lots[row]:
                yield row
            row = int(p.link[row])
