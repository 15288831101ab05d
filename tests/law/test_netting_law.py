"""Laws of netting: trades spread over accounts of one set are trades of one account.

In a set of their own the same positions ask for no less, as far as their margin is not progressive.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from novate.kernel.clearing.value import INVERSE
from novate.kernel.codes import AccountStatus, Style
from novate.message import command
from novate.message.parameter import Parameter
from novate.valuation import Assessment
from tests.unit.clearing import COIN, HOUR, START, ClearingHouse

PROGRESSIVE = (
    (0, 60_000, 20_000),
    (2_000 * COIN, 100_000, 50_000),
    (9_000 * COIN, 250_000, 80_000),
)
ONE_TIER = ((0, 60_000, 20_000),)
OPTION = 3
"""First option, after a linear contract, one settled at close and an inverse one."""
MARK = 100
EXPIRY = START + 40 * HOUR
ALONE, SPREAD = range(2)


def ready(
    *, tiers: Any = PROGRESSIVE, parts: int = 2, is_netted: bool = True, deposit: int = 3_000,
    **terms: int,
) -> ClearingHouse:  # fmt: skip
    """A house of five contracts, and a holder with one account A or several: A, A1, …"""
    # Interest is charged on the balance of each account (rule 8.32), not on that of a group.
    house = ClearingHouse(assets=(("BTC", 8, 500),), parameters={Parameter.DEBT_INTEREST_PPM: 0})
    wide: dict[str, Any] = {"ticks_max": 10**4, "lots_max": 10**6, "tiers": tiers, **terms}
    wide |= {"taker_fee_ppm": 300, "maker_fee_ppm": -100}
    house.list_contract("X", **wide)
    house.list_contract("Y", style=int(Style.AT_CLOSE), **(wide | {"cycle_ns": 0}))
    house.list_contract("Z", form=INVERSE, settlement_asset=1, unit=10**7 + 1, **wide)
    option = {"lots_max": 10**6, "taker_fee_ppm": 300, "maker_fee_ppm": 0, "expiry_ns": EXPIRY}
    house.list_option("C", unit=COIN // 100 + 7, **option)
    coin = {"settlement_asset": 1, "tick_e8": 10**4, "ticks_max": 50_000, "unit": 10**4 + 3}
    house.list_option("D", side=-1, **option, **coin)
    house.open_client("A", deposit=deposit * COIN)
    house.deposit("A", 10**8, asset=1)
    house.open_client("B", deposit=10**8 * COIN)
    house.deposit("B", 10**13, asset=1)
    for k in range(1, parts):
        a = house.number("A")
        row = {"reference": f"A{k}", "account": a, "mode": 1, "group": a}
        house.submit(command.OPEN_SUB_ACCOUNT.row(**row, netting_set=a if is_netted else -1))
    house.price(MARK)
    house.smile(0.8, EXPIRY)
    house.price(MARK)
    return house


def trade(house: ClearingHouse, account: str, i: int, lots: int, shift: float) -> list[Any]:
    """One trade of an account with B near the mark; what refused it, if anything."""
    mark = int(house.state.marks.mark[i])
    ticks = max(int(mark * (1 + shift)), mark if i >= OPTION else 1, 1)
    sides = (account, "B") if lots > 0 else ("B", account)
    run = house.trade_run(*sides, lots=abs(lots), ticks=ticks, instrument=i)
    house.submit(run, allow_refusals=True)
    rows = house.events("CommandRefused", last=True)
    return [(row["code"], row["actual"], row["allowed"]) for row in rows]


def without_gain(found: Assessment) -> Assessment:
    """An assessment but for what is unsettled: who closes is paid at once, who hedges is not."""
    return found._replace(gain=0)


def without_debts(found: Assessment) -> tuple[int, int]:
    """Initial and maintenance margin but for what debts ask for."""
    return found.initial - found.debt_initial, found.maintenance - found.debt_maintenance


def days(houses: list[ClearingHouse], dice: np.random.Generator, parts: int) -> Iterator[str]:
    """Trade, reserve and move prices in several houses alike; yields what was done."""
    price = float(MARK)
    for _ in range(25):
        at = houses[0].state.now_ns + int(dice.integers(1, 40)) * HOUR // 20
        price *= float(np.exp(dice.normal(0, 0.01)))
        for house in houses:
            house.price(None, at_ns=at, e8={0: int(price * 10**8)})
            if at < EXPIRY:
                house.smile(0.8, EXPIRY)
        yield "priced"
        for _ in range(4):
            i = int(dice.integers(5))
            lots = int(10 ** dice.uniform(0, 2.6)) * int(dice.choice([-1, 1]))
            name = ["A", *(f"A{k}" for k in range(1, parts))][int(dice.integers(parts))]
            shift = float(dice.normal(0, 0.002))
            if at >= EXPIRY and i >= OPTION:
                continue
            answers = [
                trade(house, "A" if house is houses[ALONE] else name, i, lots, shift)
                for house in houses
            ]
            assert answers[ALONE] == answers[SPREAD]
            yield "refused" if answers[ALONE] else "traded"


@pytest.mark.rule("6.35", "6.36", "6.38")
@settings(max_examples=12)
@given(st.integers(0, 2**32), st.integers(2, 4))
def test_trades_over_accounts_of_one_set_are_those_of_one_account(seed: int, parts: int) -> None:
    dice = np.random.default_rng(seed)
    houses = [ready(parts=1, funding_ns=0), ready(parts=parts, funding_ns=0)]
    done = []
    for what in days(houses, dice, parts):
        done.append(what)
        if houses[ALONE].state.now_ns >= EXPIRY:
            break
        assert houses[ALONE].status("A") == houses[SPREAD].status("A")
        if houses[ALONE].status("A") != AccountStatus.OPEN:
            break
        alone, spread = (house.state.assess(house.number("A")) for house in houses)
        assert without_gain(alone) == without_gain(spread)
    assert "traded" in done


@pytest.mark.rule("6.35", "8.7", "9.41")
@settings(max_examples=12)
@given(st.integers(0, 2**32), st.integers(2, 4))
def test_funding_and_the_end_of_contracts_round_each_account_by_itself(
    seed: int, parts: int
) -> None:
    """The bound: a unit of the settlement asset for each account, funding and inverse expiry.

    Trades, cycles and the expiry of linear contracts and options round nothing away.  A debt in
    coin, and what it asks for, is within the same bound; all other margin is equal.
    """
    dice = np.random.default_rng(seed)
    terms = {"funding_ns": HOUR, "interest_e9": 90_001, "funding_cap_e9": 10**6}
    terms |= {"funding_damper_e9": 10**6, "expiry_ns": START + 20 * HOUR}
    houses = [ready(parts=k, deposit=10**6, **terms) for k in (1, parts)]
    for _ in days(houses, dice, parts):
        alone, spread = (house.state.assess(house.number("A")) for house in houses)
        ended = houses[ALONE].events("FundingSettled") + houses[ALONE].events("ContractExpired")
        unit = max(float(houses[ALONE].state.assets.unit_price[1]), 1.0)
        bound = parts * len(ended) * (unit + 1) + 2
        assert abs(alone.equity - spread.equity) <= bound
        assert abs(alone.net - spread.net) <= bound
        assert abs(alone.debt_initial - spread.debt_initial) <= bound
        assert abs(alone.debt_maintenance - spread.debt_maintenance) <= bound
        assert without_debts(alone) == without_debts(spread)
    assert houses[SPREAD].events("FundingSettled")


@pytest.mark.rule("6.35")
@settings(max_examples=40)
@given(st.integers(0, 2**32), st.booleans())
def test_positions_in_sets_of_their_own_ask_for_no_less(seed: int, is_hedge: bool) -> None:
    """Opposite positions whatever the tiers; those of one side if their rate does not rise.

    Tiers are progressive: two sets of half a position each would ask less than one.  Values of
    inverse contracts are rounded, each by half a coin unit at most, here half a numeraire unit.
    """
    dice = np.random.default_rng(seed)
    tiers = PROGRESSIVE if is_hedge else ONE_TIER
    netted, apart = (
        ready(tiers=tiers, deposit=10**6, is_netted=is_netted) for is_netted in (True, False)
    )
    for i in range(5):
        sign = int(dice.choice([-1, 1]))
        for name in ("A", "A1"):
            lots = sign * int(10 ** dice.uniform(0, 3))
            sign *= -1 if is_hedge else 1
            for house in (netted, apart):
                assert trade(house, name, i, lots, 0.0) == []
    one, two = (house.state.assess(house.number("A")) for house in (netted, apart))
    assert max(abs(one.equity - two.equity), abs(one.net - two.net)) <= 2
    slack = 0 if is_hedge else 1
    assert two.initial >= one.initial - slack
    assert two.maintenance >= one.maintenance - slack
    assert not is_hedge or two.initial > one.initial
