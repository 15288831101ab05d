from __future__ import annotations

import pytest

from novate.book.state import SINGLE_ROLES
from novate.kernel.clearing.assess import (
    DEBT_INITIAL,
    DEBT_MAINTENANCE,
    EQUITY,
    GAIN,
    INITIAL,
    MAINTENANCE,
    NET,
    NOTIONAL,
    SHORTS,
    UNPROVEN,
)
from novate.kernel.codes import Role
from novate.message import command
from novate.message.parameter import SETTINGS, Parameter
from novate.valuation import Assessment, ClearingState
from tests.unit.clearing import COIN, E8, HOUR, START, ClearingHouse

TIERS = ((0, 100_000, 50_000), (1_000 * COIN, 200_000, 100_000))
"""10% and 5%, from 1,000 on 20% less 100 and 10% less 50."""


def pair(lots: int = 5, price: int = 100, **terms: int) -> ClearingHouse:
    """A long and a short, each with 1,000 USDT and 1 BTC at a haircut of 10%."""
    house = ClearingHouse(assets=(("BTC", 8, 1_000),))
    house.list_contract(tiers=TIERS, **terms)
    for name in ("long", "short"):
        house.open_client(name, deposit=1_000 * COIN)
        house.deposit(name, E8, asset=1)
    house.price(price)
    house.trade("long", "short", lots=lots, ticks=price)
    return house


def test_an_empty_exposure_has_the_default_parameters() -> None:
    x = ClearingState()

    for parameter in Parameter:
        assert x.parameter(parameter) == SETTINGS[parameter].default
    assert x.single(Role.LIQUIDATOR) == -1


def test_an_account_that_was_not_there_is_found_once_it_is_opened() -> None:
    house = ClearingHouse()

    assert house.state.single(Role.CUSTODY) == house.number("CUSTODY")


def test_the_houses_own_accounts_are_listed_as_far_as_they_are_open() -> None:
    assert ClearingState().own_accounts().tolist() == []
    house = ClearingHouse()
    assert house.state.own_accounts().tolist() == [house.number(r.name) for r in SINGLE_ROLES]
    house.state.drop_caches()
    assert len(house.state.own_accounts()) == len(SINGLE_ROLES)


def test_positions_are_added_up_by_contract_with_what_they_could_reach() -> None:
    house = pair(lots=5, price=100)

    lots, pending, gross = house.state.summed_positions()

    assert (lots.tolist(), pending.tolist()) == ([0], [0])
    assert house.state.reach_of_a_lot().tolist() == [10**6 * COIN]
    assert gross == 2 * (5 * 100 * COIN + 5 * 10**6 * COIN)


# 1,000 + 5 * 10 = 1,050; 1 BTC at 110 is 99 after its haircut and 110 without.
# Notional 550: initial 55, maintenance 27.50.  The slow average is at (110 - 100) / 3,601 of the
# way after a second of a time constant of an hour, so that nearly all of the gain is unproven.
@pytest.mark.rule("3.2", "3.5", "3.10", "3.11", "3.20", "3.21", "3.22")
def test_an_account_is_assessed_by_the_rules_of_the_rulebook() -> None:
    house = pair()

    house.price(110, at_ns=house.state.now_ns + 10**9)

    slow = int(house.state.marks.slow[0])
    assert slow == 100
    assert house.state.assess(house.number("long")) == Assessment(
        equity=(1_050 + 99) * COIN,
        net=(1_050 + 110) * COIN,
        initial=55 * COIN,
        maintenance=27_500_000,
        notional=550 * COIN,
        gain=50 * COIN,
        unproven=50 * COIN,
        debt_initial=0,
        debt_maintenance=0,
    )
    assert house.state.assess(house.number("short")) == Assessment(
        equity=(950 + 99) * COIN,
        net=(950 + 110) * COIN,
        initial=55 * COIN,
        maintenance=27_500_000,
        notional=550 * COIN,
        gain=-50 * COIN,
        unproven=0,
        debt_initial=0,
        debt_maintenance=0,
    )


@pytest.mark.rule("3.7", "3.8")
@pytest.mark.parametrize(
    ("lots", "initial", "maintenance"),
    [(9, 90, 45), (10, 100, 50), (11, 120, 60), (20, 300, 150)],
)
def test_margin_is_that_of_the_tier_and_continuous_at_its_floor(
    lots: int, initial: int, maintenance: int
) -> None:
    house = pair(lots)

    numbers = house.state.assess(house.number("short"))

    assert (numbers.initial, numbers.maintenance) == (initial * COIN, maintenance * COIN)


@pytest.mark.rule("3.1", "3.6")
def test_open_orders_count_on_their_worst_side_for_initial_margin_only() -> None:
    house = pair(5)
    account = house.number("long")

    def initial(*lots: int) -> int:
        for size in lots:
            order = {"account": account, "instrument": 0, "lots": size, "limit_ticks": 100}
            house.submit(command.RESERVE_MARGIN.row(**order))
        numbers = house.state.assess(account)
        assert (numbers.maintenance, numbers.notional) == (25 * COIN, 500 * COIN)
        return numbers.initial // COIN

    assert initial() == 50
    assert initial(2) == 70  # long 7 if bought
    assert initial(-10) == 70  # short 5 if sold: less than 7
    assert initial(-4) == 90  # short 9 if all is sold


@pytest.mark.rule("3.1", "3.6")
def test_margin_reserved_without_a_position_asks_for_initial_margin() -> None:
    house = pair(5)
    house.open_client("other", deposit=100 * COIN)
    number = house.number("other")

    house.submit(command.RESERVE_MARGIN.row(account=number, instrument=0, lots=-3, limit_ticks=100))

    numbers = house.state.assess(number)
    assert (numbers.initial, numbers.maintenance, numbers.notional) == (30 * COIN, 0, 0)


