"""Tables for people: nothing cut short, whatever the width of the terminal."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from novate.app.pricing.show import GREEKS, TOTALS, show, shown


def content(**changes: Any) -> dict[str, Any]:
    entry = {
        "symbol": "BTC-20MAR26-70000-C", "settlement": "BTC", "forward": 70_060.0, "vol": 0.52,
        "status": "OK", **dict.fromkeys(GREEKS, 0.123456789),
    }  # fmt: skip
    return {
        "as_of": "2026-03-12T08:00:00Z",
        "reporting": "USD",
        "instruments": [entry, entry | changes],
        "totals": [{"underlying": "BTC", **dict.fromkeys(TOTALS, 1_234_567.891)}],
        "total_value": -5.0,
        "quarantined": {
            "rows": 1,
            "faults": [
                {"file": "a.csv", "row": 3, "column": "vol", "value": "[x]", "allowed": "a number"}
            ],
        },
    }


@pytest.mark.parametrize("width", [30, 80, 400])
def test_every_number_is_whole_at_any_width(width: int) -> None:
    out = io.StringIO()
    show(Console(file=out, width=width), content())
    text = out.getvalue()

    assert "BTC-20MAR26-70000-C" in text
    assert text.count("0.123457") == 2 * len(GREEKS)
    assert text.count("1,234,567.89") == len(TOTALS)
    assert "total value -5 USD" in text
    assert "a.csv, row 3, vol: '[x]'; allowed: a number" in text
    assert "price" not in text


def test_implied_volatilities_or_why_there_is_none_are_shown_where_prices_are() -> None:
    out = io.StringIO()
    more = {"price": 5.0, "implied_vol": None, "implied_status": "PRICE_ABOVE_MAXIMUM"}
    show(Console(file=out, width=400), content(**more))

    assert "implied" in out.getvalue()
    assert "PRICE_ABOVE_MAXIMUM" in out.getvalue()


def test_numbers_are_short_and_nothing_is_nothing() -> None:
    assert [shown(x) for x in (None, 0.0, 1.23456789e-9, 123456.789, 12_345.67)] == [
        "", "0", "1.23457e-09", "123,456.79", "12,345.7",
    ]  # fmt: skip


def test_names_are_shown_as_they_are_written() -> None:
    found = content(symbol="A[/b]", settlement="[red]x")
    found["reporting"] = "[/c]"
    found["totals"][0]["underlying"] = "[/d]"
    out = io.StringIO()
    show(Console(file=out, width=400), found)

    for name in ("A[/b]", "[red]x", "totals, [/c]", "[/d]", "-5 [/c]"):
        assert name in out.getvalue()


def test_a_number_beyond_all_use_is_not_written_out() -> None:
    assert [shown(x) for x in (9.9e14, -1.5e147)] == ["990,000,000,000,000.00", "-1.5e+147"]
