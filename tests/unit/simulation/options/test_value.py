from __future__ import annotations

import math

import numpy as np
import pytest

from novate.simulation.options.value import contract_table, market_at
from novate.valuation.holding import unit_risk
from tests.unit.simulation.option_scene import paths, scene


def test_a_linear_option_has_the_textbook_price() -> None:
    book = scene().book
    table = contract_table(book.contracts, paths()[0].expiry_ns, 2)
    market = market_at(book.contracts, paths(), 0)
    worth = unit_risk(table, market)["value"]
    for row in (8, 30, 90):
        F, K, vol = market.forward[row], table.strike[row], market.vol[row]
        s = vol * math.sqrt((table.expiry_ns[row] - market.as_of_ns) / (365 * 86_400 * 10**9))
        d1 = math.log(F / K) / s + s / 2
        normal = [0.5 * math.erfc(-table.side[row] * d / math.sqrt(2)) for d in (d1, d1 - s)]

        assert worth[row] == pytest.approx(
            table.side[row] * (F * normal[0] - K * normal[1]), rel=1e-9
        )


def test_a_coin_settled_option_is_worth_spot_over_forward_of_its_linear_twin() -> None:
    book = scene().book
    table = contract_table(book.contracts, paths()[0].expiry_ns, 2)
    market = market_at(book.contracts, paths(), 0)
    worth = unit_risk(table, market)["value"]
    symbols = book.contracts.symbol
    pairs = [(k, symbols.index(name[:-5])) for k, name in enumerate(symbols) if ".COIN" in name]

    assert len(pairs) == 54
    for coin, linear in pairs:
        ratio = market.spot[linear] / market.forward[linear]
        assert worth[coin] == pytest.approx(worth[linear] * ratio, rel=1e-9, abs=1e-9)


def test_at_its_expiry_an_option_keeps_the_volatility_of_the_instant_before() -> None:
    book, path = scene().book, paths()[0]
    at = int(np.searchsorted(path.instant_ns, path.expiry_ns[0]))
    before, now = (market_at(book.contracts, paths(), k).vol for k in (at - 1, at))
    first = np.flatnonzero((book.contracts.expiry == 0) & (book.contracts.underlying == 0))

    assert np.array_equal(before[first], now[first])
