"""Which rule says the haircut of an asset, and asking it at every assessment."""

from __future__ import annotations

from novate.collateral.state import CollateralState
from novate.errors import require
from novate.market.reference import BPS
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.refusal import SetHaircutRuleRefusal as No
from novate.message.topic import NOBODY, Application, Decision, Topic


def decide_set_haircut_rule(x: CollateralState, row: Row, emit: Emit) -> Refusal | None:
    """Name a rule for an asset; the numeraire has no haircut."""
    if not 0 < row["asset"] < x.assets.count:
        return Refusal(No.UNKNOWN_ASSET, row["asset"], x.assets.count - 1)
    if not 0 <= row["rule"] < len(x.haircut_rules):
        return Refusal(No.UNKNOWN_RULE, row["rule"], len(x.haircut_rules) - 1)
    emit(event.HAIRCUT_RULE_SET, **row)
    return None


def apply_haircut_rule_set(x: CollateralState, row: Row) -> None:
    """Remember the rule."""
    x.assets.haircut_rule[row["asset"]] = row["rule"]


def update_haircuts(x: CollateralState, emit: Emit) -> None:
    """Ask the rule of each asset but the numeraire, in order of number; journal what changed."""
    for asset in range(1, x.assets.count):
        rule = x.haircut_rules[int(x.assets.haircut_rule[asset])]
        haircut_bps = rule.haircut_bps(x, asset)
        require(0 <= haircut_bps <= BPS, f"the haircut rule {rule.name} stays between 0 and {BPS}")
        if haircut_bps != x.assets.haircut_bps[asset]:
            emit(event.HAIRCUT_SET, asset=asset, haircut_bps=haircut_bps)


TOPIC: Topic[CollateralState] = Topic(
    name="haircut rules",
    decisions=(
        Decision(command.SET_HAIRCUT_RULE, decide_set_haircut_rule, No, is_before_house=True),
    ),
    applications=(Application(event.HAIRCUT_RULE_SET, apply_haircut_rule_set, NOBODY),),
    phases=(update_haircuts,),
)
