"""Giving a listed option another rule for shorts, at once or from an instant on (rule 9.44).

A declared rule never changes: its number is its version.  The margin of a short follows with the
next mark, whether its entry price counts at once.
"""

from __future__ import annotations

from novate.canonical import Run
from novate.kernel.clearing.columns import I64
from novate.kernel.codes import DueKind
from novate.market.state import MarketState
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.refusal import EngineCommandRefusal
from novate.message.refusal import ReplaceMarginRuleRefusal as No
from novate.message.topic import EVERYBODY, NOBODY, Application, Decision, Topic, column_work


def decide_replace_margin_rule(state: MarketState, row: Row, emit: Emit) -> Refusal | None:
    """Decide another rule for shorts of an option: `MarginRuleReplaced` or `MarginRuleScheduled`.

    Parameters
    ----------
    row
        ``instrument``; ``margin_rule``, a declared rule, from 1; ``effective_ns``, 0 for at once.

    Returns
    -------
    Refusal | None
        UNKNOWN_INSTRUMENT, NOT_AN_OPTION, UNKNOWN_RULE, or INSTANT_OUT_OF_RANGE unless after now;
        tested in this order.
    """
    i, rule, effective_ns = row["instrument"], row["margin_rule"], row["effective_ns"]
    if i >= state.instruments.count:
        return Refusal(No.UNKNOWN_INSTRUMENT, i, state.instruments.count - 1)
    if not state.is_option(i):
        return Refusal(No.NOT_AN_OPTION, i, -1)
    if not 1 <= rule <= state.option_rules.count:
        return Refusal(No.UNKNOWN_RULE, rule, state.option_rules.count)
    if effective_ns == 0:
        emit(event.MARGIN_RULE_REPLACED, **row, replaced=int(state.instruments.margin_rule[i]))
        return None
    if effective_ns <= state.now_ns:
        return Refusal(No.INSTANT_OUT_OF_RANGE, effective_ns, state.now_ns + 1)
    emit(event.MARGIN_RULE_SCHEDULED, **row)
    return None


def apply_margin_rule_scheduled(state: MarketState, row: Row) -> None:
    """Store a rule that waits, in place of one for the same option and instant."""
    changes = state.rule_changes
    at = changes.row_of(row["instrument"], row["effective_ns"])
    at = at if at >= 0 else changes.append()
    for name in changes.SPEC:
        getattr(changes, name)[at] = row[name]


def apply_margin_rule_replaced(state: MarketState, row: Row) -> None:
    """Put the rule in force, and drop it from those that wait."""
    i, rule = row["instrument"], row["margin_rule"]
    waiting = state.rule_changes.row_of(i, row["effective_ns"])
    if waiting >= 0:
        state.rule_changes.remove(waiting)
    state.instruments.margin_rule[i] = rule
    state.instruments.entry_counts[i] = state.option_rules.entry_counts[rule - 1]


def decide_enact_margin_rule(state: MarketState, row: Row, emit: Emit) -> Refusal | None:
    """Decide the rule that waited for an instant: `MarginRuleReplaced` (rule 4.4).

    Returns
    -------
    Refusal | None
        UNKNOWN_SUBJECT if none waits for the option and instant, NOT_DUE before it.
    """
    i, waiting = (
        row["instrument"],
        state.rule_changes.row_of(row["instrument"], row["effective_ns"]),
    )
    if waiting < 0:
        return Refusal(EngineCommandRefusal.UNKNOWN_SUBJECT, i, -1)
    if state.now_ns < row["effective_ns"]:
        return Refusal(EngineCommandRefusal.NOT_DUE, state.now_ns, row["effective_ns"])
    emit(
        event.MARGIN_RULE_REPLACED,
        **row,
        margin_rule=int(state.rule_changes.margin_rule[waiting]),
        replaced=int(state.instruments.margin_rule[i]),
    )
    return None


def _instants(state: MarketState) -> I64:
    return state.rule_changes.used("effective_ns")


def _enact(state: MarketState, rows: I64) -> Run:
    changes = state.rule_changes
    columns = {"instrument": changes.instrument[rows], "effective_ns": changes.effective_ns[rows]}
    return command.ENACT_MARGIN_RULE.run(columns)


MARGIN_RULE = column_work(DueKind.MARGIN_RULE, _instants, _enact)

TOPIC: Topic[MarketState] = Topic(
    name="rules of listed options",
    decisions=(
        Decision(command.REPLACE_MARGIN_RULE, decide_replace_margin_rule, No),
        Decision(
            command.ENACT_MARGIN_RULE,
            decide_enact_margin_rule,
            EngineCommandRefusal,
            is_engine_only=True,
        ),
    ),
    applications=(
        Application(event.MARGIN_RULE_SCHEDULED, apply_margin_rule_scheduled, NOBODY),
        Application(event.MARGIN_RULE_REPLACED, apply_margin_rule_replaced, EVERYBODY),
    ),
    work=(MARGIN_RULE,),
)
