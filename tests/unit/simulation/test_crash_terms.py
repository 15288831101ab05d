from __future__ import annotations

import pytest

from novate.errors import InputError
from novate.simulation.crash_terms import DEMO_COINS, CrashTerms


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"crash_start": 1400}, "must fit into 1440 minutes"),
        ({"fall_min": 0.6}, "fall 0.6 to 0.45"),
        ({"tail_degrees": 2.0}, "tail_degrees 2.0"),
        ({"calm_correlation": 0.95}, "correlations 0.95"),
        ({"peg_low": 0.0}, "peg_low 0.0"),
        ({"jumps": 0}, "jumps 0"),
        ({"stale_source": 5}, "stale_source 5"),
    ],
)
def test_terms_that_contradict_each_other_are_refused(
    change: dict[str, float], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        CrashTerms(**change)  # type: ignore[arg-type]


def test_the_demonstration_has_one_pegged_coin_and_whole_ticks() -> None:
    assert [coin.symbol for coin in DEMO_COINS if coin.is_pegged] == ["USDE"]
    assert all(coin.price_e8 % coin.tick_e8 == 0 for coin in DEMO_COINS)
