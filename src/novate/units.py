"""Amounts, prices and instants as exact integers, and every named rounding rule.

Money never passes through a float.  A decimal text becomes an integer count of the smallest unit
(`parse_decimal`), an instant becomes nanoseconds since 1970 UTC (`parse_instant`), and a product
that must be divided again is rounded by a rule with a name.  Which quantity uses which rule is
written at `Rounding`.

A number that a file stores as float64 (Parquet price columns do) enters through its *shortest
decimal text*, ``repr(x)``: the shortest decimal that reads back as the same float is the decimal
the writer had, for every decimal of up to 15 significant digits.  Multiplying the float by 10**8
instead would round twice and can land on the neighbouring unit.

Calendar dates are computed by arithmetic on day numbers (a year that starts in March makes the
leap day the last day of the year), so that no clock or calendar library reaches the pure floors.
"""

from __future__ import annotations

import enum
import math
import re

from novate.errors import CapacityError, InputError, require

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

INT64_MAX = 2**63 - 1
AMOUNT_MAX = 2**60
"""Largest amount that may be booked; eight of them still add up inside int64."""

NUMERAIRE_DECIMALS = 6
PRICE_DECIMALS = 8
PPM = 1_000_000

INSTANT_MAX = 9_214_646_400 * SECOND
"""2262-01-01, the first instant that is no longer accepted."""

EXPONENT_MAX = 30
DIGITS_MAX = 40

INSTANT_SCALE = {"s": SECOND, "ms": 1_000_000, "us": 1_000, "ns": 1}

_DECIMAL = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]{1,4}))?", re.ASCII)
_INSTANT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,12}))?)?)?"
    r"[ ]?(Z|z|UTC|[+-][0-9]{2}:?[0-9]{2})?",
    re.ASCII,
)
_DAYS_IN_MONTH = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class Rounding(enum.StrEnum):
    """Rounding rules by name; a quantity always uses the same one.

    ====================================  ===========================================
    quantity                              rule
    ====================================  ===========================================
    prices, quantities, amounts as input  EXACT: an extra digit must be zero
    requirements, fees, calls             CEILING: the account holder is asked for more
    credits, collateral values, payouts   FLOOR: the account holder gets no more
    trade values, settlement cash flows   HALF_UP once, then booked with both signs
    traded volume (no money)              HALF_UP
    ====================================  ===========================================

    Whatever a split leaves over is booked to the residue account, never dropped.  HALF_UP sends
    ties away from zero, so that the negative of an amount rounds to the negative of the result.
    """

    EXACT = "exact"
    FLOOR = "floor"
    CEILING = "ceiling"
    HALF_UP = "half-up"


