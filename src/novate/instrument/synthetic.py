"""Synthetic tokens: wrapped, leveraged and basket tokens seen through to what they are made of.

A token is written in terms of other symbols, tokens or factors (a symbol that is no token is a
factor and has a price).  Looking through gives each token's value and its delta vector: units of
each factor whose price move it follows, so that tokens net against listed positions.

Deltas are those of the moment: a leveraged token rebalances, and its delta with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np

from novate.errors import InputError
from novate.instrument.valued import check, check_not_negative, check_positive

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from novate.kernel.clearing.columns import F64

DEPTH_MAX = 64
"""Tokens within tokens that are looked through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrapped:
    """A claim on a fixed number of units of one thing (a wrapped coin, a staking receipt).

    Attributes
    ----------
    symbol, of
        The token, and what it wraps.
    units
        Units of ``of`` per token.
    """

    symbol: str
    of: str
    units: float = 1.0
    kind: ClassVar[str] = "wrapped"

    def __post_init__(self) -> None:
        check_positive(f"{self.symbol}: units", self.units)

    def parts(self, prices: Mapping[str, float]) -> tuple[float, dict[str, float]]:
        """Return the value per token and its delta in units of ``of``."""
        return self.units * prices[self.of], {self.of: self.units}


@dataclass(frozen=True, slots=True, kw_only=True)
class Leveraged:
    """A token whose issuer holds a multiple of its net asset value in one thing.

    Attributes
    ----------
    symbol, of
        The token, and what it is leveraged in.
    leverage
        ClearingState over net asset value: 3.0 for three times long, -1.0 for a short token.
    net_asset_value
        Value per token, quote currency.
    """

    symbol: str
    of: str
    leverage: float
    net_asset_value: float
    kind: ClassVar[str] = "leveraged"

    def __post_init__(self) -> None:
        check(f"{self.symbol}: leverage", self.leverage, lambda x: x != 0.0, "finite and not 0")
        check_not_negative(f"{self.symbol}: net_asset_value", self.net_asset_value)

    def parts(self, prices: Mapping[str, float]) -> tuple[float, dict[str, float]]:
        """Return the value per token and its delta in units of ``of``."""
        value = self.net_asset_value
        if not prices[self.of] > 0.0:
            raise InputError(
                f"{self.symbol}: leverage on {self.of}, which is worth {prices[self.of]:g}; "
                "allowed: on what is worth more than 0"
            )
        return value, {self.of: self.leverage * value / prices[self.of]}


@dataclass(frozen=True, slots=True)
class Holding:
    """Part of a basket.

    Attributes
    ----------
    of
        What is held.
    units
        Units per token, negative when short.
    entry
        For a future or perpetual, the price it was entered at, quote currency: it is worth units
        times (price - entry).  None for what is owned outright.
    """

    of: str
    units: float
    entry: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Basket:
    """An index or structured token: holdings and cash per token.

    Attributes
    ----------
    symbol
        The token.
    holdings
        What it holds; a symbol may appear more than once.
    cash
        Quote currency per token.
    """

    symbol: str
    holdings: tuple[Holding, ...]
    cash: float = 0.0
    kind: ClassVar[str] = "basket"

    def __post_init__(self) -> None:
        check(f"{self.symbol}: cash", self.cash, np.isfinite, "a finite number")
        for holding in self.holdings:
            name = f"{self.symbol}: {holding.of}"
            check(f"{name}: units", holding.units, lambda x: x != 0.0, "finite and not 0")
            if holding.entry is not None:
                check_positive(f"{name}: entry", holding.entry)

    def parts(self, prices: Mapping[str, float]) -> tuple[float, dict[str, float]]:
        """Return the value per token and its deltas in units of what it holds."""
        value, deltas = self.cash, dict[str, float]()
        for holding in self.holdings:
            value += holding.units * (prices[holding.of] - (holding.entry or 0.0))
            deltas[holding.of] = deltas.get(holding.of, 0.0) + holding.units
        return value, deltas


Token = Wrapped | Leveraged | Basket


