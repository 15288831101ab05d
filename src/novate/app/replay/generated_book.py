"""A book that is generated: accounts to stated targets, at the opening prices of the run."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from novate.app.replay.book import Book, Member, open_members, opening_prices, prepaid_fees
from novate.app.replay.feed import PAR_E8, Feed
from novate.app.replay.opening import trade_run
from novate.app.replay.venue import Venue
from novate.canonical import Run
from novate.errors import InputError
from novate.insight.observed_run import MarginAccounts
from novate.kernel.codes import MarginMode, Role, Segregation, ShortfallPolicy
from novate.message import command
from novate.simulation.agents.behaviour import CrashWindow, draw_traits
from novate.simulation.population import generate as population
from novate.simulation.population.calibration import calibration
from novate.units import DAY, HOUR

I64 = npt.NDArray[np.int64]


def generated_book(venue: Venue, feed: Feed, seed: int) -> Book:
    """Return a book that is generated for the venue at the opening prices of the feed.

    Raises
    ------
    InputError
        If the contracts and assets of the venue do not make the collateral of a generated book.
    """
    drawn = population.generate_book(
        _targets(venue, feed),
        _instruments(venue),
        _assets(venue, feed),
        recent_e8=feed.opening_e8[None, :],
        initial_margin=_initial_margin(venue),
        seed=seed,
    )
    opened, members, first = open_members(venue, _members(drawn), drawn.targets.open_interest)
    trades = _trades(drawn.trades, first)
    traits = draw_traits(drawn, _crash_window(feed), seed)
    return Book(
        opening=(
            *opened,
            _open_accounts(drawn, members),
            _deposits(venue, drawn, first),
            prepaid_fees(venue, trades, first),
            *opening_prices(venue, feed),
            trades,
        ),
        accounts=_accounts(drawn, first),
        calibration=tuple(row.shown() for row in calibration(drawn)),
        traits=traits,
        generated=drawn,
    )


def _accounts(book: population.Book, first: int) -> MarginAccounts:
    """The generated accounts under the engine's numbers."""
    accounts = book.accounts
    return MarginAccounts(
        numbers=np.arange(first, first + len(accounts)),
        references=tuple(accounts.reference),
        roles=tuple(population.Role(int(role)).name.lower() for role in accounts.role),
        members=tuple(book.members.reference[int(row)] for row in accounts.member),
        profiles=tuple(population.AccountType(int(kind)).name.lower() for kind in accounts.kind),
    )


def _crash_window(feed: Feed) -> CrashWindow:
    """Around the widest bar of the first contract, within which holders withdraw."""
    widest_ns = int(feed.instant_ns[int(feed.range_ppm[:, 0].argmax())])
    return CrashWindow(start_ns=widest_ns, length_ns=6 * HOUR, lead_ns=6 * HOUR)


def _members(book: population.Book) -> list[Member]:
    return [
        Member(reference, f"{reference}-default-fund", int(amount))
        for reference, amount in zip(book.members.reference, book.members.default_fund, strict=True)
    ]


def _deposits(venue: Venue, book: population.Book, first: int) -> Run:
    assets = np.array([venue.asset(asset.symbol) for asset in book.assets])
    return command.POST_COLLATERAL.run(
        {
            "account": book.deposits.account + first,
            "asset": assets[book.deposits.asset],
            "amount": book.deposits.amount,
        }
    )


def _trades(trades: population.OpeningTrades, first: int) -> Run:
    return trade_run(
        (trades.buyer + first, trades.seller + first),
        trades.instrument,
        trades.price_ticks,
        trades.lots,
    )


def _open_accounts(book: population.Book, members: list[int]) -> Run:
    """Open the margin accounts of a generated book under their members."""
    accounts = book.accounts

    def codes(target: Any, source: Any, values: I64) -> list[int]:
        return [_by_name(target, source, int(value)) for value in values]

    return command.OPEN_ACCOUNT.run(
        {
            "reference": list(accounts.reference),
            "role": codes(Role, population.Role, accounts.role),
            "parent": [members[int(row)] for row in accounts.member],
            "segregation": codes(Segregation, population.Segregation, accounts.segregation),
            "mode": codes(MarginMode, population.MarginMode, accounts.mode),
            "shortfall_policy": codes(
                ShortfallPolicy, population.ShortfallPolicy, accounts.shortfall_policy
            ),
        }
    )


def _by_name(target: Any, source: Any, value: int) -> int:
    """Translate a code of the generator into the engine's code of the same name."""
    return int(target[source(int(value)).name])


