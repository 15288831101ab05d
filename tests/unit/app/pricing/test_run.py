"""A file of instruments priced: values against the pricing functions, row by row."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from novate.app.pricing import price_file
from novate.valuation import exotic, pricing
from novate.valuation.holding import NATIVE, REPORTING

MARKET = """
as_of = "2026-03-12T08:00:00Z"
[assets]
USDT = 0.99
[underlyings.BTC]
spot = 70000
rate = 0.04
vol = 0.5
"""
HEADER = "symbol,kind,underlying,side,strike,expiry,settlement,unit,quantity,price\n"
LINES = (
    "LIN,european,BTC,call,72000,2026-03-20T08:00:00Z,USDT,0.1,30,1500\n"
    "INV,european,BTC,put,68000,2026-03-20T08:00:00Z,BTC,1,-2,0.02\n"
    "PERP,perpetual,BTC,,69000,,USDT,1,0.5,\n"
    "LOOSE,future,BTC,,,2026-06-26T08:00:00Z,,,,\n"
)
T = 8 / 365
F = 70_000.0 * math.exp(0.04 * T)


def priced(folder: Path, lines: str = LINES) -> dict[str, Any]:
    (folder / "market.toml").write_text(MARKET, encoding="utf-8")
    (folder / "sheet.csv").write_text(HEADER + lines, encoding="utf-8")
    return price_file(folder / "sheet.csv", folder / "market.toml")


def test_values_and_greeks_are_those_of_the_pricing_functions(tmp_path: Path) -> None:
    linear, inverse, perpetual, future = priced(tmp_path)["instruments"]
    g, coin = (
        pricing.greeks(1, F, 72_000, T, 0.5, 0.04),
        pricing.inverse_greeks(-1, F, 68_000, T, 0.5),
    )

    assert linear["value"] == pytest.approx(0.1 * g.price, rel=1e-12)
    assert linear["delta"] == pytest.approx(0.1 * g.delta * F / 70_000, rel=1e-12)
    assert linear["vega"] == pytest.approx(0.1 * g.vega, rel=1e-12)
    assert inverse["value"] == pytest.approx(coin.price, rel=1e-12)
    assert inverse["net_delta"] == pytest.approx(coin.net_delta, rel=1e-12)
    assert inverse["gamma"] == pytest.approx(coin.gamma * (F / 70_000) ** 2, rel=1e-12)
    assert perpetual["value"] == 1_000.0
    assert future["value"] == 0.0
    assert future["vol"] is None


def test_prices_come_back_as_volatilities(tmp_path: Path) -> None:
    linear, inverse, perpetual, _ = priced(tmp_path)["instruments"]

    back = pricing.black76(1, F, 72_000, T, linear["implied_vol"], 0.04).price
    assert back == pytest.approx(1_500.0, rel=1e-12)
    coin = pricing.inverse(-1, F, 68_000, T, inverse["implied_vol"]).price
    assert coin == pytest.approx(0.02, rel=1e-12)
    assert linear["implied_status"] == inverse["implied_status"] == "OK"
    assert "implied_vol" not in perpetual


def test_an_impossible_price_says_why_and_stays_in_its_row(tmp_path: Path) -> None:
    lines = LINES.replace(",1500\n", ",99000\n").replace(",0.02\n", ",0\n")
    linear, inverse, *_ = priced(tmp_path, lines)["instruments"]

    assert linear["implied_status"] == "PRICE_ABOVE_MAXIMUM"
    assert linear["implied_vol"] is None
    assert inverse["implied_vol"] == 0.0  # no time value: a volatility of zero
    assert linear["status"] == "OK"


def test_totals_are_quantities_times_rows_in_the_reporting_currency(tmp_path: Path) -> None:
    found = priced(tmp_path)
    linear, inverse, perpetual, _ = found["instruments"]
    [total] = found["totals"]
    value = 30 * linear["value"] * 0.99 - 2 * inverse["value"] * 70_000 + 0.5 * 1_000 * 0.99

    assert total["underlying"] == "BTC"
    assert set(total) == {"underlying", "unpriced", "at_kink", *REPORTING}
    assert total["value"] == pytest.approx(value, rel=1e-12)
    assert found["total_value"] == pytest.approx(value, rel=1e-12)
    assert perpetual["value_reporting"] == pytest.approx(495.0)
    net = 30 * linear["delta"] * 0.99 - 2 * inverse["net_delta"] + 0.5 * 0.99
    assert total["net_delta"] == pytest.approx(net, rel=1e-12)


def test_a_book_without_quantities_has_no_totals(tmp_path: Path) -> None:
    found = priced(tmp_path, "S,spot,BTC,,,,,,,\n")

    assert found["totals"] == []
    assert found["total_value"] is None
    assert found["instruments"][0]["value"] == 70_000.0


def test_an_option_that_has_expired_has_a_status_and_no_numbers(tmp_path: Path) -> None:
    lines = LINES + "OLD,european,BTC,call,7e4,2026-03-01T08:00:00Z,,,3,5\n"
    found = priced(tmp_path, lines)
    old = found["instruments"][-1]

    assert (old["status"], old["value"], old["delta"]) == ("TIME_NEGATIVE", None, None)
    assert found["unpriced"] == found["totals"][0]["unpriced"] == 1
    assert found["total_value"] == priced(tmp_path)["total_value"]


def test_a_bad_row_changes_no_other(tmp_path: Path) -> None:
    good = priced(tmp_path)
    found = priced(tmp_path, "BAD,european,BTC,call,-5,2026-03-20T08:00:00Z,,,1,\n" + LINES)
    [fault] = found["quarantined"]["faults"]

    assert found["instruments"] == good["instruments"]
    assert found["totals"] == good["totals"]
    assert found["quarantined"]["rows"] == 1
    assert (fault["row"], fault["column"], fault["value"]) == (2, "strike", "-5")


def test_a_file_of_bad_rows_alone_is_an_empty_answer(tmp_path: Path) -> None:
    found = priced(tmp_path, "BAD,spot,DOGE,,,,,,1,\n")

    assert found["instruments"] == found["totals"] == []
    assert found["quarantined"]["faults"][0]["allowed"] == "BTC"


EXOTIC = (
    "symbol,kind,underlying,side,strike,expiry,settlement,unit,quantity,amount,barrier,knock,"
    "monitoring,rebate\n"
    "DIG,digital,BTC,call,72000,2026-03-20T08:00:00Z,USDT,1,2,500,,,,\n"
    "IN,barrier,BTC,call,72000,2026-03-20T08:00:00Z,USDT,1,1,,65000,down-in,continuous,\n"
    "OUT,barrier,BTC,call,72000,2026-03-20T08:00:00Z,USDT,1,1,,65000,down-out,continuous,\n"
    "EUR,european,BTC,call,72000,2026-03-20T08:00:00Z,USDT,1,-1,,,,,\n"
    "GONE,barrier,BTC,put,72000,2026-03-20T08:00:00Z,USDT,1,,,69000,up-out,continuous,\n"
)


def test_digitals_and_barriers_are_valued_by_their_instruments(tmp_path: Path) -> None:
    (tmp_path / "market.toml").write_text(MARKET, encoding="utf-8")
    (tmp_path / "exotic.csv").write_text(EXOTIC, encoding="utf-8")
    found = price_file(tmp_path / "exotic.csv", tmp_path / "market.toml")
    digital, knock_in, knock_out, european, gone = found["instruments"]
    own = exotic.digital(1, F=F, K=72_000, T=T, vol=0.5, rate=0.04, amount=500)

    assert digital["value"] == pytest.approx(own.price, rel=1e-10)
    assert digital["vega"] == pytest.approx(own.vega, rel=1e-10)
    for name in NATIVE:
        both = knock_in[name] + knock_out[name]
        assert both == pytest.approx(european[name], rel=1e-9, abs=1e-12), name
    assert gone["status"] == "BARRIER_CROSSED"
    assert found["unpriced"] == 1
    [total] = found["totals"]
    for name in NATIVE:
        expected = 2 * digital[name] * 0.99
        assert total[name] == pytest.approx(expected, rel=1e-7, abs=1e-9 * abs(european[name])), (
            name
        )


def test_in_the_coin_as_reporting_currency_worths_and_slopes_are_those_in_coin(
    tmp_path: Path,
) -> None:
    market = MARKET.replace("[assets]", 'reporting = "BTC"\n[assets]\nUSD = 1.4285714285714286e-5')
    market = market.replace("USDT = 0.99\n", "")
    lines = (
        "LIN,european,BTC,call,72000,2026-03-20T08:00:00Z,USD,1,1,\n"
        "INV,european,BTC,put,68000,2026-03-20T08:00:00Z,,1,1,\n"
    )
    totals = []
    for spot in ("69999", "70000", "70001"):
        text = market.replace("70000", spot).replace("1.4285714285714286e-5", repr(1 / float(spot)))
        (tmp_path / "market.toml").write_text(text, encoding="utf-8")
        (tmp_path / "sheet.csv").write_text(HEADER + lines, encoding="utf-8")
        found = price_file(tmp_path / "sheet.csv", tmp_path / "market.toml")
        assert found["quarantined"]["rows"] == 0
        totals.append(found["totals"][0])
    low, here, high = totals

    assert here["delta"] == pytest.approx((high["value"] - low["value"]) / 2.0, rel=1e-6)
    assert here["gamma"] == pytest.approx((high["delta"] - low["delta"]) / 2.0, rel=1e-6)


def test_an_option_that_expires_at_its_strike_spoils_no_total(tmp_path: Path) -> None:
    lines = (
        "NOW,european,BTC,call,70000,2026-03-12T08:00:00Z,USDT,1,1,\n"
        "LIN,european,BTC,call,72000,2026-03-20T08:00:00Z,USDT,1,10,\n"
    )
    found = priced(tmp_path, lines)
    now, later = found["instruments"]
    [total] = found["totals"]

    assert (now["status"], now["value"], now["delta"], now["gamma"]) == ("AT_KINK", 0.0, 0.5, 0.0)
    assert (found["unpriced"], total["unpriced"], total["at_kink"]) == (0, 0, 1)
    assert total["gamma"] == pytest.approx(10.0 * later["gamma"] * 0.99, rel=1e-12)
