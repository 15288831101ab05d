from __future__ import annotations

from typing import Any

import pytest

from novate.kernel.codes import AccountStatus, InstrumentStatus, MarginMode, Role
from novate.message import command
from novate.message.parameter import Parameter, set_parameter
from novate.message.refusal import (
    ReserveMarginRefusal,
    SubmitTradeRefusal,
)
from tests.unit.clearing import COIN, HOUR, START, ClearingHouse

Trade = SubmitTradeRefusal


def house(**parameters: int) -> ClearingHouse:
    """A and B with 1,000 each, an isolated C; X at 100 with at most 500 lots, and Y unpriced."""
    built = ClearingHouse(
        assets=(("BTC", 8, 0), ("ETH", 8, 0)),
        parameters={Parameter[name.upper()]: value for name, value in parameters.items()},
    )
    built.list_contract("X", lots_max=500, ticks_max=1_000)
    built.list_contract("Y", underlying=2)
    for name in ("A", "B"):
        built.open_client(name, deposit=1_000 * COIN)
    built.open_client("C", deposit=1_000 * COIN, mode=MarginMode.ISOLATED)
    built.price(100)
    return built


def answer(built: ClearingHouse, *runs: Any) -> list[Any]:
    """Refusals that commands get."""
    built.submit(*runs, allow_refusals=True)
    return built.refusals()


def trade(built: ClearingHouse, buyer: int, seller: int, **change: Any) -> list[Any]:
    """Refusals that a trade of one lot of X at 100 gets, changed as told."""
    terms = {
        "instrument": 0, "ticks": 100, "lots": 1, "buyer_is_maker": False,
        "buyer_reservation": 0, "seller_reservation": 0,
    }  # fmt: skip
    row = {**terms, "buyer": buyer, "seller": seller, **change}
    return answer(built, command.SUBMIT_TRADE.row(**row))


def reserve(
    built: ClearingHouse, name: str, lots: int, instrument: int = 0, limit: int = 0
) -> list[Any]:
    """Refusals that a reservation gets; its limit is the mark unless told."""
    row = {
        "account": built.number(name), "instrument": instrument, "lots": lots,
        "limit_ticks": limit or max(int(built.state.marks.mark[instrument]), 1),
    }  # fmt: skip
    return answer(built, command.RESERVE_MARGIN.row(**row))


# ---- trades


@pytest.mark.rule("1.2", "2.7", "7.14", "7.15", "7.21")
def test_a_trade_books_both_sides_and_both_fees() -> None:
    built = ClearingHouse()
    built.list_contract(maker_fee_ppm=-100, taker_fee_ppm=333)
    for name in ("A", "B"):
        built.open_client(name, deposit=1_000 * COIN)
    built.price(100)

    built.trade("A", "B", lots=3, ticks=101)

    assert (built.lots("A"), built.lots("B")) == (3, -3)
    value = 303 * COIN
    assert built.position("A")["settlement_cost"] == built.position("A")["entry_cost"] == value
    assert built.position("B")["settlement_cost"] == -value
    # The buyer takes: 303,000,000 * 333 / 10^6 = 100,899; the maker gets 30,300.
    assert built.balance("A") == 1_000 * COIN - 100_899
    assert built.balance("B") == 1_000 * COIN + 30_300
    assert built.balance("FEES") == 100_899 - 30_300
    [booked] = built.events("TradeNovated")
    assert (booked["value"], booked["buyer_fee"], booked["seller_fee"]) == (value, 100_899, -30_300)


@pytest.mark.rule("2.7", "7.21")
def test_charges_round_up_and_rebates_round_down() -> None:
    built = ClearingHouse()
    built.list_contract(unit=1, maker_fee_ppm=-100, taker_fee_ppm=333)
    for name in ("A", "B"):
        built.open_client(name, deposit=10**6)
    built.price(101)

    built.trade("A", "B", lots=100, ticks=101, buyer_is_maker=True)

    assert built.balance("A") == 10**6 + 1  # 10,100 * 0.01% = 1.01
    assert built.balance("B") == 10**6 - 4  # 10,100 * 0.0333% = 3.3633


