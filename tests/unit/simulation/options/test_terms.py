from __future__ import annotations

import numpy as np
import pytest

from novate.errors import InputError
from novate.simulation.options.terms import DEMO_SERIES, OptionTargets, list_options

SPOT = np.array([114_000, 4_100], dtype=np.int64) * 10**8


def test_calls_and_puts_of_three_expiries_and_nine_strikes_are_listed_in_each_series() -> None:
    listed = list_options(("BTC", "ETH"), SPOT)

    assert len(listed) == 3 * 3 * 9 * 2
    assert len(set(listed.symbol)) == len(listed)
    assert set(listed.side.tolist()) == {1, -1}
    assert listed.symbol[0] == "BTC-16H-71000-C"
    assert listed.symbol[-1].endswith("-P.COIN")


def test_strikes_are_multiples_of_the_step_around_the_price() -> None:
    listed = list_options(("BTC", "ETH"), SPOT)
    step = np.array([family.strike_step_e8 for family in DEMO_SERIES])[listed.series]

    assert (listed.strike_e8 % step == 0).all()
    for number in range(3):
        strikes = listed.strikes()[listed.series == number]
        spot = SPOT[listed.underlying[listed.series == number][0]] / 1e8
        assert strikes.min() < 0.6 * spot < 1.2 * spot < strikes.max()


def test_shares_of_a_coin_add_up_to_one() -> None:
    for coin in ("BTC", "ETH"):
        assert sum(f.share for f in DEMO_SERIES if f.coin == coin) == pytest.approx(1.0)


def test_a_series_on_an_unknown_coin_is_refused() -> None:
    with pytest.raises(InputError, match="allowed: BTC"):
        list_options(("BTC",), SPOT[:1])


@pytest.mark.parametrize(
    "wrong", [{"interest_share": 0.0}, {"maker_gamma_share": 1.0}, {"accounts": 1}]
)
def test_targets_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match="allowed"):
        OptionTargets(**wrong)  # type: ignore[arg-type]
