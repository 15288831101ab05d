"""Listed options of a generated day, and what its option book is asked to look like.

Targets are assumptions in the range of what venues publish in aggregate; whoever shows a result
computed on the book shows its calibration rows next to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from novate.errors import InputError
from novate.simulation.options.market import FloatArray, IntArray

HOUR_NS = 3_600 * 10**9
DAY_NS = 24 * HOUR_NS


class Trader(IntEnum):
    """Why somebody holds options."""

    COVERED_CALL = 0
    PUT_BUYER = 1
    SHORT_VOLATILITY = 2
    MARKET_MAKER = 3


TRADER_NAMES = {
    Trader.COVERED_CALL: "Covered-call writers",
    Trader.PUT_BUYER: "Put buyers",
    Trader.SHORT_VOLATILITY: "Short-volatility sellers",
    Trader.MARKET_MAKER: "Market makers",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionSeries:
    """One family of listed options.

    Attributes
    ----------
    coin
        Underlying.
    is_coin_settled
        Whether premium and payoff are coin; else they are the numeraire.
    lot_e8
        Size of a lot, 1e-8 coin.
    tick_e8
        Price step of one coin's option, 1e-8 of what it settles in.
    strike_step_e8
        Strikes are multiples of this, 1e-8 numeraire.
    share
        Share of the underlying's open interest in options.
    """

    coin: str
    is_coin_settled: bool
    lot_e8: int
    tick_e8: int
    strike_step_e8: int
    share: float


DEMO_SERIES = (
    OptionSeries(
        coin="BTC",
        is_coin_settled=False,
        lot_e8=10**6,
        tick_e8=10**8,
        strike_step_e8=1_000 * 10**8,
        share=0.6,
    ),
    OptionSeries(
        coin="ETH",
        is_coin_settled=False,
        lot_e8=10**7,
        tick_e8=10**7,
        strike_step_e8=50 * 10**8,
        share=1.0,
    ),
    OptionSeries(
        coin="BTC",
        is_coin_settled=True,
        lot_e8=10**6,
        tick_e8=10**4,
        strike_step_e8=1_000 * 10**8,
        share=0.4,
    ),
)
EXPIRY_OFFSETS_NS = (16 * HOUR_NS, 7 * DAY_NS + 16 * HOUR_NS, 28 * DAY_NS + 16 * HOUR_NS)
"""Expiries after the start of the day: 16:00 of the day itself, one week, four weeks.

16:00 (London time) is when CME's bitcoin contracts take their reference rate; Deribit's expire at
08:00 UTC, before the crash of the generated day, and nothing would be left to see.
"""
STRIKE_RATIOS = (
    (0.62, 0.71, 0.80, 0.90, 0.96, 0.98, 1.00, 1.02, 1.05),
    (0.60, 0.70, 0.80, 0.90, 0.95, 1.00, 1.05, 1.10, 1.20),
    (0.50, 0.60, 0.70, 0.80, 0.90, 1.00, 1.10, 1.20, 1.40),
)
"""Strikes over the opening price, by expiry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionTargets:
    """What the book is calibrated to.

    Attributes
    ----------
    interest_share
        Long notional of the options over that of the same coin's perpetuals.
    maker_gamma_share
        Gamma of the makers over that of all other holders in absolute terms; negative: the makers
        are short gamma, and must sell as the price falls.
    put_ratio
        Puts that are bought for each covered call that is sold.
    accounts
        Accounts of each kind, at most; a fifth of it are makers.
    """

    interest_share: float = 0.35
    maker_gamma_share: float = -0.10
    put_ratio: float = 2.6
    accounts: int = 40

    def __post_init__(self) -> None:
        """Check the ranges; raises InputError."""
        if not 0.0 < self.interest_share <= 5.0:
            msg = f"interest_share {self.interest_share}; allowed is above 0, at most 5"
            raise InputError(msg)
        if not -0.9 <= self.maker_gamma_share <= 0.9:
            msg = f"maker_gamma_share {self.maker_gamma_share}; allowed is -0.9 to 0.9"
            raise InputError(msg)
        if self.accounts < 5:
            msg = f"accounts {self.accounts}; allowed is 5 or more"
            raise InputError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionContracts:
    """Listed options, by series, expiry, strike, call before put; columns of shape (contracts,).

    Attributes
    ----------
    families
        The series.
    symbol
        Names, such as BTC-16H-115000-C; coin-settled ones end in .COIN.
    series
        Row of the series.
    underlying
        Row among the underlyings.
    expiry
        Row of the expiry.
    side
        +1 call, -1 put.
    strike_e8
        1e-8 numeraire.
    lot_e8
        1e-8 coin.
    is_coin_settled
        0 or 1.
    """

    families: tuple[OptionSeries, ...]
    symbol: tuple[str, ...]
    series: IntArray
    underlying: IntArray
    expiry: IntArray
    side: IntArray
    strike_e8: IntArray
    lot_e8: IntArray
    is_coin_settled: IntArray

    def __len__(self) -> int:
        return len(self.symbol)

    def strikes(self) -> FloatArray:
        """Strikes, numeraire."""
        return np.asarray(self.strike_e8 / 1e8, dtype=np.float64)

    def ticks(self) -> FloatArray:
        """Price steps, coins or numeraire for the option of one coin."""
        steps = np.array([family.tick_e8 for family in self.families], dtype=np.float64)
        return np.asarray(steps[self.series] / 1e8, dtype=np.float64)

    def lots_size(self) -> FloatArray:
        """Coins of one lot."""
        return np.asarray(self.lot_e8 / 1e8, dtype=np.float64)


def list_options(
    coins: tuple[str, ...], spot_e8: IntArray, series: tuple[OptionSeries, ...] = DEMO_SERIES
) -> OptionContracts:
    """List calls and puts of every series at the strikes around the opening price.

    Parameters
    ----------
    coins
        Underlyings; rows of `underlying`.
    spot_e8
        Opening price of each, shape (coins,), 1e-8 numeraire.
    series
        Families; each names one of the coins.

    Raises
    ------
    InputError
        If a series names another coin.
    """
    rows: list[tuple[str, int, int, int, int, int, int, int]] = []
    for number, family in enumerate(series):
        if family.coin not in coins:
            msg = f"series {number}: coin {family.coin}; allowed: {', '.join(coins)}"
            raise InputError(msg)
        coin = coins.index(family.coin)
        step, spot = family.strike_step_e8, int(spot_e8[coin])
        for expiry, ratios in enumerate(STRIKE_RATIOS):
            days = EXPIRY_OFFSETS_NS[expiry] // DAY_NS
            tenor = f"{days}D" if days else "16H"
            for strike in sorted({max(1, round(spot * ratio / step)) * step for ratio in ratios}):
                for side, letter in ((1, "C"), (-1, "P")):
                    name = f"{family.coin}-{tenor}-{strike // 10**8}-{letter}"
                    name += ".COIN" if family.is_coin_settled else ""
                    rows.append(
                        (name, number, coin, expiry, side, strike, family.lot_e8,
                         int(family.is_coin_settled))
                    )  # fmt: skip
    columns = [np.array(column, dtype=np.int64) for column in list(zip(*rows, strict=True))[1:]]
    names = ("series", "underlying", "expiry", "side", "strike_e8", "lot_e8", "is_coin_settled")
    return OptionContracts(
        families=series,
        symbol=tuple(row[0] for row in rows),
        **dict(zip(names, columns, strict=True)),
    )
