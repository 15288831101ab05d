from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from novate.book.ledger import transfer
from novate.default_management.loss import CATALOGUE, by_number
from novate.default_management.loss.policy import (
    Bearer,
    Borne,
    LastLayer,
    LayerTerms,
    Place,
    Prefunded,
)
from novate.default_management.policy_state import PolicyState
from novate.default_management.state import DefaultState
from novate.default_management.waterfall import (
    PLACES,
    decide_allocate_losses,
    decide_declare_waterfall,
)
from novate.engine.plugin import PLUGINS, Plugins
from novate.errors import InvariantError
from novate.kernel.clearing.columns import I64
from novate.kernel.codes import Layer, Role
from novate.message import command
from novate.message.declare import Emit
from novate.message.refusal import DeclareWaterfallRefusal, EngineCommandRefusal
from tests.tiny_loss_policy import POLICIES
from tests.unit.clearing import COIN, ClearingHouse, Recorder, decide_one


def house_with_loss(
    *,
    own: int = 0,
    insurance: int = 0,
    skin: int = 0,
    others: tuple[int, ...] = (),
    winner: str = "B",
    order: tuple[int, ...] = (1, 2, 3, 4, 5),
    plugins: Plugins = PLUGINS,
) -> ClearingHouse:
    """A fails with 500 numeraire short; the funds hold these amounts, in ledger units.

    B, the winner of 6,000, is a client of the same member.
    """
    house = ClearingHouse(member="unused", plugins=plugins)
    house.open_member("M", default_fund=own)
    for number, amount in enumerate(others):
        house.open_member(f"N{number}", default_fund=amount)
    for account, amount in (("INSURANCE_FUND", insurance), ("SKIN_IN_THE_GAME", skin)):
        if amount:
            house.deposit(account, amount)
    if order != (1, 2, 3, 4, 5):
        house.submit(command.DECLARE_WATERFALL.row(**dict(zip(PLACES, order, strict=True))))
    house.list_contract()
    house.open_client("A", deposit=5_500 * COIN, member="M")
    house.open_client("B", deposit=20_000 * COIN, member="M")
    house.price(500)
    house.trade("A", winner, lots=100, ticks=500)
    house.price(440)
    return house


def paid(house: ClearingHouse) -> list[tuple[Layer, str, int]]:
    """Who paid what, in order."""
    names = house.state.accounts.references
    return [
        (Layer(row["layer"]), names[row["payer"]], row["amount"])
        for row in house.events("LossAllocated")
    ]


@pytest.mark.rule("13.1", "13.3", "13.4", "13.6", "13.7", "13.8")
def test_layers_pay_in_the_declared_order_until_the_loss_is_borne() -> None:
    house = house_with_loss(
        own=100 * COIN, insurance=50 * COIN, skin=70 * COIN, others=(300 * COIN, 200 * COIN)
    )

    assert paid(house) == [
        (Layer.OWN_CONTRIBUTION, "M-fund", 100 * COIN),
        (Layer.INSURANCE_FUND, "INSURANCE_FUND", 50 * COIN),
        (Layer.SKIN_IN_THE_GAME, "SKIN_IN_THE_GAME", 70 * COIN),
        (Layer.DEFAULT_FUND, "N0-fund", 168 * COIN),  # 3/5 of the 280 that are left
        (Layer.DEFAULT_FUND, "N1-fund", 112 * COIN),
    ]
    assert house.balance("LIQUIDATOR") == 0
    assert house.balance("N0-fund") == 132 * COIN
    assert house.events("LossClosed") == [{"loss": 1}]
    assert house.events("PositionDeleveraged") == []


@pytest.mark.rule("13.3")
def test_a_layer_that_is_deep_enough_is_the_last_to_pay() -> None:
    house = house_with_loss(own=20 * COIN, insurance=1_000 * COIN, skin=70 * COIN)

    assert paid(house) == [
        (Layer.OWN_CONTRIBUTION, "M-fund", 20 * COIN),
        (Layer.INSURANCE_FUND, "INSURANCE_FUND", 480 * COIN),
    ]
    assert house.balance("SKIN_IN_THE_GAME") == 70 * COIN


@pytest.mark.rule("13.2")
def test_the_order_declared_is_the_order_used() -> None:
    house = house_with_loss(
        own=COIN, insurance=100 * COIN, skin=100 * COIN, others=(700 * COIN,), order=(1, 3, 2, 4, 5)
    )

    assert [layer for layer, _, _ in paid(house)] == [
        Layer.OWN_CONTRIBUTION,
        Layer.SKIN_IN_THE_GAME,
        Layer.INSURANCE_FUND,
        Layer.DEFAULT_FUND,
    ]


