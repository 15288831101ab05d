"""What the contracts of an asset come to: open interest, with the orders that could add to it."""

from __future__ import annotations

import pytest

from novate.canonical import Run
from novate.message import command
from novate.message.refusal import ReserveMarginRefusal, SubmitTradeRefusal
from tests.unit.clearing import START, ClearingHouse

MOST = 2**60
PART = MOST // 1_000
"""Lots of a contract of unit 1 and 1,000 ticks of which the whole bound is made."""


def wide_house() -> ClearingHouse:
    """A lot is worth one ledger unit at one tick and 1,000 at most; the price is one tick."""
    house = ClearingHouse()
    house.list_contract("X", unit=1, ticks_max=1_000, lots_max=PART)
    for name in "ABCDPQ":
        house.open_client(name, deposit=MOST // 100)
    house.price(1)
    return house


def fill_up(house: ClearingHouse, lots: int, *, instrument: int = 0) -> None:
    """Open lots between two pairs: one account could not hold all of them."""
    half = lots // 2
    house.trade("A", "B", lots=half, ticks=1, instrument=instrument)
    house.trade("P", "Q", lots=lots - half, ticks=1, instrument=instrument)


def reserve(house: ClearingHouse, account: str, lots: int, *, instrument: int = 0) -> Run:
    """An order at one tick."""
    row = {"account": house.number(account), "instrument": instrument, "limit_ticks": 1}
    return command.RESERVE_MARGIN.row(lots=lots, **row)


def refused(house: ClearingHouse, run: Run) -> list[tuple[int, int]]:
    """The numbers of the refusals by open interest to which a command leads."""
    house.submit(run, allow_refusals=True)
    codes = (
        SubmitTradeRefusal.OPEN_INTEREST_TOO_LARGE,
        ReserveMarginRefusal.OPEN_INTEREST_TOO_LARGE,
    )
    assert set(house.refusals()) <= set(codes)
    return [(r["actual"], r["allowed"]) for r in house.events("CommandRefused", last=True)]


@pytest.mark.rule("15.60", "15.61", "15.62")
def test_a_trade_that_brings_the_open_interest_over_the_bound_is_refused() -> None:
    house = wide_house()
    fill_up(house, PART - 10)

    # 1,000 units a lot: eleven lots more come to (PART + 1) * 1,000, ten lots just fit.
    beyond = house.trade_run("C", "D", lots=11, ticks=1)
    assert refused(house, beyond) == [((PART + 1) * 1_000, MOST)]
    assert refused(house, house.trade_run("C", "D", lots=10, ticks=1)) == []
    assert refused(house, house.trade_run("C", "D", lots=1, ticks=1)) == [
        ((PART + 1) * 1_000, MOST)
    ]


@pytest.mark.rule("15.62")
def test_lots_change_hands_and_are_closed_at_the_bound() -> None:
    house = wide_house()
    fill_up(house, PART)

    assert refused(house, house.trade_run("C", "A", lots=500, ticks=1)) == []
    assert refused(house, house.trade_run("B", "C", lots=500, ticks=1)) == []
    assert house.lots("B") == 500 - PART // 2
    assert refused(house, house.trade_run("C", "D", lots=501, ticks=1)) == [
        ((PART + 1) * 1_000, MOST)
    ]


@pytest.mark.rule("15.60", "15.62", "15.63")
def test_a_fill_of_two_orders_is_never_refused_for_the_open_interest() -> None:
    house = wide_house()
    fill_up(house, PART - 10)
    house.submit(reserve(house, "C", 10), reserve(house, "D", -10))

    assert refused(house, reserve(house, "A", 1)) == [((PART + 1) * 1_000, MOST)]
    assert refused(house, reserve(house, "B", -1)) == [((PART + 1) * 1_000, MOST)]
    fill = house.trade_run("C", "D", lots=10, ticks=1, buyer_reservation=1, seller_reservation=2)
    assert refused(house, fill) == []
    assert house.lots("D") == -10


@pytest.mark.rule("15.62")
def test_who_meets_an_order_without_one_adds_to_its_own_side() -> None:
    house = wide_house()
    fill_up(house, PART - 10)
    house.submit(reserve(house, "C", 10), reserve(house, "D", -10))

    # C's ten lots are committed, but A's sale leaves D's order to open ten lots on top.
    taker = house.trade_run("C", "B", lots=10, ticks=1, buyer_reservation=1)
    assert refused(house, taker) == [((PART + 10) * 1_000, MOST)]
    # Who sells what it has opens nothing.
    assert refused(house, house.trade_run("C", "A", lots=10, ticks=1, buyer_reservation=1)) == []


@pytest.mark.rule("15.60", "15.63")
def test_an_order_that_closes_its_position_is_granted_at_the_bound() -> None:
    house = wide_house()
    fill_up(house, PART)

    assert refused(house, reserve(house, "A", -(PART // 2))) == []
    assert refused(house, reserve(house, "B", PART // 2)) == []
    # One more would turn the position round: a lot short beyond the bound.
    assert refused(house, reserve(house, "C", -1)) == [((PART + 1) * 1_000, MOST)]


@pytest.mark.rule("15.61")
def test_the_contracts_of_an_asset_share_its_bound_and_other_assets_have_their_own() -> None:
    house = wide_house()
    coin = {"form": 2, "settlement_asset": 1, "unit": 1_000, "ticks_max": 1_000, "lots_max": PART}
    house.list_contract("COIN", **coin)
    house.list_contract("Y", unit=1, ticks_max=1_000, lots_max=PART)
    for name in "AB":
        house.deposit(name, MOST // 100, asset=1)
    house.price(1)
    house.trade("A", "B", lots=PART // 2, ticks=1)

    # An inverse lot reaches its unit, 1,000 units of the coin: none of the numeraire's.
    assert refused(house, house.trade_run("A", "B", lots=1_000, ticks=1, instrument=1)) == []
    rest = PART - PART // 2
    more = house.trade_run("C", "D", lots=rest + 1, ticks=1, instrument=2)
    assert refused(house, more) == [((PART + 1) * 1_000, MOST)]
    assert refused(house, house.trade_run("C", "D", lots=rest, ticks=1, instrument=2)) == []


@pytest.mark.rule("15.61")
def test_a_contract_that_is_over_counts_no_more() -> None:
    house = wide_house()
    house.list_contract("F", unit=1, ticks_max=1_000, lots_max=PART, expiry_ns=START + 60 * 10**9)
    house.price(1)
    fill_up(house, 3 * PART // 4, instrument=1)
    fill_up(house, PART // 4)
    more = PART + 1 - (3 * PART // 4 + PART // 4)
    beyond = house.trade_run("C", "D", lots=more, ticks=1)
    assert refused(house, beyond) == [((PART + 1) * 1_000, MOST)]

    house.price(1, at_ns=START + 60 * 10**9)

    fill_up(house, PART - PART // 4)
    house.state.require_sound()


@pytest.mark.rule("15.62", "15.63")
def test_no_contract_uses_up_the_share_of_another() -> None:
    # Two contracts: a quarter of the bound is the share of each, whatever the other one comes to.
    house = wide_house()
    house.list_contract("Y", unit=1, ticks_max=1_000, lots_max=PART)
    house.price(1)
    share = PART // 4
    fill_up(house, PART - share - 1)

    beyond = [(PART - share + 1) * 1_000 + MOST // 4]
    found = refused(house, house.trade_run("C", "D", lots=2, ticks=1))
    assert [actual for actual, _ in found] == beyond
    assert [actual for actual, _ in refused(house, reserve(house, "C", 2))] == beyond
    assert refused(house, reserve(house, "C", 1)) == []
    fill_up(house, share, instrument=1)
    found = refused(house, house.trade_run("C", "D", lots=1, ticks=1, instrument=1))
    assert found == [((PART + 1) * 1_000, MOST)]
    house.state.require_sound()


def test_rows_of_one_run_see_what_the_rows_before_them_added() -> None:
    house = wide_house()
    row = house.trade_run("A", "B", lots=PART // 3 + 1, ticks=1)
    names = [name for name, _ in row.columns]
    three = command.SUBMIT_TRADE.run(
        {n: [c[0]] * 3 for n, c in zip(names, (c for _, c in row.columns), strict=True)}
    )

    house.submit(three, allow_refusals=True)

    assert [r["row"] for r in house.events("CommandRefused", last=True)] == [2]
    assert house.lots("A") == 2 * (PART // 3 + 1)


def test_the_totals_of_the_rows_are_those_that_the_bookings_keep() -> None:
    house = wide_house()
    house.trade("A", "B", lots=70, ticks=1)
    house.submit(reserve(house, "A", -100), reserve(house, "B", 30), reserve(house, "C", 5))
    house.trade("C", "A", lots=20, ticks=1)
    p = house.state.positions

    # Long: A 50, C 20 + 5, B's order closes.  Short: B 70, A 100 - 50.
    assert (p.long_lots[0], p.short_lots[0]) == (75, 120)
    assert [column.tolist() for column in p.sum_open(1)] == [[75], [120]]
    house.submit(command.RELEASE_MARGIN.row(reservation=1))
    assert (p.long_lots[0], p.short_lots[0]) == (75, 70)
    assert house.balance("A") == MOST // 100
