from __future__ import annotations

from novate.margin.contract_rule import CATALOGUE
from novate.valuation.group_book import book_of
from tests.unit.clearing import COIN, ClearingHouse


def test_every_contract_is_covered_by_exactly_one_rule_and_asks_what_the_kernels_add_up() -> None:
    house = ClearingHouse()
    house.list_contract("X")
    house.list_contract("inverse", form=2, settlement_asset=1, unit=10 * 10**8)
    house.list_option("C")
    for name in ("A", "B"):
        house.open_client(name, deposit=100_000 * COIN)
        house.deposit(name, 100 * 10**8, asset=1)
    house.price(100)
    house.smile(0.5)
    house.assess()
    x = house.state
    for i in range(3):
        ticks = int(x.marks.mark[i])
        house.trade("A", "B", lots=5, ticks=ticks, instrument=i)
        covering = [rule for rule in CATALOGUE if rule.covers(x, i)]
        assert len(covering) == 1
        for name in ("A", "B"):
            book = book_of(x, house.number(name))
            rows = [
                next(rule for rule in CATALOGUE if rule.covers(x, int(j))).margin(x, book, row)
                for row, j in enumerate(book.instrument)
            ]
            numbers = x.assess(house.number(name))
            assert sum(row[0] for row in rows) == numbers.initial
            assert sum(row[1] for row in rows) == numbers.maintenance


def test_a_rule_says_which_of_its_numbers_asks() -> None:
    house = ClearingHouse()
    house.list_contract("X", tiers=((0, 100_000, 50_000), (1_000 * COIN, 200_000, 100_000)))
    house.list_option("C", margin_rule=2)
    for name in ("A", "B"):
        house.open_client(name, deposit=100_000 * COIN)
    house.price(100)
    house.smile(0.5)
    house.assess()
    house.trade("B", "A", lots=50, ticks=100)
    house.trade("B", "A", lots=5, ticks=int(house.state.marks.mark[1]), instrument=1)
    book = book_of(house.state, house.number("A"))
    tier, short = CATALOGUE

    assert tier.margin(house.state, book, 0)[2] == 1
    assert short.margin(house.state, book, 1)[2] == 2
