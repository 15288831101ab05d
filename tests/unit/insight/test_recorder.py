"""What each event adds to the record of a run."""

from __future__ import annotations

import numpy as np
import pytest

from novate.kernel.codes import Layer
from novate.message import event
from novate.message.obligation import ObligationOutcome as Outcome
from tests.unit.insight.scene import UNIT, A, B, observer, row, take


def test_what_an_account_fails_with_is_kept_until_it_is_released() -> None:
    o = observer()
    take(o, row(event.LIQUIDATION_STARTED, account=A, net=90 * UNIT, equity=80, binding=-1))
    take(o, row(event.COLLATERAL_POSTED, account=A, amount=5 * UNIT))
    take(o, row(event.COLLATERAL_POSTED, account=B, amount=5 * UNIT))
    assert o.failed == {A: 95 * UNIT}

    take(o, row(event.LIQUIDATION_STOPPED, account=A))
    take(o, row(event.MARGIN_CALLED, account=B), row(event.DEFAULT_DECLARED, account=B, net=-1))

    assert o.failed == {B: -1}


def test_why_an_account_is_closed_is_told_by_the_mark_or_else_by_the_index() -> None:
    o = observer()
    numbers = {"equity": 80 * UNIT, "binding": -1, "index_equity": -7 * UNIT}
    for account, requirement, decided_by in ((A, 90 * UNIT, 1), (B, 50 * UNIT, 4)):
        started = row(
            event.LIQUIDATION_STARTED, account=account, requirement=requirement,
            decided_by=decided_by, **numbers,
        )  # fmt: skip
        take(o, started)

    [at_mark], [at_index] = o.facts[A], o.facts[B]
    assert "80.000000 fell below the maintenance margin of 90.000000" in at_mark["text"]
    assert "equity at the index, -7.000000, was below zero" in at_index["text"]


def test_a_call_that_waits_is_told_once_and_keeps_its_line_with_the_deadline_that_it_gets() -> None:
    o = observer()
    take(o, row(event.MARGIN_CALLED, account=A, deadline_ns=50, obligation=1))
    take(o, row(event.MARGIN_CALLED, account=B, deadline_ns=90, obligation=2))

    take(o, row(event.CALL_EXTENDED, account=A, deadline_ns=50))
    take(o, row(event.CALL_EXTENDED, account=B, deadline_ns=90, instrument=-1))
    assert [call["deadline_ns"] for call in o.tables["calls"]] == [50, 90]
    take(o, row(event.HOUSE_RESUMED, since_ns=60, length_ns=20))
    take(o, row(event.CALL_RESUMED, account=A, deadline_ns=85))
    take(o, row(event.CALL_EXTENDED, account=A, deadline_ns=85, instrument=1))

    assert [call["deadline_ns"] for call in o.tables["calls"]] == [85, 90]
    assert [fact["kind"] for fact in o.facts[A]] == ["call", "extended"]
    assert "the house pauses" in o.facts[B][1]["text"]


def test_prices_that_decided_are_told_where_they_were_not_the_marks() -> None:
    o = observer()
    told = {"worth": 30 * UNIT, "level": 40 * UNIT}
    started = row(event.LIQUIDATION_STARTED, account=A, binding=-1, decided_by=2, **told)
    take(o, started, row(event.DEFAULT_DECLARED, account=B, decided_by=1, **told))
    assert o.facts[A][0]["numbers"]["decided_at"] == "protected prices"
    assert o.facts[A][0]["numbers"]["worth"] == "30.000000"
    assert "decided_at" not in o.facts[B][0]["numbers"]


def test_the_course_of_a_call_is_one_line() -> None:
    o = observer()
    call = row(event.MARGIN_CALLED, account=A, amount=350 * UNIT, deadline_ns=99, obligation=1)
    take(o, call, at_ns=5)
    assert o.tables["calls"] == [
        {
            "instant_ns": 5, "account": A, "amount": 350.0, "paid": 0.0, "deadline_ns": 99,
            "status": "open", "resolved_ns": 0,
        }
    ]  # fmt: skip

    take(o, row(event.OBLIGATION_PAID, obligation=1, account=A, amount=350 * UNIT), at_ns=7)
    take(o, row(event.OBLIGATION_CLOSED, obligation=1, account=A, outcome=Outcome.PAID), at_ns=7)
    outcomes = (Outcome.MET, Outcome.WAIVED, Outcome.FAILED)
    for number, outcome in enumerate(outcomes, 2):
        take(o, row(event.MARGIN_CALLED, account=B, amount=1, obligation=number), at_ns=9)
        ended = row(event.OBLIGATION_CLOSED, obligation=number, account=B, outcome=outcome)
        take(o, ended, at_ns=9 + number)
    take(o, row(event.MARGIN_CALL_MET, account=B), row(event.MARGIN_CALL_PAID, account=B))
    take(o, row(event.DEFAULT_DECLARED, account=B), at_ns=13)

    assert [(call["status"], call["resolved_ns"]) for call in o.tables["calls"]] == [
        ("paid", 7),
        ("met", 11),
        ("waived", 12),
        ("missed", 13),
    ]
    assert o.tables["calls"][0]["paid"] == 350.0
    assert (o.totals["calls_made"], o.totals["calls_met"], o.totals["defaults"]) == (4, 2, 1)


