from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from novate.canonical import Run
from novate.engine.linked import Extract, decide_record
from novate.engine.recover import audit, recover
from novate.errors import InvariantError
from novate.kernel.codes import Origin, Role
from novate.message import command
from novate.message.parameter import Parameter, Scope, set_parameter
from novate.message.refusal import (
    LinkedRefusal,
    OpenAccountRefusal,
    ReleaseMarginRefusal,
    SetParameterRefusal,
    SetTierRefusal,
    SubmitTradeRefusal,
)
from tests.tiny_model import PLUGINS
from tests.unit.clearing import COIN, TERMS, ClearingHouse, _account

LINKED = LinkedRefusal.LINKED


def house_of_three() -> ClearingHouse:
    house = ClearingHouse()
    house.list_contract("X")
    house.list_contract("Y")
    for name in ("A", "B", "C"):
        house.open_client(name, deposit=5_500 * COIN)
    house.price(500)
    house.trade("A", "B", lots=10, ticks=500)
    return house


def link(house: ClearingHouse, *runs: Run) -> list[Any]:
    """Submit linked commands; returns the refusals."""
    house.last = house.engine.submit(list(runs), linked=True)
    house.batches += house.last
    return house.refusals()


def reserve(house: ClearingHouse, name: str, lots: int) -> Run:
    return command.RESERVE_MARGIN.row(
        account=house.number(name), instrument=0, lots=lots, limit_ticks=500
    )


def test_linked_rows_are_booked_in_one_record() -> None:
    house = house_of_three()
    number = house.engine.sequence

    refused = link(
        house,
        house.trade_run("A", "B", lots=5, ticks=500),
        house.trade_run("B", "C", lots=5, ticks=500),
    )

    assert refused == []
    assert [(b.sequence, b.origin) for b in house.last] == [(number + 1, Origin.LINKED)]
    assert [house.lots(name) for name in ("A", "B", "C")] == [15, -10, -5]


def test_one_refused_row_refuses_all_and_books_none() -> None:
    house = house_of_three()
    before = house.state.digest()

    refused = link(
        house,
        command.POST_COLLATERAL.row(account=house.number("C"), asset=0, amount=1),
        house.trade_run("A", "B", lots=5, ticks=500),
        house.trade_run("A", "C", lots=10_000, ticks=500),
        house.trade_run("B", "C", lots=5, ticks=500),
    )

    assert refused == [LINKED, LINKED, SubmitTradeRefusal.INSUFFICIENT_MARGIN, LINKED]
    rows = house.events("CommandRefused", last=True)
    assert [row["actual"] for row in rows[:2] + rows[3:]] == [2, 2, 2]
    assert house.state.digest() == before
    assert len(house.last) == 1


def test_the_failing_row_says_what_it_would_say_alone() -> None:
    house = house_of_three()
    count = house.state.accounts.count
    unknown = command.SUBMIT_TRADE.row(
        buyer=count + 3, seller=house.number("A"), instrument=0, ticks=500, lots=1,
        buyer_is_maker=False, buyer_reservation=0, seller_reservation=0,
    )  # fmt: skip

    refused = link(house, reserve(house, "A", 1), unknown)

    own = house.events("CommandRefused", last=True)[1]
    assert refused == [LINKED, SubmitTradeRefusal.UNKNOWN_BUYER]
    assert (own["actual"], own["allowed"]) == (count + 3, count)


def test_a_row_sees_what_the_rows_before_it_made() -> None:
    house = house_of_three()
    member = house.number("M")
    number = house.state.accounts.count

    refused = link(
        house,
        _account("D", Role.CLIENT, parent=member),
        command.POST_COLLATERAL.row(account=number, asset=0, amount=5_000 * COIN),
        command.RESERVE_MARGIN.row(account=number, instrument=0, lots=3, limit_ticks=500),
        command.SUBMIT_TRADE.row(
            buyer=number, seller=house.number("A"), instrument=0, ticks=500, lots=3,
            buyer_is_maker=False, buyer_reservation=1, seller_reservation=0,
        ),
    )  # fmt: skip

    assert refused == []
    assert house.number("D") == number
    assert house.lots("D") == 3
    assert house.state.reservations.used("lots").tolist() == [0]


def test_reservations_that_are_named_are_known() -> None:
    house = house_of_three()
    house.submit(reserve(house, "A", 2), reserve(house, "B", -2))

    refused = link(
        house,
        command.RELEASE_MARGIN.row(reservation=2),
        command.RELEASE_MARGIN.row(reservation=1),
        command.RELEASE_MARGIN.row(reservation=2),
    )

    assert refused == [LINKED, LINKED, ReleaseMarginRefusal.UNKNOWN_RESERVATION]
    assert link(house, command.RELEASE_MARGIN.row(reservation=2)) == []
    assert house.state.reservations.used("lots").tolist() == [2, 0]


def test_a_contract_is_listed_with_all_of_its_tiers_or_not_at_all() -> None:
    house = house_of_three()
    listing = command.LIST_INSTRUMENT.row(**{**TERMS, "symbol": "Z"})
    tiers = [
        command.SET_TIER.row(instrument=2, floor=floor, initial_ppm=ppm, maintenance_ppm=10)
        for floor, ppm in ((0, 100_000), (0, 50_000))
    ]
    count = house.state.instruments.count

    refused = link(house, listing, *tiers)
    assert refused == [LINKED, LINKED, SetTierRefusal.FLOOR_NOT_ASCENDING]
    assert house.state.instruments.count == count
    assert link(house, listing, tiers[0]) == []
    assert house.state.instruments.symbols[2] == "Z"


