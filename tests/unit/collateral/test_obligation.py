from __future__ import annotations

import numpy as np
import pytest

from novate.collateral.obligation import apply_obligation_closed
from novate.errors import InvariantError
from novate.kernel.codes import AccountStatus, ShortfallPolicy
from novate.message.obligation import ObligationOutcome
from novate.message.parameter import Parameter
from novate.message.refusal import TransferCollateralRefusal
from tests.unit.clearing import COIN, E8, MINUTE, START, ClearingHouse
from tests.unit.transfers import open_sub, send, withdraw


def called_house(haircut_bps: int = 0, **parameters: int) -> ClearingHouse:
    """A is long 100 at 500 with 6,000, and is called for 350 at 485: due at START + 61 minutes.

    Initial margin is 10 p, equity 6,000 + 100 (p - 500) and what it has of the coin ETH, at 100.
    """
    house = ClearingHouse(
        assets=(("BTC", 8, 0), ("ETH", 8, haircut_bps)),
        parameters={Parameter[name.upper()]: value for name, value in parameters.items()},
    )
    house.list_contract(cycle_ns=0)
    house.open_client("A", deposit=6_000 * COIN, shortfall_policy=ShortfallPolicy.CALL_THEN_DEFAULT)
    open_sub(house, "A2", "A")
    open_sub(house, "A3", "A", group="A")
    house.open_client("B", deposit=20_000 * COIN)
    house.price(500, e8={1: 100 * E8})
    house.trade("A", "B", lots=100, ticks=500)
    house.price(485, at_ns=START + MINUTE, e8={1: 100 * E8})
    return house


def paid(house: ClearingHouse) -> list[tuple[int, int, int]]:
    """What payments counted: obligation, amount and what is left of it."""
    names = ("obligation", "amount", "left")
    return [tuple(row[n] for n in names) for row in house.events("ObligationPaid", last=True)]  # type: ignore[misc]


@pytest.mark.rule("6.100", "6.102")
def test_a_deposit_pays_what_the_group_was_called_for() -> None:
    house = called_house()
    house.deposit("A", 100 * COIN)
    assert paid(house) == [(1, 100 * COIN, 250 * COIN)]
    assert house.events("ObligationClosed") == []

    house.deposit("A3", 300 * COIN)  # another account of the group; 50 more than was asked

    assert paid(house) == [(1, 250 * COIN, 0)]
    assert house.events("ObligationClosed") == [
        {
            "obligation": 1,
            "account": house.number("A"),
            "outcome": ObligationOutcome.PAID,
            "amount": 350 * COIN,
            "paid": 350 * COIN,
        }
    ]
    assert house.status("A") == AccountStatus.CALLED
    house.deposit("A", COIN)
    assert paid(house) == []


@pytest.mark.rule("6.102")
def test_a_payment_goes_to_the_oldest_obligation_first() -> None:
    house = called_house()
    # Equity 4,300 where 4,830 are asked: 530, of which 350 were called.
    house.price(483, at_ns=START + 30 * MINUTE, e8={1: 100 * E8})
    assert [row["amount"] for row in house.events("MarginCalled")] == [350 * COIN, 180 * COIN]

    house.deposit("A", 400 * COIN)

    assert paid(house) == [(1, 350 * COIN, 0), (2, 50 * COIN, 130 * COIN)]


@pytest.mark.rule("6.101")
def test_a_coin_pays_what_equity_gains_by_it() -> None:
    house = called_house(haircut_bps=1_000)

    house.deposit("A", 2 * E8 + 1, asset=2)

    # 2.00000001 coins at 100 less a tenth: 180.0000009, rounded down.
    assert paid(house) == [(1, 180 * COIN, 170 * COIN)]


@pytest.mark.rule("6.101")
def test_a_coin_that_repays_a_debt_pays_its_whole_worth() -> None:
    house = called_house(haircut_bps=1_000)
    x, a, b = house.state, house.number("A"), house.number("B")
    x.accounts.balance[a, 2] -= E8  # a debt of one coin, and 100 more in the numeraire
    x.accounts.balance[b, 2] += E8

    house.deposit("A", 2 * E8, asset=2)

    # The debt of 100 is gone, and a coin counts 90.
    assert paid(house) == [(1, 190 * COIN, 160 * COIN)]


@pytest.mark.rule("6.101")
def test_a_coin_without_a_fresh_index_pays_nothing() -> None:
    house = called_house(index_staleness_ns=10 * MINUTE)
    house.price(485, at_ns=START + 20 * MINUTE)
    house.deposit("A", 10 * E8, asset=2)
    assert paid(house) == []

    house.deposit("A", 10 * COIN)

    assert paid(house) == [(1, 10 * COIN, 340 * COIN)]


@pytest.mark.rule("6.53", "6.100")
def test_what_comes_from_another_group_of_the_holder_pays_and_what_is_in_the_group_does_not() -> (
    None
):
    house = called_house()
    house.deposit("A2", 100 * COIN)
    assert paid(house) == []  # A2 is a group of its own

    assert send(house, "A2", "A3", 60 * COIN) == []

    assert paid(house) == [(1, 60 * COIN, 290 * COIN)]
    refused = [TransferCollateralRefusal.ACCOUNT_NOT_OPEN]
    assert send(house, "A3", "A", 60 * COIN) == refused
    assert send(house, "A", "A2", COIN) == refused


@pytest.mark.rule("6.103")
def test_what_was_paid_is_not_taken_out_and_paid_again() -> None:
    house = called_house()
    house.deposit("A", 350 * COIN)
    assert withdraw(house, "A", COIN)  # called: it withdraws nothing
    house.assess()
    assert house.status("A") == AccountStatus.OPEN

    assert withdraw(house, "A", COIN)  # equity is initial margin


@pytest.mark.rule("6.100")
def test_who_is_not_called_pays_nothing() -> None:
    house = called_house()
    house.deposit("B", COIN)
    assert paid(house) == []


def test_an_obligation_ends_once() -> None:
    house = called_house()
    with pytest.raises(InvariantError, match="what ends is an open obligation"):
        apply_obligation_closed(house.state, {"obligation": np.array([2])})
