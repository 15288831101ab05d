"""Readable twins of the kernels: unbounded integers, fractions, dicts, dataclasses; no arrays."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction

WORD = 2**64


def contract_value(form: int, unit: int, ticks: int, lots: int) -> int:
    """Linear: exact.  Inverse: minus unit * lots / ticks, half away from zero."""
    if form == 1:
        return unit * lots * ticks
    exact = Fraction(unit * abs(lots), ticks)
    size = math.floor(exact + Fraction(1, 2))
    return -size if lots >= 0 else size


def fee_of(value: int, rate_ppm: int) -> int:
    """Rate times size, rounded up: a charge grows, a rebate shrinks."""
    return math.ceil(Fraction(abs(value) * rate_ppm, 1_000_000))


def mix(a: int, b: int, c: int) -> int:
    """One word of the running checksum."""
    x = (a * 0x9E3779B97F4A7C15 ^ b * 0xC2B2AE3D27D4EB4F ^ c) % WORD
    x ^= x >> 29
    return x * 0x165667B19E3779F9 % WORD


@dataclass(slots=True)
class Holding:
    """One position."""

    lots: int = 0
    entry_cost: int = 0
    settlement_cost: int = 0
    realised: int = 0

    def move(self, form: int, unit: int, ticks: int, lots: int, value: int) -> int:
        """Add lots with their value; returns the profit that a close realises."""
        held, cost = self.lots, self.entry_cost
        self.settlement_cost += value
        self.lots = held + lots
        if held == 0 or (held > 0) == (lots > 0):
            self.entry_cost = cost + value
            return 0
        if abs(lots) > abs(held):
            closing = contract_value(form, unit, ticks, -held)
            realised = -closing - cost
            self.entry_cost = value - closing
        else:
            closed = abs(cost) * abs(lots) // abs(held)
            if cost < 0:
                closed = -closed
            realised = -value - closed
            self.entry_cost = cost - closed
        self.realised += realised
        return realised


@dataclass(slots=True)
class Book:
    """Positions and cash of linear contracts that settle each cycle in one asset."""

    unit: int
    fees_account: int
    cash: dict[int, int] = field(default_factory=dict)
    holdings: dict[tuple[int, int], Holding] = field(default_factory=dict)
    checksum: int = 0

    def trade(self, trade: tuple[int, int, int, int, int, int, int, int]) -> None:
        """Book both legs: buyer, seller, instrument, ticks, lots, value, fees of both."""
        buyer, seller, instrument, ticks, lots, value, buyer_fee, seller_fee = trade
        for account, signed, worth in ((buyer, lots, value), (seller, -lots, -value)):
            key = (account, instrument)
            holding = self.holdings.get(key)
            if holding is None:
                holding = self.holdings[key] = Holding()
            holding.move(1, self.unit, ticks, signed, worth)
        cash = self.cash
        cash[buyer] = cash.get(buyer, 0) - buyer_fee
        cash[seller] = cash.get(seller, 0) - seller_fee
        cash[self.fees_account] = cash.get(self.fees_account, 0) + buyer_fee + seller_fee
        self.checksum = (self.checksum + mix(ticks, lots, cash[buyer])) % WORD


def tier_margin(
    notional: float, floors: list[float], initial: list[float], maintenance: list[float]
) -> tuple[int, int]:
    """Initial and maintenance margin: rate * notional - deduction of the tier, rounded up."""
    deduction = [0.0, 0.0]
    found = 0
    chosen = (0.0, 0.0)
    for tier, floor in enumerate(floors):
        if tier:
            deduction[0] += floor * (initial[tier] - initial[tier - 1])
            deduction[1] += floor * (maintenance[tier] - maintenance[tier - 1])
        if notional >= floor:
            found, chosen = tier, (deduction[0], deduction[1])
    return (
        math.ceil(notional * initial[found] - chosen[0]),
        math.ceil(notional * maintenance[found] - chosen[1]),
    )