def _divide(numerator: int, divisor: int, rounding: Rounding) -> int:
    """Divide by a positive divisor under a rule that rounds."""
    if rounding is Rounding.FLOOR:
        return numerator // divisor
    if rounding is Rounding.CEILING:
        return -(-numerator // divisor)
    quotient = (2 * abs(numerator) + divisor) // (2 * divisor)
    return quotient if numerator >= 0 else -quotient


def _muldiv(a: int, b: int, c: int, rounding: Rounding) -> int:
    require(c > 0, f"a divisor is positive (got {c})")
    result = _divide(int(a) * int(b), int(c), rounding)
    if abs(result) > INT64_MAX:
        message = f"{a} * {b} / {c} = {result}; allowed: at most {INT64_MAX} in size"
        raise CapacityError(message)
    return result


def muldiv_floor(a: int, b: int, c: int) -> int:
    """Return ``a * b / c`` rounded towards minus infinity: the rule for credits.

    Raises
    ------
    InvariantError
        If ``c`` is not positive.
    CapacityError
        If the result does not fit into 64 bits.

    Examples
    --------
    >>> muldiv_floor(7, 1, 2), muldiv_floor(-7, 1, 2)
    (3, -4)
    """
    return _muldiv(a, b, c, Rounding.FLOOR)


def muldiv_ceil(a: int, b: int, c: int) -> int:
    """Return ``a * b / c`` rounded towards plus infinity: the rule for requirements.

    Errors are those of `muldiv_floor`.

    Examples
    --------
    >>> muldiv_ceil(7, 1, 2), muldiv_ceil(-7, 1, 2)
    (4, -3)
    """
    return _muldiv(a, b, c, Rounding.CEILING)


def muldiv_half_up(a: int, b: int, c: int) -> int:
    """Return ``a * b / c`` rounded to the nearest integer, ties away from zero.

    The rule for trade values: rounding and changing the sign commute.  Errors are those of
    `muldiv_floor`.

    Examples
    --------
    >>> muldiv_half_up(5, 1, 2), muldiv_half_up(-5, 1, 2)
    (3, -3)
    """
    return _muldiv(a, b, c, Rounding.HALF_UP)


def _risk_units(value: float, rounding: Rounding) -> int:
    if not math.isfinite(value) or abs(value) > AMOUNT_MAX:
        message = f"amount {value!r}; allowed: finite, at most {AMOUNT_MAX} in size"
        raise CapacityError(message)
    return math.ceil(value) if rounding is Rounding.CEILING else math.floor(value)


def requirement_units(value: float) -> int:
    """Quantise a float64 requirement, in ledger units, upwards to an integer.

    Raises
    ------
    CapacityError
        If the value is not finite or exceeds `AMOUNT_MAX`.
    """
    return _risk_units(value, Rounding.CEILING)


def credit_units(value: float) -> int:
    """Quantise a float64 credit, in ledger units, downwards to an integer.

    Raises
    ------
    CapacityError
        If the value is not finite or exceeds `AMOUNT_MAX`.
    """
    return _risk_units(value, Rounding.FLOOR)


def _refuse_decimal(text: object, allowed: str) -> InputError:
    shown = repr(text)
    if len(shown) > 80:
        shown = shown[:77] + "..."
    return InputError(f"number {shown}; allowed: {allowed}")


def parse_decimal(
    text: str,
    decimals: int,
    *,
    rounding: Rounding = Rounding.EXACT,
    limit: int = INT64_MAX,
) -> int:
    """Return a decimal text as an integer count of units of ``10**-decimals``.

    Parameters
    ----------
    text
        Plain or scientific notation, ASCII digits, no spaces or group separators.
    decimals
        Decimals of the unit.
    rounding
        What to do with digits beyond ``decimals``; EXACT allows only zeros there.
    limit
        Largest absolute result, in units.

    Raises
    ------
    InputError
        If the text is no finite number, has too many digits, decimals or powers of ten, or
        exceeds the limit.

    Examples
    --------
    >>> parse_decimal("68714.85", 8)
    6871485000000
    >>> parse_decimal("1.50", 1)
    15
    """
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise _refuse_decimal(text, "a finite decimal number such as '12.50'")
    sign, whole, fraction, exponent_text = match.groups(default="")
    digits = whole + fraction
    if not digits or len(digits) > DIGITS_MAX:
        raise _refuse_decimal(text, f"1 to {DIGITS_MAX} digits")
    exponent = int(exponent_text or 0)
    if abs(exponent) > EXPONENT_MAX:
        raise _refuse_decimal(text, f"an exponent from -{EXPONENT_MAX} to {EXPONENT_MAX}")
    shift = decimals + exponent - len(fraction)
    value = int(digits)
    if sign == "-":
        value = -value
    if shift >= 0:
        value *= 10**shift
    else:
        power = 10**-shift
        if rounding is Rounding.EXACT:
            if value % power:
                raise _refuse_decimal(text, f"at most {decimals} decimals")
            value //= power
        else:
            value = _divide(value, power, rounding)
    if abs(value) > limit:
        raise _refuse_decimal(text, f"at most {format_decimal(limit, decimals)} in size")
    return value


def format_decimal(value: int, decimals: int) -> str:
    """Return an integer count of ``10**-decimals`` units as text with exactly that many decimals.

    Examples
    --------
    >>> format_decimal(-1500000, 6)
    '-1.500000'
    """
    sign = "-" if value < 0 else ""
    digits = str(abs(value)).rjust(decimals + 1, "0")
    if decimals == 0:
        return sign + digits
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}"


def days_from_civil(year: int, month: int, day: int) -> int:
    """Return the number of days from 1970-01-01 to a date of the Gregorian calendar.

    The year is taken to start on 1 March, which turns the months' lengths into the repeating
    pattern ``(153 * m + 2) // 5`` and puts the leap day last; 400 years have 146,097 days.

    Examples
    --------
    >>> days_from_civil(2000, 3, 1)
    11017
    """
    shifted = year - (month <= 2)
    era, year_of_era = divmod(shifted, 400)
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    return era * 146_097 + day_of_era - 719_468


