"""Mutants of what is asked of a trade: one refusal that a side gets over.

The tests of a trade are compiled.  So a trade that was refused for the reason in question is asked
again with what stood in its way taken from the side: its margin, or its reservation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest

from novate.kernel.clearing.settle import row_of
from novate.kernel.clearing.trade import apply_releases
from novate.kernel.clearing.trade_code import (
    ACCEPTED,
    INSUFFICIENT_MARGIN,
    NO_RESERVATION,
    ORDERS_UNCOVERED,
    UNKNOWN_RESERVATION,
    WORSE_THAN_LIMIT,
)
from novate.margin import admission

Patch = pytest.MonkeyPatch


class Trade(NamedTuple):
    """Arguments of the kernel that decides, of a run of one trade."""

    given: list[Any]

    def __getitem__(self, name: str) -> Any:  # type: ignore[override]
        return self.given[PLACE[name]]

    @property
    def code(self) -> int:
        """Why it was refused, `ACCEPTED` if it was not."""
        return int(self["refusal"][0])

    def sides(self) -> Iterator[tuple[int, int, int, str]]:
        """Account, signed lots and row of the reservation of each side, and that column's name."""
        lots = int(self["lots"][0])
        for name, sign in (("buyer", 1), ("seller", -1)):
            column = f"{name}_reservation"
            yield int(self[name][0]), sign * lots, int(self[column][0]), column


PLACE = {
    "accounts": 0, "positions": 1, "reservations": 4, "buyer": 17, "seller": 18, "instrument": 19,
    "ticks": 20, "lots": 21, "buyer_reservation": 23, "seller_reservation": 24, "refusal": 25,
}  # fmt: skip
"""Where the kernel takes what."""


def asked_again(patch: Patch, code: int, change: Callable[[Trade], Trade | None]) -> None:
    """Decide a trade that was refused for a reason once more, with other arguments."""
    real = admission.decide_trades

    def decide(*given: Any) -> int:
        at = int(real(*given))
        trade = Trade(list(given))
        if at < 1 or trade.code != code:
            return at
        assert len(trade["lots"]) == 1, "attackers trade one by one"
        other = change(trade)
        return at if other is None else int(real(*other.given))

    patch.setattr(admission, "decide_trades", decide)


def without_margin(trade: Trade, accounts: list[int]) -> Trade:
    """Ask some accounts for no margin."""
    given = list(trade.given)
    is_margined = trade["accounts"].is_margined.copy()
    is_margined[accounts] = 0
    given[0] = trade["accounts"]._replace(is_margined=is_margined)
    return Trade(given)


def reducing(trade: Trade) -> list[int]:
    """Accounts whose side does no more than reduce what they hold."""
    found, i = [], int(trade["instrument"][0])
    for account, lots, _, _ in trade.sides():
        row = int(row_of(trade["positions"], account, i))
        held = int(trade["positions"].lots[row]) if row >= 0 else 0
        if held * lots < 0 and abs(lots) <= abs(held):
            found.append(account)
    return found


def direct_closing_may_concede_anything(patch: Patch) -> None:
    """Rule 7.53 of trades: who is short of margin closes at any price."""
    asked_again(patch, INSUFFICIENT_MARGIN, lambda trade: without_margin(trade, reducing(trade)))


def orders_outlast_the_position_that_they_close(patch: Patch) -> None:
    """Rule 7.55: a closing order stays when its position is closed beside it."""
    asked_again(patch, ORDERS_UNCOVERED, lambda trade: without_margin(trade, reducing(trade)))


def orders_fill_at_any_price(patch: Patch) -> None:
    """Rule 7.7: a fill may be worse than the limit of the order."""

    def change(trade: Trade) -> Trade:
        limit = trade["reservations"].limit_ticks.copy()
        for _, _, row, _ in trade.sides():
            if row >= 0:
                limit[row] = trade["ticks"][0]
        given = list(trade.given)
        given[PLACE["reservations"]] = trade["reservations"]._replace(limit_ticks=limit)
        return Trade(given)

    asked_again(patch, WORSE_THAN_LIMIT, change)


def by_reservation_anyhow(patch: Patch, fits: Callable[[Any, int, int, int], bool]) -> None:
    """Let sides trade by reservations that are not theirs, or too small, as far as one says."""
    real = admission.decide_trades

    def decide(*given: Any) -> int:
        at = int(real(*given))
        trade = Trade(list(given))
        if at < 1 or trade.code != UNKNOWN_RESERVATION:
            return at
        other, used = without_margin(trade, []), {}
        for account, lots, row, column in trade.sides():
            used[column] = np.full(1, NO_RESERVATION, np.int64)
            if row >= 0 and fits(trade["reservations"], row, account, lots):
                other = without_margin(other, [account])
                other.given[PLACE[column]] = used[column].copy()
                used[column][0] = row
        at = int(real(*other.given))
        if other.code == ACCEPTED:
            tables = (trade[name] for name in ("accounts", "positions", "reservations"))
            apply_releases(*tables, *used.values(), trade["lots"])
        return at

    patch.setattr(admission, "decide_trades", decide)


def orders_fill_beyond_their_lots(patch: Patch) -> None:
    """Rule 7.6: a reservation with too few lots left lets the whole trade go on."""

    def fits(reservations: Any, row: int, account: int, lots: int) -> bool:
        return bool(reservations.account[row] == account and reservations.lots[row] * lots > 0)

    by_reservation_anyhow(patch, fits)


def orders_serve_everybody(patch: Patch) -> None:
    """Rule 7.6: whose reservation it is does not matter."""

    def fits(reservations: Any, row: int, account: int, lots: int) -> bool:
        return bool(abs(reservations.lots[row]) >= abs(lots) and reservations.lots[row] * lots > 0)

    by_reservation_anyhow(patch, fits)


TRADE_MUTANTS = (
    direct_closing_may_concede_anything,
    orders_outlast_the_position_that_they_close,
    orders_fill_at_any_price,
    orders_fill_beyond_their_lots,
    orders_serve_everybody,
)
