from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from novate.book.ledger import transfer
from novate.default_management.loss.gains_haircut import (
    allocate,
    apply_gains_cut,
    bearable,
)
from novate.default_management.loss.share import standing_accounts
from novate.engine.decide import Events
from novate.errors import InvariantError
from novate.kernel.clearing.assess import EQUITY, MAINTENANCE, NET
from novate.kernel.codes import AccountStatus, Layer
from novate.message.parameter import Parameter
from tests.unit.clearing import COIN, HOUR, MINUTE, START, ClearingHouse
from tests.unit.kernel.share import share_pro_rata


def house_with_winners(deposit: int = 5_500 * COIN) -> ClearingHouse:
    """A is long 100 at 500 against B (60 lots) and C (40 lots); there are no funds."""
    house = ClearingHouse(parameters={Parameter.GAINS_WINDOW_NS: 2 * HOUR})
    house.list_contract()
    house.open_client("A", deposit=deposit)
    house.open_client("B", deposit=20_000 * COIN)
    house.open_client("C", deposit=20_000 * COIN)
    house.open_client("D", deposit=20_000 * COIN)
    house.price(500)
    house.trade("A", "B", lots=60, ticks=500)
    house.trade("A", "C", lots=40, ticks=500)
    return house


@pytest.mark.rule("13.9")
def test_winners_forgo_gains_pro_rata() -> None:
    house = house_with_winners()

    house.price(440)  # 500 short; B gains 3,600, C 2,400

    assert house.events("GainsCut") == [
        {"loss": 1, "amount": 500 * COIN, "gains": 6_000 * COIN, "winners": 2}
    ]
    assert house.equity("B") == 23_300 * COIN
    assert house.equity("C") == 22_200 * COIN
    assert house.equity("D") == 20_000 * COIN
    assert house.equity("LIQUIDATOR") == 0


@pytest.mark.rule("1.7", "13.9")
def test_the_unit_that_does_not_divide_is_cut_from_the_largest_gain() -> None:
    house = house_with_winners(deposit=5_500 * COIN - 1)

    house.price(440)  # 500,000,001 units: 300,000,000.6 and 200,000,000.4

    assert house.balance("B") == 20_000 * COIN - 300_000_001
    assert house.balance("C") == 20_000 * COIN - 200_000_000


@pytest.mark.rule("13.9")
def test_the_gain_is_what_was_paid_in_the_window_and_what_is_still_to_be_paid() -> None:
    house = house_with_winners()
    house.price(480, at_ns=START + MINUTE)
    house.advance(START + HOUR)  # B is paid 1,200
    assert house.state.accounts.window_gain[house.number("B")] == 1_200 * COIN

    house.price(470, at_ns=START + HOUR + MINUTE)

    gains = bearable(house.state)
    assert gains[house.number("B")] == 1_800 * COIN
    assert gains[house.number("C")] == 1_200 * COIN
    assert gains[house.number("A")] == 0  # a loss is no gain
    assert gains[house.number("EXTERNAL_MARKET")] == 0
    assert gains.sum() == 3_000 * COIN


@pytest.mark.rule("13.9")
def test_a_gain_once_cut_is_not_cut_again() -> None:
    house = house_with_winners()
    house.price(440)
    assert house.state.accounts.window_gain[house.number("B")] == -300 * COIN

    assert bearable(house.state)[house.number("B")] == 3_300 * COIN


@pytest.mark.rule("8.17")
def test_gains_of_an_older_window_are_safe() -> None:
    house = house_with_winners()
    house.price(480, at_ns=START + MINUTE)
    house.advance(START + HOUR)

    house.advance(START + 2 * HOUR)
    house.assess()

    assert house.events("GainsWindowStarted") == [{"instant_ns": START + 2 * HOUR}]
    assert bearable(house.state).sum() == 0


@pytest.mark.rule("13.9", "13.18")
def test_no_more_than_the_gains_is_cut() -> None:
    house = house_with_winners()
    house.trade("EXTERNAL_MARKET", "D", lots=1, ticks=500)
    house.trade("B", "EXTERNAL_MARKET", lots=59, ticks=500)
    house.trade("C", "EXTERNAL_MARKET", lots=39, ticks=500)

    house.price(440)  # B, C and D gain 60 each, 500 are missing

    [cut] = house.events("GainsCut")
    assert (cut["amount"], cut["gains"], cut["winners"]) == (180 * COIN, 180 * COIN, 3)
    assert [house.equity(name) for name in "BCD"] == [20_000 * COIN] * 3
    [uncovered] = house.events("LossAllocated")
    assert (uncovered["layer"], uncovered["amount"]) == (Layer.UNCOVERED, 320 * COIN)


