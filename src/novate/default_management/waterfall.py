"""The default waterfall: which accounts bear a loss, in the declared order (rulebook chapter 13).

Order of loss absorption::

    defaulter's collateral  (already used when a loss is recorded)
      -> defaulter's own default-fund contribution; for a loss of the liquidator those of the
         members whose accounts it is closing out
      -> insurance fund, skin in the game, contributions of other members   as declared
      -> last layer: gains haircut over a named window, auto-deleveraging, or another one
      -> the uncovered rest stays on the liquidator

Every layer pays the liquidator, which took over what the defaulter left.  All amounts are numeraire
ledger units and positive; their sum is the loss, to the last unit.  The layers are the catalogue
`default_management.loss`.

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
from novate.default_management.loss import auto_deleveraging, gains_haircut
from novate.default_management.loss.policy import (
    NOTHING_PAID,
    Bearer,
    Borne,
    LastLayer,
    Place,
    numbers_at,
)
from novate.default_management.policy_state import PolicyState
from novate.default_management.refused import Refused
from novate.default_management.room import payment_room
from novate.default_management.state import DefaultState
from novate.errors import require
from novate.kernel.clearing.columns import I64, MarginColumns
from novate.kernel.clearing.loss import ALL, OTHERS, OWN, bear_prefunded
from novate.kernel.codes import Collateral, Layer, Role
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
    ColumnDecision,
    Decision,
    Topic,
    commands,
)

WHOSE = {Bearer.CLEARING_HOUSE: ALL, Bearer.OWN_MEMBERS: OWN, Bearer.OTHERS: OTHERS}
"""Which of its accounts a prefunded layer takes from."""

PLACES = ("first", "second", "third", "fourth", "last")


def decide_declare_waterfall(x: PolicyState, row: Row, emit: Emit) -> Refusal | None:
    """Decide an order of four prefunded layers of the catalogue and a last layer (rule 13.19).

    The own contribution comes first, and the insurance fund before every layer in which others pay:
    no loss is shared among those who did not fail while the defaulter's contribution or that fund
    has money.

    Parameters
    ----------
    x
        State; only its catalogue is read: an order may be declared at any time, also before the
        house has accounts.
    row
        ``first`` to ``fourth`` and ``last``: numbers of loss policies.

    Returns
    -------
    Refusal | None
        UNKNOWN_LAYER, LAYER_TWICE, SHARED_BEFORE_FUND or UNKNOWN_LAST_LAYER, tested in this order.
    """
    no, policies = DeclareWaterfallRefusal, x.loss_policies
    known, last = (numbers_at(place, policies.values()) for place in (Place.PREFUNDED, Place.LAST))
    layers = [row[place] for place in PLACES[:4]]
    for layer in layers:
        if layer not in known:
            return Refusal(no.UNKNOWN_LAYER, layer, max(known))
    if len(set(layers)) < 4:
        twice = next(layer for layer in layers if layers.count(layer) > 1)
        return Refusal(no.LAYER_TWICE, twice, 1)
    bearers = [policies[layer].terms.bearer for layer in layers]
    shared = bearers.index(Bearer.OTHERS) if Bearer.OTHERS in bearers else len(layers)
    fund = layers.index(Layer.INSURANCE_FUND) if Layer.INSURANCE_FUND in layers else len(layers)
    if shared < fund or layers[0] != Layer.OWN_CONTRIBUTION:
        return Refusal(no.SHARED_BEFORE_FUND, shared, fund)
    if row["last"] not in last:
        return Refusal(no.UNKNOWN_LAST_LAYER, row["last"], max(last))
    emit(event.WATERFALL_DECLARED, **row)
    return None


def apply_waterfall_declared(x: PolicyState, row: Row) -> None:
    """Put the declared order in place of the one before: losses allocated from now on follow it.

    Raises
    ------
    JournalError
        If a layer is not in the catalogue of this state.
    """
    waterfall = np.array([row[place] for place in PLACES], np.int8)
    x.require_known_layers(waterfall)
    x.defaults.waterfall[:] = waterfall


def decide_allocate_losses(
    x: PolicyState, columns: Row, emit: Emit
) -> Sequence[tuple[int, Refusal]]:
    """Decide how recorded losses are borne, one after another (rules 13.3 to 13.18).

    Emits, with auto-deleveraging, `LossAllocated` of the prefunded layers; what the last layer
    does, loss by loss (`PositionDeleveraged` and `OrderClosed`, `GainsCut`); then all other
    `LossAllocated`, one row for each payer with an amount in numeraire units above zero, and
    `LossClosed`.  A rest that no layer bears is a row of layer UNCOVERED with the
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


