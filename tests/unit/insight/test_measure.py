"""What a state measures: shares of positions, accounts below a margin, balances of funds."""

from __future__ import annotations

import numpy as np
import pytest

from novate.engine.state import State
from novate.insight.measure import (
    below_margin,
    clearing_house_rows,
    concentration_row,
    fund_balances,
    market_rows,
    net_equity,
    solvency_row,
)
from novate.kernel.clearing.assess import EQUITY, INITIAL, MAINTENANCE, NET, WIDTH
from tests.unit.app.replay.small import finished

UNIT = 10**6


def test_concentration_shares_are_of_the_gross_position() -> None:
    first = concentration_row(5, "X", np.array([6.0, 3.0, 1.0]))
    none = concentration_row(5, "Y", np.zeros(0))

    assert [first[name] for name in ("top1", "top5", "hhi")] == pytest.approx([0.6, 1.0, 0.46])
    assert none["hhi"] == 0.0


def test_accounts_below_a_margin_are_counted_with_what_they_lack() -> None:
    numbers = np.zeros((4, WIDTH), np.int64)
    numbers[:, INITIAL] = np.array([10, 10, 10, 0]) * UNIT
    numbers[:, MAINTENANCE] = np.array([5, 5, 5, 0]) * UNIT
    numbers[:, EQUITY] = np.array([10, 7, -1, -3]) * UNIT

    assert below_margin(numbers) == (2, 1, 14.0, 6.0)


def test_solvency_is_the_sum_over_the_margin_accounts() -> None:
    _, done = finished()
    run, numbers = done.run, done.run.state.assess_all()
    mine = numbers[run.accounts.numbers]

    found = solvency_row(run.state, run.accounts.numbers, numbers, 7)

    assert found["instant_ns"] == 7
    assert found["client_equity"] == int(mine[:, NET].sum()) / UNIT
    assert found["negative_accounts"] == int((mine[:, NET] < 0).sum())
    assert found["insurance_fund"] == fund_balances(run.state)["fund"] / UNIT
    assert np.array_equal(net_equity(run.state, run.accounts.numbers), mine[:, NET])


def test_each_contract_has_a_row_of_prices_and_its_open_interest() -> None:
    _, done = finished()
    run = done.run

    rows = market_rows(run.state, run.observer.listing, 7)

    assert [row.price["instrument"] for row in rows] == run.state.instruments.symbols
    assert rows[0].price["mark"] == int(run.state.marks.mark[0]) / 10
    assert all(row.open_interest >= 0.0 for row in rows)


def test_accounts_of_the_clearing_house_that_are_not_open_have_no_row() -> None:
    numbers = np.zeros((0, WIDTH), np.int64)

    assert clearing_house_rows(State(), numbers, 5) == []
    assert fund_balances(State()) == {"fund": 0, "skin": 0, "default_fund": 0}


def test_balances_of_the_funds_are_those_of_their_accounts() -> None:
    state = finished()[1].run.state
    fund = int(state.accounts.balance[state.accounts.number["insurance-fund"], 0])

    assert fund_balances(state)["fund"] == fund
