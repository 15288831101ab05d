from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from novate.book.account import put_into_group
from novate.engine.recover import audit, recover
from novate.kernel.clearing.group import GROUP_MAX
from novate.kernel.codes import AccountStatus, MarginMode
from novate.message import command
from novate.message.parameter import Parameter, Scope, set_parameter
from novate.message.refusal import ReserveMarginRefusal
from novate.message.refusal import SetMarginGroupRefusal as No
from tests.tiny_model import PLUGINS
from tests.unit.clearing import COIN, DAY, ClearingHouse


def hedge_house(
    deposit: int = 1_000, *, group: bool = True, is_netted: bool = True, **terms: int
) -> Any:
    """A and its sub-account A2 have one pool; B is the other side of everything; X is at 100."""
    house = ClearingHouse(plugins=PLUGINS)
    house.list_contract("X", **terms)
    house.list_contract("Y")
    house.open_client("A", deposit=deposit * COIN)
    house.open_client("B", deposit=100_000 * COIN)
    open_sub(house, "A2", "A", group="A" if group else "", netting_set="A" if is_netted else "")
    house.price(100)
    return house


def open_sub(
    house: ClearingHouse, name: str, of: str, *, group: str = "", netting_set: str = "",
    mode: int = MarginMode.CROSS, allow_refusals: bool = False,
) -> None:  # fmt: skip
    row = {
        "reference": name, "account": house.number(of), "mode": mode,
        "group": house.number(group) if group else -1,
        "netting_set": house.number(netting_set) if netting_set and group else -1,
    }  # fmt: skip
    house.submit(command.OPEN_SUB_ACCOUNT.row(**row), allow_refusals=allow_refusals)


def set_group(
    house: ClearingHouse, account: str, group: str, netting_set: str, *, allow: bool = False
) -> None:
    row = {
        "account": house.number(account),
        "group": house.number(group),
        "netting_set": house.number(netting_set),
    }
    house.submit(command.SET_MARGIN_GROUP.row(**row), allow_refusals=allow)


def numbers(house: ClearingHouse) -> list[tuple[int, int]]:
    """The number that broke and the one allowed, of each refusal of the last call."""
    rows = house.events("CommandRefused", last=True)
    return [(row["actual"], row["allowed"]) for row in rows]


def asked(house: ClearingHouse, name: str = "A") -> tuple[int, int, int]:
    """Equity, initial and maintenance margin in whole coins."""
    n = house.state.assess(house.number(name))
    return n.equity // COIN, n.initial // COIN, n.maintenance // COIN


@pytest.mark.rule("6.35", "6.36")
def test_opposite_positions_of_one_netting_set_offset_each_other() -> None:
    house = hedge_house()
    house.trade("A", "B", lots=40, ticks=100)
    assert asked(house) == asked(house, "A2") == (1_000, 400, 200)

    house.trade("B", "A2", lots=30, ticks=100)

    assert asked(house) == asked(house, "A2") == (1_000, 100, 50)
    assert (house.lots("A"), house.lots("A2")) == (40, -30)


@pytest.mark.rule("6.35")
def test_netting_sets_of_one_group_share_collateral_but_not_positions() -> None:
    house = hedge_house(is_netted=False)
    house.trade("A", "B", lots=40, ticks=100)
    house.trade("B", "A2", lots=30, ticks=100)

    assert asked(house, "A2") == (1_000, 700, 350)
    house.price(110)
    assert asked(house) == (1_100, 770, 385)  # 400 gained in one account, 300 lost in the other


@pytest.mark.rule("6.35")
def test_a_debt_of_one_account_is_met_by_the_cash_of_another() -> None:
    house = hedge_house()
    house.submit(set_parameter(Parameter.DEBT_INTEREST_PPM, 0))
    house.deposit("A2", 500 * COIN)
    house.trade("A", "B", lots=40, ticks=100)
    house.trade("B", "A2", lots=40, ticks=100)
    house.price(150)
    house.advance(house.state.now_ns + DAY)
    house.price(150)

    assert (house.balance("A"), house.balance("A2")) == (3_000 * COIN, -1_500 * COIN)
    assert house.status("A2") == AccountStatus.OPEN
    assert asked(house) == (1_500, 0, 0)


