from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from novate.stress.option_day import TERMS, OptionDay, grid_rows, option_day
from novate.stress.option_terms import Trader
from tests.unit.stress.option_scene import paths, scene


@cache
def lived() -> OptionDay:
    return option_day(scene().book, paths())


def test_the_terms_add_up_to_the_profit_in_every_step() -> None:
    assert np.array_equal(lived().terms.sum(axis=2), lived().actual)


def test_options_move_money_between_holders_and_the_hedge_brings_the_rest() -> None:
    day = lived()
    hedge = np.vstack([day.hedge[:1], day.hedge[:-1]])
    spot = np.array([path.spot_e8 / 1e8 for path in paths()]).T[grid_rows(1440)]
    # The first hedge is set at the opening and not known from here: leave the first step out.
    gained = (hedge * np.diff(spot, axis=0)).sum(axis=1)[1:]
    booked = day.terms[1:, :, [TERMS.index("funding"), TERMS.index("fees")]].sum(axis=(1, 2))
    rest = day.actual[1:].sum(axis=1) - booked

    assert rest / 1e6 == pytest.approx(gained, abs=0.01)


def test_only_the_makers_pay_funding_and_fees() -> None:
    booked = lived().terms[:, :, [TERMS.index("funding"), TERMS.index("fees")]]

    assert not booked[:, : int(Trader.MARKET_MAKER)].any()
    assert booked[:, int(Trader.MARKET_MAKER)].any(axis=0).all()


def test_makers_who_are_short_gamma_sell_as_the_price_falls_and_lose() -> None:
    day, trough = lived(), int(paths()[0].spot_e8.argmin())
    at = int(np.searchsorted(day.instant_ns, paths()[0].instant_ns[trough]))
    before = int(np.searchsorted(day.instant_ns, paths()[0].instant_ns[599]))

    assert (day.hedge[at] < day.hedge[before]).all()
    assert day.terms[:, Trader.MARKET_MAKER, TERMS.index("gamma")].sum() < 0
    assert day.actual[:, Trader.PUT_BUYER].sum() > 0


def test_little_is_left_unexplained() -> None:
    residual = lived().terms[:, :, TERMS.index("residual")].sum(axis=0)
    moved = np.abs(lived().terms).sum(axis=(0, 2))

    assert (np.abs(residual) < 0.05 * moved).all()


def test_the_first_expiry_is_cash_after_it() -> None:
    day = lived()
    settled = day.terms[:, Trader.PUT_BUYER, TERMS.index("new_trades")]
    step = int(np.searchsorted(day.instant_ns, paths()[0].expiry_ns[0]))

    assert np.flatnonzero(settled).tolist() == [step]


def test_the_grid_holds_the_first_minute_the_expiry_and_the_last() -> None:
    rows = grid_rows(1440)

    assert rows[0] == 0
    assert 959 in rows
    assert rows[-1] == 1439
