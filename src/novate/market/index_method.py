"""Which method makes the index of an asset."""

from __future__ import annotations

from novate.errors import JournalError
from novate.market.state import MarketState
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.refusal import SetIndexMethodRefusal as No
from novate.message.topic import NOBODY, Application, Decision, Topic


def decide_set_index_method(state: MarketState, row: Row, emit: Emit) -> Refusal | None:
    """Name a method for an asset that has sources; the next assessment uses it."""
    if not 0 < row["asset"] < state.assets.count:
        return Refusal(No.UNKNOWN_ASSET, row["asset"], state.assets.count - 1)
    if not 0 <= row["method"] < len(state.index_methods):
        return Refusal(No.UNKNOWN_METHOD, row["method"], len(state.index_methods) - 1)
    emit(event.INDEX_METHOD_SET, **row)
    return None


def apply_index_method_set(state: MarketState, row: Row) -> None:
    """Remember the method.

    Raises
    ------
    JournalError
        If the method is not in the catalogue of this state, so that no index could be computed.
    """
    if row["method"] >= len(state.index_methods):
        raise JournalError(f"an asset gets index method {row['method']}, the catalogue has no such")
    state.assets.index_method[row["asset"]] = row["method"]


TOPIC: Topic[MarketState] = Topic(
    name="index methods",
    decisions=(
        Decision(command.SET_INDEX_METHOD, decide_set_index_method, No, is_before_house=True),
    ),
    applications=(Application(event.INDEX_METHOD_SET, apply_index_method_set, NOBODY),),
)
