"""Surfaces of option chains, as the market data folder holds them or as a generated chain does.

`NOVATE_MARKET` names the folder; without it the folder beside the repository is taken.  Where a
file is not there, the same test runs on a generated file of the same layout.  Liquid quotes are
those of `LiquidTerms`: spread at most 5 volatility points and a tenth of the mid volatility, open
interest of at least one coin, at most 2.5 standard deviations from the forward.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from novate.adapter.chain_file import load_chains
from novate.adapter.quarantine import Quarantine
from novate.market.volatility import (
    Quality,
    Surface,
    SurfaceReason,
    assess,
    describe,
    estimate_forwards,
    fit_surface,
)
from novate.market.volatility.chain import STRIKE_SCALE, Chain
from novate.market.volatility.forward import Doubt
from tests.unit.market.volatility.synthetic import NOW, chain

ROOT = Path(__file__).parents[2]
MARKET = Path(os.environ.get("NOVATE_MARKET", ROOT.parent / "shared" / "market"))
DAILY = "options_deribit_chain_2026-01_daily"
SINGLE = "options_deribit_eth_2024-01-08"
TEST_VENUE = "options_deribit_TESTNET_btc_2024-11"

COMMON = {"strike": "strike", "side": "option_type", "open_interest": "open_interest"}


@dataclass(frozen=True)
class Layout:
    """Column names of a generated file, and what it calls calls and puts."""

    columns: dict[str, str]
    sides: tuple[str, str]


LAYOUTS = {
    DAILY: Layout(
        {
            "bid": "bid_price", "ask": "ask_price", "mark": "mark_price",
            "forward": "futures_price", "spot": "index_price", "expiry": "expiry_datetime",
        },
        ("call", "put"),
    ),
    SINGLE: Layout(
        {
            "bid": "bid_price", "ask": "ask_price", "mark": "mark_price",
            "forward": "underlying_price", "spot": "estimated_delivery_price", "expiry": "expiry",
        },
        ("C", "P"),
    ),
    TEST_VENUE: Layout(
        {
            "bid": "best_bid_price", "ask": "best_ask_price", "mark": "mark_price",
            "forward": "underlying_price", "spot": "index_price", "expiry": "expiry",
        },
        ("C", "P"),
    ),
}  # fmt: skip


def generated(name: str, folder: Path) -> Path:
    """Write a chain in the layout of a file, prices on a venue's tick of 0.0001 coin.

    The one of the test venue is spoilt: forwards that jump inside the snapshot, old rows.
    """
    source, layout = chain(strikes=25, spread=0.012), LAYOUTS[name]
    dirty = name == TEST_VENUE
    count = len(source)
    jumps = np.where(dirty & (np.arange(count) % 2 == 0), 1.04, 1.0)
    age = np.where(dirty & (np.arange(count) % 3 > 0), 1_200_000_000, 0)
    table = {
        layout.columns["bid"]: np.floor(source.bid * 1e4) / 1e4,
        layout.columns["ask"]: np.ceil(source.ask * 1e4) / 1e4,
        layout.columns["mark"]: source.mark,
        layout.columns["forward"]: source.forward * jumps,
        layout.columns["spot"]: np.full(count, source.spot),
        layout.columns["expiry"]: pa.array(source.expiry_ns, pa.timestamp("ns", tz="UTC")),
        "timestamp": pa.array(NOW - age * 1_000, pa.timestamp("ns", tz="UTC")),
        "strike": source.strike_e8 / STRIKE_SCALE,
        "option_type": [layout.sides[0 if side > 0 else 1] for side in source.side],
        "open_interest": source.open_interest,
        "currency": ["BTC"] * count,
    }
    if dirty:
        table |= {"snapshot": ["one"] * count}
        table |= {f"best_{side}_amount": np.ones(count) for side in ("bid", "ask")}
    path = folder / f"{name}.parquet"
    pq.write_table(pa.table(table), path)
    return path


def chains_of(name: str, folder: Path) -> list[Chain]:
    path = MARKET / f"{name}.parquet"
    quarantine = Quarantine()
    found = load_chains(path if path.is_file() else generated(name, folder), quarantine)
    assert quarantine.count == 0, quarantine.examples
    return found


def report(source: Chain) -> Quality:
    """Fit a chain and check what must hold of every surface."""
    result = fit_surface(source)
    quality = assess(source, result)
    assert isinstance(result, Surface), describe(quality)
    for one in quality.slices:
        assert one.least_g >= 0.0
        assert max(one.raw.b * (1 + abs(one.raw.rho)), 0.0) <= 2.0
    missed = sum(len(one.missed) for one in quality.slices)
    assert missed == round(quality.liquid * (1.0 - quality.inside_liquid))
    for one in quality.slices[1:]:
        assert one.calendar_gap >= 0.0
        assert one.calendar_slope >= 0.0
    return quality


def test_daily_chains_of_two_currencies_fit_inside_bid_and_ask_without_arbitrage(
    tmp_path: Path,
) -> None:
    """Every expiry of every snapshot, none below 95 %."""
    found: dict[str, list[Quality]] = {}
    for source in chains_of(DAILY, tmp_path):
        found.setdefault(source.underlying, []).append(report(source))

    for underlying, reports in found.items():
        liquid = sum(one.liquid for one in reports)
        inside = sum(one.liquid * one.inside_liquid for one in reports)
        assert liquid > 20
        assert inside / liquid >= 0.98, underlying
        assert min(one.inside_liquid for one in reports) >= 0.95
        assert all(one.quoted == () for one in reports)


def test_coin_prices_of_real_chains_are_not_discounted_and_parity_says_so(tmp_path: Path) -> None:
    """Deribit pays nothing for coin: no expiry implies a factor that can be told from one."""
    precise = 0
    for source in chains_of(DAILY, tmp_path):
        curve = estimate_forwards(source)
        assert (curve.discount == 1.0).all()
        near = curve.discount_error < 0.001
        precise += int(near.sum())
        assert (np.abs(curve.implied_discount[near] - 1.0) < 0.004).all()
    assert precise


def test_the_chain_of_one_snapshot_without_volatilities_fits_without_arbitrage(
    tmp_path: Path,
) -> None:
    """Eleven expiries with smiles of two humps."""
    [source] = chains_of(SINGLE, tmp_path)
    quality = report(source)

    assert quality.liquid > 20
    assert quality.inside_liquid >= 0.95
    assert quality.quoted == ()
    assert quality.parity_error < 0.001  # put-call parity of marks holds to a tick


def test_the_chain_of_a_test_venue_is_diagnosed_and_not_fitted(tmp_path: Path) -> None:
    for source in chains_of(TEST_VENUE, tmp_path):
        result = fit_surface(source)
        quality = assess(source, result)
        text = describe(quality)

        assert not isinstance(result, Surface)
        assert result.reason is SurfaceReason.MOSTLY_STALE
        assert {fault.doubt for fault in quality.doubts} >= {
            Doubt.SEVERAL_FORWARDS, Doubt.MARK_PARITY_ERROR,
        }  # fmt: skip
        assert quality.parity_error > 0.015
        assert "UNTRUSTWORTHY, not fitted" in text
        assert "SEVERAL_FORWARDS" in text


@pytest.mark.parametrize("name", LAYOUTS)
def test_generated_files_of_every_layout_run_through_the_same_reader(
    name: str, tmp_path: Path
) -> None:
    [source] = load_chains(generated(name, tmp_path), Quarantine(faults_max=0))

    assert len(source) == 250
    assert source.spot == 50_000.0
    result = fit_surface(source)
    if name == TEST_VENUE:
        assert not isinstance(result, Surface)
    else:
        assert report(source).inside_liquid >= 0.95
