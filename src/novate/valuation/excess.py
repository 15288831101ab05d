"""What a margin group may give away: equity beyond what must stay (rules 6.9 to 6.11).

Withdrawals, transfers out of a group and leaving a group ask the same: that every index which the
group's worth hangs on is fresh and not narrow, and that what stays covers initial margin, the cost
of liquidating what is held, and gains that the slow index has not confirmed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from novate.market.reference import PPM
from novate.message.parameter import Parameter
from novate.valuation.clearing_state import Assessment, ClearingState


class HeldBack(NamedTuple):
    """What must stay in a group, numeraire units.

    Attributes
    ----------
    margin
        Initial margin and the cost of liquidation.
    gains
        Gains that are not proven: of open positions and, encumbered, of closed ones.
    """

    margin: int
    gains: int


def held_back(x: ClearingState, account: int, found: Assessment) -> HeldBack:
    """Return what must stay in the group of an account with an assessment.

    Parameters
    ----------
    account
        Account that gives something away; its parameters hold.
    found
        Assessment of its group, as it would be afterwards.
    """
    share = x.parameter(Parameter.LIQUIDATION_COST_PPM, account=account)
    cost = -(-found.notional * share // PPM)
    return HeldBack(found.initial + cost, found.unproven + x.encumbered(account))


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
    needed: set[int] = set()
    stale: set[int] = set()
    for member in x.group_accounts(account):
        held = np.flatnonzero(x.accounts.balance[member, : x.assets.count])
        needed |= {int(asset) for asset in held if x.assets.unit_price[asset] > 0.0}
        row = int(x.accounts.head[member])
        while row >= 0:
            if x.positions.lots[row]:
                i = int(x.positions.instrument[row])
                needed |= {int(x.instruments.underlying[i]), int(x.instruments.settlement_asset[i])}
                if x.is_option(i) and x.smile_row(i) < 0:
                    stale.add(int(x.instruments.underlying[i]))
            row = int(x.positions.link[row])
    return min(stale | {asset for asset in needed if not x.is_broad(asset)}, default=-1)
