"""Margin of one position by the rule of its contract: notional tiers, or that of short options.

The requirement of an account is the sum over its positions, each rounded up by itself.  It is one
of the margin models, number `STANDARD`; the others are asked outside the kernels.
"""

from __future__ import annotations

import math

import numpy as np

from novate.kernel.clearing.value import WORTH_MAX, contract_value
from novate.kernel.jit import inlined, kernel

STANDARD = 0
"""Number of the margin model that adds up the rules of contracts: the one that kernels know."""


@inlined
def tier_of(instruments, i, notional):  # type: ignore[no-untyped-def]
    """Number of the tier that holds a notional (numeraire units)."""
    tier = np.int64(0)
    # Floors rise, and those of unused tiers are infinite: all are counted that it reaches.  Which
    # of them is the last nobody guesses well, and a wrong guess costs more than ten comparisons.
    for k in range(1, instruments.tier_floor.shape[1]):
        tier += np.int64(notional >= instruments.tier_floor[i, k])
    return tier


@inlined
def tier_margin(instruments, i, notional):  # type: ignore[no-untyped-def]
    """Initial and maintenance margin of one notional (numeraire units), rounded up.

    Margin = notional * rate - deduction of the tier that holds the notional; the deductions make
    it continuous, so at a boundary both tiers agree.
    """
    tier = tier_of(instruments, i, notional)
    maintenance = math.ceil(
        notional * instruments.maintenance_rate[i, tier]
        - instruments.maintenance_deduction[i, tier]
    )
    initial = math.ceil(
        notional * instruments.initial_rate[i, tier] - instruments.initial_deduction[i, tier]
    )
    return np.int64(initial), np.int64(maintenance)


@inlined
def tier_requirement(instruments, i, price, lots, worst, notional):  # type: ignore[no-untyped-def]
    """Initial and maintenance margin of a position by notional tiers, numeraire units.

    ``notional`` is that of ``lots`` at the mark; ``worst`` (positive) the lots held when the worse
    side of the open orders fills, which initial margin is asked for; ``price`` the worth of a
    settlement unit.
    """
    initial, maintenance = tier_margin(instruments, i, notional)
    if worst != abs(lots):
        widest = contract_value(
            instruments.form[i], instruments.unit[i], instruments.mark[i], worst
        )
        initial, _ = tier_margin(instruments, i, min(abs(widest) * price, WORTH_MAX))
    return initial, maintenance


@inlined
def asked_units(amount, price):  # type: ignore[no-untyped-def]
    """A requirement in numeraire units, rounded up."""
    return np.int64(math.ceil(min(amount * price, WORTH_MAX)))


@inlined
def short_requirement(instruments, assets, i, lots, entry, worst):  # type: ignore[no-untyped-def]
    """Initial and maintenance margin of an option by the rule of short options, numeraire units.

    ``worst`` (not negative) are the lots that are short when all open sells fill; ``entry`` the
    entry cost, negative of a short.
    """
    unit, mark = instruments.unit[i], instruments.mark[i]
    price = assets.unit_price[instruments.settlement_asset[i]]
    short = max(-lots, 0)
    initial = asked_units(unit * worst * instruments.short_initial[i], price)
    if instruments.entry_counts[i] and short > 0:
        # What of a dearer premium counts as collateral is asked for again.
        dearer = max(-entry - unit * short * mark, 0)
        initial += asked_units(
            dearer, price * assets.collateral_factor[instruments.settlement_asset[i]]
        )
    return initial, asked_units(unit * short * instruments.short_maintenance[i], price)


@kernel
def tier_requirement_of(instruments, assets, i, lots, buys, sells):  # type: ignore[no-untyped-def]
    """`tier_requirement` of a position, and its tier, for callers outside a kernel."""
    mark = instruments.mark[i]
    worst = max(abs(lots + buys), abs(lots - sells))
    if mark <= 0 or worst == 0:
        return np.int64(0), np.int64(0), np.int64(0)
    price = assets.unit_price[instruments.settlement_asset[i]]
    value = contract_value(instruments.form[i], instruments.unit[i], mark, lots)
    notional = min(abs(value) * price, WORTH_MAX)
    initial, maintenance = tier_requirement(instruments, i, price, lots, worst, notional)
    return initial, maintenance, np.int64(tier_of(instruments, i, notional))


@kernel
def short_requirement_of(instruments, assets, i, lots, entry, sells):  # type: ignore[no-untyped-def]
    """`short_requirement` of a position for callers outside a kernel."""
    worst = max(sells - lots, 0)
    if instruments.mark[i] <= 0 or (lots == 0 and worst == 0):
        return np.int64(0), np.int64(0)
    return short_requirement(instruments, assets, i, lots, entry, worst)


@kernel
def short_requirements(  # type: ignore[no-untyped-def]
    instruments, assets, instrument, lots, entry, sells, initial, maintenance
):
    """`short_requirement_of` some positions, into ``initial`` and ``maintenance``."""
    for k in range(lots.size):
        i, worst = np.int64(instrument[k]), max(sells[k] - lots[k], 0)
        initial[k], maintenance[k] = np.int64(0), np.int64(0)
        if instruments.mark[i] > 0 and (lots[k] != 0 or worst != 0):
            initial[k], maintenance[k] = short_requirement(
                instruments, assets, i, lots[k], entry[k], worst
            )
