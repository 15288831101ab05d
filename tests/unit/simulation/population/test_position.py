from __future__ import annotations

import numpy as np
import pytest

from novate.errors import InputError
from novate.simulation.population.account import draw_accounts, position_share
from novate.simulation.population.position import Holding, draw_holding, open_positions
from novate.simulation.population.terms import LEDGER, AccountType, Targets
from tests.unit.simulation.conftest import INSTRUMENTS

TARGETS = Targets(accounts=2000, members=4, open_interest=150_000_000 * LEDGER)
LOT_VALUE = np.array([114 * LEDGER, 41 * LEDGER, 20 * LEDGER])


def holding(seed: int = 1) -> Holding:
    return draw_holding(TARGETS, INSTRUMENTS, draw_accounts(TARGETS, seed), LOT_VALUE, seed)


def test_lots_balance_and_open_interest_is_as_wanted() -> None:
    lots = holding().lots
    assert lots.sum(axis=0).tolist() == [0, 0, 0]
    reached = np.maximum(lots, 0).sum(axis=0) * LOT_VALUE
    wanted = [TARGETS.open_interest * item.open_interest_share for item in INSTRUMENTS]
    assert np.allclose(reached, wanted, rtol=0.01)


def test_nobody_but_a_maker_exceeds_the_position_limit() -> None:
    kind = draw_accounts(TARGETS, 1).accounts.kind
    lots = np.abs(holding().lots[kind != AccountType.MARKET_MAKER])
    wanted = np.array([TARGETS.open_interest * item.open_interest_share for item in INSTRUMENTS])
    assert np.all(lots * LOT_VALUE <= position_share(TARGETS) * wanted + LOT_VALUE)


def test_leverage_stays_below_what_the_venue_offers() -> None:
    drawn = holding()
    lots = np.abs(drawn.lots) * LOT_VALUE
    only_sol = (lots[:, 2] > 0) & (lots[:, :2].sum(axis=1) == 0)
    assert only_sol.any()
    assert drawn.leverage[only_sol].max() < 50.0


def test_larger_takers_use_less_leverage() -> None:
    sketch = draw_accounts(TARGETS, 1)
    taker = np.flatnonzero(sketch.accounts.kind == AccountType.TAKER)
    by_size = taker[np.argsort(sketch.gross[taker])]
    third = len(by_size) // 3
    leverage = holding().leverage
    assert np.median(leverage[by_size[-third:]]) < np.median(leverage[by_size[:third]])


def test_no_position_is_further_from_its_entry_than_its_leverage_allows() -> None:
    drawn = holding()
    kind = draw_accounts(TARGETS, 1).accounts.kind
    path = np.linspace(0.7, 1.0, 500)[:, None] * np.array([1_140_000, 410_000, 20_000])
    recent = path.astype(np.int64)
    positions, _ = open_positions(drawn, recent, kind, 1)
    mark = recent[-1][positions.instrument]
    move = np.abs(positions.entry_cost / positions.lots - mark) / mark
    assert np.all(move * drawn.leverage[positions.account] <= 0.4 + 1e-9)
    assert move.max() > 0.05


def test_lots_too_coarse_for_the_book_are_refused() -> None:
    with pytest.raises(InputError, match="use a smaller lot"):
        draw_holding(TARGETS, INSTRUMENTS, draw_accounts(TARGETS, 1), LOT_VALUE * 100_000, 1)
