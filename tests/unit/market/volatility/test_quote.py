from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from novate.market.volatility.chain import Chain, PriceUnit
from novate.market.volatility.forward import estimate_forwards
from novate.market.volatility.quote import Quotes, QuoteTerms, Reject, clean_quotes
from novate.units import MINUTE
from tests.unit.market.volatility.synthetic import NOW, black, chain, changed, taken, true_variance

SPREAD = 0.01


def clean(source: Chain, terms: QuoteTerms | None = None) -> Quotes:
    return clean_quotes(source, estimate_forwards(source), terms)


def reason(quotes: Quotes, row: int) -> Reject | None:
    found = quotes.rejected_reason[quotes.rejected_row == row].tolist()
    return Reject(found[0]) if found else None


@pytest.mark.parametrize("unit", PriceUnit)
def test_volatilities_that_made_the_prices_come_back(unit: PriceUnit) -> None:
    quotes = clean(chain(unit=unit))

    truth = np.array(
        [
            math.sqrt(true_variance(k, years) / years)
            for k, years in zip(quotes.k, quotes.years, strict=True)
        ]
    )
    assert quotes.bid_vol == pytest.approx(truth - SPREAD, abs=1e-9)
    assert quotes.ask_vol == pytest.approx(truth + SPREAD, abs=1e-9)
    assert quotes.half_spread == pytest.approx(SPREAD, abs=1e-9)
    assert quotes.mid_vol == pytest.approx(truth, abs=5e-4)


def test_vega_is_the_slope_of_the_price_in_the_unit_of_the_chain() -> None:
    source = chain()
    quotes = clean(source)
    at = len(quotes) // 2
    years, forward, strike = (float(x[at]) for x in (quotes.years, quotes.forward, quotes.strike))
    side, vol = int(source.side[quotes.row[at]]), float(quotes.mid_vol[at])

    up, down = (black(side, forward, strike, years, vol + h) / forward for h in (1e-5, -1e-5))

    assert quotes.vega[at] == pytest.approx((up - down) / 2e-5, rel=1e-6)


def test_every_row_is_kept_or_rejected_with_a_reason() -> None:
    source = changed(changed(chain(), 5, bid=math.nan), slice(20, 30), observed_ns=0)
    quotes = clean(source)

    listed = np.concatenate([quotes.row, quotes.rejected_row])
    assert sorted(listed.tolist()) == list(range(len(source)))
    assert set(quotes.rejected_reason.tolist()) == {
        Reject.NO_BID, Reject.STALE, Reject.IN_THE_MONEY,
    }  # fmt: skip


def test_the_out_of_the_money_option_of_each_strike_is_used() -> None:
    source = chain()
    quotes = clean(source)
    side = source.side[quotes.row]

    assert len(quotes) == len(source) // 2
    assert ((quotes.k >= 0.0) == (side == 1)).all()


def test_the_in_the_money_option_serves_where_the_other_is_rejected() -> None:
    source = chain()
    put = int(np.flatnonzero((source.side == -1) & (source.strike < 45_000.0))[-1])
    quotes = clean(changed(source, put, bid=math.nan))

    assert reason(quotes, put) is Reject.NO_BID
    assert put - 1 in quotes.row  # the call of the same strike


ROW = 101
"""A call of the third expiry, near the money."""


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"strike_e8": 0}, Reject.NOT_FINITE),
        ({"side": 2}, Reject.NOT_FINITE),
        ({"ask": math.inf}, Reject.NOT_FINITE),
        ({"expiry_ns": NOW}, Reject.EXPIRED),
        ({"observed_ns": NOW - 6 * MINUTE}, Reject.STALE),
        ({"observed_ns": NOW + 1}, Reject.STALE),
        ({"bid": math.nan}, Reject.NO_BID),
        ({"bid_size": 0.0}, Reject.NO_BID),
        ({"ask": math.nan}, Reject.NO_ASK),
        ({"ask_size": 0.0}, Reject.NO_ASK),
        ({"bid": 0.0}, Reject.ZERO_PRICE),
        ({"bid": 0.3, "ask": 0.2}, Reject.CROSSED),
        ({"bid": 0.9, "ask": 1.1}, Reject.ABOVE_MAXIMUM),
        ({"bid": 1e-12, "ask": 1e-12}, Reject.PARITY_BROKEN),
    ],
)
def test_each_fault_has_its_reason(values: dict[str, float], expected: Reject) -> None:
    quotes = clean(changed(chain(), ROW, **values))

    assert reason(quotes, ROW) is expected


@pytest.mark.parametrize(
    ("bid", "ask", "expected"),
    [
        (0.9, 0.95, Reject.ABSURD_VOLATILITY),
        (0.001, 0.2, Reject.WIDE_SPREAD),
    ],
)
def test_volatilities_that_mean_nothing_are_rejected(
    bid: float, ask: float, expected: Reject
) -> None:
    source = chain()
    calls = np.flatnonzero((source.side == 1) & (source.strike > source.forward * 1.2))
    row = int(calls[0])
    alone = changed(changed(source, row, bid=bid, ask=ask), row + 1, bid=math.nan)

    assert reason(clean(alone), row) is expected


def test_a_mid_below_intrinsic_value_is_rejected() -> None:
    source = chain()
    row = int(np.flatnonzero((source.side == 1) & (source.strike < source.forward * 0.8))[0])
    intrinsic = 1.0 - source.strike[row] / source.forward[row]
    low = changed(source, row, bid=0.9 * intrinsic, ask=0.99 * intrinsic)

    assert reason(clean(low), row) is Reject.BELOW_INTRINSIC


def test_of_a_repeated_option_the_latest_row_counts() -> None:
    source = chain()
    twice = taken(source, np.concatenate([[ROW], np.arange(len(source))]))
    twice = changed(twice, 0, observed_ns=NOW - MINUTE, bid=0.001)
    quotes = clean(twice)

    assert reason(quotes, 0) is Reject.DUPLICATE
    assert reason(quotes, ROW + 1) is not Reject.DUPLICATE


def test_an_untrusted_forward_takes_its_expiry_out() -> None:
    source = changed(chain(), 0, forward=60_000.0)
    quotes = clean(source)
    first = source.expiry_ns == source.expiry_ns[0]

    assert {reason(quotes, row) for row in np.flatnonzero(first)} == {Reject.FORWARD_UNTRUSTED}


def test_a_row_is_inverted_with_the_forward_of_its_own_moment() -> None:
    source = chain()
    moved = replace(source, forward=source.forward.copy())
    moved.forward[ROW] *= 1.002
    quotes = clean(moved, QuoteTerms(parity_tolerance=1.0))

    own = quotes.forward[quotes.row == ROW]
    assert own.tolist() in ([], [moved.forward[ROW]])
    assert len(own) or reason(quotes, ROW) is Reject.IN_THE_MONEY
