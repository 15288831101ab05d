"""What the summary of a run claims, computed again from its journal alone.

This folds events without the code that wrote the summary, so that one checks the other.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from novate.book.ledger import asset_sums
from novate.engine.batch import Batch, decode_batch
from novate.engine.journal import JournalStore
from novate.engine.recover import AuditReport
from novate.engine.state import State
from novate.errors import JournalError
from novate.kernel.clearing.value import LINEAR
from novate.kernel.codes import Layer, Role
from novate.message.declare import rows_of
from novate.units import format_decimal, format_instant

Row = dict[str, Any]
CLEARING_HOUSE = (Layer.INSURANCE_FUND, Layer.SKIN_IN_THE_GAME)
FUNDS = {
    "fund": Role.INSURANCE_FUND,
    "skin": Role.SKIN_IN_THE_GAME,
    "default_fund": Role.DEFAULT_FUND,
}
PAYERS = {
    "own_members_default_fund": Layer.OWN_CONTRIBUTION,
    "insurance_fund": Layer.INSURANCE_FUND,
    "skin_in_the_game": Layer.SKIN_IN_THE_GAME,
    "default_fund": Layer.DEFAULT_FUND,
    "variation_margin_gains_haircutting": Layer.GAINS_HAIRCUT,
    "auto_deleveraging": Layer.AUTO_DELEVERAGING,
}
TOLD = frozenset(
    {"AccountOpened", "AssetDeclared", "InstrumentListed", "OptionListed", "IndexUpdated",
     "CollateralPosted",
     "CollateralWithdrawn", "OrderFilled", "LossRecorded", "LossAllocated", "GainsCut",
     "PositionDeleveraged", "SurplusSwept", "MarginCalled", "MarginCallMet", "DefaultDeclared",
     "LiquidationStarted", "AccountTakenOver"}
)  # fmt: skip
CHECKED = (
    "journal.db, its anchor, and summary.json: verification, result, payers, this run's column"
)
UNCHECKED = "the rest of summary.json, story.json, *.parquet, report.html"


def _text(amount: int) -> str:
    return format_decimal(int(amount), 6)


@dataclass(slots=True)
class Fold:
    """Sums over the events of a journal; money in numeraire units."""

    counts: Counter[str] = field(default_factory=Counter)
    paid: Counter[int] = field(default_factory=Counter)
    lost: Counter[int] = field(default_factory=Counter)
    before: Counter[int] = field(default_factory=Counter)
    role: dict[int, int] = field(default_factory=dict)
    decimals: dict[int, int] = field(default_factory=dict)
    contract: dict[int, Row] = field(default_factory=dict)
    index: dict[int, int] = field(default_factory=dict)
    closed: set[int] = field(default_factory=set)
    is_open: bool = False
    fund: int = 0
    low: int = 0
    low_ns: int = 0

    def take(self, journal: JournalStore) -> None:
        """Fold every record."""
        last_ns = 0
        for record in journal.read(1):
            if record.source == "feed" and not self.is_open:
                self.is_open = True
                self.fund = self.low = self.before[Role.INSURANCE_FUND]
                self.low_ns = last_ns
            last_ns = record.instant_ns
            batch = decode_batch(record)
            for run in batch.events:
                if run.name in TOLD:
                    for row in rows_of(run):
                        self._event(run.name, batch, row)

    def _event(self, name: str, batch: Batch, row: Row) -> None:
        self.counts[name] += 1
        match name:
            case "AccountOpened":
                self.role[row["account"]] = row["role"]
            case "AssetDeclared":
                self.decimals[row["asset"]] = row["decimals"]
            case "InstrumentListed" | "OptionListed":
                self.contract[row["instrument"]] = row
            case "IndexUpdated":
                self.index[row["asset"]] = row["price_e8"]
            case "CollateralPosted" | "CollateralWithdrawn":
                sign = 1 if name == "CollateralPosted" else -1
                if row["asset"] == 0 and not self.is_open:
                    self.before[self.role[row["account"]]] += sign * row["amount"]
            case "DefaultDeclared" | "LiquidationStarted":
                self.closed.add(row["account"])
            case "LossRecorded":
                self.lost[row["account"]] += row["amount"]
            case "OrderFilled":
                self.counts["fees"] += row["fee"]
                self.counts["notional"] += self._notional(row)
                self._move(row["fee"], batch)
            case _:
                self._loss_taken(name, batch, row)

    def _loss_taken(self, name: str, batch: Batch, row: Row) -> None:
        if name == "LossAllocated":
            self.paid[row["layer"]] += row["amount"]
            if row["layer"] == Layer.INSURANCE_FUND:
                self._move(-row["amount"], batch)
        elif name == "GainsCut":
            self.paid[Layer.GAINS_HAIRCUT] += row["amount"]
        elif name == "PositionDeleveraged":
            self.paid[Layer.AUTO_DELEVERAGING] += row["amount"]
        elif name == "SurplusSwept":
            self.counts["surplus"] += row["amount"]
            self._move(row["amount"], batch)

    def _move(self, amount: int, batch: Batch) -> None:
        self.fund += amount
        if self.fund < self.low:
            self.low, self.low_ns = self.fund, batch.instant_ns

    def _notional(self, row: Row) -> int:
        """Notional of a fill: its value, the face of its contracts, or of options the coins.

        Coins count at the last index before the fill.
        """
        terms = self.contract[row["instrument"]]
        if "strike_e8" in terms:
            decimals = self.decimals[terms["settlement_asset"]]
            lot_e8 = terms["unit"] * 10**16 // (terms["tick_e8"] * 10**decimals)
            return abs(int(row["lots"])) * int(lot_e8) * self.index[terms["underlying"]] // 10**10
        if terms["form"] == LINEAR:
            return abs(int(row["value"]))
        decimals = self.decimals[terms["settlement_asset"]]
        face_e8 = terms["unit"] * terms["tick_e8"] // 10**decimals
        return abs(int(row["lots"])) * int(face_e8) // 100


def headline(journal: JournalStore, state: State) -> dict[str, Any]:
    """Return the headline figures that a journal gives: ``result``, ``payers``, ``outcome``.

    Parameters
    ----------
    journal
        Journal of a run.
    state
        The state that it left.
    """
    fold = Fold()
    fold.take(journal)
    uncovered = int(state.defaults.losses.used("uncovered").sum())
    members = fold.paid[Layer.OWN_CONTRIBUTION]
    house = sum(fold.paid[layer] for layer in CLEARING_HOUSE)
    others = sum(fold.paid[layer] for layer in set(PAYERS.values())) - members - house
    parts = {
        "shortfall": _text(members + house + others + uncovered),
        "own_members": _text(members),
        "clearing_house": _text(house),
        "others": _text(others),
        "uncovered": _text(uncovered),
    }
    counts, accounts = fold.counts, state.accounts
    role, balance = accounts.used("role"), accounts.used("balance")
    result = {
        **parts,
        "liquidator_shortfall": _text(fold.lost[state.single(Role.LIQUIDATOR)]),
        **{f"{name}_before": _text(fold.before[which]) for name, which in FUNDS.items()},
        **{
            f"{name}_after": _text(int(balance[role == which, 0].sum()))
            for name, which in FUNDS.items()
        },
        "fund_lowest": _text(fold.low),
        "fund_lowest_at": format_instant(fold.low_ns),
        "liquidated_accounts": len(fold.closed),
        "liquidated_notional": _text(counts["notional"]),
        "calls_made": counts["MarginCalled"],
        "calls_met": counts["MarginCallMet"],
        "defaults": counts["DefaultDeclared"],
        "liquidation_fees": _text(counts["fees"]),
        "surplus_to_fund": _text(counts["surplus"]),
        "taken_over": counts["AccountTakenOver"],
        "deleveraged": counts["PositionDeleveraged"],
    }
    payers = {name: _text(fold.paid[layer]) for name, layer in PAYERS.items()}
    outcome = {
        **parts,
        "liquidated_accounts": len(fold.closed),
        "fund_used": _text(fold.paid[Layer.INSURANCE_FUND]),
        "calls_made": counts["MarginCalled"],
    }
    return {
        "result": result,
        "payers": {**payers, "uncovered": parts["uncovered"]},
        "outcome": outcome,
    }


def proof(state: State, report: AuditReport, head: tuple[int, bytes]) -> dict[str, Any]:
    """Return what identifies a journal and shows that it is conserved, as a summary holds it."""
    x = state
    lots = np.zeros(x.instruments.count, np.int64)
    np.add.at(lots, x.positions.used("instrument"), x.positions.used("lots"))
    return {
        "records": report.records,
        "events": report.events,
        "head_sequence": head[0],
        "head_hash": head[1].hex(),
        "state_digest": state.digest().hex(),
        "conservation": [
            {"asset": symbol, "sum": str(int(total))}
            for symbol, total in zip(x.assets.symbols, asset_sums(x.accounts), strict=True)
        ],
        "positions": [
            {"instrument": symbol, "sum_lots": int(total)}
            for symbol, total in zip(x.instruments.symbols, lots, strict=True)
        ],
        "recovered": True,
        "audited": True,
    }


def check_summary(path: Path, journal: JournalStore, state: State, report: AuditReport) -> None:
    """Stop at the first claim of a summary that does not follow from its journal.

    Raises
    ------
    JournalError
        Naming the claim, its value and the one that the journal gives.
    """
    try:
        claimed = json.loads(path.read_text(encoding="utf-8"))
        payers = {row["layer"]: row["amount"] for row in claimed["payers"]}
        payers.pop("defaulter_collateral", None)
        _compare(
            path, "verification", claimed["verification"], proof(state, report, journal.head())
        )
        found = headline(journal, state)
        _compare(path, "result", claimed["result"], found["result"])
        _compare(path, "payers", payers, found["payers"])
        if claimed["controls"] is not None:
            _compare(path, "controls.on", claimed["controls"]["on"], found["outcome"])
        if claimed["bounds"] is not None:
            name = claimed["path"].replace("-", "_")
            _compare(path, f"bounds.{name}", claimed["bounds"][name], found["outcome"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"{path} is not the summary of a run: {type(error).__name__} {error}"
        raise JournalError(message) from error


def _compare(path: Path, part: str, claimed: dict[str, Any], found: dict[str, Any]) -> None:
    for name in dict.fromkeys((*found, *claimed)):
        says, is_so = claimed.get(name, "nothing"), found.get(name, "nothing")
        if says != is_so:
            message = f"{path}: {part}.{name} is {says}; the journal gives {is_so}"
            raise JournalError(message)
