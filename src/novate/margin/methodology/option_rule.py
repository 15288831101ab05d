"""Margin of one short option by formula, and the largest loss of the options of one expiry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from novate.margin.methodology.parameters import Table
from novate.margin.methodology.portfolio import Position


class OptionTerms(Table, frozen=True, kw_only=True):
    """Shares of a reference price, and of the option's value.

    Per unit short, with reference price ``R``, mark ``V`` and ``OTM`` the amount out of the money::

        maintenance = max(maintenance R, call_value or put_value V) + V + close_out R
        initial     = max(max(initial R - OTM, initial_floor R) + max(V, entry),
                          call_cover or put_cover maintenance)

    The entry price stands in it only where ``entry_counts``.

    Attributes
    ----------
    initial, initial_floor, maintenance
        Shares of the reference price.
    call_value, put_value
        Shares of the option's value.
    close_out
        Share of the reference price for closing.
    call_cover, put_cover
        Multiples of maintenance margin below which initial margin does not fall.
    entry_counts
        Whether an entry price above the mark raises initial margin.
    reference
        ``index``, or ``forward`` of the expiry.
    """

    initial: float
    initial_floor: float
    maintenance: float
    call_value: float = 0.0
    put_value: float = 0.0
    close_out: float = 0.0
    call_cover: float = 1.0
    put_cover: float = 1.0
    entry_counts: bool = False
    reference: Literal["index", "forward"] = "index"

    def short(
        self, *, is_call: bool, reference: float, strike: float, mark: float, entry: float
    ) -> tuple[float, float]:
        """Return initial and maintenance margin of one unit short, quote currency.

        Parameters
        ----------
        reference, strike
            Quote currency per unit of the underlying.
        mark, entry
            Value of the option now and when it was sold, quote currency.
        """
        out = max(strike - reference if is_call else reference - strike, 0.0)
        share = self.call_value if is_call else self.put_value
        cover = self.call_cover if is_call else self.put_cover
        maintenance = (
            max(self.maintenance * reference, share * mark) + mark + self.close_out * reference
        )
        value = max(mark, entry) if self.entry_counts else mark
        initial = max(self.initial * reference - out, self.initial_floor * reference) + value
        return max(initial, cover * maintenance), maintenance


class LargestLoss(Table, frozen=True, kw_only=True):
    """The options of one expiry ask for no more than they can lose.

    That is the worst payoff at 0 and at every strike held, plus for each call that is short beyond
    the calls held a multiple of the forward.

    Attributes
    ----------
    unpaired_initial, unpaired_maintenance
        Multiples of the forward.
    """

    unpaired_initial: float
    unpaired_maintenance: float


def worst_payoff(positions: Sequence[Position]) -> float:
    """Return the lowest payoff of options of one expiry at 0 and at their strikes, at most 0."""
    levels = [0.0, *(p.contract.strike or 0.0 for p in positions)]
    return min(0.0, *(_payoff(positions, level) for level in levels))


def unpaired_calls(positions: Sequence[Position]) -> float:
    """Return the units of calls that are short beyond those held, not negative."""
    return max(-sum(p.quantity for p in positions if p.contract.is_call), 0.0)


def _payoff(positions: Sequence[Position], price: float) -> float:
    total = 0.0
    for position in positions:
        strike = position.contract.strike or 0.0
        gain = price - strike if position.contract.is_call else strike - price
        total += position.quantity * max(gain, 0.0)
    return total
