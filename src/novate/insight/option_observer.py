"""The option market of a run, observed while it runs: profit explained, and moments to measure.

Everything comes from the engine: positions, marks and smiles from its state, trades, fills, fees
and settlements from its events.  Holders are grouped by why they hold; the last group is everybody
else: the clearing house's liquidator, the market that fills its orders.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from novate.canonical import Run
from novate.engine.batch import Batch
from novate.engine.state import State
from novate.insight.option_ledger import TradeLedger
from novate.kernel.clearing.columns import F64, I32, I64
from novate.kernel.clearing.value import LINEAR
from novate.message.declare import rows_of
from novate.units import MINUTE
from novate.valuation.book_risk import Positions
from novate.valuation.clearing_book import exposed_contracts, exposed_market, exposed_positions
from novate.valuation.holding import NO_EXPIRY, Contracts, Kind, Market
from novate.valuation.pnl_explain import TERMS, Flows, Trades, explain, moves

STEP_NS = 5 * MINUTE
WIDE_PPM = 10_000
"""Range above which a bar is a step of its own: the terms of a step are those of a small move."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HedgeTerms:
    """The perpetual that hedges the options of one underlying.

    Attributes
    ----------
    asset
        Number of the underlying.
    perpetual, tick_e8, lot_e8
        Number of the perpetual, its tick and its lot (1e-8 numeraire, 1e-8 coin).
    """

    asset: int
    perpetual: int
    tick_e8: int
    lot_e8: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionHolders:
    """The options of a run, who holds them, and what hedges them.

    Attributes
    ----------
    first_instrument, options
        Number of the first option, and how many there are.
    accounts, groups
        Accounts that hold options, and the group of each, shape (holders,).
    others
        Number of the last group: every other account.
    maker
        The group that hedges.
    hedges
        One for each underlying.
    external_market
        Account that hedges are traded with.
    """

    first_instrument: int
    options: int
    accounts: I64
    groups: I64
    others: int
    maker: int
    hedges: tuple[HedgeTerms, ...]
    external_market: int


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
        Group of each account, by account number.
    """

    contracts: Contracts
    market: Market
    positions: Positions
    group: I32

    def quantity(self, group: int) -> F64:
        """Net lots of one group of holders in each option."""
        is_theirs = self.group[self.positions.account] == group
        rows, lots = self.positions.contract[is_theirs], self.positions.quantity[is_theirs]
        return np.bincount(rows, lots, len(self.contracts)).astype(np.float64)


class OptionObserver:
    """Follows the option market of a run.

    Parameters
    ----------
    holders
        The options, who holds them, and what hedges them.
    moments_ns
        Ends of bars at which a `Moment` is kept; the opening is kept always.

    Attributes
    ----------
    instants, terms, actual
        End of each step, and profit by term and group, numeraire units: int64 ``[terms, groups]``
        and ``[groups]``.  ``actual`` is at the engine's marks; the terms add up to it.
    moments
        By instant.
    """

    def __init__(self, holders: OptionHolders, moments_ns: tuple[int, ...]) -> None:
        self.holders, self._moments_ns = holders, moments_ns
        self.instants: list[int] = []
        self.terms: list[I64] = []
        self.actual: list[I64] = []
        self.moments: dict[int, Moment] = {}
        self._options = holders.options
        self._coins = len(holders.hedges)
        self._groups = holders.others + 1
        self._booked = TradeLedger.empty(self._groups)
        self._handlers = {
            "TradeNovated": self._novated,
            "OrderFilled": self._filled,
            "PositionDeleveraged": self._deleveraged,
            "OptionExpired": self._expired,
            "FundingSettled": self._funded,
            "FundingReturned": self._returned,
        }
        self._perpetual = {item.perpetual: k for k, item in enumerate(holders.hedges)}

    def begin(self, state: State, hedges: I64) -> None:
        """Take the state after the opening; ``hedges`` are lots of each underlying's perpetual."""
        group = np.full(state.accounts.count, self.holders.others, np.int32)
        group[self.holders.accounts] = self.holders.groups
        self._group = group
        self._hedges = hedges
        self._start = self._market(state)
        self._quantity = self._quantities(state)
        self._worth = self._mark_worth(state)
        self._keep(state, state.now_ns)

    def take(self, batches: list[Batch], state: State, hedges: I64, dropped: I64) -> None:
        """Book the events of a step.

        Parameters
        ----------
        hedges
            Lots of each underlying's perpetual that makers hold after the step.
        dropped
            Change of the lots of each maker by its takeover, ``[makers, underlyings]``.
        """
        self._funded_lots, self._hedges = self._hedges, hedges
        spot = state.assets.price_e8 / 1e8
        for maker, coin in zip(*np.nonzero(dropped), strict=True):
            item = self.holders.hedges[coin]
            coins = float(dropped[maker, coin]) * item.lot_e8 / 1e8
            row, price = self._options + int(coin), float(spot[item.asset])
            self._booked.trade(self.holders.maker, row, coins, price)
            self._booked.trade(self.holders.others, row, -coins, price)
        for batch in batches:
            for run in batch.events:
                handler = self._handlers.get(run.name)
                if handler is not None:
                    handler(state, run)

    def sample(self, state: State, instant_ns: int, range_ppm: int) -> None:
        """Take the end of a bar: explain the step if it ends here, and keep what is asked."""
        self._keep(state, instant_ns)
        if instant_ns % STEP_NS and range_ppm <= WIDE_PPM:
            return
        end, booked = self._market(state), self._booked
        quantities, worth = self._quantities(state), self._mark_worth(state)
        table = self._table(state)
        moved = moves(table, self._start, end)
        # What changed hands without a price is a takeover: at the marks of now.
        price = worth.price
        rest = quantities - self._quantity - booked.lots(len(table))
        for group, row in zip(*np.nonzero(np.abs(rest) > 1e-9), strict=True):
            booked.trade(int(group), int(row), float(rest[group, row]), float(price[row]))
        actual = worth.total - self._worth.total + booked.cash + booked.funding - booked.fees
        found = explain(
            moved,
            _as_positions(self._quantity),
            accounts=self._groups,
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
        self._start, self._quantity, self._worth = end, quantities, worth
        self._booked = TradeLedger.empty(self._groups)

    # --- what the state says ----------------------------------------------------------------------

    def _rows(self) -> I64:
        return self.holders.first_instrument + np.arange(self._options)

    def _keep(self, state: State, instant_ns: int) -> None:
        if instant_ns not in self._moments_ns and self.moments:
            return
        rows, positions = self._rows(), exposed_positions(state)
        is_option = positions.contract >= self.holders.first_instrument
        self.moments[instant_ns] = Moment(
            contracts=exposed_contracts(state).take(rows),
            market=exposed_market(state).take(rows),
            positions=Positions(
                account=positions.account[is_option],
                contract=positions.contract[is_option] - np.int32(self.holders.first_instrument),
                quantity=positions.quantity[is_option],
            ),
            group=self._group,
        )

    def _table(self, state: State) -> Contracts:
        """Options, then what one coin of each hedge is worth."""
        options = exposed_contracts(state).take(self._rows())
        coins = self._coins
        asset = np.array([item.asset for item in self.holders.hedges], np.int32)
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
        asset = [item.asset for item in self.holders.hedges]
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
        positions = exposed_positions(state)
        is_option = positions.contract >= self.holders.first_instrument
        out = np.zeros((self._groups, self._options + self._coins))
        row = positions.contract[is_option] - self.holders.first_instrument
        np.add.at(
            out, (self._group[positions.account[is_option]], row), positions.quantity[is_option]
        )
        size = np.array([item.lot_e8 / 1e8 for item in self.holders.hedges])
        hedge = self._hedges * size
        out[self.holders.maker, self._options :] = hedge
        out[self.holders.others, self._options :] = -hedge
        return out

    def _mark_worth(self, state: State) -> _Worth:
        """Worth of what groups hold at the engine's marks, numeraire."""
        x, rows = state, self._rows()
        price = np.empty(self._options + self._coins)
        price[: self._options] = x.marks.mark[rows] * self._tick_worth(state, rows)
        price[self._options :] = [x.assets.price_e8[i.asset] / 1e8 for i in self.holders.hedges]
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
        k, group = row["instrument"] - self.holders.first_instrument, int(self._group[account])
        if k >= 0:
            price = row["ticks"] * float(self._tick_worth(state, np.array([row["instrument"]]))[0])
            self._booked.trade(group, k, float(lots), price)

    def _novated(self, state: State, run: Run) -> None:
        market, scale = self.holders.external_market, 10 ** int(state.assets.decimals[0])
        for row in rows_of(run):
            for side, sign in (("buyer", 1), ("seller", -1)):
                account, lots = row[side], sign * row["lots"]
                self._trade(state, row, account, lots)
                other = row["seller" if side == "buyer" else "buyer"]
                coin = self._perpetual.get(row["instrument"])
                is_hedge = coin is not None and other == market
                if is_hedge and coin is not None:
                    item = self.holders.hedges[coin]
                    coins = lots * item.lot_e8 / 1e8
                    price = row["ticks"] * item.tick_e8 / 1e8
                    self._booked.trade(
                        int(self._group[account]), self._options + coin, coins, price
                    )
                    self._booked.trade(self.holders.others, self._options + coin, -coins, price)
                if is_hedge or row["instrument"] >= self.holders.first_instrument:
                    asset = int(state.instruments.settlement_asset[row["instrument"]])
                    paid = row[f"{side}_fee"] * float(state.assets.unit_price[asset])
                    self._booked.fees[self._group[account]] += paid / scale

    def _filled(self, state: State, run: Run) -> None:
        for row in rows_of(run):
            self._trade(state, row, row["account"], row["lots"])
            self._trade(state, row, self.holders.external_market, -row["lots"])
            if row["instrument"] >= self.holders.first_instrument:
                scale = 10 ** int(state.assets.decimals[0])
                self._booked.fees[self._group[row["account"]]] += row["fee"] / scale

    def _deleveraged(self, state: State, run: Run) -> None:
        liquidator = np.flatnonzero(self._group == self.holders.others)[0]
        for row in rows_of(run):
            self._trade(state, row, row["account"], row["lots"])
            self._trade(state, row, int(liquidator), -row["lots"])

    def _expired(self, state: State, run: Run) -> None:
        for row in rows_of(run):
            k = row["instrument"] - self.holders.first_instrument
            quantity = self._quantity[:, k] + self._booked.lots(self._options + self._coins)[:, k]
            price = row["ticks"] * float(self._tick_worth(state, np.array([row["instrument"]]))[0])
            for group in np.flatnonzero(quantity):
                self._booked.trade(int(group), k, -float(quantity[group]), price)

    def _funded(self, state: State, run: Run) -> None:
        for row in rows_of(run):
            coin = self._perpetual.get(row["instrument"])
            if coin is None:
                continue
            item = self.holders.hedges[coin]
            size = float(self._funded_lots[coin]) * item.lot_e8 / 1e8
            paid = size * row["ticks"] * item.tick_e8 / 1e8 * row["rate_e9"] / 1e9
            self._booked.funding[self.holders.maker] -= paid

    def _returned(self, state: State, run: Run) -> None:
        scale = 10 ** int(state.assets.decimals[0])
        for row in rows_of(run):
            is_maker = self._group[row["account"]] == self.holders.maker
            if is_maker and row["instrument"] in self._perpetual:
                self._booked.funding[self.holders.maker] += row["amount"] / scale


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


__all__ = ["STEP_NS", "TERMS", "HedgeTerms", "Moment", "OptionHolders", "OptionObserver"]
