"""Contracts that are suspended, delisted, or settled at a price that two people agree on.

A suspended contract can only be reduced, and goes on to be marked and margined.  A delisted one
expires as a future does.  A contract whose index is gone ends at a price within the range in which
its index lately was, proposed by one and approved by another: there is no price by hand.

Sources: rules 8.60 to 8.66; CPMI-IOSCO PFMI Principle 2 (clear lines of responsibility) for the
decision of two; exchanges delist a perpetual with notice, at an average of the index.
"""

from __future__ import annotations

import hashlib

from novate.default_management.contract_end import close_orders_of_ended
from novate.default_management.state import DefaultState
from novate.kernel.codes import InstrumentStatus
from novate.market.mark import to_ticks
from novate.market.option import payoff_ticks
from novate.market.pause import index_range
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.parameter import DAY, HOUR
from novate.message.refusal import (
    ApproveSettlementRefusal,
    DelistContractRefusal,
    ProposeSettlementRefusal,
    ResumeContractRefusal,
    SuspendContractRefusal,
)
from novate.message.settlement import Basis
from novate.message.topic import NOBODY, Application, Decision, Topic, report_only
from novate.valuation.price_status import is_suspended

PROPOSAL_NS = HOUR
"""Time for which a proposed price may be approved."""

_Codes = (
    type[SuspendContractRefusal]
    | type[ResumeContractRefusal]
    | type[DelistContractRefusal]
    | type[ProposeSettlementRefusal]
    | type[ApproveSettlementRefusal]
)


def _subject_refusal(x: DefaultState, i: int, no: _Codes) -> Refusal | None:
    if i >= x.instruments.count:
        return Refusal(no.UNKNOWN_INSTRUMENT, i, x.instruments.count - 1)
    status = int(x.instruments.status[i])
    if status != InstrumentStatus.ACTIVE:
        return Refusal(no.INSTRUMENT_NOT_ACTIVE, status, int(InstrumentStatus.ACTIVE))
    return None


def decide_suspend_contract(x: DefaultState, row: Row, emit: Emit) -> Refusal | None:
    """Decide a suspension: `ContractSuspended` (rule 8.60); reasons of `SuspendContractRefusal`."""
    i, no = row["instrument"], SuspendContractRefusal
    refusal = _subject_refusal(x, i, no)
    if refusal is None and is_suspended(x, i):
        refusal = Refusal(no.ALREADY_SUSPENDED, int(x.instruments.suspend_ns[i]), 0)
    if refusal is None:
        emit(event.CONTRACT_SUSPENDED, instrument=i)
    return refusal


def apply_contract_suspended(x: DefaultState, row: Row) -> None:
    """Suspend the contract from now on."""
    x.instruments.suspend_ns[row["instrument"]] = x.now_ns


def decide_resume_contract(x: DefaultState, row: Row, emit: Emit) -> Refusal | None:
    """Decide the end of a suspension: `ContractResumed` (rule 8.61)."""
    i, no = row["instrument"], ResumeContractRefusal
    refusal = _subject_refusal(x, i, no)
    if refusal is None and not is_suspended(x, i):
        refusal = Refusal(no.NOT_SUSPENDED, int(x.instruments.suspend_ns[i]), x.now_ns)
    if refusal is None and x.instruments.is_delisted[i]:
        refusal = Refusal(no.DELISTED, int(x.instruments.expiry_ns[i]), 0)
    if refusal is None:
        emit(event.CONTRACT_RESUMED, instrument=i)
    return refusal


def apply_contract_resumed(x: DefaultState, row: Row) -> None:
    """End the suspension."""
    x.instruments.suspend_ns[row["instrument"]] = 0


def decide_delist_contract(x: DefaultState, row: Row, emit: Emit) -> Refusal | None:
    """Decide a delisting: `ContractDelisted` (rules 8.62 and 8.63).

    Parameters
    ----------
    row
        ``instrument``, ``suspend_ns``, ``expiry_ns`` and ``settlement_window_ns``.

    Returns
    -------
    Refusal | None
        Reasons of `message.refusal.DelistContractRefusal`.
    """
    no, i, c = DelistContractRefusal, row["instrument"], x.instruments
    refusal = _subject_refusal(x, i, no)
    if refusal is not None:
        return refusal
    if x.is_option(i):
        return Refusal(no.IS_OPTION, int(c.kind[i]), 0)
    suspend, expiry, window = row["suspend_ns"], row["expiry_ns"], row["settlement_window_ns"]
    before = int(c.expiry_ns[i])
    latest = before or x.now_ns + 366 * DAY
    if suspend <= x.now_ns:
        return Refusal(no.SUSPENSION_OUT_OF_RANGE, suspend, x.now_ns + 1)
    if not suspend <= expiry <= latest:
        return Refusal(no.EXPIRY_OUT_OF_RANGE, expiry, latest if expiry > latest else suspend)
    if not 0 <= window <= DAY:
        return Refusal(no.WINDOW_OUT_OF_RANGE, window, DAY)
    begun = before - int(c.settlement_window_ns[i])
    if before and x.now_ns >= begun:
        return Refusal(no.WINDOW_BEGUN, x.now_ns, begun)
    emit(event.CONTRACT_DELISTED, **row)
    return None