@pytest.mark.rule("4.25", "7.1", "7.2")
def test_a_trade_is_refused_in_the_order_of_the_codes() -> None:
    built = house()
    a, b, c = (built.number(name) for name in "ABC")
    member, settlement = built.number("M"), built.number("SETTLEMENT")
    wrong: list[tuple[SubmitTradeRefusal, tuple[int, int], dict[str, Any]]] = [
        (Trade.UNKNOWN_BUYER, (99, 99), {"instrument": 9}),
        (Trade.UNKNOWN_BUYER, (member, a), {"lots": 0}),
        (Trade.UNKNOWN_SELLER, (a, settlement), {"instrument": 9}),
        (Trade.UNKNOWN_INSTRUMENT, (a, a), {"instrument": 2}),
        (Trade.SAME_ACCOUNT, (a, a), {"lots": 0}),
        (Trade.LOTS_OUT_OF_RANGE, (a, b), {"lots": 0, "ticks": 0}),
        (Trade.LOTS_OUT_OF_RANGE, (a, b), {"lots": 501}),
        (Trade.PRICE_OUT_OF_RANGE, (a, b), {"ticks": 0}),
        (Trade.PRICE_OUT_OF_RANGE, (a, b), {"ticks": 1_001}),
        (Trade.UNKNOWN_RESERVATION, (a, b), {"buyer_reservation": 1, "lots": 200}),
        (Trade.UNKNOWN_RESERVATION, (a, b), {"seller_reservation": 7}),
        (Trade.MARK_MISSING, (a, b), {"instrument": 1}),
        (Trade.INSUFFICIENT_MARGIN, (a, c), {"lots": 101}),
    ]

    for code, pair, change in wrong:
        before = built.engine.state.digest()
        assert trade(built, *pair, **change) == [code], change
        assert built.engine.state.digest() == before


@pytest.mark.rule("4.25")
def test_a_refusal_says_which_number_broke_and_which_would_have_passed() -> None:
    built = house()

    trade(built, built.number("A"), built.number("B"), lots=101)

    [refused] = built.events("CommandRefused", last=True)
    assert refused["command"] == "SubmitTrade"
    assert (refused["actual"], refused["allowed"]) == (1_000 * COIN, 1_010 * COIN)


@pytest.mark.rule("7.1")
def test_an_account_that_is_called_may_trade_and_one_in_liquidation_may_not() -> None:
    built = house()
    a, b = built.number("A"), built.number("B")

    built.state.accounts.status[a] = AccountStatus.CALLED
    assert trade(built, a, b) == []
    built.state.accounts.status[a] = AccountStatus.LIQUIDATING
    assert trade(built, a, b) == [Trade.ACCOUNT_NOT_OPEN]
    assert trade(built, b, a) == [Trade.ACCOUNT_NOT_OPEN]


@pytest.mark.rule("7.2")
def test_an_expired_contract_does_not_trade() -> None:
    built = house()
    built.state.instruments.status[0] = InstrumentStatus.EXPIRED

    assert trade(built, built.number("A"), built.number("B")) == [Trade.INSTRUMENT_NOT_ACTIVE]


@pytest.mark.rule("7.4")
def test_a_position_may_not_grow_beyond_the_largest() -> None:
    built = house()
    built.deposit("A", 10**6 * COIN)
    built.deposit("B", 10**6 * COIN)
    a, b = built.number("A"), built.number("B")

    assert trade(built, a, b, lots=500) == []
    assert trade(built, a, b, lots=1) == [Trade.POSITION_LIMIT]
    assert trade(built, b, a, lots=500) == []
    assert trade(built, b, a, lots=500) == []
    assert (built.lots("A"), built.lots("B")) == (-500, 500)


@pytest.mark.rule("7.5")
def test_an_isolated_account_holds_one_contract() -> None:
    built = house()
    a, c = built.number("A"), built.number("C")
    built.price(None, e8={0: 100 * 10**8, 1: 10 * 10**8})

    assert trade(built, c, a) == []
    assert trade(built, c, a, instrument=1, ticks=10) == [Trade.ISOLATED_ELSEWHERE]
    assert trade(built, a, c) == []  # flat again
    assert trade(built, c, a, instrument=1, ticks=10) == []


