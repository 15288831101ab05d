"""What a state measures at one instant: solvency, prices, concentration, the CCP's accounts.

Money in rows is float64 numeraire, for charts; sums are taken as integers before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from novate.book.state import SINGLE_ROLES
from novate.default_management.loss import CATALOGUE
from novate.default_management.loss.policy import Bearer, Prefunded
from novate.engine.state import State
from novate.insight.listing import Listing
from novate.kernel.clearing.assess import EQUITY, INITIAL, MAINTENANCE, NET
from novate.kernel.clearing.value import LINEAR
from novate.kernel.codes import Role

Row = dict[str, Any]
I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]
UNIT = 1_000_000
"""Ledger units in one of the numeraire."""
BALANCES = {
    "fund": Role.INSURANCE_FUND,
    "skin": Role.SKIN_IN_THE_GAME,
    "default_fund": Role.DEFAULT_FUND,
}
"""What summaries call the balances of the funds."""
OWN_EQUITY = {
    **{
        policy.terms.key: policy.role
        for policy in CATALOGUE
        if isinstance(policy, Prefunded) and policy.terms.bearer is Bearer.CLEARING_HOUSE
    },
    "liquidator_equity": Role.LIQUIDATOR,
}
"""Columns of the solvency table with the equity of the clearing house's own accounts."""
BELOW = (
    "assessed_ns", "below_initial", "below_maintenance", "initial_shortfall",
    "maintenance_shortfall",
)  # fmt: skip
"""Columns of the solvency table: accounts below a margin in the worst assessment of a bar."""


@dataclass(frozen=True, slots=True)
class MarketRow:
    """One contract at one instant: rows of its prices and concentration, open interest."""

    price: Row
    concentration: Row
    open_interest: float


def market_rows(state: State, listing: Listing, instant_ns: int) -> list[MarketRow]:
    """Return prices, concentration and open interest of every contract; options have none."""
    return [
        _market_row(state, listing, number, instant_ns)
        for number, listed in enumerate(listing.instruments)
        if not listed.is_option
    ]


def _market_row(x: State, listing: Listing, number: int, instant_ns: int) -> MarketRow:
    listed = listing.instruments[number]
    lots = x.positions.used("lots")[x.holders(number)]
    mark = int(x.marks.mark[number])
    unit = int(x.instruments.unit[number])
    price = float(x.assets.unit_price[listed.settlement])
    per_lot = (unit * mark if listed.form == LINEAR else unit / max(mark, 1)) * price / UNIT
    size = np.abs(lots[lots != 0]) * per_lot
    return MarketRow(
        price={
            "instant_ns": instant_ns,
            "instrument": listed.symbol,
            "index": listed.price(int(x.marks.index[number])),
            "mark": listed.price(mark),
            "last": listed.price(int(x.marks.last[number])),
        },
        concentration=concentration_row(instant_ns, listed.symbol, size),
        open_interest=float(size.sum()) / 2,
    )


def concentration_row(instant_ns: int, symbol: str, size: F64) -> Row:
    """Return shares of the largest positions and the Herfindahl index; ``size`` is positive."""
    total = float(size.sum())
    share = np.sort(size / total)[::-1] if total else np.zeros(1)
    return {
        "instant_ns": instant_ns,
        "instrument": symbol,
        "top1": float(share[0]),
        "top5": float(share[:5].sum()),
        "hhi": float((share**2).sum()),
    }


def solvency_row(state: State, accounts: I64, numbers: I64, instant_ns: int) -> Row:
    """Return equity and margin of margin accounts, the funds, and what nobody bore.

    Parameters
    ----------
    accounts
        Numbers of the margin accounts; those of one margin group count once.
    numbers
        Assessments of all accounts, columns of `kernel.clearing.assess`.
    """
    margined = numbers[np.unique(state.groups_of(accounts))]
    negative = margined[:, NET] < 0
    contributions = np.flatnonzero(state.accounts.used("role") == Role.DEFAULT_FUND)
    return {
        "instant_ns": instant_ns,
        "client_equity": int(margined[:, NET].sum()) / UNIT,
        "initial_margin": int(margined[:, INITIAL].sum()) / UNIT,
        "maintenance_margin": int(margined[:, MAINTENANCE].sum()) / UNIT,
        **{name: int(numbers[state.single(role), NET]) / UNIT for name, role in OWN_EQUITY.items()},
        "default_fund": int(numbers[contributions, NET].sum()) / UNIT,
        "negative_equity": -int(margined[negative, NET].sum()) / UNIT,
        "negative_accounts": int(np.count_nonzero(negative)),
        # Before what an assessment causes; `retrace.MarginObserver` fills these in.
        **dict.fromkeys(BELOW, 0),
        "uncovered": state.defaults.uncovered / UNIT,
    }


def clearing_house_rows(state: State, numbers: I64, instant_ns: int) -> list[Row]:
    """Return net equity of each of the clearing house's own accounts."""
    return [
        {
            "instant_ns": instant_ns,
            "account": role.name.lower(),
            "balance": int(numbers[state.single(role), NET]) / UNIT,
        }
        for role in SINGLE_ROLES
        if state.single(role) >= 0
    ]


def below_margin(numbers: I64) -> tuple[int, int, float, float]:
    """Accounts below initial and below maintenance margin, and what they lack of each together.

    Parameters
    ----------
    numbers
        Assessments of accounts, columns of `kernel.clearing.assess`.
    """
    counts, short = [], []
    for column in (INITIAL, MAINTENANCE):
        # An account without positions owes no margin; what it owes in cash is negative equity.
        is_below = (numbers[:, column] > 0) & (numbers[:, EQUITY] < numbers[:, column])
        counts.append(int(np.count_nonzero(is_below)))
        lacking = numbers[is_below, column] - numbers[is_below, EQUITY]
        short.append(int(lacking.sum()) / UNIT)
    return counts[0], counts[1], short[0], short[1]


def net_equity(state: State, accounts: I64) -> I64:
    """Return net equity of accounts, numeraire units: collateral without haircuts."""
    return np.asarray(state.sum_all()[accounts, NET])


def fund_balances(state: State) -> dict[str, int]:
    """Return balances of the loss-absorbing layers, numeraire units."""
    role, balance = state.accounts.used("role"), state.accounts.used("balance")
    return {name: int(balance[role == which, 0].sum()) for name, which in BALANCES.items()}
