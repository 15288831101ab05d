"""Who pays every call in full and in time is in no default for a call; who pays nothing is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from novate.engine.recover import audit
from novate.kernel.codes import AccountStatus, ShortfallPolicy
from novate.message import command
from novate.message.parameter import Parameter
from tests.tiny_model import PLUGINS
from tests.unit.clearing import COIN, E8, HOUR, MINUTE, ClearingHouse

GRACE = HOUR
SILENCE = 3 * HOUR
"""Longest time for which no source reports: a deadline may wait as long."""


def ready(dice: np.random.Generator) -> ClearingHouse:
    """A, which pays what it is called for, and C, which pays nothing, hold a linear contract, and
    A also an inverse one; the takeover level is zero, so that calls alone decide."""
    house = ClearingHouse(
        plugins=PLUGINS,
        parameters={
            Parameter.CALL_GRACE_NS: GRACE,
            Parameter.TAKEOVER_PPM: 0,
            Parameter.CALL_MINIMUM: int(dice.choice([0, 10, 500])) * COIN,
            Parameter.STALE_HORIZON_NS: int(dice.choice([0, 24])) * HOUR,
        },
    )
    house.list_contract("X", cycle_ns=int(dice.choice([0, HOUR])))
    house.list_contract("Y", form=2, settlement_asset=1, unit=100 * E8, cycle_ns=0)
    for name in ("A", "C"):
        house.open_client(
            name, deposit=200_000 * COIN, shortfall_policy=ShortfallPolicy.CALL_THEN_DEFAULT
        )
        house.deposit(name, 100 * E8, asset=1)
    house.open_client("B", deposit=10**9 * COIN)
    house.deposit("B", 10**6 * E8, asset=1)
    house.price(500)
    for name in ("A", "C"):
        sides = (name, "B") if dice.random() < 0.5 else ("B", name)
        house.trade(*sides, lots=int(dice.integers(100, 4_000)), ticks=500)
    sides = ("A", "B") if dice.random() < 0.5 else ("B", "A")
    house.submit(
        house.trade_run(*sides, lots=int(dice.integers(1, 3_000)), ticks=500, instrument=1),
        allow_refusals=True,
    )
    return house


def pay(house: ClearingHouse, dice: np.random.Generator) -> None:
    """A pays all that it was asked for: in coins as far as they count, the rest in numeraire."""
    x, a = house.state, np.array([house.number("A")])
    if dice.random() < 0.3 and x.obligations.asked(a)[0]:
        house.deposit("A", int(dice.integers(1, 10 * E8)), asset=1)
    left = int(x.obligations.asked(a)[0])
    if left:
        house.deposit("A", left)


def live(house: ClearingHouse, dice: np.random.Generator) -> None:
    """A price, time without one, other terms, or a trade of A."""
    what, now = dice.random(), house.state.now_ns
    later = now + int(dice.integers(1, 50)) * MINUTE
    price = max(int(house.state.assets.price_e8[1] * np.exp(dice.normal(0, 0.04))), E8)
    if what < 0.6:
        house.price(None, at_ns=later, e8={0: price})
    elif what < 0.7:
        house.advance(now + int(dice.integers(1, SILENCE)))
    elif what < 0.8:
        house.submit(command.SET_HAIRCUT.row(asset=1, haircut_bps=int(dice.integers(0, 3_000))))
    else:
        lots, mark = int(dice.integers(1, 500)), int(house.state.marks.mark[0])
        sides = ("A", "B") if dice.random() < 0.5 else ("B", "A")
        house.submit(house.trade_run(*sides, lots=lots, ticks=mark), allow_refusals=True)


@pytest.mark.rule("10.53", "10.58", "10.59")
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_who_pays_each_call_in_time_is_never_in_default_and_who_pays_nothing_is(seed: int) -> None:
    dice = np.random.default_rng(seed)
    house = ready(dice)
    c = house.number("C")
    for _ in range(int(dice.integers(5, 30))):
        live(house, dice)
        pay(house, dice)
        x = house.state
        worth = x.assess(house.number("A")).equity
        failed = [row["account"] for row in house.events("DefaultDeclared")]
        if house.number("A") in failed:
            # Below the takeover level, here 0, nobody has a grace, whatever he paid.
            lost = next(r for r in house.events("DefaultDeclared") if r["account"] != c)
            assert lost["equity"] < 0, worth
            break
        first = [row["deadline_ns"] for row in house.events("MarginCalled") if row["account"] == c]
        if x.accounts.status[c] == AccountStatus.CALLED:
            assert x.now_ns < first[-1] or x.accounts.deadline_ns[c] < 0
            assert x.obligations.asked(np.array([c]))[0] > 0
    assert audit(house.engine.journal, plugins=PLUGINS).digest == house.state.digest()
