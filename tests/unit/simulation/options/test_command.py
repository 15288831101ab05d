"""The option market as commands: what is paid in, traded and hedged before the day begins."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from novate.kernel.codes import Role
from novate.margin.contract_rule.short_option import ShortRule
from novate.message.declare import columns_of
from novate.simulation.options.command import OptionVenue, Underlying, hedge_trades
from novate.simulation.options.terms import Trader
from tests.unit.simulation.option_scene import paths, scene

DERIBIT = ShortRule(0.15, 0.10, 0.075, 0.0, 0.075, 0.0, 0.0, 0)


def venue() -> OptionVenue:
    return OptionVenue(
        book=scene().book,
        paths=paths(),
        underlyings=(
            Underlying(asset=1, decimals=8, haircut=0.05, perpetual=0, tick_e8=10**7, lot_e8=10**5),
            Underlying(asset=2, decimals=8, haircut=0.10, perpetual=1, tick_e8=10**6, lot_e8=10**6),
        ),
        first_instrument=5,
        first_account=100,
        numeraire_decimals=6,
        external_market=int(Role.EXTERNAL_MARKET),
        margin_rule=1,
        rule=DERIBIT,
        taker_fee_ppm=20_000,
        settlement_window_ns=0,
        hedge_ns=60 * 10**9,
    )


def test_a_tick_of_a_lot_is_worth_tick_times_lot() -> None:
    market = venue()
    contracts = market.book.contracts
    digits = np.where(contracts.is_coin_settled == 1, 8, 6)

    assert market.unit == pytest.approx(contracts.ticks() * contracts.lots_size() * 10.0**digits)
    assert set(market.settlement[contracts.is_coin_settled == 0]) == {0}
    assert set(market.settlement[contracts.is_coin_settled == 1]) == {1}


def test_every_option_is_listed_with_its_terms() -> None:
    market = venue()
    columns = columns_of(market.listing())
    contracts = market.book.contracts

    assert tuple(columns["symbol"]) == contracts.symbol
    assert (columns["strike_e8"] == contracts.strike_e8).all()
    assert set(columns["underlying"].tolist()) == {1, 2}
    assert set(columns["margin_rule"].tolist()) == {1}


def test_smiles_are_reported_at_the_instants_of_the_paths_while_they_live() -> None:
    market, path = venue(), paths()[0]
    [first] = market.smiles(int(path.instant_ns[0]))
    [later] = market.smiles(int(path.instant_ns[1000]))

    assert columns_of(first)["expiry_ns"].size == 6
    assert columns_of(later)["expiry_ns"].size == 4  # the first expiry has passed
    assert market.smiles(int(path.instant_ns[0]) + 1) == []
    assert market.smiles(int(path.instant_ns[-1]) + 60 * 10**9) == []


def test_opening_trades_leave_everybody_with_the_book() -> None:
    market = venue()
    book = market.book
    traded = columns_of(market.trades()[0])
    lots = np.zeros((300, len(book.contracts)), dtype=np.int64)
    for side, sign in (("buyer", 1), ("seller", -1)):
        rows = traded[side].astype(np.int64) - 100, traded["instrument"].astype(np.int64) - 5
        np.add.at(lots, rows, sign * traded["lots"])
    np.subtract.at(lots, (book.account, book.contract), book.lots)

    assert not lots.any()
    assert (traded["ticks"] == market.opening[0][traded["instrument"].astype(np.int64) - 5]).all()


def test_makers_open_without_delta_to_half_a_lot() -> None:
    market = venue()
    book, contracts = market.book, market.book.contracts
    hedges, delta = market.hedges(), market.opening[1]
    size = np.array([item.lot_e8 / 1e8 for item in market.underlyings])
    makers = np.unique(book.account[book.trader == Trader.MARKET_MAKER])
    for maker in makers:
        mine = book.account == maker
        held = book.contract[mine]
        coins = book.lots[mine] * contracts.lots_size()[held] * delta[held]
        for coin in range(2):
            left = coins[contracts.underlying[held] == coin].sum()
            assert abs(left + hedges[maker, coin] * size[coin]) <= size[coin] / 2 + 1e-9
    others = np.setdiff1d(np.arange(len(hedges)), makers)
    assert not hedges[others].any()


def test_without_an_interval_nobody_hedges() -> None:
    assert not replace(venue(), hedge_ns=0).hedges().any()


def test_sellers_pay_in_their_margin_with_a_reserve_by_hand() -> None:
    """One seller of one call: 2.0 times the initial margin, less the premium, plus the fee."""
    market = venue()
    book = market.book
    sellers = book.account[book.trader == Trader.COVERED_CALL]
    account = int(sellers[0])
    paid = columns_of(market.deposits())
    found = {
        int(a): int(n)
        for a, x, n in zip(paid["account"], paid["asset"], paid["amount"], strict=True)
        if int(x) == 0
    }
    expected = 0.0
    for row in np.flatnonzero((book.account == account) & (market.settlement[book.contract] == 0)):
        k = int(book.contract[row])
        contracts = book.contracts
        spot = paths()[int(contracts.underlying[k])].spot_e8[0] / 1e8
        price = int(market.opening[0][k]) * contracts.ticks()[k]
        away = max(contracts.strikes()[k] - spot, 0.0)
        margin = max(0.15 * spot - away, 0.10 * spot) + price
        coins = -int(book.lots[row]) * contracts.lots_size()[k]
        expected += coins * (2.0 * margin - price + 0.02 * price)

    assert book.lots[book.account == account].max() < 0
    # Margins are whole ticks, rounded up.
    assert found[account + 100] == pytest.approx(expected * 1e6, rel=1e-4)


def test_hedge_trades_have_the_account_on_the_side_of_its_sign() -> None:
    three = np.array([3, 4]), np.array([0, 0]), np.array([10, 10]), np.array([2, -5])
    [run] = hedge_trades(three[0], 9, three[1], three[2], three[3])
    columns = columns_of(run)

    assert columns["buyer"].tolist() == [3, 9]
    assert columns["seller"].tolist() == [9, 4]
    assert columns["lots"].tolist() == [2, 5]
    assert hedge_trades(*(np.empty(0, np.int64),), 9, *(np.empty(0, np.int64),) * 3) == []
