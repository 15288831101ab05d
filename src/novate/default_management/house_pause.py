"""Pauses of the whole house: while no index is fresh nothing is decided against anybody.

Without a fresh index nobody can close a position, and what an account is worth is not known: calls,
defaults, liquidations and takeovers wait, and so do the deadlines of calls (`call_grace`).  A pause
ends with the first fresh index, and by its length where none comes: a house whose prices are gone
for good is decided by what it knew last.

Source: after outages venues state a time without liquidations before decisions go on, for example
the grace period after a sequencer outage of Aave's price oracle sentinel.
"""

from __future__ import annotations

import numpy as np

from novate.message import event
from novate.message.declare import Emit, Row
from novate.message.parameter import Parameter
from novate.message.topic import NOBODY, Application, Topic
from novate.valuation import ClearingState


def follow_indices(x: ClearingState, emit: Emit) -> None:
    """Say whether the house pauses after the indices of an assessment (rules 8.80 to 8.83)."""
    priced = [a for a in np.unique(x.sources.used("asset")).tolist() if x.assets.price_e8[a] > 0]
    with x.looking_once():
        is_fresh = any(x.is_fresh(asset) for asset in priced)
    most_ns, since_ns = x.parameter(Parameter.HOUSE_PAUSE_MAX_NS), abs(x.pause_ns)
    if x.pause_ns == 0:
        if priced and not is_fresh and most_ns > 0:
            emit(event.HOUSE_PAUSED, assets=len(priced))
        return
    length_ns = x.now_ns - since_ns
    if is_fresh:
        length_ns = length_ns if x.is_paused() else 0
        emit(event.HOUSE_RESUMED, since_ns=since_ns, length_ns=length_ns)
    elif x.is_paused() and length_ns >= most_ns:
        emit(event.HOUSE_PAUSE_EXPIRED, since_ns=since_ns, length_ns=length_ns)


def apply_house_paused(x: ClearingState, row: Row) -> None:
    """Note when the pause began."""
    x.pause_ns = x.now_ns


def apply_house_pause_expired(x: ClearingState, row: Row) -> None:
    """Let decisions go on; there is no other pause before an index is fresh."""
    x.pause_ns = -x.pause_ns


def apply_house_resumed(x: ClearingState, row: Row) -> None:
    """Forget the pause."""
    x.pause_ns = 0


TOPIC: Topic[ClearingState] = Topic(
    name="pauses of the house",
    applications=(
        Application(event.HOUSE_PAUSED, apply_house_paused, NOBODY),
        Application(event.HOUSE_PAUSE_EXPIRED, apply_house_pause_expired, NOBODY),
        Application(event.HOUSE_RESUMED, apply_house_resumed, NOBODY),
    ),
    phases=(follow_indices,),
)
