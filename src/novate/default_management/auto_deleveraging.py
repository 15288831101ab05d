"""Auto-deleveraging: winners are closed against the liquidator at the bankruptcy price.

The queue ranks accounts on the other side by return times effective leverage (Binance, Bybit,
Hyperliquid publish this form): unrealised profit over entry value, times notional over equity.
The price is as far from the mark as the loss needs, spread over the liquidator's whole position,
but no winner is closed beyond the profit of what is closed, or below maintenance margin.
"""

from __future__ import annotations

import numpy as np

from novate.default_management.close_out import notional_of, position_rows
from novate.default_management.gains_haircut import standing_accounts
from novate.default_management.outbox import book_between
from novate.kernel.clearing.assess import NET
from novate.kernel.clearing.settle import value_of
from novate.kernel.codes import Role
from novate.message import event
from novate.message.declare import Emit, Row
from novate.valuation import ClearingState


def ranking_score(profit: float, entry: float, notional: float, equity: float) -> float:
    """Score of a position in the queue; higher is deleveraged first.

    ``profit`` over ``entry`` value is the return, ``notional`` over ``equity`` the leverage.  A
    losing position scores at most zero; an account without equity ranks by return alone.
    """
    if entry <= 0.0:
        return 0.0
    leverage = notional / equity if equity > 0.0 else 1.0
    return profit / entry * leverage


def queue(x: ClearingState, instrument: int, side: int) -> list[tuple[float, int, int]]:
    """Winners on one side (+1 long, -1 short) of an instrument: (score, account, row), best first.

    Ties go to the lower account number.  Accounts without profit are not in the queue.
    """
    standing = standing_accounts(x)
    equity = x.assess_all()[:, NET]
    form, unit = x.instruments.form[instrument], x.instruments.unit[instrument]
    mark = x.marks.mark[instrument]
    price = float(x.assets.unit_price[x.instruments.settlement_asset[instrument]])
    ranked = []
    for row in x.holders(instrument):
        account, lots = int(x.positions.account[row]), int(x.positions.lots[row])
        if lots * side <= 0 or not standing[account]:
            continue
        value = int(value_of(form, unit, mark, lots))
        entry = int(x.positions.entry_cost[row])
        profit = value - entry
        if profit <= 0:
            continue
        score = ranking_score(
            float(profit), float(abs(entry)), abs(value) * price, float(equity[account])
        )
        ranked.append((score, account, int(row)))
    ranked.sort(key=lambda entry: (-entry[0], entry[1]))
    return ranked


def allocate(x: ClearingState, loss: int, rest: int, emit: Emit) -> int:
    """Close the liquidator's positions against winners until ``rest`` is borne.

    Instruments go by the liquidator's notional, largest first.  Returns what could not be borne.
    """
    liquidator = x.single(Role.LIQUIDATOR)
    rows = position_rows(x, liquidator)
    rows.sort(key=lambda r: (-notional_of(x, r), int(x.positions.instrument[r])))
    for row in rows:
        if rest <= 0:
            break
        rest = _deleverage(x, loss, int(x.positions.instrument[row]), row, rest, emit)
    return max(rest, 0)


def _borne(x: ClearingState, i: int, lots: int, ticks: int) -> int:
    """Numeraire units the liquidator gains by trading ``lots`` at ``ticks`` and not at the mark."""
    form, unit = x.instruments.form[i], x.instruments.unit[i]
    better = int(value_of(form, unit, x.marks.mark[i], lots)) - int(
        value_of(form, unit, ticks, lots)
    )
    price = float(x.assets.unit_price[x.instruments.settlement_asset[i]])
    return int(np.floor(better * price))


def _price(x: ClearingState, i: int, lots: int, rest: int) -> int:
    """Price nearest the mark at which trading all ``lots`` bears ``rest``, or the limit of prices.

    ``lots`` is what the liquidator trades: negative when it sells, above the mark.
    """
    mark = int(x.marks.mark[i])
    near, far = (mark, int(x.instruments.ticks_max[i])) if lots < 0 else (mark, 1)
    if _borne(x, i, lots, far) < rest:
        return far
    while abs(far - near) > 1:
        middle = (near + far) // 2
        if _borne(x, i, lots, middle) >= rest:
            far = middle
        else:
            near = middle
    return far


def _bearable_price(x: ClearingState, i: int, row: int, lots: int, ticks: int) -> int:
    """Price nearest ``ticks``, from the mark on, at which a winner can bear closing ``lots``.

    Nobody is deleveraged beyond the profit of what is closed, nor below maintenance margin: a
    winner who lost the gain elsewhere would fail by it, and the loss would come back.
    """
    numbers = x.assess(int(x.positions.account[row]))
    room = max(numbers.equity - numbers.maintenance, 0)
    form, unit, mark = x.instruments.form[i], x.instruments.unit[i], int(x.marks.mark[i])
    cost = int(x.positions.entry_cost[row])
    closed = abs(cost) * abs(lots) // abs(int(x.positions.lots[row]))
    closed = closed if cost > 0 else -closed
    step = 1 if ticks > mark else -1
    best, far = 0, abs(ticks - mark)
    while best < far:
        middle = (best + far + 1) // 2
        there = mark + step * middle
        is_gain = -int(value_of(form, unit, there, lots)) - closed >= 0
        if is_gain and _borne(x, i, -lots, there) <= room:
            best = middle
        else:
            far = middle - 1
    return mark + step * best


def _deleverage(x: ClearingState, loss: int, i: int, row: int, rest: int, emit: Emit) -> int:
    """Walk the queue of one instrument; returns what is left of the loss."""
    held = int(x.positions.lots[row])
    side = -1 if held > 0 else 1
    ticks = _price(x, i, -held, rest)
    open_lots = abs(held)
    for _, winner, winner_row in queue(x, i, side):
        if rest <= 0 or open_lots == 0:
            break
        size = min(open_lots, abs(int(x.positions.lots[winner_row])))
        lots = size if held > 0 else -size
        at_ticks = _bearable_price(x, i, winner_row, lots, ticks)
        value = int(value_of(x.instruments.form[i], x.instruments.unit[i], at_ticks, lots))
        amount = min(_borne(x, i, -lots, at_ticks), rest)
        emit(
            event.POSITION_DELEVERAGED,
            loss=loss, account=winner, instrument=i, lots=lots, ticks=at_ticks, value=value,
            amount=amount,
        )  # fmt: skip
        rest -= amount
        open_lots -= size
    return rest


def apply_position_deleveraged(x: ClearingState, row: Row) -> None:
    """Book the trade between winner and liquidator."""
    book_between(
        x, row["account"], x.single(Role.LIQUIDATOR), row["instrument"], row["ticks"],
        row["lots"], row["value"],
    )  # fmt: skip
