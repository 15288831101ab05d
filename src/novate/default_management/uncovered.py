"""What no layer could bear is shared all the same: by later gains, then by net worth.

A loss without a bearer is borne by whoever withdraws last.  So what is uncovered is tried again at
every assessment, on gains that came since; and what is left an hour after it was found is shared by
a declared rule: the clearing house's own money first, then the contributions of members and all
margin groups, pro rata to what they are worth (rules 13.30 to 13.34).

Sources: CPMI-IOSCO PFMI Principle 4, key consideration 7: rules address fully any credit loss that
resources do not cover.
"""

from __future__ import annotations

import numpy as np

from novate.book.ledger import collect
from novate.canonical import Run
from novate.default_management.loss.gains_haircut import bearable, cut_in_turn
from novate.default_management.loss.policy import NET_WORTH
from novate.default_management.loss.share import standing_groups
from novate.default_management.policy_state import PolicyState
from novate.default_management.room import payment_room
from novate.default_management.state import DefaultState
from novate.kernel.clearing.assess import NET
from novate.kernel.clearing.bound import AMOUNT_MAX
from novate.kernel.clearing.columns import I64, MarginColumns
from novate.kernel.codes import Layer, Role
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.parameter import HOUR
from novate.message.refusal import EngineCommandRefusal as No
from novate.message.topic import NOBODY, Application, Decision, Topic, commands

WAIT_NS = HOUR
"""How long what is uncovered waits for gains before it is shared by net worth."""

NO_LOSS = 0
"""Number of a loss in events that share what is left of all of them."""

LAYER_OF = {
    Role.INSURANCE_FUND: Layer.INSURANCE_FUND,
    Role.SKIN_IN_THE_GAME: Layer.SKIN_IN_THE_GAME,
    Role.DEFAULT_FUND: Layer.DEFAULT_FUND,
}
"""Layers that name the payments of funds; all others pay as `Layer.NET_WORTH`."""

HOUSE_MONEY = (Role.INSURANCE_FUND, Role.SKIN_IN_THE_GAME, Role.FEES)
"""The clearing house's own accounts that pay first."""


def decide_share_uncovered(x: PolicyState, row: Row, emit: Emit) -> Refusal | None:
    """Decide who bears what is uncovered: `UncoveredShared` (rules 13.30 to 13.34).

    Before it stand `GainsCut` and, an hour after it was found, `LossAllocated` of each payer, with
    loss 0.

    Parameters
    ----------
    row
        ``account``: the liquidator.

    Returns
    -------
    Refusal | None
        UNKNOWN_SUBJECT, or CAUSE_GONE if nothing is uncovered.
    """
    liquidator = x.single(Role.LIQUIDATOR)
    if row["account"] != liquidator:
        return Refusal(No.UNKNOWN_SUBJECT, row["account"], liquidator)
    if not x.defaults.uncovered:
        return Refusal(No.CAUSE_GONE, 0, 1)
    due_ns = x.defaults.share_due_ns or x.now_ns + WAIT_NS
    asked = _still_missing(x)
    payable = min(asked, payment_room(x))
    rest = _cut_gains(x, payable, emit)
    if x.now_ns >= due_ns:
        rest = _share_by_worth(x, rest, emit)
        due_ns = x.now_ns + WAIT_NS
    rest += asked - payable
    emit(
        event.UNCOVERED_SHARED,
        amount=asked - rest, left=rest, due_ns=due_ns if rest else 0,
    )  # fmt: skip
    return None


def _still_missing(x: DefaultState) -> int:
    """Return what is uncovered, less what the liquidator has gained since (rule 13.30)."""
    net = x.assess(x.single(Role.LIQUIDATOR)).net
    return min(x.defaults.uncovered, max(-net, 0))


