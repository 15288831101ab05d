"""The book of a run: a generated venue, or positions and collateral from files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from novate.adapter.book_file import Account, CollateralTable, PositionTable, TradeTable
from novate.app.replay.feed import PAR_E8, Feed
from novate.app.replay.trades import Scheduled, schedule
from novate.app.replay.venue import Venue, account_row, contract_of
from novate.canonical import Run
from novate.errors import InputError
from novate.kernel.clearing.settle import value_of
from novate.kernel.clearing.value import LINEAR
from novate.kernel.codes import MarginMode, Role, Segregation, ShortfallPolicy
from novate.message import command
from novate.message.declare import columns_of
from novate.simulation.agents.behaviour import (
    CrashWindow,
    Memory,
    Traits,
    draw_traits,
    fresh_memory,
    react,
)
from novate.simulation.population import generate as population
from novate.simulation.population.calibration import calibration
from novate.units import DAY

I64 = npt.NDArray[np.int64]


@dataclass(slots=True)
class LoadedBook:
    """Accounts of a run by number, with what the report wants to know of them.

    ``accounts`` are the engine's numbers of margin accounts in the order of ``references``.
    """

    runs: list[Run]
    accounts: I64
    references: list[str]
    profiles: list[str]
    members: list[str]
    roles: list[str]
    calibration: list[dict[str, str]] = field(default_factory=list)
    traits: Traits | None = None
    memory: Memory | None = None
    trades: list[Scheduled] = field(default_factory=list)
    generated: population.Book | None = None


def generated_book(venue: Venue, feed: Feed, *, seed: int, stress_start_ns: int) -> LoadedBook:
    """Generate a book for the venue at the first prices of the feed."""
    book = population.generate_book(
        _targets(venue, feed),
        _instruments(venue),
        _assets(venue, feed),
        recent_e8=feed.recent_e8,
        initial_margin=_initial_margin(venue),
        seed=seed,
    )
    runs, members = _members(venue, book)
    first = venue.accounts
    count = len(book.accounts)
    runs.append(_open_accounts(book, members))
    venue.accounts += count
    assets = np.array([venue.asset(asset.symbol) for asset in book.assets])
    runs.append(
        command.POST_COLLATERAL.run(
            {
                "account": book.deposits.account + first,
                "asset": assets[book.deposits.asset],
                "amount": book.deposits.amount,
            }
        )
    )
    trades = _trades(book.trades, first)
    runs.append(_prepaid_fees(venue, trades, first))
    runs.extend(_opening(venue, feed))
    runs.append(trades)
    window = CrashWindow(
        start_ns=stress_start_ns, length_ns=6 * 3_600 * 10**9, lead_ns=6 * 3_600 * 10**9
    )
    traits = draw_traits(book, window, seed)
    rows = [row.shown() for row in calibration(book)]
    return LoadedBook(
        runs,
        np.arange(first, first + count),
        list(book.accounts.reference),
        [population.AccountType(int(kind)).name.lower() for kind in book.accounts.kind],
        [book.members.reference[int(row)] for row in book.accounts.member],
        [population.Role(int(role)).name.lower() for role in book.accounts.role],
        rows,
        traits,
        fresh_memory(traits),
        generated=book,
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
        prices[contract.asset] = int(feed.recent_e8[-1, k])
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


def _members(venue: Venue, book: population.Book) -> tuple[list[Run], list[int]]:
    """Open members with their contributions, and fund the clearing house's own layers."""
    runs: list[Run] = []
    members = []
    for reference, amount in zip(book.members.reference, book.members.default_fund, strict=True):
        runs.append(account_row(venue, reference, Role.MEMBER))
        member = venue.accounts - 1
        members.append(member)
        runs.append(account_row(venue, f"{reference}-default-fund", Role.DEFAULT_FUND, member))
        if amount > 0:
            runs.append(
                command.POST_COLLATERAL.row(account=venue.accounts - 1, asset=0, amount=int(amount))
            )
    runs.extend(fund_layers(venue, book.targets.open_interest))
    return runs, members


