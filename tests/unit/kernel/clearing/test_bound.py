"""The bounds of 64 bits, each at its last number and one beyond."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from novate.errors import InvariantError
from novate.kernel.clearing import bound
from novate.kernel.clearing.bound import AMOUNT_MAX, BALANCE_STOP, COST_STOP
from novate.kernel.codes import Style
from novate.kernel.jit import kernel
from novate.valuation import ClearingState


@kernel
def _reach(instruments, i, lots):  # type: ignore[no-untyped-def]
    return bound.reach_of(instruments, i, lots)


@kernel
def _size(accounts, positions, instruments, account, i, value, fee):  # type: ignore[no-untyped-def]
    return bound.booked_size(accounts, positions, instruments, account, i, value, fee)


@kernel
def _gross(accounts, positions, instruments, account, i, lots, value, buys, sells):  # type: ignore[no-untyped-def]
    return bound.gross_of(accounts, positions, instruments, account, i, lots, value, buys, sells)


@kernel
def _oversize(accounts, positions, instruments, i, lots, value, fee):  # type: ignore[no-untyped-def]
    return bound.oversize(accounts, positions, instruments, 2, 0, 1, i, lots, value, fee, -fee)


@kernel
def _room(accounts, positions, instruments, account, i, lots, value):  # type: ignore[no-untyped-def]
    bound.require_room(accounts, positions, instruments, account, i, lots, value)


@kernel
def _balance(balance):  # type: ignore[no-untyped-def]
    bound.require_balance(balance)


def book() -> ClearingState:
    """Accounts 0 and 1, fees 2, settlement 3; a linear and an inverse contract of 10 a lot."""
    x = ClearingState()
    x.assets.append()
    for form in (1, 2):
        i = x.instruments.append()
        x.marks.append()
        x.instruments.form[i], x.instruments.unit[i] = form, 10
        x.instruments.ticks_max[i], x.instruments.lots_max[i] = 100, 2**50
        x.instruments.style[i] = int(Style.EACH_CYCLE)
    x.accounts.ensure(4)
    x.accounts.count = 4
    x.positions.reserve(8, x.accounts)
    for i in range(2):
        x.instruments.suspense[i] = x.hold(3, i)
    return x


def tables(x: ClearingState) -> tuple[Any, ...]:
    return x.account_arrays(), x.positions.arrays(), x.instrument_arrays()


@pytest.mark.rule("2.8")
def test_reach_is_the_value_at_the_worst_accepted_price_and_never_wraps() -> None:
    x = book()
    instruments = x.instrument_arrays()

    assert (_reach(instruments, 0, -3), _reach(instruments, 1, 3)) == (3_000, 30)
    assert _reach(instruments, 0, 2**62) == _reach(instruments, 1, -(2**61)) == COST_STOP


@pytest.mark.rule("15.1")
def test_the_size_of_a_booking_is_its_largest_outcome() -> None:
    x = book()
    row = x.hold(0, 0)
    x.positions.entry_cost[row], x.positions.settlement_cost[row] = -7, 40
    x.positions.realised[row], x.accounts.balance[0, 0] = -50, 45

    assert _size(*tables(x), 0, 0, -100, 3) == 100 + 3 + 7 + 45
    assert _size(*tables(x), 1, 0, 100, -3) == 103  # nothing held


@pytest.mark.rule("2.9")
def test_gross_counts_costs_and_reaches_with_orders_on_their_worst_side() -> None:
    x = book()
    one, other = x.hold(0, 0), x.hold(0, 1)
    x.positions.lots[one], x.positions.settlement_cost[one] = 5, -8
    x.positions.buy_lots[one], x.positions.sell_lots[one] = 1, 20
    x.positions.lots[other] = -2

    assert _gross(*tables(x), 0, 0, 0, 0, 0, 0) == 8 + 15_000 + 20
    assert _gross(*tables(x), 0, 0, 3, 30, 0, 0) == 22 + 12_000 + 20
    assert _gross(*tables(x), 0, 0, 0, 0, 30, 0) == 8 + 36_000 + 20
    assert _gross(*tables(x), 1, 1, -4, 9, 0, 1) == 9 + 50  # nothing held


@pytest.mark.rule("15.1")
@pytest.mark.parametrize("holder", [0, 1])
def test_either_side_of_a_trade_may_be_too_large(holder: int) -> None:
    x = book()
    x.accounts.balance[holder, 0] = AMOUNT_MAX - 110

    assert _oversize(*tables(x), 0, 1, 100, 10) == 0
    assert _oversize(*tables(x), 0, 1, 100, 11) == AMOUNT_MAX + 1


@pytest.mark.rule("15.2")
def test_the_gross_of_either_side_may_be_too_large() -> None:
    x = book()
    x.positions.settlement_cost[x.hold(1, 1)] = AMOUNT_MAX - 1_100

    assert _oversize(*tables(x), 0, 1, 100, 0) == 0
    assert _oversize(*tables(x), 0, 1, 101, 0) == AMOUNT_MAX + 1


@pytest.mark.rule("15.3", "15.4")
def test_fees_and_what_the_settlement_account_advances_are_bounded() -> None:
    x = book()
    x.accounts.balance[2, 0] = AMOUNT_MAX - 20
    assert _oversize(*tables(x), 0, 1, 100, 10) == 0
    assert _oversize(*tables(x), 0, 1, 100, 11) == AMOUNT_MAX + 2

    x.accounts.balance[2, 0] = 0
    x.positions.settlement_cost[x.instruments.suspense[0]] = -AMOUNT_MAX + 200
    assert _oversize(*tables(x), 0, 1, 101, 0) == 0  # paid each cycle: nothing is advanced
    x.instruments.style[0] = int(Style.AT_CLOSE)
    assert _oversize(*tables(x), 0, 1, 100, 0) == 0
    assert _oversize(*tables(x), 0, 1, 101, 0) == AMOUNT_MAX + 2


@pytest.mark.rule("15.8")
def test_a_trade_that_cannot_be_refused_stops_before_it_is_booked() -> None:
    x = book()
    _room(*tables(x), 0, 0, 2**50, 2**59)
    x.accounts.balance[0, 0] = BALANCE_STOP - 100
    _room(*tables(x), 0, 0, 1, 99)
    with pytest.raises(InvariantError, match="2\\*\\*62"):
        _room(*tables(x), 0, 0, 1, 100)


@pytest.mark.rule("15.8")
@pytest.mark.parametrize("sign", [1, -1])
def test_a_balance_stops_at_its_limit(sign: int) -> None:
    _balance(np.int64(sign * (BALANCE_STOP - 1)))
    with pytest.raises(InvariantError, match="2\\*\\*62"):
        _balance(np.int64(sign * BALANCE_STOP))
