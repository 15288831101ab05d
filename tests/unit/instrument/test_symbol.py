"""Names of listed derivatives are read and written without loss."""

from __future__ import annotations

import pytest

from novate.errors import InputError
from novate.instrument.symbol import Symbol, parse_symbol
from novate.units import parse_instant

EXPIRY = parse_instant("2024-12-27T08:00:00Z")


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ("BTC-PERPETUAL", Symbol(base="BTC")),
        ("SOL_USDC-PERPETUAL", Symbol(base="SOL", settled="USDC")),
        ("BTC-27DEC24", Symbol(base="BTC", expiry_ns=EXPIRY)),
        (
            "BTC-27DEC24-60000-C",
            Symbol(base="BTC", expiry_ns=EXPIRY, strike_e8=60_000 * 10**8, side=1),
        ),
        (
            "XRP_USDC-5JAN25-0d625-P",
            Symbol(
                base="XRP",
                settled="USDC",
                expiry_ns=parse_instant("2025-01-05T08:00:00Z"),
                strike_e8=62_500_000,
                side=-1,
            ),
        ),
    ],
)
def test_a_name_is_read_and_written_back(text: str, symbol: Symbol) -> None:
    assert parse_symbol(text) == symbol
    assert str(symbol) == text


@pytest.mark.parametrize(
    "text",
    [
        "", "BTC", "btc-PERPETUAL", "BTC-27DEK24", "BTC-05JAN25", "BTC-30FEB24", "BTC-27DEC24-1-X",
        "BTC-27DEC24-0-C", "BTC-27DEC24-1.5-C", "BTC-27DEC24-60000-C ", "BTC-27DEC24-1d123456789-C",
    ],
)  # fmt: skip
def test_another_form_is_refused_by_name(text: str) -> None:
    with pytest.raises(InputError):
        parse_symbol(text)