@pytest.mark.rule("6.30", "6.31")
def test_a_sub_account_has_what_its_holder_has_and_is_empty() -> None:
    house = hedge_house(group=False)
    a, first, other = house.state.accounts, house.number("A"), house.number("A2")

    for name in ("role", "parent", "segregation", "shortfall_policy", "payer", "pool"):
        assert getattr(a, name)[other] == getattr(a, name)[first], name
    assert a.pool[first] == first
    assert a.payer[first] == house.number("M")
    assert [a.margin_group[other], a.netting_set[other]] == [other, other]
    assert asked(house, "A2") == (0, 0, 0)


@pytest.mark.rule("3.29", "6.34")
def test_an_account_that_joins_a_group_gets_its_margin_model() -> None:
    house = hedge_house(group=False)
    house.set_model("A", 1)

    set_group(house, "A2", "A", "A2")

    assert house.state.accounts.margin_model[house.number("A2")] == 1
    assert house.events("MarginGroupSet")[-1]["requirement"] == 0


@pytest.mark.rule("6.34", "6.58")
def test_a_group_that_an_account_leaves_must_do_without_it() -> None:
    house = hedge_house()
    house.deposit("A2", 600 * COIN)
    house.trade("A", "B", lots=120, ticks=100)
    assert asked(house) == (1_600, 1_200, 600)

    set_group(house, "A2", "A2", "A2", allow=True)

    assert house.refusals() == [No.INSUFFICIENT_MARGIN]
    assert numbers(house) == [(1_000 * COIN, 1_260 * COIN)]  # with the cost of liquidation
    assert asked(house, "A2") == (1_600, 1_200, 600)
    house.deposit("A", 260 * COIN)
    set_group(house, "A2", "A2", "A2")
    assert asked(house, "A2") == (600, 0, 0)
    assert asked(house) == (1_260, 1_200, 600)


@pytest.mark.rule("6.34")
def test_an_account_that_joins_must_not_pull_its_group_below_initial_margin() -> None:
    house = hedge_house(group=False)
    house.deposit("A2", 100 * COIN)
    house.trade("A2", "B", lots=10, ticks=100)
    house.trade("A", "B", lots=100, ticks=100)
    house.price(95)  # A2 has 50 and keeps its 47.5, but is short of its initial margin of 95
    assert house.status("A2") == house.status("A") == AccountStatus.OPEN

    set_group(house, "A2", "A", "A", allow=True)

    assert house.refusals() == [No.INSUFFICIENT_MARGIN]
    assert numbers(house) == [(550 * COIN, 1_045 * COIN)]
    house.deposit("A", 495 * COIN)
    set_group(house, "A2", "A", "A")


def _isolated(house: ClearingHouse) -> None:
    open_sub(house, "A3", "A", mode=MarginMode.ISOLATED)


def _full(house: ClearingHouse) -> None:
    for k in range(GROUP_MAX - 2):
        open_sub(house, f"S{k}", "A", group="A")
    open_sub(house, "A3", "A")


def _alone(house: ClearingHouse) -> None:
    open_sub(house, "A3", "A")


@pytest.mark.rule("6.33")
@pytest.mark.parametrize(
    ("prepare", "row", "code"),
    [
        (None, ("M", "A", "A"), No.UNKNOWN_ACCOUNT),
        (None, ("A2", "M", "A"), No.UNKNOWN_GROUP),
        (_alone, ("A3", "A2", "A3"), No.UNKNOWN_GROUP),
        (None, ("B", "A", "B"), No.OTHER_POOL),
        (_isolated, ("A3", "A", "A3"), No.ISOLATED_IN_GROUP),
        (_full, ("A3", "A", "A3"), No.GROUP_FULL),
        (_alone, ("A3", "A", "B"), No.UNKNOWN_NETTING_SET),
        (_alone, ("A3", "A3", "A"), No.UNKNOWN_NETTING_SET),
        (_alone, ("A", "A3", "A"), No.FIRST_OF_OTHERS),
        (_alone, ("A", "A", "A2"), No.UNKNOWN_NETTING_SET),
    ],
)
def test_a_place_that_an_account_may_not_have_is_refused(
    prepare: Callable[[ClearingHouse], None] | None, row: tuple[str, str, str], code: No
) -> None:
    house = hedge_house()
    if prepare is not None:
        prepare(house)

    set_group(house, *row, allow=True)

    assert house.refusals() == [code]


