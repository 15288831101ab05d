"""Marks of real option chains: what their volatilities give, and what inverting them gives back.

With the files at hand (environment variable NOVATE_MARKET) the rows are Deribit's; without them
they are generated in the same form: marks in coin, volatilities rounded to 1e-4, marks to 1e-8.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.parquet as pq
import pytest

from novate.kernel.clearing.columns import F64
from novate.kernel.codes import PricingStatus
from novate.kernel.pricing.black import black_greeks
from novate.valuation.implied import implied_volatility_inverse

ROOT = Path(__file__).parents[2]
MARKET = Path(os.environ.get("NOVATE_MARKET", ROOT.parent / "shared" / "market"))
CHAIN = MARKET / "options_deribit_chain_2026-01_daily.parquet"
NO_VOLATILITIES = MARKET / "options_deribit_eth_2024-01-08.parquet"
YEAR_NS = 365 * 86_400e9


class Chain(NamedTuple):
    """Columns of a chain; marks in coin, volatilities NaN where the venue gives none."""

    c: F64
    F: F64
    K: F64
    T: F64
    mark: F64
    vol: F64


def priced(c: F64, F: F64, K: F64, T: F64, vol: F64) -> tuple[F64, F64]:
    """Coin prices and coin vegas."""
    out = [np.empty(F.size) for _ in range(5)]
    black_greeks(c, F, K, T, vol, np.zeros(F.size), *out)
    return out[0] / F, out[3] / F


def generated(size: int) -> Chain:
    rng = np.random.default_rng(26)
    F = np.repeat(rng.choice([88_500.0, 3_000.0], size // 2), 2)
    T = np.repeat(rng.uniform(0.002, 1.0, size // 2), 2)
    vol = np.repeat(rng.uniform(0.3, 1.2, size // 2), 2).round(4)
    K = (F * np.exp(np.repeat(rng.uniform(-2, 2, size // 2), 2) * vol * np.sqrt(T))).round(-1)
    c = np.tile([1.0, -1.0], size // 2)
    noise = rng.uniform(-5e-5, 5e-5, size)
    return Chain(c, F, K, T, priced(c, F, K, T, vol + noise)[0].round(8), vol)


@pytest.fixture(scope="module")
def chain() -> Chain:
    if not CHAIN.exists():
        return generated(4_000)
    table = pq.read_table(CHAIN)
    number = {
        name: table[name].to_numpy(zero_copy_only=False).astype(np.float64)
        for name in (
            "futures_price", "strike", "time_to_maturity", "mark_price", "implied_volatility",
        )
    }  # fmt: skip
    c = np.where(np.array(table["option_type"].to_pylist()) == "call", 1.0, -1.0)
    return Chain(c, *number.values())


@pytest.fixture(scope="module")
def unnamed() -> Chain:
    """A chain without volatilities."""
    if not NO_VOLATILITIES.exists():
        return generated(600)
    table = pq.read_table(NO_VOLATILITIES)
    F, K, mark = (
        table[name].to_numpy().astype(np.float64)
        for name in ("underlying_price", "strike", "mark_price")
    )
    ns = [table[name].to_numpy().astype("datetime64[ns]").astype(np.int64)
          for name in ("timestamp", "expiry")]  # fmt: skip
    c = np.where(np.array(table["option_type"].to_pylist()) == "C", 1.0, -1.0)
    return Chain(c, F, K, (ns[1] - ns[0]) / YEAR_NS, mark, np.full(F.size, np.nan))


def test_the_venue_s_volatilities_give_its_marks(chain: Chain) -> None:
    price, _ = priced(chain.c, chain.F, chain.K, chain.T, chain.vol)
    error = np.abs(price - chain.mark)

    assert np.median(error) < 2e-5
    assert np.quantile(error, 0.99) < 3e-4


def test_inverting_the_marks_gives_the_volatilities_back_where_vega_allows(chain: Chain) -> None:
    _, vega = priced(chain.c, chain.F, chain.K, chain.T, chain.vol)
    vol, status = implied_volatility_inverse(chain.mark, chain.F, chain.K, chain.T, chain.c)
    has_vol = status == PricingStatus.OK
    error = np.abs(vol - chain.vol)

    assert has_vol.mean() > 0.99
    assert np.quantile((error * vega)[has_vol], 0.99) < 3e-4
    sensitive = has_vol & (vega > 0.05)
    assert sensitive.mean() > 0.2
    assert np.median(error[sensitive]) < 3e-4
    assert np.quantile(error[sensitive], 0.99) < 2e-3


def test_a_mark_without_a_volatility_is_below_intrinsic_by_no_more_than_the_marks_err(
    chain: Chain,
) -> None:
    vol, status = implied_volatility_inverse(chain.mark, chain.F, chain.K, chain.T, chain.c)
    refused = status != PricingStatus.OK
    lack = np.maximum(chain.c * (chain.F - chain.K), 0) / chain.F - chain.mark

    assert np.isin(status, (PricingStatus.OK, PricingStatus.PRICE_BELOW_INTRINSIC)).all()
    assert np.isnan(vol[refused]).all()
    assert np.isfinite(vol[~refused]).all()
    assert lack[refused].max(initial=0.0) < 1e-3
    assert lack[refused].min(initial=1.0) > 0.0


def test_the_volatilities_of_the_marks_give_the_marks(chain: Chain, unnamed: Chain) -> None:
    for c, F, K, T, mark, _ in (chain, unnamed):
        vol, status = implied_volatility_inverse(mark, F, K, T, c)
        price, _ = priced(c, F, K, T, np.where(status == PricingStatus.OK, vol, 0.5))

        assert np.abs(price - mark)[status == PricingStatus.OK].max() < 2e-15


def test_call_and_put_of_a_chain_agree_as_far_as_their_marks_keep_parity(unnamed: Chain) -> None:
    c, F, K, T, mark, _ = unnamed
    vol, status = implied_volatility_inverse(mark, F, K, T, c)
    order = np.lexsort((-c, K, np.round(365 * T)))  # the rows of a snapshot are seconds apart
    call, put = order[::2], order[1::2]
    assert (c[call] == 1).all()
    assert (K[call] == K[put]).all()
    assert pytest.approx(T[put], abs=1e-5) == T[call]
    off = np.abs(mark[call] - mark[put] - (1 - K[call] / F[call]))
    both = (status[call] == PricingStatus.OK) & (status[put] == PricingStatus.OK)

    assert off.max() < 1e-4
    assert both.mean() > 0.99
    _, vega = priced(c[call], F[call], K[call], T[call], np.where(both, vol[call], 0.5))
    spread = (np.abs(vol[call] - vol[put]) * vega)[both]
    assert spread.max() < 1e-4
