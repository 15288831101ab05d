from __future__ import annotations

import pytest

from novate.kernel.codes import Layer
from novate.message import command
from novate.message.parameter import Parameter
from novate.message.refusal import EngineCommandRefusal
from tests.unit.clearing import COIN, E8, HOUR, MINUTE, START, ClearingHouse


def paid(house: ClearingHouse) -> list[tuple[int, str, int]]:
    """Layer, payer and amount of all that was paid, in order."""
    names = house.state.accounts.references
    rows = house.events("LossAllocated")
    return [(row["layer"], names[row["payer"]], row["amount"]) for row in rows]


def uncovered(**deposits: int) -> ClearingHouse:
    """A loses 500 more than it has to the external market: no client gained, all of it is left."""
    house = ClearingHouse(parameters={Parameter.LIQUIDATION_FEE_PPM: 0})
    house.list_contract("X", tiers=((0, 20_000, 10_000),))
    house.open_client("A", deposit=100 * COIN)
    for name, amount in deposits.items():
        if name.isupper() and len(name) == 1:
            house.open_client(name, deposit=amount)
        else:
            house.deposit(name, amount)
    house.price(1_000)
    house.trade("A", "EXTERNAL_MARKET", lots=5, ticks=1_000)
    house.price(880, at_ns=START + MINUTE)  # 100 - 5 x 120 = -500
    return house


@pytest.mark.rule("13.30", "13.31", "13.34")
def test_what_no_layer_bears_waits_for_an_hour() -> None:
    house = uncovered(B=1_000 * COIN)

    assert house.state.defaults.uncovered == 500 * COIN
    due_ns = START + MINUTE + HOUR
    told = {"amount": 0, "left": 500 * COIN, "due_ns": due_ns}
    assert house.events("UncoveredShared") == [told]
    house.price(880, at_ns=due_ns - 1)
    assert house.events("UncoveredShared") == [told]


@pytest.mark.rule("13.32", "13.33")
def test_after_an_hour_the_house_pays_first_and_then_everybody_by_net_worth() -> None:
    """500 are left; the fees account has 20, so that B with 1,000 and C with 600 pay 480."""
    house = uncovered(B=1_000 * COIN, C=600 * COIN)
    fees, b = house.number("FEES"), house.number("B")
    house.state.accounts.add(b, 0, -20 * COIN)
    house.state.accounts.add(fees, 0, 20 * COIN)
    house.deposit("B", 20 * COIN)

    house.price(880, at_ns=START + MINUTE + HOUR)

    assert paid(house)[1:] == [
        (Layer.NET_WORTH, "FEES", 20 * COIN),
        (Layer.NET_WORTH, "B", 300 * COIN),  # 480 x 1,000 / 1,600
        (Layer.NET_WORTH, "C", 180 * COIN),
    ]
    assert house.events("UncoveredShared")[-1] == {"amount": 500 * COIN, "left": 0, "due_ns": 0}
    assert house.state.defaults.uncovered == 0
    assert house.state.assess(house.number("LIQUIDATOR")).net == 0


@pytest.mark.rule("13.33")
def test_funds_pay_with_the_names_of_their_layers() -> None:
    house = uncovered(B=1_000 * COIN)
    house.open_member("N", default_fund=200 * COIN)
    house.deposit("INSURANCE_FUND", 60 * COIN)
    house.deposit("SKIN_IN_THE_GAME", 40 * COIN)

    house.price(880, at_ns=START + MINUTE + HOUR)

    # 100 of the house; 400 over 200 and 1,000: 66.666666 and 333.333333, and one unit to B.
    assert paid(house)[1:] == [
        (Layer.INSURANCE_FUND, "INSURANCE_FUND", 60 * COIN),
        (Layer.SKIN_IN_THE_GAME, "SKIN_IN_THE_GAME", 40 * COIN),
        (Layer.NET_WORTH, "B", 333_333_334),
        (Layer.DEFAULT_FUND, "N-fund", 66_666_666),
    ]


@pytest.mark.rule("4.71", "13.31")
def test_gains_that_come_within_the_hour_bear_it_before_anybody_else() -> None:
    house = uncovered(B=1_000 * COIN, C=1_000 * COIN)
    house.trade("B", "C", lots=2, ticks=880)

    house.price(900, at_ns=START + 2 * MINUTE)  # B gained 40

    cut = house.events("GainsCut")[-1]
    assert (cut["loss"], cut["amount"]) == (0, 40 * COIN)
    assert house.state.defaults.uncovered <= 460 * COIN
    assert [row["layer"] for row in house.events("LossAllocated")] == [Layer.UNCOVERED]


@pytest.mark.rule("13.32", "13.34")
def test_what_nobody_has_stays_uncovered_and_is_tried_again_an_hour_later() -> None:
    house = uncovered(B=30 * COIN)
    due_ns = START + MINUTE + HOUR

    house.price(880, at_ns=due_ns)

    told = house.events("UncoveredShared")[-1]
    assert told == {"amount": 30 * COIN, "left": 470 * COIN, "due_ns": due_ns + HOUR}
    house.open_client("D", deposit=1_000 * COIN)
    house.price(880, at_ns=due_ns + HOUR - 1)
    assert house.state.defaults.uncovered == 470 * COIN
    house.price(880, at_ns=due_ns + HOUR)
    assert paid(house)[-1] == (Layer.NET_WORTH, "D", 470 * COIN)


@pytest.mark.rule("13.32")
def test_a_group_pays_for_all_its_accounts_in_numeraire_whatever_it_holds() -> None:
    house = uncovered()
    house.open_client("B")
    house.deposit("B", E8, asset=1)  # worth 880

    house.price(880, at_ns=START + MINUTE + HOUR)

    assert paid(house)[-1] == (Layer.NET_WORTH, "B", 500 * COIN)
    assert house.balance("B") == -500 * COIN


@pytest.mark.rule("4.28")
def test_nothing_is_shared_where_nothing_is_uncovered() -> None:
    house = ClearingHouse()
    no = EngineCommandRefusal.ENGINE_ONLY

    house.submit(
        command.SHARE_UNCOVERED.row(account=house.number("LIQUIDATOR")), allow_refusals=True
    )

    assert house.refusals() == [no]
