from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from novate.engine.recover import audit, recover
from novate.kernel.codes import AccountStatus
from novate.margin.tier_table import (
    apply_tiers_replaced,
    decide_enact_tiers,
    decide_replace_tiers,
    tables_of,
    tier_version,
)
from novate.message import command
from novate.message.refusal import EngineCommandRefusal
from novate.message.refusal import ReplaceTiersRefusal as No
from tests.unit.clearing import COIN, HOUR, START, ClearingHouse, Recorder

NAMES = ("instrument", "floor", "initial_ppm", "maintenance_ppm", "effective_ns")
Tiers = tuple[tuple[int, int, int, int, int], ...]


def columns(*rows: tuple[int, int, int, int, int]) -> dict[str, Any]:
    return {
        name: np.array([row[k] for row in rows], np.uint32 if name == "instrument" else np.int64)
        for k, name in enumerate(NAMES)
    }


def trading_house() -> ClearingHouse:
    """A long and a short of 100 lots at 500: notional 50,000."""
    house = ClearingHouse()
    house.list_contract(tiers=((0, 100_000, 50_000), (10_000 * COIN, 200_000, 100_000)))
    for name in ("A", "B"):
        house.open_client(name, deposit=20_000 * COIN)
    house.price(500)
    house.trade("A", "B", lots=100, ticks=500)
    return house


@pytest.mark.rule("3.27")
def test_a_table_begins_with_floor_zero_another_instrument_or_another_instant() -> None:
    rows = columns(
        (0, 0, 1, 1, 0), (0, 5, 1, 1, 0), (0, 0, 1, 1, 0), (1, 7, 1, 1, 0), (1, 8, 1, 1, 9)
    )

    found = [(table.start, table.stop) for table in tables_of(rows)]

    assert found == [(0, 2), (2, 3), (3, 4), (4, 5)]
    assert list(tables_of(columns())) == []


@pytest.mark.rule("3.27")
def test_a_whole_table_takes_the_place_of_the_present_one() -> None:
    house = trading_house()
    before = tier_version(house.state.instruments, 0)
    margin = house.state.assess(house.number("A"))

    house.submit(command.REPLACE_TIERS.run(columns((0, 0, 200_000, 150_000, 0))))

    i = house.state.instruments
    assert i.tier_count[0] == 1
    assert i.tier_floor[0].tolist() == [0.0] + [np.inf] * 15
    assert i.maintenance_rate[0].tolist() == [0.15] + [0.0] * 15
    [event] = house.events("TiersReplaced", last=True)
    assert event["replaced"] == before
    assert event["table"] == tier_version(i, 0) != before
    after = house.state.assess(house.number("A"))
    assert margin.maintenance == 50_000 * COIN // 10 - 500 * COIN  # the deduction of the upper tier
    assert after.maintenance == 7_500 * COIN


@pytest.mark.rule("3.8", "3.27")
def test_a_replaced_table_has_the_deductions_of_tiers_set_one_by_one() -> None:
    replaced, listed = trading_house(), trading_house()
    rows = ((0, 0, 60_000, 30_000, 0), (0, 7_000 * COIN, 90_000, 50_000, 0))
    replaced.submit(command.REPLACE_TIERS.run(columns(*rows)))
    listed.list_contract("Y", tiers=tuple(row[1:4] for row in rows))

    for name in ("tier_floor", "initial_rate", "initial_deduction", "maintenance_deduction"):
        column = getattr(replaced.state.instruments, name)[0]
        assert column.tolist() == getattr(listed.state.instruments, name)[1].tolist(), name
    one, other = (
        tier_version(replaced.state.instruments, 0),
        tier_version(listed.state.instruments, 1),
    )
    assert one == other


