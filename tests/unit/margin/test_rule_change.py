from __future__ import annotations

from typing import Any

import pytest

from novate.engine.recover import audit, recover
from novate.margin.rule_change import decide_enact_margin_rule, decide_replace_margin_rule
from novate.message import command
from novate.message.refusal import EngineCommandRefusal
from novate.message.refusal import ReplaceMarginRuleRefusal as No
from tests.unit.clearing import COIN, HOUR, START, ClearingHouse, Recorder


def short_house() -> ClearingHouse:
    """A holder is short one call, at a mark."""
    house = ClearingHouse()
    house.list_contract()
    house.list_option()
    for name in ("A", "B"):
        house.open_client(name, deposit=20_000 * COIN)
    house.smile(0.8)
    house.price(100)
    mark = int(house.state.marks.mark[1])
    house.trade("A", "B", lots=1, ticks=mark, instrument=1)
    return house


def row(instrument: int, rule: int, at_ns: int = 0) -> dict[str, Any]:
    return {"instrument": instrument, "margin_rule": rule, "effective_ns": at_ns}


@pytest.mark.rule("4.25", "9.44")
@pytest.mark.parametrize(
    ("given", "code"),
    [
        (row(2, 9, 1), No.UNKNOWN_INSTRUMENT),
        (row(0, 9, 1), No.NOT_AN_OPTION),
        (row(1, 0, 1), No.UNKNOWN_RULE),
        (row(1, 3, 1), No.UNKNOWN_RULE),
        (row(1, 2, 1), No.INSTANT_OUT_OF_RANGE),
        (row(1, 2, -1), No.INSTANT_OUT_OF_RANGE),
    ],
)
def test_reasons_are_tested_in_the_order_of_their_codes(given: dict[str, Any], code: No) -> None:
    emitted = Recorder()

    refusal = decide_replace_margin_rule(short_house().state, given, emitted)

    assert refusal is not None
    assert refusal.code == code
    assert emitted.events == []


@pytest.mark.rule("9.44")
def test_a_short_holds_what_the_new_rule_asks_from_the_next_mark_on() -> None:
    house = short_house()
    before = int(house.state.marks.short_maintenance[1])

    house.submit(command.REPLACE_MARGIN_RULE.row(**row(1, 2)))

    assert house.events("MarginRuleReplaced", last=True) == [{**row(1, 2), "replaced": 1}]
    assert house.state.instruments.entry_counts[1]
    assert house.state.marks.short_maintenance[1] == before
    house.assess()
    assert house.state.marks.short_maintenance[1] < before  # 3% of the index, where it was 7.5%


@pytest.mark.rule("9.44", "14.2", "14.3")
def test_a_dated_rule_waits_for_its_instant() -> None:
    house, at = short_house(), START + HOUR
    for rule in (1, 2):
        house.submit(command.REPLACE_MARGIN_RULE.row(**row(1, rule, at)))
    assert house.state.rule_changes.used("margin_rule").tolist() == [2]
    gone = decide_enact_margin_rule(house.state, {"instrument": 0, "effective_ns": at}, Recorder())
    early = decide_enact_margin_rule(house.state, {"instrument": 1, "effective_ns": at}, Recorder())
    assert gone is not None
    assert gone.code == EngineCommandRefusal.UNKNOWN_SUBJECT
    assert early == (EngineCommandRefusal.NOT_DUE, house.state.now_ns, at)
    house.engine.snapshot()
    assert recover(house.engine.journal).state.digest() == house.state.digest()

    house.advance(at)

    assert house.state.instruments.margin_rule[1] == 2
    assert house.state.rule_changes.count == 0
    assert audit(house.engine.journal).digest == house.state.digest()
