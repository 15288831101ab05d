"""Margin of short options by the position-based rules of two venues, as data.

Both ask a share of the index for the initial margin, less of it the further the option is out of
the money, and the value of the option on top.  A long option is paid for and asks for nothing.

Sources, read November 2026: Deribit, *Inverse options: margin requirements* (standard margin);
Bybit help centre, *Maintenance margin calculation: options* (000001735), whose worked example is a
golden test.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple


class ShortMargin(NamedTuple):
    """What one short lot must hold, in the unit of its value."""

    initial: float
    maintenance: float


@dataclass(frozen=True, slots=True)
class RuleTerms:
    """Shares of a rule; all but ``value_share`` are of the index."""

    name: str
    as_of: str
    source: str
    initial: float
    initial_floor: float
    maintenance: float
    value_share: float
    close_out: float
    entry_counts: bool


def out_of_the_money(side: int, index: float, strike: float) -> float:
    """Distance that the index must travel before the option pays; 0 in the money."""
    return max(side * (strike - index), 0.0)


def deribit_standard(
    terms: RuleTerms, side: int, index: float, strike: float, value: float
) -> ShortMargin:
    """Initial and maintenance margin of one short unit, in the currency of ``index``.

    As a share of the index, so of a coin: a call asks max(15% - OTM/index, 10%) + value and
    7.5% + value; a put the same, but maintenance max(7.5%, 7.5% of value) + value, and initial no
    less than that.
    """
    away = out_of_the_money(side, index, strike)
    initial = max(terms.initial * index - away, terms.initial_floor * index) + value
    if side > 0:
        return ShortMargin(initial, terms.maintenance * index + value)
    maintenance = max(terms.maintenance * index, terms.value_share * value) + value
    return ShortMargin(max(initial, maintenance), maintenance)


def bybit(terms: RuleTerms, side: int, index: float, strike: float, value: float) -> ShortMargin:
    """Initial and maintenance margin of one short unit, in the currency of ``index``.

    Maintenance max(3% of index, 3% of value) + value + 0.2% of index; initial
    max(15% of index - OTM, 10% of index) + value, and no less.  Where the entry price is above the
    value, the position adds the difference to its initial margin (``entry_counts``).
    """
    away = out_of_the_money(side, index, strike)
    initial = max(terms.initial * index - away, terms.initial_floor * index) + value
    maintenance = max(terms.maintenance * index, terms.value_share * value) + value
    maintenance += terms.close_out * index
    return ShortMargin(max(initial, maintenance), maintenance)


Rule = Callable[[RuleTerms, int, float, float, float], ShortMargin]

CATALOGUE: dict[int, tuple[RuleTerms, Rule]] = {
    1: (
        RuleTerms(
            "deribit-standard", "2026-11-01",
            "https://support.deribit.com: inverse options, margin requirements",
            0.15, 0.10, 0.075, 0.075, 0.0, entry_counts=False,
        ),
        deribit_standard,
    ),
    2: (
        RuleTerms(
            "bybit", "2026-11-01",
            "https://www.bybit.com/en/help-center: 000001735",
            0.15, 0.10, 0.03, 0.03, 0.002, entry_counts=True,
        ),
        bybit,
    ),
}  # fmt: skip
"""Rules by number, as `ListOption` names them; numbers are never reused."""


NOISE = 1e-6
"""Part of a tick that is not rounded up: a value of whole ticks is one, whatever its last bits."""


def short_ticks(
    rule: int, side: int, index: float, strike: float, value: float, per_tick: float, most: int
) -> tuple[int, int]:
    """Initial and maintenance margin of one short lot in ticks, rounded up, ``most`` at most.

    ``index``, ``strike`` and ``value`` in numeraire; ``per_tick`` is the worth of a tick in it.  No
    option pays more than ``most``, so that no more is asked for.
    """
    terms, ask = CATALOGUE[rule]
    margin = ask(terms, side, index, strike, value)
    initial, maintenance = (min(math.ceil(min(a / per_tick, 1e18) - NOISE), most) for a in margin)
    return initial, maintenance
