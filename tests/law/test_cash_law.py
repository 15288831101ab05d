"""Laws of cash: what is not there is not paid out, and a pumped gain does not leave by a friend."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from novate.adapter.memory_journal import MemoryJournal
from novate.engine.engine import Engine
from novate.kernel.codes import Role
from novate.message import command
from novate.message.declare import rows_of
from tests.law.strategies import seeds, stream_of
from tests.unit.clearing import COIN, E8, SECOND, START, ClearingHouse

few = settings(max_examples=int(os.environ.get("NOVATE_LAW_EXAMPLES", "6")), deadline=None)
"""Examples of a law; `make soak` takes more."""


@pytest.mark.rule("6.90", "6.91", "6.93")
@few
@given(seeds)
def test_the_clearing_house_never_holds_a_negative_amount(seed: int) -> None:
    engine = Engine(MemoryJournal())
    for runs in stream_of(seed):
        engine.submit(runs)
        custody = engine.state.single(Role.CUSTODY)
        if custody >= 0:
            assert (engine.state.accounts.balance[custody] <= 0).all()


@pytest.mark.rule("6.94", "6.95", "6.96")
@few
@given(seeds)
def test_what_is_unpaid_is_told_at_every_assessment_and_holds_until_the_next(seed: int) -> None:
    engine = Engine(MemoryJournal())
    told = 0
    for runs in stream_of(seed):
        for batch in engine.submit(runs):
            for run in batch.events:
                if run.name == "MarginAssessed":
                    told = rows_of(run)[-1]["unpaid"]
        assert engine.state.unpaid == told


ROUNDS = st.lists(
    st.tuples(
        st.sampled_from(["AF", "FA", "FH", "HF", "AH", "HA", "AB", "BA", "FB", "BF"]),
        st.sampled_from([0, 1]),
        st.integers(1, 60),
        st.integers(60, 140),
    ),
    max_size=40,
)
"""Buyer and seller, contract, lots, and a price in percent of the mark."""


@pytest.mark.rule("7.80", "7.81", "7.82", "7.83")
@few
@given(ROUNDS)
def test_colluding_accounts_take_out_no_more_of_a_pumped_coin_than_they_brought(
    rounds: list[tuple[str, int, int, int]],
) -> None:
    """A bought a thin coin from B, which was pumped; A, B and F trade with each other at will.

    H is honest: it trades at the mark alone.
    """
    house = ClearingHouse(assets=(("BTC", 8, 0), ("THIN", 8, 0)))
    house.list_contract("BTC", cycle_ns=0)
    house.list_contract("THIN", underlying=2, cycle_ns=0)
    brought = {"A": 1_500, "B": 1_500, "F": 2_000}
    for name, deposit in brought.items():
        house.open_client(name, deposit=deposit * COIN)
    house.open_client("H", deposit=10**6 * COIN)
    house.price(100, e8={1: 10 * E8})
    house.trade("A", "B", lots=100, ticks=10, instrument=1)
    house.price(100, at_ns=START + SECOND, e8={1: 30 * E8})
    taken = 0
    for pair, instrument, lots, percent in rounds:
        mark = int(house.state.marks.mark[instrument])
        ticks = mark if "H" in pair else max(mark * percent // 100, 1)
        run = house.trade_run(pair[0], pair[1], lots=lots, ticks=ticks, instrument=instrument)
        house.submit(run, allow_refusals=True)
        for name in brought:
            for part in (1, 2, 8):
                row = {"account": house.number(name), "asset": 0}
                amount = max(house.balance(name) // part, 1)
                house.submit(
                    command.WITHDRAW_COLLATERAL.row(**row, amount=amount), allow_refusals=True
                )
                taken += 0 if house.refusals() else amount

    assert taken <= sum(brought.values()) * COIN
