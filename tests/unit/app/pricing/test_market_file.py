"""Market files: TOML and chains, whole or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from novate.app.pricing.market_file import read_market
from novate.app.pricing.quotes import Slice
from novate.errors import InputError
from novate.units import parse_instant

HEAD = 'as_of = "2026-03-12T08:00:00Z"\n'
BTC = "[underlyings.BTC]\nspot = 70000\n"
EXPIRY = '[[underlyings.BTC.expiries]]\nexpiry = "2026-03-20T08:00:00Z"\n'
MARCH = parse_instant("2026-03-20T08:00:00Z")
CHAIN = "as_of,underlying,spot,expiry,forward,strike,vol,rate\n"
ROW = "2026-03-12T08:00:00Z,BTC,70000,2026-03-20T08:00:00Z,70060,{},{},0.04\n"


def toml(folder: Path, text: str) -> Path:
    (folder / "market.toml").write_text(text, encoding="utf-8")
    return folder / "market.toml"


def chain(folder: Path, *rows: str) -> Path:
    (folder / "chain.csv").write_text(CHAIN + "".join(rows), encoding="utf-8")
    return folder / "chain.csv"


def test_a_whole_market_is_read(tmp_path: Path) -> None:
    text = HEAD + 'reporting = "EUR"\n[assets]\nUSDT = 0.9\n' + BTC + "rate = 0.04\nyield = 0.01\n"
    found = read_market(
        toml(tmp_path, text + EXPIRY + "forward = 70060\nstrikes = [6e4, 7e4]\nvols = [0.6, 0.5]\n")
    )

    assert found.as_of_ns == parse_instant("2026-03-12T08:00:00Z")
    assert (found.reporting, found.assets) == ("EUR", {"USDT": 0.9})
    btc = found.underlyings["BTC"]
    assert (btc.spot, btc.rate, btc.yield_, btc.vol) == (70_000.0, 0.04, 0.01, None)
    assert btc.expiries == {MARCH: Slice(forward=70_060.0, strikes=(6e4, 7e4), vols=(0.6, 0.5))}


def test_an_expiry_may_have_one_volatility_or_svi_and_dates_may_be_tomls_own(
    tmp_path: Path,
) -> None:
    text = HEAD.replace('"', "") + BTC
    flat = read_market(toml(tmp_path, text + EXPIRY.replace('"', "") + "vol = 0.5\n"))
    svi = "svi = { a = 0.01, b = 0.1, rho = -0.2, m = 0, sigma = 0.3 }\n"
    raw = read_market(toml(tmp_path, text + EXPIRY + svi))

    assert flat.underlyings["BTC"].expiries[MARCH].vols == (0.5,)
    assert raw.underlyings["BTC"].expiries[MARCH].svi == (0.01, 0.1, -0.2, 0.0, 0.3)
    assert flat.reporting == "USD"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BTC, "as_of: ''; allowed: ISO 8601"),
        (HEAD + "spots = 1\n" + BTC, "spots: 'spots'; allowed: as_of"),
        (HEAD + "reporting = 3\n", "reporting"),
        (HEAD + "assets = 3\n", "assets: '3'; allowed: a table"),
        (HEAD + "[assets]\nUSDT = 0\n", "assets.USDT: '0'; allowed: a number from 1e-15"),
        (HEAD + "[underlyings.BTC]\nrate = 0.1\n", "underlyings.BTC.spot: 'None'"),
        (HEAD + BTC + "vol = -1\n", "underlyings.BTC.vol: '-1'"),
        (HEAD + BTC + "rate = nan\n", "rate: 'nan'; allowed: a number"),
        (HEAD + BTC + "rate = true\n", "rate: 'True'; allowed: a number"),
        (HEAD + BTC + EXPIRY + "vol = 0.5\n" + EXPIRY, "each expiry once"),
        (HEAD + BTC + EXPIRY + "vol = 0.5\nstrikes = [1]\nvols = [1]\n", "one of vol"),
        (HEAD + BTC + EXPIRY + "vols = [1]\n", "one of vol"),
        (HEAD + BTC + EXPIRY + "strikes = [2, 1]\nvols = [1, 1]\n", "increasing"),
        (HEAD + BTC + EXPIRY + "strikes = [1]\nvols = [1, 1]\n", "one per vol"),
        (HEAD + BTC + EXPIRY + "strikes = 1\nvols = [1, 1]\n", "a list of numbers"),
        (HEAD + BTC + EXPIRY + "svi = { a = 1, b = 1, rho = 2, m = 0, sigma = 1 }\n", "rho"),
        (HEAD + BTC + EXPIRY + "svi = { a = 1 }\n", "svi.b: 'None'"),
        ("as_of = [", "not TOML"),
        (HEAD + BTC + "expiries = 5\n", "underlyings.BTC.expiries: '5'; allowed: a list of tables"),
        (
            HEAD + BTC + "rate = 1e15\n",
            "underlyings.BTC.rate: '1000000000000000.0'; allowed: a number from -10",
        ),
        (HEAD + BTC + f"rate = 1{'0' * 400}\n", "underlyings.BTC.rate: 'beyond 1e80'; allowed"),
        (HEAD + "[assets]\nBTC = 5\n" + BTC, "about its spot in a currency of the market: 70000"),
        (HEAD + 'reporting = "BTC"\n[assets]\nBTC = 2\n' + BTC, "allowed: 1, as the reporting"),
        (HEAD + 'reporting = "BTC"\n[assets]\nUSD = 0.5\n' + BTC, "assets.BTC: '1'; allowed"),
    ],
)
def test_a_market_with_anything_unusable_is_refused_with_its_place(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(InputError) as refused:
        read_market(toml(tmp_path, text))

    assert message in str(refused.value)
    assert "market.toml" in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "[assets]\nBTC = 69900\nUSDT = 0.9\n" + BTC,
        "[assets]\nBTC = 63500\nUSDT = 0.9\n" + BTC,
        'reporting = "BTC"\n[assets]\nUSD = 1.43e-5\nETH = 0.05\n' + BTC,
    ],
)
def test_the_price_of_a_coin_may_be_its_spot_in_any_currency_of_the_market(
    tmp_path: Path, text: str
) -> None:
    assert read_market(toml(tmp_path, HEAD + text)).underlyings["BTC"].spot == 70_000.0


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not readable"):
        read_market(tmp_path / "none.toml")


def test_a_chain_becomes_smiles_whatever_the_order_of_its_rows(tmp_path: Path) -> None:
    path = chain(tmp_path, ROW.format(70000, 0.5), ROW.format(60000, 0.6), ROW.format(70000, 0.5))
    btc = read_market(path).underlyings["BTC"]

    assert (btc.spot, btc.rate) == (70_000.0, 0.04)
    assert btc.expiries == {MARCH: Slice(forward=70_060.0, strikes=(6e4, 7e4), vols=(0.6, 0.5))}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (ROW.format(70000, 0.6), "row 3, vol: '0.6'; allowed: 0.5, as an earlier row says"),
        (ROW.format(1, 1).replace("70060", "70061"), "row 3, forward"),
        (ROW.format(1, 1).replace(",70000,", ",70001,"), "row 3, spot"),
        (ROW.format(1, 1).replace("-12T", "-11T"), "row 3, as_of"),
        (ROW.format(0, 1), "row 3, strike: '0'; allowed: more than zero"),
        (ROW.format(1, "x"), "row 3, vol"),
        ("BTC\n", "row 3, cells"),
    ],
)
def test_a_chain_that_contradicts_itself_is_refused(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(InputError) as refused:
        read_market(chain(tmp_path, ROW.format(70000, 0.5), row))

    assert message in str(refused.value)