def _open_interest(venue: Venue, feed: Feed) -> int:
    """Long notional of the book: as stated, or a quarter of the first day's traded notional.

    Perpetuals of large venues trade a few times their open interest a day.
    """
    stated = int(venue.parameters["book"]["open_interest"])
    if stated:
        return stated
    end = feed.is_bar_end & (feed.instant_ns < feed.instant_ns[0] + DAY)
    traded = sum(
        int(volume) * int(price) // 10**10
        for row in np.flatnonzero(end)
        for volume, price in zip(feed.volume_e8[row], feed.last_e8[row], strict=True)
    )
    hours = max(int(np.count_nonzero(end)) * feed.bar_ns, 1)
    return max(traded * DAY // hours // 4, 1_000_000 * population.LEDGER)


def _targets(venue: Venue, feed: Feed) -> population.Targets:
    book = venue.parameters["book"]
    open_interest = _open_interest(venue, feed)
    return population.Targets(
        accounts=book["accounts"],
        members=book["members"],
        open_interest=open_interest,
        tail_exponent=book["tail_exponent_ppm"] / 1e6,
        tail_share=book["tail_share_ppm"] / 1e6,
        top_share=book["top_share_ppm"] / 1e6,
        largest_share=book["largest_share_ppm"] / 1e6,
        position_share=book["position_share_ppm"] / 1e6,
        headroom_min=book["headroom_min_ppm"] / 1e6,
        default_fund_share=(
            (venue.parameters["waterfall"]["default_fund"] or open_interest // 50) / open_interest
        ),
    )


def _instruments(venue: Venue) -> tuple[population.Instrument, ...]:
    listed = venue.parameters["instruments"]
    shares = [listed[contract.symbol]["open_interest_share_ppm"] for contract in venue.contracts]
    total = sum(shares)
    if total == 0:
        raise InputError("no instrument of the run has open_interest_share_ppm above 0")
    collateral = [asset for asset, _ in _collateral(venue)]
    made = []
    for contract, share in zip(venue.contracts, shares, strict=True):
        terms = listed[contract.symbol]
        coin = collateral.index(contract.asset) if contract.asset in collateral else None
        made.append(
            population.Instrument(
                symbol=contract.symbol,
                tick_e8=terms["tick"],
                lot_e8=terms["lot"],
                max_leverage=min(
                    terms["tiers"][0]["max_leverage"], venue.parameters["margin"]["leverage_max"]
                ),
                open_interest_share=share / total,
                coin=coin,
            )
        )
    return tuple(made)


def _collateral(venue: Venue) -> list[tuple[int, str]]:
    """The four collateral assets of a generated book: numeraire, two coins, a stable coin."""
    coins = list(dict.fromkeys(contract.asset for contract in venue.contracts))[:2]
    priced = {contract.asset for contract in venue.contracts}
    stable = [asset for asset in range(1, len(venue.assets)) if asset not in priced]
    if len(coins) < 2 or not stable:
        raise InputError(
            "a generated book needs contracts on two assets and one more asset as collateral; "
            f"the run has contracts on {[venue.assets[a] for a in coins]} and assets {venue.assets}"
        )
    chosen = [0, *coins, stable[-1]]
    return [(asset, venue.assets[asset]) for asset in chosen]


def _assets(venue: Venue, feed: Feed) -> tuple[population.Asset, ...]:
    prices = {0: PAR_E8}
    for k, contract in reversed(list(enumerate(venue.contracts))):
        prices[contract.asset] = int(feed.opening_e8[k])
    return tuple(
        population.Asset(
            symbol=symbol,
            decimals=venue.decimals[asset],
            price_e8=prices.get(asset, PAR_E8),
            haircut_ppm=venue.parameters["assets"][symbol]["haircut_bps"] * 100,
        )
        for asset, symbol in _collateral(venue)
    )


def _initial_margin(venue: Venue) -> population.InitialMargin:
    """Initial margin by the tiers that the engine will use, as a function of notional."""
    tables = []
    floor_ppm = -(-1_000_000 // venue.parameters["margin"]["leverage_max"])
    for contract in venue.contracts:
        rows = venue.parameters["instruments"][contract.symbol]["tiers"]
        floors = np.array([row["floor"] for row in rows], np.float64)
        rates = np.array([max(row["initial_ppm"], floor_ppm) / 1e6 for row in rows])
        deductions = np.concatenate(([0.0], np.cumsum(floors[1:] * np.diff(rates))))
        tables.append((floors, rates, deductions))

    def margin(instrument: int, notional: I64) -> I64:
        floors, rates, deductions = tables[instrument]
        tier = np.searchsorted(floors, notional, side="right") - 1
        asked = np.ceil(notional * rates[tier] - deductions[tier]).astype(np.int64)
        return np.asarray(asked, np.int64)

    return margin
