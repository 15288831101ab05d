"""Auto-deleveraging: winners are closed against the liquidator at the bankruptcy price.

The queue ranks accounts on the other side by return times effective leverage, as BitMEX publishes:
unrealised profit over entry value, times notional over what the account is worth.  Binance, Bybit
and Hyperliquid rank by the same two factors.

The price is as far from the mark as the loss needs, spread over the liquidator's whole position,
but no winner is closed at a loss on what is closed, or below maintenance margin (rules 13.10 to
13.17).  What the queue leaves is cut from gains.
"""

from __future__ import annotations

import heapq

import numpy as np

from novate.default_management.close_out import notional_of, position_rows
from novate.default_management.loss import gains_haircut
from novate.default_management.loss.policy import (
    NOTHING_PAID,
    Bearer,
    Borne,
    LastLayer,
    LayerTerms,
    Place,
)
from novate.default_management.loss.share import standing_accounts
from novate.default_management.outbox import book_between, cancel_excess_orders
from novate.default_management.room import trade_room
from novate.default_management.state import DefaultState
from novate.kernel.clearing.assess import NET
from novate.kernel.clearing.bound import COST_STOP
from novate.kernel.clearing.columns import I64
from novate.kernel.clearing.group import closable_lots
from novate.kernel.clearing.settle import value_of, values_of
from novate.kernel.codes import Layer, Role
from novate.message import event
from novate.message.declare import Emit, Row
from novate.valuation import ClearingState


def ranking_score(profit: float, entry: float, notional: float, equity: float) -> float:
    """Return the score of a position in the queue; higher is deleveraged first (rule 13.13).

    Parameters
    ----------
    profit, entry
        Unrealised profit and size of the entry cost, ledger units of the settlement asset; their
        quotient is the return.  The score has the sign of the profit.
    notional, equity
        Size of the value at the mark, and net of the account, numeraire units; their quotient is
        the leverage, 1 where the account's net is not positive.

    Returns
    -------
    float
        Return times leverage; 0 without entry cost.
    """
    if entry <= 0.0:
        return 0.0
    leverage = notional / equity if equity > 0.0 else 1.0
    return profit / entry * leverage


class Queues:
    """Winners of each contract and side, best first, while one loss after another is allocated.

    A queue is made when it is first asked for, from all holders.  Afterwards only an account that
    is closed changes: it is entered anew in every queue that it stands in, and an entry whose score
    is not the present one is passed over.

    Parameters
    ----------
    x
        State in which the losses are allocated; nobody else changes it meanwhile.

    Attributes
    ----------
    found
        Number of winners that were taken off.
    """

    def __init__(self, x: ClearingState) -> None:
        self._x = x
        self._is_standing = standing_accounts(x)
        self._net = x.sum_all()[:, NET]
        self._queues: dict[tuple[int, int], list[tuple[float, int, int]]] = {}
        self.found = 0

    def best(self, instrument: int, side: int) -> int:
        """Take the first winner off a queue (rule 13.12).

        Parameters
        ----------
        instrument, side
            Contract, and the winner's side: +1 long, -1 short.

        Returns
        -------
        int
            Its position row, -1 if there is none.  Ties go to the lower account number; accounts
            without profit are not in the queue.
        """
        key = instrument, side
        if key not in self._queues:
            self._queues[key] = self.ranked(instrument, side)
        entries = self._queues[key]
        while entries:
            entry = heapq.heappop(entries)
            if entry in self._entries(instrument, side, np.array([entry[2]])):
                self.found += 1
                return entry[2]
        return -1

    def enter(self, account: int) -> None:
        """Enter an account anew after it was closed in a contract."""
        x = self._x
        accounts = list(x.group_accounts(account))
        self._net[accounts] = x.assess(account).net
        for row in [row for one in accounts for row in position_rows(x, one)]:
            instrument, side = int(x.positions.instrument[row]), int(np.sign(x.positions.lots[row]))
            if (instrument, side) in self._queues:
                for entry in self._entries(instrument, side, np.array([row])):
                    heapq.heappush(self._queues[instrument, side], entry)

    def ranked(self, instrument: int, side: int) -> list[tuple[float, int, int]]:
        """Return all winners of a side, +1 long or -1 short: (minus score, account, row)."""
        return sorted(self._entries(instrument, side, self._x.holders(instrument)))

    def _entries(self, instrument: int, side: int, rows: I64) -> list[tuple[float, int, int]]:
        """Winners among position rows of one contract: (minus the score, account, row)."""
        x, p = self._x, self._x.positions
        rows = rows[(p.lots[rows] * side > 0) & self._is_standing[p.account[rows]]]
        if x.accounts.grouped:
            rows = rows[[_closable(x, row) != 0 for row in rows.tolist()]]
        value = np.empty(rows.size, np.int64)
        form, unit = x.instruments.form[instrument], x.instruments.unit[instrument]
        values_of(form, unit, x.marks.mark[instrument], p.lots[rows], value)
        profit = value - p.entry_cost[rows]
        gains = np.flatnonzero(profit > 0)
        rows, value, profit = rows[gains], value[gains], profit[gains]
        price = float(x.assets.unit_price[x.instruments.settlement_asset[instrument]])
        account = p.account[rows]
        entries = []
        for k, (gain, cost, size, net) in enumerate(
            zip(
                profit.tolist(), np.abs(p.entry_cost[rows]).tolist(), np.abs(value).tolist(),
                self._net[account].tolist(), strict=True,
            )
        ):  # fmt: skip
            score = ranking_score(float(gain), float(cost), size * price, float(net))
            entries.append((-score, int(account[k]), int(rows[k])))
        return entries


