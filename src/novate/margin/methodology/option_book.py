"""The options of one underlying as columns, and what they are worth when the market moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from novate.errors import InputError
from novate.kernel.clearing.columns import F64, I64
from novate.margin.methodology.outcome import MissingInputError
from novate.margin.methodology.portfolio import Curve, Position, Snapshot
from novate.valuation import pricing

YEAR_NS = 365 * 86_400 * 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionBook:
    """Options of one underlying, sorted by expiry; shape (options,) but for what is by expiry.

    Attributes
    ----------
    quantity, strike, volatility, right
        Units of the underlying, quote currency per unit, lognormal per year, and 1 for a call, -1
        for a put.
    expiry
        Place of the expiry in ``expiries``.
    expiries
        Instants of expiry, ns, ascending; shape (expiries,), as the next four.
    years, forward, rate, discount
        To expiry in years of 365 days, and what the curve says of it.
    confidence
        Least confidence of the oracles of each expiry, 0 to 1.
    """

    quantity: F64
    strike: F64
    volatility: F64
    right: F64
    expiry: I64
    expiries: I64
    years: F64
    forward: F64
    rate: F64
    discount: F64
    confidence: F64

    def __len__(self) -> int:
        """Return the number of options."""
        return self.quantity.size

    @property
    def option_years(self) -> F64:
        """Years to the expiry of each option."""
        return self.years[self.expiry]

    @property
    def log_moneyness(self) -> F64:
        """``ln(K / F)`` of each option."""
        found: F64 = np.log(self.strike / self.forward[self.expiry])
        return found

    def prices(self, move: float = 0.0, volatility: F64 | None = None) -> F64:
        """Return Black-76 prices, discounted by the curve, with forwards moved by a share.

        Parameters
        ----------
        move
            Relative move of every forward, above -1.
        volatility
            In the place of the options' own.

        Raises
        ------
        InputError
            If an option has no price at these inputs.
        """
        vol = self.volatility if volatility is None else volatility
        forward = self.forward[self.expiry] * (1.0 + move)
        found = pricing.black76(self.right, forward, self.strike, self.option_years, vol)
        return self._priced(found.price, forward, vol) * self.discount[self.expiry]

    def coin_prices(self, move: float = 0.0, volatility: F64 | None = None) -> F64:
        """Return prices of options that are paid in coin, coin per coin; as `prices` does."""
        vol = self.volatility if volatility is None else volatility
        forward = self.forward[self.expiry] * (1.0 + move)
        found = pricing.inverse(self.right, forward, self.strike, self.option_years, vol)
        return self._priced(found.price, forward, vol)

    def _priced(self, price: F64, forward: F64, volatility: F64) -> F64:
        """Return prices if all are numbers: one that is not would hide a requirement."""
        bad = np.flatnonzero(~np.isfinite(price))
        if bad.size:
            at = int(bad[0])
            raise InputError(
                f"an option has no price: forward {forward[at]}, strike {self.strike[at]}, "
                f"volatility {volatility[at]}; allowed: positive ones, and a volatility of at "
                "least 0"
            )
        return price

    def deltas(self) -> F64:
        """Return the change of each price with its forward, discounted; per unit."""
        found = pricing.greeks(
            self.right, self.forward[self.expiry], self.strike, self.option_years, self.volatility
        )
        return found.delta * self.discount[self.expiry]

    def by_expiry(self, amounts: F64) -> F64:
        """Add up amounts of options by expiry, in order of the book."""
        total: F64 = np.bincount(self.expiry, amounts, self.expiries.size).astype(np.float64)
        return total

    def short_by_strike(self) -> float:
        """Units short of strikes, calls and puts of a strike netted, added up over strikes."""
        keys = np.stack((self.expiry, self.strike))
        _, place = np.unique(keys, axis=1, return_inverse=True)
        net = np.bincount(place.ravel(), self.quantity)
        return float(np.maximum(-net, 0.0).sum())


def option_book(positions: Sequence[Position], snapshot: Snapshot) -> OptionBook:
    """Return the options among positions on one underlying as columns.

    Raises
    ------
    MissingInputError
        If the market lacks the forward of an expiry or the volatility of an option, or an option
        has expired.
    """
    held = [p for p in positions if p.contract.is_option]
    held.sort(key=lambda p: p.contract.expiry_ns or 0)
    expiries = sorted({p.contract.expiry_ns or 0 for p in held})
    curves = [_curve(p, snapshot) for p in held]
    by_expiry = dict(zip((p.contract.expiry_ns or 0 for p in held), curves, strict=True))
    years = (np.array(expiries, np.int64) - snapshot.instant_ns) / YEAR_NS
    ordered = [by_expiry[instant] for instant in expiries]
    rate = np.array([curve.rate for curve in ordered])
    discount = [curve.discount for curve in ordered]
    return OptionBook(
        quantity=np.array([p.quantity for p in held]),
        strike=np.array([p.contract.strike or 0.0 for p in held]),
        volatility=np.array([_volatility(p, snapshot) for p in held]),
        right=np.array([1.0 if p.contract.is_call else -1.0 for p in held]),
        expiry=np.searchsorted(expiries, [p.contract.expiry_ns or 0 for p in held]),
        expiries=np.array(expiries, np.int64),
        years=years,
        forward=np.array([curve.forward for curve in ordered]),
        rate=rate,
        discount=np.array(
            [
                np.exp(-r * t) if d is None else d
                for d, r, t in zip(discount, rate, years, strict=True)
            ]
        ),
        confidence=np.array([curve.confidence for curve in ordered]),
    )


def _curve(position: Position, snapshot: Snapshot) -> Curve:
    contract = position.contract
    curve = snapshot.curve.get((contract.underlying, contract.expiry_ns or 0))
    if curve is None:
        raise MissingInputError(
            f"{contract.symbol}: the market has no forward of {contract.underlying} at instant "
            f"{contract.expiry_ns}; needed: one for each expiry that is held"
        )
    if (contract.expiry_ns or 0) <= snapshot.instant_ns:
        raise MissingInputError(
            f"{contract.symbol}: expired at {contract.expiry_ns}, the market is of "
            f"{snapshot.instant_ns}; allowed: options that are alive"
        )
    return curve


def _volatility(position: Position, snapshot: Snapshot) -> float:
    symbol = position.contract.symbol
    found = snapshot.volatility.get(symbol)
    if found is None:
        raise MissingInputError(
            f"{symbol}: the market has no volatility of it; needed: one for each option held"
        )
    return found


def with_option_marks(positions: Sequence[Position], snapshot: Snapshot) -> Snapshot:
    """Return the market with a mark for each option whose volatility is known and that has none.

    Black-76 at its own volatility, discounted: in coin for one that is paid in its underlying.
    """
    mark = dict(snapshot.mark)
    for position in positions:
        contract = position.contract
        is_known = contract.is_option and contract.symbol in snapshot.volatility
        if is_known and contract.symbol not in mark:
            book = option_book((position,), snapshot)
            prices = book.coin_prices() if contract.is_inverse else book.prices()
            mark[contract.symbol] = float(prices[0])
    return replace(snapshot, mark=mark)
