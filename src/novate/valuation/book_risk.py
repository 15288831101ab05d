"""Value and Greeks of a whole book: every position, added up by account and by what it depends on.

Positions multiply the rows of `novate.valuation.holding.unit_risk`; contracts are valued once.
Sums are taken into *cells* (account, underlying, settlement asset, expiry bucket) in one compiled
pass, then cells are added up along fewer keys: a member is the sum of its accounts, a book the sum
of its positions.  Sums are compensated and their order is fixed (`aggregate`): they
do not depend on the number of threads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from novate.errors import InputError
from novate.kernel.clearing.columns import F64, I32, I64
from novate.kernel.pricing.aggregate import group_sums
from novate.valuation.holding import NATIVE, NO_EXPIRY, REPORTING, Contracts, UnitRisk

KEYS = ("account", "member", "underlying", "settlement", "bucket")
"""What a book can be added up by."""

DAY_NS = 86_400 * 10**9
PER_SPOT = (
    "delta", "gamma", "vanna", "charm", "speed", "colour", "zomma", "net_delta",
)  # fmt: skip
"""Derivatives to a spot price, which have no sum over different underlyings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Positions:
    """Positions, one row each; an account may have many in one contract.

    Attributes
    ----------
    account
        Row of the account, int32 ``[n]``.
    contract
        Row of the contract, int32 ``[n]``.
    quantity
        Positive = long, float64 ``[n]``; whole lots are exact up to 2**53.
    """

    account: I32
    contract: I32
    quantity: F64

    def __len__(self) -> int:
        return len(self.quantity)


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskTable:
    """Sums, one row per group, sorted by its keys.

    Attributes
    ----------
    keys
        Int64 columns ``[n]`` by the names of `KEYS` that the table is grouped by.
    native
        ``[len(NATIVE), n]`` in the settlement asset.  NaN where the table adds up different
        settlement assets, or derivatives to different spots.
    reporting
        ``[len(REPORTING), n]`` in the reporting currency; NaN where different spots meet.
    positions, unpriced
        Positions of the group, and how many of them have no price and are not in the sums.
    at_kink
        How many are in the sums with Greeks of 0 that have no limit (`PricingStatus.AT_KINK`): an
        option that expires exactly at its strike has a value and a delta, but no gamma.
    """

    keys: dict[str, I64]
    native: F64
    reporting: F64
    positions: I64
    unpriced: I64
    at_kink: I64

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, name: str) -> F64:
        """A reporting measure by name, ``[n]``."""
        row: F64 = self.reporting[REPORTING.index(name)]
        return row

    def in_settlement(self, name: str) -> F64:
        """A native measure by name, ``[n]``, in the settlement asset."""
        row: F64 = self.native[NATIVE.index(name)]
        return row

    def by(self, *names: str) -> RiskTable:
        """Add the table up by fewer keys; none is the whole book.

        Native sums stay only where ``settlement`` is among the names, derivatives to spot only
        where ``underlying`` is: elsewhere they are NaN, for they would add what has no sum.

        Raises
        ------
        InputError
            If a name is not a key of this table.
        """
        unknown = [name for name in names if name not in self.keys]
        if unknown:
            raise InputError(f"key {unknown[0]!r}; allowed: {', '.join(self.keys)}")
        group, keys = _grouped({name: self.keys[name] for name in names}, len(self))
        groups = _groups(keys, len(self))
        rows = np.hstack([self.native.T, self.reporting.T])
        sums = group_sums(
            group, groups, np.arange(len(self), dtype=np.int32), np.ones(len(self)), rows
        ).T
        native, reporting = sums[: len(NATIVE)], sums[len(NATIVE) :]
        if "settlement" not in names:
            native[:] = np.nan
        if "underlying" not in names:
            for name in PER_SPOT:
                reporting[REPORTING.index(name)] = np.nan
                if name in NATIVE:
                    native[NATIVE.index(name)] = np.nan
        return RiskTable(
            keys=keys,
            native=native,
            reporting=reporting,
            positions=_counted(group, self.positions, groups),
            unpriced=_counted(group, self.unpriced, groups),
            at_kink=_counted(group, self.at_kink, groups),
        )


def expiry_buckets(expiry_ns: I64, as_of_ns: int, edges_days: tuple[int, ...]) -> I64:
    """Return the bucket of each expiry.

    Parameters
    ----------
    expiry_ns
        Nanoseconds since 1970 UTC; `NO_EXPIRY` for none.
    as_of_ns
        From where days are counted.
    edges_days
        Increasing days of 24 hours.  Bucket 0 holds what does not expire, bucket k what expires
        after edge k - 2 and up to edge k - 1 inclusive: (.., e0], (e0, e1], ..., (last, ..).

    Raises
    ------
    InputError
        If the edges do not increase.
    """
    edges = np.array(edges_days, np.int64) * DAY_NS
    if (np.diff(edges) <= 0).any():
        raise InputError(f"bucket edges {edges_days}; allowed: increasing days")
    bucket = 1 + np.searchsorted(edges, expiry_ns - as_of_ns, side="left")
    return np.where(expiry_ns == NO_EXPIRY, 0, bucket).astype(np.int64)


