"""Every shape of input file, as the market data folder holds it or as a small sample does.

`NOVATE_MARKET` names the folder; without it the folder beside the repository is taken.  Where a
file is not there, the same test runs on a generated file of the same shape.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from novate.adapter.book_file import Grid, load_trades
from novate.adapter.parameter_file import load_tiers, read_parameters
from novate.adapter.price_file import PriceOptions, load_funding, load_prices
from novate.adapter.quarantine import Quarantine
from novate.units import HOUR, MINUTE, PPM, parse_decimal, parse_instant

ROOT = Path(__file__).parents[2]
MARKET = Path(os.environ.get("NOVATE_MARKET", ROOT.parent / "shared" / "market"))
PRESETS = ROOT / "src" / "novate" / "app" / "preset"


@dataclass(frozen=True)
class Shape:
    """A file of bars: its name, its time step, its symbols and a window inside it."""

    name: str
    step: int
    symbols: tuple[str, ...]
    start: str
    has_mark: bool = False
    volume: str = "volume"
    is_quote_volume: bool = False


SHAPES = (
    Shape("perp_1h_binance_last_and_mark", HOUR, ("BTCUSDT", "ETHUSDT"), "2021-05-18Z", True),
    Shape("perp_1m_binance_2025-05", MINUTE, ("BTCUSDT", "ETHUSDT", "SOLUSDT"), "2025-05-12Z"),
    Shape("spot_1h_binance", HOUR, ("BTCUSDT", "ETHUSDT", "LINKUSDT"), "2020-03-11Z"),
    Shape("perp_1m_ftx_btc_2022-01", MINUTE, ("BTC-PERP",), "2022-01-20Z", is_quote_volume=True),
    Shape("spot_1h_coinbase_btc_2017-2019", HOUR, ("BTCUSD",), "2018-06-01Z", volume="volume_btc"),
)
BARS = 48


def sample(shape: Shape, folder: Path) -> Path:
    """Write a file of the same columns, types and order of rows."""
    start = parse_instant(shape.start)
    generator = np.random.default_rng(7)
    count = len(shape.symbols) * BARS
    opens = np.tile(start + shape.step * np.arange(BARS), len(shape.symbols))
    body = np.sort(np.round(generator.uniform(9_000, 11_000, (count, 4)), 2), axis=1)
    low, first, last, high = body.T
    columns: dict[str, pa.Array] = {
        "symbol": pa.array(np.repeat(shape.symbols, BARS).tolist(), pa.large_string()),
        "date": pa.array(opens, pa.timestamp("ns", tz="UTC")),
        "open": pa.array(first),
        "high": pa.array(high),
        "low": pa.array(low),
        "close": pa.array(last),
        shape.volume: pa.array(np.round(generator.uniform(0, 500, count), 3)),
    }
    if shape.has_mark:
        for name, values in (("open", first), ("high", high), ("low", low), ("close", last)):
            columns[f"mark_{name}"] = pa.array(np.round(values * 1.0001, 2))
    path = folder / f"{shape.name}.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def naive(path: Path, shape: Shape, name: str) -> npt.NDArray[np.float64]:
    """Column of the window as floats, by (open, symbol): the reader's readable twin."""
    start = parse_instant(shape.start)
    order = {symbol: k for k, symbol in enumerate(shape.symbols)}
    table = pq.read_table(path)
    instants = table["date"].cast(pa.timestamp("ns", tz="UTC")).cast(pa.int64()).to_pylist()
    rows = [
        (instant, order[symbol], value)
        for instant, symbol, value in zip(
            instants, table["symbol"].to_pylist(), table[name].to_pylist(), strict=True
        )
        if symbol in order and start <= instant < start + BARS * shape.step
    ]
    return np.array([row[2] for row in sorted(rows, key=lambda row: row[:2])])


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_every_shape_of_bars_is_read_to_the_last_digit(shape: Shape, tmp_path: Path) -> None:
    real = MARKET / f"{shape.name}.parquet"
    path = real if real.is_file() else sample(shape, tmp_path)
    start = parse_instant(shape.start)
    quarantine = Quarantine(faults_max=0)
    options = PriceOptions(quote_volume=frozenset(shape.symbols if shape.is_quote_volume else ()))

    table = load_prices(
        [path], shape.symbols, start, start + BARS * shape.step, quarantine, options
    )

    assert table.interval_ns == shape.step
    assert len(table) == BARS * len(shape.symbols) - sum(gap.bars for gap in table.review.gaps)
    for k, name in enumerate(("open", "high", "low", "close")):
        expected = naive(path, shape, name)
        assert (table.last[:, k] / 1e8 == expected).all(), name
        if shape.has_mark:
            assert (table.mark[:, k] / 1e8 == naive(path, shape, f"mark_{name}")).all(), name
    assert table.has_mark.all() == shape.has_mark
    if not shape.is_quote_volume:
        np.testing.assert_allclose(table.volume / 1e8, naive(path, shape, shape.volume), atol=1e-8)