@pytest.mark.rule("1.7", "13.7")
def test_units_lost_to_flooring_fall_on_the_largest_contribution() -> None:
    house = house_with_loss(others=(300 * COIN, 300 * COIN + 1, 300 * COIN))

    # 500,000,000 / 900,000,001 of each: 166,666,666.48, ...667.04 and ...666.48.
    assert [amount for _, _, amount in paid(house)] == [166_666_666, 166_666_668, 166_666_666]


@pytest.mark.rule("13.3")
def test_contributions_are_cut_to_zero_and_the_gains_bear_the_rest() -> None:
    house = house_with_loss(own=10 * COIN, others=(20 * COIN, 30 * COIN))

    assert paid(house) == [
        (Layer.OWN_CONTRIBUTION, "M-fund", 10 * COIN),
        (Layer.DEFAULT_FUND, "N0-fund", 20 * COIN),
        (Layer.DEFAULT_FUND, "N1-fund", 30 * COIN),
    ]
    [cut] = house.events("GainsCut")
    assert (cut["amount"], cut["winners"]) == (440 * COIN, 1)
    assert house.equity("B") == (20_000 + 6_000 - 440) * COIN


@pytest.mark.rule("13.18")
def test_what_nobody_can_bear_moves_no_cash_and_stays_in_sight() -> None:
    house = house_with_loss(own=10 * COIN, winner="EXTERNAL_MARKET")

    assert paid(house)[-1] == (Layer.UNCOVERED, "LIQUIDATOR", 490 * COIN)
    assert house.balance("LIQUIDATOR") == -490 * COIN
    assert house.engine.state.defaults.uncovered == 490 * COIN
    assert not house.engine.state.defaults.losses.live().size


@pytest.mark.rule("13.5", "13.6")
def test_the_liquidators_own_loss_falls_first_on_the_members_it_closes_out() -> None:
    house = house_with_loss(own=600 * COIN, others=(600 * COIN,))
    assert paid(house) == [(Layer.OWN_CONTRIBUTION, "M-fund", 500 * COIN)]

    house.price(433)  # the liquidator holds 100 lots at 440

    # 700 over contributions of 100 and 600.
    assert paid(house)[1:] == [
        (Layer.OWN_CONTRIBUTION, "M-fund", 100 * COIN),
        (Layer.DEFAULT_FUND, "N0-fund", 600 * COIN),
    ]


@pytest.mark.rule("13.5", "13.7")
def test_members_of_several_failed_accounts_bear_it_once_and_pro_rata() -> None:
    house = ClearingHouse(member="unused")
    for member, fund in (("M", 600), ("N", 300), ("P", 900)):
        house.open_member(member, default_fund=fund * COIN)
    house.deposit("INSURANCE_FUND", 50 * COIN)
    house.list_contract()
    for name in ("A", "C", "E"):
        house.open_client(name, deposit=5_500 * COIN, member="N" if name == "E" else "M")
    house.open_client("B", deposit=60_000 * COIN, member="P")
    house.price(500)
    for name in ("A", "C", "E"):
        house.trade(name, "B", lots=100, ticks=500)
    house.price(446)  # all three taken over with 100 each
    assert len(house.events("AccountTakenOver")) == 3
    assert paid(house) == []

    house.price(443)  # 300 lots at 446, 300 of cash: 600 short

    assert paid(house) == [
        (Layer.OWN_CONTRIBUTION, "M-fund", 400 * COIN),
        (Layer.OWN_CONTRIBUTION, "N-fund", 200 * COIN),
    ]
    assert house.balance("INSURANCE_FUND") == 50 * COIN


@pytest.mark.rule("13.7")
def test_a_fund_in_debt_is_not_asked() -> None:
    house = house_with_loss(insurance=0, others=(700 * COIN,))
    accounts = house.state.accounts
    transfer(accounts, 0, house.number("INSURANCE_FUND"), house.number("B"), 5)

    house.price(439)

    assert {layer for layer, _, _ in paid(house)} == {Layer.DEFAULT_FUND}


@pytest.mark.rule("4.28")
def test_only_a_recorded_open_loss_is_allocated() -> None:
    house = house_with_loss(insurance=900 * COIN)
    x, recorder = house.state, Recorder()
    no = EngineCommandRefusal

    def allocate(loss: int) -> object:
        return decide_one(decide_allocate_losses, x, {"loss": loss}, recorder)

    assert allocate(0) == (no.UNKNOWN_SUBJECT, 0, 1)
    assert allocate(2) == (no.UNKNOWN_SUBJECT, 2, 1)
    assert allocate(1) == (no.CAUSE_GONE, 1, 0)
    assert recorder.events == []


def declare(*order: int, policies: Any = CATALOGUE) -> tuple[Any, Recorder]:
    recorder, x = Recorder(), PolicyState()
    x.loss_policies = by_number(policies)
    return decide_declare_waterfall(x, dict(zip(PLACES, order, strict=True)), recorder), recorder


