"""The book of a run: its accounts with their collateral and positions, and how they are opened.

Members come first, each with its contribution to the default fund; then the clearing house's own
layers are funded, accounts opened and collateral paid in; the positions are trades at the opening
prices or at the entry prices of a file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from novate.app.replay.feed import PAR_E8, Feed
from novate.app.replay.opening import account_row, deposit_row
from novate.app.replay.trades import DatedTrades
from novate.app.replay.venue import Venue
from novate.canonical import Run
from novate.insight.observed_run import MarginAccounts
from novate.kernel.clearing.settle import value_of
from novate.kernel.codes import Role
from novate.message import command
from novate.message.declare import columns_of
from novate.simulation.agents.behaviour import Traits
from novate.simulation.population import generate as population


@dataclass(frozen=True, slots=True)
class Book:
    """Accounts of a run and the commands that open them.

    Attributes
    ----------
    opening
        Commands, after those of venue and feed.
    accounts
        The margin accounts.
    calibration
        Targets of a generated book beside what was reached.
    traits
        How the holders of a generated book behave.
    trades
        Executed trades of a file, by instant.
    generated
        The book as it was generated.
    """

    opening: tuple[Run, ...]
    accounts: MarginAccounts
    calibration: tuple[dict[str, str], ...] = ()
    traits: Traits | None = None
    trades: tuple[DatedTrades, ...] = ()
    generated: population.Book | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A member that is opened: its reference, and that of its contribution with the amount."""

    reference: str
    contribution: str
    amount: int


def open_members(
    venue: Venue, members: Sequence[Member], open_interest: int
) -> tuple[list[Run], list[int], int]:
    """Open members with their contributions, and fund the clearing house's own layers.

    Returns
    -------
    The commands, the number of each member, and the number of the next account.
    """
    runs: list[Run] = []
    numbers = []
    account = len(venue.house)
    for member in members:
        numbers.append(account)
        runs.append(account_row(member.reference, Role.MEMBER))
        runs.append(account_row(member.contribution, Role.DEFAULT_FUND, account))
        if member.amount > 0:
            runs.append(deposit_row(account + 1, member.amount))
        account += 2
    runs.extend(fund_layers(venue, open_interest))
    return runs, numbers, account


def fund_layers(venue: Venue, open_interest: int) -> list[Run]:
    """Pay in the insurance fund (2% of open interest unless stated) and skin in the game (0.5%)."""
    waterfall = venue.parameters["waterfall"]
    amounts = (
        (Role.INSURANCE_FUND, waterfall["insurance_fund"] or open_interest * 2 // 100),
        (Role.SKIN_IN_THE_GAME, waterfall["skin_in_the_game"] or open_interest // 200),
    )
    return [deposit_row(venue.house[role], amount) for role, amount in amounts if amount > 0]


def opening_prices(venue: Venue, feed: Feed) -> list[Run]:
    """Return what the prices are at the opening, so that the first trades meet a mark."""
    at_ns = int(feed.instant_ns[0]) - 1
    price = {contract.asset: int(feed.opening_e8[k]) for k, contract in enumerate(venue.contracts)}
    ticks = [
        max((2 * int(feed.opening_e8[k]) + c.tick_e8) // (2 * c.tick_e8), 1)
        for k, c in enumerate(venue.contracts)
    ]
    return [
        command.ADVANCE_TIME.row(instant_ns=at_ns),
        command.REPORT_PRICE.run(
            {
                "source": list(range(len(feed.sources))),
                "price_e8": [price.get(source.asset, PAR_E8) for source in feed.sources],
                "observed_ns": [at_ns] * len(feed.sources),
            }
        ),
        command.REPORT_LAST.run({"instrument": list(range(len(ticks))), "ticks": ticks}),
        command.ASSESS_MARGIN.row(instant_ns=at_ns),
    ]


def prepaid_fees(venue: Venue, trades: Run, first: int) -> Run:
    """Deposit what opening trades cost in fees: a book that exists has paid its fees before.

    ``first`` is the number of the first margin account; others pay for themselves.
    """
    columns = columns_of(trades)
    owed: dict[tuple[int, int], int] = {}
    for k in range(trades.rows):
        contract = venue.contracts[int(columns["instrument"][k])]
        terms = venue.parameters["instruments"][contract.symbol]
        ticks, lots = int(columns["ticks"][k]), int(columns["lots"][k])
        value = value_of(contract.form, contract.unit, ticks, lots)
        for side, rate in (("buyer", "taker_fee_ppm"), ("seller", "maker_fee_ppm")):
            fee = -(-abs(int(value)) * terms[rate] // 1_000_000)
            key = (int(columns[side][k]), contract.settlement)
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
