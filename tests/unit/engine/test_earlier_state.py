from __future__ import annotations

import numpy as np
import pytest

from novate.engine.earlier_state import (
    Named,
    drop_called_amount,
    drop_done_rows,
    keep_earlier_defaults,
)
from novate.engine.state import State
from novate.engine.state_version import STATE_VERSION
from novate.kernel.codes import Layer
from novate.message import command
from novate.message.parameter import Parameter, initial_parameters
from novate.message.refusal import ReleaseMarginRefusal, ReportFillRefusal
from tests.unit.clearing import COIN, ClearingHouse


def house_with_history() -> ClearingHouse:
    """Reservations and orders, done and open ones, and a loss that stayed uncovered."""
    house = ClearingHouse()
    house.waterfall(Layer.GAINS_HAIRCUT)
    house.list_contract()
    house.open_client("A", deposit=5_500 * COIN)
    house.open_client("B", deposit=90_000 * COIN)
    house.price(500)
    house.trade("A", "EXTERNAL_MARKET", lots=100, ticks=500)
    b = {"account": house.number("B"), "instrument": 0, "limit_ticks": 500}
    for lots in (3, 4, 5):
        house.submit(command.RESERVE_MARGIN.row(**b, lots=lots))
    house.submit(command.RELEASE_MARGIN.row(reservation=2))
    house.price(440)
    house.fill(1, 0, 0, is_final=True)
    house.price(441, at_ns=house.state.now_ns + 60 * 10**9)
    return house


def with_done_rows(state: State) -> Named:
    """The columns as they were when a row was its number: what is done is zero in them."""
    named = state.columns()
    for table in ("reservations", "orders", "losses"):
        row = named.pop(f"{table}.number") - 1
        given = int(named.pop(f"{table}.given")[0])
        for name in [name for name in named if name.startswith(f"{table}.")]:
            wide = np.zeros(given, named[name].dtype)
            wide[row] = named[name]
            named[name] = wide
    named["losses.uncovered"] = np.zeros(len(named["losses.amount"]), np.int64)
    named["losses.uncovered"][0] = named.pop("uncovered")[0]
    return named


def decoded(named: Named) -> State:
    return State.restored(named, STATE_VERSION)


def test_a_state_whose_rows_were_numbers_becomes_the_present_one() -> None:
    house = house_with_history()
    earlier = with_done_rows(house.state)
    assert earlier["reservations.lots"].tolist() == [3, 0, 5]
    assert earlier["orders.is_open"].tolist() == [False, True]
    # At 440 A is worth 5,500 - 6,000; at 441 the lots have made 100 of that good (rule 13.30).
    assert earlier["losses.uncovered"].tolist() == [400 * COIN]

    state = decoded(drop_done_rows(earlier))

    house.state.defaults.share_due_ns = 0  # no state of that time knew it (rule 13.31)
    assert state.digest() == house.state.digest()


def test_numbers_go_on_and_late_answers_are_refused_after_that() -> None:
    house = house_with_history()
    house.engine.state = decoded(drop_done_rows(with_done_rows(house.state)))

    house.submit(command.RELEASE_MARGIN.row(reservation=2), allow_refusals=True)
    assert house.refusals() == [ReleaseMarginRefusal.UNKNOWN_RESERVATION]
    late = command.REPORT_FILL.row(order=1, quantity=1, price=441, is_final=True)
    house.submit(late, allow_refusals=True)
    assert house.refusals() == [ReportFillRefusal.ORDER_CLOSED]
    b = {"account": house.number("B"), "instrument": 0, "limit_ticks": 441}
    house.submit(command.RESERVE_MARGIN.row(**b, lots=1))
    assert house.events("MarginReserved", last=True)[0]["reservation"] == 4


def test_parameters_that_a_snapshot_of_before_does_not_have_are_as_journals_of_its_time() -> None:
    stored = initial_parameters(2)[: Parameter.JUMP_PPM]

    [parameters] = keep_earlier_defaults({"parameters": stored}).values()

    assert parameters.tolist() == initial_parameters(2).tolist()
    assert parameters[Parameter.JUMP_PPM] == parameters[Parameter.RAMP_PPM] == 0


@pytest.mark.rule("10.62")
def test_what_a_call_of_before_asked_for_is_no_column_any_more() -> None:
    earlier = {"accounts.call_amount": np.array([5]), "accounts.deadline_ns": np.array([9])}

    assert list(drop_called_amount(earlier)) == ["accounts.deadline_ns"]
    assert len(earlier) == 2
