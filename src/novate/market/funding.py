"""Funding rates: that of a period, and that at which funding accrues (rules 8.6 and 7.93).

Source: the published funding of perpetual contracts: average premium with damped interest, within
a cap.
"""

from __future__ import annotations

from novate.market.state import MarketState

ONE = 10**9
"""Premiums and rates are in 1e-9."""


def funding_rate(average_e9: int, interest_e9: int, damper_e9: int, cap_e9: int) -> int:
    """Return the funding rate of a period (rule 8.6).

    ``rate = P + clamp(interest - P, -damper, +damper)``, then clamped to +-cap; all in 1e-9 of the
    notional per period.

    Parameters
    ----------
    average_e9
        Mean premium ``P`` of the period, positive while the last price is above the index.
    interest_e9
        Interest per period.
    damper_e9, cap_e9
        Limits of the pull of interest and of the rate, not negative.

    Returns
    -------
    int
        Positive when longs pay.
    """
    pull = min(max(interest_e9 - average_e9, -damper_e9), damper_e9)
    return min(max(average_e9 + pull, -cap_e9), cap_e9)


def accruing_rates(state: MarketState, i: int, at_index: int) -> tuple[int, int]:
    """Return at what rate lots long, and short, of a contract with funding would pay it now (7.93).

    The dearest one of three: by the average premium of the period up to the last update, by the
    premium of that update, and by how far the mark is from the index.  Who lets a last price go
    while it trades, and pushes it again afterwards, moves neither average nor mark much.

    Parameters
    ----------
    at_index
        Its price at the index in ticks (rule 5.112), above zero.

    Returns
    -------
    tuple
        Rates of longs and of shorts in 1e-9, not negative.
    """
    c, marks = state.instruments, state.marks
    here = (int(marks.mark[i]) - at_index) * ONE // at_index
    premiums = [min(max(here, -ONE), ONE), int(marks.premium_e9[i])]
    if marks.premium_ms[i] > 0:
        premiums.append(int(marks.premium_sum[i]) // int(marks.premium_ms[i]))
    terms = int(c.interest_e9[i]), int(c.funding_damper_e9[i]), int(c.funding_cap_e9[i])
    # A higher premium never makes a lower rate.
    return max(funding_rate(max(premiums), *terms), 0), max(-funding_rate(min(premiums), *terms), 0)
