from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from novate.adapter.memory_journal import MemoryJournal
from novate.engine.engine import Engine
from novate.engine.plugin import Plugins
from novate.engine.recover import audit, recover
from novate.engine.state import State
from novate.market.price_source import CATALOGUE, Index
from novate.market.source_state import SourceState
from novate.message import command
from tests.unit.clearing import E8, START, ClearingHouse


@dataclass(frozen=True, slots=True)
class Lowest:
    """The lowest report of the last minute: a second method in one class."""

    name: str = "lowest"

    def index(self, state: SourceState, asset: int) -> Index:
        usable = state.sources.usable(asset, state.now_ns, 60 * 10**9)
        prices = [int(state.sources.price_e8[source]) for source in usable]
        return Index(min(prices, default=0), len(prices[:1]), len(prices[1:]))


PLUGINS = Plugins(index_methods=(*CATALOGUE, Lowest()))


@pytest.mark.rule("5.23")
def test_a_method_of_one_file_makes_indices_and_recovers_and_is_audited() -> None:
    house = ClearingHouse()
    house.engine = Engine(MemoryJournal(), State(PLUGINS))
    house.submit(
        command.ADVANCE_TIME.row(instant_ns=START),
        *(command.DECLARE_ASSET.row(symbol=s, decimals=6, haircut_bps=0) for s in ("USDT", "BTC")),
        *(command.DECLARE_SOURCE.row(symbol=f"s{k}", asset=1, weight=1) for k in range(3)),
        command.SET_INDEX_METHOD.row(asset=1, method=len(CATALOGUE)),
    )

    house.price(None, e8={0: 101 * E8, 1: 99 * E8, 2: 103 * E8})

    [index] = house.events("IndexUpdated", last=True)
    assert (index["price_e8"], index["sources"], index["outliers"]) == (99 * E8, 1, 2)
    journal: Any = house.engine.journal
    digest = house.engine.snapshot()
    assert recover(journal, from_snapshot=False, plugins=PLUGINS).state.digest() == digest
    again = recover(journal, plugins=PLUGINS).state
    assert again.index_methods == PLUGINS.index_methods
    assert again.copy().index_methods == PLUGINS.index_methods
    assert audit(journal, plugins=PLUGINS).digest == digest
