"""What margin groups miss beyond what they were called for, and whether it is worth a call.

Small amounts make no calls: the minimum counts what the groups of a holder miss together, so that
nobody misses more by holding it in several groups (rules 10.53 to 10.55).

Sources: minimum transfer amounts of credit support annexes; EMIR Article 41.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from novate.default_management.close_out import assess_positions, holds_anywhere, stands
from novate.default_management.deciding_price import maintenance_figures, takeover_figures
from novate.default_management.index_failure import insolvent
from novate.default_management.refused import B1
from novate.kernel.clearing.assess import EQUITY, INITIAL, MAINTENANCE
from novate.kernel.clearing.columns import I64
from novate.kernel.codes import AccountStatus, ShortfallPolicy
from novate.message.parameter import Parameter
from novate.valuation import ClearingState
from novate.valuation.other_price import priced_at, protected_prices
from novate.valuation.stale_collateral import without_decay


def call_level(x: ClearingState, accounts: I64, numbers: I64) -> I64:
    """Return the equity that meets a call, numeraire units (rules 10.51 and 10.40).

    Parameters
    ----------
    accounts, numbers
        Accounts and their assessment without orders, shape (accounts, WIDTH).

    Returns
    -------
    I64
        Initial margin; maintenance margin of policy auto-liquidate, whose accounts are only called
        when they are short by decay alone.
    """
    is_auto = x.accounts.shortfall_policy[accounts] == ShortfallPolicy.AUTO_LIQUIDATE
    return np.where(is_auto, numbers[:, MAINTENANCE], numbers[:, INITIAL])


def meets_call(x: ClearingState, accounts: I64, numbers: I64) -> B1:
    """Whether equity is at or above the call level (rules 10.4 and 10.51)."""
    return np.asarray(numbers[:, EQUITY] >= call_level(x, accounts, numbers))


def call_figures(x: ClearingState, accounts: I64, numbers: I64) -> tuple[I64, I64]:
    """Return equity and call level (rule 10.51), numeraire units; ``numbers`` as above."""
    return numbers[:, EQUITY], call_level(x, accounts, numbers)


def short_of(x: ClearingState, accounts: I64, numbers: I64) -> I64:
    """Return the call level less equity of some groups, at least 0, numeraire units."""
    gap: I64 = np.maximum(call_level(x, accounts, numbers) - numbers[:, EQUITY], 0)
    return gap


def missing(x: ClearingState, groups: I64, numbers: I64) -> I64:
    """Return what some groups miss beyond what is still asked of them (rule 10.52).

    Numeraire units, not negative; ``numbers`` as for `call_level`.
    """
    beyond: I64 = np.maximum(short_of(x, groups, numbers) - x.obligations.asked(groups), 0)
    return beyond


def is_worth_a_call(x: ClearingState, groups: I64, numbers: I64) -> B1:
    """Return which groups miss something that is called (rules 10.53 and 10.54).

    What their holder misses in all of his groups reaches the minimum, or they would be in default
    at once.
    """
    beyond = missing(x, groups, numbers)
    minimum = x.parameter_of(Parameter.CALL_MINIMUM, groups)
    is_due = (beyond > 0) & (beyond >= minimum)
    rest = np.flatnonzero((beyond > 0) & ~is_due)
    if rest.size:
        some = groups[rest]
        together = _of_holders(x, some)
        pools = x.accounts.pool[some].tolist()
        least = minimum[rest].tolist()
        reached = [together[pool] >= asked for pool, asked in zip(pools, least, strict=True)]
        is_due[rest] = np.array(reached, np.bool_) | ~stands_early(x, some)
    return is_due


def _of_holders(x: ClearingState, groups: I64) -> dict[int, int]:
    """What the holders of some groups miss, but for what they were asked before this instant."""
    status = x.accounts.used("status")
    is_standing = (status == AccountStatus.OPEN) | (status == AccountStatus.CALLED)
    others = _of_pools(x, groups, is_standing)
    short = short_of(x, others, assess_positions(x, others))
    return _by_pool(x, others, np.maximum(short - x.obligations.asked(others, x.now_ns), 0))


def _of_pools(x: ClearingState, groups: I64, is_meant: B1) -> I64:
    """Margin groups, of accounts that are meant, in the pools of some groups; ascending."""
    pool = x.accounts.used("pool")
    found: I64 = np.flatnonzero(x.margin_groups() & is_meant & np.isin(pool, pool[groups]))
    return found


def _by_pool(x: ClearingState, groups: I64, amounts: I64) -> dict[int, int]:
    """Sum amounts of groups by pool; whole numbers of any size."""
    sums: dict[int, int] = defaultdict(int)
    for pool, amount in zip(x.accounts.pool[groups].tolist(), amounts.tolist(), strict=True):
        sums[pool] += amount
    return sums


def arrears(x: ClearingState, groups: I64, numbers: I64) -> I64:
    """Return what some called groups did not pay and still miss, numeraire units (rule 10.58)."""
    unpaid: I64 = np.minimum(x.obligations.asked(groups), short_of(x, groups, numbers))
    return unpaid


def in_arrears(x: ClearingState, groups: I64, has_met: B1) -> B1:
    """Return which called groups did not pay what may end in default (rule 10.58).

    At the protected prices.  Their holder's arrears in all called groups whose deadline has come or
    waits reach the minimum, also in those that are in default in the same record.  What his open
    groups miss, being too little for a call, counts with them: else deadlines one after another
    would each forgive less than the minimum.

    Parameters
    ----------
    groups
        Called groups, each once.
    has_met
        By number of account: groups whose calls are met in the same record, which count no more.

    Returns
    -------
    B1
        Shape (groups,).
    """
    if not groups.size:
        return np.zeros(0, np.bool_)
    has_come = x.accounts.used("deadline_ns") <= x.now_ns
    status = x.accounts.used("status")
    others = _of_pools(x, groups, (status == AccountStatus.CALLED) & has_come & ~has_met)
    still_open = _of_pools(x, groups, status == AccountStatus.OPEN)
    with priced_at(x, protected_prices(x)):
        own = arrears(x, groups, assess_positions(x, groups)).tolist()
        together = _by_pool(x, others, arrears(x, others, assess_positions(x, others)))
        short = short_of(x, still_open, assess_positions(x, still_open))
    uncalled = _by_pool(x, still_open, short)
    pools = x.accounts.pool[groups].tolist()
    least = x.parameter_of(Parameter.CALL_MINIMUM, groups).tolist()
    found = [
        mine > 0 and together[pool] + (uncalled[pool] if uncalled[pool] < asked else 0) >= asked
        for mine, pool, asked in zip(own, pools, least, strict=True)
    ]
    return np.array(found, np.bool_)


def early_figures(x: ClearingState, some: I64, numbers: I64) -> tuple[I64, I64]:
    """Return what is compared of called groups before a deadline, and with what (rule 10.41).

    Takeover worth and takeover level; of policy auto-liquidate, which may not be below maintenance
    margin either, equity and that.  Numeraire units; ``numbers`` are without decay.
    """
    equity, maintenance = maintenance_figures(some, numbers)
    worth, level = takeover_figures(x, some, numbers)
    is_auto = x.accounts.shortfall_policy[some] == ShortfallPolicy.AUTO_LIQUIDATE
    return np.where(is_auto, equity, worth), np.where(is_auto, maintenance, level)


def stands_early(x: ClearingState, accounts: I64) -> B1:
    """Return which groups would not fail before a deadline (5.80, 10.6, 10.41 and 11.30)."""
    if not accounts.size:
        return np.zeros(0, np.bool_)

    def does_stand(some: I64, numbers: I64) -> B1:
        is_auto = x.accounts.shortfall_policy[some] == ShortfallPolicy.AUTO_LIQUIDATE
        is_short = numbers[:, EQUITY] < numbers[:, MAINTENANCE]
        return np.asarray(stands(x, some, numbers) & ~(is_auto & is_short))

    with without_decay(x):
        numbers = assess_positions(x, accounts)
        stands_there = holds_anywhere(x, accounts, numbers, does_stand, assess_positions)
    return np.asarray(stands_there & ~insolvent(x, accounts))
