from __future__ import annotations

import pytest

from novate.adapter.quarantine import Quarantine
from novate.errors import InputError, RowFault


def fault(row: int, column: str = "close") -> RowFault:
    return RowFault("bars.csv", row, column, "nan", "a number")


def test_every_fault_is_counted_and_a_few_are_kept() -> None:
    quarantine = Quarantine(examples_max=2)
    for row in range(1, 11):
        quarantine(fault(row))
    quarantine(fault(3, "open"))

    assert quarantine.count == 11
    assert [example.row for example in quarantine.examples] == [1, 2, 3]
    assert [(line["column"], line["count"]) for line in quarantine.summary()] == [
        ("close", 10),
        ("open", 1),
    ]
    assert quarantine.summary()[0]["first_row"] == 1
    assert "bars.csv, row 1, close: 'nan'; allowed: a number" in quarantine.summary()[0].values()


def test_one_fault_too_many_stops_the_reading() -> None:
    quarantine = Quarantine(faults_max=1)
    quarantine(fault(1))

    with pytest.raises(InputError, match=r"2 unusable rows.*row 2.*at most 1"):
        quarantine(fault(2))


def test_without_examples_the_counts_remain() -> None:
    quarantine = Quarantine(examples_max=0)
    quarantine(fault(1))

    assert quarantine.summary() == [
        {"file": "bars.csv", "column": "close", "count": 1, "first_row": 0, "example": ""}
    ]
