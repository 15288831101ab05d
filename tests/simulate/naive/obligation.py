"""What groups were asked for: what is missing, what a payment counts, and what is in arrears."""

from __future__ import annotations

import pytest

from novate.kernel.codes import AccountStatus, ShortfallPolicy
from novate.message.obligation import ObligationOutcome
from novate.message.parameter import Parameter
from tests.simulate.naive.account import Account
from tests.simulate.naive.order import without_orders
from tests.simulate.naive.other_price import protected
from tests.simulate.naive.world import Numbers, Obligation, World


@pytest.mark.rule("10.51")
def call_level(account: Account, n: Numbers) -> int:
    """The equity that meets a call."""
    called = account.shortfall_policy == ShortfallPolicy.CALL_THEN_DEFAULT
    return n.initial if called else n.maintenance


@pytest.mark.rule("10.50")
def open_obligations(w: World, group: int) -> list[Obligation]:
    """Those of a group, by number."""
    return [o for o in w.obligations if o.group == group and o.is_open]


def left_of(obligations: list[Obligation]) -> int:
    return sum(o.amount - o.paid for o in obligations)


def short_of(w: World, group: int) -> int:
    account = w.accounts[group]
    n = without_orders(w, account)
    return max(call_level(account, n) - n.equity, 0)


@pytest.mark.rule("10.52")
def missing(w: World, group: int) -> int:
    """What a group misses beyond what it was asked for."""
    return max(short_of(w, group) - left_of(open_obligations(w, group)), 0)


def groups_of_holder(w: World, group: int, *statuses: int) -> list[int]:
    """Margin groups in the pool of a group that have one of these statuses."""
    pool = w.accounts[group].pool
    found = [k for k in w.margin_groups() if w.accounts[k].pool == pool]
    return [k for k in found if w.accounts[k].status in statuses]


@pytest.mark.rule("10.54")
def holder_misses_enough(w: World, group: int) -> bool:
    total = 0
    for k in groups_of_holder(w, group, AccountStatus.OPEN, AccountStatus.CALLED):
        before = [o for o in open_obligations(w, k) if o.called < w.now]
        total += max(short_of(w, k) - left_of(before), 0)
    return total >= w.parameter(Parameter.CALL_MINIMUM, w.accounts[group])


@pytest.mark.rule("10.58")
def note_arrears(w: World, met: set[int]) -> None:
    """Before the calls of a record are decided: what all have not paid that is due by now."""
    called = [k for k in w.margin_groups() if w.accounts[k].status == AccountStatus.CALLED]
    called = [k for k in called if w.accounts[k].deadline <= w.now and k not in met]
    with protected(w):
        uncalled = {
            k: short_of(w, k)
            for k in w.margin_groups()
            if w.accounts[k].status == AccountStatus.OPEN
        }
    w.arrears = {k: arrears(w, k) for k in called}, uncalled


@pytest.mark.rule("10.58")
def is_in_arrears(w: World, group: int) -> bool:
    """Whether a called group did not pay what it still misses, and its holder misses enough."""
    pool = w.accounts[group].pool
    minimum = w.parameter(Parameter.CALL_MINIMUM, w.accounts[group])
    called, uncalled = (
        sum(amount for k, amount in amounts.items() if w.accounts[k].pool == pool)
        for amounts in w.arrears
    )
    too_little = uncalled if uncalled < minimum else 0
    return arrears(w, group) > 0 and called + too_little >= minimum


def arrears(w: World, group: int) -> int:
    """What a group was asked for and did not pay, as far as it misses it where prices stood."""
    with protected(w):
        return min(left_of(open_obligations(w, group)), short_of(w, group))


@pytest.mark.rule("10.50", "10.61")
def close(w: World, group: int, outcome: ObligationOutcome) -> None:
    """Close all open obligations of a group."""
    for o in open_obligations(w, group):
        close_one(w, o, outcome)


def close_one(w: World, o: Obligation, outcome: ObligationOutcome) -> None:
    o.is_open = False
    w.emit(
        "ObligationClosed",
        obligation=o.number,
        account=o.group,
        outcome=outcome,
        amount=o.amount,
        paid=o.paid,
    )


@pytest.mark.rule("6.100", "6.101")
def payment_of(w: World, account: Account, asset: int, amount: int) -> int:
    """What an amount that arrives counts, before it is there."""
    if w.accounts[account.group].status != AccountStatus.CALLED:
        return 0
    if asset == 0:
        return amount
    with w.worthless(asset, is_so=not w.is_fresh(asset)):
        before = w.assess(account).equity
        account.balance[asset] += amount
        after = w.assess(account).equity
        account.balance[asset] -= amount
    return max(after - before, 0)


@pytest.mark.rule("6.102")
def pay(w: World, group: int, worth: int) -> None:
    """Take a payment off what is asked, the oldest first."""
    for o in open_obligations(w, group):
        part = min(worth, o.amount - o.paid)
        if not part:
            return
        o.paid += part
        worth -= part
        left = o.amount - o.paid
        w.emit("ObligationPaid", obligation=o.number, account=group, amount=part, left=left)
        if not left:
            close_one(w, o, ObligationOutcome.PAID)
