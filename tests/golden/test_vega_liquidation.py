"""Liquidator book and disposal schedule against the published scenarios of Vega.

Source: vegaprotocol/vega at commit a50750c, core/integration/features; whole asset units there,
ledger units here, so all comparisons are exact.
"""

from __future__ import annotations

import pytest

from novate.kernel.clearing.value import LINEAR, contract_value
from novate.kernel.codes import AccountStatus
from novate.message.parameter import Parameter
from tests.unit.clearing import SECOND, ClearingHouse


def unrealised(house: ClearingHouse, account: str) -> int:
    """Value at the mark less entry cost."""
    held = house.position(account)
    mark = int(house.state.marks.mark[0])
    return int(contract_value(LINEAR, 1, mark, held["lots"])) - held["entry_cost"]


# verified/network_pnl.feature (0012-POSR-016, 0003-MTMK-015): the liquidator takes 1 long at 100,
# then 2 short at 120, then the mark is 60.  Adapted: its gains reach the pool when it is flat, so
# until then pool and liquidator are compared together.
def test_the_liquidator_realises_on_the_part_that_a_takeover_closes() -> None:
    house = ClearingHouse(parameters={Parameter.TAKEOVER_PPM: 1_000_000})
    house.list_contract(unit=1)
    house.deposit("INSURANCE_FUND", 10_000)
    for name, deposit in (("long", 20), ("short", 20), ("other", 10_000)):
        house.open_client(name, deposit=deposit)

    def book() -> tuple[int, int, int, int]:
        """Position, realised, unrealised, and what pool and liquidator have together."""
        liquidator = house.number("LIQUIDATOR")
        together = house.balance("INSURANCE_FUND") + house.state.assess(liquidator).net
        held = house.position("LIQUIDATOR")
        return held["lots"], held["realised"], unrealised(house, "LIQUIDATOR"), together

    house.price(120)
    house.trade("long", "other", lots=1, ticks=120)
    house.price(100)  # its 20 are exactly lost
    assert house.status("long") == AccountStatus.TAKEN_OVER
    assert book() == (1, 0, 0, 10_000)
    house.fill(1, 0, 0, is_final=True)

    house.trade("other", "short", lots=2, ticks=100)
    house.price(120)  # it owes 40 and has 20; the liquidator's own gain of 20 makes up for it
    assert house.status("short") == AccountStatus.TAKEN_OVER
    assert house.events("LossRecorded") == [
        {"loss": 1, "account": house.number("short"), "amount": 20}
    ]
    assert book() == (-1, 20, 0, 10_000)

    house.price(60)
    assert book() == (-1, 20, 60, 10_060)

    # Flat at the mark, all of it is the pool's.
    house.price(60, at_ns=house.state.now_ns + 60 * SECOND)
    [*_, order] = house.events("OrderPlaced")
    house.fill(order["order"], 1, 60)
    house.assess()
    assert (house.lots("LIQUIDATOR"), house.position("LIQUIDATOR")["realised"]) == (0, 80)
    assert house.balance("INSURANCE_FUND") == 10_060
    assert house.state.assess(house.number("LIQUIDATOR")).net == 0


# liquidation/0012-POSR-013.feature: dispose of 280 by halves every 10 s, all at or below 50 lots.
# Adapted: a slice here is not bounded by 1% of the order book, so the schedule starts at the 180
# lots that Vega's first step, which the book bound to 100, had left.
@pytest.mark.rule("11.5", "11.6")
def test_the_liquidator_disposes_by_halves_and_of_a_small_rest_at_once() -> None:
    house = ClearingHouse(
        parameters={
            Parameter.TAKEOVER_PPM: 1_000_000,
            Parameter.SLICE_PPM: 500_000,
            Parameter.SLICE_INTERVAL_NS: 10 * SECOND,
            Parameter.SLICE_FLOOR: 50 * 150,
        }
    )
    house.list_contract(unit=1)
    house.open_client("distressed", deposit=9_500)
    house.open_client("other", deposit=10**6)
    house.price(200)
    house.trade("distressed", "other", lots=180, ticks=200)
    house.price(150)
    start = house.state.now_ns
    assert (house.lots("LIQUIDATOR"), house.position("LIQUIDATOR")["entry_cost"]) == (180, 27_000)

    steps = []
    while house.lots("LIQUIDATOR"):
        [*_, order] = house.events("OrderPlaced")
        house.fill(order["order"], abs(order["quantity"]), 145)
        seconds = (order["instant_ns"] - start) // SECOND
        held = house.position("LIQUIDATOR")
        buyer = unrealised(house, "EXTERNAL_MARKET")
        steps.append((seconds, -order["quantity"], held["lots"], held["realised"], buyer))
        house.advance(house.state.now_ns + 10 * SECOND)

    assert steps == [
        (0, 90, 90, -950 + 500, 950 - 500),
        (10, 45, 45, -1175 + 500, 1175 - 500),
        (20, 45, 0, -1400 + 500, 1400 - 500),
    ]
