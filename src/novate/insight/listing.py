"""What is listed, by number, in the form in which figures and people speak of it."""

from __future__ import annotations

from dataclasses import dataclass

from novate.engine.state import State
from novate.kernel.clearing.value import LINEAR
from novate.kernel.codes import Kind
from novate.units import format_decimal


@dataclass(frozen=True, slots=True)
class Instrument:
    """A listed instrument.

    Attributes
    ----------
    symbol
        Ticker.
    form
        Settlement form, see `kernel.clearing.value`.
    underlying, settlement
        Numbers of the assets that price it and in which it pays.
    tick_e8
        Tick, 1e-8 of the price.
    lot_e8
        Size of a lot: 1e-8 coin; of an inverse contract its face value, 1e-8 of the quote.
    family
        Of an option, the name that all options of its underlying share; else empty.
    """

    symbol: str
    form: int
    underlying: int
    settlement: int
    tick_e8: int
    lot_e8: int
    family: str = ""

    @property
    def is_option(self) -> bool:
        """Whether its price is a premium."""
        return bool(self.family)

    @property
    def item(self) -> str:
        """Under what a profit or loss of it is reported: options by their underlying."""
        return self.family or self.symbol

    def size_text(self, lots: int) -> str:
        """A signed size for people: coins, or contracts of an inverse contract."""
        if self.form == LINEAR:
            return f"{lots * self.lot_e8 / 1e8:+,.8g}"
        return f"{lots:+,} contracts"

    def price(self, ticks: int) -> float:
        """Price of a number of ticks."""
        return ticks * self.tick_e8 / 1e8


@dataclass(frozen=True, slots=True)
class Listing:
    """Assets and instruments by number; asset 0 is the numeraire."""

    assets: tuple[str, ...] = ()
    decimals: tuple[int, ...] = ()
    instruments: tuple[Instrument, ...] = ()

    def is_of(self, state: State) -> bool:
        """Whether nothing was declared or listed in a state since."""
        return (
            len(self.instruments) == state.instruments.count
            and len(self.assets) == state.assets.count
        )

    def amount_text(self, asset: int, amount: int) -> str:
        """An amount of an asset, ledger units, as text with its name."""
        return f"{format_decimal(amount, self.decimals[asset])} {self.assets[asset]}"

    def price_text(self, instrument: int, ticks: int) -> str:
        """A price of an instrument as text with its name."""
        listed = self.instruments[instrument]
        return f"{listed.price(ticks):,.8g} ({listed.symbol})"


def listing_of(state: State) -> Listing:
    """Return what is listed in a state.

    The size of a lot follows from the value unit, which is exact: a contract whose tick and lot do
    not make whole ledger units is never listed.
    """
    x, assets = state.instruments, state.assets
    decimals = tuple(assets.used("decimals").tolist())
    rows = zip(x.symbols, *(x.used(name).tolist() for name in _COLUMNS), strict=True)
    instruments = []
    for symbol, kind, form, underlying, settlement, tick_e8, unit in rows:
        scale = 10 ** decimals[settlement]
        is_linear = form == LINEAR
        instruments.append(
            Instrument(
                symbol,
                form,
                underlying,
                settlement,
                tick_e8,
                unit * 10**16 // (tick_e8 * scale) if is_linear else unit * tick_e8 // scale,
                "" if kind == Kind.DELTA_ONE else f"{assets.symbols[underlying]} options",
            )
        )
    return Listing(tuple(assets.symbols), decimals, tuple(instruments))


_COLUMNS = ("kind", "form", "underlying", "settlement_asset", "tick_e8", "unit")