@pytest.mark.rule("6.33")
def test_the_account_that_a_netting_set_began_with_stays_in_it() -> None:
    house = hedge_house()
    open_sub(house, "A3", "A", group="A")

    set_group(house, "A", "A", "A3", allow=True)

    assert house.refusals() == [No.FIRST_OF_OTHERS]
    set_group(house, "A2", "A", "A3")
    set_group(house, "A", "A", "A3")
    assert house.state.accounts.netting_set[house.number("A")] == house.number("A3")


@pytest.mark.rule("6.34")
def test_nobody_changes_groups_while_a_price_that_counts_is_blocked() -> None:
    house = hedge_house()
    house.trade("A", "B", lots=40, ticks=100)
    house.advance(house.state.now_ns + DAY)

    set_group(house, "A2", "A2", "A2", allow=True)

    assert house.refusals() == [No.PRICE_BLOCKED]


@pytest.mark.rule("6.34")
def test_a_hedge_is_not_taken_apart_while_its_price_is_blocked() -> None:
    house = hedge_house()
    house.trade("A", "B", lots=40, ticks=100)
    house.trade("B", "A2", lots=40, ticks=100)
    assert asked(house) == (1_000, 0, 0)
    house.advance(house.state.now_ns + DAY)

    set_group(house, "A2", "A", "A2", allow=True)

    assert house.refusals() == [No.PRICE_BLOCKED]


@pytest.mark.rule("4.25", "6.34")
def test_a_group_that_is_called_is_named_before_a_price_that_is_blocked() -> None:
    house = hedge_house(group=False)
    house.trade("A", "B", lots=40, ticks=100)
    house.advance(house.state.now_ns + DAY)
    house.state.accounts.status[house.number("A2")] = AccountStatus.CALLED

    set_group(house, "A", "A2", "A", allow=True)

    assert house.refusals() == [No.NOT_OPEN]


@pytest.mark.rule("6.34", "6.36", "15.5")
def test_what_orders_of_a_group_hold_stays_within_2_to_the_60() -> None:
    house = hedge_house(group=False)
    a, first, other = house.state.accounts, house.number("A"), house.number("A2")
    a.open_order_hold[first] = 2**59
    a.open_order_hold[other] = 2**59 + 1

    set_group(house, "A2", "A", "A2", allow=True)

    assert house.refusals() == [No.AMOUNT_TOO_LARGE]
    assert numbers(house) == [(2**60 + 1, 2**60)]
    a.open_order_hold[other] = 2**59
    put_into_group(house.state, other, first, other)
    order = {"account": first, "instrument": 0, "limit_ticks": 101, "lots": 1}
    house.submit(command.RESERVE_MARGIN.row(**order), allow_refusals=True)
    assert house.refusals() == [ReserveMarginRefusal.AMOUNT_TOO_LARGE]


@pytest.mark.rule("6.37")
def test_a_first_order_of_an_account_counts_what_its_group_holds() -> None:
    house = hedge_house(deposit=10**7, lots_max=10**5)
    house.deposit("B", 10**15)
    most = 10**5
    house.trade("A", "B", lots=most - 10, ticks=100)
    order = {"account": house.number("A2"), "instrument": 0, "limit_ticks": 100}

    house.submit(command.RESERVE_MARGIN.row(**order, lots=11), allow_refusals=True)

    assert house.refusals() == [ReserveMarginRefusal.POSITION_LIMIT]
    assert numbers(house) == [(most + 1, most)]
    house.submit(command.RESERVE_MARGIN.row(**order, lots=10))


@pytest.mark.rule("6.45")
@pytest.mark.parametrize(
    ("model", "too_many", "lots", "initial"), [(0, 60, 50, 1_000), (1, 600, 400, 800)]
)
def test_a_trade_within_a_group_is_asked_for_the_margin_of_both_sides(
    model: int, too_many: int, lots: int, initial: int
) -> None:
    house = hedge_house(deposit=1_000, is_netted=False)
    house.set_model("A", model)

    house.submit(house.trade_run("A", "A2", lots=too_many, ticks=100), allow_refusals=True)

    assert numbers(house) == [(1_000 * COIN, 1_200 * COIN)]
    assert asked(house)[:2] == (1_000, 0)
    house.trade("A2", "A", lots=lots, ticks=100)
    assert asked(house)[:2] == (1_000, initial)


