"""A takeover takes debts and a declared charge, and never pays out more than net."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from novate.kernel.clearing.value import INVERSE
from novate.kernel.codes import AccountStatus
from novate.message import command
from novate.message.parameter import Parameter
from tests.unit.clearing import COIN, E8, HOUR, START, ClearingHouse

MARK = 100
SLACK = 5_000
"""Numeraire units that rounding may move: a unit of a coin is worth one, a lot of a call's mark
a little more."""


def failing(dice: np.random.Generator) -> ClearingHouse:
    """A holds a bit of everything, perhaps in two accounts, and its prices are about to move."""
    haircuts = [int(dice.choice([0, 500, 5_000, 10_000])) for _ in range(3)]
    house = ClearingHouse(
        assets=tuple(zip(("BTC", "ALT", "OLD"), (8, 8, 8), haircuts, strict=True)),
        parameters={
            Parameter.CLOSE_OUT_CHARGE_PPM: int(dice.choice([0, 5_000, 100_000])),
            Parameter.CONVERSION_CHARGE_PPM: int(dice.choice([0, 200_000, 1_000_000])),
            Parameter.INDEX_STALENESS_NS: HOUR,
            Parameter.TAKEOVER_PPM: 1_000_000,
        },
    )  # fmt: skip
    terms: dict[str, Any] = {"cycle_ns": 0, "ticks_max": 10**6}
    house.list_contract("X", **terms)
    house.list_contract("Y", form=INVERSE, settlement_asset=1, unit=10 * E8, **terms)
    house.list_option("C")
    house.list_option("D", settlement_asset=1, tick_e8=10**4, unit=10**4, ticks_max=50_000)
    house.open_client("A")
    house.open_client("B")
    for name, size in (("A", 1), ("B", 1_000)):
        for asset, unit in ((0, COIN), (1, E8 // 100), (2, E8), (3, E8)):
            if name == "B" or dice.random() < 0.7:
                house.deposit(name, int(dice.integers(1, 2_000)) * size * unit, asset=asset)
    if dice.random() < 0.5:
        a = house.number("A")
        netting_set = a if dice.random() < 0.5 else -1
        row = {"reference": "A2", "account": a, "mode": 1, "group": a}
        house.submit(command.OPEN_SUB_ACCOUNT.row(**row, netting_set=netting_set))
    house.price(MARK, e8={1: E8, 2: E8})
    house.smile(0.8)
    house.price(MARK, e8={1: E8, 2: E8})
    owners = [name for name in ("A", "A2") if name in house.state.accounts.number]
    for _ in range(8):
        instrument, owner = int(dice.integers(4)), str(dice.choice(owners))
        lots = int(10 ** dice.uniform(0, 2.5))
        sides = (owner, "B") if dice.random() < 0.6 else ("B", owner)
        ticks = int(house.state.marks.mark[instrument])
        run = house.trade_run(*sides, lots=lots, ticks=ticks, instrument=instrument)
        house.submit(run, allow_refusals=True)
    return house


def worth(house: ClearingHouse, name: str) -> int:
    return house.state.assess(house.number(name)).net


@pytest.mark.rule("12.4", "12.20", "12.22", "12.23", "12.24", "12.25")
@settings(max_examples=60)
@given(st.integers(0, 2**32))
def test_kept_worth_and_charge_make_up_net_and_no_more(seed: int) -> None:
    dice = np.random.default_rng(seed)
    house = failing(dice)
    a = house.number("A")
    house.state.accounts.status[list(house.state.group_accounts(a))] = AccountStatus.LIQUIDATING
    house.state.parameters[Parameter.RELEASE_PPM] = 10_000_000
    before = worth(house, "LIQUIDATOR")
    other = {1: E8} if dice.random() < 0.3 else {1: E8, 2: E8}  # one index may be stale
    moved = int(MARK * float(np.exp(dice.normal(0.0, 0.4)))) or 1
    house.price(moved, e8=other, at_ns=START + 2 * HOUR)

    taken = house.events("AccountTakenOver")
    if not taken:
        return
    [row] = taken
    net, kept = row["equity"], row["kept"]
    balance = house.state.accounts.balance[list(house.state.group_accounts(a))]
    assert (balance >= 0).all()
    assert -SLACK <= kept <= max(net, 0) + SLACK
    if net <= 0:
        assert not balance.any()
        assert kept == 0
        losses = [loss["amount"] for loss in house.events("LossRecorded")]
        assert losses[: net < 0] == [-net] * (net < 0)
        return
    gained = house.events("LossAllocated") + house.events("OrderFilled")
    if not gained:  # the liquidator is better off by what its owner lost
        assert abs(worth(house, "LIQUIDATOR") - before - (net - kept)) <= SLACK
    # What was taken counts for less by a share of its haircut; an option has one of 100%.
    share = row["conversion_ppm"] / 10**6
    assets = house.state.assets
    liquidator = house.state.accounts.balance[house.number("LIQUIDATOR")]
    discounts = [
        float(assets.unit_price[k]) * int(assets.haircut_bps[k]) / 10**4 for k in (1, 2, 3)
    ]
    conversion = sum(
        max(int(liquidator[k]), 0) * discount for k, discount in enumerate(discounts, start=1)
    )
    options = sum(
        max(house.lots("LIQUIDATOR", i), 0)
        * int(house.state.instruments.unit[i])
        * int(house.state.marks.mark[i])
        * float(assets.unit_price[house.state.instruments.settlement_asset[i]])
        for i in (2, 3)
    )
    asked = row["charge"] + share * (conversion + options)
    # A lot of a call is the smallest part of it.
    lot = 2 * max(int(m) * 10**4 for m in house.state.marks.mark[2:4])
    assert kept >= net - asked - lot - SLACK
