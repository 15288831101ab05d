"""The default waterfall: who bears a loss, in the declared order.

Order of loss absorption::

    defaulter's collateral  (already gone when a loss is recorded)
      -> defaulter's own default-fund contribution; for a loss of the liquidator those of the
         members whose accounts it is closing out
      -> insurance fund, skin in the game, contributions of other members   as declared
      -> last layer: gains haircut over a named window, or auto-deleveraging
      -> what nobody could bear stays on the liquidator, in the open

Every layer pays the liquidator, which holds what the defaulter left; all amounts are numeraire
units and their sum is the loss, to the last unit.
"""

from __future__ import annotations

import numpy as np

from novate.book.ledger import transfer
from novate.canonical import Run
from novate.default_management import auto_deleveraging, gains_haircut
from novate.default_management.outbox import cancel_excess_orders
from novate.default_management.share import share_pro_rata
from novate.default_management.state import DefaultState
from novate.errors import require
from novate.kernel.clearing.columns import MarginColumns
from novate.kernel.codes import Layer, Role
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.refusal import DeclareWaterfallRefusal
from novate.message.refusal import EngineCommandRefusal as No
from novate.message.topic import (
    ACCOUNT,
    EVERYBODY,
    NOBODY,
    PAYER,
    Application,
    Decision,
    Topic,
    commands,
)
from novate.valuation import ClearingState

PREFUNDED = (
    Layer.OWN_CONTRIBUTION,
    Layer.INSURANCE_FUND,
    Layer.SKIN_IN_THE_GAME,
    Layer.DEFAULT_FUND,
)
PLACES = ("first", "second", "third", "fourth", "last")


def decide_declare_waterfall(x: DefaultState, row: Row, emit: Emit) -> Refusal | None:
    """Accept an order of the prefunded layers and a last layer.

    An order that shares a loss among innocent members before the insurance fund is used, or before
    the defaulter's own contribution, is refused.
    """
    no = DeclareWaterfallRefusal
    layers = [row[place] for place in PLACES[:4]]
    for layer in layers:
        if layer not in PREFUNDED:
            return Refusal(no.UNKNOWN_LAYER, layer, Layer.DEFAULT_FUND)
    if len(set(layers)) < 4:
        twice = next(layer for layer in layers if layers.count(layer) > 1)
        return Refusal(no.LAYER_TWICE, twice, 1)
    shared = layers.index(Layer.DEFAULT_FUND)
    if shared < layers.index(Layer.INSURANCE_FUND) or layers[0] != Layer.OWN_CONTRIBUTION:
        return Refusal(no.SHARED_BEFORE_FUND, shared, layers.index(Layer.INSURANCE_FUND))
    if row["last"] not in (Layer.GAINS_HAIRCUT, Layer.AUTO_DELEVERAGING):
        return Refusal(no.UNKNOWN_LAST_LAYER, row["last"], Layer.AUTO_DELEVERAGING)
    emit(event.WATERFALL_DECLARED, **row)
    return None


def apply_waterfall_declared(x: DefaultState, row: Row) -> None:
    """Book the order."""
    x.defaults.waterfall[:] = [row[place] for place in PLACES]


def decide_allocate_loss(x: DefaultState, row: Row, emit: Emit) -> Refusal | None:
    """Take one recorded loss through all layers at once."""
    number = row["loss"]
    if not 0 < number <= x.defaults.losses.count:
        return Refusal(No.UNKNOWN_SUBJECT, number, x.defaults.losses.count)
    loss = number - 1
    if not x.defaults.losses.is_open[loss]:
        return Refusal(No.CAUSE_GONE, number, 0)
    rest = int(x.defaults.losses.amount[loss])
    defaulter = int(x.defaults.losses.account[loss])
    for layer in x.defaults.waterfall[:4]:
        for payer, amount in _prefunded(x, Layer(int(layer)), defaulter, rest):
            emit(event.LOSS_ALLOCATED, loss=number, layer=int(layer), payer=payer, amount=amount)
            rest -= amount
    if rest > 0 and x.defaults.waterfall[4] == Layer.AUTO_DELEVERAGING:
        rest = auto_deleveraging.allocate(x, number, rest, emit)
        cancel_excess_orders(x, emit)
    if rest > 0:
        rest = gains_haircut.allocate(x, number, rest, emit)
    require(rest >= 0, "no layer pays more than the loss")
    if rest > 0:
        emit(
            event.LOSS_ALLOCATED,
            loss=number, layer=int(Layer.UNCOVERED), payer=x.single(Role.LIQUIDATOR), amount=rest,
        )  # fmt: skip
    emit(event.LOSS_CLOSED, loss=number)
    return None