def civil_from_days(days: int) -> tuple[int, int, int]:
    """Return (year, month, day) of a day number counted from 1970-01-01.

    Examples
    --------
    >>> civil_from_days(11017)
    (2000, 3, 1)
    """
    era, day_of_era = divmod(days + 719_468, 146_097)
    leap_days = day_of_era // 1_460 - day_of_era // 36_524 + day_of_era // 146_096
    year_of_era = (day_of_era - leap_days) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted_month = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * shifted_month + 2) // 5 + 1
    month = (shifted_month + 2) % 12 + 1
    return era * 400 + year_of_era + (month <= 2), month, day


def _days_in_month(year: int, month: int) -> int:
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 29 if month == 2 and is_leap else _DAYS_IN_MONTH[month - 1]


def _refuse_instant(value: object, allowed: str) -> InputError:
    shown = repr(value)
    if len(shown) > 80:
        shown = shown[:77] + "..."
    return InputError(f"instant {shown}; allowed: {allowed}")


def _check_range(value: object, instant_ns: int) -> int:
    if not 0 <= instant_ns < INSTANT_MAX:
        raise _refuse_instant(value, "1970-01-01 to 2261-12-31 UTC")
    return instant_ns


def parse_zoned_instant(text: str) -> tuple[int, int]:
    """Return (nanoseconds since 1970 UTC, offset of the written zone in minutes).

    A reader of many rows compares the offsets: a file that mixes zones is refused, because one
    of them is usually a mistake that would shift prices by hours.

    Raises
    ------
    InputError
        If the text is no ISO 8601 date or time with ``Z``, ``UTC`` or an offset, or lies outside
        1970 to 2261.

    Examples
    --------
    >>> parse_zoned_instant("2021-05-19T14:00:00+02:00")
    (1621425600000000000, 120)
    """
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise _refuse_instant(text, "ISO 8601 such as 2021-05-19T12:00:00Z")
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    fraction, zone = match.group(7) or "", match.group(8)
    if zone is None:
        raise _refuse_instant(text, "a time with its zone: Z or an offset such as +00:00")
    is_date = 1 <= month <= 12 and 1 <= day <= _days_in_month(year, month)
    if not is_date or hour > 23 or minute > 59 or second > 59:
        raise _refuse_instant(text, "a date and time that exist")
    if fraction[9:].strip("0"):
        raise _refuse_instant(text, "at most 9 decimals of a second")
    offset = 0
    if zone not in {"Z", "z", "UTC"}:
        offset = int(zone[1:3]) * 60 + int(zone[-2:])
        if offset > 15 * 60 or int(zone[-2:]) > 59:
            raise _refuse_instant(text, "an offset of at most 15 hours")
        offset = -offset if zone[0] == "-" else offset
    seconds = (days_from_civil(year, month, day) * 24 + hour) * 3600 + minute * 60 + second
    nanoseconds = int(fraction[:9].ljust(9, "0"))
    return _check_range(text, (seconds - offset * 60) * SECOND + nanoseconds), offset


def parse_instant(value: str | int, unit: str = "ns") -> int:
    """Return an instant as nanoseconds since 1970 UTC.

    Parameters
    ----------
    value
        ISO 8601 text with ``Z`` or an offset, or an integer count since 1970 UTC.
    unit
        Unit of an integer: ``s``, ``ms``, ``us`` or ``ns``; stated by the caller, never guessed.

    Raises
    ------
    InputError
        If the text has no zone or is no instant, or the instant lies outside 1970 to 2261.

    Examples
    --------
    >>> parse_instant("2021-05-19T12:00:00Z") == parse_instant(1621425600000, "ms")
    True
    """
    if isinstance(value, str):
        return parse_zoned_instant(value)[0]
    if isinstance(value, bool) or not isinstance(value, int):
        raise _refuse_instant(value, "ISO 8601 text or an integer")
    if unit not in INSTANT_SCALE:
        raise _refuse_instant(value, f"a unit out of {', '.join(INSTANT_SCALE)} (got {unit!r})")
    return _check_range(value, value * INSTANT_SCALE[unit])


def format_instant(instant_ns: int) -> str:
    """Return an instant as ISO 8601 text in UTC, with 3, 6 or 9 decimals only where needed.

    Examples
    --------
    >>> format_instant(1621425600000000000), format_instant(1500000)
    ('2021-05-19T12:00:00Z', '1970-01-01T00:00:00.001500Z')
    """
    days, within_day = divmod(int(instant_ns), DAY)
    year, month, day = civil_from_days(days)
    seconds, nanoseconds = divmod(within_day, SECOND)
    fraction = f".{nanoseconds:09d}" if nanoseconds else ""
    while fraction.endswith("000"):
        fraction = fraction[:-3]
    time = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{year:04d}-{month:02d}-{day:02d}T{time}{fraction}Z"
