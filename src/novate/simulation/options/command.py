"""The option market of a generated venue as commands: listing, smiles, deposits, opening trades.

Who sells options holds their initial margin and a reserve on top; who buys them has paid in the
premium.  Margin of coin-settled options is held in the coin, as at venues that settle in coins, so
that it loses value with the price.  Makers open with their delta hedged in perpetuals.

Stated assumptions: reserves of ``RESERVES`` times the initial margin, perpetual hedges with
``HEDGE_MARGIN`` of their notional paid in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from novate.canonical import Run
from novate.kernel.codes import Kind
from novate.margin.contract_rule.short_option import ShortRule, short_ticks
from novate.message import command
from novate.simulation.options.book import OptionBook
from novate.simulation.options.market import FloatArray, IntArray, SurfacePath
from novate.simulation.options.terms import Trader
from novate.simulation.options.value import contract_table, market_at
from novate.valuation.holding import UnitRisk, unit_risk

RESERVES = {
    Trader.COVERED_CALL: 2.0,
    Trader.PUT_BUYER: 1.1,
    Trader.SHORT_VOLATILITY: 1.6,
    Trader.MARKET_MAKER: 1.8,
}
"""What holders pay in, as a multiple of the initial margin of what they sold."""
HEDGE_MARGIN = 0.15
BUMP = 1e-4
PRICE_MULTIPLE = 20
"""Highest price accepted, in opening prices of the underlying; of coin options, in coins."""
LOTS_MAX = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Underlying:
    """What the engine calls one underlying, and the perpetual that hedges it.

    Attributes
    ----------
    asset, decimals, haircut
        Number, ledger decimals and haircut (a share) of the asset.
    perpetual, tick_e8, lot_e8
        Number of the perpetual, its tick and its lot (1e-8 numeraire, 1e-8 coin).
    """

    asset: int
    decimals: int
    haircut: float
    perpetual: int
    tick_e8: int
    lot_e8: int


@dataclass(frozen=True, kw_only=True)
class OptionVenue:
    """An option book and its surfaces, under the numbers that the engine knows them by.

    Attributes
    ----------
    book
        Listed options and opening positions; its accounts count from ``first_account``.
    paths
        Surface of each underlying; the first instant is the opening.
    underlyings
        One for each path.
    first_instrument, first_account
        Engine numbers of the first option and of the book's account 0.
    numeraire_decimals
        Of the ledger.
    external_market
        Account that hedges trade with.
    margin_rule, rule
        Number and shares of the declared rule for shorts.
    taker_fee_ppm
        Of the premium.
    settlement_window_ns
        Length of the time average of the final price.
    hedge_ns
        Makers hedge at its multiples; 0 for never.
    """

    book: OptionBook
    paths: tuple[SurfacePath, ...]
    underlyings: tuple[Underlying, ...]
    first_instrument: int
    first_account: int
    numeraire_decimals: int
    external_market: int
    margin_rule: int
    rule: ShortRule
    taker_fee_ppm: int
    settlement_window_ns: int
    hedge_ns: int

    @cached_property
    def settlement(self) -> IntArray:
        """Settlement asset of each option."""
        contracts = self.book.contracts
        coin = np.array([item.asset for item in self.underlyings], dtype=np.int64)
        return np.where(contracts.is_coin_settled == 1, coin[contracts.underlying], 0)

    @cached_property
    def unit(self) -> IntArray:
        """Ledger units of the settlement asset in a tick of a lot."""
        contracts = self.book.contracts
        coin = np.array([item.decimals for item in self.underlyings], dtype=np.int64)
        decimals = np.where(
            contracts.is_coin_settled == 1, coin[contracts.underlying], self.numeraire_decimals
        )
        ticks = [contracts.families[k].tick_e8 for k in contracts.series.tolist()]
        rows = zip(ticks, contracts.lot_e8.tolist(), decimals.tolist(), strict=True)
        # Python integers: the product of the three passes 64 bits.
        return np.array([tick * lot * 10**digits // 10**16 for tick, lot, digits in rows])

    @cached_property
    def ticks_max(self) -> IntArray:
        """Highest price accepted."""
        contracts = self.book.contracts
        spot = np.array([path.spot_e8[0] / 1e8 for path in self.paths])[contracts.underlying]
        most = PRICE_MULTIPLE * np.where(contracts.is_coin_settled == 1, 1.0, spot)
        return np.asarray(np.ceil(most / contracts.ticks()), dtype=np.int64)

    @cached_property
    def opening(self) -> tuple[IntArray, FloatArray]:
        """Marks in ticks at the opening, and what one coin's option moves with its underlying.

        The second is the engine's delta: a moneyness keeps its volatility.
        """
        contracts = self.book.contracts
        rows = np.arange(len(contracts))
        table = contract_table(contracts, self.paths[0].expiry_ns, len(self.paths)).take(rows)
        left = self.paths[0].expiry_ns[contracts.expiry] - self.paths[0].instant_ns[0]
        # Settled at a mean: its variance is that of the time to the window and a third of it.
        narrow = np.sqrt(1.0 - 2.0 * np.minimum(self.settlement_window_ns / left, 1.0) / 3.0)

        def risk(shift: float) -> UnitRisk:
            market = market_at(contracts, self.paths, 0, shift).take(rows)
            return unit_risk(table, replace(market, vol=market.vol * narrow))

        now, up, down = (risk(shift) for shift in (1.0, 1.0 + BUMP, 1.0 - BUMP))
        spot = np.array([path.spot_e8[0] / 1e8 for path in self.paths])[contracts.underlying]
        ticks = np.floor(now.native[0] / contracts.ticks() + 0.5).astype(np.int64)
        delta = (up["value"] - down["value"]) / (2.0 * BUMP * spot)
        return np.clip(ticks, 1, self.ticks_max), delta

    def listing(self) -> Run:
        """Return the command that lists every option."""
        contracts = self.book.contracts
        rows = len(contracts)
        asset = np.array([item.asset for item in self.underlyings], dtype=np.int64)
        tick = np.array([family.tick_e8 for family in contracts.families], dtype=np.int64)
        same: dict[str, int] = {
            "kind": int(Kind.EUROPEAN), "payout_ticks": 0, "lots_max": LOTS_MAX,
            "maker_fee_ppm": 0, "taker_fee_ppm": self.taker_fee_ppm,
            "settlement_window_ns": self.settlement_window_ns, "margin_rule": self.margin_rule,
            "barrier": 0, "barrier_e8": 0, "monitoring": 0, "observation_ns": 0, "rebate_ticks": 0,
        }  # fmt: skip
        return command.LIST_OPTION.run(
            {
                "symbol": list(contracts.symbol),
                "side": contracts.side,
                "underlying": asset[contracts.underlying],
                "settlement_asset": self.settlement,
                "strike_e8": contracts.strike_e8,
                "tick_e8": tick[contracts.series],
                "unit": self.unit,
                "ticks_max": self.ticks_max,
                "expiry_ns": self.paths[0].expiry_ns[contracts.expiry],
                **{name: [value] * rows for name, value in same.items()},
            }
        )

    def smiles(self, instant_ns: int) -> list[Run]:
        """Return the reports of every live smile at an instant of the paths, else nothing."""
        at = int(np.searchsorted(self.paths[0].instant_ns, instant_ns))
        if at == len(self.paths[0].instant_ns) or self.paths[0].instant_ns[at] != instant_ns:
            return []
        live = np.flatnonzero(self.paths[0].expiry_ns > instant_ns)
        if not live.size:
            return []
        names = ("carry_e9", "a_e9", "b_e9", "rho_e9", "m_e9", "sigma_e9")
        return [
            command.REPORT_SURFACE.run(
                {
                    "underlying": np.repeat([item.asset for item in self.underlyings], len(live)),
                    "expiry_ns": np.tile(self.paths[0].expiry_ns[live], len(self.paths)),
                    "observed_ns": [instant_ns] * (len(live) * len(self.paths)),
                    **{
                        name: np.concatenate([getattr(p, name)[at][live] for p in self.paths])
                        for name in names
                    },
                }
            )
        ]

    def hedges(self) -> IntArray:
        """Opening lots of perpetuals by account of the book and underlying: makers, delta-free."""
        contracts, book = self.book.contracts, self.book
        lots = np.zeros((int(book.account.max()) + 1, len(self.paths)))
        is_maker = book.trader == Trader.MARKET_MAKER
        makers = np.flatnonzero(is_maker & (self.hedge_ns > 0))
        held = book.contract[makers]
        coins = book.lots[makers] * contracts.lots_size()[held] * self.opening[1][held]
        np.add.at(lots, (book.account[makers], contracts.underlying[held]), -coins)
        size = np.array([item.lot_e8 / 1e8 for item in self.underlyings])
        return np.asarray(np.rint(lots / size), dtype=np.int64)

    def deposits(self) -> Run:
        """Return what holders pay in: premiums, margin with a reserve, margin of hedges, fees."""
        contracts, book = self.book.contracts, self.book
        ticks, _ = self.opening
        owed = np.zeros((int(book.account.max()) + 1, len(self.underlyings) + 1))
        short = np.maximum(-book.lots, 0) * self._initial_ticks()[book.contract]
        reserve = np.array([RESERVES[trader] for trader in Trader])[book.trader]
        premium = book.lots * ticks[book.contract]
        fee = np.abs(premium) * self.taker_fee_ppm / 1e6
        amount = (reserve * short + premium + fee) * self.unit[book.contract]
        purse = np.where(contracts.is_coin_settled == 1, contracts.underlying + 1, 0)
        np.add.at(owed, (book.account, purse[book.contract]), amount)
        scale = 10**self.numeraire_decimals
        for number, (lots, item) in enumerate(zip(self.hedges().T, self.underlyings, strict=True)):
            notional = np.abs(lots) * (item.lot_e8 / 1e8) * (self.paths[number].spot_e8[0] / 1e8)
            owed[:, 0] += HEDGE_MARGIN * notional * scale
            owed[:, number + 1] /= 1.0 - item.haircut
        account, purses = np.nonzero(owed >= 1.0)
        asset = np.array([0, *(item.asset for item in self.underlyings)], dtype=np.int64)
        return command.POST_COLLATERAL.run(
            {
                "account": account + self.first_account,
                "asset": asset[purses],
                "amount": np.ceil(owed[account, purses]).astype(np.int64),
            }
        )

    def _initial_ticks(self) -> IntArray:
        """Initial margin of a short lot of each option at the opening, in ticks."""
        contracts, ticks = self.book.contracts, self.opening[0]
        spot = np.array([path.spot_e8[0] / 1e8 for path in self.paths])[contracts.underlying]
        worth = np.where(contracts.is_coin_settled == 1, spot, 1.0) * contracts.ticks()
        left = self.paths[0].expiry_ns[contracts.expiry] - self.paths[0].instant_ns[0]
        initial, _ = short_ticks(
            self.rule, contracts.side, spot, contracts.strikes(), ticks * worth, left, worth,
            self.ticks_max,
        )  # fmt: skip
        return initial

    def trades(self) -> list[Run]:
        """Return the opening trades at the marks: buyers meet sellers in order, makers hedge."""
        book, ticks = self.book, self.opening[0]
        rows: list[tuple[int, int, int, int]] = []
        for contract in range(len(book.contracts)):
            mine = np.flatnonzero(book.contract == contract)
            rows += [(*pair, contract) for pair in _matched(book.account[mine], book.lots[mine])]
        buyer, seller, lots, held = (np.array(c, dtype=np.int64) for c in zip(*rows, strict=True))
        bought = _trade_run(
            buyer + self.first_account, seller + self.first_account,
            held + self.first_instrument, ticks[held], lots,
        )  # fmt: skip
        account, coin = np.nonzero(self.hedges())
        perpetual = np.array([item.perpetual for item in self.underlyings], dtype=np.int64)
        tick = np.array([item.tick_e8 for item in self.underlyings], dtype=np.int64)
        spot = np.array([path.spot_e8[0] for path in self.paths], dtype=np.int64)
        price = np.maximum((2 * spot + tick) // (2 * tick), 1)
        hedged = hedge_trades(
            account + self.first_account, self.external_market, perpetual[coin], price[coin],
            self.hedges()[account, coin],
        )  # fmt: skip
        return [bought, *hedged]


def hedge_trades(
    account: IntArray, market: int, instrument: IntArray, ticks: IntArray, lots: IntArray
) -> list[Run]:
    """Return trades of accounts with the external market; positive lots are bought."""
    if not len(lots):
        return []
    return [
        _trade_run(
            np.where(lots > 0, account, market), np.where(lots > 0, market, account),
            instrument, ticks, np.abs(lots),
        )
    ]  # fmt: skip


def _trade_run(
    buyer: IntArray, seller: IntArray, instrument: IntArray, ticks: IntArray, lots: IntArray
) -> Run:
    rows = len(lots)
    return command.SUBMIT_TRADE.run(
        {
            "buyer": buyer,
            "seller": seller,
            "instrument": instrument,
            "ticks": ticks,
            "lots": lots,
            "buyer_is_maker": np.zeros(rows, np.bool_),
            "buyer_reservation": np.zeros(rows, np.uint32),
            "seller_reservation": np.zeros(rows, np.uint32),
        }
    )


def _matched(account: IntArray, lots: IntArray) -> list[tuple[int, int, int]]:
    """Pairs (buyer, seller, lots) of signed lots that add up to zero, in order of account.

    Examples
    --------
    >>> _matched(np.array([0, 1, 2]), np.array([3, -1, -2]))
    [(0, 1, 1), (0, 2, 2)]
    """
    left = {int(a): int(n) for a, n in zip(account, lots, strict=True)}
    sellers = [a for a, n in left.items() if n < 0]
    pairs: list[tuple[int, int, int]] = []
    for buyer, wanted in [(a, n) for a, n in left.items() if n > 0]:
        open_lots = wanted
        while open_lots:
            seller = sellers[0]
            size = min(open_lots, -left[seller])
            pairs.append((buyer, seller, size))
            open_lots -= size
            left[seller] += size
            if left[seller] == 0:
                sellers.pop(0)
    return pairs
