from __future__ import annotations

import pytest

from novate.kernel.codes import Role
from novate.message import command
from novate.message.parameter import Parameter, set_parameter
from novate.settlement.interest import apply_interest_charged, interest_rate
from tests.unit.clearing import COIN, DAY, E8, HOUR, START, ClearingHouse

RATE = 91_324  # floor(8 h / 8,760 h x 10% x 10^9)


def overdrawn(**parameters: int) -> ClearingHouse:
    """A has 10 coins at 50,000 and owes 100,000 USDT that it lost to B."""
    house = ClearingHouse(
        parameters={Parameter[name.upper()]: value for name, value in parameters.items()}
    )
    house.list_contract(tiers=((0, 100_000, 50_000),))
    house.open_client("A")
    house.open_client("B", deposit=200_000 * COIN)
    house.deposit("A", 10 * E8, asset=1)
    house.price(50_000)
    house.trade("A", "B", lots=10, ticks=50_000)
    house.price(40_000)
    house.advance(START + HOUR)
    assert house.balance("A") == -100_000 * COIN
    return house


@pytest.mark.rule("8.30", "8.31", "8.32")
def test_a_debt_pays_interest_to_the_fees_account_every_eight_hours() -> None:
    house = overdrawn()

    house.advance(START + 8 * HOUR)

    assert house.events("InterestCharged") == [
        {"asset": 0, "rate_e9": RATE, "instant_ns": START + 8 * HOUR}
    ]
    paid = 100_000 * COIN * RATE // 10**9
    assert paid == 9_132_400
    assert house.balance("A") == -100_000 * COIN - paid
    assert house.balance("FEES") == paid
    assert house.balance("B") == 300_000 * COIN

    house.advance(START + 16 * HOUR)
    owed = 100_000 * COIN + paid
    assert house.balance("A") == -owed - -(-owed * RATE // 10**9)


@pytest.mark.rule("15.74")
def test_interest_leaves_the_balances_of_debtor_and_fees_in_bounds() -> None:
    house = overdrawn()
    balance, a, fees = house.state.accounts.balance, house.number("A"), house.number("FEES")
    row = {"asset": 0, "rate_e9": RATE, "instant_ns": START + 8 * HOUR}

    balance[a, 0] = 5 - 2**60
    apply_interest_charged(house.state, row)
    assert (balance[a, 0], balance[fees, 0]) == (-(2**60), 5)

    balance[a, 0] = -100_000 * COIN  # owes 9,132,400
    balance[fees, 0] = 2**60 - 9_132_399
    apply_interest_charged(house.state, row)
    assert (balance[a, 0], balance[fees, 0]) == (-100_000 * COIN, 2**60 - 9_132_399)


@pytest.mark.rule("8.32")
def test_a_debt_in_a_coin_pays_interest_in_the_coin_rounded_up() -> None:
    house = ClearingHouse()
    house.list_option(settlement_asset=1, tick_e8=10**4, unit=10**4, ticks_max=50_000)
    house.open_client("A", deposit=1_000 * COIN)
    house.price(100)
    house.smile(0.6)
    house.price(100)
    house.trade("A", "EXTERNAL_MARKET", lots=1, ticks=int(house.state.marks.mark[0]))
    owed = -house.balance("A", 1)
    assert owed > 0

    house.advance(START + 8 * HOUR)

    charged = [(row["asset"], row["rate_e9"]) for row in house.events("InterestCharged")]
    assert charged == [(0, RATE), (1, RATE)]
    assert house.balance("A", 1) == -owed - (owed * RATE // 10**9 + 1)


@pytest.mark.rule("8.30")
@pytest.mark.parametrize("name", ["debt_interest_ppm", "interest_interval_ns"])
def test_there_is_no_interest_without_a_rate_or_an_interval(name: str) -> None:
    house = overdrawn(**{name: 0})

    house.advance(START + DAY)

    assert house.events("InterestCharged") == []


@pytest.mark.rule("8.30", "8.31")
def test_interest_that_begins_late_is_charged_for_one_interval_at_most() -> None:
    house = overdrawn(debt_interest_ppm=0)
    house.advance(START + 20 * HOUR)

    house.submit(set_parameter(Parameter.DEBT_INTEREST_PPM, 100_000))
    house.advance(START + 20 * HOUR + 1)

    assert [row["rate_e9"] for row in house.events("InterestCharged")] == [RATE]
    house.advance(START + 24 * HOUR)  # the next multiple of eight hours
    assert [row["rate_e9"] for row in house.events("InterestCharged")] == [RATE, RATE // 2]


@pytest.mark.rule("8.32")
def test_accounts_of_the_clearing_house_pay_no_interest() -> None:
    house = overdrawn()
    before = {role: house.balance(role.name) for role in (Role.CUSTODY, Role.SETTLEMENT)}

    house.advance(START + 8 * HOUR)

    assert {role: house.balance(role.name) for role in before} == before


@pytest.mark.rule("4.27", "4.28")
def test_interest_is_charged_by_the_engine_alone_and_when_it_is_due() -> None:
    house = overdrawn()
    row = command.CHARGE_INTEREST.row(instant_ns=START + 8 * HOUR)

    house.submit(row, allow_refusals=True)

    assert len(house.refusals()) == 1
    assert interest_rate(house.state) == HOUR * 10**8 // (365 * DAY)
