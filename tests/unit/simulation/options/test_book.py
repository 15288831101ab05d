from __future__ import annotations

import numpy as np
import pytest

from novate.errors import InputError
from novate.simulation.options.book import KIND_OF, generate_option_book
from novate.simulation.options.terms import OptionTargets, Trader
from tests.unit.simulation.option_scene import INTEREST, holders, paths, scene


def test_lots_add_up_to_zero_in_every_contract() -> None:
    book = scene().book
    total = np.zeros(len(book.contracts), dtype=np.int64)
    np.add.at(total, book.contract, book.lots)

    assert not total.any()
    assert (book.lots != 0).all()


def test_every_target_is_reached() -> None:
    assert [row.target for row in scene().book.calibration if not row.is_reached] == []


@pytest.mark.parametrize("share", [-0.10, 0.05])
def test_the_makers_start_with_the_wanted_gamma(share: float) -> None:
    row = scene(share).book.calibration[1]

    assert row.wanted == share
    assert row.reached == pytest.approx(share, abs=0.01)


def test_each_holder_is_an_account_of_the_kind_that_has_the_reason() -> None:
    book, (kind, _) = scene().book, holders()
    for trader in Trader:
        assert set(kind[book.account[book.trader == trader]].tolist()) == {int(KIND_OF[trader])}


def test_writers_are_short_calls_buyers_long_puts_and_volatility_sellers_short_both() -> None:
    book = scene().book
    side = book.contracts.side[book.contract]
    writers, buyers, sellers = (
        book.trader == trader
        for trader in (Trader.COVERED_CALL, Trader.PUT_BUYER, Trader.SHORT_VOLATILITY)
    )

    assert (book.lots[writers] < 0).all()
    assert (side[writers] == 1).all()
    assert (book.lots[buyers] > 0).all()
    assert (side[buyers] == -1).all()
    assert (book.lots[sellers] < 0).all()
    assert set(side[sellers].tolist()) == {1, -1}


def test_equal_accounts_give_equal_books() -> None:
    first = scene().book
    kind, size = holders()
    again = generate_option_book(
        first.contracts, paths(), kind=kind, size=size, perpetual_interest=INTEREST
    )

    assert np.array_equal(first.lots, again.lots)
    assert np.array_equal(first.account, again.account)


def test_a_book_without_a_kind_of_holder_is_refused() -> None:
    kind, size = holders()
    with pytest.raises(InputError, match="BASIS_TRADER"):
        generate_option_book(
            scene().book.contracts, paths(), kind=kind % 1, size=size, perpetual_interest=INTEREST
        )


def test_targets_that_leave_nothing_to_sell_are_refused() -> None:
    kind, size = holders()
    with pytest.raises(InputError, match="nothing for the sellers"):
        generate_option_book(
            scene().book.contracts,
            paths(),
            kind=kind,
            size=size,
            perpetual_interest=INTEREST,
            targets=OptionTargets(maker_gamma_share=-0.8),
        )
