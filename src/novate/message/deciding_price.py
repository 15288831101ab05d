"""Which prices a decision about an account went by, and the columns that tell it."""

from __future__ import annotations

from enum import IntEnum

from novate.message.declare import Field


class DecidingPrice(IntEnum):
    """Prices of an assessment; a number is never reused."""

    NOT_TOLD = 0  # by an event of an earlier version
    MARK = 1  # the marks
    PROTECTED = 2  # the protected prices (rule 5.110)
    RAMP = 3  # the ramp prices (rule 5.90)
    INDEX = 4  # the index prices, at which it owes money (rules 5.94 and 5.112)


def decided_by(since: int) -> Field:
    """Return the column that tells which prices decided."""
    doc = "message.deciding_price.DecidingPrice: prices that decided"
    return Field("decided_by", "int8", doc, since, int(DecidingPrice.NOT_TOLD))


def decided(since: int) -> tuple[Field, Field, Field]:
    """Return the columns that tell which prices decided, and what was compared at them."""
    return (
        decided_by(since),
        Field("worth", "int64", "what was compared there, numeraire units", since, 0),
        Field("level", "int64", "what it fell below there, numeraire units", since, 0),
    )
