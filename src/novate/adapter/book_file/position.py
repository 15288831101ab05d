"""Opening positions and collateral from files: whole and balanced, or refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from novate.adapter.book_file.format import CATALOGUE, FileFormat, Report
from novate.adapter.book_file.sheet import CellError, Grid, Row, read_rows
from novate.errors import InputError, RowFault
from novate.kernel.codes import MarginMode, Role, ShortfallPolicy
from novate.units import AMOUNT_MAX, PRICE_DECIMALS, format_decimal

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

PRICE_MAX_E8 = 10**16
QUANTITY_MAX_E8 = 10**18

ROLES = {"house": Role.HOUSE, "client": Role.CLIENT}
MARGIN_MODES = {"cross": MarginMode.CROSS, "isolated": MarginMode.ISOLATED}
SHORTFALL_POLICIES = {
    "auto-liquidate": ShortfallPolicy.AUTO_LIQUIDATE,
    "call-then-default": ShortfallPolicy.CALL_THEN_DEFAULT,
}


@dataclass(frozen=True, slots=True)
class Account:
    """A margin account as a positions file describes it.

    Attributes
    ----------
    reference
        Name.
    member
        Name of the clearing member; empty when the file names none.
    role, margin_mode, shortfall_policy
        What it is; CLIENT, CROSS and AUTO_LIQUIDATE where the file has no such column or cell.
    """

    reference: str
    member: str
    role: Role
    margin_mode: MarginMode
    shortfall_policy: ShortfallPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionTable:
    """A balanced book, one row per (account, instrument), in file order.

    Attributes
    ----------
    accounts
        In the order of their first row; ``account`` holds positions in this tuple.
    instruments
        Names; ``instrument`` holds positions in this tuple.
    account, instrument
        Int32 ``[n]``.
    lots
        Int64 ``[n]``: positive = long; sums to zero for every instrument.
    entry_price_e8
        Int64 ``[n]``: average entry price, 1e-8 quote units; it may lie between two ticks.
    """

    accounts: tuple[Account, ...]
    instruments: tuple[str, ...]
    account: I32
    instrument: I32
    lots: I64
    entry_price_e8: I64

    def __len__(self) -> int:
        return len(self.lots)


@dataclass(frozen=True, slots=True, kw_only=True)
class CollateralTable:
    """Collateral, one row per (account, asset), in file order.

    Attributes
    ----------
    accounts, assets
        Names; ``account`` and ``asset`` hold positions in these tuples.
    account, asset
        Int32 ``[n]``.
    amount
        Int64 ``[n]``: ledger units of the asset, positive.
    """

    accounts: tuple[str, ...]
    assets: tuple[str, ...]
    account: I32
    asset: I32
    amount: I64

    def __len__(self) -> int:
        return len(self.amount)


@dataclass(slots=True)
class _Strict:
    """Reports every fault and refuses the file at its end if there was one."""

    path: Path
    report: Report
    formats: Sequence[FileFormat]
    faults: list[RowFault] = field(default_factory=list)

    def add(self, fault: RowFault) -> None:
        self.faults.append(fault)
        self.report(fault)

    def rows(self, required: tuple[str, ...]) -> Iterator[Row]:
        return read_rows(self.path, required, self.add, self.formats)

    def refuse_faults(self) -> None:
        if self.faults:
            message = (
                f"{self.faults[0]} (first of {len(self.faults)} unusable rows; "
                "a book is read whole or not at all)"
            )
            raise InputError(message)


def _choice(row: Row, column: str, first: str, known: Mapping[str, int]) -> int:
    value = row.cells.get(column, "") or first
    if value not in known:
        raise CellError(column, value[:80], ", ".join(known))
    return known[value]


def _account(row: Row) -> Account:
    return Account(
        reference=row.text("account"),
        member=row.text("member") if row.cells.get("member") else "",
        role=Role(_choice(row, "role", "client", ROLES)),
        margin_mode=MarginMode(_choice(row, "margin_mode", "cross", MARGIN_MODES)),
        shortfall_policy=ShortfallPolicy(
            _choice(row, "shortfall_policy", "auto-liquidate", SHORTFALL_POLICIES)
        ),
    )


class _Book:
    """Positions collected so far."""

    def __init__(self, grids: Mapping[str, Grid]) -> None:
        self.grids = grids
        self.accounts: dict[str, Account] = {}
        self.positions: dict[tuple[str, str], tuple[int, int]] = {}

    def add(self, row: Row) -> None:
        """Take one row.

        Raises
        ------
        CellError
            If a cell cannot be used, or contradicts an earlier row.
        """
        account = _account(row)
        instrument = row.known("instrument", tuple(self.grids))
        lots = row.steps("quantity", self.grids[instrument].lot_e8, QUANTITY_MAX_E8)
        if lots == 0:
            raise CellError("quantity", row.cells["quantity"], "a quantity other than zero")
        price = row.amount("entry_price", PRICE_DECIMALS, PRICE_MAX_E8)
        if price <= 0:
            raise CellError("entry_price", row.cells["entry_price"], "more than zero")
        known = self.accounts.setdefault(account.reference, account)
        if known != account:
            described = (
                f"{known.member or 'no member'}, {known.role.name}, {known.margin_mode.name}"
            )
            allowed = f"what an earlier row says of it: {described}, {known.shortfall_policy.name}"
            raise CellError("account", account.reference, allowed)
        key = (account.reference, instrument)
        if key in self.positions:
            raise CellError("instrument", instrument, f"one row for {account.reference} in it")
        self.positions[key] = (lots, price)

    def require_balance(self, path: Path) -> None:
        """Refuse a book in which the longs of an instrument are not its shorts."""
        totals: dict[str, int] = {}
        for (_, instrument), (lots, _) in self.positions.items():
            totals[instrument] = totals.get(instrument, 0) + lots
        uneven = {name: lots for name, lots in sorted(totals.items()) if lots}
        if uneven:
            parts = [
                f"{name} {lots:+d} lots ({format_decimal(lots * self.grids[name].lot_e8, 8)})"
                for name, lots in uneven.items()
            ]
            message = f"{path}, quantity: sums to {', '.join(parts)}; allowed: 0 per instrument"
            raise InputError(message)


POSITION_COLUMNS = ("account", "instrument", "quantity", "entry_price")
COLLATERAL_COLUMNS = ("account", "asset", "amount")


def load_positions(
    path: Path | str,
    grids: Mapping[str, Grid],
    quarantine: Report,
    formats: Sequence[FileFormat] = CATALOGUE,
) -> PositionTable:
    """Read an opening book.

    Parameters
    ----------
    path
        A file with ``account, instrument, quantity, entry_price`` and optionally ``member``,
        ``role`` (house, client), ``margin_mode`` (cross, isolated) and ``shortfall_policy``
        (auto-liquidate, call-then-default).  Quantity positive = long.
    grids
        Tick and lot by instrument.
    quarantine
        Called for each fault before the file is refused.
    formats
        What may be read; the first that recognises the file reads it.

    Raises
    ------
    InputError
        If any row is unusable, an account or pair contradicts itself, or the lots of an
        instrument do not sum to zero; the message names the instrument and the imbalance.
    """
    strict = _Strict(Path(path), quarantine, formats)
    book = _Book(grids)
    for row in strict.rows(POSITION_COLUMNS):
        try:
            book.add(row)
        except CellError as error:
            fault = RowFault(str(path), row.number, error.column, error.value, error.allowed)
            strict.add(fault)
    strict.refuse_faults()
    book.require_balance(strict.path)
    accounts = {name: k for k, name in enumerate(book.accounts)}
    instruments = {
        name: k for k, name in enumerate(dict.fromkeys(name for _, name in book.positions))
    }
    return PositionTable(
        accounts=tuple(book.accounts.values()),
        instruments=tuple(instruments),
        account=np.array([accounts[name] for name, _ in book.positions], np.int32),
        instrument=np.array([instruments[name] for _, name in book.positions], np.int32),
        lots=np.array([lots for lots, _ in book.positions.values()], np.int64),
        entry_price_e8=np.array([price for _, price in book.positions.values()], np.int64),
    )


def load_collateral(
    path: Path | str,
    decimals: Mapping[str, int],
    quarantine: Report,
    formats: Sequence[FileFormat] = CATALOGUE,
) -> CollateralTable:
    """Read opening collateral.

    Parameters
    ----------
    path
        A file with ``account, asset, amount``; amounts in whole units, as decimals.
    decimals
        Ledger decimals by asset.
    quarantine
        Called for each fault before the file is refused.
    formats
        What may be read; the first that recognises the file reads it.

    Raises
    ------
    InputError
        If any row is unusable or an (account, asset) pair repeats.
    """
    strict = _Strict(Path(path), quarantine, formats)
    held: dict[tuple[str, str], int] = {}
    for row in strict.rows(COLLATERAL_COLUMNS):
        try:
            key = (row.text("account"), row.known("asset", tuple(decimals)))
            amount = row.amount("amount", decimals[key[1]], AMOUNT_MAX)
            if amount <= 0:
                raise CellError("amount", row.cells["amount"], "more than zero")  # noqa: TRY301
            if key in held:
                raise CellError("asset", key[1], f"one row for {key[0]} in it")  # noqa: TRY301
            held[key] = amount
        except CellError as error:
            fault = RowFault(str(path), row.number, error.column, error.value, error.allowed)
            strict.add(fault)
    strict.refuse_faults()
    accounts = {name: k for k, name in enumerate(dict.fromkeys(name for name, _ in held))}
    assets = {name: k for k, name in enumerate(dict.fromkeys(name for _, name in held))}
    return CollateralTable(
        accounts=tuple(accounts),
        assets=tuple(assets),
        account=np.array([accounts[name] for name, _ in held], np.int32),
        asset=np.array([assets[name] for _, name in held], np.int32),
        amount=np.array(list(held.values()), np.int64),
    )
