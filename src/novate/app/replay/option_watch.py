"""The option market of a run, looked at while it runs: profit explained, and moments to measure.

Everything comes from the engine: positions, marks and smiles from its state, trades, fills, fees
and settlements from its events.  Holders are grouped by why they hold; the last group is everybody
else: the clearing house's liquidator, the market that fills its orders.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from novate.app.replay.option_hedge import HedgeBook
from novate.canonical import Run
from novate.engine.batch import Batch
from novate.engine.state import State
from novate.kernel.clearing.columns import F64, I32, I64
from novate.kernel.clearing.value import LINEAR
from novate.message.declare import rows_of
from novate.simulation.options.command import OptionVenue
from novate.simulation.options.terms import Trader
from novate.units import MINUTE
from novate.valuation.book_risk import Positions
from novate.valuation.clearing_book import exposed_contracts, exposed_market, exposed_positions
from novate.valuation.holding import NO_EXPIRY, Contracts, Kind, Market
from novate.valuation.pnl_explain import TERMS, Flows, Trades, explain, moves

STEP_NS = 5 * MINUTE
WIDE_PPM = 10_000
"""Range above which a bar is a step of its own: the terms of a step are those of a small move."""
GROUPS = len(Trader) + 1
OTHERS = len(Trader)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The option market at one instant.

    Attributes
    ----------
    contracts, market
        One row per option.
    positions
        Open positions in them, lots.
    group
        `Trader` of each account, or `OTHERS`, by account number.
    """

    contracts: Contracts
    market: Market
    positions: Positions
    group: I32

    def quantity(self, trader: int) -> F64:
        """Net lots of one kind of holder in each option."""
        mine = self.group[self.positions.account] == trader
        rows, lots = self.positions.contract[mine], self.positions.quantity[mine]
        return np.bincount(rows, lots, len(self.contracts)).astype(np.float64)


@dataclass(slots=True)
class Ledger:
    """What was booked since the last look: trades of groups, fees and funding of makers' hedges.

    ``cash`` is what groups were paid for positions, numeraire; ``lots`` what trades made of them.
    """

    group: list[int]
    row: list[int]
    quantity: list[float]
    price: list[float]
    fees: F64
    funding: F64
    cash: F64

    @classmethod
    def empty(cls) -> Ledger:
        """Nothing booked."""
        return cls([], [], [], [], np.zeros(GROUPS), np.zeros(GROUPS), np.zeros(GROUPS))

    def trade(self, group: int, row: int, quantity: float, price: float) -> None:
        """Book what a group bought (positive) of a row at a price per unit."""
        self.group.append(group)
        self.row.append(row)
        self.quantity.append(quantity)
        self.price.append(price)
        self.cash[group] -= quantity * price

    def lots(self, rows: int) -> F64:
        """Sum of the quantities, ``[groups, rows]``."""
        out = np.zeros((GROUPS, rows))
        np.add.at(out, (self.group, self.row), self.quantity)
        return out


