"""What an observer counts and measures while a run goes on."""

from __future__ import annotations

import pytest

from novate.book.state import SINGLE_ROLES
from novate.message import event
from tests.unit.app.replay.small import finished
from tests.unit.insight.scene import UNIT, A, B, listed, observer, row, take


def test_records_and_events_are_counted_those_without_a_row_too() -> None:
    o = observer()

    take(o, event.TIME_ADVANCED.run({"instant_ns": [1, 2, 3]}), row(event.MARK_UPDATED))

    assert (o.records, o.events) == (1, 4)
    assert dict(o.tables) == {}


def test_trade_fees_go_to_both_sides() -> None:
    o = observer()

    take(o, row(event.TRADE_NOVATED, buyer=A, seller=B, buyer_fee=3 * UNIT, seller_fee=-UNIT))
    take(o, row(event.TRADE_NOVATED, buyer=B, seller=99, buyer_fee=2 * UNIT, seller_fee=UNIT))

    assert (o.fees[A], o.fees[B]) == (3.0, 1.0)


def test_what_is_listed_is_read_again_when_something_was_listed_since() -> None:
    o = observer()
    take(o)
    first = o.listing

    take(o)

    assert o.listing is first
    assert [one.symbol for one in first.instruments] == listed().instruments.symbols


def test_the_opening_is_neither_a_deposit_nor_a_fact() -> None:
    o = observer()
    take(o, row(event.COLLATERAL_POSTED, account=A, amount=UNIT))

    o.begin(listed())

    assert (dict(o.flows), dict(o.facts), o.fund, o.fund_low) == ({}, {}, 0, 0)


def test_the_lowest_balance_of_the_fund_is_that_after_an_event() -> None:
    o = observer()
    take(o)
    o.begin(listed())

    take(o, row(event.SURPLUS_SWEPT, amount=5), at_ns=6)
    take(o, row(event.LOSS_RECORDED, loss=1, account=A), at_ns=7)
    take(o, row(event.LOSS_ALLOCATED, loss=1, layer=2, amount=8), at_ns=8)
    take(o, row(event.SURPLUS_SWEPT, amount=1), at_ns=9)

    assert (o.fund, o.fund_low, o.fund_low_ns) == (-2, -3, 8)


def test_a_measurement_reads_the_state_of_the_end_of_a_bar() -> None:
    prepared, done = finished()
    tables = done.run.observer.tables
    x = done.engine.state

    last = tables["solvency"][-1]
    mine = x.assess_all()[prepared.book.accounts.numbers]
    assert last["client_equity"] == pytest.approx(mine[:, 1].sum() / UNIT)
    assert last["initial_margin"] == pytest.approx(mine[:, 2].sum() / UNIT)
    assert last["negative_accounts"] == int((mine[:, 1] < 0).sum())
    long_side = sum(
        int(lots) * int(x.instruments.unit[i]) * int(x.marks.mark[i])
        for i in range(2)
        for lots in x.positions.used("lots")[x.positions.used("instrument") == i]
        if lots > 0
    )
    assert last["open_interest"] == pytest.approx(long_side / UNIT)
    assert {row["account"] for row in tables["ccp"]} == {role.name.lower() for role in SINGLE_ROLES}
