"""Interest on negative balances of margin accounts (rules 8.30 to 8.32).

A debt is lent by the clearing house's other participants.  The event carries asset and rate;
`apply` computes what every debtor pays.

Sources: margin lending of venues and brokers charges interest on negative balances, in the currency
of the debt.
"""

from __future__ import annotations

import numpy as np

from novate.canonical import Run
from novate.kernel.clearing.bound import AMOUNT_MAX
from novate.kernel.clearing.columns import I64
from novate.kernel.codes import DueKind, Role
from novate.market.reference import PPM
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.parameter import DAY, Parameter
from novate.message.refusal import EngineCommandRefusal
from novate.message.topic import Application, Decision, Topic, column_work
from novate.valuation import ClearingState

YEAR_NS = 365 * DAY
RATE_SCALE = 10**9
"""Rates are integers in 1e-9 of the balance for the time that is charged."""


def decide_charge_interest(x: ClearingState, row: Row, emit: Emit) -> Refusal | None:
    """Decide a charge of interest: `InterestCharged` of the numeraire and each asset with debtors.

    Parameters
    ----------
    row
        ``instant_ns``: when it was due, ns.

    Returns
    -------
    Refusal | None
        NOT_DUE before the next multiple of the interval, with now and that instant, ns.
    """
    due = int(_next_charge(x)[0])
    if due == 0 or x.now_ns < due:
        return Refusal(EngineCommandRefusal.NOT_DUE, x.now_ns, due)
    rate = interest_rate(x)
    debts = (x.accounts.used("balance") < 0) & x.accounts.used("is_margined")[:, None]
    for asset in sorted({0, *np.flatnonzero(debts.any(axis=0)).tolist()}):
        emit(event.INTEREST_CHARGED, asset=asset, rate_e9=rate, instant_ns=x.now_ns)
    return None


def interest_rate(x: ClearingState) -> int:
    """Return the rate for the time since the last charge, at most an interval (rule 8.31).

    Returns
    -------
    int
        1e-9 of the balance, rounded down, not negative.
    """
    elapsed = min(x.now_ns - _charged_until(x), x.parameter(Parameter.INTEREST_INTERVAL_NS))
    yearly = x.parameter(Parameter.DEBT_INTEREST_PPM)
    return max(elapsed, 0) * yearly * RATE_SCALE // (PPM * YEAR_NS)


def apply_interest_charged(x: ClearingState, row: Row) -> None:
    """Let debtors pay the fees account; the next charge is at the next multiple of the interval.

    Parameters
    ----------
    row
        ``asset``, ``rate_e9`` and ``instant_ns``.  Payments are in ledger units of the asset,
        rounded up, and leave balances in bounds (rule 15.74).
    """
    asset, rate, accounts = row["asset"], row["rate_e9"], x.accounts
    payers = debtors(x, row)
    if payers.size and rate:
        owed = -accounts.balance[payers, asset]
        # In two parts: the product of the whole could leave 64 bits.
        paid = owed // RATE_SCALE * rate - -(owed % RATE_SCALE * rate) // RATE_SCALE
        paid = np.minimum(paid, np.maximum(AMOUNT_MAX - owed, 0))
        fees = x.single(Role.FEES)
        total = sum(paid.tolist())
        if int(accounts.balance[fees, asset]) + total <= AMOUNT_MAX:
            accounts.add_many(payers, asset, -paid)
            accounts.add(fees, asset, total)
    x.interest_ns = row["instant_ns"]
    x.due.enter(DueKind.INTEREST, 0, _next_charge(x))


def debtors(x: ClearingState, row: Row) -> I64:
    """Return the margin accounts with a negative balance of an asset: whom interest touches."""
    is_debtor = x.accounts.used("is_margined") & (x.accounts.used("balance")[:, row["asset"]] < 0)
    found: I64 = np.flatnonzero(is_debtor)
    return found


def _charged_until(x: ClearingState) -> int:
    """Instant of the last charge; before the first, that from which the clock of the house runs."""
    return x.interest_ns or x.window_ns


def _next_charge(x: ClearingState) -> I64:
    """Instant of the next charge, 0 where none is due."""
    interval = x.parameter(Parameter.INTEREST_INTERVAL_NS)
    since = _charged_until(x)
    is_charged = interval > 0 and since > 0 and x.parameter(Parameter.DEBT_INTEREST_PPM) > 0
    return np.array([(since // interval + 1) * interval if is_charged else 0], np.int64)


def _charge(x: ClearingState, subjects: I64) -> Run:
    return command.CHARGE_INTEREST.run({"instant_ns": _next_charge(x)[subjects]})


INTEREST = column_work(DueKind.INTEREST, _next_charge, _charge)

TOPIC: Topic[ClearingState] = Topic(
    name="interest",
    decisions=(
        Decision(
            command.CHARGE_INTEREST,
            decide_charge_interest,
            EngineCommandRefusal,
            is_engine_only=True,
        ),
    ),
    applications=(Application(event.INTEREST_CHARGED, apply_interest_charged, debtors),),
    work=(INTEREST,),
)
