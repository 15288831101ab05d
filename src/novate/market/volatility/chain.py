"""One snapshot of an option chain as columns, before anything is judged."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from novate.errors import InputError
from novate.units import DAY

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
I8 = npt.NDArray[np.int8]
Mask = npt.NDArray[np.bool_]

YEAR_NS = 365 * DAY
"""Times are ACT/365."""

STRIKE_SCALE = 1e8


class PriceUnit(IntEnum):
    """What option prices are counted in."""

    COIN = 1  # units of the underlying per unit of the underlying (inverse options)
    QUOTE = 2  # quote currency per unit of the underlying


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Options of one underlying in one snapshot, one row per listed option.

    Attributes
    ----------
    underlying
        Name, for reports.
    unit
        Unit of ``bid``, ``ask`` and ``mark``.
    instant_ns
        Instant at which the snapshot is judged: the last observation in it, or later.
    spot
        Index price in quote currency; NaN where unknown.
    expiry_ns
        Int64 ``[n]``: nanoseconds since 1970 UTC.
    strike_e8
        Int64 ``[n]``: strike in 1e-8 of the quote currency, exact.
    side
        Int8 ``[n]``: +1 call, -1 put.
    bid, ask, mark
        Float64 ``[n]``: prices; NaN where there is none.
    bid_size, ask_size
        Float64 ``[n]``: size at the best price; NaN where the source does not say.  A size of zero
        means that there is no quote.
    open_interest
        Float64 ``[n]``: in units of the underlying; NaN where unknown.
    forward
        Float64 ``[n]``: price of the future of this expiry as the row was observed, in quote
        currency; NaN where unknown.
    observed_ns
        Int64 ``[n]``: instant of the row.
    """

    underlying: str
    unit: PriceUnit
    instant_ns: int
    spot: float
    expiry_ns: I64
    strike_e8: I64
    side: I8
    bid: F64
    ask: F64
    bid_size: F64
    ask_size: F64
    open_interest: F64
    mark: F64
    forward: F64
    observed_ns: I64

    def __post_init__(self) -> None:
        """Check that the columns are of one length."""
        columns = (
            self.expiry_ns, self.strike_e8, self.side, self.bid, self.ask, self.bid_size,
            self.ask_size, self.open_interest, self.mark, self.forward, self.observed_ns,
        )  # fmt: skip
        lengths = sorted({len(column) for column in columns})
        if len(lengths) != 1:
            message = f"chain {self.underlying}: columns of {lengths} rows; allowed: one length"
            raise InputError(message)

    def __len__(self) -> int:
        return len(self.expiry_ns)

    @property
    def strike(self) -> F64:
        """Strikes in quote currency, the nearest float64."""
        return np.asarray(self.strike_e8 / STRIKE_SCALE, np.float64)

    @property
    def years(self) -> F64:
        """Years from the instant to each row's expiry; negative when it has passed."""
        return np.asarray((self.expiry_ns - self.instant_ns) / YEAR_NS, np.float64)

    @property
    def quoted_bid(self) -> F64:
        """Bids; NaN where the size says that nobody bids."""
        return np.where(self.bid_size == 0.0, np.nan, self.bid)

    @property
    def quoted_ask(self) -> F64:
        """Asks; NaN where the size says that nobody offers."""
        return np.where(self.ask_size == 0.0, np.nan, self.ask)