class OptionWatch:
    """Follows the option market of a run.

    Parameters
    ----------
    venue
        The option market.
    hedges
        What makers hold against it; advanced by `take`.
    moments_ns
        Ends of bars at which a `Moment` is kept; the opening is kept always.
    is_sampled
        Whether profit is explained and moments are kept, or only hedges followed.

    Attributes
    ----------
    instants, terms, actual
        End of each step, and profit by term and group, numeraire units: int64 ``[terms, groups]``
        and ``[groups]``.  ``actual`` is at the engine's marks; the terms add up to it.
    moments
        By instant.
    """

    def __init__(
        self,
        venue: OptionVenue,
        hedges: HedgeBook,
        moments_ns: tuple[int, ...],
        *,
        is_sampled: bool,
    ) -> None:
        self.venue, self.hedges, self._moments_ns = venue, hedges, moments_ns
        self.is_sampled = is_sampled
        self.instants: list[int] = []
        self.terms: list[I64] = []
        self.actual: list[I64] = []
        self.moments: dict[int, Moment] = {}
        self._options = len(venue.book.contracts)
        self._coins = len(venue.underlyings)
        self._booked = Ledger.empty()
        self._handlers = {
            "TradeNovated": self._novated,
            "OrderFilled": self._filled,
            "PositionDeleveraged": self._deleveraged,
            "OptionExpired": self._expired,
            "FundingSettled": self._funded,
        }
        self._perpetual = {item.perpetual: k for k, item in enumerate(venue.underlyings)}

    def begin(self, state: State) -> None:
        """Take the first look, after the opening."""
        group = np.full(state.accounts.count, OTHERS, np.int32)
        book = self.venue.book
        group[book.account + self.venue.first_account] = book.trader
        self._group = group
        self._start = self._market(state)
        self._held = self._quantities(state)
        self._worth = self._mark_worth(state)
        self._keep(state, state.now_ns)

    def take(self, batches: list[Batch], state: State) -> None:
        """Book the events of a step."""
        self._funded_lots = self.hedges.lots.sum(axis=0)
        _, dropped = self.hedges.take(batches)
        if not self.is_sampled:
            return
        spot = state.assets.price_e8 / 1e8
        for maker, coin in zip(*np.nonzero(dropped), strict=True):
            item = self.venue.underlyings[coin]
            coins = float(dropped[maker, coin]) * item.lot_e8 / 1e8
            row, price = self._options + int(coin), float(spot[item.asset])
            self._booked.trade(Trader.MARKET_MAKER, row, coins, price)
            self._booked.trade(OTHERS, row, -coins, price)
        for batch in batches:
            for run in batch.events:
                handler = self._handlers.get(run.name)
                if handler is not None:
                    handler(state, run)

    def sample(self, state: State, instant_ns: int, range_ppm: int) -> None:
        """Look at the end of a bar: explain the step if it ends here, and keep what is asked."""
        if not self.is_sampled:
            return
        self._keep(state, instant_ns)
        if instant_ns % STEP_NS and range_ppm <= WIDE_PPM:
            return
        end, booked = self._market(state), self._booked
        held, worth = self._quantities(state), self._mark_worth(state)
        table = self._table(state)
        moved = moves(table, self._start, end)
        # What changed hands without a price is a takeover: at the marks of now.
        price = worth.price
        rest = held - self._held - booked.lots(len(table))
        for group, row in zip(*np.nonzero(np.abs(rest) > 1e-9), strict=True):
            booked.trade(int(group), int(row), float(rest[group, row]), float(price[row]))
        actual = worth.total - self._worth.total + booked.cash + booked.funding - booked.fees
        found = explain(
            moved,
            _as_positions(self._held),
            accounts=GROUPS,
            decimals=6,
            flows=Flows(
                trades=Trades(
                    account=np.array(booked.group, np.int32),
                    contract=np.array(booked.row, np.int32),
                    quantity=np.array(booked.quantity),
                    price=np.array(booked.price),
                ),
                funding=_units(booked.funding),
                fees=_units(booked.fees),
            ),
            actual=_units(actual),
        )
        self.instants.append(instant_ns)
        self.terms.append(found.units)
        self.actual.append(found.actual)
        self._start, self._held, self._worth = end, held, worth
        self._booked = Ledger.empty()

    # --- what the state says ----------------------------------------------------------------------

    def _rows(self) -> I64:
        return self.venue.first_instrument + np.arange(self._options)

    def _keep(self, state: State, instant_ns: int) -> None:
        if instant_ns not in self._moments_ns and self.moments:
            return
        rows, held = self._rows(), exposed_positions(state)
        mine = held.contract >= self.venue.first_instrument
        self.moments[instant_ns] = Moment(
            contracts=exposed_contracts(state).take(rows),
            market=exposed_market(state).take(rows),
            positions=Positions(
                account=held.account[mine],
                contract=held.contract[mine] - np.int32(self.venue.first_instrument),
                quantity=held.quantity[mine],
            ),
            group=self._group,
        )

    def _table(self, state: State) -> Contracts:
        """Options, then what one coin of each hedge is worth."""
        options = exposed_contracts(state).take(self._rows())
        coins = self._coins
        asset = np.array([item.asset for item in self.venue.underlyings], np.int32)
        return Contracts(
            kind=np.append(options.kind, np.full(coins, Kind.SPOT, np.int8)),
            form=np.append(options.form, np.full(coins, LINEAR, np.int8)),
            underlying=np.append(options.underlying, asset),
            settlement=np.append(options.settlement, np.zeros(coins, np.int32)),
            side=np.append(options.side, np.ones(coins)),
            strike=np.append(options.strike, np.zeros(coins)),
            expiry_ns=np.append(options.expiry_ns, np.full(coins, NO_EXPIRY, np.int64)),
            unit=np.append(options.unit, np.ones(coins)),
            exotics=options.exotics,
        )

    def _market(self, state: State) -> Market:
        options = exposed_market(state).take(self._rows())
        asset = [item.asset for item in self.venue.underlyings]
        spot = state.assets.price_e8[asset] / 1e8
        added: dict[str, Any] = {
            "spot": spot, "forward": spot, "vol": np.zeros(len(spot)), "rate": np.zeros(len(spot)),
            "settlement_price": np.ones(len(spot)),
        }  # fmt: skip
        columns: dict[str, Any] = {
            n: np.concatenate([getattr(options, n), c]) for n, c in added.items()
        }
        return Market(as_of_ns=options.as_of_ns, **columns)

    def _quantities(self, state: State) -> F64:
        """Lots of options and coins of hedges by group, ``[groups, rows]``."""
        held = exposed_positions(state)
        mine = held.contract >= self.venue.first_instrument
        out = np.zeros((GROUPS, self._options + self._coins))
        row = held.contract[mine] - self.venue.first_instrument
        np.add.at(out, (self._group[held.account[mine]], row), held.quantity[mine])
        size = np.array([item.lot_e8 / 1e8 for item in self.venue.underlyings])
        hedge = self.hedges.lots.sum(axis=0) * size
        out[Trader.MARKET_MAKER, self._options :] = hedge
        out[OTHERS, self._options :] = -hedge
        return out

    def _mark_worth(self, state: State) -> _Worth:
        """Worth of what groups hold at the engine's marks, numeraire."""
        x, rows = state, self._rows()
        price = np.empty(self._options + self._coins)
        price[: self._options] = x.marks.mark[rows] * self._tick_worth(state, rows)
        price[self._options :] = [x.assets.price_e8[i.asset] / 1e8 for i in self.venue.underlyings]
        return _Worth(price=price, total=self._quantities(state) @ price)

    def _tick_worth(self, state: State, rows: I64) -> F64:
        """Numeraire per tick of a lot of each instrument."""
        x = state
        unit = x.assets.unit_price[x.instruments.settlement_asset[rows]]
        worth: F64 = x.instruments.unit[rows] * unit / 10 ** int(x.assets.decimals[0])
        return worth

    # --- events -----------------------------------------------------------------------------------

    def _trade(self, state: State, row: dict[str, int], account: int, lots: int) -> None:
        """Book one side of a trade in an option, or of a maker's hedge."""
        k, group = row["instrument"] - self.venue.first_instrument, int(self._group[account])
        if k >= 0:
            price = row["ticks"] * float(self._tick_worth(state, np.array([row["instrument"]]))[0])
            self._booked.trade(group, k, float(lots), price)

    def _novated(self, state: State, run: Run) -> None:
        market, scale = self.venue.external_market, 10 ** int(state.assets.decimals[0])
        for row in rows_of(run):
            for side, sign in (("buyer", 1), ("seller", -1)):
                account, lots = row[side], sign * row["lots"]
                self._trade(state, row, account, lots)
                other = row["seller" if side == "buyer" else "buyer"]
                coin = self._perpetual.get(row["instrument"])
                is_hedge = coin is not None and other == market
                if is_hedge and coin is not None:
                    item = self.venue.underlyings[coin]
                    coins = lots * item.lot_e8 / 1e8
                    price = row["ticks"] * item.tick_e8 / 1e8
                    self._booked.trade(
                        int(self._group[account]), self._options + coin, coins, price
                    )
                    self._booked.trade(OTHERS, self._options + coin, -coins, price)
                if is_hedge or row["instrument"] >= self.venue.first_instrument:
                    asset = int(state.instruments.settlement_asset[row["instrument"]])
                    paid = row[f"{side}_fee"] * float(state.assets.unit_price[asset])
                    self._booked.fees[self._group[account]] += paid / scale

    def _filled(self, state: State, run: Run) -> None:
        for row in rows_of(run):
            self._trade(state, row, row["account"], row["lots"])
            self._trade(state, row, self.venue.external_market, -row["lots"])
            if row["instrument"] >= self.venue.first_instrument:
                scale = 10 ** int(state.assets.decimals[0])
                self._booked.fees[self._group[row["account"]]] += row["fee"] / scale

    def _deleveraged(self, state: State, run: Run) -> None:
        liquidator = np.flatnonzero(self._group == OTHERS)[0]
        for row in rows_of(run):
            self._trade(state, row, row["account"], row["lots"])
            self._trade(state, row, int(liquidator), -row["lots"])

    def _expired(self, state: State, run: Run) -> None:
        for row in rows_of(run):
            k = row["instrument"] - self.venue.first_instrument
            held = self._held[:, k] + self._booked.lots(self._options + self._coins)[:, k]
            price = row["ticks"] * float(self._tick_worth(state, np.array([row["instrument"]]))[0])
            for group in np.flatnonzero(held):
                self._booked.trade(int(group), k, -float(held[group]), price)

    def _funded(self, state: State, run: Run) -> None:
        for row in rows_of(run):
            coin = self._perpetual.get(row["instrument"])
            if coin is None:
                continue
            item = self.venue.underlyings[coin]
            size = float(self._funded_lots[coin]) * item.lot_e8 / 1e8
            paid = size * row["ticks"] * item.tick_e8 / 1e8 * row["rate_e9"] / 1e9
            self._booked.funding[Trader.MARKET_MAKER] -= paid


@dataclass(frozen=True, slots=True, kw_only=True)
class _Worth:
    """Numeraire per unit of each row, and what each group's holding is worth."""

    price: F64
    total: F64


def _as_positions(quantity: F64) -> Positions:
    group, row = np.nonzero(quantity)
    return Positions(
        account=group.astype(np.int32),
        contract=row.astype(np.int32),
        quantity=quantity[group, row],
    )


def _units(amount: F64) -> I64:
    return np.rint(amount * 1e6).astype(np.int64)


__all__ = ["GROUPS", "OTHERS", "STEP_NS", "TERMS", "Moment", "OptionWatch"]
