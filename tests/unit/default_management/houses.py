from __future__ import annotations

from novate.default_management.outbox import book_between
from novate.engine.plugin import PLUGINS, Plugins
from novate.kernel.codes import OrderKind, Role
from novate.message.parameter import Parameter
from tests.unit.clearing import COIN, HOUR, MINUTE, START, ClearingHouse


def breached_house(deposit: int = 5_500, price: int = 468, **parameters: int) -> ClearingHouse:
    """A is long 100 at 500 against B and falls below maintenance margin, 5 p, at the price.

    Its equity is deposit + 100 (p - 500); at 468 that is 2,300 of 2,340.
    """
    house = ClearingHouse(
        parameters={Parameter[name.upper()]: value for name, value in parameters.items()}
    )
    house.list_contract()
    house.open_client("A", deposit=deposit * COIN)
    house.open_client("B", deposit=20_000 * COIN)
    house.price(500)
    house.trade("A", "B", lots=100, ticks=500)
    house.price(price, at_ns=START + MINUTE)
    return house


def liquidator_house(lots: int, *orders: int) -> ClearingHouse:
    """The liquidator holds lots of the contract and has orders of these quantities out."""
    house = breached_house(price=490)
    market = "EXTERNAL_MARKET"
    x, defaults = house.state, house.engine.state.defaults
    liquidator = x.single(Role.LIQUIDATOR)
    if lots:
        ticks = 490
        book_between(x, liquidator, house.number(market), 0, ticks, lots, lots * ticks * COIN)
    for quantity in orders:
        row = defaults.orders.append()
        defaults.orders.account[row] = liquidator
        defaults.orders.kind[row] = OrderKind.POSITION
        defaults.orders.quantity[row] = quantity
        defaults.orders.is_open[row] = True
    return house


def failing_house(
    price: int, *, winner: str = "B", plugins: Plugins = PLUGINS, **parameters: int
) -> ClearingHouse:
    """A is long 100 at 500 with 5,500 and falls to the price in one step.

    Its equity is then 5,500 + 100 (p - 500), the takeover level 5/3 p.
    """
    house = ClearingHouse(
        parameters={Parameter[name.upper()]: value for name, value in parameters.items()},
        plugins=plugins,
    )
    house.list_contract()
    house.open_client("A", deposit=5_500 * COIN)
    house.open_client("B", deposit=20_000 * COIN)
    house.price(500)
    house.trade("A", winner, lots=100, ticks=500)
    house.price(price, at_ns=START + MINUTE)
    return house


def close_liquidator(house: ClearingHouse, price: int) -> None:
    """Fill the liquidator's slices until it holds nothing."""
    while house.lots("LIQUIDATOR"):
        orders = house.engine.state.defaults.orders
        left = abs(int(orders.quantity[orders.row_of(orders.given)]))
        house.fill(orders.given, left, price)
        house.advance(house.state.now_ns + MINUTE)


def rich_house(
    deposit: int, lots: int = 100, *, fund: int = 0, contribution: int = 0, last: int | None = None
) -> ClearingHouse:
    """The liquidator is short 100 X at 480, with 3,600 that it gained since 516 in cash.

    X, number 0, was sold by S, a client of M, to V.  C, a client of N, buys ``lots`` of Y, number
    1, from W at 480 with ``deposit``.  ``last`` is what X trades at from 516 on.
    """
    house = ClearingHouse()
    house.open_member("N", default_fund=contribution * COIN)
    for symbol in ("X", "Y"):
        house.list_contract(symbol, tiers=((0, 20_000, 10_000),), basis_clamp_ppm=50_000)
    house.open_client("S", deposit=1_500 * COIN)
    house.open_client("C", deposit=deposit * COIN, member="N")
    for name in ("V", "W"):
        house.open_client(name, deposit=600_000 * COIN)
    house.price(500)
    house.trade("V", "S", lots=100, ticks=500)
    house.price(516, at_ns=START + MINUTE)
    if fund:
        house.deposit("INSURANCE_FUND", fund * COIN)
    house.price(480, at_ns=START + 2 * MINUTE, last={0: last} if last else None)
    if last:  # a last price is the mark after hours
        for minute in range(3, 60):
            house.price(480, at_ns=START + minute * MINUTE)
    house.advance(START + HOUR)
    house.price(480)
    house.trade("C", "W", lots=lots, ticks=480, instrument=1)
    return house
