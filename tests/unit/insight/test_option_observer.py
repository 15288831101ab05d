"""Profit of the option market: nothing is made or lost by all together, whatever happened."""

from __future__ import annotations

import numpy as np

from novate.app.replay.option_market import OTHERS
from novate.insight.option_observer import TERMS, OptionObserver
from novate.simulation.options.terms import Trader
from tests.unit.app.replay.option_run import finished, ready

GROUPS = OTHERS + 1


def watch() -> OptionObserver:
    found = finished().options
    assert found is not None
    return found


def test_terms_add_up_to_the_profit_in_every_step_exactly() -> None:
    for terms, actual in zip(watch().terms, watch().actual, strict=True):
        assert terms.shape == (len(TERMS), GROUPS)
        assert np.array_equal(terms.sum(axis=0), actual)


def test_what_all_holders_gain_is_what_funding_and_fees_left() -> None:
    terms, actual = np.array(watch().terms), np.array(watch().actual)
    booked = terms[:, [TERMS.index("funding"), TERMS.index("fees")]].sum(axis=(1, 2))

    # One rounding to a unit for each group and step.
    assert (np.abs(actual.sum(axis=1) - booked) <= 3 * GROUPS).all()


def test_the_options_of_a_group_gain_what_the_ledger_and_the_marks_say() -> None:
    """Put buyers trade nothing in the day: cash of payoffs and fills, and the change of marks."""
    found, options = watch(), ready().options
    assert options is not None
    x = finished().engine.state
    book = options.book
    mine = np.flatnonzero(book.trader == Trader.PUT_BUYER)
    ticks = options.opening[0][book.contract[mine]]
    unit = options.unit[book.contract[mine]] / 1e6
    linear = options.settlement[book.contract[mine]] == 0
    paid = (book.lots[mine] * ticks * unit)[linear].sum()
    total = np.array(found.actual).sum(axis=0) / 1e6

    assert paid > 0.0
    assert total[Trader.PUT_BUYER] > -2.0 * paid  # no more than premiums can be lost
    assert x.now_ns >= found.instants[-1]


def test_steps_end_every_five_minutes_and_at_each_wide_bar() -> None:
    feed, found = ready().feed, watch()
    wide = feed.range_ppm.max(axis=1) > 10_000
    expected = [
        int(at)
        for at, is_wide in zip(feed.instant_ns, wide, strict=True)
        if is_wide or at % (300 * 10**9) == 0
    ]

    assert found.instants == expected


def test_moments_are_kept_where_they_were_asked_for() -> None:
    options = ready().options
    assert options is not None
    moments = watch().moments
    path = options.paths[0]

    assert int(path.instant_ns[0]) in moments
    assert int(path.expiry_ns[0]) - 3_600 * 10**9 in moments
    for moment in moments.values():
        total = sum(moment.quantity(group) for group in (*Trader, OTHERS))
        assert not np.asarray(total).any()
