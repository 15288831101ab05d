"""From an account's equity at the start to its equity when it failed, item by item.

Every run of events changes net equity by what it does to balances, prices and unsettled profit.
The parts are exact fractions; each item is rounded once to ledger units at the end, and what the
engine's own rounding makes of it is an item too, so that the sum is exact.

Items: profit of each contract (price moves and fills), funding, fees, deposits and withdrawals of
each asset, price moves of the collateral held, conversions, and shares in the losses of others.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from novate.canonical import Run
from novate.engine.batch import Batch
from novate.engine.state import State
from novate.insight.listing import Listing
from novate.kernel.clearing.settle import value_of
from novate.message.declare import columns_of, rows_of
from novate.units import format_instant

TRIGGERS = {"LiquidationStarted": "liquidation", "DefaultDeclared": "default"}
FOR_ALL = frozenset(
    {"IndexUpdated", "MarkUpdated", "OptionMarked", "CycleSettled", "FundingSettled",
     "InterestCharged", "ContractExpired", "OptionExpired", "BarrierTouched", "GainsCut"}
)  # fmt: skip
"""Events that change the worth of accounts without naming them."""
ITEMS = {
    "FundingSettled": "Funding",
    "FundingReturned": "Funding",
    "InterestCharged": "Interest on debts",
    "AssetConverted": "Conversion of collateral",
    "CollateralTransferred": "Transfers between accounts of the holder",
    "PositionTransferred": "Transfers between accounts of the holder",
    "GainsCut": "Share in losses of others",
    "PositionDeleveraged": "Share in losses of others",
    "LossAllocated": "Share in losses of others",
}
"""Events whose cash is an item of its own, and that item."""
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Snap:
    """One account: balance and price by asset, unsettled profit by instrument, ledger units."""

    balance: tuple[int, ...]
    price: tuple[Fraction, ...]
    unsettled: dict[int, int]


@dataclass(slots=True)
class _Failure:
    """The account when it went into liquidation or default."""

    kind: str
    instant_ns: int
    row: Row
    items: dict[str, Fraction]
    positions: list[Row]


@dataclass(slots=True)
class Bridge:
    """Follows one account through a journal.

    Attributes
    ----------
    listing, account
        What the run lists, and the account's number.
    opening
        Sequence of the last record of the opening; items count from there.
    start
        Net equity after the opening, numeraire units.
    """

    listing: Listing
    account: int
    opening: int
    start: int
    _items: defaultdict[str, Fraction] = field(default_factory=lambda: defaultdict(Fraction))
    _last: _Snap | None = None
    _failure: _Failure | None = None
    _end: tuple[Row, dict[str, Fraction]] | None = None

    def observe(self, state: State, batch: Batch, run: Run) -> None:
        """Book what a run of events did to the account."""
        if batch.sequence <= self.opening or self._end is not None:
            return
        if run.name == "AccountTakenOver":
            self._take_over(run)
            if self._end is not None:
                return
        if self._last is None or run.name in FOR_ALL or self._touches_account(run):
            snap = self._snap(state)
            if self._last is not None and snap != self._last:
                self._book(self._last, snap, run)
            self._last = snap
        if run.name in TRIGGERS:
            for row in rows_of(run):
                if row["account"] == self.account:
                    self._failure = _Failure(
                        TRIGGERS[run.name], batch.instant_ns, row, dict(self._items),
                        self._positions(state),
                    )  # fmt: skip

    def _touches_account(self, run: Run) -> bool:
        columns = columns_of(run)
        return any(
            bool((columns[name] == self.account).any())
            for name in ("account", "buyer", "seller", "payer", "sender", "receiver")
            if name in columns
        )

    def _take_over(self, run: Run) -> None:
        own = [row for row in rows_of(run) if row["account"] == self.account]
        if own:
            self._end = (own[-1], dict(self._items))

    def _rows(self, state: State) -> list[tuple[int, int, int]]:
        """Instrument, lots and settlement cost of each position row."""
        p = state.positions
        rows = np.flatnonzero(p.used("account") == self.account)
        return [
            (int(p.instrument[row]), int(p.lots[row]), int(p.settlement_cost[row])) for row in rows
        ]

    def _snap(self, state: State) -> _Snap:
        x = state
        unsettled: dict[int, int] = {}
        for i, lots, cost in self._rows(state):
            mark = int(x.marks.mark[i])
            worth = value_of(int(x.instruments.form[i]), int(x.instruments.unit[i]), mark, lots)
            unsettled[i] = unsettled.get(i, 0) + (int(worth) if mark > 0 else 0) - cost
        return _Snap(
            tuple(int(b) for b in x.accounts.balance[self.account, : x.assets.count]),
            tuple(Fraction(float(price)) for price in x.assets.used("unit_price")),
            unsettled,
        )

    def _positions(self, state: State) -> list[Row]:
        x = state
        positions = []
        for i, lots, _ in self._rows(state):
            if lots == 0:
                continue
            contract, mark = self.listing.instruments[i], int(x.marks.mark[i])
            worth = value_of(int(x.instruments.form[i]), int(x.instruments.unit[i]), mark, lots)
            price = float(x.assets.unit_price[int(x.instruments.settlement_asset[i])])
            positions.append(
                {
                    "instrument": contract.symbol,
                    "size": contract.size_text(lots),
                    "mark": f"{contract.price(mark):,.10g}",
                    "notional": round(abs(int(worth)) * price),
                }
            )
        return positions

    def _book(self, before: _Snap, after: _Snap, run: Run) -> None:
        """Split one change into items."""
        items, assets = self._items, self.listing.assets
        cash = [Fraction(0)] * len(after.balance)
        for a, price in enumerate(after.price):
            balance = before.balance[a] if a < len(before.balance) else 0
            past = before.price[a] if a < len(before.price) else price
            if a and price != past and balance:
                items[f"Price of the {assets[a]} held"] += balance * (price - past)
            cash[a] = (after.balance[a] - balance) * price
        name = self._item_of(run, cash)
        for i in set(before.unsettled) | set(after.unsettled):
            settled = self._settled_in(i)
            was = before.unsettled.get(i, 0) * before.price[settled]
            change = after.unsettled.get(i, 0) * after.price[settled] - was
            if change:
                whole = name if run.name in ("FundingSettled", "PositionTransferred") else ""
                items[whole or f"Profit of {self.listing.instruments[i].item}"] += change
        for amount in cash:
            if amount:
                items[name] += amount

    def _settled_in(self, instrument: int) -> int:
        return self.listing.instruments[instrument].settlement

    def _item_of(self, run: Run, cash: list[Fraction]) -> str:
        """Name of the item that takes the cash of a run of events; fees are booked on the way."""
        rows = rows_of(run)
        if run.name in ("CollateralPosted", "CollateralWithdrawn"):
            what = "Deposits" if run.name == "CollateralPosted" else "Withdrawals"
            return f"{what} of {self.listing.assets[rows[0]['asset']]}"
        if run.name in ITEMS:
            return ITEMS[run.name]
        own = [row for row in rows if self._is_party(row)]
        for row in own:
            self._charge(row, cash)
        if rows and "instrument" in rows[0] and (own or "account" not in rows[0]):
            instrument = (own or rows)[0]["instrument"]
            return f"Profit of {self.listing.instruments[instrument].item}"
        return "Other"

    def _is_party(self, row: Row) -> bool:
        return self.account in (row.get("account"), row.get("buyer"), row.get("seller"))

    def _charge(self, row: Row, cash: list[Fraction]) -> None:
        """Move the fee of a fill or a trade from the cash of a run to the fees."""
        asset, fee = 0, row.get("fee", 0)
        if "buyer_fee" in row:
            asset = self._settled_in(row["instrument"])
            fee = row["buyer_fee"] if row["buyer"] == self.account else row["seller_fee"]
        if fee and self._last is not None:
            worth = fee * self._last.price[asset]
            self._items["Fees"] -= worth
            cash[asset] += worth

    def failure(self) -> dict[str, Any] | None:
        """How it failed: items up to the last failure and on to the takeover; None if it did not.

        Amounts are integers, numeraire units, the account's sign.
        """
        if self._failure is None:
            return None
        row = self._failure.row
        stages = [_stage("start", self.start, {}, self._failure.items, row["net"], "failure")]
        if self._end is not None:
            taken, items = self._end
            stages.append(
                _stage("failure", row["net"], self._failure.items, items, taken["equity"],
                       "takeover")
            )  # fmt: skip
        return {
            "kind": self._failure.kind,
            "instant": format_instant(self._failure.instant_ns),
            "net": row["net"],
            "haircuts": row["equity"] - row["net"],
            "equity": row["equity"],
            "requirement": row["requirement"],
            "positions": self._failure.positions,
            "stages": stages,
        }


def _stage(
    start: str,
    opening: int,
    before: dict[str, Fraction],
    after: dict[str, Fraction],
    closing: int,
    end: str,
) -> dict[str, Any]:
    """One stretch of the bridge: its items are whole units and add up to its ends."""
    items = {}
    for name in sorted(after):
        amount = round(after[name] - before.get(name, Fraction(0)))
        if amount:
            items[name] = amount
    rest = closing - opening - sum(items.values())
    if rest:
        items["Rounding"] = rest
    return {"from": start, "opening": opening, "items": items, "to": end, "closing": closing}
