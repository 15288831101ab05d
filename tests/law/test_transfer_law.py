"""Transfers make nothing, lose nothing, and take nothing out of reach."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from novate.engine.recover import audit
from novate.message.parameter import Parameter
from novate.valuation.excess import held_back
from tests.tiny_model import PLUGINS
from tests.unit.clearing import COIN, E8, MINUTE, ClearingHouse
from tests.unit.transfers import move, open_sub, send, split, withdraw

HOLDER = ("A", "A2", "A3")
"""A2 has a margin group of its own; A3 is in that of A, in a netting set of its own."""
ROUNDING = 40
"""Numeraire units: each requirement of each position is rounded up by itself."""


def ready(dice: np.random.Generator) -> ClearingHouse:
    """A linear, an inverse and an at-close contract with one tier each, at 100."""
    house = ClearingHouse(plugins=PLUGINS, parameters={Parameter.LIQUIDATION_COST_PPM: 10_000})
    tiers = ((0, int(dice.integers(20_000, 200_000)), 10_000),)
    house.list_contract("X", unit=int(dice.integers(1, 10**6)), tiers=tiers)
    house.list_contract(
        "Y", form=2, settlement_asset=1, unit=int(dice.integers(10**6, 10**9)), tiers=tiers
    )
    house.list_contract("Z", style=2, cycle_ns=0, unit=int(dice.integers(1, 10**6)), tiers=tiers)
    house.open_client("A", deposit=int(dice.integers(1, 5_000)) * COIN)
    house.open_client("B", deposit=10**9 * COIN)
    open_sub(house, "A2", "A")
    open_sub(house, "A3", "A", group="A")
    for name in (*HOLDER, "B"):
        house.deposit(name, int(dice.integers(1, 10**9)), asset=1)
        house.deposit(name, int(dice.integers(1, 2_000)) * COIN)
    house.price(100)
    return house


def free(house: ClearingHouse) -> int:
    """What the holder could withdraw from both groups, were all of it in the numeraire.

    What debts ask for counts as free: coin that moves to where it is owed meets a debt, and what
    the debt asked for (rule 3.50) is then free.  What the new debt asks for, if coin that moves
    leaves one behind, was free before.
    """
    total = 0
    for name in ("A", "A2"):
        account = house.number(name)
        found = house.state.assess(account)
        held = held_back(house.state, account, found, house.state.marks.mark)
        total += max(found.equity - sum(held), 0)
        total += int(found.debt_initial)
    return total


def sums(house: ClearingHouse) -> list[Any]:
    """Balances, window gains, encumbered, lots and costs over the accounts of the holder."""
    x, numbers = house.state, [house.number(name) for name in HOLDER]
    own = np.isin(x.positions.used("account"), numbers)
    by_contract = [
        x.positions.used(name)[own & (x.positions.used("instrument") == i)].sum()
        for i in range(x.instruments.count)
        for name in ("lots", "entry_cost", "settlement_cost", "realised")
    ]
    cash = x.accounts.balance[numbers].sum(axis=0).tolist()
    gains = [x.accounts.window_gain[numbers].sum(), x.accounts.encumbered[numbers].sum()]
    return [*cash, *gains, *by_contract]


def live(house: ClearingHouse, dice: np.random.Generator) -> None:
    """Something that is no transfer: a trade, a price.

    No order, and no common netting set: lots that move to where they offset others do free margin.
    """
    account, i = str(dice.choice(HOLDER)), int(dice.integers(3))
    mark = int(house.state.marks.mark[i])
    lots, ticks = int(10 ** dice.uniform(0, 5)), max(int(mark * dice.uniform(0.95, 1.05)), 1)
    what = dice.random()
    if what < 0.55:
        sides = (account, "B") if dice.random() < 0.5 else ("B", account)
        run = house.trade_run(*sides, lots=lots, ticks=ticks, instrument=i)
        house.submit(run, allow_refusals=True)
    else:
        later = house.state.now_ns + int(dice.integers(1, 90)) * MINUTE
        price = house.state.assets.price_e8[1] * float(np.exp(dice.normal(0, 0.05)))
        house.price(None, at_ns=later, e8={0: max(int(price), E8)})


def transfer(house: ClearingHouse, dice: np.random.Generator) -> list[Any]:
    """Try a transfer of any size between any two accounts; returns the refusals."""
    sender, receiver = (str(name) for name in dice.choice(HOLDER, 2, replace=False))
    if dice.random() < 0.5:
        asset = int(dice.integers(2))
        amount = int(house.balance(sender, asset) * dice.choice([0.1, 0.5, 0.9, 1.0]))
        return send(house, sender, receiver, amount, asset)  # type: ignore[no-any-return]
    held = [i for i in range(3) if house.lots(sender, i)]
    i = int(dice.choice(held)) if held else 0
    lots = int(house.lots(sender, i) * dice.choice([0.3, 0.7, 1.0, 1.0]))
    return move(house, sender, receiver, lots, i)  # type: ignore[no-any-return]


@pytest.mark.rule("6.55", "6.56", "7.43", "7.48")
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_transfers_keep_all_sums_and_free_nothing_that_was_held_back(seed: int) -> None:
    dice = np.random.default_rng(seed)
    house = ready(dice)
    for _ in range(25):
        live(house, dice)
        for _ in range(3):
            before, had, digest = sums(house), free(house), house.state.digest()
            refused = transfer(house, dice)
            assert sums(house) == before
            assert free(house) <= had + ROUNDING
            assert not refused or house.state.digest() == digest
    house.state.require_sound()


@pytest.mark.rule("6.58")
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_a_holder_that_moves_and_leaves_takes_out_no_more_than_was_free(seed: int) -> None:
    dice = np.random.default_rng(seed)
    house = ready(dice)
    for _ in range(20):
        live(house, dice)
    had, paid = free(house), 0
    for _ in range(12):
        transfer(house, dice)
    split(house, "A3")
    for name in HOLDER:
        amount = house.balance(name)
        while amount > 0:
            if not withdraw(house, name, amount):
                paid += amount
            amount //= 2

    assert paid <= had + ROUNDING
    assert audit(house.engine.journal, plugins=PLUGINS).digest == house.state.digest()
