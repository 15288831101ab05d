from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.kernel.clearing.assess import SUM_MAX
from novate.margin.add_on.concentration import Concentration
from novate.message.parameter import Parameter, Scope, set_parameter
from novate.valuation.group_book import GroupBook, joined
from novate.valuation.requirement import Component
from tests.unit.clearing import COIN, ClearingHouse

X, Y, Z, INVERSE, OPTION, UNMARKED = range(6)
BTC, ETH = 1, 2
GROUPS = np.array([9, 10])
"""Numbers of A and B; without more A is asked."""


@pytest.fixture(scope="module")
def house() -> ClearingHouse:
    """X, Y and the inverse contract are on one coin at 100, Z on another at 50; and a call."""
    built = ClearingHouse(assets=(("BTC", 8, 0), ("ETH", 8, 0)))
    for symbol, underlying in (("X", BTC), ("Y", BTC), ("Z", ETH)):
        built.list_contract(symbol, underlying=underlying)
    built.list_contract("I", form=2, settlement_asset=BTC, unit=10**10, lots_max=10**7)
    built.list_option("C")
    built.price(None, e8={0: 100 * 10**8, 1: 50 * 10**8})
    built.smile(0.5)
    built.assess()
    built.list_contract("U")
    built.open_client("A")
    built.open_client("B")
    return built


def terms(house: ClearingHouse, floor: int, rate_ppm: int) -> None:
    house.submit(set_parameter(Parameter.CONCENTRATION_FLOOR, floor))
    house.submit(set_parameter(Parameter.CONCENTRATION_PPM, rate_ppm))


def book(*rows: tuple[int, int, int, int]) -> GroupBook:
    """A book of rows: instrument, lots, open buys, open sells."""
    columns = np.array(sorted(rows), np.int64).reshape(-1, 4).T
    instrument, lots, buys, sells = columns
    return GroupBook(
        instrument=instrument, netting_set=np.zeros(len(lots), np.int64), lots=lots,
        entry_cost=np.zeros(len(lots), np.int64), buy_lots=buys, sell_lots=sells,
    )  # fmt: skip


def asked(house: ClearingHouse, *rows: tuple[int, int, int, int]) -> tuple[int, int]:
    """Initial and maintenance margin; the components of the book add up to them."""
    held = book(*rows)
    found = Concentration().margins(house.state, GROUPS[:1], joined([held]))
    parts = Concentration().components(house.state, int(GROUPS[0]), held)
    initial, maintenance = found[0].tolist()
    assert initial == sum(part.initial for part in parts)
    assert maintenance == sum(part.maintenance for part in parts)
    return initial, maintenance


@pytest.mark.rule("3.32")
def test_what_is_held_of_an_underlying_beyond_the_floor_is_charged(house: ClearingHouse) -> None:
    terms(house, floor=3_000 * COIN, rate_ppm=100_000)
    held = ((X, 50, 0, 0), (Y, -10, 0, 0), (Z, -100, 0, 0))

    # 5,000 long less 1,000 short is 1,000 beyond the floor; 5,000 short is 2,000 beyond it.
    assert asked(house, *held) == (300 * COIN, 300 * COIN)
    assert Concentration().components(house.state, int(GROUPS[0]), book(*held)) == (
        Component("concentration", BTC, 100 * COIN, 100 * COIN),
        Component("concentration", ETH, 200 * COIN, 200 * COIN),
    )
    assert asked(house, (X, 30, 0, 0), (Z, 60, 0, 0)) == (0, 0)
    assert asked(house) == (0, 0)


@pytest.mark.rule("3.32")
def test_an_inverse_contract_counts_with_the_sign_of_its_lots(house: ClearingHouse) -> None:
    terms(house, floor=0, rate_ppm=1_000_000)

    # 10^10 / 100 ledger units of a coin at 100, that is a coin, for each lot.
    assert asked(house, (INVERSE, 3, 0, 0)) == (300 * COIN, 300 * COIN)
    assert asked(house, (INVERSE, -3, 0, 0), (X, 3, 0, 0)) == (0, 0)


@pytest.mark.rule("3.32")
def test_options_and_contracts_without_a_mark_do_not_count(house: ClearingHouse) -> None:
    terms(house, floor=0, rate_ppm=1_000_000)
    assert house.state.marks.mark[OPTION] > 0

    assert house.state.marks.mark[UNMARKED] == 0

    assert asked(house, (OPTION, -1_000, 5, 5), (UNMARKED, 1_000, 5, 5)) == (0, 0)


@pytest.mark.rule("3.33")
def test_initial_margin_is_that_of_the_worst_that_open_orders_reach(house: ClearingHouse) -> None:
    terms(house, floor=1_000 * COIN, rate_ppm=100_000)

    assert asked(house, (X, 12, 3, 0), (Y, 0, 5, 1)) == (100 * COIN, 20 * COIN)
    # All sells of both: 12 - 30 and -1, 1,900 short.
    assert asked(house, (X, 12, 3, 30), (Y, 0, 5, 1)) == (100 * COIN, 20 * COIN)
    assert asked(house, (X, 12, 3, 40), (Y, 0, 5, 1)) == (190 * COIN, 20 * COIN)