def test_only_margin_accounts_that_have_not_failed_stand() -> None:
    house = house_with_winners()
    accounts = house.state.accounts
    accounts.status[house.number("B")] = AccountStatus.CALLED
    accounts.status[house.number("C")] = AccountStatus.LIQUIDATING
    accounts.status[house.number("D")] = AccountStatus.TAKEN_OVER

    standing = standing_accounts(house.state)

    assert [accounts.references[k] for k in standing.nonzero()[0]] == ["A", "B"]


def test_a_cut_that_counted_other_gains_is_not_applied() -> None:
    house = house_with_winners()
    house.price(470)
    row = {"loss": 1, "amount": 5, "gains": 3_000 * COIN - 1, "winners": 2}
    columns = {name: np.array([value]) for name, value in row.items()}

    with pytest.raises(InvariantError, match="the gains cut are the gains that were counted"):
        apply_gains_cut(house.state, columns)


@pytest.mark.rule("13.9")
def test_a_winner_bears_no_more_than_its_equity_above_maintenance_margin() -> None:
    house = house_with_winners()
    # B has 60 lots: at 440 it gains 3,600 and asks 1,320 of maintenance margin.
    paid_out = 20_000 + 3_600 - 1_320 - 100
    transfer(house.state.accounts, 0, house.number("B"), house.number("D"), paid_out * COIN)

    house.price(440)

    [cut] = house.events("GainsCut")
    assert (cut["amount"], cut["gains"]) == (500 * COIN, (100 + 2_400) * COIN)
    assert house.equity("B") == (1_320 + 80) * COIN
    assert house.equity("C") == (20_000 + 2_400 - 480) * COIN
    assert house.status("B") == AccountStatus.OPEN


@pytest.mark.rule("13.9")
def test_a_winner_at_maintenance_margin_bears_nothing() -> None:
    house = house_with_winners()
    for name, margin in (("B", 1_320), ("C", 880)):
        gain = 60 * (60 if name == "B" else 40)
        transfer(
            house.state.accounts, 0, house.number(name), house.number("D"),
            (20_000 + gain - margin) * COIN,
        )  # fmt: skip

    house.price(440)

    assert house.events("GainsCut") == []
    assert [row["layer"] for row in house.events("LossAllocated")] == [Layer.UNCOVERED]
    assert [house.status(name) for name in "BC"] == [AccountStatus.OPEN] * 2


@pytest.mark.rule("13.9")
@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(-5_000, 40_000), st.integers(0, 9_000)), min_size=2,
                max_size=6), st.integers(1, 10**11))  # fmt: skip
def test_no_cut_takes_a_winner_below_zero_or_into_liquidation(
    winners: list[tuple[int, int]], loss: int
) -> None:
    house = ClearingHouse()
    house.list_contract()
    house.price(500)
    for number, (equity, gain) in enumerate(winners):
        house.open_client(f"W{number}", deposit=50_000 * COIN)
        house.trade(f"W{number}", "EXTERNAL_MARKET", lots=20 + number, ticks=500)
        account = house.number(f"W{number}")
        house.state.accounts.window_gain[account] = gain * COIN
        away = (50_000 - equity) * COIN
        transfer(house.state.accounts, 0, account, house.number("FEES"), away)
    before = house.state.assess_all()
    most = int(bearable(house.state).sum())

    [rest] = allocate(house.state, np.array([1]), np.array([loss]), Events(house.engine.state))

    after = house.state.assess_all()
    assert loss - rest == min(loss, most) == house.balance("LIQUIDATOR")
    for number in range(len(winners)):
        k = house.number(f"W{number}")
        assert after[k, NET] >= min(before[k, NET], 0)
        assert after[k, EQUITY] >= min(before[k, EQUITY], before[k, MAINTENANCE])


@pytest.mark.rule("1.7", "13.9")
@settings(max_examples=30)
@given(st.lists(st.integers(1, 10**12), min_size=1, max_size=8), st.data())
def test_a_cut_is_shared_as_any_amount_is_shared(gains: list[int], data: st.DataObject) -> None:
    house = ClearingHouse()
    for number, gain in enumerate(gains):
        house.open_client(f"W{number}", deposit=gain)
        house.state.accounts.window_gain[house.number(f"W{number}")] = gain
    amount = data.draw(st.integers(1, sum(gains)))

    rest = allocate(house.state, np.array([1]), np.array([amount]), Events(house.engine.state))

    assert rest.tolist() == [0]
    paid = [gain - house.balance(f"W{number}") for number, gain in enumerate(gains)]
    assert paid == share_pro_rata(amount, gains)
    assert house.balance("LIQUIDATOR") == amount
