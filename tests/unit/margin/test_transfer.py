from __future__ import annotations

from typing import Any

import pytest

from novate.engine.recover import audit, recover
from novate.kernel.clearing.settle import row_of
from novate.kernel.codes import MarginMode
from novate.message import command
from novate.message.refusal import TransferPositionRefusal as No
from tests.tiny_model import PLUGINS
from tests.unit.clearing import COIN, E8, HOUR, START, ClearingHouse
from tests.unit.transfers import asked, holder_house, move, numbers, open_sub, order, send

COSTS = ("lots", "entry_cost", "settlement_cost", "realised")


def ready(**given: Any) -> ClearingHouse:
    """A is long 10 of X at 100, and A2 can pay for some."""
    house = holder_house(**given)
    house.deposit("A2", 500 * COIN)
    house.trade("A", "B", lots=10, ticks=100)
    return house


def costs(house: ClearingHouse, account: str, instrument: int = 0) -> list[int]:
    """Lots, and costs in whole coins."""
    found = house.position(account, instrument)
    return [found["lots"], *(found[name] // COIN for name in COSTS[1:])]


def both(house: ClearingHouse, *names: str, instrument: int = 0) -> list[int]:
    """Sums of lots and costs over some accounts, to the unit."""
    found = [house.position(name, instrument) for name in names or ("A", "A2")]
    return [sum(position[name] for position in found) for name in COSTS]


@pytest.mark.rule("7.42", "7.43")
def test_a_whole_position_moves_with_whole_costs_and_its_profit_stays_unrealised() -> None:
    house = ready()
    house.price(110)
    before, cash = both(house), house.balance("A")

    assert move(house, "A", "A2", 10) == []

    assert costs(house, "A") == [0, 0, 0, 0]
    assert costs(house, "A2") == [10, 1_000, 1_000, 0]
    assert both(house) == before
    assert (house.balance("A"), house.balance("FEES")) == (cash, 0)
    assert (asked(house, "A"), asked(house, "A2")) == ((1_000, 0), (600, 110))


@pytest.mark.rule("7.43")
@pytest.mark.parametrize("sign", [1, -1])
def test_costs_go_along_pro_rata_and_what_does_not_divide_stays(sign: int) -> None:
    house = holder_house()
    house.deposit("A2", 500 * COIN)
    sides = ("A", "B") if sign > 0 else ("B", "A")
    house.trade(*sides, lots=2, ticks=100)
    house.trade(*sides, lots=1, ticks=101)
    cost = house.position("A")["entry_cost"]
    assert abs(cost) == 301 * COIN
    before = both(house)

    assert move(house, "A", "A2", sign * 2) == []

    moved = house.position("A2")
    assert moved["entry_cost"] == moved["settlement_cost"] == sign * (602 * COIN // 3)
    assert both(house) == before
    assert move(house, "A", "A2", sign) == []
    assert house.position("A2")["entry_cost"] == cost
    assert both(house) == before


@pytest.mark.rule("7.43")
def test_a_receiver_that_holds_some_gets_more_and_realised_profit_stays() -> None:
    house = ready()
    house.trade("A2", "B", lots=4, ticks=90)
    house.trade("B", "A", lots=2, ticks=130)
    assert costs(house, "A") == [8, 800, 740, 60]
    before = both(house)

    assert move(house, "A", "A2", 4) == []

    assert costs(house, "A") == [4, 400, 370, 60]
    assert costs(house, "A2") == [8, 760, 730, 0]
    assert both(house) == before


@pytest.mark.rule("7.43")
@pytest.mark.parametrize("terms", [{"style": 2}, {"form": 2, "settlement_asset": 1, "unit": E8}])
def test_what_is_settled_at_the_close_or_in_coin_moves_to_the_unit(terms: dict[str, int]) -> None:
    house = holder_house()
    y = house.list_contract("Y", **terms)
    for name in ("A", "A2", "B"):
        house.deposit(name, 100 * E8, asset=1)
    house.price(100, at_ns=START + HOUR)
    house.trade("A", "B", lots=7, ticks=97, instrument=y)
    house.trade("B", "A", lots=2, ticks=103, instrument=y)
    house.assess()  # the cycle that had waited for a price is settled (rule 6.110)
    before = both(house, instrument=y)

    assert move(house, "A", "A2", 3, y) == []

    assert (house.lots("A", y), house.lots("A2", y)) == (2, 3)
    assert both(house, instrument=y) == before
    house.trade("B", "A2", lots=3, ticks=100, instrument=y)
    house.trade("B", "A", lots=2, ticks=100, instrument=y)
    assert both(house, instrument=y)[:2] == [0, 0]
    house.advance(START + 3 * HOUR)
    assert both(house, instrument=y)[2] == 0


@pytest.mark.rule("4.25", "7.42", "7.44", "7.46", "7.48")
def test_a_transfer_is_refused_in_the_order_of_the_codes() -> None:
    house = ready()
    y = house.list_contract("Y")
    open_sub(house, "A3", "A", mode=MarginMode.ISOLATED)
    house.deposit("A3", 500 * COIN)
    house.price(100)
    house.trade("A3", "B", lots=1, ticks=100, instrument=y)
    assert order(house, "A", -10, 100) == []
    x = house.state
    x.assets.is_stale[1] = True
    before = x.digest()

    assert move(house, "A", "B", 0, 9) == [No.OTHER_POOL]
    assert move(house, "A", "A2", 0, 9) == [No.UNKNOWN_INSTRUMENT]
    for lots in (0, -1, 11):
        assert move(house, "A", "A3", lots) == [No.LOTS_OUT_OF_RANGE]
        assert numbers(house) == (lots, 10)
    assert move(house, "A2", "A", 1) == [No.LOTS_OUT_OF_RANGE]
    assert move(house, "A", "A3", 10) == [No.ISOLATED_ELSEWHERE]
    x.instruments.lots_max[0] = 4
    assert move(house, "A", "A2", 5) == [No.POSITION_LIMIT]
    assert numbers(house) == (5, 4)
    x.instruments.lots_max[0] = 10**6
    assert move(house, "A", "A2", 5) == [No.ORDERS_UNCOVERED]
    assert numbers(house) == (10, 5)
    assert x.digest() == before
    house.submit(command.RELEASE_MARGIN.row(reservation=1))
    assert move(house, "A", "A2", 5) == [No.PRICE_BLOCKED]
    x.assets.is_stale[1] = False
    assert move(house, "A", "A2", 10) == []
    assert move(house, "A2", "A", 10) == []


@pytest.mark.rule("7.42")
def test_opposite_positions_do_not_meet_without_a_price() -> None:
    house = ready()
    house.trade("B", "A2", lots=2, ticks=100)

    assert move(house, "A", "A2", 1) == [No.OPPOSITE_POSITION]
    assert numbers(house) == (1, -2)
    assert move(house, "A2", "A", -1) == [No.OPPOSITE_POSITION]
    house.trade("A2", "A", lots=2, ticks=100)  # the two may trade at the market
    assert move(house, "A", "A2", 1) == []


@pytest.mark.rule("4.25")
def test_a_refused_transfer_leaves_no_trace_of_having_been_tried() -> None:
    house = ready()
    open_sub(house, "A3", "A")
    x = house.state
    before, rows = x.digest(), x.positions.count

    assert move(house, "A", "A3", 10) == [No.INSUFFICIENT_MARGIN]

    assert (x.digest(), x.positions.count) == (before, rows)
    x.require_sound()
    house.deposit("A3", 500 * COIN)
    assert move(house, "A", "A3", 10) == []
    assert house.lots("A3") == 10
    assert recover(house.engine.journal, plugins=PLUGINS).state.digest() == x.digest()


@pytest.mark.rule("4.25")
def test_a_refused_transfer_leaves_lists_and_index_whole_at_every_size_of_the_table() -> None:
    house = ready()
    open_sub(house, "A3", "A")
    x, positions = house.state, house.state.positions
    more = house.list_contract("Y")
    for k in range(positions.capacity):
        # Listing makes a row of the settlement account: the table fills up one by one.
        house.list_contract(f"Y{k}")
        assert move(house, "A", "A3", 10) == [No.INSUFFICIENT_MARGIN]
        assert house.state.assess(house.number("A3")).equity == 0
    rows = range(positions.count)
    found = [
        int(row_of(positions.arrays(), int(positions.account[r]), int(positions.instrument[r])))
        for r in rows
    ]
    assert found == [*rows]
    listed: list[int] = []
    for head in x.accounts.used("head").tolist():
        row = head
        while row >= 0:
            listed.append(row)
            row = int(positions.link[row])
    assert sorted(listed) == [*rows]
    assert house.lots("A3", more) == 0


# 10 lots at 100: initial margin 100, and 1% of the notional of 1,000 for closing it.
@pytest.mark.rule("7.48")
def test_between_groups_the_receiver_holds_what_a_withdrawal_would_leave() -> None:
    house = holder_house()
    house.trade("A", "B", lots=10, ticks=100)
    house.deposit("A2", 110 * COIN - 1)

    assert move(house, "A", "A2", 10) == [No.INSUFFICIENT_MARGIN]
    assert numbers(house) == (110 * COIN - 1, 110 * COIN)
    house.deposit("A2", 1)
    assert move(house, "A", "A2", 10) == []


@pytest.mark.rule("7.48")
def test_between_groups_the_sender_keeps_what_the_rest_must_hold() -> None:
    house = holder_house()
    y, z = house.list_contract("Y"), house.list_contract("Z", cycle_ns=0)
    house.price(100)
    house.trade("A", "B", lots=80, ticks=100, instrument=y)
    house.trade("A", "B", lots=10, ticks=100, instrument=z)
    house.price(120, at_ns=START + HOUR)
    house.price(120, at_ns=START + 100 * HOUR)  # 1,800 are gained and proven
    house.assess()  # the cycle that had waited for a price is settled (rule 6.110)
    assert send(house, "A", "A2", 1_612 * COIN) == []  # what a withdrawal must leave stays: 11%

    assert move(house, "A", "A2", 10, z) == [No.INSUFFICIENT_MARGIN]
    assert numbers(house) == (988 * COIN, 1_056 * COIN)  # its gain of 200 would go with it
    assert send(house, "A2", "A", 68 * COIN) == []
    assert move(house, "A", "A2", 10, z) == []
    assert (asked(house, "A"), asked(house, "A2")) == ((1_056, 960), (1_744, 120))


@pytest.mark.rule("6.9", "7.48")
def test_between_groups_every_price_that_either_hangs_on_is_fresh() -> None:
    house = ClearingHouse(assets=(("BTC", 8, 0), ("ETH", 8, 0)), plugins=PLUGINS)
    house.list_contract("X")
    house.open_client("A", deposit=1_000 * COIN)
    house.open_client("B", deposit=10_000 * COIN)
    open_sub(house, "A2", "A")
    open_sub(house, "A3", "A", group="A")
    house.price(100, e8={1: 10 * E8})
    house.deposit("A2", 500 * COIN)
    house.trade("A", "B", lots=10, ticks=100)
    house.deposit("A2", E8, asset=2)
    house.state.assets.is_stale[2] = True

    assert move(house, "A", "A2", 5) == [No.INDEX_STALE]
    assert numbers(house) == (2, -1)
    assert move(house, "A", "A3", 5) == []


@pytest.mark.rule("7.47")
def test_in_one_netting_set_lots_move_whatever_the_group_must_hold() -> None:
    house = holder_house(group=True, is_netted=True)
    house.trade("A", "B", lots=95, ticks=100)
    house.state.accounts.balance[house.number("A"), 0] -= 100 * COIN
    before = house.state.assess(house.number("A"))
    assert before.equity < before.initial

    assert move(house, "A", "A2", 60) == []

    assert (house.lots("A"), house.lots("A2")) == (35, 60)
    assert house.state.assess(house.number("A2")) == before


@pytest.mark.rule("7.47")
def test_between_netting_sets_of_a_group_it_still_covers_initial_margin() -> None:
    house = holder_house(group=True)
    open_sub(house, "A3", "A", group="A", netting_set="A")
    house.trade("A", "B", lots=60, ticks=100)
    house.trade("B", "A3", lots=60, ticks=100)  # nothing is left of it in the netting set
    assert asked(house, "A") == (1_000, 0)

    assert move(house, "A", "A2", 51) == [No.INSUFFICIENT_MARGIN]
    assert numbers(house) == (1_000 * COIN, 1_020 * COIN)
    assert move(house, "A", "A2", 50) == []
    assert asked(house, "A") == (1_000, 1_000)
    assert move(house, "A2", "A", 50) == []
    assert asked(house, "A") == (1_000, 0)


@pytest.mark.rule("3.30", "7.48")
def test_the_margin_models_of_both_groups_are_asked() -> None:
    house = ready()
    house.set_model("A2", 1)  # a tenth of the notional, as the tiers ask, and a floor

    assert move(house, "A", "A2", 5) == []

    assert asked(house, "A2") == (500, 50)
    assert house.state.margin_cache.numbers()[house.number("A2")].tolist() == [
        500 * COIN, 50 * COIN, 25 * COIN,
    ]  # fmt: skip


@pytest.mark.rule("7.45")
def test_an_order_that_only_reduces_keeps_the_position_that_it_closes() -> None:
    house = ready()
    assert order(house, "A", -6, 100) == []

    assert move(house, "A", "A2", 5) == [No.ORDERS_UNCOVERED]
    assert numbers(house) == (6, 5)
    assert move(house, "A", "A2", 4) == []
    assert order(house, "A", 50, 100) == []  # an order of the other side does not matter
    house.trade("B", "A", lots=6, ticks=100, seller_reservation=1)
    assert house.lots("A") == 0


@pytest.mark.rule("6.38", "7.45")
def test_in_one_netting_set_orders_go_on_closing_what_moved() -> None:
    house = ready(group=True, is_netted=True)
    assert order(house, "A", -10, 100) == []

    assert move(house, "A", "A2", 10) == []

    house.trade("B", "A", lots=10, ticks=100, seller_reservation=1)
    assert asked(house, "A2") == (1_500, 0)


@pytest.mark.rule("7.44")
def test_the_receiver_stays_within_the_position_limit_its_own_orders_included() -> None:
    house = ready()
    house.state.instruments.lots_max[0] = 12
    assert order(house, "A2", 5, 100) == []

    assert move(house, "A", "A2", 8) == [No.POSITION_LIMIT]
    assert numbers(house) == (13, 12)
    assert move(house, "A", "A2", 7) == []


@pytest.mark.rule("6.37", "7.44")
def test_in_a_group_the_orders_of_the_sender_count_beside_what_the_receiver_holds() -> None:
    house = ready(group=True, is_netted=True)
    house.state.instruments.lots_max[0] = 15
    assert order(house, "A", -15, 100) == []

    assert move(house, "A", "A2", 5) == []  # 5 of A2, and 10 of A when its orders fill
    assert move(house, "A", "A2", 5) == [No.POSITION_LIMIT]
    assert numbers(house) == (25, 15)


@pytest.mark.rule("6.37", "7.29")
def test_the_first_order_of_an_account_counts_beside_the_others_of_its_group() -> None:
    house = ready(group=True)
    house.state.instruments.lots_max[0] = 15

    assert [code.name for code in order(house, "A2", 6, 100)] == ["POSITION_LIMIT"]
    assert numbers(house) == (16, 15)
    assert order(house, "A2", 5, 100) == []


@pytest.mark.rule("7.44", "15.2")
def test_no_group_grows_beyond_what_64_bits_hold() -> None:
    house = holder_house(deposit=10**9)
    y = house.list_contract("Y", lots_max=1_100_000)
    house.state.instruments.lots_max[0] = 1_100_000
    house.price(1_000)
    house.price(1_000, at_ns=START + HOUR)
    house.deposit("A2", 10**9 * COIN)
    for name in ("C", "D"):
        house.open_client(name, deposit=10**9 * COIN)
    house.trade("A", "C", lots=600_000, ticks=1_000)
    house.trade("A2", "D", lots=552_000, ticks=1_000, instrument=y)

    # A lot may be worth 10**12 units of the numeraire and cost 10**9: 552,000 of Y leave room for
    # 599,768 of X.
    assert move(house, "A", "A2", 600_000) == [No.AMOUNT_TOO_LARGE]
    [_, allowed] = numbers(house)
    assert allowed == 2**60
    assert move(house, "A", "A2", 599_000) == []


@pytest.mark.rule("7.44")
def test_a_receiver_whose_balance_is_beyond_the_bound_gets_no_position() -> None:
    house = ready()
    x = house.state
    x.accounts.balance[house.number("A2"), 0] = 2**60 + 1

    assert move(house, "A", "A2", 1) == [No.AMOUNT_TOO_LARGE]
    assert numbers(house) == (2**60 + 1, 2**60)


@pytest.mark.rule("14.2", "14.3")
def test_recovery_and_audit_repeat_transfers_of_positions() -> None:
    house = ready()
    house.price(120, at_ns=START + HOUR)
    for sender, receiver, lots in (("A", "A2", 3), ("A2", "A", 1), ("A", "A2", 8)):
        assert move(house, sender, receiver, lots) == []
    house.price(130, at_ns=START + 2 * HOUR)

    assert recover(house.engine.journal, plugins=PLUGINS).state.digest() == house.state.digest()
    assert audit(house.engine.journal, plugins=PLUGINS).digest == house.state.digest()