def book_risk(
    positions: Positions,
    contracts: Contracts,
    risk: UnitRisk,
    *,
    member: I32,
    bucket: I64,
) -> RiskTable:
    """Add up value and Greeks of every position into cells, keyed by all of `KEYS`.

    Parameters
    ----------
    positions
        The book.
    contracts, risk
        Terms, and the risk of 1.00 of each.
    member
        Member of each account, int32 ``[accounts]``.
    bucket
        Expiry bucket of each contract, see `expiry_buckets`.

    Raises
    ------
    InputError
        If a position names an account or a contract that does not exist, or its quantity is not
        finite.
    """
    _require_rows("account", positions.account, len(member))
    _require_rows("contract", positions.contract, len(contracts))
    if not np.isfinite(positions.quantity).all():
        raise InputError("quantity: not a number in a position; allowed: finite quantities")
    kinds, of_kind = _grouped_contracts(contracts, bucket)
    width = len(kinds["bucket"])
    code = positions.account.astype(np.int64) * width + of_kind[positions.contract]
    cells, group = _dense(code, len(member) * width)
    is_bad = ~risk.is_priced
    rows = np.hstack([risk.native.T, risk.reporting.T])
    sums = group_sums(
        group,
        cells.size,
        positions.contract,
        positions.quantity,
        np.ascontiguousarray(np.where(is_bad[:, None], 0.0, rows)),
    ).T
    account, kind = np.divmod(cells, max(width, 1))
    return RiskTable(
        keys={
            "account": account,
            "member": member[account].astype(np.int64),
            **{name: column[kind] for name, column in kinds.items()},
        },
        native=sums[: len(NATIVE)],
        reporting=sums[len(NATIVE) :],
        positions=np.bincount(group, minlength=cells.size),
        unpriced=np.bincount(group[is_bad[positions.contract]], minlength=cells.size),
        at_kink=np.bincount(group[risk.is_at_kink[positions.contract]], minlength=cells.size),
    )


def _grouped_contracts(contracts: Contracts, bucket: I64) -> tuple[dict[str, I64], I64]:
    """Return the different (underlying, settlement, bucket), and which one each contract has."""
    group, keys = _grouped(
        {
            "underlying": contracts.underlying.astype(np.int64),
            "settlement": contracts.settlement.astype(np.int64),
            "bucket": bucket,
        },
        len(contracts),
    )
    return keys, group


def _grouped(columns: dict[str, I64], rows: int) -> tuple[I64, dict[str, I64]]:
    """Return the group of each row, and the keys of each group in sorted order.

    Columns, which are not negative, are folded in one after the other; the groups so far are
    numbered densely each time, in order, so that no code outgrows 63 bits.
    """
    group = np.zeros(rows, np.int64)
    groups = 1
    for column in columns.values():
        span = int(column.max(initial=0)) + 1
        cells, group = _dense(group * span + column, groups * span)
        groups = cells.size
    one = np.empty(groups if columns else 0, np.int64)
    if columns:
        one[group] = np.arange(rows)
    return group, {name: column[one] for name, column in columns.items()}


def _groups(keys: dict[str, I64], rows: int) -> int:
    """Number of groups; the whole book is one, or none when nothing is in it."""
    return len(next(iter(keys.values()))) if keys else min(rows, 1)


def _dense(code: I64, codes: int) -> tuple[I64, I64]:
    """Return the codes in use, sorted, and the place of each code among them."""
    if codes > max(4 * code.size, 1 << 20):
        cells, group = np.unique(code, return_inverse=True)
        return cells, group.astype(np.int64)
    is_used = np.zeros(codes, np.bool_)
    is_used[code] = True
    place = np.cumsum(is_used) - 1
    return np.flatnonzero(is_used), place[code]


def _counted(group: I64, count: I64, groups: int) -> I64:
    """Add up whole numbers by group."""
    total = np.zeros(groups, np.int64)
    np.add.at(total, group, count)
    return total


def _require_rows(name: str, column: I32, rows: int) -> None:
    """Refuse a row number that its table does not have: kernels do not look."""
    is_bad = (column < 0) | (column >= rows)
    if is_bad.any():
        first = int(is_bad.argmax())
        raise InputError(
            f"position {first}, {name}: {column[first]}; allowed: 0 to {rows - 1}, a known {name}"
        )
