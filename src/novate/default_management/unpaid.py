"""What nobody has paid for yet: it is told at every assessment, and holds gains back.

A gain is cash once the loss on its other side has been paid.  What is owed by the external market,
by the liquidator and by accounts that are worth less than nothing is nobody's cash: while there is
any, each gain of the window keeps its share of it in the clearing house (rules 6.94 to 6.96).  Who
gained nothing is not touched: this is no haircut of collateral.

Sources: CPMI-IOSCO PFMI Principles 4 and 9: credit losses are allocated by rule, and money is final
when it is there.
"""

from __future__ import annotations

import math

import numpy as np

from novate.collateral.external_market import market_totals
from novate.default_management.state import DefaultState
from novate.default_management.takeover import liquidator_shortfall
from novate.kernel.clearing.assess import GAIN, NET, TOTAL_MAX, WIDTH
from novate.kernel.clearing.close_out import assess_subjects
from novate.kernel.clearing.columns import I64, MarginColumns
from novate.kernel.clearing.value import WORTH_MAX
from novate.kernel.codes import Role
from novate.message import event
from novate.message.declare import Emit, Row
from novate.message.topic import NOBODY, Application, Topic

_HALF = 1 << 31


def hold_gains(x: DefaultState, margin: MarginColumns, emit: Emit) -> None:
    """Emit `GainsHeld` when what is unpaid, or the gains that wait for it, changed (rule 6.95).

    Parameters
    ----------
    x, margin
        State, and its present margin of all accounts.
    """
    unpaid = unpaid_now(x, margin)
    gains = gains_now(x) if unpaid else 0
    if (unpaid, gains) != (x.unpaid, x.gains):
        emit(event.GAINS_HELD, unpaid=unpaid, gains=gains)


def apply_gains_held(x: DefaultState, row: Row) -> None:
    """Remember what is unpaid, and the sum of gains that wait for it."""
    x.unpaid, x.gains = row["unpaid"], row["gains"]


def unpaid_now(x: DefaultState, margin: MarginColumns) -> int:
    """Return what nobody has paid for, numeraire units, 0 to `TOTAL_MAX` (rule 6.94)."""
    if x.single(Role.EXTERNAL_MARKET) < 0 or x.single(Role.LIQUIDATOR) < 0:
        return 0
    total = _market_debt(x) + liquidator_shortfall(x) + x.defaults.pending()
    groups = _may_be_negative(x, margin)
    if groups.size:
        numbers = np.empty((groups.size, WIDTH), np.int64)
        assess_subjects(
            x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), x.asset_arrays(),
            groups, numbers,
        )  # fmt: skip
        total += exact_sum(np.maximum(-numbers[:, NET], 0))
    return min(total, TOTAL_MAX)


def _market_debt(x: DefaultState) -> int:
    """Worth of what the external market owes, and of its unsettled losses beyond its balance."""
    balances = x.accounts.balance[x.single(Role.EXTERNAL_MARKET), : x.assets.count].tolist()
    owed = [max(-b, -t, 0) for b, t in zip(balances, market_totals(x), strict=True)]
    prices = x.assets.unit_price
    return sum(
        math.ceil(min(amount * float(prices[asset]), WORTH_MAX))
        for asset, amount in enumerate(owed)
        if amount
    )


def _may_be_negative(x: DefaultState, margin: MarginColumns) -> I64:
    """Margin groups whose net may be below zero; none that is is missing.

    The standard model asks a short option for no less maintenance margin than its value, so that
    equity above it leaves net above zero, but for a unit of rounding an asset.  Another model need
    not.
    """
    modelled = x.modelled_groups()
    groups: I64 = np.union1d(margin.low, modelled) if modelled.size else margin.low
    return groups


def gains_now(x: DefaultState) -> int:
    """Return the sum of the gains of all margin groups, numeraire units, 0 to `TOTAL_MAX`.

    Each counts as no more than the group's net: what has left with a gain waits for nobody.
    """
    numbers = x.sum_all()
    gains = np.minimum(x.window_gains() + numbers[:, GAIN], numbers[:, NET])
    return min(exact_sum(np.maximum(gains, 0)[x.margin_groups()]), TOTAL_MAX)


def exact_sum(amounts: I64) -> int:
    """Return the sum of amounts, whatever its size; up to 2**31 of them."""
    return int((amounts // _HALF).sum()) * _HALF + int((amounts % _HALF).sum())


TOPIC: Topic[DefaultState] = Topic(
    name="gains that wait",
    applications=(Application(event.GAINS_HELD, apply_gains_held, NOBODY),),
)
