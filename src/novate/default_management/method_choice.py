"""Choosing the liquidation method of an account, or of the liquidator for what it took over.

It may be changed at any time, also while the account is being closed: orders that are out stay, and
its next slice is placed by the new method.
"""

from __future__ import annotations

import numpy as np

from novate.default_management.policy_state import PolicyState
from novate.kernel.codes import Role
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.refusal import SetLiquidationMethodRefusal as No
from novate.message.topic import NOBODY, Application, Decision, Topic


def decide_set_liquidation_method(x: PolicyState, row: Row, emit: Emit) -> Refusal | None:
    """Give an account another method, or say why not."""
    account, method = row["account"], row["method"]
    is_known = account < x.accounts.count
    may_close = is_known and (
        x.accounts.is_margined[account] or account == x.single(Role.LIQUIDATOR)
    )
    if not may_close:
        return Refusal(No.UNKNOWN_ACCOUNT, account, x.accounts.count - 1)
    if method not in x.liquidation_methods:
        return Refusal(No.UNKNOWN_METHOD, method, max(x.liquidation_methods))
    emit(event.LIQUIDATION_METHOD_SET, **row)
    return None


def apply_liquidation_method_set(x: PolicyState, row: Row) -> None:
    """The account has the method from now on.

    Raises
    ------
    JournalError
        If the method is not in the catalogue of this state.
    """
    x.require_known_methods(np.array([row["method"]], np.int16))
    x.accounts.liquidation_method[row["account"]] = row["method"]


TOPIC: Topic[PolicyState] = Topic(
    name="liquidation methods",
    decisions=(Decision(command.SET_LIQUIDATION_METHOD, decide_set_liquidation_method, No),),
    applications=(Application(event.LIQUIDATION_METHOD_SET, apply_liquidation_method_set, NOBODY),),
)