def apply_contract_delisted(x: DefaultState, row: Row) -> None:
    """Set suspension, expiry and settlement window; what the window adds up begins anew."""
    i, c = row["instrument"], x.instruments
    c.suspend_ns[i], c.is_delisted[i] = row["suspend_ns"], True
    c.expiry_ns[i] = c.next_expiry_ns[i] = row["expiry_ns"]
    c.settlement_window_ns[i] = row["settlement_window_ns"]
    x.marks.final_sum[i] = x.marks.final_ms[i] = 0
    x.forget_bound()
    x.enter_contract(i)


def decide_propose_settlement(x: DefaultState, row: Row, emit: Emit) -> Refusal | None:
    """Decide the proposal of a price: `SettlementProposed` (rules 8.64 and 8.65).

    Parameters
    ----------
    row
        ``instrument``, ``price_e8`` of its underlying, and ``proposer``, a name.

    Returns
    -------
    Refusal | None
        Reasons of `message.refusal.ProposeSettlementRefusal`.
    """
    refusal = _price_refusal(x, row, row["proposer"], ProposeSettlementRefusal)
    if refusal is None:
        emit(event.SETTLEMENT_PROPOSED, **row)
    return refusal


def _price_refusal(
    x: DefaultState,
    row: Row,
    name: str,
    no: type[ProposeSettlementRefusal] | type[ApproveSettlementRefusal],
) -> Refusal | None:
    """Why a contract is not settled at a price that somebody names."""
    refusal = _subject_refusal(x, row["instrument"], no)
    if refusal is not None:
        return refusal
    if not name.strip():
        return Refusal(no.NAME_MISSING, 0, 1)
    asset = int(x.instruments.underlying[row["instrument"]])
    if x.is_reported(asset):
        return Refusal(no.INDEX_REPORTED, asset, -1)
    low, high = index_range(x, asset)
    if not low <= row["price_e8"] <= high or low == 0:
        return Refusal(
            no.PRICE_OUT_OF_RANGE, row["price_e8"], low if row["price_e8"] < low else high
        )
    return None


def name_number(name: str) -> int:
    """Return the number by which a name is remembered: case and outer spaces do not count."""
    digest = hashlib.sha256(name.strip().casefold().encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def apply_settlement_proposed(x: DefaultState, row: Row) -> None:
    """Remember price, proposer and instant."""
    i, c = row["instrument"], x.instruments
    c.proposed_e8[i], c.proposed_ns[i] = row["price_e8"], x.now_ns
    c.proposer[i] = name_number(row["proposer"])


def decide_approve_settlement(x: DefaultState, row: Row, emit: Emit) -> Refusal | None:
    """Decide an approval: the contract ends at the price (rules 8.64 to 8.66).

    Emits `SettlementApproved`, then `ContractExpired` or `OptionExpired`, and `OrderClosed`.

    Parameters
    ----------
    row
        ``instrument``, ``price_e8`` as it was proposed, and ``approver``, another name.

    Returns
    -------
    Refusal | None
        Reasons of `message.refusal.ApproveSettlementRefusal`.
    """
    no, i, price = ApproveSettlementRefusal, row["instrument"], row["price_e8"]
    refusal = _price_refusal(x, row, row["approver"], no)
    if refusal is not None:
        return refusal
    c = x.instruments
    since = int(c.proposed_ns[i])
    if since == 0 or price != c.proposed_e8[i] or x.now_ns - since > PROPOSAL_NS:
        return Refusal(no.NOT_PROPOSED, price, int(c.proposed_e8[i]))
    if name_number(row["approver"]) == c.proposer[i]:
        return Refusal(no.SAME_NAME, 1, 2)
    emit(event.SETTLEMENT_APPROVED, **row)
    told = {"instrument": i, "instant_ns": x.now_ns, "basis": int(Basis.DECISION)}
    if x.is_option(i):
        ticks = payoff_ticks(c, i, price)
        told["final_e8"] = price
        emit(event.OPTION_EXPIRED, ticks=ticks, **told)
    else:
        ticks = min(to_ticks(price, int(c.tick_e8[i])), int(c.ticks_max[i]))
        emit(event.CONTRACT_EXPIRED, ticks=ticks, **told)
    close_orders_of_ended(x, i, emit)
    return None


TOPIC: Topic[DefaultState] = Topic(
    name="decisions on contracts",
    decisions=(
        Decision(command.SUSPEND_CONTRACT, decide_suspend_contract, SuspendContractRefusal),
        Decision(command.RESUME_CONTRACT, decide_resume_contract, ResumeContractRefusal),
        Decision(command.DELIST_CONTRACT, decide_delist_contract, DelistContractRefusal),
        Decision(command.PROPOSE_SETTLEMENT, decide_propose_settlement, ProposeSettlementRefusal),
        Decision(command.APPROVE_SETTLEMENT, decide_approve_settlement, ApproveSettlementRefusal),
    ),
    applications=(
        Application(event.CONTRACT_SUSPENDED, apply_contract_suspended, NOBODY),
        Application(event.CONTRACT_RESUMED, apply_contract_resumed, NOBODY),
        Application(event.CONTRACT_DELISTED, apply_contract_delisted, NOBODY),
        Application(event.SETTLEMENT_PROPOSED, apply_settlement_proposed, NOBODY),
        Application(event.SETTLEMENT_APPROVED, report_only, NOBODY),
    ),
)
