"""Tiers of Binance USD-M perpetuals as the preset ships them, against the rule in exact fractions.

No account with its margin is published; what is published is the table with its maintenance
amounts, and the rule notional * rate - amount.  Tolerance: 1e-12 of the margin.
"""

from __future__ import annotations

from fractions import Fraction

import pytest

from novate.margin.methodology.portfolio import Portfolio, Position
from tests.golden.margin_book import check_parts, market, method, perpetual, shipped

# Notional, rate, leverage and maintenance amount, from the table of BTCUSDT.
ROWS = [
    (1, "0.004", 150, 0),
    (299_999, "0.004", 150, 0),
    (300_000, "0.005", 100, 300),
    (1_000_000, "0.0065", 75, 1_500),
    (12_000_001, "0.02", 25, 132_000),
    (150_000_000, "0.05", 10, 2_982_000),
    (1_799_999_999, "0.5", 1, 421_482_000),
]


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize(("notional", "rate", "leverage", "amount"), ROWS)
def test_maintenance_is_notional_times_rate_less_the_printed_amount(
    side: int, notional: int, rate: str, leverage: int, amount: int
) -> None:
    contract = perpetual("BTCUSDT", "BTC", "USDT")
    book = Portfolio(positions=(Position(contract=contract, quantity=side * notional / 50_000),))
    found = method("binance_tiers_unconfirmed").outcome(book, market(mark={"BTCUSDT": 50_000.0}))
    check_parts(found)
    assert found.maintenance == pytest.approx(float(notional * Fraction(rate) - amount), rel=1e-12)
    assert found.initial == pytest.approx(notional / leverage, rel=1e-12)


# By hand: 1,000,000 * 0.65% - 1,500 = 5,000.
def test_one_margin_by_hand() -> None:
    contract = perpetual("BTCUSDT", "BTC", "USDT")
    book = Portfolio(positions=(Position(contract=contract, quantity=-20.0),))
    found = method("binance_tiers_unconfirmed").outcome(book, market(mark={"BTCUSDT": 50_000.0}))
    assert found.maintenance == pytest.approx(5_000.0, rel=1e-12)


def test_the_preset_says_that_nothing_confirms_it() -> None:
    preset = shipped("binance_tiers_unconfirmed")
    assert not preset.is_confirmed
    assert "unconfirmed" in preset.terms.title