@pytest.mark.rule("7.8")
def test_equity_after_the_trade_must_cover_initial_margin_after_it_fee_included() -> None:
    built = ClearingHouse()
    built.list_contract(taker_fee_ppm=1_000)
    built.open_client("A", deposit=1_010 * COIN - 1)  # 100 lots: 1,000 margin and a fee of 10
    built.open_client("B", deposit=10**6 * COIN)
    built.price(100)
    a, b = built.number("A"), built.number("B")

    assert trade(built, a, b, lots=100) == [Trade.INSUFFICIENT_MARGIN]
    built.deposit("A", 1)
    assert trade(built, a, b, lots=100) == []


@pytest.mark.rule("7.8")
def test_a_loss_at_the_price_of_the_trade_counts_against_it() -> None:
    built = house()
    a, b = built.number("A"), built.number("B")

    # 90 lots ask for 900; bought at 102 they are 180 under water.
    assert trade(built, a, b, lots=90, ticks=102) == [Trade.INSUFFICIENT_MARGIN]
    assert trade(built, a, b, lots=82, ticks=102) == []


@pytest.mark.rule("7.10")
def test_a_risk_reducing_trade_is_not_refused_however_short_the_account_is() -> None:
    built = house()
    built.deposit("B", 10**6 * COIN)
    built.trade("A", "B", lots=100, ticks=100)
    built.state.accounts.balance[built.number("A"), 0] = -5_000 * COIN
    a, b = built.number("A"), built.number("B")
    built.state.accounts.balance[b, 0] += 6_000 * COIN

    assert trade(built, b, a, lots=1) == []
    assert trade(built, b, a, lots=100) == [Trade.INSUFFICIENT_MARGIN]  # would flip
    assert trade(built, b, a, lots=99) == []
    assert built.lots("A") == 0


def test_a_trade_far_from_the_mark_is_refused_where_there_is_a_collar() -> None:
    built = house(trade_collar_ppm=100_000)
    a, b = built.number("A"), built.number("B")

    assert trade(built, a, b, ticks=90) == []
    assert trade(built, a, b, ticks=89) == [Trade.PRICE_OUT_OF_RANGE]
    market = built.number("EXTERNAL_MARKET")
    assert trade(built, a, market, ticks=89) == [Trade.PRICE_OUT_OF_RANGE]


@pytest.mark.rule("7.10", "7.53")
def test_a_risk_reducing_trade_concedes_no_more_than_its_share_of_the_cover() -> None:
    built = house()
    built.deposit("B", 10**6 * COIN)
    built.trade("A", "B", lots=100, ticks=100)
    built.state.accounts.balance[built.number("A"), 0] -= 600 * COIN
    built.state.accounts.balance[built.number("B"), 0] += 600 * COIN
    a, b = built.number("A"), built.number("B")

    # 400 of equity, 500 of maintenance margin: half the position may lose 200, and no more.
    assert trade(built, b, a, lots=50, ticks=95) == [Trade.INSUFFICIENT_MARGIN]
    [refused] = built.events("CommandRefused", last=True)
    assert (refused["actual"], refused["allowed"]) == (250 * COIN, 200 * COIN)
    assert trade(built, b, a, lots=50, ticks=96) == []
    # 200 for 250: the rest may lose 4 a lot too.
    assert trade(built, b, a, lots=50, ticks=95) == [Trade.INSUFFICIENT_MARGIN]
    assert trade(built, b, a, lots=50, ticks=96) == []
    assert built.state.assess(a).equity == 0


@pytest.mark.rule("7.9")
def test_the_external_market_is_not_asked_for_margin() -> None:
    built = house()

    assert trade(built, built.number("A"), built.number("EXTERNAL_MARKET"), lots=100) == []
    assert built.lots("EXTERNAL_MARKET") == -100


@pytest.mark.rule("7.22")
def test_each_row_of_a_batch_sees_the_rows_before_it() -> None:
    built = house()
    a, b = built.number("A"), built.number("B")
    columns = {
        "buyer": [a, a, b, a], "seller": [b, b, a, b], "instrument": [0] * 4, "ticks": [100] * 4,
        "lots": [60, 60, 20, 60], "buyer_is_maker": [False] * 4,
        "buyer_reservation": [0] * 4, "seller_reservation": [0] * 4,
    }  # fmt: skip

    refusals = answer(built, command.SUBMIT_TRADE.run(columns))

    assert refusals == [Trade.INSUFFICIENT_MARGIN]
    [refused] = built.events("CommandRefused", last=True)
    assert refused["row"] == 1
    assert [row["row"] for row in built.events("TradeNovated", last=True)] == [0, 2, 3]
    assert built.lots("A") == 100


