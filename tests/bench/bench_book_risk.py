"""Sums of a book's value and Greeks: one compiled pass against NumPy's bincount, all threads."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from novate.kernel.clearing.value import INVERSE, LINEAR
from novate.kernel.pricing.aggregate import group_sums
from novate.valuation.book_risk import Positions, RiskTable, book_risk
from novate.valuation.holding import NATIVE, REPORTING, Contracts, Kind, Market, unit_risk
from tests.bench.case import Case
from tests.bench.contest import Contest, Side

POSITIONS, ACCOUNTS, CONTRACTS = 2_000_000, 100_000, 2_000
DAY_NS = 86_400 * 10**9
RNG = np.random.default_rng(11)


def chain() -> tuple[Contracts, Market]:
    """Calls and puts, linear and coin-settled, on one underlying."""
    n = CONTRACTS
    form = RNG.choice([LINEAR, INVERSE], n).astype(np.int8)
    contracts = Contracts(
        kind=np.full(n, Kind.EUROPEAN, np.int8),
        form=form,
        underlying=np.zeros(n, np.int32),
        settlement=np.where(form == INVERSE, 0, 1).astype(np.int32),
        side=RNG.choice([1.0, -1.0], n),
        strike=RNG.uniform(4e4, 9e4, n),
        expiry_ns=RNG.integers(1, 300, n) * DAY_NS,
        unit=np.ones(n),
    )
    spot = np.full(n, 6e4)
    market = Market(
        as_of_ns=1,
        spot=spot,
        forward=spot * 1.01,
        vol=np.full(n, 0.6),
        rate=np.full(n, 0.03),
        settlement_price=np.where(form == INVERSE, 6e4, 1.0),
    )
    return contracts, market


def book() -> Positions:
    """Positions in no order."""
    return Positions(
        account=RNG.integers(0, ACCOUNTS, POSITIONS).astype(np.int32),
        contract=RNG.integers(0, CONTRACTS, POSITIONS).astype(np.int32),
        quantity=RNG.integers(-100, 100, POSITIONS).astype(np.float64),
    )


CHAIN, MARKET = chain()
BOOK = book()
REGIME = (
    f"{POSITIONS:,} positions in no order, {ACCOUNTS:,} accounts, {CONTRACTS:,} contracts, "
    f"{len(NATIVE) + len(REPORTING)} measures"
)


def contests() -> Iterator[Contest]:
    """The kernel, with exact errors beside its sums, against plain sums by bincount."""
    risk = unit_risk(CHAIN, MARKET)
    rows = np.ascontiguousarray(np.vstack([risk.native, risk.reporting]).T)
    group = BOOK.account.astype(np.int64)
    answers: dict[str, np.ndarray] = {}

    def ours() -> None:
        answers["ours"] = group_sums(group, ACCOUNTS, BOOK.contract, BOOK.quantity, rows)

    def theirs() -> None:
        answers["theirs"] = np.stack(
            [np.bincount(group, BOOK.quantity * row[BOOK.contract], ACCOUNTS) for row in rows.T], 1
        )

    yield Contest(
        name="value and Greeks by account",
        regime=REGIME,
        unit="positions",
        ours=Side(name="kernel", amount=POSITIONS, call=ours),
        theirs=Side(name="bincount", amount=POSITIONS, call=theirs),
        goal=2,
        holds=lambda: bool(
            (
                np.abs(answers["ours"] - answers["theirs"])
                <= 1e-9 * np.abs(answers["theirs"]).max(axis=0)
            ).all()
        ),
    )


def cases() -> Iterator[Case]:
    """The public call, cells included."""
    risk = unit_risk(CHAIN, MARKET)
    member = (np.arange(ACCOUNTS) % 50).astype(np.int32)
    bucket = np.searchsorted(np.array([7, 30, 90]) * DAY_NS, CHAIN.expiry_ns).astype(np.int64)

    def call() -> RiskTable:
        return book_risk(BOOK, CHAIN, risk, member=member, bucket=bucket)

    def holds(answer: object) -> bool:
        value = float((BOOK.quantity * risk["value"][BOOK.contract]).sum())
        return isinstance(answer, RiskTable) and bool(
            np.isclose(answer.by()["value"][0], value, rtol=1e-9)
        )

    yield Case(
        name="book risk by account, underlying, settlement and expiry bucket",
        regime=REGIME,
        unit="positions",
        amount=POSITIONS,
        call=call,
        holds=holds,
    )
