"""Groups that are insolvent at the index fail, whatever the mark says (rules 5.93 to 5.96).

A last price moves the mark within the clamp of its contract, and the protected price follows what
stands.  Where the clamp is wider than margin, who keeps a last price up could lose all it has and
more, and nobody would close it.  So a group is closed too that owes money at the index, if it also
does at the slow average of the index: an index that stood decides, a dip of it does not.

Source: CPMI-IOSCO PFMI Principle 6: prices that margin is computed from are timely, and there are
procedures for when they are not reliable.
"""

from __future__ import annotations

import numpy as np

from novate.default_management.close_out import assess_many, look_for_takeover, stands
from novate.default_management.deciding_price import Decided, decided_at
from novate.default_management.refused import B1
from novate.kernel.clearing.assess import EQUITY, MAINTENANCE, NET
from novate.kernel.clearing.columns import I64, MarginColumns
from novate.kernel.codes import AccountStatus
from novate.message.deciding_price import DecidingPrice
from novate.valuation import ClearingState
from novate.valuation.index_bound import index_bound
from novate.valuation.other_price import Prices, at_ramps, index_prices, priced_at, slow_prices
from novate.valuation.stale_collateral import without_decay

LISTED_SHARE = 0.5
"""Part of initial margin that the way to the index may cost at most, so that nobody who has initial
margin at the mark needs a look."""


def insolvent(x: ClearingState, groups: I64) -> B1:
    """Return which groups are insolvent at the index (rule 5.94); shape (groups,)."""
    found: B1 = np.ones(groups.size, np.bool_)
    if not groups.size:
        return found
    with without_decay(x):
        for prices in (*_at_index(x), slow_prices(x)):
            rows = np.flatnonzero(found)
            if not rows.size:
                break
            with priced_at(x, prices):
                found[rows] = _worth(x, groups[rows]) < 0
    return found


def owing_at_index(x: ClearingState, groups: I64, decided: Decided, is_insolvent: B1) -> Decided:
    """Return what decided, of groups that fail at the index alone what they owe there (10.64).

    Parameters
    ----------
    groups, is_insolvent
        Numbers of groups, and which of them are insolvent at the index.
    decided
        What decided without that; one that fails nowhere else has room.
    """
    rows = np.flatnonzero(is_insolvent & (decided.room() >= 0))
    if rows.size:
        with without_decay(x), priced_at(x, index_prices(x)):
            worth = _worth(x, groups[rows])
        decided.put(rows, decided_at(DecidingPrice.INDEX, (worth, np.zeros_like(worth))))
    return decided


def stands_at_index(x: ClearingState, groups: I64) -> B1:
    """Return which groups are at or above their takeover level at the index (rule 5.96)."""
    found: B1 = np.zeros(groups.size, np.bool_)
    for prices in _at_index(x) if groups.size else ():
        rows = np.flatnonzero(~found)
        with priced_at(x, prices):
            found[rows] = stands(x, groups[rows], assess_many(x, groups[rows]))
    return found


def net_that_counts(x: ClearingState, groups: I64, net: I64) -> I64:
    """Return net of groups, 0 where it is above zero at the mark and not at the index (12.20).

    Nobody keeps, and nobody is paid from, what a mark that stands away from the index alone says.

    Parameters
    ----------
    groups, net
        Margin groups, and their net at the mark, numeraire units; shape (groups,).
    """
    with priced_at(x, index_prices(x)):
        at_index = assess_many(x, groups)[:, NET]
    counted: I64 = np.where((net > 0) & (at_index <= 0), 0, net)
    return counted


def _at_index(x: ClearingState) -> tuple[Prices, ...]:
    """Return the index prices, and those with ramp prices while an asset has one (rule 5.95)."""
    at_index = index_prices(x)
    ramps = at_ramps(x, at_index)
    return (at_index,) if ramps is None else (at_index, ramps)


def _worth(x: ClearingState, groups: I64) -> I64:
    """Return takeover worth of groups at the prices that the state has (rule 10.2)."""
    numbers = assess_many(x, groups)
    return look_for_takeover(x, groups, numbers[:, EQUITY], numbers[:, MAINTENANCE]).worth


def may_be_insolvent(x: ClearingState, groups: I64, equity: I64, initial: I64) -> B1:
    """Return which groups may be insolvent at the index: no other one is.

    Parameters
    ----------
    groups, equity, initial
        Numbers of groups, and their equity and initial margin at the mark, numeraire units; same
        shape.
    """
    a, bound = x.accounts, index_bound(x)
    # What short options are worth is a part of initial margin.
    factor = max(bound.share, 1.0) if x.surfaces.count else bound.share
    reach = np.zeros(groups.size)
    held = initial > 0  # else an infinite share says nothing
    reach[held] = factor * initial[held]
    may: B1 = (equity < reach + bound.slack) | (initial >= bound.most)
    may |= a.margin_model[groups] != 0
    return may


def open_insolvent(x: ClearingState, margin: MarginColumns) -> I64:
    """Return the open groups that are insolvent at the index, ascending.

    Parameters
    ----------
    margin
        Equity, initial and maintenance margin of all accounts, numeraire units.
    """
    if index_bound(x).share <= LISTED_SHARE:
        groups = np.union1d(np.union1d(margin.short, margin.low), x.modelled_groups())
    else:
        groups = np.flatnonzero(x.margin_groups())
    groups = groups[x.accounts.status[groups] == AccountStatus.OPEN]
    groups = groups[may_be_insolvent(x, groups, margin.equity[groups], margin.initial[groups])]
    found: I64 = groups[insolvent(x, groups)]
    return found
