"""Numbers and instants as text, the same everywhere in the report.

Digits are grouped by commas, the minus is U+2212, instants are UTC.  An amount shows no more digits
than its size needs: none after the point from 1,000 up, two from 1 up, else up to six.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

NONE = "none"
MINUS = "\u2212"
FIXED_SPACE = "\u00a0"
SECOND_NS = 1_000_000_000
SIZE_MAX = 18
"""Powers of ten up to which a number is written out."""

_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")


def money(amount: Decimal | float) -> str:
    """Return an amount with as many decimals as its size needs.

    >>> money(Decimal("1234567.890000"))
    '1,234,568'
    >>> money(Decimal("0.004500"))
    '0.0045'
    """
    if not math.isfinite(amount):
        return "n/a"
    value = Decimal(repr(float(amount))) if isinstance(amount, float) else Decimal(amount)
    size = abs(value)
    if size == 0:
        return "0"
    if size >= 1000:
        text = f"{value:,.0f}"
    elif size >= 1:
        text = f"{value:,.2f}"
    elif size >= Decimal("0.000001"):
        text = f"{value:.6f}".rstrip("0").rstrip(".")
    else:
        text = "<0.000001" if value > 0 else ">-0.000001"
    return text.replace("-", MINUS)


def exact(amount: Decimal) -> str:
    """Return every digit of an amount, grouped; for a hover text."""
    return f"{amount:,f}".replace("-", MINUS)


def money_or_none(amount: Decimal | float) -> str:
    """Return an amount, or the word for none when it is zero."""
    return NONE if amount == 0 else money(amount)


def signed(amount: Decimal | float) -> str:
    """Return an amount with its sign, and `no change` for zero."""
    if amount == 0:
        return "no change"
    return money(amount) if amount < 0 else f"+{money(amount)}"


def compact(amount: float) -> str:
    """Return an amount in three digits and a word of scale, for the sentence above a chart.

    >>> compact(12_345_678.0).split()
    ['12.3', 'm']
    """
    # Rounded first, then scaled and written: 999,999 is 1 m, and 999.9 is not 1e+03.
    rounded = float(f"{amount:.3g}")
    for scale, word in ((1e9, "bn"), (1e6, "m"), (1e3, "k")):
        if abs(rounded) >= scale:
            return f"{_short(rounded / scale)}{FIXED_SPACE}{word}"
    return _short(rounded) if abs(rounded) >= 1 else money(rounded)


def _short(number: float) -> str:
    return f"{float(f'{number:.3g}'):,g}".replace("-", MINUS)


def count(number: int) -> str:
    """Return a whole number, digits grouped."""
    return f"{number:,}".replace("-", MINUS)


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """Return a number with its noun, `no` for zero.

    >>> counted(1, "call"), counted(0, "call")
    ('1 call', 'no calls')
    """
    many = plural or f"{singular}s"
    if number == 0:
        return f"no {many}"
    return f"{count(number)} {singular if number == 1 else many}"


def percent(fraction: float, digits: int = 1) -> str:
    """Return a fraction as a percentage."""
    if not math.isfinite(fraction):
        return "n/a"
    return f"{100 * fraction:,.{digits}f}{FIXED_SPACE}%".replace("-", MINUS)


def any_number(value: str | float | None) -> str:
    """Group the digits of a value that reads as a number; leave every other text as it is.

    Trailing zeros go, but a number of 1 or more with decimals keeps two of them.  An exponent is
    written out, and digits that are grouped already may be given.
    """
    if value is None:
        return NONE
    text = str(value)
    try:
        number = Decimal(text.replace(",", "") if _GROUPED.fullmatch(text) else text)
    except InvalidOperation:
        return text
    if not number.is_finite() or abs(number.adjusted()) > SIZE_MAX:
        return text
    grouped = f"{number:,f}"
    if "." in grouped:
        whole, decimals = grouped.split(".")
        decimals = decimals.rstrip("0")
        if decimals and abs(number) >= 1:
            decimals = decimals.ljust(2, "0")
        grouped = f"{whole}.{decimals}" if decimals else whole
    return grouped.replace("-", MINUS)


def instant(value: str | int | None, *, with_date: bool = True) -> str:
    """Return an instant in UTC, from ISO 8601 text or nanoseconds since 1970.

    Text that is no ISO 8601 instant is returned as it is; nothing becomes the word for none.
    """
    if value is None or value == "":
        return NONE
    if isinstance(value, int):
        moment = datetime.fromtimestamp(value // SECOND_NS, tz=UTC)
    else:
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return value
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.strftime("%Y-%m-%d %H:%M:%S" if with_date else "%H:%M:%S")


def sentence(parts: list[str]) -> str:
    """Join clauses as a person would: `a`, `a and b`, `a, b and c`."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def words(identifier: str) -> str:
    """Turn an identifier into words: `skin_in_the_game` becomes `Skin in the game`."""
    text = identifier.replace("_", " ").strip()
    return text[:1].upper() + text[1:]
