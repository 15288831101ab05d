"""Value of a contract in its settlement asset: the closed set of settlement forms.

``LINEAR``  value = unit * lots * ticks, exact: ``unit`` is ledger units per tick and lot.
``INVERSE`` value = -unit * lots / ticks, rounded half away from zero: ``unit`` is the face value
of a lot times 10**decimals over the tick size, so that the loss of a long grows as the coin falls.

Both are odd in ``lots``, so that the two legs of a trade always cancel.
"""

from __future__ import annotations

import numpy as np

from novate.kernel.jit import inlined, muldiv_floor

LINEAR = 1
INVERSE = 2

WORTH_MAX = float(2**60)
"""Largest worth of one asset or position in numeraire units: what is above counts as that much."""

RATE_SCALE = 1_000_000_000
"""Funding rates are integers in 1e-9 of notional per funding period."""


@inlined
def contract_value(form, unit, ticks, lots):  # type: ignore[no-untyped-def]
    """Signed value of ``lots`` at ``ticks`` in ledger units of the settlement asset.

    The product of unit, lots and (linear) ticks is below 2**60: instruments bound lots and ticks.
    """
    if form == LINEAR:
        return unit * lots * ticks
    face = unit * lots
    if face >= 0:
        return -((2 * face + ticks) // (2 * ticks))
    return (-2 * face + ticks) // (2 * ticks)


@inlined
def fee_of(value, rate_ppm):  # type: ignore[no-untyped-def]
    """Fee on a trade value: a charge rounds up, a rebate (negative rate) rounds down in size.

    ``value`` in ledger units, any sign; the result is positive when the account pays.
    """
    size = abs(value)
    whole = size // 1_000_000
    part = size % 1_000_000
    # Python's floor division rounds towards minus infinity: -(-x // n) is the ceiling of x / n.
    return whole * rate_ppm - (-(part * rate_ppm) // 1_000_000)


@inlined
def funding_payment(value, lots, rate):  # type: ignore[no-untyped-def]
    """What a holder pays (negative: receives): payers round up, receivers round down."""
    if lots == 0 or rate == 0:
        return np.int64(0)
    size = abs(value)
    pays = (rate > 0) == (lots > 0)
    scaled = abs(rate)
    whole = np.int64(muldiv_floor(size, scaled, np.int64(RATE_SCALE)))
    if not pays:
        return -whole
    # size * rate is a multiple of the scale exactly when the residues' product is.
    if (size % RATE_SCALE) * (scaled % RATE_SCALE) % RATE_SCALE != 0:
        whole += 1
    return whole
