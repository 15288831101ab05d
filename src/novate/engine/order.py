"""The order in which things happen, in one place, read from top to bottom.

What comes from outside is decided in the order in which it was submitted.  The rest is here: what
an assessment does, what is done first of the work that falls due at one instant, and which stage
of consequences comes before which.  Each entry is registered by the topic that it belongs to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from novate.collateral import external_market, haircut_rule
from novate.default_management import (
    call,
    contract_end,
    house_pause,
    liquidation,
    order_margin,
    outbox,
    surplus,
    takeover,
    uncovered,
    waterfall,
)
from novate.margin import option_mark, rule_change, tier_table
from novate.market import index, mark
from novate.settlement import barrier, cycle, expiry, interest
from novate.valuation import parameter_change

if TYPE_CHECKING:
    from novate.engine.state import State
    from novate.message.topic import Phase, Stage, Work

PHASES: tuple[Phase[State], ...] = (
    index.update_indices,
    house_pause.follow_indices,
    haircut_rule.update_haircuts,
    mark.update_marks,
    contract_end.touch_barriers,
    option_mark.mark_options,
    external_market.call_external_market,
)
"""What an assessment does, before it adds up the margin of all accounts."""

WORK: tuple[Work[State], ...] = (
    parameter_change.PARAMETER,
    tier_table.TIERS,
    rule_change.MARGIN_RULE,
    cycle.FUNDING,
    cycle.CYCLE,
    barrier.OBSERVATION,
    expiry.EXPIRY,
    call.CALL_DEADLINE,
    outbox.ORDER_LIFE,
    liquidation.SLICE,
    interest.INTEREST,
)
"""Work of one instant: kinds in this order, which is that of their codes; then by number."""

STAGES: tuple[Stage[State], ...] = (
    barrier.looks,
    cycle.fundings,
    cycle.late_cycles,
    expiry.expiries,
    order_margin.remargins,
    order_margin.cancellations,
    surplus.surpluses,
    waterfall.losses,
    takeover.takeovers,
    takeover.shortfalls,
    uncovered.uncovered_shares,
    liquidation.cures,
    call.calls_met,
    call.calls_held_up,
    call.early_defaults,
    liquidation.breaches,
    call.calls,
    liquidation.slices,
    cycle.gains_windows,
)
"""Consequences of the present state: the first stage that has any goes first, in a record of its
own; then all stages are asked again, from the top."""

HELD_BY_PAUSE: tuple[Stage[State], ...] = (
    takeover.takeovers,
    call.early_defaults,
    liquidation.breaches,
    call.calls,
)
"""Stages that have no work while the house pauses (rule 8.81)."""
