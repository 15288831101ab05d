"""The default waterfall: which accounts bear a loss, in the declared order (rulebook chapter 13).

Order of loss absorption::

    defaulter's collateral  (already used when a loss is recorded)
      -> defaulter's own default-fund contribution; for a loss of the liquidator those of the
         members whose accounts it is closing out
      -> insurance fund, skin in the game, contributions of other members   as declared
      -> last layer: gains haircut over a named window, or auto-deleveraging
      -> the uncovered rest stays on the liquidator

Every layer pays the liquidator, which took over what the defaulter left.  All amounts are numeraire
ledger units and positive; their sum is the loss, to the last unit.

Sources: EMIR (Regulation (EU) 648/2012) Article 45, default waterfall: the defaulter's margin, then
its default-fund contribution, before anything of others; CPMI-IOSCO PFMI Principle 4 (rules for
credit losses that resources do not cover) and Principle 13.  Article 45(4) also puts the clearing
house's dedicated own resources before the contributions of other members: the initial order does,
`DeclareWaterfall` does not insist on it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from novate.book.ledger import collect
from novate.canonical import Run
from novate.default_management import auto_deleveraging, gains_haircut
from novate.default_management.outbox import cancel_excess_orders
from novate.default_management.refused import Refused
from novate.default_management.state import DefaultState
from novate.errors import require
from novate.kernel.clearing.columns import I64, MarginColumns
from novate.kernel.clearing.loss import ALL, OTHERS, OWN, bear_prefunded
from novate.kernel.codes import Layer, Role
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.layer import FUNDS, LAST, PREFUNDED, TERMS, Bearer
from novate.message.refusal import DeclareWaterfallRefusal
from novate.message.refusal import EngineCommandRefusal as No
from novate.message.topic import (
    ACCOUNT,
    EVERYBODY,
    NOBODY,
    PAYER,
    Application,
    ColumnDecision,
    Decision,
    Topic,
    commands,
)

WHOSE = {Bearer.CLEARING_HOUSE: ALL, Bearer.OWN_MEMBERS: OWN, Bearer.OTHERS: OTHERS}
"""Which of the accounts of its role a prefunded layer takes from."""

PLACES = ("first", "second", "third", "fourth", "last")


def decide_declare_waterfall(x: DefaultState, row: Row, emit: Emit) -> Refusal | None:
    """Decide an order of the prefunded layers and a last layer: `WaterfallDeclared` (rule 13.2).

    The own contribution comes first, and the insurance fund before the default fund: no loss is
    shared among members who did not fail while the defaulter's contribution or that fund has money.

    Parameters
    ----------
    x
        State; not read, an order may be declared at any time, also before the house has accounts.
    row
        ``first`` to ``fourth`` and ``last``: codes of `kernel.codes.Layer`.

    Returns
    -------
    Refusal | None
        UNKNOWN_LAYER, LAYER_TWICE, SHARED_BEFORE_FUND or UNKNOWN_LAST_LAYER, tested in this order.
    """
    no = DeclareWaterfallRefusal
    layers = [row[place] for place in PLACES[:4]]
    for layer in layers:
        if layer not in PREFUNDED:
            return Refusal(no.UNKNOWN_LAYER, layer, PREFUNDED[-1])
    if len(set(layers)) < 4:
        twice = next(layer for layer in layers if layers.count(layer) > 1)
        return Refusal(no.LAYER_TWICE, twice, 1)
    shared = layers.index(Layer.DEFAULT_FUND)
    if shared < layers.index(Layer.INSURANCE_FUND) or layers[0] != Layer.OWN_CONTRIBUTION:
        return Refusal(no.SHARED_BEFORE_FUND, shared, layers.index(Layer.INSURANCE_FUND))
    if row["last"] not in LAST:
        return Refusal(no.UNKNOWN_LAST_LAYER, row["last"], LAST[-1])
    emit(event.WATERFALL_DECLARED, **row)
    return None


def apply_waterfall_declared(x: DefaultState, row: Row) -> None:
    """Put the declared order in place of the one before: losses allocated from now on follow it."""
    x.defaults.waterfall[:] = [row[place] for place in PLACES]


def decide_allocate_losses(
    x: DefaultState, columns: Row, emit: Emit
) -> Sequence[tuple[int, Refusal]]:
    """Decide how recorded losses are borne, one after another (rules 13.3 to 13.18).

    Emits what the last layer does, loss by loss (`PositionDeleveraged` and `OrderClosed`,
    `GainsCut`), then `LossAllocated`, one row for each payer with an amount in numeraire units
    above zero, and `LossClosed`.  A rest that no layer bears is a row of layer UNCOVERED with the
    liquidator as payer.

    Parameters
    ----------
    columns
        ``loss``: numbers of losses, from 1; shape (rows,).

    Returns
    -------
    Sequence[tuple[int, Refusal]]
        Refused rows, ascending: UNKNOWN_SUBJECT for a number never given, CAUSE_GONE for a loss
        that is closed.
    """
    losses, numbers = x.defaults.losses, columns["loss"].astype(np.int64)
    refused = Refused(numbers.size)
    refused.where(
        (numbers < 1) | (numbers > losses.given), No.UNKNOWN_SUBJECT, numbers, losses.given
    )
    rows = losses.rows_of(numbers)
    refused.where(rows < 0, No.CAUSE_GONE, numbers, 0)
    passing = refused.passing()
    if passing.size:
        _allocate(x, numbers[passing], rows[passing], emit)
    return refused.reasons()


def _allocate(x: DefaultState, numbers: I64, rows: I64, emit: Emit) -> None:
    """Take open losses through the prefunded layers, then through the last one.

    The prefunded layers take all losses, in order of number, before the last one takes any: their
    balances do not depend on what the last layer takes, nor the gains on what they pay.
    """
    paid, left = _bear_prefunded(x, rows)
    if left.any():
        if x.defaults.waterfall[4] == Layer.AUTO_DELEVERAGING:
            _deleverage(x, numbers, left, emit)
        else:
            left = gains_haircut.allocate(x, numbers, left, emit)
    require(bool((left >= 0).all()), "no layer pays more than the loss")
    bare = np.flatnonzero(left)
    place = np.concatenate((paid[:, 0], bare))
    order = np.argsort(place, kind="stable")
    if place.size:
        x.defaults.uncovered += int(left.sum())
        emit.booked(
            event.LOSS_ALLOCATED,
            loss=numbers[place][order],
            layer=np.append(paid[:, 1], np.full(bare.size, Layer.UNCOVERED))[order],
            payer=np.append(paid[:, 2], np.full(bare.size, x.single(Role.LIQUIDATOR)))[order],
            amount=np.append(paid[:, 3], left[bare])[order],
        )
    emit.columns(event.LOSS_CLOSED, loss=numbers)


def _bear_prefunded(x: DefaultState, rows: I64) -> tuple[I64, I64]:
    """Book what the prefunded layers pay: rows of `bear_prefunded`, and what is left of each loss.

    A loss of the liquidator has no defaulting member.  The members of the accounts that it took
    over since it was last flat and not short bear it instead, each once (rule 13.5).
    """
    role, parent = x.accounts.used("role"), x.accounts.used("parent").astype(np.int64)
    layers = [TERMS[Layer(layer)] for layer in x.defaults.waterfall[:4].tolist()]
    payers = np.flatnonzero(np.isin(role, FUNDS))
    defaulter = x.defaults.losses.account[rows]
    left = np.empty(rows.size, np.int64)
    paid = bear_prefunded(
        x.account_arrays(),
        np.array([(terms.layer, terms.role, WHOSE[terms.bearer]) for terms in layers], np.int64),
        payers,
        role[payers],
        parent[payers],
        np.unique(parent[x.accounts.used("is_closing_out")]),
        x.single(Role.LIQUIDATOR),
        np.where(role[defaulter] == Role.LIQUIDATOR, -1, parent[defaulter]),
        x.defaults.losses.amount[rows],
        left,
    )
    return paid, left


def _deleverage(x: DefaultState, numbers: I64, left: I64, emit: Emit) -> None:
    """Close winners against the liquidator, then cut gains, loss by loss; ``left`` is changed."""
    queues = auto_deleveraging.Queues(x)
    for k in np.flatnonzero(left).tolist():
        before = queues.found
        left[k] = auto_deleveraging.allocate(x, queues, int(numbers[k]), int(left[k]), emit)
        cancel_excess_orders(x, emit)
        if queues.found == before:
            # A gains haircut changes no position or profit: later losses find no winners either.
            left[k:] = gains_haircut.allocate(x, numbers[k:], left[k:], emit)
            return
        if left[k]:
            left[k : k + 1] = gains_haircut.allocate(x, numbers[k : k + 1], left[k : k + 1], emit)
            queues = auto_deleveraging.Queues(x)


def apply_loss_allocated(x: DefaultState, columns: Row) -> None:
    """Book the payments of the layers to the liquidator in numeraire (rules 13.8 and 13.18).

    Parameters
    ----------
    columns
        ``layer``, ``payer`` and ``amount``, numeraire units and not negative; shape (rows,).  A row
        of layer UNCOVERED moves no cash: its amount is added to what is uncovered.
    """
    is_paid = columns["layer"] != Layer.UNCOVERED
    x.defaults.uncovered += int(columns["amount"][~is_paid].sum())
    collect(
        x.accounts, 0, columns["payer"][is_paid], x.single(Role.LIQUIDATOR),
        columns["amount"][is_paid],
    )  # fmt: skip


def apply_loss_closed(x: DefaultState, columns: Row) -> None:
    """Close losses that went through all layers; a loss that is not open is a fault."""
    rows = x.defaults.losses.rows_of(columns["loss"])
    require(bool((rows >= 0).all()), "a loss is closed once")
    x.defaults.losses.end(rows)


def losses(x: DefaultState, margin: MarginColumns) -> list[Run]:
    """Return `AllocateLoss` for every open loss, in order of number (rule 4.12)."""
    waiting = x.defaults.losses.live()
    return commands(command.ALLOCATE_LOSS, loss=x.defaults.losses.number[waiting])


TOPIC: Topic[DefaultState] = Topic(
    name="waterfall",
    decisions=(
        Decision(
            command.DECLARE_WATERFALL,
            decide_declare_waterfall,
            DeclareWaterfallRefusal,
            is_before_house=True,
        ),
        ColumnDecision(command.ALLOCATE_LOSS, decide_allocate_losses, No, is_engine_only=True),
    ),
    applications=(
        Application(event.WATERFALL_DECLARED, apply_waterfall_declared, NOBODY),
        Application(event.LOSS_ALLOCATED, apply_loss_allocated, PAYER, is_by_column=True),
        Application(event.GAINS_CUT, gains_haircut.apply_gains_cut, EVERYBODY, is_by_column=True),
        Application(
            event.POSITION_DELEVERAGED, auto_deleveraging.apply_position_deleveraged, ACCOUNT
        ),
        Application(event.LOSS_CLOSED, apply_loss_closed, NOBODY, is_by_column=True),
    ),
    stages=(losses,),
)
