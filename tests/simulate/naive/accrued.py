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
def accruing_rates(w: World, i: Instrument) -> list[int]:
    """Rates by the premium of the last update, by that of the mark, and by the average."""
    index = clamp(settled_if(w, i, i.index), 1, i.terms["ticks_max"])
    premiums = [i.premium_e9, clamp((i.mark - index) * BILLION // index, -BILLION, BILLION)]
    premiums += [i.premium_sum // i.premium_ms] if i.premium_ms else []
    return [rate_of(i, premium) for premium in premiums]


@pytest.mark.rule("7.93")
def accrued_funding(w: World, *twins: Account) -> int:
    """What a group would pay for its positions, with the open orders of the side that pays."""
    total = 0
    for (number, _), p in w.group(*twins).positions.items():
        i = w.instruments[number]
        if i.is_option or not i.terms["funding_ns"] or i.mark == 0:
            continue
        rates = accruing_rates(w, i)
        paid = max(
            ceil_div(abs(i.value(i.mark, lots)) * max(rate, 0), BILLION)
            for lots, rate in (
                (max(p.lots + p.buys, 0), max(rates)),
                (max(p.sells - p.lots, 0), -min(rates)),
            )
        )
        total += worth_up(paid, w.price_in(i))
    return min(total, AMOUNT_MAX)