def test_a_fill_is_a_line_with_price_mark_notional_and_fee() -> None:
    o = observer()

    take(
        o,
        row(
            event.ORDER_FILLED, account=A, instrument=0, lots=-20, ticks=499_000,
            value=-998_000_000, fee=4_990_000,
        ),
    )  # fmt: skip

    # 20 lots of 0.001 at 49,900.0.
    assert o.tables["liquidations"] == [
        {
            "instant_ns": 5, "account": A, "instrument": "BTCUSDT", "lots": -20, "price": 49_900.0,
            "mark": 50_000.0, "notional": 998.0, "fee": 4.99,
        }
    ]  # fmt: skip
    assert o.totals["liquidated_notional"] == 998 * UNIT
    assert o.totals["liquidation_fees"] == 4_990_000
    assert o.fees[A] == pytest.approx(4.99)
    assert o.facts[A][0]["text"].startswith("Sold 0.02 BTCUSDT")


def test_a_loss_is_followed_to_its_payers() -> None:
    o = observer()

    take(o, row(event.ACCOUNT_TAKEN_OVER, account=A, equity=-500 * UNIT))
    take(o, row(event.LOSS_RECORDED, loss=1, account=A, amount=500 * UNIT))
    take(
        o,
        row(event.LOSS_ALLOCATED, loss=1, layer=int(Layer.INSURANCE_FUND), payer=0, amount=UNIT),
        row(event.GAINS_CUT, loss=1, amount=4 * UNIT, gains=9 * UNIT, winners=3),
        row(event.POSITION_DELEVERAGED, loss=1, account=B, amount=2 * UNIT),
    )
    take(o, row(event.SURPLUS_SWEPT, amount=6))

    assert o.totals["losses"] == 500 * UNIT
    assert o.shortfall[A] == 500 * UNIT
    assert dict(o.payers) == {
        "insurance_fund": UNIT,
        "variation_margin_gains_haircutting": 4 * UNIT,
        "auto_deleveraging": 2 * UNIT,
    }
    assert [(line["defaulter"], line["payer"]) for line in o.tables["losses"]] == [
        (A, 0), (A, -1), (A, B),
    ]  # fmt: skip
    assert o.totals["surplus_to_fund"] == 6
    assert o.taken_over_ns == {A: 5}


def test_deposits_and_withdrawals_of_every_asset_are_flows_at_their_price() -> None:
    o = observer()

    take(o, row(event.COLLATERAL_POSTED, account=A, amount=100))
    take(o, row(event.COLLATERAL_POSTED, account=A, asset=1, amount=7))
    take(o, row(event.COLLATERAL_WITHDRAWN, account=A, amount=30))

    assert o.flows[A] == 100 + 3 - 30
    assert [fact["kind"] for fact in o.facts[A]] == ["deposit", "deposit", "withdrawal"]
    assert o.facts[A][1]["numbers"] == {"amount": "0.00000007 BTC"}


def test_refusals_are_counted_by_name() -> None:
    o = observer()

    take(o, row(event.COMMAND_REFUSED, command="WithdrawCollateral", code=8))
    take(o, row(event.COMMAND_REFUSED, command="WithdrawCollateral", code=8))
    take(o, row(event.COMMAND_REFUSED, command="TakeOver", code=4))

    assert dict(o.refusals) == {
        ("WithdrawCollateral", "gains_unproven"): 2,
        ("TakeOver", "cause_gone"): 1,
    }


def test_funding_is_booked_on_what_was_held_before_the_step() -> None:
    o = observer()
    o.before = (
        np.array([A, B, A], np.int32),
        np.array([0, 0, 1], np.int32),
        np.array([2_000, -1_000, 5], np.int64),
    )

    take(o, row(event.FUNDING_SETTLED, instrument=0, ticks=500_000, rate_e9=100_000))

    # 2 BTC at 50,000 and one basis point.
    assert o.funding[A] == pytest.approx(-10.0)
    assert o.funding[B] == pytest.approx(5.0)

    back = ({"account": A, "amount": 4 * UNIT}, {"account": B, "amount": -4 * UNIT})
    take(o, *(row(event.FUNDING_RETURNED, instrument=0, **amounts) for amounts in back))

    assert o.funding[A] == pytest.approx(-6.0)
    assert o.funding[B] == pytest.approx(1.0)
