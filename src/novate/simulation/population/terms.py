"""What a generated book is asked to look like: instruments, collateral assets, targets.

The defaults describe a mid-sized derivatives venue.  They are targets of a calibration, not
facts: whoever uses the book prints `calibration(book)` next to the results.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from novate.errors import InputError

IntArray: TypeAlias = npt.NDArray[np.int64]
FloatArray: TypeAlias = npt.NDArray[np.float64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]

InitialMargin: TypeAlias = Callable[[int, IntArray], IntArray]
"""(instrument, notionals in ledger units) -> initial margin in ledger units, rounded up."""

LEDGER = 1_000_000
"""Ledger units per unit of the numeraire."""


class AccountType(IntEnum):
    """Who trades."""

    TAKER = 0
    MARKET_MAKER = 1
    BASIS_TRADER = 2
    FUND = 3
    HOUSE = 4


class Role(IntEnum):
    """Place in the account tree."""

    HOUSE = 0
    CLIENT = 1


class MarginMode(IntEnum):
    """Cross: one pool for all positions.  Isolated: one position with its own collateral."""

    CROSS = 0
    ISOLATED = 1


class ShortfallPolicy(IntEnum):
    """What happens below maintenance margin."""

    AUTO_LIQUIDATE = 0
    CALL_THEN_DEFAULT = 1


class Segregation(IntEnum):
    """How an account is kept apart at its member."""

    HOUSE = 0
    GROSS_OMNIBUS = 1
    INDIVIDUAL = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """Linear perpetual settled in the numeraire.

    Attributes
    ----------
    symbol
        Name.
    tick_e8
        Price step, 1e-8 numeraire per base unit.
    lot_e8
        Quantity step, 1e-8 base units.  Tick times lot must be a whole number of ledger units.
    max_leverage
        Highest leverage the venue offers.
    open_interest_share
        Share of the venue's open interest; the shares of all instruments add up to 1.
    coin
        Index of the collateral asset that is this instrument's base coin, or None.
    """

    symbol: str
    tick_e8: int
    lot_e8: int
    max_leverage: float
    open_interest_share: float
    coin: int | None = None

    @property
    def tick_value(self) -> int:
        """Ledger units that one lot gains per tick."""
        return self.tick_e8 * self.lot_e8 // 10**10


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """Collateral asset.

    Attributes
    ----------
    symbol
        Name.
    decimals
        Ledger decimals: one unit of the asset is 10**decimals ledger units.
    price_e8
        Price of one unit, 1e-8 numeraire.
    haircut_ppm
        Haircut on the collateral value.
    """

    symbol: str
    decimals: int
    price_e8: int
    haircut_ppm: int

    @property
    def collateral_value(self) -> float:
        """Value after haircut of one ledger unit, in ledger units of the numeraire."""
        after_haircut = self.price_e8 / 1e8 * (1.0 - self.haircut_ppm / 1e6)
        return float(after_haircut * LEDGER / 10**self.decimals)


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeTerms:
    """Targets of one account type.

    Attributes
    ----------
    account_share
        Share of the client accounts.
    gross_share
        Share of the gross notional (long plus short).
    leverage_median, leverage_spread
        Median of notional over equity, and the standard deviation of its logarithm.
    collateral
        Shares of the collateral value by asset, in the order of the assets; adds up to 1.
    long_share
        Share of the type's notional that is long; None where it follows from the balance.
    isolated_share
        Share of the accounts in isolated mode.
    instruments
        Average number of instruments of a cross account.
    """

    account_share: float
    gross_share: float
    leverage_median: float
    leverage_spread: float
    collateral: tuple[float, ...]
    long_share: float | None = None
    isolated_share: float = 0.0
    instruments: float = 2.0


def venue_types() -> dict[AccountType, TypeTerms]:
    """Default mix for the assets USDT, BTC, ETH and one stable coin, in this order.

    Takers are many, small, leveraged and mostly long; makers are few, large, use little of their
    margin and are hedged elsewhere; basis traders hold the coin and are short the perpetual; funds
    are directional clients that are called before they are liquidated.
    """
    return {
        AccountType.TAKER: TypeTerms(
            account_share=0.60,
            gross_share=0.30,
            leverage_median=8.0,
            leverage_spread=0.9,
            collateral=(0.70, 0.12, 0.08, 0.10),
            long_share=0.62,
            isolated_share=0.35,
            instruments=1.8,
        ),
        AccountType.MARKET_MAKER: TypeTerms(
            account_share=0.03,
            gross_share=0.42,
            leverage_median=2.5,
            leverage_spread=0.3,
            collateral=(0.55, 0.15, 0.10, 0.20),
            instruments=100.0,
        ),
        AccountType.BASIS_TRADER: TypeTerms(
            account_share=0.15,
            gross_share=0.12,
            leverage_median=1.0,
            leverage_spread=0.06,
            collateral=(),
            long_share=0.0,
            instruments=1.3,
        ),
        AccountType.FUND: TypeTerms(
            account_share=0.22,
            gross_share=0.16,
            leverage_median=2.5,
            leverage_spread=0.12,
            collateral=(0.45, 0.20, 0.15, 0.20),
            long_share=0.58,
            instruments=2.5,
        ),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """What the book is calibrated to.

    Attributes
    ----------
    accounts
        Number of margin accounts, house accounts included.  Targets by type are reached from about
        1,000 accounts upward; in a smaller book single accounts are larger than the tolerances.
    members
        Number of clearing members; each has one house account.
    open_interest
        Long notional of all instruments, in ledger units (equals the short notional).
    tail_exponent
        Pareto exponent of the account sizes above the tail threshold.
    tail_share
        Share of the accounts that lie in the tail.
    top_share
        Share of the gross notional held by the largest 1 percent of the accounts.
    largest_share
        No account holds more than this share of the gross notional.  In a small book the limit is
        2.5 times the average of the largest 1 percent, where that is more.
    position_share
        No position outside the makers exceeds this share of its instrument's open interest, or
        the limit on the largest account, where that is more.
    types
        Targets by account type, house accounts excepted.
    house_collateral, house_leverage
        Collateral mix and median leverage of the members' own accounts.
    basis_coin_share
        Share of a basis trader's collateral that is the coin itself.
    headroom_min
        Equity of each account over its initial margin at the start is at least this.
    default_fund_share
        Default fund over the open interest.
    """

    accounts: int = 20_000
    members: int = 12
    open_interest: int = 1_500_000_000 * LEDGER
    tail_exponent: float = 1.2
    tail_share: float = 0.03
    top_share: float = 0.50
    largest_share: float = 0.03
    position_share: float = 0.05
    types: dict[AccountType, TypeTerms] = field(default_factory=venue_types)
    house_collateral: tuple[float, ...] = (0.70, 0.15, 0.10, 0.05)
    house_leverage: float = 2.0
    basis_coin_share: float = 0.92
    headroom_min: float = 1.05
    default_fund_share: float = 0.012


def check_targets(
    targets: Targets, instruments: tuple[Instrument, ...], assets: tuple[Asset, ...]
) -> None:
    """Refuse targets that cannot be met together; raises InputError with the numbers."""
    _check_instruments(instruments, len(assets))
    if targets.members < 1 or targets.accounts < 20 * targets.members + 100:
        msg = (
            f"accounts {targets.accounts} is too few for {targets.members} members; "
            f"allowed is at least {20 * targets.members + 100}"
        )
        raise InputError(msg)
    if targets.tail_exponent <= 1.0:
        msg = f"tail_exponent {targets.tail_exponent}; allowed is above 1"
        raise InputError(msg)
    if AccountType.MARKET_MAKER not in targets.types or AccountType.HOUSE in targets.types:
        names = sorted(kind.name for kind in targets.types)
        msg_0 = f"types are {names}; MARKET_MAKER must be there, HOUSE must not"
        raise InputError(msg_0)
    for name in ("account_share", "gross_share"):
        total = sum(getattr(terms, name) for terms in targets.types.values())
        if abs(total - 1.0) > 1e-9:
            msg = f"{name} of the types adds up to {total}; allowed is 1"
            raise InputError(msg)
    mixes = {kind.name: terms.collateral for kind, terms in targets.types.items()}
    mixes["HOUSE"] = targets.house_collateral
    for who, mix in mixes.items():
        if mix and (len(mix) != len(assets) or abs(sum(mix) - 1.0) > 1e-9):
            msg = f"collateral of {who} is {mix}; allowed are {len(assets)} shares that add up to 1"
            raise InputError(msg)
    if targets.headroom_min < 1.0:
        msg = f"headroom_min {targets.headroom_min}; allowed is at least 1"
        raise InputError(msg)


def _check_instruments(instruments: tuple[Instrument, ...], assets: int) -> None:
    total = sum(instrument.open_interest_share for instrument in instruments)
    if abs(total - 1.0) > 1e-9:
        msg = f"open_interest_share adds up to {total}; allowed is 1"
        raise InputError(msg)
    for instrument in instruments:
        if instrument.tick_e8 * instrument.lot_e8 % 10**10 or instrument.tick_value < 1:
            msg = (
                f"{instrument.symbol}: tick {instrument.tick_e8} times lot {instrument.lot_e8} is "
                "not a whole number of ledger units (multiple of 1e10)"
            )
            raise InputError(msg)
        if instrument.coin is not None and not 0 <= instrument.coin < assets:
            msg = (
                f"{instrument.symbol}: coin {instrument.coin}; allowed is 0 to {assets - 1} or None"
            )
            raise InputError(msg)
    if all(instrument.coin is None for instrument in instruments):
        raise InputError("no instrument has its coin among the assets; allowed is at least one")
