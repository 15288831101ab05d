"""Which groups hold options on both sides: those whose shorts a long option may limit.

The kernels add up what the rule of short options asks of each position by itself: no group is asked
for more.  What long options of the same expiry limit is worked out elsewhere, for these groups
alone (`margin.contract_rule.limited_risk`).
"""

from __future__ import annotations

from novate.kernel.clearing.group import first_of_group, next_of_group
from novate.kernel.codes import Style
from novate.kernel.jit import inlined, kernel

_PREMIUM = int(Style.PREMIUM)


@inlined
def has_both_sides(accounts, positions, instruments, account):  # type: ignore[no-untyped-def]
    """Whether a group has a long option, and one that is short or would be if orders filled."""
    has_long, has_short = False, False
    first = first_of_group(accounts, account)
    member = first
    while member >= 0:
        row = accounts.head[member]
        while row >= 0:
            if instruments.style[positions.instrument[row]] == _PREMIUM:
                has_long = has_long or positions.lots[row] > 0
                has_short = has_short or positions.lots[row] < positions.sell_lots[row]
            row = positions.link[row]
        member = next_of_group(accounts, first, member)
    return has_long and has_short


@kernel
def may_offset(accounts, positions, instruments, account, i):  # type: ignore[no-untyped-def]
    """Whether options may offset in a group after a trade in ``i``, negative for none."""
    if i >= 0 and instruments.style[i] == _PREMIUM:
        return True
    return has_both_sides(accounts, positions, instruments, account)


@kernel
def find_both_sides(accounts, positions, instruments, numbers, out):  # type: ignore[no-untyped-def]
    """Fill ``out`` with `has_both_sides` of the groups of some accounts."""
    for k in range(numbers.size):
        out[k] = has_both_sides(accounts, positions, instruments, numbers[k])
