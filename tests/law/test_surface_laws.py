"""Laws of fitted surfaces: what must not depend on how the same market is written down."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from novate.market.volatility import Surface, check_butterfly, check_calendar, fit_surface
from novate.market.volatility.chain import Chain, PriceUnit
from novate.market.volatility.svi import RawSvi, repair_butterfly
from tests.unit.market.volatility.synthetic import chain

K = np.linspace(-0.3, 0.3, 13)


def fitted(source: Chain) -> Surface:
    surface = fit_surface(source)
    assert isinstance(surface, Surface)
    return surface


def smiles(surface: Surface) -> np.ndarray:
    return np.stack([np.sqrt(one.raw.variance(K) / one.years) for one in surface.slices])


def is_free(surface: Surface) -> bool:
    raws = [one.raw for one in surface.slices]
    pairs = pairwise(raws)
    return all(check_butterfly(raw).holds for raw in raws) and all(
        check_calendar(*pair).holds for pair in pairs
    )


def test_calls_alone_and_puts_alone_give_one_smile() -> None:
    """Put-call parity: each side's prices hold the same volatilities."""
    source = chain()
    sides = [
        fitted(replace(source, bid=np.where(source.side == side, source.bid, np.nan)))
        for side in (1, -1)
    ]

    assert smiles(sides[0]) == pytest.approx(smiles(sides[1]), abs=2e-3)


def test_coin_prices_and_quote_prices_give_one_smile() -> None:
    coin, quote = fitted(chain()), fitted(chain(unit=PriceUnit.QUOTE))

    assert smiles(coin) == pytest.approx(smiles(quote), abs=1e-6)


@given(st.sampled_from([0.001, 0.5, 16.0, 1_000.0]))
@settings(max_examples=4)
def test_the_unit_of_the_quote_currency_does_not_matter(scale: float) -> None:
    base = fitted(chain(unit=PriceUnit.QUOTE))
    scaled = fitted(chain(unit=PriceUnit.QUOTE, scale=scale))

    assert smiles(scaled) == pytest.approx(smiles(base), abs=1e-4)


@given(st.data())
@settings(max_examples=25)
def test_whatever_noise_is_in_the_quotes_no_arbitrage_is_left(data: st.DataObject) -> None:
    source = chain(spread=0.02)
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    size = data.draw(st.sampled_from([0.01, 0.05, 0.2]))
    noise = np.exp(size * rng.standard_normal(len(source)))
    missing = rng.random(len(source)) < data.draw(st.floats(0.0, 0.7))
    result = fit_surface(
        replace(
            source,
            bid=np.where(missing, np.nan, source.bid * noise),
            ask=source.ask * noise,
        )
    )

    assert not isinstance(result, Surface) or is_free(result)


@given(
    st.floats(-0.1, 0.1), st.floats(0.02, 1.0), st.floats(-0.95, 0.95), st.floats(-0.5, 0.5),
    st.floats(0.02, 0.8),
)  # fmt: skip
@settings(max_examples=50)
def test_a_repaired_slice_has_no_negative_density(
    a: float, b: float, rho: float, m: float, sigma: float
) -> None:
    raw = RawSvi(a, b, rho, m, sigma)
    w = raw.at_the_money
    scale = math.sqrt(w) if w > 0.0 else sigma
    if int((raw.variance(np.linspace(-3.0, 3.0, 61) * scale) > 0.0).sum()) < 5:
        return  # no smile to repair

    assert check_butterfly(repair_butterfly(raw, 1.0)).holds


def test_fitting_twice_gives_the_same_bits() -> None:
    first, second = fitted(chain()), fitted(chain())

    assert [one.raw for one in first.slices] == [one.raw for one in second.slices]