@pytest.mark.rule("7.22", "14.4")
def test_a_batch_gives_what_its_rows_give_one_by_one() -> None:
    together, apart = house(), house()
    rows = [(9, 10, 40), (10, 9, 90), (9, 10, 70), (9, 10, 60)]
    together.submit(
        command.SUBMIT_TRADE.run(
            {
                "buyer": [row[0] for row in rows],
                "seller": [row[1] for row in rows],
                "lots": [row[2] for row in rows],
                "instrument": [0] * 4,
                "ticks": [100] * 4,
                "buyer_is_maker": [False] * 4,
                "buyer_reservation": [0] * 4,
                "seller_reservation": [0] * 4,
            }
        ),
        allow_refusals=True,
    )
    for buyer, seller, lots in rows:
        trade(apart, buyer, seller, lots=lots)

    assert together.engine.state.digest() == apart.engine.state.digest()


# ---- reservations


@pytest.mark.rule("4.25", "7.26", "7.29")
def test_a_reservation_is_refused_in_the_order_of_the_codes() -> None:
    built = house()
    no = ReserveMarginRefusal
    x = built.state

    def code(account: int, instrument: int, lots: int, limit: int = 100) -> list[Any]:
        row = {"account": account, "instrument": instrument, "lots": lots, "limit_ticks": limit}
        return answer(built, command.RESERVE_MARGIN.row(**row))

    a = built.number("A")
    assert code(99, 9, 0) == [no.UNKNOWN_ACCOUNT]
    assert code(built.number("LIQUIDATOR"), 0, 1) == [no.UNKNOWN_ACCOUNT]
    assert code(a, 2, 0) == [no.UNKNOWN_INSTRUMENT]
    assert code(a, 0, 0) == [no.LOTS_OUT_OF_RANGE]
    assert code(a, 0, -501, 0) == [no.LOTS_OUT_OF_RANGE]
    assert code(a, 0, 1, 0) == [no.PRICE_OUT_OF_RANGE]
    assert code(a, 0, 1, 1_001) == [no.PRICE_OUT_OF_RANGE]
    x.instruments.status[0] = InstrumentStatus.EXPIRED
    x.accounts.status[a] = AccountStatus.LIQUIDATING
    assert code(a, 0, 1) == [no.INSTRUMENT_NOT_ACTIVE]
    x.instruments.status[0] = InstrumentStatus.ACTIVE
    assert code(a, 0, 1) == [no.ACCOUNT_NOT_OPEN]
    x.accounts.status[a] = AccountStatus.OPEN
    assert code(a, 1, 1) == [no.MARK_MISSING]
    assert code(a, 0, 101) == [no.INSUFFICIENT_MARGIN]
    assert code(a, 0, 100) == []


@pytest.mark.rule("7.29")
def test_open_orders_of_a_side_count_towards_the_largest_position() -> None:
    built = house()
    built.deposit("A", 10**6 * COIN)

    assert reserve(built, "A", 300) == []
    assert reserve(built, "A", 201) == [ReserveMarginRefusal.POSITION_LIMIT]
    assert reserve(built, "A", -500) == []
    assert reserve(built, "A", 200) == []


@pytest.mark.rule("7.5", "7.29")
def test_an_isolated_account_reserves_for_one_contract() -> None:
    built = house()
    built.price(None, e8={0: 100 * 10**8, 1: 10 * 10**8})

    assert reserve(built, "C", 1) == []
    assert reserve(built, "C", 1, instrument=1) == [ReserveMarginRefusal.ISOLATED_ELSEWHERE]


