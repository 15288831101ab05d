"""What the liquidator can do without goes to the insurance fund before others bear a loss.

The liquidator is money of the house: what closing failed accounts has gained.  A flat one is worth
what is left, and pays it at once.  One that still holds positions keeps what they may need, and
pays of the rest what losses ask that nobody else who brought them about can bear (chapter 12).  So
members and winners are asked last, and nothing moves while there is no loss.

Sources: CPMI-IOSCO PFMI Principle 13 and EMIR Article 45: the resources of the clearing house pay
before those of members that did not fail.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from novate.book.ledger import transfer
from novate.canonical import Run
from novate.default_management.close_out import close_out_charges, has_blocked_price, is_flat
from novate.default_management.room import fund_room, sweep_room
from novate.default_management.state import DefaultState
from novate.kernel.clearing.columns import NONE, MarginColumns
from novate.kernel.clearing.settle import settle_pending
from novate.kernel.codes import Layer, Role
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.refusal import EngineCommandRefusal as No
from novate.message.topic import ACCOUNT, Application, Decision, Topic, commands
from novate.valuation.other_price import index_prices, other_prices, priced_at


def decide_sweep_surplus(x: DefaultState, row: Row, emit: Emit) -> Refusal | None:
    """Decide what the liquidator pays to the insurance fund: `SurplusSwept` (12.12, 12.33).

    Parameters
    ----------
    row
        ``account``: the liquidator.

    Returns
    -------
    Refusal | None
        UNKNOWN_SUBJECT, or CAUSE_GONE unless it is flat with a positive net, or can spare something
        that open losses ask.
    """
    liquidator = x.single(Role.LIQUIDATOR)
    if row["account"] != liquidator:
        return Refusal(No.UNKNOWN_SUBJECT, row["account"], liquidator)
    amount = surplus(x)
    if amount <= 0:
        return Refusal(No.CAUSE_GONE, amount, 1)
    emit(event.SURPLUS_SWEPT, account=liquidator, amount=amount, is_flat=is_flat(x, liquidator))
    return None


def surplus(x: DefaultState) -> int:
    """Return what the liquidator pays now, numeraire units (rules 12.12, 12.33 and 15.68)."""
    liquidator = x.single(Role.LIQUIDATOR)
    if is_flat(x, liquidator):
        net = x.assess(liquidator).net
        return min(net, sweep_room(x)) if net > 0 else 0
    if not x.defaults.losses.live().size:
        return 0
    spared = spare(x)
    return min(spared, asked(x), fund_room(x)) if spared else 0


def spare(x: DefaultState) -> int:
    """Return what a liquidator that holds something can do without (rule 12.31).

    What it keeps is the initial margin of what it holds, as of anybody, and what closing that costs
    by the charge of takeovers, at the worst of the marks, the prices of rule 5.80 and the index: a
    last price that is pushed makes it no richer.  Open losses count as paid.

    Returns
    -------
    int
        Numeraire units, not negative, at most its cash when open losses are paid; 0 while one of
        its positions, long options aside, has a blocked price: nobody knows what it needs.
    """
    liquidator = x.single(Role.LIQUIDATOR)
    if has_blocked_price(x, liquidator):
        return 0
    least = _beyond_need(x, liquidator)
    for prices in (*other_prices(x), index_prices(x)):
        with priced_at(x, prices):
            least = min(least, _beyond_need(x, liquidator))
    least = min(least, int(x.accounts.balance[liquidator, 0]))
    return max(least + sum(_open_losses(x).values()), 0)


def _beyond_need(x: DefaultState, liquidator: int) -> int:
    """Return equity beyond initial margin and close-out charge at the present prices."""
    found = x.assess(liquidator)
    return found.equity - found.initial - int(close_out_charges(x, np.array([liquidator]))[0])


def asked(x: DefaultState) -> int:
    """Return what open losses ask beyond own contributions and insurance fund (rule 12.32).

    Numeraire units, not negative; 0 where the insurance fund is no layer of the waterfall.  A loss
    of the liquidator itself counts whole.
    """
    if Layer.INSURANCE_FUND not in x.defaults.waterfall[:-1]:
        return 0
    a, total = x.accounts, 0
    of_members = defaultdict[int, int](int)
    for account, amount in _open_losses(x).items():
        is_own = a.role[account] == Role.LIQUIDATOR
        of_members[NONE if is_own else int(a.payer[account])] += amount
    is_fund = a.used("role") == Role.DEFAULT_FUND
    for member, amount in of_members.items():
        own = a.balance[np.flatnonzero(is_fund & (a.used("parent") == member)), 0]
        total += max(amount - int(np.maximum(own, 0).sum()), 0)
    fund = int(a.balance[x.single(Role.INSURANCE_FUND), 0])
    return max(total - fund, 0) if total else 0


def _open_losses(x: DefaultState) -> dict[int, int]:
    """Return the open losses by the account that each is of, numeraire units of any size."""
    losses, found = x.defaults.losses, defaultdict[int, int](int)
    rows = losses.live()
    for account, amount in zip(
        losses.account[rows].tolist(), losses.amount[rows].tolist(), strict=True
    ):
        found[account] += amount
    return found


def apply_surplus_swept(x: DefaultState, row: Row) -> None:
    """Pay the surplus, numeraire units, to the insurance fund; a flat one settles what is pending.

    A surplus means that past uncovered losses were made up for: they are set to 0.
    """
    liquidator = row["account"]
    if row["is_flat"]:
        settle_pending(x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), liquidator)
    transfer(x.accounts, 0, liquidator, x.single(Role.INSURANCE_FUND), row["amount"])
    x.defaults.uncovered = x.defaults.share_due_ns = 0


def surpluses(x: DefaultState, margin: MarginColumns) -> list[Run]:
    """Return `SweepSurplus` if the liquidator has something to pay (rule 4.21)."""
    if surplus(x) == 0:
        return []
    return commands(command.SWEEP_SURPLUS, account=[x.single(Role.LIQUIDATOR)])


TOPIC: Topic[DefaultState] = Topic(
    name="surplus of the liquidator",
    decisions=(Decision(command.SWEEP_SURPLUS, decide_sweep_surplus, No, is_engine_only=True),),
    applications=(Application(event.SURPLUS_SWEPT, apply_surplus_swept, ACCOUNT),),
    stages=(surpluses,),
)
