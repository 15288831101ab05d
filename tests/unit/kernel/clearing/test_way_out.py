from __future__ import annotations

import math

import numpy as np
import pytest

from novate.kernel.clearing.assess import WIDTH
from novate.kernel.clearing.close_out import assess_without_orders
from novate.kernel.clearing.way_out import (
    conceded_of,
    margin_orders,
    most_conceded_of,
    order_loss_of,
    worth_of_shorts,
)
from tests.unit.clearing import ClearingHouse
from tests.unit.kernel.exposures import OPTION, UNITS, random_exposure, readable_assessment


def priced(mark: int = 1_000) -> ClearingHouse:
    """X at a mark, with fees of a per mille and two."""
    house = ClearingHouse()
    house.list_contract(unit=7, maker_fee_ppm=1_000, taker_fee_ppm=2_000, ticks_max=1_100)
    house.price(mark)
    return house


@pytest.mark.rule("7.23", "7.50")
@pytest.mark.parametrize(
    ("lots", "limit", "move_ppm", "loss"),
    [
        (3, 1_000, 0, 42),  # the dearer fee alone: two per mille of 21,000
        (3, 1_010, 0, 210 + 43),  # 42.42 rounded up
        (3, 990, 0, 42),
        (3, 1_000, 1_001, 2 * 21 + 42),  # the mark moves by 1.001, rounded up to 2
        (-3, 1_000, 10_000, 210 + 42),
        (-3, 1_000, 900_000, 2_100 + 42),  # up to the highest price
        (3, 1_000, 1_000_000, 999 * 21 + 42),  # down to the lowest
    ],
)
def test_an_order_loses_what_its_limit_is_behind_the_moved_mark_and_the_dearer_fee(
    lots: int, limit: int, move_ppm: int, loss: int
) -> None:
    x = priced().state

    arrays = x.account_arrays(), x.instrument_arrays(), x.asset_arrays()
    assert order_loss_of(*arrays, 0, 0, lots, limit, move_ppm) == loss


@pytest.mark.rule("7.56")
@pytest.mark.parametrize(
    ("before", "after"),
    # Sold 5 behind the mark: 105 and a fee of 42; 315 one band away, 525 two bands away.
    [(0, 357), (146, 357), (147, 147), (357, 357), (567, 567), (568, 357)],
)
def test_a_hold_stays_between_the_loss_at_the_mark_and_that_two_bands_away(
    before: int, after: int
) -> None:
    x = priced().state
    row = x.reservations.append()
    x.reservations.lots[row], x.reservations.limit_ticks[row] = -3, 995
    x.reservations.open_order_hold[row] = before
    hold = np.zeros(1, np.int64)

    margin_orders(
        x.account_arrays(), x.instrument_arrays(), x.asset_arrays(), x.reservations.arrays(),
        np.array([row]), np.array([10_000]), hold,
    )  # fmt: skip

    assert int(hold[0]) == after


@pytest.mark.rule("7.52")
def test_a_better_price_pays_for_the_fee_of_what_closes() -> None:
    x = priced().state
    terms = x.instrument_arrays(), x.asset_arrays()

    assert conceded_of(*terms, 0, 3, 1_000) == 42
    assert conceded_of(*terms, 0, 3, 999) == 42 - 21
    assert conceded_of(*terms, 0, 3, 990) == 0
    assert conceded_of(*terms, 0, -3, 990) == 210 + 42  # 41.58


@pytest.mark.rule("7.53")
@pytest.mark.parametrize(
    ("cover", "beside", "before", "after", "most"),
    [
        (1_000, 0, 3, 2, 333),
        (1_000, 667, 3, 2, 333),
        (1_000, 668, 3, 2, 332),
        (1_000, 1_001, 3, 2, 0),
        (-5, 0, 10, 0, 0),
        (1_000, 0, 10, 10, 0),
        (1_000, 0, 10, 12, -2),
        (1_000, 0, 0, 0, 0),
        (2**61, 0, 2**61, 1, 2**61 - 1),
        (2**62 - 1, 0, 2**61, 2**60, 2**61 - 1),
    ],
)
def test_the_share_of_the_cover_is_exact(
    cover: int, beside: int, before: int, after: int, most: int
) -> None:
    assert most_conceded_of(cover, beside, before, after) == most


@pytest.mark.rule("7.51")
@pytest.mark.parametrize("seed", range(5))
def test_short_options_are_worth_their_marks(seed: int) -> None:
    x = random_exposure(np.random.default_rng(seed))
    p, arrays = x.positions, (x.account_arrays(), x.positions.arrays())
    for account in range(x.accounts.count):
        worth = 0
        for row in np.flatnonzero(p.used("account") == account).tolist():
            i, lots = int(p.instrument[row]), int(p.lots[row])
            if i >= OPTION and lots < 0:
                owed = UNITS[i] * -lots * int(x.marks.mark[i])
                asset = int(x.instruments.settlement_asset[i])
                worth += math.ceil(owed * float(x.assets.unit_price[asset]))
        found = worth_of_shorts(*arrays, x.instrument_arrays(), x.asset_arrays(), account)
        assert found == worth


@pytest.mark.rule("3.40", "3.50")
@pytest.mark.parametrize("seed", range(5))
def test_an_assessment_without_orders_is_that_of_the_positions(seed: int) -> None:
    x = random_exposure(np.random.default_rng(seed))
    x.accounts.open_order_hold[: x.accounts.count] = 1_000
    out = np.zeros((x.accounts.count, WIDTH), np.int64)

    assess_without_orders(
        x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), x.asset_arrays(),
        np.arange(x.accounts.count), out,
    )  # fmt: skip

    x.positions.buy_lots[:] = x.positions.sell_lots[:] = 0
    assert [tuple(row) for row in out.tolist()] == [
        readable_assessment(x, account) for account in range(x.accounts.count)
    ]