@pytest.mark.rule("7.25", "7.27")
def test_an_order_that_only_reduces_is_granted_for_a_share_of_the_cover_and_held_in_full() -> None:
    built = house()
    built.deposit("B", 10**6 * COIN)
    built.trade("A", "B", lots=100, ticks=100)
    a, b = built.number("A"), built.number("B")
    balance = built.state.accounts.balance

    # 1,000 of equity for 1,000 of margin: nothing is free.  A lot may concede 10 of it.
    assert reserve(built, "A", -40, limit=89) == [ReserveMarginRefusal.INSUFFICIENT_MARGIN]
    assert reserve(built, "A", -40, limit=90) == []
    assert [row["open_order_hold"] for row in built.events("MarginReserved")] == [400 * COIN]
    assert reserve(built, "A", -10, limit=89) == [ReserveMarginRefusal.INSUFFICIENT_MARGIN]
    assert reserve(built, "A", -10, limit=95) == []
    balance[a, 0] -= 500 * COIN
    balance[b, 0] += 500 * COIN
    assert reserve(built, "A", 1) == [ReserveMarginRefusal.INSUFFICIENT_MARGIN]
    assert reserve(built, "A", -50) == []  # 450 of 500
    assert reserve(built, "A", -1) == [ReserveMarginRefusal.INSUFFICIENT_MARGIN]  # would turn it


@pytest.mark.rule("3.23", "7.23", "7.25")
@pytest.mark.parametrize(
    ("lots", "limit", "held"),
    [
        (10, 100, 10),  # at the mark: the fee of 1% on 1,000
        (10, 103, 41),  # 30 behind the mark, a fee of 10.3
        (10, 90, 9),  # better than the mark: the fee alone
        (-10, 97, 40),
        (-10, 103, 11),
    ],
)
def test_an_order_holds_its_loss_at_the_limit_and_the_dearer_fee_rounded_up(
    lots: int, limit: int, held: int
) -> None:
    built = ClearingHouse()
    built.list_contract(unit=1, maker_fee_ppm=0, taker_fee_ppm=10_000)
    built.open_client("A", deposit=10**6)
    built.price(100)

    reserve(built, "A", lots, limit=limit)

    [row] = built.events("MarginReserved")
    assert (row["open_order_hold"], row["requirement"]) == (held, 100 + held)
    assert built.state.assess(built.number("A")).initial == 100 + held
    assert built.state.assess(built.number("A")).maintenance == 0


@pytest.mark.rule("3.23", "6.10", "7.25")
def test_what_orders_of_both_sides_hold_adds_up_and_bars_a_withdrawal() -> None:
    built = house()
    reserve(built, "A", 10, limit=110)
    reserve(built, "A", -10, limit=80)

    # 100 for ten lots on either side, 100 and 200 for the prices.
    assert built.state.assess(built.number("A")).initial == 400 * COIN
    row = {"account": built.number("A"), "asset": 0, "amount": 600 * COIN + 1}
    assert answer(built, command.WITHDRAW_COLLATERAL.row(**row)) != []
    assert answer(built, command.WITHDRAW_COLLATERAL.row(**{**row, "amount": 590 * COIN})) == []


@pytest.mark.rule("7.30", "7.31")
def test_a_fill_frees_its_part_of_what_an_order_holds_and_the_last_one_the_rest() -> None:
    built = house()
    a, b = built.number("A"), built.number("B")
    reserve(built, "A", 3, limit=101)
    built.state.reservations.open_order_hold[0] = built.state.accounts.open_order_hold[a] = 100
    held = []

    for lots in (1, 1, 1):
        assert trade(built, a, b, lots=lots, buyer_reservation=1) == []
        held.append(int(built.state.accounts.open_order_hold[a]))

    assert held == [67, 34, 0]  # 100 - floor(100 / 3), 67 - floor(67 / 2), nothing


@pytest.mark.rule("7.7")
def test_a_trade_at_a_worse_price_than_its_reservation_is_refused() -> None:
    built = house()
    a, b = built.number("A"), built.number("B")
    reserve(built, "A", 10, limit=101)
    reserve(built, "B", -10, limit=99)

    both = {"buyer_reservation": 1, "seller_reservation": 2}
    assert trade(built, a, b, ticks=102, **both) == [Trade.WORSE_THAN_LIMIT]
    [refused] = built.events("CommandRefused", last=True)
    assert (refused["actual"], refused["allowed"]) == (102, 101)
    assert trade(built, a, b, ticks=98, **both) == [Trade.WORSE_THAN_LIMIT]
    assert trade(built, a, b, ticks=101, **both) == []
    assert trade(built, a, b, ticks=99, **both) == []


