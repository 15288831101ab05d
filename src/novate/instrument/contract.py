"""What every listed contract has in common: ticks, lots, fees, settlement, and its value unit.

Terms are exact integers.  A contract whose tick and lot do not make a whole number of ledger units
of its settlement asset is refused here: the engine never rounds a linear trade value.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from novate.errors import InputError
from novate.kernel.clearing.value import INVERSE, LINEAR
from novate.kernel.codes import Style
from novate.units import AMOUNT_MAX

TICKS_MAX = 10**10
"""Highest price in ticks that any contract accepts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """Value is proportional to the price: lots x lot size x price.

    Settled in another asset than the one that quotes it, a linear contract is a quanto: each lot
    pays a fixed number of ledger units per tick, whatever that asset is worth.

    Attributes
    ----------
    lot_e8
        Size of a lot, 1e-8 of the underlying (of a quanto: settlement units per price unit).
    """

    lot_e8: int
    form: ClassVar[int] = LINEAR

    def fraction(self, tick_e8: int, decimals: int) -> tuple[int, int]:
        """Return ledger units per tick and lot as a fraction."""
        return tick_e8 * self.lot_e8 * 10**decimals, 10**16


@dataclass(frozen=True, slots=True, kw_only=True)
class Inverse:
    """Face value in the quote, settled in the coin: value is minus face over price.

    Attributes
    ----------
    face_e8
        Face value of a lot, 1e-8 of the quote.
    """

    face_e8: int
    form: ClassVar[int] = INVERSE

    def fraction(self, tick_e8: int, decimals: int) -> tuple[int, int]:
        """Return face value over the tick size, in ledger units of the coin, as a fraction."""
        return self.face_e8 * 10**decimals, tick_e8


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract(ABC):
    """Terms of a linear or inverse, perpetual or dated contract.

    Attributes
    ----------
    symbol
        Ticker, not used before.
    size
        What a lot is: linear or inverse.
    underlying, settlement_asset
        Numbers of the assets whose index prices it and in which it pays.
    decimals
        Ledger decimals of the settlement asset.
    tick_e8, price_max_e8
        Tick size and highest price accepted, 1e-8 of the numeraire.
    style
        Whether profit and loss becomes cash each cycle or at close.
    cycle_ns
        Interval of variation-margin cycles, 0 for none.
    maker_fee_ppm, taker_fee_ppm
        Fees of value in 1e-6; a negative maker fee is a rebate.
    basis_clamp_ppm
        Largest distance of mark from index, 1e-6 of the index.
    """

    symbol: str
    size: Linear | Inverse
    underlying: int
    settlement_asset: int
    decimals: int
    tick_e8: int
    price_max_e8: int
    style: Style = Style.EACH_CYCLE
    cycle_ns: int = 0
    maker_fee_ppm: int = 0
    taker_fee_ppm: int = 0
    basis_clamp_ppm: int = 0

    @property
    def form(self) -> int:
        """Settlement form, see `kernel.clearing.value`."""
        return self.size.form

    @property
    def unit(self) -> int:
        """Value unit, see `kernel.clearing.value`.

        Raises
        ------
        InputError
            If it is not a whole number of ledger units.
        """
        return _whole(self.symbol, *self.size.fraction(self.tick_e8, self.decimals))

    @abstractmethod
    def dates(self) -> dict[str, int]:
        """Return funding and expiry terms as columns of ``ListInstrument``."""

    @property
    def ticks_max(self) -> int:
        """Highest price accepted, in ticks."""
        return min(self.price_max_e8 // self.tick_e8, TICKS_MAX)

    @property
    def lots_max(self) -> int:
        """Largest position whose value is at most 2**60 ledger units at any accepted price."""
        return AMOUNT_MAX // self.unit // (self.ticks_max if self.form == LINEAR else 1)

    def listing(self) -> dict[str, Any]:
        """Return the columns of ``ListInstrument``.

        Raises
        ------
        InputError
            If tick, lot and ledger decimals do not fit together.
        """
        return {
            "symbol": self.symbol,
            "form": self.form,
            "style": int(self.style),
            "underlying": self.underlying,
            "settlement_asset": self.settlement_asset,
            "tick_e8": self.tick_e8,
            "unit": self.unit,
            "ticks_max": self.ticks_max,
            "lots_max": self.lots_max,
            "maker_fee_ppm": self.maker_fee_ppm,
            "taker_fee_ppm": self.taker_fee_ppm,
            "cycle_ns": self.cycle_ns,
            "basis_clamp_ppm": self.basis_clamp_ppm,
            **self.dates(),
        }


def _whole(symbol: str, numerator: int, denominator: int) -> int:
    """Return numerator / denominator if that is a positive whole number.

    Raises
    ------
    InputError
        Otherwise, naming the contract and the fraction.
    """
    if numerator <= 0 or denominator <= 0 or numerator % denominator:
        raise InputError(
            f"{symbol}: a tick on a lot is worth {numerator}/{denominator} ledger units of the "
            f"settlement asset; allowed is a positive whole number"
        )
    return numerator // denominator
