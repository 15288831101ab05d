"""The market that answers the venue's liquidation orders in replay and simulation.

Orders do not fill at the mark.  An order waits for its latency, takes at most a share of the
volume that trades while it waits, moves the price against itself, and is refused beyond a floor.

**Depth.**  In a step of length dt the agent can absorb, on each side of the book::

    depth = participation * bar volume * min(dt, bar) / bar * collapse
    collapse = max(collapse_floor, 1 / (1 + (range / collapse_range)**2))

Volume that passed while nobody asked is gone: an outage of an hour does not leave an hour of bids
waiting.  Depth collapses as the bar's range widens because resting orders are withdrawn when
volatility jumps: on 10 October 2025 books near the mid "appeared empty" for minutes (Kaiko
research note, 13 October 2025), and the CFTC-SEC report of 30 September 2010 (section I.3)
describes the same loss of depth in the E-mini future.  The functional form is an assumption; its
two parameters are terms of the agent.

**Impact.**  The square-root law: after a net quantity Q the price stands at ::

    displacement = Y * sigma * sqrt(Q / V)

(Toth et al. 2011, Physical Review X 1, 021006; Almgren, Thum, Hauptmann and Li 2005, "Direct
estimation of equity market impact", measured the neighbouring power 3/5).  Sigma and V belong to
the same horizon, here the bar; the ratio sigma / sqrt(V) does not depend on which horizon is taken.
Sigma comes from the bar's range (Parkinson 1980, Journal of Business 53): sigma = ln(H/L) /
(2 sqrt(ln 2)), with ln(H/L) replaced by H/L - 1, which is larger.  An order walks the curve from
where the last one left it: its average price is the mean of the curve over its own stretch.

**Refill.**  The displacement halves every `refill_half_life_ns`.

Buys and sells push separate sides, so a fill is never better than the mid.  Everything that
leaves the agent is an integer; the arithmetic inside uses only correctly rounded operations
(``+ - * /`` and the square root), so that the same orders give the same fills on any machine.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from novate.errors import InputError, require
from novate.simulation.agents.market_order import AgentTerms, FillBatch, OrderBatch

__all__ = ["AgentTerms", "FillBatch", "MarketAgent", "OrderBatch"]

IntArray: TypeAlias = npt.NDArray[np.int64]
FloatArray: TypeAlias = npt.NDArray[np.float64]

_PPM = 1_000_000
_PPB = 1_000_000_000
_PARKINSON = 0.6005612043932249  # 1 / (2 sqrt(ln 2))
# Gauss-Legendre nodes and weights on [0, 1].  With positive weights every step of the mean is
# a monotone operation, so rounding can never make the larger order the cheaper one.
_NODES = (0.11270166537925831, 0.5, 0.8872983346207417)
_WEIGHTS = (5 / 18, 8 / 18, 5 / 18)
_SELL, _BUY = 0, 1


class MarketAgent:
    """Outside market with memory: how far each side is displaced, and what the step has used.

    The state arrays have shape (symbols, 2): sales in column 0, purchases in column 1.

    Parameters
    ----------
    terms
        Terms of the agent.
    """

    def __init__(self, terms: AgentTerms) -> None:
        symbols = len(terms.tick_e8)
        self.terms = terms
        self._instant_ns: int | None = None
        self._mid = np.zeros(symbols)
        self._slope = np.zeros(symbols)  # squared displacement per unit of quantity
        self._bound = np.zeros((symbols, 2))  # displacement beyond which nothing fills
        self._stop_e8 = np.zeros((symbols, 2), dtype=np.int64)
        self._limit_e8 = np.zeros((symbols, 2), dtype=np.int64)
        self._depth_e8 = np.zeros(symbols, dtype=np.int64)
        self._used_e8 = np.zeros((symbols, 2), dtype=np.int64)
        self._displacement = np.zeros((symbols, 2))

    def observe(
        self,
        instant_ns: int,
        mid_e8: IntArray,
        volume_e8: IntArray,
        range_ppm: IntArray,
        *,
        reference_e8: IntArray | None = None,
    ) -> None:
        """Take in the market at an instant and open a new step.

        Parameters
        ----------
        instant_ns
            Now; later than the last observation.  The first observation only starts the clock:
            no time has passed, so there is no depth.
        mid_e8
            Mid price per symbol.
        volume_e8
            Volume per bar per symbol, 1e-8 base units.
        range_ppm
            high / low - 1 of the current bar per symbol.
        reference_e8
            Price that the floor is measured from (the index); the mid where absent.

        Raises
        ------
        InputError
            If time does not advance or a column has a wrong shape or a value that is not allowed.
        """
        reference_e8 = mid_e8 if reference_e8 is None else reference_e8
        for name, column, least in (
            ("mid_e8", mid_e8, 1),
            ("volume_e8", volume_e8, 0),
            ("range_ppm", range_ppm, 0),
            ("reference_e8", reference_e8, 1),
        ):
            self._check(name, column, least)
        passed_ns = 0 if self._instant_ns is None else instant_ns - self._instant_ns
        if passed_ns <= 0 and self._instant_ns is not None:
            msg = f"instant {instant_ns} is not after {self._instant_ns}"
            raise InputError(msg)
        terms = self.terms
        self._instant_ns = instant_ns
        self._mid = mid_e8.astype(np.float64)
        self._displacement = self._displacement * _half_life(passed_ns, terms.refill_half_life_ns)
        self._used_e8 = np.zeros_like(self._used_e8)
        self._depth_e8 = self._step_depth(passed_ns, volume_e8, range_ppm)
        sigma = _PARKINSON * range_ppm.astype(np.float64) / _PPM
        scale = terms.impact_ppm / _PPM * sigma
        volume = np.maximum(volume_e8, 1).astype(np.float64)
        self._slope = scale * scale / volume
        self._set_bounds(reference_e8)

    def answer(self, orders: OrderBatch, instant_ns: int) -> FillBatch:
        """Fill what the step's depth allows, oldest order first, and remember the displacement.

        Parameters
        ----------
        orders
            Open orders with their remaining quantities.
        instant_ns
            Now; not before the last observation.  Orders younger than the latency wait.

        Returns
        -------
        FillBatch
            At most one fill per order.  Ties in time go to the lower order identifier.

        Raises
        ------
        InputError
            If nothing was observed yet, time runs backwards, or an order names an unknown symbol
            or a quantity that is not a whole number of lots.
        """
        if self._instant_ns is None or instant_ns < self._instant_ns:
            msg = f"instant {instant_ns} is before the observed {self._instant_ns}"
            raise InputError(msg)
        self._check_orders(orders)
        is_ready = orders.placed_ns + self.terms.latency_ns <= instant_ns
        ready = np.flatnonzero(is_ready & (orders.quantity_e8 != 0))
        ready = ready[np.lexsort((orders.order_id[ready], orders.placed_ns[ready]))]
        symbol = orders.symbol[ready]
        side = np.where(orders.quantity_e8[ready] > 0, _BUY, _SELL)
        wanted = np.abs(orders.quantity_e8[ready])
        limit_e8 = orders.limit_e8[ready]
        room = np.minimum(
            self._depth_e8[symbol] - self._used_e8[symbol, side], self._limit_e8[symbol, side]
        )
        within = np.minimum(room, self._within(symbol, side, limit_e8))
        before, filled = _serve(symbol * 2 + side, wanted, room, within)
        price = self._price(symbol, side, before, filled, limit_e8)
        self._absorb(symbol, side, filled)
        kept = np.flatnonzero(filled)
        signed = np.where(side == _BUY, filled, -filled)
        require(bool((filled <= wanted).all()), "a fill never exceeds its order")
        return FillBatch(
            row=ready[kept],
            order_id=orders.order_id[ready][kept],
            symbol=symbol[kept],
            quantity_e8=signed[kept],
            price_e8=price[kept],
            is_final=(filled == wanted)[kept],
        )

    @property
    def last_displacement_ppm(self) -> IntArray:
        """Signed move of the last price against the mid caused by our fills, shape (symbols,).

        Negative after sales; the index is not moved.  Rounded toward zero.
        """
        net = self._displacement[:, _BUY] - self._displacement[:, _SELL]
        return np.trunc(net * self.terms.feedback_ppm).astype(np.int64)

    @property
    def displacement_ppb(self) -> IntArray:
        """Displacement of each side in 1e-9 of the mid, shape (symbols, 2): sales, purchases."""
        return np.ceil(self._displacement * _PPB).astype(np.int64)

    @property
    def depth_left_e8(self) -> IntArray:
        """Quantity that the current step can still absorb, shape (symbols, 2)."""
        left: IntArray = np.minimum(self._depth_e8[:, None] - self._used_e8, self._limit_e8)
        return left

    def _step_depth(self, passed_ns: int, volume_e8: IntArray, range_ppm: IntArray) -> IntArray:
        terms = self.terms
        ratio = range_ppm.astype(np.float64) / terms.collapse_range_ppm
        collapse = np.maximum(terms.collapse_floor_ppm / _PPM, 1.0 / (1.0 + ratio * ratio))
        share = terms.participation_ppm / _PPM * (min(passed_ns, terms.bar_ns) / terms.bar_ns)
        depth = np.floor(volume_e8.astype(np.float64) * share * collapse).astype(np.int64)
        whole: IntArray = depth // terms.lot_e8 * terms.lot_e8
        return whole

    def _set_bounds(self, reference_e8: IntArray) -> None:
        """Last tradable price of each side, and the displacement that reaches it."""
        floor, tick = self.terms.floor_ppm / _PPM, self.terms.tick_e8
        reference = reference_e8.astype(np.float64)
        least = np.ceil(reference * floor).astype(np.int64)
        self._stop_e8[:, _SELL] = -(-least // tick) * tick
        self._stop_e8[:, _BUY] = np.floor(reference / floor).astype(np.int64) // tick * tick
        self._bound[:, _SELL] = 1.0 - self._stop_e8[:, _SELL] / self._mid
        self._bound[:, _BUY] = self._stop_e8[:, _BUY] / self._mid - 1.0
        self._set_limits()

    def _set_limits(self) -> None:
        """Quantity per side that fits below the bound; unbounded where trading has no impact."""
        gap = np.maximum(self._bound, 0.0) ** 2 - self._displacement**2
        slope = np.maximum(self._slope, 1e-300)[:, None]
        limit = np.minimum(np.maximum(gap, 0.0) / slope, 2.0**62)
        limit[self._bound <= 0.0] = 0.0
        lot = self.terms.lot_e8[:, None]
        self._limit_e8 = np.floor(limit).astype(np.int64) // lot * lot

    def _within(self, symbol: IntArray, side: IntArray, limit_e8: IntArray) -> IntArray:
        """Quantity that a side may have traded in this answer before an order's limit is reached.

        At the limit the price of the last unit is, so that the average is no worse.
        """
        mid = self._mid[symbol]
        far = np.where(side == _BUY, limit_e8 - mid, mid - limit_e8) / mid
        gap = np.maximum(far, 0.0) ** 2 - self._displacement[symbol, side] ** 2
        slope = np.maximum(self._slope[symbol], 1e-300)
        most = np.minimum(np.maximum(gap, 0.0) / slope, 2.0**62)
        most[far < 0.0] = 0.0
        lot = self.terms.lot_e8[symbol]
        whole = np.floor(most).astype(np.int64) // lot * lot
        unbounded = np.iinfo(np.int64).max
        within: IntArray = np.where(limit_e8 == 0, unbounded, whole)
        return within

    def _price(
        self,
        symbol: IntArray,
        side: IntArray,
        before: IntArray,
        filled: IntArray,
        limit_e8: IntArray,
    ) -> IntArray:
        """Average price over each order's stretch of the curve, rounded against the order."""
        start = self._displacement[symbol, side] ** 2 + self._slope[symbol] * before
        stretch = self._slope[symbol] * filled
        mean = np.zeros(len(symbol))
        for node, weight in zip(_NODES, _WEIGHTS, strict=True):
            mean = mean + weight * np.sqrt(start + stretch * node)
        mid, tick = self._mid[symbol], self.terms.tick_e8[symbol]
        low = np.floor(mid * (1.0 - mean)).astype(np.int64) // tick * tick
        high = -(-np.ceil(mid * (1.0 + mean)).astype(np.int64) // tick) * tick
        # Rounding to a tick may cross the last tradable price by less than one tick: step back.
        # A sale without a limit has that of 0.
        low = np.maximum(low, np.maximum(self._stop_e8[symbol, _SELL], limit_e8))
        highest = np.where(limit_e8 == 0, np.iinfo(np.int64).max, limit_e8)
        high = np.minimum(high, np.minimum(self._stop_e8[symbol, _BUY], highest))
        price: IntArray = np.where(side == _BUY, high, low)
        return price

    def _absorb(self, symbol: IntArray, side: IntArray, filled: IntArray) -> None:
        taken = np.zeros_like(self._used_e8)
        np.add.at(taken, (symbol, side), filled)
        self._used_e8 = self._used_e8 + taken
        moved = self._displacement**2 + self._slope[:, None] * taken
        self._displacement = np.where(taken > 0, np.sqrt(moved), self._displacement)
        self._set_limits()

    def _check(self, name: str, column: IntArray, least: int) -> None:
        if column.shape != self.terms.tick_e8.shape or column.dtype.kind != "i":
            msg = (
                f"{name} has shape {column.shape} and type {column.dtype}; "
                f"allowed is int64 of shape {self.terms.tick_e8.shape}"
            )
            raise InputError(msg)
        if (column < least).any():
            symbol = int(np.flatnonzero(column < least)[0])
            msg = f"{name} of symbol {symbol} is {int(column[symbol])}, below {least}"
            raise InputError(msg)

    def _check_orders(self, orders: OrderBatch) -> None:
        unknown = (orders.symbol < 0) | (orders.symbol >= len(self.terms.lot_e8))
        if unknown.any():
            row = int(np.flatnonzero(unknown)[0])
            msg = (
                f"order row {row} names symbol {int(orders.symbol[row])}; "
                f"allowed is 0 to {len(self.terms.lot_e8) - 1}"
            )
            raise InputError(msg)
        broken = orders.quantity_e8 % self.terms.lot_e8[orders.symbol] != 0
        if broken.any():
            row = int(np.flatnonzero(broken)[0])
            msg = (
                f"order row {row} asks for {int(orders.quantity_e8[row])}; allowed is a multiple "
                f"of the lot {int(self.terms.lot_e8[orders.symbol[row]])}"
            )
            raise InputError(msg)


def _serve(
    group: IntArray, wanted: IntArray, room: IntArray, within: IntArray
) -> tuple[IntArray, IntArray]:
    """Serve orders one after the other: what is traded before each on its side, and its fill.

    Parameters
    ----------
    group
        Number of symbol and side.
    room, within
        Quantity that the side may trade in this answer, and that up to the order's limit if less.
    """
    before = _queue_before(group, wanted)
    if (within >= np.minimum(before + wanted, room)).all():
        return before, np.clip(room - before, 0, wanted)
    filled = np.zeros_like(wanted)
    traded: dict[int, int] = {}  # an order that takes less leaves more to those behind it
    for k, side in enumerate(group.tolist()):
        before[k] = traded.get(side, 0)
        filled[k] = min(max(int(within[k] - before[k]), 0), int(wanted[k]))
        traded[side] = int(before[k] + filled[k])
    return before, filled


def _queue_before(group: IntArray, wanted: IntArray) -> IntArray:
    """Quantity ahead of each order on its own side of its own symbol."""
    if len(group) == 0:
        return wanted
    by_group = np.argsort(group, kind="stable")
    total = np.cumsum(wanted[by_group]) - wanted[by_group]
    is_first = np.ones(len(group), dtype=bool)
    is_first[1:] = group[by_group][1:] != group[by_group][:-1]
    base = total[is_first][np.cumsum(is_first) - 1]
    before = np.empty_like(wanted)
    before[by_group] = total - base
    return before


def _half_life(passed_ns: int, half_life_ns: int) -> float:
    """2 ** -(passed / half life), from multiplications and halvings only.

    The fraction's power is the Taylor series of exp(-x ln 2), cut below 1e-17 for x < 1; the
    library's exp is avoided because its last bit depends on the machine.

    Examples
    --------
    >>> _half_life(3, 1), _half_life(0, 5)
    (0.125, 1.0)
    """
    whole, rest = divmod(passed_ns, half_life_ns)
    if whole > 1000:
        return 0.0
    x = -(rest / half_life_ns) * 0.6931471805599453
    power = 1.0
    for term in range(20, 0, -1):
        power = 1.0 + power * x / term
    return power * 0.5**whole