@pytest.mark.rule("7.4")
def test_a_trade_leaves_room_for_the_open_orders_of_its_side() -> None:
    built = house()
    built.deposit("A", 10**6 * COIN)
    built.deposit("B", 10**6 * COIN)
    a, b = built.number("A"), built.number("B")
    reserve(built, "A", 400)

    assert trade(built, a, b, lots=101) == [Trade.POSITION_LIMIT]
    assert trade(built, a, b, lots=100) == []
    assert trade(built, a, b, lots=400, buyer_reservation=1) == []


@pytest.mark.rule("7.5")
def test_an_isolated_account_with_open_orders_trades_no_other_contract() -> None:
    built = house()
    built.price(None, e8={0: 100 * 10**8, 1: 10 * 10**8})
    a, c = built.number("A"), built.number("C")
    reserve(built, "C", 1)

    assert trade(built, c, a, instrument=1, ticks=10) == [Trade.ISOLATED_ELSEWHERE]
    assert trade(built, c, a, buyer_reservation=1) == []


@pytest.mark.rule("7.20")
def test_without_a_slow_average_no_closed_gain_is_proven() -> None:
    built = house()
    built.trade("A", "B", lots=10, ticks=100)
    built.state.marks.slow[0] = 0
    built.trade("B", "A", lots=10, ticks=105)

    assert built.state.accounts.encumbered[built.number("A")] == 50 * COIN


# ---- sizes at which 64 bits end


def enormous() -> ClearingHouse:
    """Eight contracts of one tick a lot whose largest position is worth 2**60, margined at 1%."""
    built = ClearingHouse(assets=(("BTC", 8, 0),))
    tiers = ((0, 10_000, 5_000),)
    for k in range(8):
        built.list_contract(f"C{k}", unit=1, ticks_max=1, lots_max=2**60, style=2, tiers=tiers)
    for name in ("A", "B"):
        built.open_client(name, deposit=2**58)
    built.price(1)
    return built


@pytest.mark.rule("15.1")
def test_ten_pairs_of_10_to_the_18_do_not_wrap_a_cost() -> None:
    built = enormous()
    a, b = built.number("A"), built.number("B")
    rows = [(a, b), (b, a)] * 10
    columns = {
        "buyer": [row[0] for row in rows], "seller": [row[1] for row in rows],
        "instrument": [0] * 20, "ticks": [1] * 20, "lots": [10**18] * 20,
        "buyer_is_maker": [False] * 20, "buyer_reservation": [0] * 20,
        "seller_reservation": [0] * 20,
    }  # fmt: skip

    refusals = answer(built, command.SUBMIT_TRADE.run(columns))

    assert set(refusals) == {Trade.AMOUNT_TOO_LARGE}
    position = built.position("A")
    assert abs(position["settlement_cost"]) <= 2**60
    assert abs(position["lots"]) <= 10**18


@pytest.mark.rule("15.2", "15.5")
def test_the_gross_of_an_account_over_its_contracts_is_bounded() -> None:
    built = enormous()
    a, b = built.number("A"), built.number("B")

    # A lot counts twice, with its cost and with its reach: 4 * 2 * 2**57 is the bound.
    for k in range(4):
        assert trade(built, a, b, instrument=k, ticks=1, lots=2**57) == []
    assert trade(built, a, b, instrument=4, ticks=1, lots=1) == [Trade.AMOUNT_TOO_LARGE]
    assert reserve(built, "A", 1, instrument=5) == [ReserveMarginRefusal.AMOUNT_TOO_LARGE]
    assert trade(built, b, a, instrument=3, ticks=1, lots=1) == []


@pytest.mark.rule("7.26")
def test_a_reservation_is_journaled_with_what_it_was_compared_with() -> None:
    built = house()

    reserve(built, "A", -30)

    assert built.events("MarginReserved") == [
        {
            "reservation": 1,
            "account": built.number("A"),
            "instrument": 0,
            "lots": -30,
            "limit_ticks": 100,
            "open_order_hold": 0,
            "equity": 1_000 * COIN,
            "requirement": 300 * COIN,
        }
    ]
    assert built.position("A")["sell_lots"] == 30