@pytest.mark.rule("13.2")
@pytest.mark.parametrize(
    ("order", "refusal"),
    [
        ((1, 2, 3, 5, 5), (DeclareWaterfallRefusal.UNKNOWN_LAYER, 5, 4)),
        ((0, 2, 3, 4, 5), (DeclareWaterfallRefusal.UNKNOWN_LAYER, 0, 4)),
        ((1, 2, 2, 4, 5), (DeclareWaterfallRefusal.LAYER_TWICE, 2, 1)),
        ((1, 4, 2, 3, 5), (DeclareWaterfallRefusal.SHARED_BEFORE_FUND, 1, 2)),
        ((2, 1, 3, 4, 5), (DeclareWaterfallRefusal.SHARED_BEFORE_FUND, 3, 0)),
        ((1, 2, 3, 4, 4), (DeclareWaterfallRefusal.UNKNOWN_LAST_LAYER, 4, 6)),
    ],
)
def test_an_order_that_charges_the_innocent_first_is_refused(
    order: tuple[int, ...], refusal: tuple[int, int, int]
) -> None:
    answer, recorder = declare(*order)

    assert answer == refusal
    assert recorder.events == []


@pytest.mark.rule("13.2")
@pytest.mark.parametrize("order", [(1, 2, 3, 4, 5), (1, 2, 4, 3, 6), (1, 3, 2, 4, 6)])
def test_an_order_with_the_defaulter_first_is_accepted(order: tuple[int, ...]) -> None:
    answer, recorder = declare(*order)

    assert answer is None
    assert list(recorder.only().values()) == list(order)


@pytest.mark.rule("13.19")
@pytest.mark.parametrize(
    ("order", "refusal"),
    [
        ((1, 2, 9, 4, 7), (DeclareWaterfallRefusal.UNKNOWN_LAST_LAYER, 7, 8)),
        ((1, 2, 8, 4, 5), (DeclareWaterfallRefusal.UNKNOWN_LAYER, 8, 9)),
        ((1, 9, 2, 4, 8), (DeclareWaterfallRefusal.SHARED_BEFORE_FUND, 1, 2)),
        ((1, 3, 9, 4, 8), (DeclareWaterfallRefusal.SHARED_BEFORE_FUND, 2, 4)),
        ((9, 2, 3, 4, 8), (DeclareWaterfallRefusal.SHARED_BEFORE_FUND, 0, 1)),
    ],
)
def test_layers_of_a_plug_in_stand_under_the_same_order(
    order: tuple[int, ...], refusal: tuple[int, int, int]
) -> None:
    assert declare(*order, policies=POLICIES)[0] == refusal
    assert declare(*order)[0] is not None


@pytest.mark.rule("13.19")
@pytest.mark.parametrize("order", [(1, 2, 9, 4, 8), (1, 2, 3, 9, 5), (1, 3, 2, 9, 6)])
def test_a_waterfall_takes_any_four_layers_of_the_catalogue(order: tuple[int, ...]) -> None:
    answer, recorder = declare(*order, policies=POLICIES)

    assert answer is None
    assert list(recorder.only().values()) == list(order)


class Clients(Prefunded):
    """Wants money that is no fund's."""

    role = Role.CLIENT
    terms = LayerTerms(
        10, "clients", "clients", Place.PREFUNDED, Bearer.CLEARING_HOUSE, "Clients", "Clients"
    )


@pytest.mark.rule("13.20")
def test_a_prefunded_layer_that_takes_from_clients_stops_the_engine() -> None:
    plugins = Plugins(loss_policies=(*CATALOGUE, Clients()))
    with pytest.raises(InvariantError, match="prefunded layers are paid from funds"):
        house_with_loss(order=(1, 2, 10, 4, 5), plugins=plugins)


class Odd(LastLayer):
    """Answers what a test wants."""

    terms = LayerTerms(11, "odd", "odd", Place.LAST, Bearer.OTHERS, "Odd", "Odd")

    def __init__(self, left: int, *paid: int) -> None:
        self.left, self.paid = left, paid

    def bear(self, x: DefaultState, losses: I64, rest: I64, emit: Emit) -> Borne:
        rows = np.array([(0, 11, 0, amount) for amount in self.paid], np.int64).reshape(-1, 4)
        return Borne(np.full(rest.size, self.left), rows)


@pytest.mark.rule("13.3")
@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (Odd(-1), "odd pays no more than the loss"),
        (Odd(500 * COIN + 1), "odd pays no more than the loss"),
        (Odd(499 * COIN, COIN - 1), "odd pays or leaves every unit of a loss"),
        (Odd(500 * COIN, COIN, -COIN), "odd takes, it gives nothing"),
    ],
)
def test_a_last_layer_that_does_not_add_up_stops_the_engine(layer: Odd, reason: str) -> None:
    plugins = Plugins(loss_policies=(*CATALOGUE, layer))
    with pytest.raises(InvariantError, match=reason):
        house_with_loss(order=(1, 2, 3, 4, 11), plugins=plugins)
