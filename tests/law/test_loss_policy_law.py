"""Laws of loss policies: whatever the layers of a waterfall, a loss is borne to the last unit.

A drawn house has funds of several members, winners and losers of one contract, a liquidator with a
position, and losses of drawn sizes on their way.  Each law is held for every last layer of the
catalogue, and for orders of the prefunded ones.
"""

from __future__ import annotations

import functools
from collections import Counter
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.default_management.loss.policy import LastLayer, Prefunded
from novate.default_management.outbox import book_between
from novate.default_management.waterfall import PLACES, decide_allocate_losses
from novate.engine.decide import Events
from novate.engine.state import State
from novate.kernel.clearing.assess import EQUITY, MAINTENANCE
from novate.kernel.clearing.columns import I64
from novate.kernel.codes import Layer, Role
from novate.message import command, event
from novate.message.declare import rows_of
from tests.law.strategies import seeds
from tests.law.test_engine_laws import few
from tests.tiny_loss_policy import POLICIES, EquityShare
from tests.tiny_model import PLUGINS
from tests.unit.clearing import COIN, ClearingHouse
from tests.unit.kernel.share import share_pro_rata

LAST = tuple(policy.terms.number for policy in POLICIES if isinstance(policy, LastLayer))
ORDERS = ((1, 2, 3, 4), (1, 3, 2, 4), (1, 2, 9, 4), (1, 2, 4, 9))
MEMBERS = 4

orders = st.sampled_from(ORDERS)
last_layers = pytest.mark.parametrize("last", LAST)


@functools.cache
def drawn_house(seed: int) -> ClearingHouse:
    """Members with funds, traders on both sides, a fall or a rise, and losses that wait."""
    dice = np.random.default_rng(seed)
    house = ClearingHouse(member="unused", plugins=PLUGINS)
    for member in range(MEMBERS):
        house.open_member(f"M{member}", default_fund=int(dice.integers(1, 300 * COIN)))
    for fund in ("INSURANCE_FUND", "SKIN_IN_THE_GAME"):
        house.deposit(fund, int(dice.integers(1, 300 * COIN)))
    house.list_contract()
    house.price(500)
    for k in range(8):
        house.open_client(f"C{k}", deposit=int(dice.integers(9_000, 20_000)) * COIN + k,
                          member=f"M{k % MEMBERS}")  # fmt: skip
    for k in range(4):
        house.trade(f"C{k}", f"C{7 - k}", lots=int(dice.integers(1, 60)), ticks=500)
    house.price(int(dice.integers(450, 550)))
    x = house.state
    market, liquidator = (x.single(r) for r in (Role.EXTERNAL_MARKET, Role.LIQUIDATOR))
    lots, mark = int(dice.choice([-1, 1]) * dice.integers(1, 90)), int(x.marks.mark[0])
    book_between(x, liquidator, market, 0, mark, lots, lots * mark * COIN)
    count = int(dice.integers(1, 6))
    failed = [*range(house.number("C0"), house.number("C7") + 1), liquidator]
    Events(x).columns(
        event.LOSS_RECORDED,
        loss=1 + np.arange(count),
        account=dice.choice(failed, count),
        amount=dice.integers(1, int(dice.choice([50, 3_000, 90_000])) * COIN, count),
    )
    return house


class Borne(NamedTuple):
    """Losses after the waterfall: the state, its events in order, and assessments before."""

    state: State
    events: list[tuple[str, dict[str, Any]]]
    before: State
    numbers: I64


def allocated(seed: int, order: tuple[int, ...], last: int, *, one_by_one: bool = False) -> Borne:
    """Take the losses of a house through a waterfall, all at once or one by one."""
    x = drawn_house(seed).state.copy()
    x.defaults.waterfall[:] = (*order, last)
    before, numbers = x.copy(), x.assess_all()
    events = Events(x)
    losses = x.defaults.losses.number[x.defaults.losses.live()]
    for some in np.split(losses, losses.size) if one_by_one else (losses,):
        assert decide_allocate_losses(x, {"loss": some}, events) == []
    events.flush()
    told = [(run.name, row) for run in events.runs for row in rows_of(run)]
    return Borne(x, told, before, numbers)


def rows(borne: Borne, name: str = "LossAllocated") -> list[dict[str, Any]]:
    return [row for told, row in borne.events if told == name]


