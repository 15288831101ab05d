from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from novate.errors import InputError
from novate.simulation.crash_day import CrashDay
from novate.simulation.population.book import sum_by
from novate.simulation.population.calibration import calibration
from novate.simulation.population.generate import (
    LEDGER,
    AccountType,
    Asset,
    Book,
    Instrument,
    MarginMode,
    Role,
    Segregation,
    ShortfallPolicy,
    Targets,
    generate_book,
)

MakeBook = Callable[..., Book]


def columns(book: Book) -> list[np.ndarray]:
    parts = (book.members, book.accounts, book.deposits, book.positions, book.trades)
    found = [book.mark_ticks, book.initial_margin]
    for part in parts:
        values = [getattr(part, name) for name in part.__slots__]
        found += [value for value in values if isinstance(value, np.ndarray)]
    return found


def test_lots_add_up_to_exactly_zero_per_instrument(book: Book) -> None:
    lots = sum_by(book.positions.instrument, book.positions.lots, 3)
    assert lots.tolist() == [0, 0, 0]


def test_entry_costs_add_up_to_exactly_zero_so_that_loading_the_book_creates_no_money(
    book: Book,
) -> None:
    assert sum_by(book.positions.instrument, book.positions.entry_cost, 3).tolist() == [0, 0, 0]
    assert int(book.profit().sum()) == 0


def test_the_opening_trades_build_exactly_the_positions(book: Book) -> None:
    trades, positions = book.trades, book.positions
    lots = np.zeros((len(book.accounts), 3), dtype=np.int64)
    cost = np.zeros_like(lots)
    for side, sign in ((trades.buyer, 1), (trades.seller, -1)):
        np.add.at(lots, (side, trades.instrument), sign * trades.lots)
        np.add.at(cost, (side, trades.instrument), sign * trades.lots * trades.price_ticks)
    assert np.array_equal(lots[positions.account, positions.instrument], positions.lots)
    assert np.array_equal(cost[positions.account, positions.instrument], positions.entry_cost)
    assert np.count_nonzero(lots) == len(positions.lots)
    assert np.all(trades.lots > 0)
    assert np.all(trades.buyer != trades.seller)


def test_every_account_starts_above_its_initial_margin(book: Book) -> None:
    assert np.all(book.equity() >= book.targets.headroom_min * book.initial_margin)
    assert np.all(book.initial_margin > 0)


def test_entry_prices_lie_within_the_recent_path(book: Book, day: CrashDay) -> None:
    tick = np.array([item.tick_e8 for item in book.instruments])
    recent = day.index_e8[:600, :3] // tick
    low, high = recent.min(axis=0), recent.max(axis=0)
    traded = book.trades.instrument
    assert np.all(book.trades.price_ticks >= low[traded])
    assert np.all(book.trades.price_ticks <= high[traded])
    held = book.positions.instrument
    assert np.all(book.positions.entry_ticks >= low[held])
    assert np.all(book.positions.entry_ticks <= high[held])


def test_the_same_seed_gives_the_same_book_and_another_seed_another(make_book: MakeBook) -> None:
    first, again, other = make_book(4), make_book(4), make_book(5)
    assert all(np.array_equal(*pair) for pair in zip(columns(first), columns(again), strict=True))
    assert first.accounts.reference == again.accounts.reference
    assert not np.array_equal(first.positions.lots, other.positions.lots)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("accounts", [1000, 3000, 20_000])
def test_every_target_is_reached(make_book: MakeBook, seed: int, accounts: int) -> None:
    book = make_book(seed, accounts=accounts, open_interest=accounts * 75_000 * LEDGER)
    missed = [row for row in calibration(book) if not row.is_reached]
    assert missed == []


def test_house_accounts_come_first_one_for_each_member(book: Book) -> None:
    members = book.targets.members
    house = book.members.house_account
    assert house.tolist() == list(range(members))
    assert book.accounts.member[house].tolist() == list(range(members))
    assert np.all(book.accounts.role[:members] == Role.HOUSE)
    assert np.all(book.accounts.role[members:] == Role.CLIENT)
    assert np.all(book.accounts.segregation[:members] == Segregation.HOUSE)


def test_funds_are_called_and_takers_are_liquidated(book: Book) -> None:
    shortfall_policy = book.accounts.shortfall_policy
    assert np.all(
        shortfall_policy[book.is_kind(AccountType.FUND)] == ShortfallPolicy.CALL_THEN_DEFAULT
    )
    assert np.all(
        shortfall_policy[book.is_kind(AccountType.TAKER)] == ShortfallPolicy.AUTO_LIQUIDATE
    )


def test_an_isolated_account_has_one_position(book: Book) -> None:
    number = np.bincount(book.positions.account, minlength=len(book.accounts))
    assert np.all(number[book.accounts.mode == MarginMode.ISOLATED] == 1)
    assert np.all(number >= 1)


def test_only_makers_are_hedged_elsewhere_and_against_their_position(book: Book) -> None:
    positions = book.positions
    maker = book.is_kind(AccountType.MARKET_MAKER)[positions.account]
    assert not positions.hedge_lots[~maker].any()
    assert np.all(np.abs(positions.hedge_lots) <= np.abs(positions.lots))
    assert np.all(positions.hedge_lots[maker] * positions.lots[maker] <= 0)


def test_basis_traders_are_short_what_they_hold(book: Book) -> None:
    basis = book.is_kind(AccountType.BASIS_TRADER)
    positions = book.positions
    rows = basis[positions.account]
    assert np.all(positions.lots[rows] < 0)
    assert set(positions.instrument[rows].tolist()) <= {0, 1}
    held = book.collateral()[basis]
    assert held[:, 1:3].sum() == pytest.approx(0.92 * held.sum(), rel=1e-6)


def test_the_default_fund_is_the_wanted_share_of_the_open_interest(book: Book) -> None:
    expected = int(book.targets.open_interest * book.targets.default_fund_share)
    assert int(book.members.default_fund.sum()) == expected
    assert np.all(book.members.default_fund > 0)


def test_prices_of_the_wrong_shape_or_below_a_tick_are_refused(make_book: MakeBook) -> None:
    asset = (Asset(symbol="USDT", decimals=6, price_e8=10**8, haircut_ppm=0),)
    only = (
        Instrument(symbol="BTC", tick_e8=10**7, lot_e8=10**5, max_leverage=50.0,
                   open_interest_share=1.0, coin=0),
    )  # fmt: skip
    targets = Targets(
        types={
            kind: terms.__class__(**{
                **{name: getattr(terms, name) for name in terms.__slots__},
                "collateral": (1.0,) if terms.collateral else (),
            })
            for kind, terms in Targets().types.items()
        },
        house_collateral=(1.0,),
    )  # fmt: skip
    for recent, message in (
        (np.array([10**13]), "recent_e8 has shape"),
        (np.array([[10**13], [1]]), "row 1 of BTC is 1"),
    ):
        with pytest.raises(InputError, match=message):
            generate_book(targets, only, asset, recent_e8=recent,
                          initial_margin=lambda _, notional: notional // 50, seed=1)  # fmt: skip


def test_targets_that_the_makers_cannot_balance_are_refused(make_book: MakeBook) -> None:
    types = dict(Targets().types)
    for kind, share in ((AccountType.MARKET_MAKER, 0.06), (AccountType.BASIS_TRADER, 0.48)):
        terms = types[kind]
        settings = {name: getattr(terms, name) for name in terms.__slots__}
        types[kind] = terms.__class__(**(settings | {"gross_share": share}))
    with pytest.raises(InputError, match="raise the makers' gross_share"):
        make_book(types=types)
