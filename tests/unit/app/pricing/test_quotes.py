"""What a market answers about a contract."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from novate.adapter.book_file.sheet import CellError
from novate.app.pricing.instrument_sheet import Instrument
from novate.app.pricing.quotes import Quotes, Slice, Underlying

YEAR = 365 * 86_400 * 10**9
NOW = 50 * YEAR
SMILE, SVI, NEITHER, FLAT = (NOW + k * YEAR // 10 for k in (1, 2, 3, 4))
QUOTES = Quotes(
    as_of_ns=NOW,
    reporting="USD",
    assets={"USDT": 0.999, "ETH": 3_001.0},
    underlyings={
        "BTC": Underlying(
            spot=60_000.0,
            rate=0.05,
            yield_=0.02,
            expiries={
                SMILE: Slice(forward=60_500.0, strikes=(5e4, 6e4, 7e4), vols=(0.7, 0.6, 0.65)),
                SVI: Slice(svi=(0.04, 0.1, -0.3, 0.0, 0.2)),
                NEITHER: Slice(forward=61_000.0),
                FLAT: Slice(strikes=(1.0,), vols=(0.55,)),
            },
        ),
        "ETH": Underlying(spot=3_000.0, vol=0.8),
    },
)


def option(**terms: Any) -> Instrument:
    given: dict[str, Any] = {
        "row": 2, "symbol": "X", "underlying": "BTC", "settlement": "", "kind": "european",
        "side": 1.0, "strike": 60_000.0, "expiry_ns": SMILE, "unit": 1.0, "quantity": None,
        "vol": None, "price": None,
    } | terms  # fmt: skip
    return Instrument(**given)


def test_a_forward_is_that_of_the_expiry_else_the_spot_with_its_carry() -> None:
    assert QUOTES.forward(option()) == 60_500.0
    assert QUOTES.forward(option(expiry_ns=SVI)) == pytest.approx(60_000 * math.exp(0.03 * 0.2))
    assert QUOTES.forward(option(kind="perpetual", expiry_ns=0)) == 60_000.0


def test_volatilities_at_strikes_are_those_given_and_flat_beyond() -> None:
    for strike, vol in ((5e4, 0.7), (6e4, 0.6), (7e4, 0.65), (1e3, 0.7), (1e6, 0.65)):
        assert QUOTES.vol(option(strike=strike)) == pytest.approx(vol, rel=1e-12)
    assert 0.6 < QUOTES.vol(option(strike=65_000.0)) < 0.65
    assert QUOTES.vol(option(expiry_ns=FLAT, strike=1e5)) == 0.55


def test_svi_is_total_variance_over_time() -> None:
    forward = QUOTES.forward(option(expiry_ns=SVI))
    k = math.log(66_000 / forward)
    variance = 0.04 + 0.1 * (-0.3 * k + math.hypot(k, 0.2))

    found = QUOTES.vol(option(expiry_ns=SVI, strike=66_000.0))
    assert found == pytest.approx(math.sqrt(variance / 0.2), rel=1e-12)


def test_a_rows_own_volatility_goes_first_and_an_underlyings_last() -> None:
    assert QUOTES.vol(option(vol=0.123)) == 0.123
    assert QUOTES.vol(option(underlying="ETH", strike=3_000.0)) == 0.8
    assert math.isnan(QUOTES.vol(option(expiry_ns=NEITHER)))


def test_prices_of_assets_are_given_or_spots_or_one() -> None:
    prices = [QUOTES.asset_price(name) for name in ("USD", "USDT", "ETH", "BTC", "DOGE")]

    assert prices == [1.0, 0.999, 3_001.0, 60_000.0, None]


def test_an_expiry_that_carry_takes_out_of_all_range_is_refused() -> None:
    wild = replace(QUOTES.underlyings["BTC"], rate=10.0)
    quotes = replace(QUOTES, underlyings={"BTC": wild})
    quotes.check(option(expiry_ns=NOW + 10 * YEAR, vol=0.5))

    with pytest.raises(CellError, match="within a factor of e"):
        quotes.check(option(expiry_ns=NOW + 11 * YEAR, vol=0.5))


def test_in_a_coin_as_reporting_currency_other_prices_have_to_be_given() -> None:
    in_coin = replace(QUOTES, reporting="BTC", assets={"USDT": 1 / 60_000})

    assert [in_coin.asset_price(name) for name in ("BTC", "USDT", "ETH")] == [1.0, 1 / 60_000, None]
    in_coin.check(option())
    in_coin.check(option(settlement="USDT"))
    for terms, allowed in (
        ({"underlying": "ETH", "settlement": "ETH"}, "BTC, USDT"),
        ({"underlying": "ETH"}, "the reporting currency BTC is a coin"),
        ({"kind": "spot"}, "another asset"),
    ):
        with pytest.raises(CellError, match=allowed):
            in_coin.check(option(**(terms | {"vol": 0.5})))


@pytest.mark.parametrize(
    ("terms", "column", "allowed"),
    [
        ({"underlying": "DOGE"}, "underlying", "BTC, ETH"),
        ({"settlement": "DOGE"}, "settlement", "BTC, ETH, USD, USDT"),
        ({"kind": "spot", "settlement": "BTC"}, "settlement", "another asset"),
        ({"expiry_ns": NEITHER}, "expiry", "or a vol"),
    ],
)
def test_what_the_market_does_not_say_is_refused(
    terms: dict[str, Any], column: str, allowed: str
) -> None:
    with pytest.raises(CellError, match=allowed) as refused:
        QUOTES.check(option(**terms))

    assert refused.value.column == column
    QUOTES.check(option(**(terms | {"underlying": "BTC", "settlement": "USDT", "vol": 0.5})))
