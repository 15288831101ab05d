"""One thing to measure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A call whose answer is checked before its time is taken.

    Attributes
    ----------
    name
        What is measured, as a reader of the table would say it.
    regime
        Size and state of the input: rows, warm or cold, in cache or not.
    unit, amount
        What one call works through: ``amount`` of ``unit``, for example 10,000 "rows".
    call
        The work; it leaves its input as it was.
    holds
        Whether an answer of ``call`` is right.
    """

    name: str
    regime: str
    unit: str
    amount: int
    call: Callable[[], object]
    holds: Callable[[object], bool]
