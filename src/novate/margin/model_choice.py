"""Choosing the margin model of a group.

A group changes its model only while it is well: open, every position priced, and with equity that
covers what the new model asks of it.
"""

from __future__ import annotations

import numpy as np

from novate.errors import JournalError
from novate.kernel.codes import AccountStatus
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.refusal import SetMarginModelRefusal as No
from novate.message.topic import Accounts, Application, Decision, Topic
from novate.valuation import ClearingState
from novate.valuation.group_book import book_of, joined
from novate.valuation.price_status import is_blocked


def decide_set_margin_model(x: ClearingState, row: Row, emit: Emit) -> Refusal | None:
    """Give a group another model, or say why not."""
    group, model = row["group"], row["model"]
    if not x.is_group(group):
        return Refusal(No.UNKNOWN_GROUP, group, x.accounts.count - 1)
    if model not in x.margin_models:
        return Refusal(No.UNKNOWN_MODEL, model, max(x.margin_models))
    status = int(x.accounts.status[group])
    if status != AccountStatus.OPEN:
        return Refusal(No.GROUP_NOT_OPEN, status, AccountStatus.OPEN)
    book = book_of(x, group)
    blocked = next((i for i in book.instrument.tolist() if is_blocked(x, i)), -1)
    if blocked >= 0:
        return Refusal(No.PRICE_BLOCKED, blocked, -1)
    equity = x.assess(group).equity
    initial = int(x.margins([group], joined([book]), model)[0, 0])
    if equity < initial:
        return Refusal(No.INSUFFICIENT_MARGIN, equity, initial)
    emit(event.MARGIN_MODEL_SET, equity=equity, requirement=initial, **row)
    return None


def apply_margin_model_set(x: ClearingState, row: Row) -> None:
    """The group has the model from now on.

    Raises
    ------
    JournalError
        If the model is not in the catalogue of this state: nobody could say what the group owes.
    """
    if row["model"] not in x.margin_models:
        raise JournalError(f"a group gets margin model {row['model']}, the catalogue has no such")
    x.accounts.margin_model[list(x.group_accounts(row["group"]))] = row["model"]
    x.forget_modelled()


def _accounts(x: ClearingState, row: Row) -> Accounts:
    return np.array(x.group_accounts(row["group"]), np.int64)


TOPIC: Topic[ClearingState] = Topic(
    name="margin models",
    decisions=(Decision(command.SET_MARGIN_MODEL, decide_set_margin_model, No),),
    applications=(Application(event.MARGIN_MODEL_SET, apply_margin_model_set, _accounts),),
)
