"""Makers' hedges: what they want, what they get, and what a takeover leaves of them."""

from __future__ import annotations

import numpy as np

from novate.engine.batch import Batch, decode_batch
from novate.kernel.codes import AccountStatus
from novate.message import event
from novate.simulation.options.command import OptionVenue
from novate.simulation.options.hedge import HedgeBook
from tests.unit.app.replay.option_run import finished, ready

QUARTER = 15 * 60 * 10**9


def market() -> OptionVenue:
    options = ready().options
    assert options is not None
    return options


def batch(*runs: object) -> Batch:
    one = finished().engine
    made = object.__new__(Batch)
    for name in ("sequence", "instant_ns"):
        object.__setattr__(made, name, one.sequence)
    object.__setattr__(made, "events", list(runs))
    return made


def test_makers_want_the_other_side_of_their_delta_at_the_hedging_times_only() -> None:
    state, hedges = finished().engine.state, HedgeBook(market())
    at_ns = state.now_ns // QUARTER * QUARTER
    maker, coin, lots = hedges.orders(state, at_ns)
    open_makers = [
        row
        for row in hedges.makers
        if state.accounts.status[row + market().first_account] == AccountStatus.OPEN
    ]

    assert set(maker.tolist()) <= set(open_makers)
    assert lots.all()
    assert set(coin.tolist()) <= {0, 1}
    assert not HedgeBook(market()).orders(state, at_ns + 1)[0].size


def test_the_day_leaves_open_makers_close_to_neutral_by_the_engines_marks() -> None:
    done = finished()
    hedges, x, options = HedgeBook(market()), done.engine.state, market()
    for record in done.engine.journal.read(done.run.opening.sequence + 1):
        hedges.take([decode_batch(record)])
    size = np.array([item.lot_e8 / 1e8 for item in options.underlyings])
    p = x.positions
    for maker in hedges.makers.tolist():
        account = maker + options.first_account
        if x.accounts.status[account] != AccountStatus.OPEN:
            continue
        mine = np.flatnonzero((p.used("account") == account) & (p.used("lots") != 0))
        delta, gross = np.zeros(2), np.zeros(2)
        for row in mine.tolist():
            k = int(p.instrument[row]) - options.first_instrument
            if k < 0:
                continue
            coins = int(p.lots[row]) * options.book.contracts.lots_size()[k]
            coins *= int(x.marks.delta_e9[p.instrument[row]]) / 1e9
            coin = int(options.book.contracts.underlying[k])
            delta[coin] += coins
            gross[coin] += abs(coins)
        left = delta + hedges.lots[maker] * size
        assert (np.abs(left) <= 0.05 * gross + size).all()


def test_trades_with_the_external_market_are_hedges_and_a_takeover_drops_them() -> None:
    options, hedges = market(), HedgeBook(market())
    maker, item = int(hedges.makers[0]), options.underlyings[1]
    before = int(hedges.lots[maker, 1])
    trade = event.TRADE_NOVATED.row(
        row=0, buyer=options.external_market, seller=maker + options.first_account,
        instrument=item.perpetual, ticks=10, lots=7, value=0, buyer_fee=0, seller_fee=0,
        buyer_reservation=0, seller_reservation=0, unproven=0,
    )  # fmt: skip
    traded, dropped = hedges.take([batch(trade)])
    assert (traded[maker, 1], dropped.any()) == (-7, False)
    assert hedges.lots[maker, 1] == before - 7

    taken = event.ACCOUNT_TAKEN_OVER.row(
        account=maker + options.first_account, equity=0, maintenance=0, is_first=True,
        charge=0, conversion_ppm=0, kept=0, decided_by=1, worth=0, level=0,
    )  # fmt: skip
    _, dropped = hedges.take([batch(taken)])
    assert dropped[maker, 1] == 7 - before
    assert not hedges.lots[maker].any()


def test_what_the_market_did_not_take_is_wanted_again_at_the_next_step() -> None:
    state, hedges = finished().engine.state, HedgeBook(market())
    at_ns = state.now_ns // QUARTER * QUARTER
    wanted = hedges.orders(state, at_ns)[2]
    hedges.take([])  # nothing was filled

    assert wanted.size
    assert np.array_equal(hedges.orders(state, at_ns + 1)[2], wanted)
