"""A book from files: positions, collateral, and the trades of the day."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from novate.adapter.book_file import Account, CollateralTable, PositionTable, TradeTable
from novate.app.replay.book import Book, Member, open_members, opening_prices, prepaid_fees
from novate.app.replay.feed import Feed
from novate.app.replay.opening import account_row, trade_run
from novate.app.replay.read import BookFiles
from novate.app.replay.trades import dated_trades
from novate.app.replay.venue import Venue, without_collar
from novate.canonical import Run
from novate.errors import InputError
from novate.insight.observed_run import MarginAccounts
from novate.kernel.clearing.value import LINEAR
from novate.kernel.codes import MarginMode, Role, ShortfallPolicy
from novate.message import command


def file_book(venue: Venue, feed: Feed, files: BookFiles) -> Book:
    """Return the book of a positions and a collateral file, with the trades of the day.

    Entry prices are rounded to the nearest tick.  Each position is opened at its entry price
    against the external market, which is flat again when a balanced file has been loaded; profit
    since entry is paid by it at the first cycle.  Entry prices may be far from the mark, so the
    collar is off for these trades.

    Raises
    ------
    InputError
        If collateral is of an account that neither holds a position nor trades, or a trade does
        not fit the accounts and the window.
    """
    positions, collateral, trades = files.positions, files.collateral, files.trades
    open_interest = _long_notional(venue, positions)
    accounts = _accounts_of(positions, collateral, trades)
    names = list(dict.fromkeys(account.member or "member" for account in accounts))
    stated = venue.parameters["waterfall"]["default_fund"]
    share = (stated or open_interest // 50) // max(len(names), 1)
    members = [Member(f"member:{name}", f"{name}-default-fund", share) for name in names]
    opened, numbers, first = open_members(venue, members, open_interest)
    member_of = dict(zip(names, numbers, strict=True))
    number = {account.reference: first + k for k, account in enumerate(accounts)}
    positions_run = _position_trades(venue, positions, first)
    window = (int(feed.instant_ns[0]), int(feed.instant_ns[-1]))
    return Book(
        opening=(
            *opened,
            *(_account_row(account, member_of) for account in accounts),
            _deposits(venue, collateral, number),
            prepaid_fees(venue, positions_run, first),
            *opening_prices(venue, feed),
            *without_collar(venue, positions_run),
        ),
        accounts=MarginAccounts(
            numbers=np.arange(first, first + len(accounts)),
            references=tuple(account.reference for account in accounts),
            roles=tuple(account.role.name.lower() for account in accounts),
            members=tuple(account.member or "member" for account in accounts),
            profiles=("file",) * len(accounts),
        ),
        trades=dated_trades(venue, trades, number, window) if trades is not None else (),
    )


def _account_row(account: Account, member_of: Mapping[str, int]) -> Run:
    return account_row(
        account.reference,
        account.role,
        member_of[account.member or "member"],
        mode=account.margin_mode,
        shortfall_policy=account.shortfall_policy,
    )


def _deposits(venue: Venue, collateral: CollateralTable, number: Mapping[str, int]) -> Run:
    unknown = [name for name in collateral.accounts if name not in number]
    if unknown:
        raise InputError(f"collateral of account {unknown[0]!r}, which holds no position")
    return command.POST_COLLATERAL.run(
        {
            "account": [number[collateral.accounts[int(a)]] for a in collateral.account],
            "asset": [venue.asset(collateral.assets[int(a)]) for a in collateral.asset],
            "amount": collateral.amount,
        }
    )


def _accounts_of(
    positions: PositionTable, collateral: CollateralTable, trades: TradeTable | None
) -> list[Account]:
    """Accounts of the positions file, and those that have collateral and a trade alone."""
    known = {account.reference for account in positions.accounts}
    traded = trades.accounts if trades is not None else ()
    added = [name for name in collateral.accounts if name in traded and name not in known]
    plain = (Role.CLIENT, MarginMode.CROSS, ShortfallPolicy.AUTO_LIQUIDATE)
    return [*positions.accounts, *(Account(name, "", *plain) for name in added)]


def _long_notional(venue: Venue, positions: PositionTable) -> int:
    """Long notional at the entry prices, numeraire units."""
    symbols = {contract.symbol: contract for contract in venue.contracts}
    total = 0
    for lots, price, number in zip(
        positions.lots, positions.entry_price_e8, positions.instrument, strict=True
    ):
        contract = symbols[positions.instruments[int(number)]]
        if lots > 0 and contract.form == LINEAR:
            total += int(lots) * contract.lot_e8 * int(price) // 10**10
        elif lots > 0:
            total += int(lots) * contract.face_e8 // 100
    return total


def _position_trades(venue: Venue, positions: PositionTable, first: int) -> Run:
    market = venue.house[Role.EXTERNAL_MARKET]
    symbols = [contract.symbol for contract in venue.contracts]
    is_long = positions.lots > 0
    account = positions.account + first
    instrument = np.array(
        [symbols.index(positions.instruments[int(i)]) for i in positions.instrument], np.int64
    )
    tick = np.array([contract.tick_e8 for contract in venue.contracts])[instrument]
    return trade_run(
        (np.where(is_long, account, market), np.where(is_long, market, account)),
        instrument,
        np.maximum((2 * positions.entry_price_e8 + tick) // (2 * tick), 1),
        np.abs(positions.lots),
    )
