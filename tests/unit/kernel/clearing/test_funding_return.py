from __future__ import annotations

import numpy as np
import pytest

from novate.kernel.clearing.funding_return import find_lacking, funding_payments
from novate.message import command
from novate.valuation.index_bound import index_bound
from novate.valuation.other_price import index_prices
from tests.unit.clearing import COIN, ClearingHouse


def house_at(last: int) -> ClearingHouse:
    """The index is 100 and the mark the last price; initial margin is 2%, and R is rich."""
    house = ClearingHouse()
    house.list_contract(tiers=((0, 20_000, 10_000),), basis_clamp_ppm=100_000)
    house.open_client("R", deposit=10**6 * COIN)
    house.price(100, last={0: last})
    return house


def candidates(house: ClearingHouse, rate: int) -> set[int]:
    """Accounts that are marked for a funding."""
    x, rows = house.state, house.state.holders(0)
    is_lacking = np.ones(rows.size, np.bool_)
    instruments = x.instrument_arrays()
    found = find_lacking(
        x.account_arrays(), x.positions.arrays(), instruments,
        instruments._replace(mark=index_prices(x).mark), x.asset_arrays(), index_bound(x), rate,
        rows, is_lacking,
    )  # fmt: skip
    assert found == np.count_nonzero(is_lacking)
    return set(x.positions.account[rows[is_lacking]].tolist())


@pytest.mark.rule("8.72")
def test_payers_that_are_short_at_the_index_are_candidates_and_no_receivers() -> None:
    # The return of 100 lots costs 500: the balances are what funding left.
    house = house_at(105)
    deposits = {"rich": 5_000, "enough": 502, "poor": 501}
    for name, amount in deposits.items():
        house.open_client(name, deposit=amount * COIN)
        house.trade(name, "R", lots=100, ticks=105)
    assert candidates(house, 10) == set()
    house.state.accounts.balance[house.number("poor"), 0] -= COIN + 1
    assert candidates(house, 10) == {house.number("poor")}
    assert candidates(house, -10) == set()


@pytest.mark.rule("8.72")
def test_who_has_open_orders_is_a_candidate_where_it_may_be_short() -> None:
    # An order at 110 holds 50 and loses 50 more at the index: 600 are needed, 599 are there.
    house = house_at(105)
    house.open_client("A", deposit=600 * COIN)
    house.trade("A", "R", lots=100, ticks=105)
    account = house.number("A")
    row = {"account": account, "instrument": 0, "lots": 10, "limit_ticks": 110}
    house.submit(command.RESERVE_MARGIN.row(**row))
    house.state.accounts.balance[account, 0] -= COIN
    assert candidates(house, 10) == {account}
    house.state.accounts.balance[account, 0] += 10_000 * COIN
    assert candidates(house, 10) == set()


@pytest.mark.rule("8.7")
def test_payments_are_those_of_the_funding() -> None:
    # 1% of 10,500,000,000 units; a payer rounds up.
    house = house_at(105)
    house.open_client("A", deposit=5_000 * COIN)
    house.trade("A", "R", lots=100, ticks=105)
    x, rows = house.state, house.state.holders(0)
    payments = np.empty(rows.size, np.int64)
    positions, instruments = x.positions.arrays(), x.instrument_arrays()
    funding_payments(positions, instruments, 0, 105, 10_000_001, rows, payments)
    assert sorted(payments.tolist()) == [-105_000_010, 0, 105_000_011]