def fund_layers(venue: Venue, open_interest: int) -> list[Run]:
    """Pay in the insurance fund (2% of open interest unless stated) and skin in the game (0.5%)."""
    waterfall = venue.parameters["waterfall"]
    amounts = (
        (Role.INSURANCE_FUND, waterfall["insurance_fund"] or open_interest * 2 // 100),
        (Role.SKIN_IN_THE_GAME, waterfall["skin_in_the_game"] or open_interest // 200),
    )
    return [
        command.POST_COLLATERAL.row(account=venue.house[role], asset=0, amount=amount)
        for role, amount in amounts
        if amount > 0
    ]


def _opening(venue: Venue, feed: Feed) -> list[Run]:
    """Prices at the opening, so that the first trades meet a mark."""
    at_ns = int(feed.instant_ns[0]) - 1
    price = {
        contract.asset: int(feed.recent_e8[-1, k]) for k, contract in enumerate(venue.contracts)
    }
    sources = list(venue.sources.values())
    ticks = [
        max((2 * int(feed.recent_e8[-1, k]) + c.tick_e8) // (2 * c.tick_e8), 1)
        for k, c in enumerate(venue.contracts)
    ]
    return [
        command.ADVANCE_TIME.row(instant_ns=at_ns),
        command.REPORT_PRICE.run(
            {
                "source": [number for number, _ in sources],
                "price_e8": [price.get(asset, PAR_E8) for _, asset in sources],
                "observed_ns": [at_ns] * len(sources),
            }
        ),
        command.REPORT_LAST.run({"instrument": list(range(len(ticks))), "ticks": ticks}),
        command.ASSESS_MARGIN.row(instant_ns=at_ns),
    ]


def _prepaid_fees(venue: Venue, trades: Run, first: int) -> Run:
    """Deposit what opening trades cost in fees: a book that exists has paid its fees before.

    ``first`` is the number of the first margin account; others pay for themselves.
    """
    columns = columns_of(trades)
    owed: dict[tuple[int, int], int] = {}
    for k in range(trades.rows):
        contract = venue.contracts[int(columns["instrument"][k])]
        terms = venue.parameters["instruments"][contract.symbol]
        unit = contract_of(venue, contract.symbol, terms).unit
        value = value_of(contract.form, unit, int(columns["ticks"][k]), int(columns["lots"][k]))
        asset = venue.asset(terms["settlement_asset"])
        for side, rate in (("buyer", "taker_fee_ppm"), ("seller", "maker_fee_ppm")):
            fee = -(-abs(int(value)) * terms[rate] // 1_000_000)
            key = (int(columns[side][k]), asset)
            if fee > 0 and key[0] >= first:
                owed[key] = owed.get(key, 0) + fee
    rows = sorted(owed)
    return command.POST_COLLATERAL.run(
        {
            "account": [account for account, _ in rows],
            "asset": [asset for _, asset in rows],
            "amount": [owed[row] for row in rows],
        }
    )


def _trades(trades: population.OpeningTrades, first: int) -> Run:
    rows = len(trades.lots)
    return command.SUBMIT_TRADE.run(
        {
            "buyer": trades.buyer + first,
            "seller": trades.seller + first,
            "instrument": trades.instrument,
            "ticks": trades.price_ticks,
            "lots": trades.lots,
            "buyer_is_maker": np.zeros(rows, np.bool_),
            "buyer_reservation": np.zeros(rows, np.uint32),
            "seller_reservation": np.zeros(rows, np.uint32),
        }
    )


def file_book(
    venue: Venue,
    feed: Feed,
    positions: PositionTable,
    collateral: CollateralTable,
    trades: TradeTable | None = None,
) -> LoadedBook:
    """Load positions and collateral from files, and the trades of the day.

    Entry prices are rounded to the nearest tick.  Each position is opened at its entry price
    against the external market, which is flat again when a balanced file has been loaded; profit
    since entry is paid by it at the first cycle.
    """
    runs: list[Run] = []
    stated = venue.parameters["waterfall"]
    open_interest = _long_notional(venue, positions)
    accounts = _accounts_of(positions, collateral, trades)
    names = list(dict.fromkeys(account.member or "member" for account in accounts))
    member_of = {}
    for name in names:
        runs.append(account_row(venue, f"member:{name}", Role.MEMBER))
        member_of[name] = venue.accounts - 1
        runs.append(
            account_row(venue, f"{name}-default-fund", Role.DEFAULT_FUND, venue.accounts - 1)
        )
        share = (stated["default_fund"] or open_interest // 50) // len(names)
        if share:
            runs.append(
                command.POST_COLLATERAL.row(account=venue.accounts - 1, asset=0, amount=share)
            )
    runs.extend(fund_layers(venue, open_interest))
    first = venue.accounts
    runs.extend(
        account_row(
            venue,
            account.reference,
            account.role,
            member_of[account.member or "member"],
            mode=account.margin_mode,
            shortfall_policy=account.shortfall_policy,
        )
        for account in accounts
    )
    number = {account.reference: first + k for k, account in enumerate(accounts)}
    runs.append(_file_deposits(venue, collateral, number))
    opened = _file_trades(venue, positions, first)
    runs.append(_prepaid_fees(venue, opened, first))
    runs.extend(_opening(venue, feed))
    runs.append(opened)
    count = len(accounts)
    window = (int(feed.instant_ns[0]), int(feed.instant_ns[-1]))
    return LoadedBook(
        runs,
        np.arange(first, first + count),
        [account.reference for account in accounts],
        ["file"] * count,
        [account.member or "member" for account in accounts],
        [account.role.name.lower() for account in accounts],
        trades=schedule(venue, trades, number, window) if trades is not None else [],
    )


def _file_deposits(venue: Venue, collateral: CollateralTable, number: dict[str, int]) -> Run:
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
            terms = venue.parameters["instruments"][contract.symbol]
            total += int(lots) * int(terms["face_value"]) // 100
    return total


def _file_trades(venue: Venue, positions: PositionTable, first: int) -> Run:
    market = venue.house[Role.EXTERNAL_MARKET]
    symbols = [contract.symbol for contract in venue.contracts]
    is_long = positions.lots > 0
    account = positions.account + first
    rows = len(positions.lots)
    instrument = np.array(
        [symbols.index(positions.instruments[int(i)]) for i in positions.instrument], np.int64
    )
    tick = np.array([contract.tick_e8 for contract in venue.contracts])[instrument]
    return command.SUBMIT_TRADE.run(
        {
            "buyer": np.where(is_long, account, market),
            "seller": np.where(is_long, market, account),
            "instrument": instrument,
            "ticks": np.maximum((2 * positions.entry_price_e8 + tick) // (2 * tick), 1),
            "lots": np.abs(positions.lots),
            "buyer_is_maker": np.zeros(rows, np.bool_),
            "buyer_reservation": np.zeros(rows, np.uint32),
            "seller_reservation": np.zeros(rows, np.uint32),
        }
    )


def holders_react(book: LoadedBook, equity: I64, initial: I64, instant_ns: int) -> list[Run]:
    """Return what the holders of a generated book do now: top-ups and withdrawals in numeraire."""
    if book.traits is None or book.memory is None:
        return []
    reaction = react(
        book.traits, book.memory, equity=equity, initial_margin=initial, instant_ns=instant_ns
    )
    book.memory = reaction.memory
    runs = []
    for message, amount in (
        (command.POST_COLLATERAL, reaction.deposit),
        (command.WITHDRAW_COLLATERAL, reaction.withdrawal),
    ):
        rows = np.flatnonzero(amount)
        if rows.size:
            runs.append(
                message.run(
                    {
                        "account": book.accounts[rows],
                        "asset": np.zeros(rows.size, np.uint32),
                        "amount": amount[rows],
                    }
                )
            )
    return runs


__all__ = ["LoadedBook", "file_book", "generated_book", "holders_react"]
