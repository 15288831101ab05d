"""The topics of the engine, listed by hand, and the tables that follow from them.

A topic is registered by one line here; its messages, with what they decide, change and touch, stand
at the end of its own module.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from novate.book import account, member, reservation
from novate.collateral import custody, external_market, haircut_rule, obligation
from novate.collateral import transfer as collateral_transfer
from novate.default_management import (
    call,
    contract_decision,
    contract_end,
    house_pause,
    liquidation,
    method_choice,
    order_margin,
    outbox,
    reopening,
    surplus,
    takeover,
    uncovered,
    unpaid,
    waterfall,
)
from novate.engine import control, upgrade
from novate.engine.state import State
from novate.errors import require
from novate.margin import (
    add_on_choice,
    admission,
    group_choice,
    model_choice,
    option_mark,
    rule_change,
    tier_table,
)
from novate.margin import transfer as position_transfer
from novate.margin.contract_rule import notional_tier, short_option
from novate.market import index, index_method, mark, pause, reference, source_quote, surface
from novate.message.declare import Message
from novate.message.refusal import LinkedRefusal
from novate.message.topic import Application, ColumnDecision, Decision, Topic
from novate.settlement import barrier, cycle, expiry, interest
from novate.valuation import listing, parameter_change

TOPICS: tuple[Topic[State], ...] = (
    control.TOPIC,
    upgrade.TOPIC,
    parameter_change.TOPIC,
    reference.TOPIC,
    source_quote.TOPIC,
    listing.TOPIC,
    account.TOPIC,
    member.TOPIC,
    custody.TOPIC,
    external_market.TOPIC,
    collateral_transfer.TOPIC,
    obligation.TOPIC,
    haircut_rule.TOPIC,
    index.TOPIC,
    mark.TOPIC,
    pause.TOPIC,
    index_method.TOPIC,
    surface.TOPIC,
    notional_tier.TOPIC,
    tier_table.TOPIC,
    rule_change.TOPIC,
    short_option.TOPIC,
    option_mark.TOPIC,
    model_choice.TOPIC,
    group_choice.TOPIC,
    add_on_choice.TOPIC,
    reservation.TOPIC,
    admission.TOPIC,
    position_transfer.TOPIC,
    cycle.TOPIC,
    interest.TOPIC,
    expiry.TOPIC,
    barrier.TOPIC,
    contract_end.TOPIC,
    order_margin.TOPIC,
    contract_decision.TOPIC,
    house_pause.TOPIC,
    call.TOPIC,
    method_choice.TOPIC,
    liquidation.TOPIC,
    outbox.TOPIC,
    takeover.TOPIC,
    surplus.TOPIC,
    reopening.TOPIC,
    waterfall.TOPIC,
    uncovered.TOPIC,
    unpaid.TOPIC,
)


def decisions_of(
    topics: Iterable[Topic[State]],
) -> dict[Message, Decision[State] | ColumnDecision[State]]:
    """Return the decision of each command.

    Raises
    ------
    InvariantError
        If two topics decide the same command.
    """
    found: dict[Message, Decision[State] | ColumnDecision[State]] = {}
    for topic in topics:
        for decision in topic.decisions:
            require(decision.command not in found, f"{decision.command.name} is decided once")
            found[decision.command] = decision
    return found


def applications_of(topics: Iterable[Topic[State]]) -> dict[Message, Application[State]]:
    """Return the application of each event.

    Raises
    ------
    InvariantError
        If two topics apply the same event.
    """
    found: dict[Message, Application[State]] = {}
    for topic in topics:
        for application in topic.applications:
            require(application.event not in found, f"{application.event.name} is applied once")
            found[application.event] = application
    return found


DECISIONS = decisions_of(TOPICS)
"""How each command is decided."""

APPLICATIONS = applications_of(TOPICS)
"""How each event changes the state, and whom it touches."""

REFUSALS: dict[str, type[IntEnum]] = {
    message.name: decision.refusals for message, decision in DECISIONS.items()
}
"""Reasons for which each command is refused, by its name; those of linked rows aside."""


def refusal_of(command: str, code: int) -> IntEnum:
    """Return the member that a journaled refusal of a command stands for."""
    if code == LinkedRefusal.LINKED:
        return LinkedRefusal.LINKED
    return REFUSALS[command](code)


ENGINE_ONLY = frozenset(
    message.name for message, decision in DECISIONS.items() if decision.is_engine_only
)
"""Names of commands that only the engine may issue."""

BEFORE_HOUSE = frozenset(
    message.name for message, decision in DECISIONS.items() if decision.is_before_house
)
"""Names of commands that need none of the clearing house's own accounts."""
