from __future__ import annotations

import numpy as np
import pytest

from novate.errors import InputError
from novate.simulation.population.account import draw_accounts, largest_share, position_share
from novate.simulation.population.terms import AccountType, MarginMode, Segregation, Targets


def test_sizes_add_up_to_twice_the_open_interest_and_none_is_above_the_limit() -> None:
    targets = Targets(accounts=5000)
    gross = draw_accounts(targets, 3).gross
    assert gross.sum() == pytest.approx(2 * targets.open_interest, rel=0.01)
    assert gross.max() <= largest_share(targets) * 2 * targets.open_interest * 1.0001


def test_the_share_of_the_largest_accounts_is_solved_for() -> None:
    for wanted in (0.45, 0.55):
        ordered = np.sort(draw_accounts(Targets(top_share=wanted), 1).gross)[::-1]
        assert ordered[:200].sum() / ordered.sum() == pytest.approx(wanted, abs=0.01)


def test_a_share_that_no_body_can_give_is_refused() -> None:
    with pytest.raises(InputError, match=r"top_share 0.9 cannot be met .* nearest is"):
        draw_accounts(Targets(top_share=0.9), 1)


def test_makers_are_large_and_takers_small() -> None:
    sketch = draw_accounts(Targets(), 2)
    kind = sketch.accounts.kind
    median = [np.median(sketch.gross[kind == key]) for key in AccountType]
    assert median[AccountType.MARKET_MAKER] > 3 * median[AccountType.TAKER]


def test_members_differ_in_size_and_each_has_clients() -> None:
    clients = np.bincount(draw_accounts(Targets(), 2).accounts.member)
    assert len(clients) == Targets().members
    assert clients.max() > 4 * clients.min() > 0


def test_only_takers_are_isolated_or_in_an_omnibus_account() -> None:
    accounts = draw_accounts(Targets(), 2).accounts
    taker = accounts.kind == AccountType.TAKER
    assert not np.any(accounts.mode[~taker] == MarginMode.ISOLATED)
    assert not np.any(accounts.segregation[~taker] == Segregation.GROSS_OMNIBUS)


def test_references_are_unique() -> None:
    reference = draw_accounts(Targets(accounts=1000), 2).accounts.reference
    assert len(set(reference)) == 1000


def test_limits_widen_in_a_small_book() -> None:
    assert largest_share(Targets(accounts=400)) > largest_share(Targets())
    assert position_share(Targets(accounts=400)) == largest_share(Targets(accounts=400))
