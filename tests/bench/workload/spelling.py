"""Runs of commands for any tree: a field is found by either of its names, or has its default."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from novate.canonical import Run
from novate.message import command

I64 = npt.NDArray[np.int64]

LATER = {"defence": "shortfall_policy"}
"""What a field is called in an earlier tree, and what it is called since."""


def rows(name: str, **columns: Any) -> Run:
    """Build a run of a command; a single value stands in every row.

    Parameters
    ----------
    name
        Name of the command.
    columns
        Values by field, arrays and lists of equal length or single values.
    """
    message = command.BY_NAME[name]
    declared = {field.name for field in message.fields}
    many = [len(value) for value in columns.values() if _is_column(value)]
    count = many[0] if many else 1
    added = {
        field.name: np.full(count, field.default)
        for field in message.fields
        if field.name not in columns and getattr(field, "default", None) is not None
    }
    return message.run(
        {
            **added,
            **{
                field if field in declared else LATER.get(field, field): (
                    value if _is_column(value) else np.full(count, value)
                )
                for field, value in columns.items()
            },
        }
    )


def _is_column(value: Any) -> bool:
    return isinstance(value, Sequence | np.ndarray)
