"""The worked examples of the rulebook: its numbers are those of the engine."""

from __future__ import annotations

import re

import numpy as np
import pytest

from novate.market.collar import house_limit, width_of
from novate.message import command
from tests.reference import writer
from tests.unit.clearing import COIN, E8
from tests.unit.settlement.test_funding_return import by_name, enter, fund, house_at, returned

RULEBOOK = (writer().DOCS / "rulebook.md").read_text(encoding="utf-8")


def example(rule: str) -> list[int]:
    """Numbers of a rule's example, in its order, decimals and `%` left out."""
    [text] = re.findall(
        rf"^- \*\*R {re.escape(rule)}\*\* .* Example: (.*)$", RULEBOOK, re.MULTILINE
    )
    return [int(found.replace(",", "")) for found in re.findall(r"(?<![\w.])\d[\d,]*\b", text)]


def limit(mark: int, index: int, collar_ppm: int) -> tuple[int, int]:
    """Width and limit of a sale."""
    prices = np.array([[mark], [index]])
    width = width_of(prices[0], collar_ppm)
    found = house_limit(prices[0], prices[1], width, collar_ppm, np.array([True]), 10**9)
    return int(width[0]), int(found[0])


@pytest.mark.rule("11.50", "11.53")
def test_limits_of_a_sale_at_a_mark_away_from_the_index() -> None:
    mark, index, percent, width, *first = example("11.50")[:11]

    assert limit(mark, index, percent * 10_000) == (width, first[-1])
    assert first == [
        mark, width, mark - width, index, width // 2, index - width // 2, index - width // 2,
    ]  # fmt: skip
    mark, width, *second = example("11.50")[11:]
    assert limit(mark, index, percent * 10_000) == (width, second[-1])
    assert second == [mark - width, index - width // 2, mark - width]


@pytest.mark.rule("8.73")
def test_funding_paid_by_a_group_that_has_too_little_at_the_index() -> None:
    index, mark, cash, lots, entry, percent, size, paid, *after = example("8.73")
    house = house_at(mark, "A")
    house.deposit("A", cash * COIN)
    enter(house, "A", "R", lots=lots, ticks=entry)
    fund(house)

    assert (index, entry, size) == (100, mark, lots * mark)
    assert size * percent == paid * 100
    at_mark = cash - paid
    lost = lots * (mark - index)
    back = lost - at_mark
    assert returned(house) == by_name(house, A=back, R=-back)
    assert after == [at_mark, at_mark, lost, back, back, 0, back, paid - back]


@pytest.mark.rule("8.78")
def test_funding_paid_after_the_mark_came_back_to_the_index() -> None:
    index, premium, average, cash, lots, entry, percent, size, *after = example("8.78")
    assert (average, entry) == (index * (100 + premium) // 100, average)
    house = house_at(average, "A")
    house.deposit("A", cash * COIN)
    enter(house, "A", "R", lots=lots, ticks=entry)
    due = int(house.state.instruments.next_funding_ns[0])
    house.submit(
        command.ADVANCE_TIME.row(instant_ns=due - 1),
        command.REPORT_PRICE.row(source=0, price_e8=index * E8, observed_ns=due - 1),
        command.REPORT_LAST.row(instrument=0, ticks=index),
        command.ASSESS_MARGIN.row(instant_ns=due - 1),
        command.ADVANCE_TIME.row(instant_ns=due),
        allow_refusals=True,
    )

    assert size == lots * index
    paid, lost = size * percent // 100, lots * (entry - index)
    back = paid + lost - cash
    assert returned(house) == by_name(house, A=back, R=-back)
    assert after == [cash, lost, paid, back, average, cash - paid, back, back, 0, 0, back]
