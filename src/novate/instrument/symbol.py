"""Names of listed derivatives in Deribit's form, read and written.

    BTC-PERPETUAL            perpetual, settled in coin
    BTC-27DEC24              future, expires 27 December 2024, 08:00 UTC
    BTC-27DEC24-60000-C      call, strike 60,000
    XRP_USDC-5JAN25-0d625-P  put settled in USDC, strike 0.625: `d` is the decimal point

Days have no leading zero, years two digits of this century.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from novate.errors import InputError
from novate.units import DAY, HOUR, civil_from_days, days_from_civil, format_decimal, parse_decimal

EXPIRY_HOUR = 8
"""Hour of expiry, UTC."""

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_FORM = re.compile(
    r"(?P<base>[A-Z0-9]+)(?:_(?P<settled>[A-Z0-9]+))?-"
    r"(?:PERPETUAL|(?P<day>[1-9]|[12][0-9]|3[01])(?P<month>[A-Z]{3})(?P<year>[0-9]{2})"
    r"(?:-(?P<strike>[0-9]+(?:d[0-9]+)?)-(?P<side>[CP]))?)",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    """What a name says.

    Attributes
    ----------
    base
        Underlying coin.
    settled
        Settlement currency; empty when it settles in the coin itself.
    expiry_ns
        Instant of expiry, None for a perpetual.
    strike_e8
        Strike in 1e-8 of the quote currency, None unless an option.
    side
        +1 call, -1 put, 0 no option.
    """

    base: str
    settled: str = ""
    expiry_ns: int | None = None
    strike_e8: int | None = None
    side: int = 0

    def __str__(self) -> str:
        head = f"{self.base}_{self.settled}" if self.settled else self.base
        if self.expiry_ns is None:
            return f"{head}-PERPETUAL"
        year, month, day = civil_from_days(self.expiry_ns // DAY)
        text = f"{head}-{day}{_MONTHS[month - 1]}{year % 100:02d}"
        if self.strike_e8 is None:
            return text
        strike = format_decimal(self.strike_e8, 8).rstrip("0").rstrip(".").replace(".", "d")
        return f"{text}-{strike}-{'C' if self.side > 0 else 'P'}"


def parse_symbol(text: str) -> Symbol:
    """Read a name.

    Raises
    ------
    InputError
        If it has another form, or names a day that does not exist.

    Examples
    --------
    >>> parse_symbol("XRP_USDC-5JAN25-0d625-P").strike_e8
    62500000
    """
    match = _FORM.fullmatch(text)
    if match is None or (match["month"] is not None and match["month"] not in _MONTHS):
        raise InputError(
            f"symbol {text!r}; allowed: BTC-PERPETUAL, BTC-27DEC24 or BTC-27DEC24-60000-C"
        )
    base, settled = match["base"], match["settled"] or ""
    if match["day"] is None:
        return Symbol(base=base, settled=settled)
    date = 2000 + int(match["year"]), _MONTHS.index(match["month"]) + 1, int(match["day"])
    days = days_from_civil(*date)
    if civil_from_days(days) != date:
        raise InputError(f"symbol {text!r}; allowed: a day that exists")
    expiry_ns = days * DAY + EXPIRY_HOUR * HOUR
    if match["strike"] is None:
        return Symbol(base=base, settled=settled, expiry_ns=expiry_ns)
    strike_e8 = parse_decimal(match["strike"].replace("d", "."), 8)
    if strike_e8 == 0:
        raise InputError(f"symbol {text!r}; allowed: a strike above 0")
    side = 1 if match["side"] == "C" else -1
    return Symbol(base=base, settled=settled, expiry_ns=expiry_ns, strike_e8=strike_e8, side=side)
