from __future__ import annotations

from dataclasses import dataclass

import pytest

from novate.adapter.memory_journal import MemoryJournal
from novate.collateral.haircut import CATALOGUE
from novate.engine.engine import Engine
from novate.engine.plugin import Plugins
from novate.engine.recover import audit, recover
from novate.engine.state import State
from novate.errors import InvariantError
from novate.message import command
from novate.message.parameter import Parameter, set_parameter
from novate.valuation import ClearingState
from tests.unit.clearing import START, ClearingHouse


@dataclass(frozen=True, slots=True)
class AboveAverage:
    """What an asset is worth beyond its slow average does not count: a second rule in one class."""

    name: str = "above-average"

    def haircut_bps(self, state: ClearingState, asset: int) -> int:
        price, slow = int(state.assets.price_e8[asset]), int(state.assets.slow_e8[asset])
        return max(10_000 * (price - slow) // price, 0) if price else 0


@dataclass(frozen=True, slots=True)
class Mad:
    name: str = "mad"

    def haircut_bps(self, state: ClearingState, asset: int) -> int:
        return 10_001


PLUGINS = Plugins(haircut_rules=(*CATALOGUE, AboveAverage(), Mad()))


def house_of_plugins(rule: int) -> ClearingHouse:
    house = ClearingHouse()
    house.engine = Engine(MemoryJournal(), State(PLUGINS))
    house.submit(
        command.ADVANCE_TIME.row(instant_ns=START),
        *(command.DECLARE_ASSET.row(symbol=s, decimals=6, haircut_bps=0) for s in ("USDT", "BTC")),
        command.DECLARE_SOURCE.row(symbol="s", asset=1, weight=1),
        set_parameter(Parameter.INDEX_SOURCES_MIN, 1),
        command.SET_HAIRCUT_RULE.row(asset=1, rule=rule),
    )
    return house


@pytest.mark.rule("6.17")
def test_a_rule_of_one_file_says_haircuts_and_recovers_and_is_audited() -> None:
    house = house_of_plugins(1)
    house.price(100)
    assert house.events("HaircutSet") == []

    house.price(125)

    [event] = house.events("HaircutSet", last=True)
    slow = int(house.state.assets.slow_e8[1])
    assert event == {"asset": 1, "haircut_bps": 10_000 * (125 * 10**8 - slow) // (125 * 10**8)}
    assert house.state.assets.collateral_factor[1] == (10_000 - event["haircut_bps"]) / 10_000
    digest = house.engine.snapshot()
    journal = house.engine.journal
    assert recover(journal, from_snapshot=False, plugins=PLUGINS).state.digest() == digest
    assert recover(journal, plugins=PLUGINS).state.copy().haircut_rules == PLUGINS.haircut_rules
    assert audit(journal, plugins=PLUGINS).digest == digest


def test_a_rule_that_leaves_its_range_stops_the_engine() -> None:
    house = house_of_plugins(2)

    with pytest.raises(InvariantError, match="the haircut rule mad stays between 0 and 10000"):
        house.price(100)