@pytest.mark.rule("13.3", "13.18")
@last_layers
@few
@given(seeds, orders)
def test_what_is_paid_and_what_is_uncovered_are_the_loss(
    last: int, seed: int, order: tuple[int, ...]
) -> None:
    borne = allocated(seed, order, last)
    told: Counter[int] = Counter()
    for name in ("LossAllocated", "GainsCut", "PositionDeleveraged"):
        for row in rows(borne, name):
            assert row["amount"] > 0 or name == "PositionDeleveraged"
            told[row["loss"]] += row["amount"]
    x = borne.before.defaults.losses
    live = x.live()
    assert dict(told) == dict(zip(x.number[live].tolist(), x.amount[live].tolist(), strict=True))
    uncovered = sum(r["amount"] for r in rows(borne) if r["layer"] == Layer.UNCOVERED)
    assert borne.state.defaults.uncovered == uncovered
    assert [row["loss"] for row in rows(borne, "LossClosed")] == x.number[live].tolist()
    borne.state.require_sound()


@pytest.mark.rule("13.7", "13.9", "13.14", "13.21")
@last_layers
@few
@given(seeds, orders)
def test_nobody_pays_more_than_it_has_and_maintenance_margin_is_spared(
    last: int, seed: int, order: tuple[int, ...]
) -> None:
    borne = allocated(seed, order, last)
    x, after = borne.state, borne.state.assess_all()
    funds = np.concatenate([p.payers(borne.before) for p in POLICIES if isinstance(p, Prefunded)])
    assert (x.accounts.balance[funds, 0] >= 0).all()
    standing = np.flatnonzero(x.margin_groups())
    lost = after[standing, EQUITY] < borne.numbers[standing, EQUITY]
    payers = standing[lost]
    assert (after[payers, EQUITY] >= after[payers, MAINTENANCE]).all()


@pytest.mark.rule("13.3", "14.4")
@last_layers
@few
@given(seeds, orders)
def test_losses_are_taken_in_their_order_as_if_each_came_alone(
    last: int, seed: int, order: tuple[int, ...]
) -> None:
    together = allocated(seed, order, last)
    apart = allocated(seed, order, last, one_by_one=True)
    assert together.state.digest() == apart.state.digest()
    for name in ("LossAllocated", "GainsCut", "PositionDeleveraged"):
        assert rows(together, name) == rows(apart, name)


@pytest.mark.rule("13.20")
@last_layers
@few
@given(seeds, orders)
def test_a_layer_pays_only_when_those_before_it_are_empty(
    last: int, seed: int, order: tuple[int, ...]
) -> None:
    borne = allocated(seed, order, last)
    place = {layer: k for k, layer in enumerate((*order, last, int(Layer.UNCOVERED)))}
    loss_layers: dict[int, list[int]] = {}
    for row in rows(borne):
        loss_layers.setdefault(row["loss"], []).append(place[row["layer"]])
    for layers in loss_layers.values():
        assert layers == sorted(layers)
    x = borne.before.accounts.balance[:, 0].copy()
    house_pays = {Layer.INSURANCE_FUND: Role.INSURANCE_FUND,
                  Layer.SKIN_IN_THE_GAME: Role.SKIN_IN_THE_GAME}  # fmt: skip
    for row in rows(borne):
        x[row["payer"]] -= row["amount"]
        for layer in order[: place[row["layer"]]]:
            if layer in house_pays:
                assert x[borne.before.single(house_pays[Layer(layer)])] == 0


@pytest.mark.rule("1.7", "13.7", "13.21")
@few
@given(seeds, orders)
def test_a_shared_layer_takes_pro_rata_to_the_last_unit(seed: int, order: tuple[int, ...]) -> None:
    borne = allocated(seed, order, EquityShare.terms.number)
    x = borne.before.copy()
    losses = x.defaults.losses
    asked = dict(zip(losses.number.tolist(), losses.amount.tolist(), strict=True))
    for loss in sorted({row["loss"] for row in rows(borne)}):
        mine = [row for row in rows(borne) if row["loss"] == loss]
        shared = [row for row in mine if row["layer"] == EquityShare.terms.number]
        funded = sum(r["amount"] for r in mine if r["layer"] in order)
        spare = EquityShare().bearable(x, x.assess_all())
        rest = min(asked[loss] - funded, int(spare.sum()))
        expected = share_pro_rata(rest, spare.tolist())
        found = np.zeros(spare.size, np.int64)
        for row in shared:
            found[row["payer"]] = row["amount"]
        assert found.tolist() == expected
        x.accounts.balance[: spare.size, 0] -= found


def test_a_recorded_waterfall_of_every_last_layer_is_accepted() -> None:
    for last in LAST:
        house = ClearingHouse(plugins=PLUGINS)
        row = dict(zip(PLACES, (1, 2, 9, 4, last), strict=True))
        house.submit(command.DECLARE_WATERFALL.row(**row))
        assert house.state.last_layer().terms.number == last