def _prefunded(x: ClearingState, layer: Layer, defaulter: int, rest: int) -> list[tuple[int, int]]:
    """What the accounts of one prefunded layer pay: (payer, amount) with amount > 0."""
    if rest <= 0:
        return []
    payers = _payers(x, layer, defaulter)
    funds = [max(int(x.accounts.balance[payer, 0]), 0) for payer in payers]
    shares = share_pro_rata(min(rest, sum(funds)), funds)
    return [(payer, amount) for payer, amount in zip(payers, shares, strict=True) if amount > 0]


def _payers(x: ClearingState, layer: Layer, defaulter: int) -> list[int]:
    """Accounts that stand in a layer, in order of number."""
    if layer == Layer.INSURANCE_FUND:
        return [x.single(Role.INSURANCE_FUND)]
    if layer == Layer.SKIN_IN_THE_GAME:
        return [x.single(Role.SKIN_IN_THE_GAME)]
    members = _members_behind(x, defaulter)
    contributions = np.flatnonzero(x.accounts.used("role") == Role.DEFAULT_FUND)
    own = layer == Layer.OWN_CONTRIBUTION
    return [int(a) for a in contributions if (int(x.accounts.parent[a]) in members) == own]


def _members_behind(x: ClearingState, defaulter: int) -> set[int]:
    """Members whose own contributions a loss falls on first.

    The liquidator belongs to nobody: for what it loses stand the members of the accounts that it
    took over since it was last flat and not short, each once.
    """
    if x.accounts.role[defaulter] != Role.LIQUIDATOR:
        return {int(x.accounts.parent[defaulter])}
    failed = np.flatnonzero(x.accounts.used("is_closing_out"))
    return {int(member) for member in x.accounts.parent[failed]}


def apply_loss_allocated(x: DefaultState, row: Row) -> None:
    """The payer pays the liquidator; an uncovered rest moves no cash and stays visible."""
    if row["layer"] == Layer.UNCOVERED:
        x.defaults.losses.uncovered[row["loss"] - 1] += row["amount"]
        return
    transfer(x.accounts, 0, row["payer"], x.single(Role.LIQUIDATOR), row["amount"])


def apply_loss_closed(x: DefaultState, row: Row) -> None:
    """The loss has been taken."""
    x.defaults.losses.is_open[row["loss"] - 1] = False


def losses(x: DefaultState, margin: MarginColumns) -> list[Run]:
    """Losses that wait for the waterfall, in order of number."""
    waiting = np.flatnonzero(x.defaults.losses.used("is_open"))
    return commands(command.ALLOCATE_LOSS, loss=waiting + 1)


TOPIC: Topic[DefaultState] = Topic(
    name="waterfall",
    decisions=(
        Decision(
            command.DECLARE_WATERFALL,
            decide_declare_waterfall,
            DeclareWaterfallRefusal,
            is_before_house=True,
        ),
        Decision(command.ALLOCATE_LOSS, decide_allocate_loss, No, is_engine_only=True),
    ),
    applications=(
        Application(event.WATERFALL_DECLARED, apply_waterfall_declared, NOBODY),
        Application(event.LOSS_ALLOCATED, apply_loss_allocated, PAYER),
        Application(event.GAINS_CUT, gains_haircut.apply_gains_cut, EVERYBODY),
        Application(
            event.POSITION_DELEVERAGED, auto_deleveraging.apply_position_deleveraged, ACCOUNT
        ),
        Application(event.LOSS_CLOSED, apply_loss_closed, NOBODY),
    ),
    stages=(losses,),
)
