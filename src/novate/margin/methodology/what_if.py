"""Questions to a methodology: a market that has moved, a trade, and the price of liquidation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from novate.errors import InputError
from novate.margin.methodology.option_book import option_book, with_option_marks
from novate.margin.methodology.portfolio import (
    Collateral,
    Contract,
    Portfolio,
    Position,
    Snapshot,
)
from novate.margin.methodology.preset import Methodology

STEPS = 12
"""Moves looked at to each side before a root is narrowed."""

NARROWINGS = 12
PRECISION = 1e-9
"""Relative width of the bracket at which it is narrow enough."""

REACH = 0.9
"""Largest fall looked at; the largest rise is to ``1 / (1 - REACH)`` times the price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidationPrice:
    """Where equity meets maintenance margin as one underlying moves, and all else holds.

    Attributes
    ----------
    underlying
        What moves: its index, its forwards and the marks of contracts on it.
    below, above
        Nearest index to either side beyond which equity is below maintenance margin; nothing where
        there is none within reach.
    assessments
        How often the methodology was asked.
    """

    underlying: str
    below: float | None
    above: float | None
    assessments: int


def moved(
    portfolio: Portfolio, snapshot: Snapshot, underlying: str, share: float
) -> tuple[Portfolio, Snapshot]:
    """Return portfolio and market after a move of one underlying, volatilities unchanged.

    Parameters
    ----------
    share
        Relative move, above -1: 0.1 is a rise by a tenth.
    """
    factor = 1.0 + share
    mark, positions = dict(snapshot.mark), []
    for position in portfolio.positions:
        contract = position.contract
        if contract.underlying != underlying:
            positions.append(position)
            continue
        if contract.is_option:
            mark.pop(contract.symbol, None)
            positions.append(position)
            continue
        before = mark[contract.symbol]
        mark[contract.symbol] = before * factor
        quantity, unrealised = position.quantity, position.unrealised
        if contract.is_inverse:  # its face value in quote currency stays
            unrealised += quantity * (1.0 - 1.0 / factor)
            quantity /= factor
        else:
            unrealised += quantity * before * share
        positions.append(replace(position, quantity=quantity, unrealised=unrealised))
    curve = {
        key: replace(at, forward=at.forward * factor) if key[0] == underlying else at
        for key, at in snapshot.curve.items()
    }
    index = {**snapshot.index, underlying: snapshot.index[underlying] * factor}
    there = replace(snapshot, index=index, mark=mark, curve=curve)
    return replace(portfolio, positions=tuple(positions)), with_option_marks(positions, there)


def traded(
    portfolio: Portfolio, snapshot: Snapshot, contract: Contract, quantity: float
) -> Portfolio:
    """Return the portfolio after a trade at the mark, which changes no equity.

    Parameters
    ----------
    quantity
        Units of the underlying, positive bought.
    """
    cash = portfolio.cash
    if contract.is_option:
        position = Position(contract=contract, quantity=quantity)
        book = option_book((position,), snapshot)
        cash -= float((book.quantity * book.prices()).sum())
    before = [p for p in portfolio.positions if p.contract == contract]
    positions = [p for p in portfolio.positions if p.contract != contract]
    held = quantity + sum(p.quantity for p in before)
    unrealised = sum(p.unrealised for p in before)
    collateral = portfolio.collateral
    if held:
        entry = before[0].entry_price if before else None
        positions.append(
            Position(
                contract=contract, quantity=held, unrealised=unrealised, entry_price=entry
            )
        )  # fmt: skip
    elif contract.is_inverse and unrealised:  # it is closed, and its profit is paid
        collateral = (*collateral, Collateral(asset=contract.settlement, quantity=unrealised))
    else:
        cash += unrealised
    return replace(portfolio, positions=tuple(positions), collateral=collateral, cash=cash)


def liquidation_price(
    methodology: Methodology, portfolio: Portfolio, snapshot: Snapshot, underlying: str
) -> LiquidationPrice:
    """Find where equity falls below maintenance margin as one underlying moves.

    The nearest crossing to each side is bracketed on a geometric ladder and narrowed; at most
    ``2 (STEPS + NARROWINGS)`` assessments and one more.

    Raises
    ------
    InputError
        If the market has no index of the underlying.
    """
    if underlying not in snapshot.index:
        raise InputError(f"underlying {underlying!r}; allowed: {sorted(snapshot.index)}")
    asked = 0

    def excess(factor: float) -> float:
        nonlocal asked
        asked += 1
        there = moved(portfolio, snapshot, underlying, factor - 1.0)
        return methodology.outcome(*there).maintenance_excess

    price = snapshot.index[underlying]
    now = excess(1.0)
    if now < 0:
        return LiquidationPrice(underlying=underlying, below=price, above=price, assessments=asked)
    found: list[float | None] = []
    for rung in ((1.0 - REACH) ** (1.0 / STEPS), (1.0 - REACH) ** (-1.0 / STEPS)):
        bracket = _bracket(excess, now, rung)
        found.append(None if bracket is None else price * _narrowed(excess, *bracket))
    return LiquidationPrice(
        underlying=underlying, below=found[0], above=found[1], assessments=asked
    )


Point = tuple[float, float]
"""A factor on the price, and the excess over maintenance margin there."""


def _bracket(
    excess: Callable[[float], float], now: float, rung: float
) -> tuple[Point, Point] | None:
    """Return the last sound and the first failing point of a ladder, nothing without one."""
    sound = (1.0, now)
    for step in range(1, STEPS + 1):
        at = (rung**step, excess(rung**step))
        if at[1] < 0:
            return sound, at
        sound = at
    return None


def _narrowed(excess: Callable[[float], float], sound: Point, failing: Point) -> float:
    """Return the factor between two points at which the excess is zero: Illinois method.

    Source: M. Dowell and P. Jarratt, A modified regula falsi method, BIT 11 (1971).
    """
    low, high, last = sound, failing, 0
    at = failing[0]
    for _ in range(NARROWINGS):
        at = (low[0] * high[1] - high[0] * low[1]) / (high[1] - low[1])
        value = excess(at)
        side = -1 if value < 0 else 1
        if value == 0 or abs(low[0] - high[0]) <= PRECISION * at:
            break
        if side < 0:
            high, low = (at, value), (low[0], low[1] / 2) if last == side else low
        else:
            low, high = (at, value), (high[0], high[1] / 2) if last == side else high
        last = side
    return at
