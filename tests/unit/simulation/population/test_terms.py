from __future__ import annotations

import dataclasses

import pytest

from novate.errors import InputError
from novate.simulation.population.terms import (
    AccountType,
    Asset,
    Instrument,
    Targets,
    check_targets,
    venue_types,
)
from tests.unit.simulation.conftest import ASSETS, INSTRUMENTS


def test_a_lot_gains_its_tick_value_per_tick() -> None:
    # 0.001 BTC and a tick of 0.1 USDT: 0.0001 USDT, or 100 ledger units.
    assert INSTRUMENTS[0].tick_value == 100


def test_collateral_is_valued_after_the_haircut() -> None:
    coin = Asset(symbol="X", decimals=8, price_e8=2 * 10**8, haircut_ppm=250_000)
    assert coin.collateral_value * 10**8 == pytest.approx(1_500_000)


def test_the_default_mix_adds_up() -> None:
    types = venue_types().values()
    assert sum(terms.account_share for terms in types) == pytest.approx(1.0)
    assert sum(terms.gross_share for terms in types) == pytest.approx(1.0)
    check_targets(Targets(), INSTRUMENTS, ASSETS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"accounts": 100}, "accounts 100 is too few"),
        ({"members": 0}, "too few for 0 members"),
        ({"tail_exponent": 1.0}, "tail_exponent 1.0"),
        ({"headroom_min": 0.9}, "headroom_min 0.9"),
        ({"house_collateral": (0.5, 0.5)}, "collateral of HOUSE"),
        ({"house_collateral": (0.5, 0.1, 0.1, 0.1)}, "collateral of HOUSE"),
    ],
)
def test_targets_that_contradict_each_other_are_refused(
    change: dict[str, object], message: str
) -> None:
    targets = Targets(**change)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=message):
        check_targets(targets, INSTRUMENTS, ASSETS)


def test_shares_of_types_must_add_up_and_makers_must_be_there() -> None:
    types = venue_types()
    types[AccountType.FUND] = dataclasses.replace(types[AccountType.FUND], account_share=0.5)
    with pytest.raises(InputError, match="account_share of the types adds up"):
        check_targets(Targets(types=types), INSTRUMENTS, ASSETS)
    del types[AccountType.MARKET_MAKER]
    with pytest.raises(InputError, match="MARKET_MAKER must be there"):
        check_targets(Targets(types=types), INSTRUMENTS, ASSETS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lot_e8": 10**2}, "not a whole number of ledger units"),
        ({"coin": 9}, "coin 9; allowed is 0 to 3"),
        ({"open_interest_share": 0.7}, "open_interest_share adds up"),
    ],
)
def test_an_instrument_that_does_not_fit_is_refused(
    change: dict[str, object], message: str
) -> None:
    first: Instrument = dataclasses.replace(INSTRUMENTS[0], **change)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=message):
        check_targets(Targets(), (first, *INSTRUMENTS[1:]), ASSETS)


def test_basis_traders_need_a_coin() -> None:
    without = tuple(dataclasses.replace(item, coin=None) for item in INSTRUMENTS)
    with pytest.raises(InputError, match="no instrument has its coin"):
        check_targets(Targets(), without, ASSETS)