@pytest.mark.rule("3.32")
def test_a_share_is_rounded_up(house: ClearingHouse) -> None:
    terms(house, floor=100 * COIN - 1, rate_ppm=1)

    assert asked(house, (X, 1, 0, 0)) == (1, 1)


@pytest.mark.rule("3.32", "6.15")
def test_a_group_may_have_a_floor_and_a_rate_of_its_own(house: ClearingHouse) -> None:
    terms(house, floor=0, rate_ppm=0)
    held = joined([book((X, 10, 0, 0))] * 2)
    house.submit(set_parameter(Parameter.CONCENTRATION_PPM, 10_000, Scope.GROUP, 10))
    house.submit(set_parameter(Parameter.CONCENTRATION_FLOOR, 500 * COIN, Scope.GROUP, 10))

    found = Concentration().margins(house.state, GROUPS, held)

    assert found.tolist() == [[0, 0], [5 * COIN, 5 * COIN]]
    house.submit(set_parameter(Parameter.CONCENTRATION_PPM, 0, Scope.GROUP, 10))
    found = Concentration().margins(house.state, GROUPS, held)
    assert found.tolist() == [[0, 0], [0, 0]]


SIDES = st.tuples(st.integers(-500, 500), st.integers(0, 300), st.integers(0, 300))
BOOKS = st.tuples(SIDES, SIDES, SIDES)


def rows_of(sides: tuple[tuple[int, int, int], ...]) -> list[tuple[int, int, int, int]]:
    return [(i, *side) for i, side in zip((X, Y, INVERSE), sides, strict=True)]


def merged(*books: tuple[tuple[int, int, int], ...]) -> list[tuple[int, int, int, int]]:
    added = np.array(books).sum(axis=0).tolist()
    return rows_of(tuple(tuple(side) for side in added))


@pytest.mark.rule("3.32", "3.33")
@given(
    first=BOOKS,
    second=BOOKS,
    rate_ppm=st.integers(0, 10**6),
    floor_coins=st.sampled_from([0, 20_000, 50_001]),
)
def test_the_charge_obeys_its_laws(
    house: ClearingHouse,
    first: tuple[tuple[int, int, int], ...],
    second: tuple[tuple[int, int, int], ...],
    rate_ppm: int,
    floor_coins: int,
) -> None:
    terms(house, floor_coins * COIN, rate_ppm)
    one = asked(house, *rows_of(first))
    mirrored = tuple((-lots, sells, buys) for lots, buys, sells in first)

    # Initial margin is never below maintenance margin, and longs are asked what shorts are.
    assert one[0] >= one[1] >= 0
    assert asked(house, *rows_of(mirrored)) == one
    # Below the floor nothing is asked; beyond it more of the same side never asks for less.
    net = abs(sum(lots * 100 * COIN for lots, _, _ in first))
    assert (one[1] == 0) == (net <= floor_coins * COIN or rate_ppm == 0)
    doubled = asked(house, *merged(first, first))
    assert doubled[0] >= one[0]
    assert doubled[1] >= one[1]
    # Without a floor two books together are asked for no more than apart; with one they may be,
    # for each has its own; then a half of the doubled books is a bound.
    both, other = asked(house, *merged(first, second)), asked(house, *rows_of(second))
    if floor_coins == 0:
        assert both[0] <= one[0] + other[0]
        assert both[1] <= one[1] + other[1]
    doubled_other = asked(house, *merged(second, second))
    assert 2 * both[0] <= doubled[0] + doubled_other[0] + 2
    assert 2 * both[1] <= doubled[1] + doubled_other[1] + 2


@pytest.mark.rule("3.33")
@given(sides=BOOKS, data=st.data())
def test_no_fill_of_an_open_order_asks_for_more(
    house: ClearingHouse, sides: tuple[tuple[int, int, int], ...], data: st.DataObject
) -> None:
    terms(house, 10_000 * COIN, 123_457)
    before = asked(house, *rows_of(sides))[0]
    filled = []
    for lots, buys, sells in sides:
        bought, sold = data.draw(st.integers(0, buys)), data.draw(st.integers(0, sells))
        filled.append((lots + bought - sold, buys - bought, sells - sold))

    assert asked(house, *rows_of(tuple(filled)))[0] <= before


@pytest.mark.rule("3.33")
def test_a_net_counts_as_two_to_the_61_at_most_whatever_the_order() -> None:
    huge = ClearingHouse()
    for k in range(12):
        huge.list_contract(f"h{k}", unit=2**40, ticks_max=100, lots_max=10**4)
    huge.price(100)
    terms(huge, 0, 1_000_000)
    longs = [(k, 10**4, 0, 0) for k in range(12)]

    assert asked_of(huge, longs[:1]) == 2**40 * 10**6
    assert asked_of(huge, longs) == SUM_MAX
    assert asked_of(huge, [(k, -lots, *rest) for k, lots, *rest in longs]) == SUM_MAX
    hedged = [(k, lots if k % 2 else -lots, *rest) for k, lots, *rest in longs]
    assert asked_of(huge, hedged) == 0


def asked_of(house: ClearingHouse, rows: list[tuple[int, ...]]) -> int:
    held = joined([book(*rows)])  # type: ignore[arg-type]
    found = Concentration().margins(house.state, GROUPS[:1], held)
    return int(found[0, 1])
