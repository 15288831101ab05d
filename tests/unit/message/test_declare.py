from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.errors import InputError
from novate.message.command import POST_COLLATERAL
from novate.message.declare import TEXT, Field, Message, columns_of, rows_of

NOTE = Message(
    "Note",
    3,
    (
        Field("text", TEXT, "words"),
        Field("small", "int8", "a code"),
        Field("number", "uint32", "a number"),
        Field("share", "float64", "a share"),
        Field("is_final", "bool", "a flag"),
    ),
    "A message with a column of each kind.",
    renamed={2: {}, 3: {}},
)
RELEASED = Message(
    "Released", 1, (Field("account", "uint32", "who"), Field("amount", "int64", "much")), "Two."
)
COLUMNS: dict[str, Any] = {
    "text": ["a", "b"],
    "small": [-1, 2],
    "number": [0, 2**32 - 1],
    "share": [0.5, 1],
    "is_final": [True, False],
}


def test_a_run_has_the_columns_in_their_declared_order_and_dtype() -> None:
    run = NOTE.run(dict(reversed(COLUMNS.items())))

    assert (run.name, run.version, run.rows) == ("Note", 3, 2)
    assert [name for name, _ in run.columns] == ["text", "small", "number", "share", "is_final"]
    assert columns_of(run)["text"] == ("a", "b")
    dtypes = [str(column.dtype) for _, column in run.columns[1:]]
    assert dtypes == ["int8", "uint32", "float64", "bool"]


def test_rows_come_back_as_plain_python_values() -> None:
    rows = rows_of(NOTE.run(COLUMNS))

    assert rows == [
        {"text": "a", "small": -1, "number": 0, "share": 0.5, "is_final": True},
        {"text": "b", "small": 2, "number": 2**32 - 1, "share": 1.0, "is_final": False},
    ]
    assert [type(value) for value in rows[0].values()] == [str, int, int, float, bool]


def test_one_row_is_built_from_values_by_name() -> None:
    run = POST_COLLATERAL.row(account=1, asset=0, amount=7)

    assert rows_of(run) == [{"account": 1, "asset": 0, "amount": 7}]


def test_a_run_of_no_rows_keeps_its_dtypes() -> None:
    run = NOTE.run({name: [] for name in COLUMNS})

    assert run.rows == 0
    assert rows_of(run) == []
    assert str(columns_of(run)["number"].dtype) == "uint32"


def test_an_array_of_the_right_dtype_is_taken_without_copying() -> None:
    amounts = np.array([1, 2, 3])

    run = POST_COLLATERAL.run({"account": [0, 0, 0], "asset": [0, 0, 0], "amount": amounts})

    assert columns_of(run)["amount"] is amounts


def test_an_array_with_strides_becomes_contiguous() -> None:
    every_other = np.arange(6)[::2]

    run = POST_COLLATERAL.run({"account": [0] * 3, "asset": [0] * 3, "amount": every_other})

    assert columns_of(run)["amount"].flags.c_contiguous
    assert columns_of(run)["amount"].tolist() == [0, 2, 4]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"other": [1, 2]}, r"Note: unknown column \['other'\]"),
        ({"small": None}, r"Note: column 'small' is missing"),
        ({"number": [1]}, r"Note.number: 1 rows where 2 are expected"),
        ({"text": ["a", 5]}, r"Note.text: 5 is not text"),
        ({"small": [0, 128]}, r"Note.small: 128 is outside -128 .. 127"),
        ({"small": [-129, 0]}, r"Note.small: -129 is outside -128 .. 127"),
        ({"number": [-1, 0]}, r"Note.number: -1 is outside 0 .. 4294967295"),
        ({"number": [0, 2**32]}, r"Note.number: 4294967296 is outside 0 .. 4294967295"),
        ({"number": [0.0, 1.0]}, r"Note.number: float64 where uint32 is expected"),
        ({"share": ["a", "b"]}, r"Note.share: <U1 where float64 is expected"),
    ],
)
def test_what_does_not_fit_exactly_is_refused_with_the_value(
    change: dict[str, Any], message: str
) -> None:
    given_columns = {**COLUMNS, **change}
    columns = {name: values for name, values in given_columns.items() if values is not None}

    with pytest.raises(InputError, match=message):
        NOTE.run(columns)


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 2**32 - 1), st.integers(-(2**63), 2**63 - 1)), max_size=20
    )
)
def test_rows_written_and_read_are_the_same_rows(rows: list[tuple[int, int]]) -> None:
    run = RELEASED.run({"account": [a for a, _ in rows], "amount": [n for _, n in rows]})

    assert [(row["account"], row["amount"]) for row in rows_of(run)] == rows
