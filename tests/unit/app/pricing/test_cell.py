"""Numbers in cells: plain decimals only, refused with what is allowed."""

from __future__ import annotations

import pytest

from novate.adapter.book_file.sheet import CellError, Row
from novate.app.pricing.cell import number, optional, positive


@pytest.mark.parametrize("text", ["1", "-2.5", ".5", "1e-3", "+7.", "0"])
def test_plain_numbers_are_numbers(text: str) -> None:
    assert number("x", text, -10.0) == float(text)


@pytest.mark.parametrize("text", ["", "inf", "nan", "1_0", "0x1", "1e999", "1e16", "\u0661", "-11"])
def test_other_texts_are_not(text: str) -> None:
    with pytest.raises(CellError, match="a number from -10"):
        number("x", text, -10.0)


def test_an_empty_cell_may_be_none_but_not_positive() -> None:
    row = Row(number=2, cells={"a": "", "b": "0", "c": "3"})

    assert optional(row, "a") is None
    assert optional(row, "c") == positive(row, "c") == 3.0
    with pytest.raises(CellError, match="more than zero"):
        positive(row, "b")
    with pytest.raises(CellError, match="a number from 0"):
        positive(row, "a")