@pytest.mark.rule("7.6", "7.11", "7.30")
def test_a_trade_with_a_reservation_is_booked_whatever_has_happened_since() -> None:
    built = house()
    built.deposit("B", 10**6 * COIN)
    reserve(built, "A", 100)
    built.state.accounts.balance[built.number("A"), 0] -= 999 * COIN
    built.state.accounts.balance[built.number("B"), 0] += 999 * COIN
    a, b = built.number("A"), built.number("B")

    assert trade(built, a, b, lots=1) == [Trade.INSUFFICIENT_MARGIN]
    assert trade(built, a, b, lots=60, buyer_reservation=1) == []
    assert built.position("A")["buy_lots"] == 40
    assert trade(built, a, b, lots=41, buyer_reservation=1) == [Trade.UNKNOWN_RESERVATION]
    assert trade(built, a, b, lots=40, buyer_reservation=1) == []
    assert (built.lots("A"), built.position("A")["buy_lots"]) == (100, 0)


@pytest.mark.rule("7.6")
def test_a_reservation_serves_its_own_account_contract_and_direction() -> None:
    built = house()
    built.price(None, e8={0: 100 * 10**8, 1: 10 * 10**8})
    a, b = built.number("A"), built.number("B")
    reserve(built, "A", 10)

    for pair, change in (
        ((b, a), {"buyer_reservation": 1}),
        ((b, a), {"seller_reservation": 1}),
        ((a, b), {"buyer_reservation": 1, "instrument": 1, "ticks": 10}),
        ((a, b), {"buyer_reservation": 2}),
    ):
        assert trade(built, *pair, **change) == [Trade.UNKNOWN_RESERVATION], change
    assert trade(built, a, b, buyer_reservation=1) == []


@pytest.mark.rule("7.6", "7.30")
def test_both_sides_may_use_reservations() -> None:
    built = house()
    reserve(built, "A", 10)
    reserve(built, "B", -20)
    a, b = built.number("A"), built.number("B")

    assert trade(built, a, b, lots=7, buyer_reservation=1, seller_reservation=2) == []
    assert built.position("A")["buy_lots"] == 3
    assert built.position("B")["sell_lots"] == 13


@pytest.mark.rule("7.9")
def test_house_and_client_accounts_are_asked_alike() -> None:
    built = house()
    built.open_client("own", role=Role.HOUSE, deposit=100 * COIN)
    own, b = built.number("own"), built.number("B")

    assert trade(built, own, b, lots=11) == [Trade.INSUFFICIENT_MARGIN]
    assert trade(built, own, b, lots=10) == []


@pytest.mark.rule("7.20")
def test_a_gain_at_the_close_is_held_back_until_the_slow_average_proves_it() -> None:
    built = house()
    built.trade("A", "B", lots=10, ticks=100)
    built.price(110, at_ns=START + HOUR)  # the slow average is at 105 after its time constant
    assert built.state.marks.slow[0] == 105
    built.trade("B", "A", lots=10, ticks=110)

    held_back = built.state.accounts.encumbered

    assert held_back[built.number("A")] == 50 * COIN  # 10 lots sold 5 above the average
    assert held_back[built.number("B")] == 0


@pytest.mark.rule("7.3")
def test_a_price_beyond_the_collar_is_refused_whoever_trades() -> None:
    built = house()
    run = set_parameter(Parameter.TRADE_COLLAR_PPM, 50_000)
    assert answer(built, run) == []
    a, b, market = (built.number(name) for name in ("A", "B", "EXTERNAL_MARKET"))
    for ticks, code in (
        (94, [Trade.PRICE_OUT_OF_RANGE]),
        (95, []),
        (105, []),
        (106, [Trade.PRICE_OUT_OF_RANGE]),
    ):
        assert trade(built, a, b, ticks=ticks) == code
    assert trade(built, a, market, ticks=94) == [Trade.PRICE_OUT_OF_RANGE]
    assert trade(built, market, b, ticks=106) == [Trade.PRICE_OUT_OF_RANGE]
    assert trade(built, market, b, ticks=105) == []
