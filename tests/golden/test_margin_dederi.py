"""Dederi's portfolio margin against its worked example.

Source: wiki.dederi.io/RiskControlRules/portfolio_margin: ten ETH futures long, index 2,243.3, a
basis of 8% a year over 20 days.  Printed: forward 2,253.2, contingency 134.6, profit in whole USD.
"""

from __future__ import annotations

import math

import pytest

from novate.margin.methodology.outcome import NotValuedError
from novate.margin.methodology.portfolio import Contract, Portfolio, Position, Snapshot
from tests.golden.margin_preset import part, preset

INDEX = 2243.3
PRINTED = [3380, 2704, 2028, 1352, 676, 0, -676, -1352, -2028, -2704, -3380]


def test_ten_futures_long() -> None:
    forward = INDEX * math.exp(0.08 * 20 / 365)
    future = Contract(
        symbol="ETH-10JAN24", kind="future", underlying="ETH", settlement="USD", expiry_ns=1
    )
    market = Snapshot(instant_ns=0, index={"ETH": INDEX}, mark={"ETH-10JAN24": forward})
    book = Portfolio(positions=(Position(contract=future, quantity=10.0),))
    found = preset("dederi").methodology.outcome(book, market)

    assert forward == pytest.approx(2253.2, abs=0.05)
    assert [one.profit for one in found.scenarios] == pytest.approx(PRINTED, abs=1.0)
    assert part(found, "linear charge")[1] == pytest.approx(134.6, abs=0.05)
    assert found.maintenance == pytest.approx(3380 + 134.6, abs=1.0)


def test_options_are_refused_without_published_shocks() -> None:
    option = Contract(
        symbol="O", kind="option", underlying="ETH", settlement="USD", expiry_ns=1, strike=1.0,
        is_call=True,
    )  # fmt: skip
    book = Portfolio(positions=(Position(contract=option, quantity=1.0),))
    with pytest.raises(NotValuedError, match=r"O: .* kind option; allowed: \['future'\]"):
        preset("dederi").methodology.outcome(book, Snapshot(instant_ns=0, index={"ETH": INDEX}))