def test_funding_rates_stay_inside_the_venue_s_clamp(tmp_path: Path) -> None:
    path = MARKET / "funding_8h_binance.parquet"
    start = parse_instant("2020-03-12Z")
    if not path.is_file():
        path = tmp_path / "funding.parquet"
        opens = start + 8 * HOUR * np.arange(6)
        columns = {
            "symbol": pa.array(["BTCUSDT"] * 6, pa.large_string()),
            "date": pa.array(opens, pa.timestamp("ns", tz="UTC")),
            "funding_rate": pa.array([0.0001, 8.4e-7, -0.003, -0.003, -0.00075, 0.0001]),
        }
        pq.write_table(pa.table(columns), path)

    table = load_funding([path], ["BTCUSDT"], start, start + 48 * HOUR, Quarantine(faults_max=0))

    assert len(table) == 6
    assert table.rate_e8.min() == -300_000
    assert (np.diff(table.instant_ns) == 8 * HOUR).all()


def test_a_public_tape_becomes_trades_of_the_book(tmp_path: Path) -> None:
    path = MARKET / "trades_binance_btcusdt_sample.parquet"
    if path.is_file():
        tape = pq.read_table(path).slice(0, 200)
    else:
        prices = [39432.48 + k / 100 for k in range(50)]
        instants = [1_610_064_000_278 + k for k in range(50)]
        tape = pa.table(
            {
                "timestamp": pa.array(instants, pa.timestamp("ms", tz="UTC")),
                "trade_id": list(range(50)),
                "price": [round(price, 2) for price in prices],
                "quantity": [0.014596000000000001, *[0.000263] * 49],
                "buyer_maker": ["True", "False"] * 25,
            }
        )
    count = tape.num_rows
    made = pa.table(
        {
            "trade_id": tape["trade_id"],
            "instant": tape["timestamp"],
            "buyer": ["alice"] * count,
            "seller": ["bob"] * count,
            "instrument": ["BTCUSDT"] * count,
            "price": tape["price"],
            "quantity": tape["quantity"],
            "maker_side": [
                "buyer" if flag == "True" else "seller" for flag in tape["buyer_maker"].to_pylist()
            ],
        }
    )
    pq.write_table(made, tmp_path / "trades.parquet")
    quarantine = Quarantine()

    table = load_trades(tmp_path / "trades.parquet", {"BTCUSDT": Grid(10**6, 100)}, quarantine)

    noisy = [q for q in made["quantity"].to_pylist() if round(q, 6) != q]
    assert len(table) == count - len(noisy)
    assert quarantine.count == len(noisy)
    assert table.instant_ns[0] >= parse_instant("2021-01-08T00:00:00.278Z")
    exact = {row["trade_id"]: parse_decimal(repr(row["price"]), 2) for row in made.to_pylist()}
    assert table.ticks.tolist() == [exact[int(trade_id)] for trade_id in table.trade_ids]


@pytest.mark.parametrize("name", ["venue", "demo"])
def test_a_shipped_preset_is_complete(name: str) -> None:
    parameters = read_parameters(PRESETS / f"{name}.toml", PRESETS)

    assert next(iter(parameters["assets"])) == "USDT"
    shares = [terms["open_interest_share_ppm"] for terms in parameters["instruments"].values()]
    assert sum(shares) == PPM
    for terms in parameters["instruments"].values():
        rates = [tier["maintenance_ppm"] for tier in terms["tiers"]]
        assert rates == sorted(rates)
        assert all(tier["initial_ppm"] > tier["maintenance_ppm"] for tier in terms["tiers"])


def test_shipped_tiers_keep_margin_continuous_and_equal_the_venue_s_table() -> None:
    tables = read_parameters(PRESETS / "venue.toml", PRESETS)["tiers"]
    market = MARKET / "margin_tiers_binance_usdm.parquet"

    assert len(tables) >= 5
    for table in tables.values():
        rows = table["rows"]
        deduction = 0
        for below, above in zip([rows[0], *rows], rows, strict=False):
            deduction += above["floor"] * (above["maintenance_ppm"] - below["maintenance_ppm"])
            assert above["deduction"] * PPM == deduction, table["symbol"]
        assert table["source"]
        assert table["as_of"]
        if market.is_file():
            venue = load_tiers(market, table["symbol"])
            assert [tier["floor"] for tier in rows] == [
                parse_decimal(tier["floor"], 6) for tier in venue
            ]
            for key, decimals in (("cap", 6), ("deduction", 6), ("max_leverage", 0)):
                expected = [parse_decimal(tier[key], decimals) for tier in venue]
                assert [tier[key] for tier in rows] == expected, key
            expected = [parse_decimal(tier["maintenance_rate"], 6) for tier in venue]
            assert [tier["maintenance_ppm"] for tier in rows] == expected
