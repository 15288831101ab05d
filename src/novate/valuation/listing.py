"""Listing an asset or a contract: a row in the market, and its place in the book.

What may be listed is decided in `market.reference` and `market.option`.  Applying it changes both
sides: every account gets a balance in a new asset, the settlement account a position in a new
contract, where variation margin waits while it is on its way.
"""

from __future__ import annotations

from novate.kernel.codes import Role
from novate.market.option import append_option, decide_list_option
from novate.market.price_source import TRIMMED_MEDIAN
from novate.market.reference import (
    append_asset,
    append_instrument,
    decide_declare_asset,
    decide_list_instrument,
)
from novate.message import command, event
from novate.message.declare import Row
from novate.message.refusal import DeclareAssetRefusal, ListInstrumentRefusal, ListOptionRefusal
from novate.message.topic import EVERYBODY, Application, Decision, Topic
from novate.valuation.clearing_state import ClearingState


def apply_asset_declared(state: ClearingState, row: Row) -> None:
    """Append the asset and give every account a balance of 0 in it."""
    append_asset(state, row)
    state.accounts.widen(state.assets.count)


def apply_trimmed_asset(state: ClearingState, row: Row) -> None:
    """Append an asset as version 1 did: its index is the trimmed median until it names another."""
    append_asset(state, row, TRIMMED_MEDIAN)
    state.accounts.widen(state.assets.count)


def apply_instrument_listed(state: ClearingState, row: Row) -> None:
    """Append the contract, and a position of the settlement account in it for early settlement."""
    append_instrument(state, row)
    _place_suspense(state, row["instrument"])


def apply_option_listed(state: ClearingState, row: Row) -> None:
    """Append the option, and a position of the settlement account in it."""
    append_option(state, row)
    _place_suspense(state, row["instrument"])


def _place_suspense(state: ClearingState, i: int) -> None:
    state.positions.reserve(1, state.accounts)
    state.positions.widen(state.instruments.count)
    state.instruments.suspense[i] = state.hold(state.single(Role.SETTLEMENT), i)


TOPIC: Topic[ClearingState] = Topic(
    name="listing",
    decisions=(
        Decision(
            command.DECLARE_ASSET, decide_declare_asset, DeclareAssetRefusal, is_before_house=True
        ),
        Decision(command.LIST_INSTRUMENT, decide_list_instrument, ListInstrumentRefusal),
        Decision(command.LIST_OPTION, decide_list_option, ListOptionRefusal),
    ),
    applications=(
        Application(
            event.ASSET_DECLARED,
            apply_asset_declared,
            EVERYBODY,
            older=((1, apply_trimmed_asset),),
        ),
        Application(event.INSTRUMENT_LISTED, apply_instrument_listed, EVERYBODY),
        Application(event.OPTION_LISTED, apply_option_listed, EVERYBODY),
    ),
)
