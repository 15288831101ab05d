from __future__ import annotations

import numpy as np
import pytest

from novate.simulation.options.quote import option_quotes
from tests.unit.simulation.option_scene import paths, scene


def test_bids_lie_below_asks_on_their_ticks_around_the_mark() -> None:
    book = scene().book
    shown = option_quotes(book, paths(), 0, 1)
    quoted = np.isfinite(shown.bid)
    coin = book.contracts.is_coin_settled == 1

    assert quoted.sum() > 100
    assert (shown.bid[quoted] < shown.ask[quoted]).all()
    assert np.allclose(np.rint(shown.ask[coin] / 1e-4) * 1e-4, shown.ask[coin])
    far = (shown.mark < shown.bid) | (shown.mark > shown.ask)
    assert not (far & quoted).any()


def test_a_bid_below_one_tick_is_no_bid_and_has_no_size() -> None:
    shown = option_quotes(scene().book, paths(), 0, 1)
    none = np.isnan(shown.bid)

    assert none.any()
    assert np.isnan(shown.bid_size[none]).all()
    assert (shown.bid[~none] > 0.0).all()


def test_what_has_expired_is_not_quoted() -> None:
    shown = option_quotes(scene().book, paths(), 1000, 1)
    gone = scene().book.contracts.expiry == 0

    assert np.isnan(shown.ask[gone]).all()
    assert np.isfinite(shown.ask[~gone]).all()


@pytest.mark.parametrize("seed", [1, 2])
def test_a_seed_gives_the_same_quotes_each_time(seed: int) -> None:
    first, again = (option_quotes(scene().book, paths(), 5, seed) for _ in range(2))
    other = option_quotes(scene().book, paths(), 5, seed + 1)

    assert np.array_equal(first.ask, again.ask, equal_nan=True)
    assert not np.array_equal(first.ask, other.ask, equal_nan=True)
