"""Choosing the margin model of a group (rules 3.29, 3.30, 6.18 and 6.19)."""

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
    """Decide another margin model of a group: `MarginModelSet` (rules 6.18 and 6.19).

    Parameters
    ----------
    row
        ``group``, a margin account, and ``model``, a number of the catalogue.

    Returns
    -------
    Refusal | None
        UNKNOWN_GROUP, UNKNOWN_MODEL, GROUP_NOT_OPEN, PRICE_BLOCKED, or INSUFFICIENT_MARGIN with
        equity below the initial margin of the new model, numeraire units; tested in this order.
    """
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
    found = x.assess(group)
    equity = found.equity
    initial = int(x.margins([group], joined([book]), model)[0, 0]) + found.debt_initial
    if equity < initial:
        return Refusal(No.INSUFFICIENT_MARGIN, equity, initial)
    emit(event.MARGIN_MODEL_SET, equity=equity, requirement=initial, **row)
    return None


def apply_margin_model_set(x: ClearingState, row: Row) -> None:
    """Give all accounts of a group the model.

    Raises
    ------
    JournalError
        If the model is not in the catalogue of this state, so that no margin could be computed.
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