@pytest.mark.rule("6.45")
def test_a_trade_within_a_netting_set_costs_its_fees_alone() -> None:
    house = ClearingHouse()
    house.list_contract("X", taker_fee_ppm=1_000, maker_fee_ppm=0)
    house.open_client("A", deposit=9 * COIN)
    open_sub(house, "A2", "A", group="A", netting_set="A")
    house.price(100)

    house.trade("A", "A2", lots=40, ticks=100)

    assert (house.lots("A"), house.lots("A2")) == (40, -40)
    assert asked(house) == (5, 0, 0)


@pytest.mark.rule("6.45")
def test_a_trade_of_options_within_a_group_counts_the_short_and_no_premium() -> None:
    house = ClearingHouse()
    house.list_option(margin_rule=2)
    house.open_client("A", deposit=100 * COIN)
    open_sub(house, "A2", "A", group="A")
    house.price(100)
    house.smile(0.5)
    house.price(100)
    mark, short = int(house.state.marks.mark[0]), int(house.state.marks.short_initial[0])
    most = 100 * COIN // (short * COIN // 100)

    house.submit(house.trade_run("A", "A2", lots=most + 1, ticks=mark), allow_refusals=True)
    assert numbers(house) == [(100 * COIN, (most + 1) * short * COIN // 100)]
    house.trade("A", "A2", lots=most, ticks=mark)

    found = house.state.assess(house.number("A"))
    assert (found.equity, found.initial) == (100 * COIN, most * short * COIN // 100)


@pytest.mark.rule("6.37")
def test_sub_accounts_of_a_group_share_one_position_limit() -> None:
    house = hedge_house(deposit=10**7, lots_max=10**5)
    house.deposit("B", 10**15)
    most = 10**5
    house.trade("A", "B", lots=most - 10, ticks=100)

    house.submit(house.trade_run("B", "A2", lots=11, ticks=100), allow_refusals=True)

    assert numbers(house) == [(most + 1, most)]
    house.trade("B", "A2", lots=10, ticks=100)
    order = {"account": house.number("A2"), "instrument": 0, "limit_ticks": 100}
    house.submit(command.RESERVE_MARGIN.row(**order, lots=-1), allow_refusals=True)
    assert numbers(house) == [(most + 1, most)]
    house.submit(command.RESERVE_MARGIN.row(**order, lots=10))


@pytest.mark.rule("6.38")
def test_closing_one_leg_of_a_hedge_is_not_risk_reducing() -> None:
    house = hedge_house(deposit=410)
    house.trade("A", "B", lots=40, ticks=100)
    house.trade("B", "A2", lots=40, ticks=100)
    house.submit(command.WITHDRAW_COLLATERAL.row(
        account=house.number("A"), asset=0, amount=150 * COIN
    ))  # fmt: skip
    assert asked(house) == (260, 0, 0)

    # Alone, A would need its maintenance margin of 200 only; as part of the hedge it opens a risk.
    house.submit(house.trade_run("B", "A", lots=40, ticks=100), allow_refusals=True)

    assert numbers(house) == [(260 * COIN, 400 * COIN)]
    house.trade("B", "A", lots=26, ticks=100)
    house.trade("A2", "B", lots=26, ticks=100)


@pytest.mark.rule("6.15", "6.36")
def test_a_parameter_of_a_group_holds_for_all_its_accounts() -> None:
    house = hedge_house()
    row = {
        "parameter": Parameter.LIQUIDATION_COST_PPM, "scope": Scope.GROUP,
        "subject": house.number("A"), "value": 77, "effective_ns": 0,
    }  # fmt: skip
    house.submit(command.SET_PARAMETER.row(**row))

    number = house.number("A2")
    assert house.state.parameter(Parameter.LIQUIDATION_COST_PPM, account=number) == 77


def test_groups_come_back_by_recovery_and_audit() -> None:
    house = hedge_house()
    house.trade("A", "B", lots=40, ticks=100)
    house.trade("B", "A2", lots=30, ticks=100)
    open_sub(house, "A3", "A")
    set_group(house, "A3", "A", "A3")
    journal = house.engine.journal

    again = recover(journal, plugins=PLUGINS)

    assert again.state.digest() == house.state.digest()
    assert again.state.accounts.ring_of(house.number("A2")) == tuple(
        house.number(name) for name in ("A", "A2", "A3")
    )
    assert audit(journal, plugins=PLUGINS).digest == house.state.digest()
