"""What the summary of a run claims, computed again from its journal alone.

This folds events without the code that wrote the summary, so that one checks the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from novate.book.ledger import asset_sums
from novate.default_management.loss.policy import Bearer, numbers_of, terms_of
from novate.engine.batch import Batch, decode_batch, present_batch
from novate.engine.journal import JournalStore
from novate.engine.ledger_digest import ledger_digest
from novate.engine.state import State
from novate.engine.state_version import STATE_VERSION
from novate.errors import JournalError
from novate.insight.measure import BALANCES
from novate.kernel.clearing.value import LINEAR
from novate.kernel.codes import Layer, Role
from novate.message.declare import rows_of
from novate.message.obligation import ObligationOutcome
from novate.units import format_decimal, format_instant

Row = dict[str, Any]
FOLDED = frozenset(
    {"AccountOpened", "SubAccountOpened", "AssetDeclared", "InstrumentListed",
     "ExternalMarketSettled",
     "OptionListed", "IndexUpdated", "CollateralPosted", "CollateralWithdrawn", "OrderFilled",
     "LossRecorded", "LossAllocated", "GainsCut", "PositionDeleveraged", "SurplusSwept",
     "MarginCalled", "ObligationClosed", "DefaultDeclared",
     "LiquidationStarted", "AccountTakenOver"}
)  # fmt: skip


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
    records: int = 0
    events: int = 0

    def take(self, journal: JournalStore) -> None:
        """Fold every record."""
        last_ns = 0
        for record in journal.read(1):
            if record.source == "feed" and not self.is_open:
                self.is_open = True
                self.fund = self.low = self.before[Role.INSURANCE_FUND]
                self.low_ns = last_ns
            last_ns = record.instant_ns
            batch = present_batch(decode_batch(record))
            self.records += 1
            for run in batch.events:
                self.events += run.rows
                if run.name in FOLDED:
                    for row in rows_of(run):
                        self._event(run.name, batch, row)

    def _event(self, name: str, batch: Batch, row: Row) -> None:
        self.counts[name] += 1
        match name:
            case "AccountOpened" | "SubAccountOpened":
                role = row["role"] if "role" in row else self.role[row["holder"]]
                self.role[row["account"]] = role
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
                self._ended_or_paid(name, batch, row)

    def _ended_or_paid(self, name: str, batch: Batch, row: Row) -> None:
        if name == "LossAllocated":
            self.paid[row["layer"]] += row["amount"]
            if row["layer"] == Layer.INSURANCE_FUND:
                self._move(-row["amount"], batch)
        elif name == "GainsCut":
            self.paid[Layer.GAINS_HAIRCUT] += row["amount"]
        elif name == "PositionDeleveraged":
            self.paid[Layer.AUTO_DELEVERAGING] += row["amount"]
        elif name == "ObligationClosed":
            is_met = row["outcome"] in (ObligationOutcome.PAID, ObligationOutcome.MET)
            self.counts["calls met"] += is_met
        elif name == "SurplusSwept":
            self.counts["surplus"] += row["amount"]
            self._move(row["amount"], batch)
        elif name == "ExternalMarketSettled":
            way = "external_in" if row["amount"] > 0 else "external_out"
            self.counts[way] += self._worth(row["asset"], abs(row["amount"]))

    def _move(self, amount: int, batch: Batch) -> None:
        self.fund += amount
        if self.fund < self.low:
            self.low, self.low_ns = self.fund, batch.instant_ns

    def _worth(self, asset: int, amount: int) -> int:
        """Numeraire units of an amount at the last index, rounded down."""
        if asset == 0:
            return amount
        scale = 10 ** (8 + self.decimals[asset])
        return int(amount * self.index.get(asset, 0) * 10 ** self.decimals[0] // scale)

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
    """Return what a journal gives: ``result``, ``payers``, ``outcome``, and its ``size``.

    Parameters
    ----------
    journal
        Journal of a run.
    state
        The state that it left.
    """
    fold = Fold()
    fold.take(journal)
    uncovered, policies = state.defaults.uncovered, state.loss_policies.values()
    members, house, others = (
        sum(fold.paid[layer] for layer in numbers_of(bearer, policies))
        for bearer in (Bearer.OWN_MEMBERS, Bearer.CLEARING_HOUSE, Bearer.OTHERS)
    )
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
        **{f"{name}_before": _text(fold.before[which]) for name, which in BALANCES.items()},
        **{
            f"{name}_after": _text(int(balance[role == which, 0].sum()))
            for name, which in BALANCES.items()
        },
        "fund_lowest": _text(fold.low),
        "fund_lowest_at": format_instant(fold.low_ns),
        "liquidated_accounts": len(fold.closed),
        "liquidated_notional": _text(counts["notional"]),
        "calls_made": counts["MarginCalled"],
        "calls_met": counts["calls met"],
        "defaults": counts["DefaultDeclared"],
        "liquidation_fees": _text(counts["fees"]),
        "surplus_to_fund": _text(counts["surplus"]),
        "external_paid_in": _text(counts["external_in"]),
        "external_paid_out": _text(counts["external_out"]),
        "taken_over": counts["AccountTakenOver"],
        "deleveraged": counts["PositionDeleveraged"],
    }
    payers = {
        terms.key: _text(fold.paid[terms.number])
        for terms in terms_of(policies)
        if terms.bearer is not Bearer.NOBODY
    }
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
        "size": {"records": fold.records, "events": fold.events},
    }


def proof(state: State, size: dict[str, int], head: tuple[int, bytes]) -> dict[str, Any]:
    """Return what identifies a journal and shows that it is conserved, as a summary holds it."""
    x = state
    lots = np.zeros(x.instruments.count, np.int64)
    np.add.at(lots, x.positions.used("instrument"), x.positions.used("lots"))
    return {
        **size,
        "head_sequence": head[0],
        "head_hash": head[1].hex(),
        "state_version": STATE_VERSION,
        "state_digest": state.digest().hex(),
        "ledger_digest": ledger_digest(state).hex(),
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


def check_summary(claimed: Mapping[str, Any], journal: JournalStore, state: State) -> None:
    """Stop at the first claim of a summary that does not follow from its journal.

    A state digest of another state version cannot be compared; the ledger digest can.

    Parameters
    ----------
    claimed
        The summary of a run, as read.
    journal, state
        The journal of the run, and the state that it left.

    Raises
    ------
    JournalError
        Naming the claim, its value and the one that the journal gives; or saying that this is not
        the summary of a run.
    """
    try:
        payers = {row["layer"]: row["amount"] for row in claimed["payers"]}
        payers.pop("defaulter_collateral", None)
        found = headline(journal, state)
        proven = proof(state, found["size"], journal.head())
        _compare("verification", *_of_one_version(claimed["verification"], proven))
        _compare("result", claimed["result"], found["result"])
        _compare("payers", payers, found["payers"])
        if claimed["controls"] is not None:
            _compare("controls.on", claimed["controls"]["on"], found["outcome"])
        if claimed["bounds"] is not None:
            name = claimed["path"].replace("-", "_")
            _compare(f"bounds.{name}", claimed["bounds"][name], found["outcome"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"not the summary of a run: {type(error).__name__} {error}"
        raise JournalError(message) from error


def _of_one_version(
    claimed: dict[str, Any], proven: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Leave out what the release that wrote a summary stated in another way, or not yet."""
    apart = {"state_version", "ledger_digest"} - set(claimed)
    if claimed.get("state_version", 1) != STATE_VERSION:
        apart |= {"state_version", "state_digest"}
    claimed, proven = (
        {name: value for name, value in side.items() if name not in apart}
        for side in (claimed, proven)
    )
    return claimed, proven


def _compare(part: str, claimed: dict[str, Any], found: dict[str, Any]) -> None:
    for name in dict.fromkeys((*found, *claimed)):
        says, is_so = claimed.get(name, "nothing"), found.get(name, "nothing")
        if says != is_so:
            raise JournalError(f"{part}.{name} is {says}; the journal gives {is_so}")
