"""What a generated book was asked for and what it reached.

Whoever shows a result computed on a generated book shows these rows next to it.  Tolerances are
those of a sample: a share may be off by about one large account, an exponent by three standard
errors, so that a book of a few hundred accounts is measured more leniently than one of 20,000.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from novate.simulation.population.account import largest_share
from novate.simulation.population.book import Book, sum_by
from novate.simulation.population.terms import (
    LEDGER,
    AccountType,
    FloatArray,
    MarginMode,
    TypeTerms,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationRow:
    """One target.

    Attributes
    ----------
    target
        What is measured.
    wanted
        The target; None where the row only reports.
    reached
        The value of the book.
    unit
        Unit of both.
    tolerance
        Largest difference that counts as reached, in the same unit.
    is_floor
        Whether more than wanted is as good as wanted.
    """

    target: str
    wanted: float | None
    reached: float
    unit: str
    tolerance: float = 0.0
    is_floor: bool = False

    @property
    def is_reached(self) -> bool:
        """Whether the book is within the tolerance; a row without target always is."""
        if self.wanted is None:
            return True
        if self.is_floor:
            return self.reached >= self.wanted - self.tolerance
        return abs(self.reached - self.wanted) <= self.tolerance

    def shown(self) -> dict[str, str]:
        """Return the row as text for a report."""
        return {
            "target": self.target,
            "wanted": "reported" if self.wanted is None else f"{self.wanted:,.4g}",
            "reached": f"{self.reached:,.4g}",
            "unit": self.unit,
        }


def calibration(book: Book) -> list[CalibrationRow]:
    """Measure the book against its targets.

    Returns
    -------
    list of CalibrationRow
        Whole venue, instruments, account types, collateral; in a fixed order.
    """
    return [*_venue_rows(book), *_instrument_rows(book), *_type_rows(book), *_margin_rows(book)]


def calibration_table(rows: list[CalibrationRow]) -> str:
    """Lay the rows out as text, one line per target."""
    head = f"{'target':<44}{'wanted':>16}{'reached':>16}{'tolerance':>14}  unit"
    lines = [head, "-" * len(head)]
    for row in rows:
        wanted = "reported" if row.wanted is None else _number(row.wanted)
        allowed = "" if row.wanted is None else _number(row.tolerance)
        flag = "" if row.is_reached else "  MISSED"
        lines.append(
            f"{row.target:<44}{wanted:>16}{_number(row.reached):>16}{allowed:>14}  {row.unit}{flag}"
        )
    return "\n".join(lines)


def hill_exponent(size: FloatArray, tail: int) -> float:
    """Hill estimate of the Pareto exponent from the `tail` largest sizes.

    Source: Hill 1975, Annals of Statistics 3.
    """
    top = np.sort(size)[::-1][: tail + 1]
    return float(tail / np.log(top[:-1] / top[-1]).sum())


def gini(size: FloatArray) -> float:
    """Gini coefficient: 0 when all are equal, towards 1 when one holds everything."""
    ordered = np.sort(size)
    count = len(ordered)
    rank = np.arange(1, count + 1)
    return float((2 * rank - count - 1) @ ordered / (count * ordered.sum()))


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4f}"


def _venue_rows(book: Book) -> list[CalibrationRow]:
    targets = book.targets
    gross = book.gross_notional().astype(np.float64)
    ordered = np.sort(gross)[::-1]
    top = max(1, round(len(gross) / 100))
    long = book.position_notional()[book.positions.lots > 0].sum() / LEDGER
    wanted = targets.open_interest / LEDGER
    # The cap on the largest accounts flattens the last few ranks: the estimate leaves them out.
    tail = ordered[ordered < 0.98 * targets.largest_share * gross.sum()]
    number = max(10, int(targets.tail_share * len(gross)) - (len(gross) - len(tail)))
    return [
        CalibrationRow(
            target="margin accounts", wanted=targets.accounts, reached=len(gross), unit="accounts"
        ),
        CalibrationRow(
            target="open interest",
            wanted=wanted,
            reached=long,
            unit="USDT",
            tolerance=0.01 * wanted,
        ),
        CalibrationRow(
            target="tail exponent of account size",
            wanted=targets.tail_exponent,
            reached=hill_exponent(tail, number),
            unit="exponent",
            tolerance=0.1 + 3.0 * targets.tail_exponent / np.sqrt(number),
        ),
        CalibrationRow(
            target="gross share of the largest 1 percent",
            wanted=targets.top_share,
            reached=float(ordered[:top].sum() / gross.sum()),
            unit="share",
            tolerance=0.02 + 0.5 * largest_share(targets),
        ),
        CalibrationRow(
            target="gross share of the largest account",
            wanted=None,
            reached=float(ordered[0] / gross.sum()),
            unit="share",
        ),
        CalibrationRow(
            target="Gini coefficient of account size",
            wanted=None,
            reached=gini(gross),
            unit="coefficient",
        ),
        CalibrationRow(
            target="default fund",
            wanted=wanted * targets.default_fund_share,
            reached=float(book.members.default_fund.sum()) / LEDGER,
            unit="USDT",
            tolerance=1.0,
        ),
    ]


def _instrument_rows(book: Book) -> list[CalibrationRow]:
    count = len(book.instruments)
    which = book.positions.instrument
    is_long = book.positions.lots > 0
    long = sum_by(which[is_long], book.position_notional()[is_long], count)
    lots = sum_by(which, book.positions.lots, count)
    rows = []
    for number, item in enumerate(book.instruments):
        wanted = book.targets.open_interest * item.open_interest_share / LEDGER
        rows += [
            CalibrationRow(
                target=f"open interest {item.symbol}",
                wanted=wanted,
                reached=float(long[number]) / LEDGER,
                unit="USDT",
                tolerance=0.02 * wanted,
            ),
            CalibrationRow(
                target=f"sum of lots {item.symbol}",
                wanted=0.0,
                reached=float(lots[number]),
                unit="lots",
            ),
        ]
    return rows


def _type_rows(book: Book) -> list[CalibrationRow]:
    rows = []
    for kind, terms in sorted(book.targets.types.items()):
        rows += _one_type(book, kind, terms)
    return rows


def _one_type(book: Book, kind: AccountType, terms: TypeTerms) -> list[CalibrationRow]:
    name = kind.name.lower().replace("_", " ")
    is_kind = book.is_kind(kind)
    gross = book.gross_notional()
    leverage = gross[is_kind] / book.equity()[is_kind]
    clients = len(book.accounts) - book.targets.members
    house = gross[book.is_kind(AccountType.HOUSE)].sum()
    isolated = (book.accounts.mode[is_kind] == MarginMode.ISOLATED).mean()
    rows = [
        CalibrationRow(
            target=f"{name}: share of clients",
            wanted=terms.account_share,
            reached=float(is_kind.sum() / clients),
            unit="share",
            tolerance=0.005,
        ),
        CalibrationRow(
            target=f"{name}: share of gross notional",
            wanted=terms.gross_share,
            reached=float(gross[is_kind].sum() / (gross.sum() - house)),
            unit="share",
            tolerance=0.03 + largest_share(book.targets),
        ),
        CalibrationRow(
            target=f"{name}: median leverage",
            wanted=terms.leverage_median,
            reached=float(np.median(leverage)),
            unit="times",
            tolerance=0.1 * terms.leverage_median,
        ),
        CalibrationRow(
            target=f"{name}: leverage, 95th percentile",
            wanted=None,
            reached=float(np.quantile(leverage, 0.95)),
            unit="times",
        ),
        CalibrationRow(
            target=f"{name}: isolated accounts",
            wanted=terms.isolated_share,
            reached=float(isolated),
            unit="share",
            tolerance=2.0 / np.sqrt(is_kind.sum() + 1),
        ),
        _long_row(book, kind, terms, name),
    ]
    held = book.collateral()[is_kind].sum(axis=0)
    wanted = terms.collateral or (None,) * len(book.assets)
    for asset, share, value in zip(book.assets, wanted, held, strict=True):
        rows.append(
            CalibrationRow(
                target=f"{name}: collateral in {asset.symbol}",
                wanted=share,
                reached=float(value / held.sum()),
                unit="share",
                tolerance=0.03,
            )
        )
    return rows


def _long_row(book: Book, kind: AccountType, terms: TypeTerms, name: str) -> CalibrationRow:
    rows = book.is_kind(kind)[book.positions.account]
    notional = book.position_notional()
    long = notional[rows & (book.positions.lots > 0)].sum()
    return CalibrationRow(
        target=f"{name}: long share of notional",
        wanted=terms.long_share,
        reached=float(long / notional[rows].sum()),
        unit="share",
        tolerance=0.01 + 0.5 * largest_share(book.targets),
    )


def _margin_rows(book: Book) -> list[CalibrationRow]:
    ratio = book.equity() / np.maximum(book.initial_margin, 1)
    maker = book.is_kind(AccountType.MARKET_MAKER)
    rows = maker[book.positions.account]
    hedge = -book.positions.hedge_lots[rows] / book.positions.lots[rows]
    return [
        CalibrationRow(
            target="least equity over initial margin",
            wanted=book.targets.headroom_min,
            reached=float(ratio.min()),
            unit="times",
            is_floor=True,
        ),
        CalibrationRow(
            target="market maker: margin use, median",
            wanted=None,
            reached=float(np.median(1.0 / ratio[maker])),
            unit="share of equity",
        ),
        CalibrationRow(
            target="market maker: hedged on other venues",
            wanted=None,
            reached=float(hedge.mean()),
            unit="share of lots",
        ),
    ]
