"""Read a run directory: two JSON documents and eight Parquet tables, checked on arrival.

Amounts in the JSON documents are decimal strings in numeraire units and stay `Decimal`; the tables
feed charts, so their amounts are float64 in the same unit.  Signs are the account holder's.  A
document or table that is missing, unreadable or lacks a field is an `InputError` that names it.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from novate.app.report.column import COLUMNS, OPTION_COLUMNS
from novate.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


class Period(msgspec.Struct, frozen=True):
    """First and last instant of the replayed market data, ISO 8601, UTC."""

    start: str = msgspec.field(name="from")
    end: str = msgspec.field(name="to")


class Result(msgspec.Struct, frozen=True):
    """What the day did to the clearing house; amounts in numeraire units.

    ``shortfall`` is what was lost beyond the defaulters' collateral: the sum of what own members,
    the clearing house and others bore and what is uncovered.  ``liquidator_shortfall`` is the part
    that arose after takeovers, while positions were closed out.  ``external_paid_in`` and
    ``external_paid_out`` are what the external market settled in cash.
    """

    shortfall: Decimal
    own_members: Decimal
    clearing_house: Decimal
    others: Decimal
    uncovered: Decimal
    liquidator_shortfall: Decimal
    fund_before: Decimal
    fund_after: Decimal
    fund_lowest: Decimal
    fund_lowest_at: str | None
    skin_before: Decimal
    skin_after: Decimal
    default_fund_before: Decimal
    default_fund_after: Decimal
    liquidated_accounts: int
    liquidated_notional: Decimal
    calls_made: int
    calls_met: int
    defaults: int
    taken_over: int
    liquidation_fees: Decimal
    surplus_to_fund: Decimal
    external_paid_in: Decimal = Decimal(0)
    external_paid_out: Decimal = Decimal(0)


class Payer(msgspec.Struct, frozen=True):
    """What one layer of the waterfall paid, in numeraire units."""

    layer: str
    amount: Decimal


class WorstAccount(msgspec.Struct, frozen=True):
    """One of the accounts that lost most beyond its collateral; losses positive, numeraire units.

    ``own_loss`` is what it lost of its own: equity at the start and what was paid in since.
    """

    reference: str
    role: str | None
    member: str | None
    shortfall: Decimal
    own_loss: Decimal
    held: str | None
    liquidated_at: str | int | None


class Outcome(msgspec.Struct, frozen=True):
    """The same measures of one run, so that runs can stand side by side."""

    shortfall: Decimal
    own_members: Decimal
    clearing_house: Decimal
    others: Decimal
    uncovered: Decimal
    liquidated_accounts: int
    fund_used: Decimal
    calls_made: int


class Controls(msgspec.Struct, frozen=True):
    """The run with the controls on and its counterfactual with them off."""

    on: Outcome
    off: Outcome


class Bounds(msgspec.Struct, frozen=True):
    """The two orders in which a bar's high and low can have been traded."""

    high_first: Outcome
    low_first: Outcome


class Target(msgspec.Struct, frozen=True):
    """One calibration target: what the population should look like, and does."""

    target: str
    wanted: str | int | float | None
    reached: str | int | float | None
    unit: str | None


class SymbolBars(msgspec.Struct, frozen=True):
    """Bars of one symbol of price files: in the window, there, missing, and rows outside it."""

    symbol: str
    expected: int
    present: int
    missing: int
    outside: int


class Quarantined(msgspec.Struct, frozen=True):
    """One input value that was set aside, with what would have been allowed."""

    file: str
    row: int | str | None
    column: str | None
    value: str | int | float | None
    allowed: str | None


class RefusalCount(msgspec.Struct, frozen=True):
    """How often one command was refused for one reason."""

    command: str
    refusal: str
    count: int


class AssetSum(msgspec.Struct, frozen=True):
    """Sum of every ledger account in one asset; anything but zero is a fault."""

    asset: str
    sum: Decimal


class LotSum(msgspec.Struct, frozen=True):
    """Sum of every position in one instrument, in lots; anything but zero is a fault."""

    instrument: str
    sum_lots: int


class Verification(msgspec.Struct, frozen=True):
    """What the journal proves about the run."""

    records: int
    events: int
    head_sequence: int
    head_hash: str
    state_digest: str
    conservation: list[AssetSum]
    positions: list[LotSum]
    audited: bool
    recovered: bool

    @property
    def is_conserved(self) -> bool:
        """Whether every asset and every instrument sums to zero (and at least one was summed)."""
        balanced = all(row.sum == 0 for row in self.conservation)
        return (
            balanced
            and all(row.sum_lots == 0 for row in self.positions)
            and bool(self.conservation)
        )

    @property
    def is_complete(self) -> bool:
        """Whether the run conserves, recovers and was audited."""
        return self.is_conserved and self.audited and self.recovered


class Elapsed(msgspec.Struct, frozen=True):
    """Wall-clock seconds of the replay and of its verification."""

    replay: float | None = None
    verify: float | None = None


class Summary(msgspec.Struct, frozen=True):
    """The document `summary.json`.

    ``house_accounts`` names, by number, the accounts that are no margin accounts.
    """

    title: str
    engine_version: str | int
    numeraire: str
    period: Period
    bars: int
    steps: int
    accounts: int
    instruments: list[str]
    path: str
    result: Result
    payers: list[Payer]
    worst_accounts: list[WorstAccount]
    controls: Controls | None
    bounds: Bounds | None
    calibration: list[Target]
    quarantine: list[Quarantined]
    quarantined_rows: int
    refusals: list[RefusalCount]
    verification: Verification
    notes: list[str]
    commands: list[str]
    elapsed_s: Elapsed
    house_accounts: dict[str, str] = {}
    bars_by_symbol: list[SymbolBars] = []
    options: int = 0


