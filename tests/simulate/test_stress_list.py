"""Days that nobody wants to see: whatever happens, the engine goes on and can say where it stands.

After each of them all sums are zero, the running totals are those of the rows, and the journal
recovers to the same state.  The long ones are marked ``soak``; each has a smaller twin that always
runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

from novate.engine.recover import recover
from novate.kernel.codes import AccountStatus, Layer, OrderKind, Role
from novate.message import command
from novate.message.parameter import Parameter
from novate.message.refusal import AdvanceTimeRefusal, SubmitTradeRefusal
from tests.unit.clearing import COIN, DAY, HOUR, MINUTE, START, ClearingHouse
from tests.unit.default_management.houses import rich_house

E8 = 10**8
MOST = 2**60


def require_decided(house: ClearingHouse) -> None:
    """Sums are zero, nothing is left to do, and recovery finds the same state."""
    x = house.state
    x.require_sound()
    assert not x.accounts.used("balance").sum(axis=0).any()
    recovered = recover(house.engine.journal, from_snapshot=False)
    assert recovered.state.digest() == x.digest()
    house.engine = recovered
    house.assess()


def open_clients(house: ClearingHouse, names: Iterable[str], deposit: int) -> None:
    """Open many clients in two runs."""
    names = list(names)
    parent = house.number(house.member)
    first = {"role": int(Role.CLIENT), "parent": parent, "segregation": 0, "mode": 1}
    columns: dict[str, Any] = {name: [value] * len(names) for name, value in first.items()}
    columns |= {"reference": names, "shortfall_policy": [1] * len(names)}
    house.submit(command.OPEN_ACCOUNT.run(columns))
    numbers = [house.number(name) for name in names]
    amounts = {"asset": [0] * len(names), "amount": [deposit] * len(names)}
    house.submit(command.POST_COLLATERAL.run({"account": numbers, **amounts}))


def trade_all(house: ClearingHouse, buyers: list[str], seller: str, lots: int, ticks: int) -> None:
    """Every buyer buys from one seller."""
    count = len(buyers)
    constant = {
        "seller": house.number(seller), "instrument": 0, "ticks": ticks, "lots": lots,
        "buyer_is_maker": False, "buyer_reservation": 0, "seller_reservation": 0,
    }  # fmt: skip
    columns: dict[str, Any] = {name: [value] * count for name, value in constant.items()}
    columns["buyer"] = [house.number(name) for name in buyers]
    house.submit(command.SUBMIT_TRADE.run(columns))


def bust_at_once(accounts: int) -> ClearingHouse:
    """Every client but one is long 10 at 500 on 600; the price halves between two assessments."""
    house = ClearingHouse(default_fund=1_000 * COIN)
    house.list_contract()
    longs = [f"L{k}" for k in range(accounts)]
    open_clients(house, longs, 600 * COIN)
    house.open_client("S", deposit=1_000 * COIN * accounts)
    house.price(500)
    trade_all(house, longs, "S", 10, 500)
    house.price(250)
    return house


def require_all_bust(house: ClearingHouse, accounts: int) -> None:
    """Each lost 2,500 of 600; the fund pays 1,000, the one winner all the rest."""
    status = house.state.accounts.used("status")
    assert (status == AccountStatus.TAKEN_OVER).sum() == accounts
    lost = accounts * 1_900 * COIN
    paid = sum(row["amount"] for row in house.events("LossAllocated") + house.events("GainsCut"))
    assert paid == lost
    require_decided(house)


def test_two_thousand_accounts_bust_at_once() -> None:
    require_all_bust(bust_at_once(2_000), 2_000)


@pytest.mark.soak
def test_a_hundred_thousand_accounts_bust_at_once() -> None:
    require_all_bust(bust_at_once(100_000), 100_000)


@pytest.mark.parametrize("last", [Layer.GAINS_HAIRCUT, Layer.AUTO_DELEVERAGING])
@pytest.mark.parametrize("factor", [0.0, 1_000.0, 2.0e6])
def test_a_price_falls_to_one_tick_or_rises_a_thousandfold_and_beyond_its_range(
    factor: float, last: Layer
) -> None:
    house = ClearingHouse(assets=(("BTC", 8, 0),))
    house.list_contract("LIN", ticks_max=10**6, lots_max=10**6)
    coin = {"form": 2, "settlement_asset": 1, "unit": 100 * E8, "ticks_max": 10**6}
    house.list_contract("INV", **coin)
    house.waterfall(last)
    for name in "ABCD":
        house.open_client(name, deposit=40_000 * COIN)
        house.deposit(name, 300 * E8, asset=1)
    house.price(500)
    house.trade("A", "B", lots=400, ticks=500)
    house.trade("C", "D", lots=500, ticks=500, instrument=1)

    price = max(int(500 * factor), 0) * E8
    for at in (price or 1, 500 * E8, price or 1):
        house.price(None, e8={0: at}, at_ns=house.state.now_ns + HOUR)
        answer_all(house, at)
        house.price(None, e8={0: at})
    require_decided(house)


def answer_all(house: ClearingHouse, price_e8: int) -> None:
    """The market fills every order at a price, in ticks as far as the contract goes."""
    rows = house.state.defaults.orders
    for row in rows.live().tolist():
        is_position = rows.kind[row] == OrderKind.POSITION
        price = min(max(price_e8 // E8, 1), 10**6) if is_position else price_e8
        fill = {"order": int(rows.number[row]), "quantity": abs(int(rows.quantity[row]))}
        house.submit(
            command.REPORT_FILL.row(**fill, price=price, is_final=True), allow_refusals=True
        )


def silent_house() -> ClearingHouse:
    """Cycles and funding every hour, one account that is being closed, one with a call."""
    house = ClearingHouse(default_fund=1_000 * COIN)
    house.list_contract(funding_ns=HOUR, funding_cap_e9=10**6, interest_e9=10**5)
    house.list_option("C", expiry_ns=START + 200 * DAY)
    for name in "AB":
        house.open_client(name, deposit=20_000 * COIN)
    house.open_client("C", deposit=5_000 * COIN)
    house.price(500)
    house.trade("A", "B", lots=100, ticks=500)
    house.trade("C", "B", lots=90, ticks=500)
    house.price(465)
    return house


def due_records(house: ClearingHouse) -> int:
    """Records that the last call led to."""
    return len(house.last)


@pytest.mark.rule("4.91", "4.92", "8.13")
def test_thirty_hours_of_silence_with_an_assessment_every_ten_minutes() -> None:
    house = silent_house()
    for minute in range(10, 30 * 60, 10):
        house.price(None, at_ns=START + minute * MINUTE)
    # Prices are fresh for two hours: two cycles, two fundings and a slice a minute until then.
    assert len(house.events("CycleSettled")) == len(house.events("FundingSettled")) == 2
    assert len(house.events("CyclePostponed")) == 2
    require_decided(house)

    house.price(465, at_ns=START + 30 * HOUR)

    assert len(house.events("CycleSettled")) == len(house.events("FundingSettled")) == 3
    require_decided(house)


@pytest.mark.rule("4.91", "4.92", "8.13", "15.73")
def test_a_year_in_one_step_ends_in_bounded_work() -> None:
    house = silent_house()

    house.advance(START + 366 * DAY)

    # Two hours of cycles, funding and slices, then one wait of each; interest three times a day,
    # and the orders that are out expire.
    kinds = [row["kind"] for row in house.events("CyclePostponed")]
    assert sorted(kinds) == sorted(set(kinds))
    assert due_records(house) < 3 * 366 + 200
    require_decided(house)
    house.price(465, at_ns=START + 366 * DAY)
    require_decided(house)


@pytest.mark.rule("4.2", "4.90")
def test_the_clock_goes_no_further_than_366_days_at_a_time() -> None:
    house = silent_house()
    now = house.state.now_ns
    far = (now + 366 * DAY + 1, 2**62, 2**63 - 1)

    for instant in far:
        house.submit(command.ADVANCE_TIME.row(instant_ns=instant), allow_refusals=True)
        assert house.refusals() == [AdvanceTimeRefusal.INSTANT_OUT_OF_RANGE]
        assert house.events("CommandRefused", last=True)[0]["allowed"] == now + 366 * DAY
        assert len(house.last) == 1
    require_decided(house)
    for _ in range(3):
        house.advance(house.state.now_ns + 366 * DAY)
    require_decided(house)


def test_every_fund_is_empty_and_so_is_the_winner() -> None:
    house = ClearingHouse()
    house.list_contract()
    for name in "AB":
        house.open_client(name, deposit=5_000 * COIN)
    house.price(500)
    house.trade("A", "B", lots=100, ticks=500)
    for price in (400, 1, 10**6, 1, 500):
        house.price(price, at_ns=house.state.now_ns + HOUR)
        answer_all(house, price * E8)
        house.price(price)
    require_decided(house)
    assert house.state.defaults.uncovered >= 0


def test_the_largest_collateral_coin_falls_to_a_hundred_millionth() -> None:
    house = ClearingHouse(assets=(("BTC", 8, 0), ("USDE", 6, 100)), default_fund=1_000 * COIN)
    house.list_contract()
    house.list_contract("COIN", settlement_asset=2)
    for name in "AB":
        house.open_client(name)
        house.deposit(name, 50_000 * COIN, asset=2)
    house.price(500, e8={1: E8})
    house.trade("A", "B", lots=100, ticks=500)
    house.trade("A", "B", lots=100, ticks=500, instrument=1)

    for price in (1, 10**17, 1):
        house.price(510, e8={1: price}, at_ns=house.state.now_ns + HOUR)
        answer_all(house, price)
        house.price(510, e8={1: price})
    require_decided(house)


@pytest.mark.rule("15.72", "15.73")
def test_premiums_at_their_limit_for_months() -> None:
    house = ClearingHouse()
    capped = {"funding_cap_e9": 10**9, "funding_damper_e9": 10**9, "basis_clamp_ppm": 10**6}
    house.list_contract(funding_ns=MINUTE, **capped, lots_max=10**6)
    house.list_contract("SLOW", funding_ns=30 * DAY, **capped)
    for name in "AB":
        house.open_client(name, deposit=10**9 * COIN)
    house.price(1, last={0: 10**6, 1: 10**6})
    for instrument in (0, 1):
        house.trade("A", "B", lots=10_000, ticks=1, instrument=instrument)
    for _ in range(5):
        house.price(1, at_ns=house.state.now_ns + 60 * DAY, last={0: 10**6, 1: 10**6})
    assert max(house.state.marks.used("premium_sum")) <= 30 * DAY // 10**6 * 10**9
    require_decided(house)


@pytest.mark.rule("15.72")
def test_funding_that_nobody_can_pay_any_more_stays_below_the_bound() -> None:
    house = ClearingHouse(parameters={Parameter.LIQUIDATION_FEE_PPM: 0})
    terms = {"unit": 1, "ticks_max": 1_000, "lots_max": MOST // 2_000, "funding_ns": HOUR}
    house.list_contract(**terms, funding_cap_e9=10**9, funding_damper_e9=10**9, interest_e9=10**9)
    for name in "AB":
        house.open_client(name, deposit=MOST // 4)
    house.price(100)
    house.trade("A", "B", lots=MOST // 2_000, ticks=100)
    for hour in range(1, 30):
        house.price(100, at_ns=START + hour * HOUR)
    # Longs pay B a twentieth of the bound each hour: A while it can, then the liquidator, whose
    # loss comes back to B.
    assert house.balance("B") < MOST
    require_decided(house)


@pytest.mark.rule("5.94", "11.28")
def test_a_colluding_account_keeps_the_last_price_of_an_insolvent_long_up() -> None:
    # 300 lots at 500 with 4,000 are 2,000 below zero at 480, and 5,200 above at the mark of 504.
    # Closed there in slices with a fee of 0.5 % they are 2,000 below zero and what they paid.
    house = ClearingHouse(parameters={Parameter.SLICE_FLOOR: 0})
    house.list_contract(tiers=((0, 20_000, 10_000),), basis_clamp_ppm=50_000, cycle_ns=0)
    house.deposit("INSURANCE_FUND", 10_000 * COIN)
    house.open_client("L", deposit=4_000 * COIN)
    house.open_client("S", deposit=100_000 * COIN)
    house.price(500, last={0: 500})
    house.trade("L", "S", lots=300, ticks=500)
    for price, minutes in ((500, 60), (480, 120), (440, 240)):
        for _ in range(minutes):
            at_ns = house.state.now_ns // MINUTE * MINUTE + MINUTE
            house.price(price, at_ns=at_ns, last={0: price * 21 // 20})
            answer_all(house, price * E8)

    assert house.status("L") == AccountStatus.TAKEN_OVER
    assert house.lots("LIQUIDATOR") == 0
    assert house.balance("INSURANCE_FUND") == 8_000 * COIN
    require_decided(house)


@pytest.mark.rule("12.31", "12.33")
def test_a_liquidator_with_gains_and_positions_pays_for_the_next_who_fails() -> None:
    house = rich_house(1_600)

    house.price(450, at_ns=START + HOUR + MINUTE)

    assert house.events("GainsCut", last=True) == []
    assert house.balance("LIQUIDATOR") == 2_200 * COIN  # 3,600 less the 1,400 of C
    require_decided(house)
    for minute in range(2, 20):
        house.price(450, at_ns=START + HOUR + minute * MINUTE)
        answer_all(house, 450 * E8)
    house.price(450)
    assert house.balance("INSURANCE_FUND") == (3_600 + 3_000 - 1_400) * COIN
    require_decided(house)


def cascade(accounts: int) -> ClearingHouse:
    """Each liquidation pushes the price to where the next one begins."""
    house = ClearingHouse(default_fund=1_000 * COIN)
    house.list_contract()
    house.open_client("S", deposit=10**6 * COIN * accounts)
    house.price(10_000)
    for k in range(accounts):
        house.open_client(f"L{k}", deposit=(1_000 + 10 * k) * COIN)
        house.trade(f"L{k}", "S", lots=1, ticks=10_000)
    price = 9_480
    for _ in range(accounts):
        house.price(price)
        fills = len(house.state.defaults.orders.live())
        answer_all(house, price * E8)
        price = max(price - 10 - fills, 1)
    house.price(price)
    return house


def test_a_cascade_of_forty_liquidations() -> None:
    house = cascade(40)
    assert len(house.events("LiquidationStarted")) >= 30
    require_decided(house)


@pytest.mark.soak
def test_a_cascade_of_a_thousand_liquidations() -> None:
    require_decided(cascade(1_000))


def test_three_honest_longs_and_a_fall_of_twelve_percent() -> None:
    # A lot of one coin at a tick of 0.0001 and prices up to 1,000,000 reaches 10**12 units, so that
    # an account may hold 1,152,921 lots; each of three longs has 49 % of it.  Two of them fit.
    house = ClearingHouse(parameters={Parameter.TRADE_COLLAR_PPM: 100_000})
    lots_max = MOST // (100 * 10**10)
    house.list_contract(tick_e8=10**4, unit=100, ticks_max=10**10, lots_max=lots_max)
    lots = lots_max * 49 // 100
    for k in range(3):
        house.open_client(f"L{k}", deposit=30_000 * COIN)
        house.open_client(f"S{k}", deposit=1_000_000 * COIN)
    house.price(None, e8={0: E8 // 2})
    runs = [house.trade_run(f"L{k}", f"S{k}", lots=lots, ticks=5_000) for k in range(3)]
    house.submit(*runs, allow_refusals=True)
    assert house.refusals() == [SubmitTradeRefusal.OPEN_INTEREST_TOO_LARGE]

    for price in (E8 * 44 // 100, E8 * 44 // 100, E8 * 60 // 100):
        house.price(None, e8={0: price}, at_ns=house.state.now_ns + HOUR)
    assert np.count_nonzero(house.state.accounts.used("status") == AccountStatus.TAKEN_OVER) == 2
    require_decided(house)


def test_bankrupt_books_of_a_cheap_coin_do_not_stop_the_engine() -> None:
    # Five pairs turn their positions round off the market until each long one is bankrupt.
    house = ClearingHouse(parameters={Parameter.TRADE_COLLAR_PPM: 100_000})
    lots_max = MOST // (100 * 10**10)
    house.list_contract(tick_e8=10**4, unit=100, ticks_max=10**10, lots_max=lots_max)
    lots = lots_max * 49 // 100
    for k in range(5):
        house.open_client(f"L{k}", deposit=30_000 * COIN)
        house.open_client(f"S{k}", deposit=1_000_000 * COIN)
    house.price(None, e8={0: E8 // 2})
    for k in range(5):
        a, b, sign = f"L{k}", f"S{k}", 1
        turns = [house.trade_run(a, b, lots=lots, ticks=5_000)]
        for _ in range(4):
            buyer, seller = (b, a) if sign > 0 else (a, b)
            for ticks in (5_000, 5_000 - 240 * sign):
                turns += [house.trade_run(buyer, seller, lots=lots, ticks=ticks)]
            sign = -sign
        for turn in turns:
            house.submit(turn, allow_refusals=True)
    for price in (E8 // 2, E8 // 2, E8 * 6 // 10, E8 * 4 // 10):
        house.price(None, e8={0: price}, at_ns=house.state.now_ns + HOUR)
    require_decided(house)
