"""Funding that has accrued: what payers would be asked for if it were due now."""

from __future__ import annotations

import pytest

from tests.simulate.naive.account import Account
from tests.simulate.naive.market import settled_if
from tests.simulate.naive.number import AMOUNT_MAX, ceil_div, clamp, worth_up
from tests.simulate.naive.world import Instrument, World

BILLION = 10**9


@pytest.mark.rule("8.6")
def rate_of(i: Instrument, premium: int) -> int:
    """Premium plus damped interest, within the cap; 1e-9, positive when longs pay."""
    damper, cap = i.terms["funding_damper_e9"], i.terms["funding_cap_e9"]
    return clamp(premium + clamp(i.terms["interest_e9"] - premium, -damper, damper), -cap, cap)


@pytest.mark.rule("7.93")
def accruing_rates(w: World, i: Instrument, mark: int) -> list[int]:
    """Rates by the premium of the last update, by that of the mark, and by the average."""
    index = clamp(settled_if(w, i, i.index), 1, i.terms["ticks_max"])
    premiums = [i.premium_e9, clamp((mark - index) * BILLION // index, -BILLION, BILLION)]
    rates = [rate_of(i, premium) for premium in premiums]
    return [for_all_periods(w, i, rate) for rate in rates] + average_rates(w, i)


@pytest.mark.rule("7.58", "7.93")
def average_rates(w: World, i: Instrument) -> list[int]:
    """The rate by the average of the period, once it has time."""
    if not i.premium_ms:
        return []
    return [for_all_periods(w, i, rate_of(i, i.premium_sum // i.premium_ms))]


@pytest.mark.rule("7.93", "8.40")
def for_all_periods(w: World, i: Instrument, rate: int) -> int:
    """A rate for each period that is due, while funding waits for its price."""
    due = i.funding_waits_from
    periods = 1 + (w.now - due) // i.terms["funding_ns"] if due else 1
    return clamp(rate * periods, -BILLION, BILLION)


@pytest.mark.rule("7.93")
def accrued_funding(w: World, *twins: Account, is_average: bool = False) -> int:
    """What a group would pay for its positions, with the open orders of the side that pays."""
    total = 0
    for (number, _), p in w.group(*twins).positions.items():
        i = w.instruments[number]
        mark = w.kept_marks[number] if w.kept_marks else i.mark
        if i.is_option or not i.terms["funding_ns"] or mark == 0:
            continue
        rates = average_rates(w, i) if is_average else accruing_rates(w, i, mark)
        paid = max(
            ceil_div(abs(i.value(mark, lots)) * max(rate, 0), BILLION)
            for lots, rate in (
                (max(p.lots + p.buys, 0), max(rates, default=0)),
                (max(p.sells - p.lots, 0), -min(rates, default=0)),
            )
        )
        total += worth_up(paid, w.price_in(i))
    return min(total, AMOUNT_MAX)
