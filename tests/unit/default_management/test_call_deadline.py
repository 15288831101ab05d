"""What a call is decided by: the price that stood, not the last price of an instant."""

from __future__ import annotations

import pytest

from novate.kernel.codes import AccountStatus
from novate.message import command
from novate.message.deciding_price import DecidingPrice
from tests.unit.clearing import COIN, HOUR, MINUTE, START, ClearingHouse
from tests.unit.default_management.test_deciding_price import CALL, house_of, push

DUE = START + MINUTE + HOUR


def called_house(**more: int) -> ClearingHouse:
    """L has 120 of 198 at 99, and is called for 78."""
    house = house_of(CALL, **more)
    push(house, 99, 99, START + MINUTE)
    [call] = house.events("MarginCalled")
    assert (call["amount"], call["deadline_ns"]) == (78 * COIN, DUE)
    return house


@pytest.mark.rule("4.16", "5.81", "10.4", "10.6")
def test_a_last_price_that_is_pushed_once_an_hour_meets_no_call() -> None:
    # The mark of 103 gives L 520 of 206 once, and nobody paid.
    house = called_house()
    push(house, 99, 150, START + 30 * MINUTE)
    assert house.state.marks.mark[0] == 103
    assert house.status("L") == AccountStatus.CALLED
    push(house, 99, 99, START + 50 * MINUTE)

    house.advance(DUE)

    assert house.events("MarginCallMet") == []
    [row] = house.events("DefaultDeclared")
    assert (row["decided_by"], row["worth"]) == (DecidingPrice.PROTECTED, 120 * COIN)


@pytest.mark.rule("5.81", "10.6", "10.58")
@pytest.mark.parametrize("last", [150, 50])
def test_a_mark_that_is_pushed_at_the_deadline_neither_saves_nor_kills(last: int) -> None:
    house = called_house(call_minimum=50 * COIN)
    push(house, 99, last, DUE - MINUTE)
    house.advance(DUE)
    assert [row["worth"] for row in house.events("DefaultDeclared")] == [120 * COIN]

    house = called_house()
    house.deposit("L", 40 * COIN)
    push(house, 100, last, DUE - MINUTE)  # 260 of 200 at the index
    house.advance(DUE)
    assert house.events("DefaultDeclared") == []
    assert house.events("MarginCallMet", last=False)[0]["equity"] >= 260 * COIN


@pytest.mark.rule("10.58")
def test_a_pushed_mark_makes_arrears_no_smaller_than_the_minimum() -> None:
    # 78 are asked; at the mark of 101, pushed, nothing would be missing.
    house = called_house(call_minimum=78 * COIN)
    push(house, 99, 101, DUE - MINUTE)
    house.advance(DUE)
    assert house.status("L") == AccountStatus.LIQUIDATING


@pytest.mark.rule("10.6", "10.59")
def test_who_paid_what_was_called_is_in_no_default_where_protected_prices_are_lower() -> None:
    # The contract traded at 96 for a quarter of an hour, and is back: 700 of 720 at the mark of
    # 100, and more is missing at the protected price of 97.  20 are called, and 20 are paid.
    house = house_of(CALL, deposit=700, index_staleness_ns=3 * HOUR, basis_average_ns=MINUTE)
    for minute in range(1, 16):
        push(house, 100, 96, START + minute * MINUTE)
    tiers = {"instrument": 0, "floor": 0, "initial_ppm": 72_000, "maintenance_ppm": 10_000}
    push(house, 100, 100, START + 16 * MINUTE)
    push(house, 100, 100, START + 20 * MINUTE)
    house.submit(command.REPLACE_TIERS.row(**tiers, effective_ns=0))
    house.assess()
    [call] = house.events("MarginCalled")
    assert (call["amount"], call["decided_by"]) == (20 * COIN, DecidingPrice.MARK)
    house.deposit("L", 20 * COIN)
    house.assess()
    assert house.status("L") == AccountStatus.CALLED

    house.advance(call["deadline_ns"])

    [paid] = house.events("MarginCallPaid")
    assert paid["equity"] < paid["requirement"]
    assert house.events("DefaultDeclared") == []
    assert house.status("L") == AccountStatus.OPEN


@pytest.mark.rule("10.41", "10.64")
def test_a_default_before_the_deadline_tells_takeover_worth_and_level() -> None:
    house = called_house()
    push(house, 98, 98, START + 2 * MINUTE)  # 20 of 98, below a third of it
    [row] = house.events("DefaultDeclared")
    assert row["decided_by"] == DecidingPrice.MARK
    assert (row["worth"], row["level"]) == (20 * COIN, 98 * COIN * 333_333 // 10**6)


@pytest.mark.rule("5.81", "5.91", "10.6")
def test_ramp_prices_protect_at_a_deadline() -> None:
    # L is called at 99.  At 100, with a mark of 95, nobody says that the call is met; then the
    # index leaps to 96, and after the jump the ramp has hardly left 100, where L has 220 of 200.
    house = called_house(jump_ppm=25_000, ramp_ppm=100, jump_pause_ns=MINUTE)
    push(house, 100, 50, START + 30 * MINUTE)
    push(house, 96, 50, START + 40 * MINUTE)
    push(house, 96, 50, START + 42 * MINUTE)
    due = START + 63 * MINUTE  # 21 minutes were left when the jump began
    assert house.state.accounts.deadline_ns[house.number("L")] == due
    assert house.events("MarginCallMet") == []

    house.advance(due)

    [met] = house.events("MarginCallMet")
    told = (met["decided_by"], met["equity"], met["requirement"])
    assert told == (DecidingPrice.RAMP, 220 * COIN, 200 * COIN)
