"""A generated venue: members, accounts, collateral and positions, calibrated and balanced.

No venue publishes its accounts, so the cascade is run on a book that is generated to stated
targets and prints what it reached (`calibration`).  What matters for a default is kept: a
heavy-tailed size distribution, a crowd of leveraged longs, makers whose hedge sits elsewhere and
is no collateral here, basis traders whose collateral falls with the price they are short of, funds
that are called rather than liquidated, and a stable coin in the collateral that can lose its peg.

Three promises hold for every book, and are checked before it is returned: lots add up to zero per
instrument, entry costs add up to zero per instrument (the opening trades create no money), and
every account starts above its initial margin under the margin function that was passed in.
"""

from __future__ import annotations

import numpy as np

from novate.errors import InputError
from novate.simulation.population.account import draw_accounts
from novate.simulation.population.book import (
    Accounts,
    Book,
    Deposits,
    Members,
    OpeningTrades,
    Positions,
    check_book,
    sum_by,
)
from novate.simulation.population.deposit import draw_deposits, needed_collateral
from novate.simulation.population.position import draw_holding, open_positions
from novate.simulation.population.terms import (
    LEDGER,
    AccountType,
    Asset,
    InitialMargin,
    Instrument,
    IntArray,
    MarginMode,
    Role,
    Segregation,
    ShortfallPolicy,
    Targets,
    TypeTerms,
    check_targets,
    venue_types,
)

__all__ = [
    "LEDGER",
    "AccountType",
    "Accounts",
    "Asset",
    "Book",
    "Deposits",
    "InitialMargin",
    "Instrument",
    "MarginMode",
    "Members",
    "OpeningTrades",
    "Positions",
    "Role",
    "Segregation",
    "ShortfallPolicy",
    "Targets",
    "TypeTerms",
    "generate_book",
    "venue_types",
]


def generate_book(
    targets: Targets,
    instruments: tuple[Instrument, ...],
    assets: tuple[Asset, ...],
    *,
    recent_e8: IntArray,
    initial_margin: InitialMargin,
    seed: int,
) -> Book:
    """Generate a venue at its starting marks.

    Parameters
    ----------
    targets
        What the book shall look like.
    instruments, assets
        What is traded and what is collateral; asset 0 is the numeraire coin.
    recent_e8
        Recent prices, shape (times, instruments), 1e-8 numeraire, oldest first; the last row is
        the starting mark and entry prices are drawn from the others.
    initial_margin
        Initial margin of positions of one instrument; must not fall with the notional.
    seed
        Run seed; equal seeds give equal books.

    Returns
    -------
    Book
        Balanced, and with every account above its initial margin.

    Raises
    ------
    InputError
        If the targets contradict each other or the prices are not usable.
    """
    check_targets(targets, instruments, assets)
    recent_ticks = _recent_ticks(instruments, recent_e8)
    mark = recent_ticks[-1]
    tick_value = np.array([item.tick_value for item in instruments], dtype=np.int64)
    sketch = draw_accounts(targets, seed)
    accounts = sketch.accounts
    holding = draw_holding(targets, instruments, sketch, mark * tick_value, seed)
    positions, trades = open_positions(holding, recent_ticks, accounts.kind, seed)
    count = len(accounts)
    notional = np.abs(positions.lots) * (mark * tick_value)[positions.instrument]
    margin = _margin(positions, notional, initial_margin, count)
    move = positions.lots * mark[positions.instrument] - positions.entry_cost
    profit = sum_by(positions.account, move * tick_value[positions.instrument], count)
    gross = sum_by(positions.account, notional, count)
    value = needed_collateral(targets, gross, holding.leverage, margin, profit, seed)
    market = (instruments, assets)
    book = Book(
        targets=targets,
        instruments=instruments,
        assets=assets,
        mark_ticks=mark,
        members=_members(targets, accounts, margin),
        accounts=accounts,
        deposits=draw_deposits(targets, market, accounts.kind, positions, value, seed),
        positions=positions,
        trades=trades,
        initial_margin=margin,
    )
    check_book(book)
    return book


def _recent_ticks(instruments: tuple[Instrument, ...], recent_e8: IntArray) -> IntArray:
    if recent_e8.ndim != 2 or recent_e8.shape[1] != len(instruments) or len(recent_e8) == 0:
        msg = f"recent_e8 has shape {recent_e8.shape}; allowed is (times, {len(instruments)})"
        raise InputError(msg)
    tick = np.array([item.tick_e8 for item in instruments], dtype=np.int64)
    ticks: IntArray = (2 * recent_e8 + tick) // (2 * tick)
    if (ticks < 1).any():
        row, column = (int(index[0]) for index in np.nonzero(ticks < 1))
        msg = (
            f"recent_e8 row {row} of {instruments[column].symbol} is "
            f"{int(recent_e8[row, column])}; allowed is at least one tick"
        )
        raise InputError(msg)
    return ticks


def _margin(
    positions: Positions, notional: IntArray, initial_margin: InitialMargin, accounts: int
) -> IntArray:
    """Add up initial margin over each account's positions, without offsets."""
    margin = np.zeros(len(notional), dtype=np.int64)
    for number in np.unique(positions.instrument):
        rows = positions.instrument == number
        margin[rows] = initial_margin(int(number), notional[rows])
    if (margin < 0).any():
        msg = f"initial_margin returned {int(margin.min())}; allowed is 0 or more"
        raise InputError(msg)
    return sum_by(positions.account, margin, accounts)


def _members(targets: Targets, accounts: Accounts, margin: IntArray) -> Members:
    """Members and their default-fund contributions: a tenth in equal parts, the rest by margin."""
    count = targets.members
    total = int(targets.open_interest * targets.default_fund_share)
    by_member = sum_by(accounts.member, margin, count).astype(np.float64)
    share = 0.1 / count + 0.9 * by_member / by_member.sum()
    paid = np.floor(share * total).astype(np.int64)
    paid[0] += total - int(paid.sum())
    return Members(
        reference=tuple(f"M{row:02d}" for row in range(count)),
        house_account=np.arange(count, dtype=np.int64),
        default_fund=paid,
    )