@pytest.mark.rule("3.27", "15.17")
@pytest.mark.parametrize(
    ("rows", "code"),
    [
        (((9, 5, 0, 0, 1),), No.UNKNOWN_INSTRUMENT),
        (tuple((0, k, 100_000, 50_000, 0) for k in range(17)), No.TOO_MANY_TIERS),
        (((0, 5, 100_000, 50_000, 0),), No.FLOOR_NOT_ASCENDING),
        (((0, 0, 100_000, 50_000, 0), (0, 5, 10**7, 50_000, 0)), No.RATE_OUT_OF_RANGE),
        (((0, 0, 100_000, 50_000, 0), (0, 5, 100_000, 49_999, 0)), No.RATE_FALLING),
        (((0, 0, 50_000, 50_000, 0),), No.INITIAL_BELOW_MAINTENANCE),
        (((1, 0, 100_000, 50_000, START),), No.OPTION_HAS_RULE),
        (((0, 0, 100_000, 50_000, START),), No.INSTANT_OUT_OF_RANGE),
        (((0, 0, 100_000, 50_000, -1),), No.INSTANT_OUT_OF_RANGE),
    ],
)
def test_a_malformed_table_is_refused_as_a_whole_and_another_is_not(rows: Tiers, code: No) -> None:
    house = ClearingHouse()
    house.list_contract()
    house.list_option()
    emitted = Recorder()
    good = (0, 0, 300_000, 200_000, 0)

    refused = decide_replace_tiers(house.state, columns(*rows, good), emitted)

    assert [(row, refusal.code) for row, refusal in refused] == [(0, code)]
    assert emitted.names == ["TiersReplaced"]


@pytest.mark.rule("3.28", "14.2", "14.3")
def test_a_dated_table_waits_and_who_breaches_under_it_is_liquidated() -> None:
    house = trading_house()
    at = START + HOUR
    for maintenance in (300_000, 450_000):  # the second takes the place of the first
        house.submit(
            command.REPLACE_TIERS.run(
                columns((0, 0, 400_000, 200_000, at), (0, COIN, 500_000, maintenance, at))
            )
        )
    assert house.state.tier_changes.used("tier").tolist() == [0, 1]
    house.engine.snapshot()
    assert recover(house.engine.journal).state.digest() == house.state.digest()

    house.price(500, at_ns=at)

    assert house.state.tier_changes.count == 0
    assert [row["tier"] for row in house.events("TiersReplaced", last=True)] == [0, 1]
    assert house.status("A") == AccountStatus.LIQUIDATING
    [started] = [r for r in house.events("LiquidationStarted") if r["account"] == house.number("A")]
    assert started["requirement"] > 20_000 * COIN
    assert audit(house.engine.journal).digest == house.state.digest()
    assert recover(house.engine.journal, from_snapshot=False).state.digest() == house.state.digest()


def test_a_table_that_does_not_wait_or_is_not_due_is_not_put_in_place() -> None:
    house = trading_house()
    house.submit(command.REPLACE_TIERS.run(columns((0, 0, 200_000, 150_000, START + HOUR))))
    row = {"instrument": 0, "effective_ns": START + HOUR}

    gone = decide_enact_tiers(house.state, {**row, "instrument": 1}, Recorder())
    early = decide_enact_tiers(house.state, row, Recorder())

    assert gone is not None
    assert gone.code == EngineCommandRefusal.UNKNOWN_SUBJECT
    assert early == (EngineCommandRefusal.NOT_DUE, house.state.now_ns, START + HOUR)


def test_a_table_at_once_leaves_what_waits() -> None:
    house = trading_house()
    later = columns((0, 0, 200_000, 150_000, START + HOUR))
    house.submit(command.REPLACE_TIERS.run(later))
    house.submit(command.REPLACE_TIERS.run(columns((0, 0, 300_000, 150_000, 0))))

    assert house.state.tier_changes.count == 1
    x = house.state.copy()
    [event] = house.events("TiersReplaced", last=True)
    apply_tiers_replaced(x, {name: np.array([value]) for name, value in event.items()})
    assert x.tier_changes.count == 1
