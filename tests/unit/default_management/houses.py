from __future__ import annotations

from novate.default_management.outbox import book_between
from novate.engine.plugin import PLUGINS, Plugins
from novate.kernel.codes import OrderKind, Role
from novate.message.parameter import Parameter
from tests.unit.clearing import COIN, MINUTE, START, ClearingHouse


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