def _allocate(x: PolicyState, numbers: I64, rows: I64, emit: Emit) -> None:
    """Take open losses through the prefunded layers, then through the last one.

    The prefunded layers take all losses, in order of number, before the last one takes any: their
    balances do not depend on what the last layer takes, nor the gains on what they pay.
    """
    amounts = x.defaults.losses.amount[rows]
    payable = _payable(x, amounts)
    left, paid = _bear_prefunded(x, rows, payable)
    if left.any():
        last = x.last_layer()
        if not last.moves_cash_alone:
            _journal(x, numbers, paid, left * 0, emit)
            paid = NOTHING_PAID
        borne = last.bear(x, numbers, left, emit)
        _require_conserved(last, left, borne)
        left, paid = borne.left, np.concatenate((paid, borne.paid))
    left = left + (amounts - payable)
    x.defaults.add_uncovered(left)
    _journal(x, numbers, paid, left, emit)
    emit.columns(event.LOSS_CLOSED, loss=numbers)


def _payable(x: PolicyState, amounts: I64) -> I64:
    """Return what may be paid of some losses in their order (rule 15.67); shape (losses,)."""
    payable, room = amounts.copy(), payment_room(x)
    if amounts.sum(dtype=np.float64) < room / 2:
        return payable
    for k, amount in enumerate(amounts.tolist()):
        payable[k] = min(amount, room)
        room -= int(payable[k])
    return payable


def _journal(x: PolicyState, numbers: I64, paid: I64, left: I64, emit: Emit) -> None:
    """Journal what layers paid and have booked, and what nobody bears, loss by loss."""
    bare = np.flatnonzero(left)
    place = np.concatenate((paid[:, 0], bare))
    order = np.argsort(place, kind="stable")
    if place.size:
        emit.booked(
            event.LOSS_ALLOCATED,
            loss=numbers[place][order],
            layer=np.append(paid[:, 1], np.full(bare.size, Layer.UNCOVERED))[order],
            payer=np.append(paid[:, 2], np.full(bare.size, x.single(Role.LIQUIDATOR)))[order],
            amount=np.append(paid[:, 3], left[bare])[order],
        )


def _require_conserved(layer: LastLayer, rest: I64, borne: Borne) -> None:
    """Stop unless what a last layer paid and left is what it was asked for."""
    name, left, paid = layer.terms.key, borne.left, borne.paid
    require(bool(((left >= 0) & (left <= rest)).all()), f"{name} pays no more than the loss")
    if paid.size:
        total = np.zeros(rest.size, np.int64)
        np.add.at(total, paid[:, 0], paid[:, 3])
        require(bool((paid[:, 3] > 0).all()), f"{name} takes, it gives nothing")
        require(bool((total + left == rest).all()), f"{name} pays or leaves every unit of a loss")


def _bear_prefunded(x: PolicyState, rows: I64, amounts: I64) -> Borne:
    """Book what the prefunded layers of the declared waterfall pay for some losses.

    A loss of the liquidator has no defaulting member.  The members of the accounts that it took
    over since it was last flat and not short bear it instead, each once (rule 13.5).
    """
    role, member = x.accounts.used("role"), x.accounts.used("parent").astype(np.int64)
    answers = x.accounts.used("payer").astype(np.int64)
    layers = x.prefunded_layers()
    of_layer = [layer.payers(x) for layer in layers]
    payers = np.unique(np.concatenate(of_layer))
    is_fund = x.accounts.collateral[payers] == Collateral.NUMERAIRE
    require(bool(is_fund.all()), "prefunded layers are paid from funds")
    defaulter = x.defaults.losses.account[rows]
    left = np.empty(rows.size, np.int64)
    paid = bear_prefunded(
        x.account_arrays(),
        np.array([(layer.terms.number, WHOSE[layer.terms.bearer]) for layer in layers], np.int64),
        np.stack([np.isin(payers, mine) for mine in of_layer]),
        payers,
        member[payers],
        np.unique(answers[x.accounts.used("is_closing_out")]),
        x.single(Role.LIQUIDATOR),
        np.where(role[defaulter] == Role.LIQUIDATOR, -1, answers[defaulter]),
        amounts,
        left,
    )
    return Borne(left, paid)


def apply_loss_allocated(x: DefaultState, columns: Row) -> None:
    """Book the payments of the layers to the liquidator in numeraire (rules 13.8 and 13.18).

    Parameters
    ----------
    columns
        ``layer``, ``payer`` and ``amount``, numeraire units and not negative; shape (rows,).  A row
        of layer UNCOVERED moves no cash: its amount is added to what is uncovered.
    """
    is_paid = columns["layer"] != Layer.UNCOVERED
    x.defaults.add_uncovered(columns["amount"][~is_paid])
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


TOPIC: Topic[PolicyState] = Topic(
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
        Application(
            event.GAINS_CUT,
            gains_haircut.apply_gains_cut,
            EVERYBODY,
            is_by_column=True,
            older=((1, gains_haircut.apply_gains_cut_without_bounds),),
        ),
        Application(
            event.POSITION_DELEVERAGED, auto_deleveraging.apply_position_deleveraged, ACCOUNT
        ),
        Application(event.LOSS_CLOSED, apply_loss_closed, NOBODY, is_by_column=True),
    ),
    stages=(losses,),
)