def _cut_gains(x: PolicyState, amount: int, emit: Emit) -> int:
    """Cut gains as the last layer does; returns what they do not bear, numeraire units."""
    cut = cut_in_turn(x, np.array([amount]), bearable(x))
    taken = int(cut.taken[0])
    if taken:
        emit.booked(
            event.GAINS_CUT,
            loss=[NO_LOSS], amount=cut.taken, gains=cut.total, winners=cut.winners,
        )  # fmt: skip
    return amount - taken


def _share_by_worth(x: PolicyState, amount: int, emit: Emit) -> int:
    """Share an amount by net worth, the clearing house first; returns what nobody has."""
    for payers, worth in (_house_money(x), _worth_of_others(x)):
        shares = pro_rata(amount, worth.tolist())
        amount -= sum(shares)
        pays = np.flatnonzero(shares)
        _pay(x, payers[pays], np.array(shares, np.int64)[pays], emit)
    return amount


def pro_rata(amount: int, weights: list[int]) -> list[int]:
    """Share an amount, or the sum of the weights if that is less, pro rata to them (rule 1.7).

    In integers of any size: the worth of all together need not fit 64 bits.
    """
    total = sum(weights)
    amount = min(amount, total)
    shares = [amount * weight // total if total else 0 for weight in weights]
    largest = sorted(range(len(weights)), key=lambda k: -weights[k])
    for k in largest[: amount - sum(shares)]:
        shares[k] += 1
    return shares


def _house_money(x: PolicyState) -> tuple[I64, I64]:
    """Accounts of the clearing house that pay, by number, and their positive cash."""
    payers = np.sort(np.array([x.single(role) for role in HOUSE_MONEY]))
    return payers, np.maximum(x.accounts.balance[payers, 0], 0)


def _worth_of_others(x: PolicyState) -> tuple[I64, I64]:
    """Contributions and standing margin groups, by number: positive cash, and positive net."""
    is_fund = x.accounts.used("role") == Role.DEFAULT_FUND
    payers = np.flatnonzero(is_fund | standing_groups(x))
    net = x.sum_all()[payers, NET]
    cash = x.accounts.balance[payers, 0]
    # No balance falls below -2**60 by it (rule 15.70).
    worth = np.minimum(np.where(is_fund[payers], cash, net), cash + AMOUNT_MAX)
    return payers, np.maximum(worth, 0)


def _pay(x: PolicyState, payers: I64, amounts: I64, emit: Emit) -> None:
    """Book payments to the liquidator, one event each."""
    if not payers.size:
        return
    collect(x.accounts, 0, payers, x.single(Role.LIQUIDATOR), amounts)
    roles = x.accounts.role[payers].tolist()
    emit.booked(
        event.LOSS_ALLOCATED,
        loss=np.full(payers.size, NO_LOSS),
        layer=[int(LAYER_OF.get(Role(role), Layer(NET_WORTH.number))) for role in roles],
        payer=payers,
        amount=amounts,
    )


def apply_uncovered_shared(x: DefaultState, row: Row) -> None:
    """Set what is still uncovered, and when that is shared."""
    x.defaults.uncovered = row["left"]
    x.defaults.share_due_ns = row["due_ns"]


def uncovered_shares(x: PolicyState, margin: MarginColumns) -> list[Run]:
    """Return `ShareUncovered` if something is uncovered that can be borne now (rule 4.71)."""
    if not x.defaults.uncovered:
        return []
    due_ns = x.defaults.share_due_ns
    is_due = due_ns == 0 or x.now_ns >= due_ns or _still_missing(x) < x.defaults.uncovered
    if not is_due and not (payment_room(x) and bearable(x).any()):
        return []
    return commands(command.SHARE_UNCOVERED, account=[x.single(Role.LIQUIDATOR)])


TOPIC: Topic[PolicyState] = Topic(
    name="uncovered losses",
    decisions=(Decision(command.SHARE_UNCOVERED, decide_share_uncovered, No, is_engine_only=True),),
    applications=(Application(event.UNCOVERED_SHARED, apply_uncovered_shared, NOBODY),),
    stages=(uncovered_shares,),
)