class LookThrough(NamedTuple):
    """Tokens seen through to factors.

    Attributes
    ----------
    symbols
        Tokens, sorted.
    factors
        Factors that any of them depends on, sorted.
    value
        Value per token, quote currency, ``[tokens]``.
    delta
        Units of factor per token, ``[tokens, factors]``.
    """

    symbols: tuple[str, ...]
    factors: tuple[str, ...]
    value: F64
    delta: F64

    def of_positions(self, positions: Mapping[str, float]) -> dict[str, float]:
        """Return net units per factor of units of tokens and of factors held together.

        Raises
        ------
        InputError
            If a position is in neither a token nor a factor of these.
        """
        net = dict.fromkeys(self.factors, 0.0)
        for symbol, units in positions.items():
            if symbol in net:
                net[symbol] += units
            elif symbol in self.symbols:
                row = self.delta[self.symbols.index(symbol)]
                for factor, per_token in zip(self.factors, row.tolist(), strict=True):
                    net[factor] += units * per_token
            else:
                known = ", ".join((*self.symbols, *self.factors))
                raise InputError(f"position in {symbol!r}; allowed: {known}")
        return net


def look_through(tokens: Sequence[Token], prices: Mapping[str, float]) -> LookThrough:
    """Value tokens and decompose them into factors, through any depth of tokens in tokens.

    Parameters
    ----------
    tokens
        Terms, in any order.
    prices
        Positive prices of the factors, quote currency.

    Raises
    ------
    InputError
        If two tokens share a symbol, a symbol is both token and factor, a price is missing or not
        positive, a leveraged token is one on a token that is worth nothing or less, or tokens
        contain one another (the chain is named).
    """
    by_symbol = _by_symbol(tokens, prices)
    known: dict[str, tuple[float, dict[str, float]]] = {}
    for symbol in sorted(by_symbol):
        _resolve(symbol, by_symbol, prices, known, ())
    symbols = tuple(sorted(by_symbol))
    factors = tuple(sorted({factor for symbol in symbols for factor in known[symbol][1]}))
    value = np.array([known[symbol][0] for symbol in symbols], np.float64)
    delta = np.array(
        [[known[symbol][1].get(factor, 0.0) for factor in factors] for symbol in symbols],
        np.float64,
    ).reshape(len(symbols), len(factors))
    return LookThrough(symbols, factors, value, delta)


def _by_symbol(tokens: Sequence[Token], prices: Mapping[str, float]) -> dict[str, Token]:
    by_symbol: dict[str, Token] = {}
    for token in tokens:
        if token.symbol in by_symbol or token.symbol in prices:
            raise InputError(f"token {token.symbol!r}; allowed: a symbol that names nothing else")
        by_symbol[token.symbol] = token
    for factor, price in prices.items():
        check_positive(f"price of {factor}", price)
    return by_symbol


def _resolve(
    symbol: str,
    tokens: Mapping[str, Token],
    prices: Mapping[str, float],
    known: dict[str, tuple[float, dict[str, float]]],
    chain: tuple[str, ...],
) -> tuple[float, dict[str, float]]:
    """Return value and factor deltas of one symbol, and remember those of tokens."""
    if symbol in known:
        return known[symbol]
    if symbol not in tokens:
        if symbol not in prices:
            raise InputError(f"{chain[-1]} holds {symbol!r}; allowed: a token or a priced factor")
        return prices[symbol], {symbol: 1.0}
    if symbol in chain or len(chain) >= DEPTH_MAX:
        path = " -> ".join((*chain, symbol))
        raise InputError(f"{path}; allowed: tokens that do not contain one another")
    inner: dict[str, tuple[float, dict[str, float]]] = {}
    for part in _names(tokens[symbol]):
        inner[part] = _resolve(part, tokens, prices, known, (*chain, symbol))
    value, direct = tokens[symbol].parts({part: inner[part][0] for part in inner})
    deltas: dict[str, float] = {}
    for part, units in direct.items():
        for factor, per_unit in inner[part][1].items():
            deltas[factor] = deltas.get(factor, 0.0) + units * per_unit
    known[symbol] = value, deltas
    return known[symbol]


def _names(token: Token) -> tuple[str, ...]:
    """Return the symbols that a token is written in terms of."""
    if isinstance(token, Basket):
        return tuple(dict.fromkeys(holding.of for holding in token.holdings))
    return (token.of,)
