from __future__ import annotations

import subprocess
import sys

import pytest

from novate.errors import (
    CapacityError,
    ConflictError,
    FencedError,
    InputError,
    InvariantError,
    JournalError,
    NovateError,
    RowFault,
    require,
)


@pytest.mark.parametrize(
    ("kind", "parent"),
    [
        (InvariantError, NovateError),
        (JournalError, NovateError),
        (ConflictError, JournalError),
        (FencedError, JournalError),
        (InputError, NovateError),
        (CapacityError, NovateError),
    ],
)
def test_every_fault_has_its_place_in_the_tree(
    kind: type[NovateError], parent: type[NovateError]
) -> None:
    assert kind.__mro__[1] is parent


def test_what_holds_passes_in_silence() -> None:
    require(True, "debits equal credits")


def test_what_does_not_hold_stops_with_the_thing_that_should_have_held() -> None:
    with pytest.raises(InvariantError, match=r"^debits equal credits$"):
        require(False, "debits equal credits")


def test_the_check_stays_on_when_python_drops_its_own() -> None:
    program = "from novate.errors import require; require(False, 'still checked')"

    ended = subprocess.run(
        [sys.executable, "-O", "-c", program], capture_output=True, text=True, check=False
    )

    assert ended.returncode == 1
    assert "InvariantError: still checked" in ended.stderr


def test_a_row_fault_names_file_row_column_value_and_what_is_allowed() -> None:
    fault = RowFault("book.csv", 7, "lots", "1.5", "a whole number")

    assert str(fault) == "book.csv, row 7, lots: '1.5'; allowed: a whole number"