def test_a_contribution_that_exists_is_seen() -> None:
    house = house_of_three()
    house.open_member("N", default_fund=COIN)

    refused = link(house, _account("another", Role.DEFAULT_FUND, parent=house.number("N")))

    assert refused == [OpenAccountRefusal.ROLE_TAKEN]
    taken = link(
        house,
        _account("new", Role.MEMBER),
        _account("A", Role.MEMBER),
    )
    assert taken == [LINKED, OpenAccountRefusal.REFERENCE_TAKEN]


def test_refusals_of_linked_rows_recover_and_audit() -> None:
    house = house_of_three()
    link(house, house.trade_run("A", "C", lots=9_999, ticks=500), reserve(house, "A", 1))
    link(house, house.trade_run("A", "C", lots=9, ticks=500), reserve(house, "A", 1))
    assert house.engine.journal is not None

    digest = house.state.digest()
    assert recover(house.engine.journal).state.digest() == digest
    assert audit(house.engine.journal).digest == digest


def test_an_extract_is_empty_again_after_each_use() -> None:
    house = house_of_three()
    extract = Extract()
    house.submit(reserve(house, "A", 2))
    runs = [reserve(house, "B", -2), _account("D", Role.CLIENT, parent=house.number("M"))]

    decide_record(house.state, runs, Origin.LINKED, extract)

    x = extract.state
    assert not x.accounts.role.any()
    assert not x.accounts.balance.any()
    assert (x.accounts.head == -1).all()


def test_tables_of_an_extract_grow_with_those_of_the_state() -> None:
    house = house_of_three()
    extract = Extract()
    run = house.trade_run("A", "B", lots=1, ticks=500)
    decide_record(house.state, [run], Origin.LINKED, extract)
    for number in range(200):
        house.open_client(f"more {number}")
    house.submit(command.DECLARE_ASSET.row(symbol="ETH", decimals=8, haircut_bps=0))
    last = house.trade_run("A", "more 199", lots=0, ticks=500)

    decide_record(house.state, [run, last], Origin.LINKED, extract)

    assert extract.state.accounts.capacity >= house.state.accounts.count
    assert house.lots("A") == 11


def test_values_of_one_instrument_hold_for_linked_rows() -> None:
    house = house_of_three()
    house.submit(set_parameter(Parameter.TRADE_COLLAR_PPM, 1_000, Scope.INSTRUMENT, 1))

    refused = link(house, house.trade_run("A", "B", lots=1, ticks=505, instrument=1))

    assert refused == [SubmitTradeRefusal.PRICE_OUT_OF_RANGE]


def test_linked_rows_know_the_margin_groups_whose_parameters_they_set() -> None:
    house = house_of_three()
    a = house.number("A")

    assert link(house, set_parameter(Parameter.CALL_GRACE_NS, 5, Scope.GROUP, a)) == []
    unknown = set_parameter(Parameter.CALL_GRACE_NS, 5, Scope.GROUP, house.state.accounts.count)
    assert link(house, unknown) == [SetParameterRefusal.UNKNOWN_SUBJECT]


@pytest.mark.parametrize(
    ("lots", "refused"), [(1, []), (120, [LINKED, SubmitTradeRefusal.INSUFFICIENT_MARGIN])]
)
def test_a_group_is_given_a_margin_model_and_held_to_it_in_one_record(
    lots: int, refused: list[int]
) -> None:
    house = ClearingHouse(plugins=PLUGINS)
    house.list_contract("X")
    for name in ("A", "B"):
        house.open_client(name, deposit=5_500 * COIN)
    house.price(500)

    chosen = command.SET_MARGIN_MODEL.row(group=house.number("A"), model=2)
    codes = link(house, chosen, house.trade_run("A", "B", lots=lots, ticks=500))

    assert codes == refused
    assert house.state.accounts.margin_model[house.number("A")] == (0 if refused else 2)
    assert audit(house.engine.journal, plugins=PLUGINS).digest == house.state.digest()


@pytest.mark.parametrize(
    ("lots", "refused"), [(100, []), (101, [LINKED, SubmitTradeRefusal.INSUFFICIENT_MARGIN])]
)
def test_a_group_gets_an_add_on_and_is_held_to_it_in_one_record(
    lots: int, refused: list[int]
) -> None:
    house = ClearingHouse(plugins=PLUGINS)
    house.list_contract("X")
    for name in ("A", "B"):
        house.open_client(name, deposit=5_002 * COIN)
    house.price(500)

    chosen = command.SET_ADD_ON.row(group=house.number("A"), add_on=1, is_on=True)
    codes = link(house, chosen, house.trade_run("A", "B", lots=lots, ticks=500))

    assert codes == refused
    assert house.state.accounts.add_ons[house.number("A")] == (0 if refused else 2)
    assert audit(house.engine.journal, plugins=PLUGINS).digest == house.state.digest()


def test_an_extract_that_accepts_what_the_state_refuses_is_a_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    house = house_of_three()
    monkeypatch.setattr("novate.engine.linked._failing_row", lambda *_: None)

    with pytest.raises(InvariantError, match="what the extract accepts is accepted"):
        house.engine.submit([house.trade_run("A", "B", lots=10**5, ticks=500)], linked=True)


def test_rows_outside_the_extract_are_not_there() -> None:
    house = house_of_three()
    extract = Extract()
    extract.fill(house.state, [reserve(house, "A", 1)])

    roles = extract.state.accounts.used("role")
    assert roles[house.number("A")] == Role.CLIENT
    assert roles[house.number("C")] == 0
    assert np.count_nonzero(roles) == 10  # the eight of the house, A and its member
    held = extract.state.positions
    assert set(held.used("account").tolist()) == {house.number("A"), house.number("SETTLEMENT")}