def _closable(x: ClearingState, row: int) -> int:
    """Signed lots of a position that its netting set does not offset: a hedge stays a hedge."""
    return int(closable_lots(x.account_arrays(), x.positions.arrays(), row))


def allocate(x: ClearingState, queues: Queues, loss: int, rest: int, emit: Emit) -> int:
    """Decide trades of liquidator and winners until a loss is borne: `PositionDeleveraged`.

    Instruments go by the liquidator's notional, largest first, ties by number (rule 13.10).

    Parameters
    ----------
    queues
        Winners; what is closed is entered anew.
    loss, rest
        Number of the loss, and numeraire units left of it.

    Returns
    -------
    int
        Numeraire units that could not be borne, not negative.
    """
    liquidator = x.single(Role.LIQUIDATOR)
    rows = position_rows(x, liquidator)
    p = x.positions
    held = [(int(p.instrument[row]), int(p.lots[row]), row) for row in rows]
    held.sort(key=lambda one: (-notional_of(x, *one[:2]), one[0]))
    for *_, row in held:
        if rest <= 0:
            break
        rest = _deleverage(x, queues, loss, row, rest, emit)
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

    Closing is no loss on what is closed, and costs against the mark no more than equity above
    maintenance margin: a winner who lost the gain elsewhere would be liquidated by more, and its
    shortfall would be a new loss (rule 13.14).
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


def _deleverage(
    x: ClearingState, queues: Queues, loss: int, row: int, rest: int, emit: Emit
) -> int:
    """Walk the queue of one instrument; returns what is left of the loss."""
    i, held = int(x.positions.instrument[row]), int(x.positions.lots[row])
    ticks = _price(x, i, -held, rest)
    open_lots = abs(held)
    while rest > 0 and open_lots > 0:
        winner_row = queues.best(i, -1 if held > 0 else 1)
        if winner_row < 0:
            break
        winner = int(x.positions.account[winner_row])
        size = min(open_lots, abs(_closable(x, winner_row)))
        lots = size if held > 0 else -size
        at_ticks = _bearable_price(x, i, winner_row, lots, ticks)
        if trade_room(x, winner, x.single(Role.LIQUIDATOR), i, lots, at_ticks) >= COST_STOP:
            break  # rule 15.69
        value = int(value_of(x.instruments.form[i], x.instruments.unit[i], at_ticks, lots))
        amount = min(_borne(x, i, -lots, at_ticks), rest)
        emit(
            event.POSITION_DELEVERAGED,
            loss=loss, account=winner, instrument=i, lots=lots, ticks=at_ticks, value=value,
            amount=amount,
        )  # fmt: skip
        queues.enter(winner)
        rest -= amount
        open_lots -= size
    return rest


def apply_position_deleveraged(x: ClearingState, row: Row) -> None:
    """Book a trade of winner and liquidator, without fees (rules 7.14 to 7.20).

    Parameters
    ----------
    row
        ``account`` of the winner, ``instrument``, its signed ``lots`` (positive bought), ``ticks``,
        and ``value`` of the lots at them, ledger units of the settlement asset.
    """
    book_between(
        x, row["account"], x.single(Role.LIQUIDATOR), row["instrument"], row["ticks"],
        row["lots"], row["value"],
    )  # fmt: skip


class AutoDeleveraging(LastLayer):
    """Winners are closed against the liquidator; what that leaves is cut from gains."""

    terms = LayerTerms(
        Layer.AUTO_DELEVERAGING, "auto_deleveraging", "adl",
        Place.LAST, Bearer.OTHERS,
        "Last layer: auto-deleveraging", "Deleveraging",
    )  # fmt: skip

    def bear(self, x: DefaultState, losses: I64, rest: I64, emit: Emit) -> Borne:
        """Close winners, then cut gains, loss by loss."""
        left, queues = rest.copy(), Queues(x)
        for k in np.flatnonzero(left).tolist():
            before = queues.found
            left[k] = allocate(x, queues, int(losses[k]), int(left[k]), emit)
            cancel_excess_orders(x, emit)
            if queues.found == before:
                # Cuts move cash alone: where nobody stands in a queue, nobody will for later ones.
                left[k:] = gains_haircut.allocate(x, losses[k:], left[k:], emit)
                break
            if left[k]:
                one = slice(k, k + 1)
                left[one] = gains_haircut.allocate(x, losses[one], left[one], emit)
                queues = Queues(x)
        return Borne(left, NOTHING_PAID)
