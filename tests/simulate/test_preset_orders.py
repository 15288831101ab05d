"""Confederates with orders that outlive positions, on the terms of a shipped preset."""

from __future__ import annotations

import tomllib
from importlib.resources import files

import pytest

from novate.message import command
from novate.message.parameter import Parameter
from tests.unit.clearing import COIN, HOUR, ClearingHouse

DEPOSITS = {"A": 3_000_000, "B": 100_000_000}
MARK = 500_000
"""50,000 in ticks of 0.1."""

LOTS = 1_000_000
"""A thousand coins in lots of 0.001, 50 m of notional: the largest that A's deposit margins."""

ROUNDS = 20


def venue() -> ClearingHouse:
    """Rates and floors of Binance's BTCUSDT, leverage at most 125, its fees and a collar of 10%."""
    text = files("novate.app.preset").joinpath("binance-tiers.toml").read_text(encoding="utf-8")
    rows = tomllib.loads(text)["tiers"]["binance_btcusdt"]["rows"]
    tiers = tuple(
        (
            int(float(row["floor"]) * COIN),
            max(-(-(10**6) // int(row["max_leverage"])), 8_000),
            round(float(row["maintenance_rate"]) * 10**6),
        )
        for row in rows
    )
    house = ClearingHouse(
        parameters={Parameter.TRADE_COLLAR_PPM: 100_000, Parameter.TAKEOVER_PPM: 666_667}
    )
    house.list_contract(
        "BTCUSDT", tiers=tiers, tick_e8=10**7, unit=100, ticks_max=10**7, lots_max=10**9,
        maker_fee_ppm=200, taker_fee_ppm=500,
    )  # fmt: skip
    for name, amount in DEPOSITS.items():
        house.open_client(name, deposit=amount * COIN)
    house.deposit("INSURANCE_FUND", 10**8 * COIN)
    house.price(50_000)
    return house


def furthest_order(house: ClearingHouse, lots: int) -> int:
    """Place A's order with the limit furthest from the mark that is granted; its number, or 0."""
    side = 1 if lots > 0 else -1

    def place(away: int) -> int:
        row = {"account": house.number("A"), "instrument": 0, "lots": lots}
        run = command.RESERVE_MARGIN.row(**row, limit_ticks=MARK + side * away)
        house.submit(run, allow_refusals=True)
        return 0 if house.refusals() else int(house.state.reservations.given)

    low, high = -1, MARK // 10
    while low < high:
        middle = (low + high + 1) // 2
        number = place(middle)
        if number:
            low = middle
            house.submit(command.RELEASE_MARGIN.row(reservation=number))
        else:
            high = middle - 1
    return place(low) if low >= 0 else 0


def trade(house: ClearingHouse, lots: int, ticks: int, order: int = 0) -> bool:
    """Let A buy (positive) or sell from B, A as the maker; whether it was booked."""
    buyer, seller = ("A", "B") if lots > 0 else ("B", "A")
    key = "buyer_reservation" if lots > 0 else "seller_reservation"
    run = house.trade_run(
        buyer, seller, lots=abs(lots), ticks=ticks, buyer_is_maker=lots > 0, **{key: order}
    )
    house.submit(run, allow_refusals=True)
    return not house.refusals()


def take_out(house: ClearingHouse, name: str) -> int:
    """Withdraw the most that is let go, by halving; numeraire units."""
    taken, step = 0, house.balance(name)
    while step > COIN:
        row = {"account": house.number(name), "asset": 0, "amount": step}
        house.submit(command.WITHDRAW_COLLATERAL.row(**row), allow_refusals=True)
        if not house.refusals():
            taken += step
        step = min(step, house.balance(name)) // 2
    return taken


@pytest.mark.rule("7.53", "7.55", "7.58")
def test_an_order_that_outlives_its_position_takes_nothing_on_the_terms_of_a_preset() -> None:
    """Open, order the way out, close directly, fill the order off the mark; again and again."""
    house = venue()
    side, granted = 1, 0
    assert trade(house, LOTS, MARK)

    for _ in range(ROUNDS):
        order = furthest_order(house, -side * LOTS)
        trade(house, -side * LOTS, MARK)
        if order:
            granted += 1
            r = house.state.reservations
            row = r.used("number").tolist().index(order)
            trade(house, -side * LOTS, int(r.limit_ticks[row]), order)
        held = house.lots("A")
        if held == 0 and not trade(house, side * LOTS, MARK):
            break
        side = 1 if house.lots("A") > 0 else -1

    for _ in range(30):
        house.price(50_000, at_ns=house.state.now_ns + HOUR)
    taken = sum(take_out(house, name) for name in DEPOSITS)

    assert granted, "no way out was granted: nothing was tried"
    assert taken <= sum(DEPOSITS.values()) * COIN
    assert house.balance("INSURANCE_FUND") >= 10**8 * COIN