@pytest.mark.rule("3.20")
def test_a_debt_in_another_asset_gets_no_haircut() -> None:
    house = pair()
    number = house.number("long")
    house.state.accounts.balance[number, 1] = -2 * E8

    numbers = house.state.assess(number)

    assert numbers.equity == numbers.net == (1_000 - 200) * COIN


@pytest.mark.rule("1.4")
def test_credits_round_down_and_requirements_round_up() -> None:
    house = ClearingHouse(assets=(("BTC", 8, 1_000),))
    house.list_contract(unit=1, tiers=((0, 100_000, 33_333),))
    for name in ("long", "short"):
        house.open_client(name, deposit=1_000)
        house.deposit(name, 11, asset=1)
    house.price(100)
    house.trade("long", "short", lots=1, ticks=100)

    numbers = house.state.assess(house.number("long"))

    # At 100 a satoshi is worth one ledger unit: 11 are 9.9 after their haircut.
    assert (numbers.equity, numbers.net) == (1_009, 1_011)
    assert numbers.maintenance == 4  # 3.3333


@pytest.mark.rule("3.3")
def test_without_a_mark_only_pending_cash_counts() -> None:
    house = pair()
    number = house.number("long")
    house.state.marks.mark[0] = 0

    numbers = house.state.assess(number)

    assert numbers.net == (1_000 - 500 + 100) * COIN
    assert (numbers.initial, numbers.maintenance, numbers.notional) == (0, 0, 0)


@pytest.mark.rule("2.2", "3.2")
def test_an_inverse_contract_is_worth_coins_at_the_index() -> None:
    house = ClearingHouse(assets=(("BTC", 8, 0),))
    house.list_contract(form=2, settlement_asset=1, unit=100 * E8)  # a lot is 100 USD
    for name in ("long", "short"):
        house.open_client(name)
        house.deposit(name, E8, asset=1)
    house.price(10_000)
    house.trade("long", "short", lots=50, ticks=10_000)

    house.price(12_500)

    numbers = house.state.assess(house.number("long"))
    # 5,000 USD are 0.5 BTC at 10,000 and 0.4 BTC at 12,500: a gain of 0.1 BTC, or 1,250.
    assert numbers.net == (12_500 + 1_250) * COIN
    assert numbers.gain == 1_250 * COIN
    assert numbers.notional == 5_000 * COIN
    assert numbers.maintenance == 250 * COIN


@pytest.mark.rule("1.5")
def test_all_accounts_at_once_are_the_accounts_one_by_one() -> None:
    house = pair()
    house.price(107)
    house.state.accounts.balance[house.number("short"), 1] = -E8  # a debt asks for margin too
    columns = (
        EQUITY, NET, INITIAL, MAINTENANCE, NOTIONAL, GAIN, UNPROVEN, DEBT_INITIAL, DEBT_MAINTENANCE,
        SHORTS,
    )  # fmt: skip

    table = house.state.assess_all()

    assert len(table) == house.state.accounts.count
    for account, row in enumerate(table):
        assert house.state.assess(account) == tuple(row[column] for column in columns)


@pytest.mark.rule("1.5")
def test_dropping_caches_and_sorting_rows_changes_no_number_and_no_digest() -> None:
    house = pair()
    house.price(107)
    x = house.state
    before, digest = x.assess_all(), house.engine.state.digest()
    layout = x.layout

    x.drop_caches()

    assert (x.assess_all() == before).all()
    assert house.engine.state.digest() == digest
    assert x.layout > layout
    suspense = int(x.instruments.suspense[0])
    assert x.positions.account[suspense] == house.number("SETTLEMENT")
    house.price(107, at_ns=START + 2 * HOUR)  # a cycle after rows moved
    assert house.balance("long") == 1_035 * COIN


def test_a_copy_lives_on_by_itself() -> None:
    house = pair()
    x = house.state
    twin = x.copy()

    twin.accounts.balance[house.number("long"), 0] = 0
    twin.now_ns += 1
    twin.parameters[Parameter.SLICE_PPM] = 5

    assert house.balance("long") == 1_000 * COIN
    assert twin.now_ns == x.now_ns + 1
    assert x.parameter(Parameter.SLICE_PPM) != 5
    assert twin.single(Role.CUSTODY) == x.single(Role.CUSTODY)


@pytest.mark.rule("2.10", "6.35")
def test_sums_over_a_group_stay_within_the_bounds_of_one_account() -> None:
    house = ClearingHouse()
    for name in ("A", "B"):
        house.open_client(name)
    a = house.number("A")
    for k in range(20):
        sub = {"reference": f"A{k}", "account": a, "mode": 1, "group": a, "netting_set": a}
        house.submit(command.OPEN_SUB_ACCOUNT.row(**sub))
    x, accounts = house.state, list(house.state.group_accounts(a))
    x.accounts.encumbered[[*accounts, house.number("B")]] = 7
    x.accounts.window_gain[[*accounts, house.number("B")]] = -3

    assert (x.encumbered(a), x.encumbered(house.number("B"))) == (21 * 7, 7)
    gains = x.window_gains()
    assert (gains[accounts].tolist(), gains[house.number("B")]) == ([-63] * 21, -3)
    x.accounts.encumbered[accounts] = 2**60
    for size in (2**60, -(2**60)):
        x.accounts.window_gain[accounts] = size
        assert x.window_gains()[accounts].tolist() == [size] * 21
    assert x.encumbered(accounts[-1]) == 2**60