class Fact(msgspec.Struct, frozen=True):
    """One journaled fact of an account's story, with the numbers that decided it."""

    sequence: int
    instant: str | int
    kind: str
    text: str
    numbers: dict[str, str | int | float | None] = {}


class BridgeItem(msgspec.Struct, frozen=True):
    """What one cause did to an account's net equity, numeraire units, the account's sign."""

    item: str
    amount: Decimal


class Stage(msgspec.Struct, frozen=True):
    """A stretch of an account's day: the items between two net equities add up exactly."""

    start: str = msgspec.field(name="from")
    opening: Decimal
    items: list[BridgeItem]
    end: str = msgspec.field(name="to")
    closing: Decimal


class Holding(msgspec.Struct, frozen=True):
    """A position when the account failed; `notional` at the mark, numeraire units."""

    instrument: str
    size: str
    mark: str
    notional: Decimal


class Failure(msgspec.Struct, frozen=True):
    """How an account came to fail: what was compared, and the way there.

    ``kind`` is `liquidation` (equity below maintenance margin) or `default` (a call not met).
    """

    kind: str
    instant: str
    net: Decimal
    haircuts: Decimal
    equity: Decimal
    requirement: Decimal
    positions: list[Holding]
    stages: list[Stage]


class Story(msgspec.Struct, frozen=True):
    """The document `story.json`: one account, told by the facts that moved it."""

    reference: str
    role: str | None = None
    member: str | None = None
    facts: list[Fact] = []
    failure: Failure | None = None
    shortfall: Decimal = Decimal(0)
    paid: list[Payer] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One Parquet table of the run directory.

    Parameters
    ----------
    name
        File name without its suffix.
    data
        The table; it holds at least the columns that `COLUMNS` lists for this name.
    """

    name: str
    data: pa.Table

    def __len__(self) -> int:
        """Return the number of rows."""
        return int(self.data.num_rows)

    def floats(self, column: str) -> F64:
        """Return a column as float64, null as NaN."""
        cast = self._cast(column, pa.float64())
        values: F64 = cast.to_numpy(zero_copy_only=False).astype(np.float64)
        return values

    def integers(self, column: str) -> I64:
        """Return a column as int64, null as -1."""
        cast = pc.fill_null(self._cast(column, pa.int64()), -1)
        values: I64 = cast.to_numpy(zero_copy_only=False).astype(np.int64)
        return values

    def texts(self, column: str) -> list[str]:
        """Return a column as text, null as an empty string."""
        values = self.data.column(column).to_pylist()
        return ["" if value is None else str(value) for value in values]

    def select(self, rows: I64) -> Table:
        """Return the table of the given rows, in their order."""
        return Table(name=self.name, data=self.data.take(pa.array(rows)))

    def _cast(self, column: str, wanted: pa.DataType) -> pa.Array:
        chunked = self.data.column(column)
        try:
            return chunked.combine_chunks().cast(wanted, safe=False)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            message = f"{self.name}.parquet: column {column!r} is {chunked.type}, allowed: {wanted}"
            raise InputError(message) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Everything a report shows, as the replay left it."""

    summary: Summary
    story: Story
    tables: dict[str, Table]

    def table(self, name: str) -> Table:
        """Return one table by its name."""
        return self.tables[name]

    def references(self) -> dict[str, str]:
        """Return each account's reference by its identifier as text, in words for the house's."""
        accounts = self.table("accounts")
        house = {
            key: name[:1].upper() + name[1:].replace("-", " ")
            for key, name in self.summary.house_accounts.items()
        }
        margin = zip(accounts.texts("account"), accounts.texts("reference"), strict=True)
        return {**house, **dict(margin)}


def load_run(directory: Path) -> Run:
    """Read and check a run directory.

    Parameters
    ----------
    directory
        Holds `summary.json`, `story.json` and one Parquet file for each name in `COLUMNS`.

    Raises
    ------
    InputError
        If a file is missing or unreadable, or a field or column is absent or of another type.
    """
    return Run(
        summary=_document(directory / "summary.json", Summary),
        story=_document(directory / "story.json", Story),
        tables={
            name: _table(path, name)
            for name in (*COLUMNS, *OPTION_COLUMNS)
            if (path := directory / f"{name}.parquet").is_file() or name in COLUMNS
        },
    )


def _document(path: Path, kind: type[Any]) -> Any:
    if not path.is_file():
        message = f"{path}: the file is missing; a run directory holds {path.name}"
        raise InputError(message)
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except msgspec.DecodeError as error:
        message = f"{path}: {error}"
        raise InputError(message) from error


def _table(path: Path, name: str) -> Table:
    if not path.is_file():
        message = f"{path}: the file is missing; a run directory holds {path.name}"
        raise InputError(message)
    try:
        data = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        message = f"{path}: not a readable Parquet file: {error}"
        raise InputError(message) from error
    wanted = COLUMNS.get(name) or OPTION_COLUMNS[name]
    missing = [column for column in wanted if column not in data.column_names]
    if missing:
        message = f"{path}: columns {missing} are missing; allowed: {list(wanted)}"
        raise InputError(message)
    return Table(name=name, data=data)
