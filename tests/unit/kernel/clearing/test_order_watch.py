"""Orders that are new or changed, or whose contract moved, are due; ended ones are not."""

from __future__ import annotations

import numpy as np
import pytest

from novate.kernel.clearing.order_watch import orders_due

NUMBER, INSTRUMENT = np.array([4, 7, 9]), np.array([0, 1, 0], np.int32)
LOTS, HOLD = np.array([5, -5, 2]), np.array([10, 20, 30])


@pytest.mark.parametrize(
    ("change", "moved", "due"),
    [
        ({}, (), []),
        ({}, (1,), [1]),
        ({}, (0,), [0, 2]),
        ({"number": (4, 8, 9)}, (), [1]),
        ({"lots": (5, -4, 2)}, (), [1]),
        ({"lots": (5, 0, 2)}, (1,), []),
        ({"hold": (10, 20, 31)}, (), [2]),
    ],
)
def test_rows_that_differ_from_what_was_seen_are_due(
    change: dict[str, tuple[int, ...]], moved: tuple[int, ...], due: list[int]
) -> None:
    now = {"number": NUMBER, "lots": LOTS, "hold": HOLD}
    now |= {name: np.array(values) for name, values in change.items()}
    out, has_moved = np.empty(3, np.int64), np.isin(np.arange(2), moved)

    count = orders_due(
        now["number"], INSTRUMENT, now["lots"], now["hold"], NUMBER, LOTS, HOLD, has_moved, out
    )

    assert out[:count].tolist() == due


def test_rows_beyond_those_that_were_seen_are_due() -> None:
    out = np.empty(3, np.int64)
    seen = NUMBER[:1], LOTS[:1], HOLD[:1]

    assert orders_due(NUMBER, INSTRUMENT, LOTS, HOLD, *seen, np.zeros(2, np.bool_), out) == 2
    assert out[:2].tolist() == [1, 2]
