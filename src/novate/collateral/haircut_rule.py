"""Naming the haircut rule of an asset, and asking it at every assessment (rule 6.17).

Sources: EMIR Article 46 and Delegated Regulation (EU) 153/2013 Article 41, CPMI-IOSCO PFMI
Principle 5: haircuts are set, and reviewed, for each asset that is taken as collateral.
"""

from __future__ import annotations

from novate.collateral.state import CollateralState
from novate.errors import InvariantError, JournalError
from novate.market.reference import BPS
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.refusal import SetHaircutRuleRefusal as No
from novate.message.topic import NOBODY, Application, Decision, Topic


def decide_set_haircut_rule(x: CollateralState, row: Row, emit: Emit) -> Refusal | None:
    """Decide the haircut rule of an asset other than the numeraire: `HaircutRuleSet`.

    Parameters
    ----------
    row
        ``asset``, not the numeraire, and ``rule``, its place in `haircut.CATALOGUE`.

    Returns
    -------
    Refusal | None
        UNKNOWN_ASSET or UNKNOWN_RULE.
    """
    if not 0 < row["asset"] < x.assets.count:
        return Refusal(No.UNKNOWN_ASSET, row["asset"], x.assets.count - 1)
    if not 0 <= row["rule"] < len(x.haircut_rules):
        return Refusal(No.UNKNOWN_RULE, row["rule"], len(x.haircut_rules) - 1)
    emit(event.HAIRCUT_RULE_SET, **row)
    return None


def apply_haircut_rule_set(x: CollateralState, row: Row) -> None:
    """Set the rule of the asset; it is first asked at the next assessment.

    Raises
    ------
    JournalError
        If the rule is not in the catalogue of this state, so that no haircut could be computed.
    """
    if row["rule"] >= len(x.haircut_rules):
        raise JournalError(f"an asset gets haircut rule {row['rule']}, the catalogue has no such")
    x.assets.haircut_rule[row["asset"]] = row["rule"]


def update_haircuts(x: CollateralState, emit: Emit) -> None:
    """Emit `HaircutSet`, in bps, for each asset whose rule gives another haircut than is in force.

    Assets go by number; a rule that leaves 0 to 10,000 bps is a fault.
    """
    rules, present = x.assets.used("haircut_rule").tolist(), x.assets.used("haircut_bps").tolist()
    for asset in range(1, x.assets.count):
        rule = x.haircut_rules[rules[asset]]
        haircut_bps = rule.haircut_bps(x, asset)
        if not 0 <= haircut_bps <= BPS:
            raise InvariantError(f"the haircut rule {rule.name} stays between 0 and {BPS}")
        if haircut_bps != present[asset]:
            emit(event.HAIRCUT_SET, asset=asset, haircut_bps=haircut_bps)


TOPIC: Topic[CollateralState] = Topic(
    name="haircut rules",
    decisions=(
        Decision(command.SET_HAIRCUT_RULE, decide_set_haircut_rule, No, is_before_house=True),
    ),
    applications=(Application(event.HAIRCUT_RULE_SET, apply_haircut_rule_set, NOBODY),),
    phases=(update_haircuts,),
)
