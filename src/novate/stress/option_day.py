"""The option book through the generated day: what each kind of holder gained, and from what.

The book rests: nobody trades options during the day.  Makers keep their spot delta near zero with
perpetuals, traded at the index at fixed times; what they hold pays funding and costs a fee.  The
first expiry settles inside the day at the time average of the index; its options are then cash.

Stated assumptions: hedging every quarter of an hour, a fee of 2 basis points of the hedge, funding
of one basis point each eight hours, paid by longs; options are valued on the day's surface.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from novate.kernel.columns import F64, I64
from novate.stress.option_book import OptionBook
from novate.stress.option_market import SurfacePath
from novate.stress.option_terms import HOUR_NS, Trader
from novate.stress.option_value import contract_table, final_prices, market_at
from novate.units import MINUTE
from novate.valuation.book_risk import Positions
from novate.valuation.holding import Contracts, Market, unit_risk
from novate.valuation.pnl_explain import TERMS, Flows, Trades, explain, moves

STEP_MINUTES = 5
HEDGE_NS = 15 * MINUTE
FUNDING_NS = 8 * HOUR_NS
FUNDING_RATE = 1e-4
HEDGE_FEE = 2e-4
SETTLEMENT_WINDOW_NS = 30 * MINUTE
DECIMALS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionDay:
    """Profit and loss of each kind of holder, numeraire units of 1e-6, positive = gained.

    Attributes
    ----------
    instant_ns
        End of each step, int64 ``[steps]``.
    terms
        Int64 ``[steps, traders, len(TERMS)]``; they add up to ``actual`` in every step, exactly.
    actual
        Int64 ``[steps, traders]``: change of worth, with what settled, funding and fees.
    hedge
        Coins of perpetuals that the makers hold after each step, ``[steps, coins]``.
    final
        Settlement price of the first expiry of each coin, numeraire.
    """

    instant_ns: I64
    terms: I64
    actual: I64
    hedge: F64
    final: F64


@dataclass(slots=True)
class _Run:
    """The day as it goes: quantity in coins per kind of holder and row of the contract table."""

    book: OptionBook
    paths: tuple[SurfacePath, ...]
    table: Contracts
    quantity: F64

    @property
    def coins(self) -> int:
        return len(self.paths)

    def positions(self) -> Positions:
        """Return the resting book as position rows."""
        trader, row = np.nonzero(self.quantity)
        return Positions(
            account=trader.astype(np.int32),
            contract=row.astype(np.int32),
            quantity=self.quantity[trader, row],
        )

    def wanted_hedge(self, market: Market) -> F64:
        """Coins of perpetuals that make the makers' spot delta zero, ``[coins]``."""
        options = len(self.book.contracts)
        delta = unit_risk(self.table, market)["delta"][:options]
        held = self.quantity[Trader.MARKET_MAKER, :options]
        mine = np.where(held != 0.0, held * delta, 0.0)
        wanted: F64 = -np.bincount(self.table.underlying[:options], mine, self.coins).astype(float)
        return wanted


def grid_rows(instants: int) -> I64:
    """Return the rows of the minute grid at which the day is looked at: the first, then steps."""
    rows = np.arange(STEP_MINUTES - 1, instants, STEP_MINUTES, dtype=np.int64)
    return np.unique(np.concatenate([np.zeros(1, dtype=np.int64), rows]))


def option_day(book: OptionBook, paths: tuple[SurfacePath, ...]) -> OptionDay:
    """Let the book live through the day.

    Parameters
    ----------
    book
        Positions at the first instant.
    paths
        Surface of each underlying by minute.
    """
    expiry_ns = paths[0].expiry_ns
    table = contract_table(book.contracts, expiry_ns, len(paths))
    quantity = np.zeros((len(Trader), len(table)))
    for trader in Trader:
        quantity[trader, : len(book.contracts)] = book.coins_of(trader)
    run = _Run(book, paths, table, quantity)
    rows = grid_rows(len(paths[0].instant_ns))
    final = np.array([final_prices(path, 0, SETTLEMENT_WINDOW_NS) for path in paths])
    start = market_at(book.contracts, paths, 0)
    run.quantity[Trader.MARKET_MAKER, len(book.contracts) :] = run.wanted_hedge(start)
    terms, actual, hedges = [], [], []
    for at in rows[1:].tolist():
        end = market_at(book.contracts, paths, at)
        opening = run.positions()
        flows = _flows(run, end, final)
        found = explain(
            moves(table, start, end), opening, accounts=len(Trader), decimals=DECIMALS, flows=flows
        )
        terms.append(found.units.T)
        actual.append(found.actual)
        hedges.append(run.quantity[Trader.MARKET_MAKER, len(book.contracts) :].copy())
        start = end
    return OptionDay(
        instant_ns=paths[0].instant_ns[rows[1:]],
        terms=np.array(terms),
        actual=np.array(actual),
        hedge=np.array(hedges),
        final=final,
    )


def _flows(run: _Run, end: Market, final: F64) -> Flows:
    """Settle what expires and hedge again; change the book, and return what was booked."""
    settled = _settle(run, end, final)
    options, maker = len(run.book.contracts), Trader.MARKET_MAKER
    held = run.quantity[maker, options:].copy()
    spot = end.spot[options:]
    is_funded = end.as_of_ns % FUNDING_NS == 0
    paid = -float((held * spot).sum()) * FUNDING_RATE if is_funded else 0.0
    traded = np.zeros(run.coins)
    if end.as_of_ns % HEDGE_NS == 0:
        traded = run.wanted_hedge(end) - held
        run.quantity[maker, options:] += traded
    fee = float((np.abs(traded) * spot).sum()) * HEDGE_FEE
    rows = np.flatnonzero(traded)
    trades = Trades(
        account=np.concatenate([settled.account, np.full(len(rows), maker)]).astype(np.int32),
        contract=np.concatenate([settled.contract, rows + options]).astype(np.int32),
        quantity=np.concatenate([settled.quantity, traded[rows]]),
        price=np.concatenate([settled.price, spot[rows]]),
    )
    return Flows(trades=trades, funding=_maker_units(paid), fees=_maker_units(fee))


def _maker_units(amount: float) -> I64:
    units = np.zeros(len(Trader), dtype=np.int64)
    units[Trader.MARKET_MAKER] = round(amount * 10**DECIMALS)
    return units


def _settle(run: _Run, end: Market, final: F64) -> Trades:
    """Take what expires now out of the book, at its payoff."""
    options = len(run.book.contracts)
    is_due = np.zeros(len(run.table), dtype=np.bool_)
    is_due[:options] = run.table.expiry_ns[:options] == end.as_of_ns
    trader, row = np.nonzero(run.quantity * is_due)
    price = final[run.table.underlying[row]]
    payoff = np.maximum(run.table.side[row] * (price - run.table.strike[row]), 0.0)
    # A coin-settled option pays payoff / final price in coin, which is worth the spot of now.
    payoff = np.where(run.table.is_coin[row], payoff / price * end.spot[row], payoff)
    sold = -run.quantity[trader, row]
    run.quantity[trader, row] = 0.0
    return Trades(
        account=trader.astype(np.int32), contract=row.astype(np.int32), quantity=sold, price=payoff
    )


__all__ = ["TERMS", "OptionDay", "grid_rows", "option_day"]
