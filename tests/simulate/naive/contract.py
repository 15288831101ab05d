"""Contracts that are suspended, delisted, or settled by the decision of two."""

from __future__ import annotations

from typing import Any

import pytest

from novate.kernel.codes import InstrumentStatus, OrderKind
from novate.message import refusal
from novate.message.settlement import Basis
from tests.simulate.naive import book, failure
from tests.simulate.naive.number import half_up, refuse_if
from tests.simulate.naive.option import payoff
from tests.simulate.naive.world import Instrument, World

Row = dict[str, Any]
DAY = 86_400 * 10**9


def active(w: World, row: Row, code: Any) -> Instrument:
    """The contract that a command names."""
    refuse_if(row["instrument"] >= len(w.instruments), code.UNKNOWN_INSTRUMENT)
    i = w.instruments[row["instrument"]]
    refuse_if(i.status != InstrumentStatus.ACTIVE, code.INSTRUMENT_NOT_ACTIVE)
    return i


@pytest.mark.rule("8.60")
def suspend_contract(w: World, row: Row, _: int) -> None:
    code = refusal.SuspendContractRefusal
    i = active(w, row, code)
    refuse_if(0 < i.suspended <= w.now, code.ALREADY_SUSPENDED)
    i.suspended = w.now
    w.emit("ContractSuspended", **row)


@pytest.mark.rule("8.61")
def resume_contract(w: World, row: Row, _: int) -> None:
    code = refusal.ResumeContractRefusal
    i = active(w, row, code)
    refuse_if(not 0 < i.suspended <= w.now, code.NOT_SUSPENDED)
    refuse_if(i.is_delisted, code.DELISTED)
    i.suspended = 0
    w.emit("ContractResumed", **row)


@pytest.mark.rule("8.62", "8.63")
def delist_contract(w: World, row: Row, _: int) -> None:
    code = refusal.DelistContractRefusal
    i = active(w, row, code)
    refuse_if(i.is_option, code.IS_OPTION)
    suspended, expiry, window = (
        row[name] for name in ("suspend_ns", "expiry_ns", "settlement_window_ns")
    )
    old = i.terms["expiry_ns"]
    refuse_if(suspended <= w.now, code.SUSPENSION_OUT_OF_RANGE)
    refuse_if(not suspended <= expiry <= (old or w.now + 366 * DAY), code.EXPIRY_OUT_OF_RANGE)
    refuse_if(not 0 <= window <= DAY, code.WINDOW_OUT_OF_RANGE)
    refuse_if(bool(old) and w.now >= old - i.terms["settlement_window_ns"], code.WINDOW_BEGUN)
    i.suspended, i.is_delisted = suspended, True
    i.terms = {**i.terms, "expiry_ns": expiry, "settlement_window_ns": window}
    i.next_expiry = expiry
    i.final_sum = i.final_ms = 0
    w.emit("ContractDelisted", **row)


@pytest.mark.rule("8.64", "8.65")
def refuse_price(w: World, row: Row, name: str, code: Any) -> Instrument:
    """What a price that somebody names must be."""
    i = active(w, row, code)
    refuse_if(not name.strip(), code.NAME_MISSING)
    asset = i.terms["underlying"]
    refuse_if(w.is_reported(asset), code.INDEX_REPORTED)
    a = w.assets[asset]
    lows = [low for low in (a.low, a.past_low) if low]
    fits = bool(lows) and min(lows) <= row["price_e8"] <= max(a.high, a.past_high)
    refuse_if(not fits, code.PRICE_OUT_OF_RANGE)
    return i


@pytest.mark.rule("8.64")
def propose_settlement(w: World, row: Row, _: int) -> None:
    i = refuse_price(w, row, row["proposer"], refusal.ProposeSettlementRefusal)
    i.proposed = (row["price_e8"], w.now, row["proposer"].strip().casefold())
    w.emit("SettlementProposed", **row)


@pytest.mark.rule("8.66")
def approve_settlement(w: World, row: Row, _: int) -> None:
    code = refusal.ApproveSettlementRefusal
    i = refuse_price(w, row, row["approver"], code)
    number, price = row["instrument"], row["price_e8"]
    stands = (
        i.proposed is not None and i.proposed[0] == price and w.now - i.proposed[1] <= 3_600 * 10**9
    )
    refuse_if(not stands, code.NOT_PROPOSED)
    assert i.proposed is not None
    refuse_if(row["approver"].strip().casefold() == i.proposed[2], code.SAME_NAME)
    w.emit("SettlementApproved", **row)
    told = {"instrument": number, "instant_ns": w.now, "basis": Basis.DECISION}
    if i.is_option:
        ticks = payoff(i, price)
        w.emit("OptionExpired", final_e8=price, ticks=ticks, **told)
    else:
        ticks = min(max(half_up(price, i.terms["tick_e8"]), 1), i.terms["ticks_max"])
        book.settle_at(w, number, ticks)
        w.emit("ContractExpired", ticks=ticks, **told)
    book.close_contract(w, number, ticks)
    for k, order in enumerate(w.orders, 1):
        if order.is_open and (order.kind, order.subject) == (OrderKind.POSITION, number):
            failure.close_order(w, k)
