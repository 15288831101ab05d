from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from novate.adapter.book_file import CollateralTable, PositionTable
from novate.adapter.memory_journal import MemoryJournal
from novate.app.replay.book import (
    LoadedBook,
    _open_interest,
    file_book,
    fund_layers,
    generated_book,
    holders_react,
)
from novate.app.replay.feed import Feed, file_feed
from novate.app.replay.venue import Venue, open_venue
from novate.canonical import Run
from novate.engine.engine import Engine
from novate.errors import InputError
from novate.kernel.clearing.assess import EQUITY, INITIAL, NET
from novate.kernel.codes import Role
from novate.message.declare import columns_of, rows_of
from novate.simulation.path import PathOrder
from tests.unit.app.replay.small import START_NS, SYMBOLS, finished, parameters, ready
from tests.unit.app.replay.test_feed import TWO_HOURS, table


def made(
    settings: dict[str, Any] | None = None, seed: int = 1
) -> tuple[Venue, Feed, list[Run], LoadedBook]:
    """A generated book of 400 accounts, and everything it needs."""
    settings = settings or parameters()
    settings["book"]["accounts"] = 400
    venue, opening = open_venue(settings, list(SYMBOLS), START_NS - 10**9)
    feed, declared = file_feed(table(*TWO_HOURS), venue, order=PathOrder.LOW_FIRST, points=4)
    book = generated_book(venue, feed, seed=seed, stress_start_ns=START_NS)
    return venue, feed, [*opening, *declared], book


def test_a_generated_book_is_accepted_by_the_engine_as_it_stands() -> None:
    venue, _, opening, book = made()
    engine = Engine(MemoryJournal())

    batches = engine.submit([*opening, *book.runs])

    x = engine.state
    refused = [row for b in batches for run in b.events if run.name == "CommandRefused"
               for row in rows_of(run)]  # fmt: skip
    assert refused == []
    assert len(book.accounts) == len(book.references) == len(book.members) == 400
    assert [x.accounts.references[a] for a in book.accounts] == book.references
    assert venue.accounts == x.accounts.count
    numbers = x.assess_all()[book.accounts]
    assert (numbers[:, EQUITY] >= numbers[:, INITIAL]).all()
    assert {Role(int(x.accounts.role[a])).name.lower() for a in book.accounts} == set(book.roles)
    assert all(row["target"] and row["reached"] for row in book.calibration)


def test_opening_fees_are_prepaid_so_that_equity_is_as_drawn() -> None:
    _, _, opening, book = made()
    engine = Engine(MemoryJournal())
    engine.submit([*opening, *book.runs])
    settings = parameters()
    for terms in settings["instruments"].values():
        terms["taker_fee_ppm"] = terms["maker_fee_ppm"] = 0
    _, _, free_opening, free_book = made(settings)
    free = Engine(MemoryJournal())
    free.submit([*free_opening, *free_book.runs])

    paying = engine.state.assess_all()[book.accounts, NET]
    exempt = free.state.assess_all()[free_book.accounts, NET]

    # What was prepaid is the larger rate on both sides, rounded up: never less than was paid.
    assert (paying >= exempt).all()


def test_a_seed_makes_a_book_and_another_seed_another() -> None:
    same = [made(seed=3)[3] for _ in range(2)]
    other = made(seed=4)[3]

    assert same[0].runs == same[1].runs
    assert same[0].runs != other.runs


def test_open_interest_that_is_not_stated_is_a_quarter_of_a_days_turnover() -> None:
    venue, feed, _, _ = made()
    venue.parameters["book"]["open_interest"] = 0

    # Two hours: 2 BTC at 50,500 and 1 ETH at 3,010, then 4 at 50,450 and 3 at 3,015, in 1e-6.
    traded = 2 * 50_500 + 3_010 + 4 * 50_450 + 3 * 3_015
    assert _open_interest(venue, feed) == max(traded * 12 // 4, 1_000_000) * 10**6
    venue.parameters["book"]["open_interest"] = 77
    assert _open_interest(venue, feed) == 77


def test_a_generated_book_needs_two_coins_and_a_stable_coin() -> None:
    settings = parameters()
    del settings["assets"]["USDC"]

    with pytest.raises(InputError, match="needs contracts on two assets and one more asset"):
        made(settings)


def test_a_book_without_shares_of_open_interest_is_refused() -> None:
    settings = parameters()
    for terms in settings["instruments"].values():
        terms["open_interest_share_ppm"] = 0

    with pytest.raises(InputError, match="open_interest_share_ppm above 0"):
        made(settings)


@pytest.mark.parametrize(
    ("stated", "fund", "skin"),
    [(0, 20_000, 5_000), (77, 77, 77)],  # 2 and 0.5 % of open interest, or what the file says
)
def test_the_layers_are_funded_with_what_the_file_says(stated: int, fund: int, skin: int) -> None:
    settings = parameters()
    settings["waterfall"].update(insurance_fund=stated, skin_in_the_game=stated)
    venue, _ = open_venue(settings, list(SYMBOLS), START_NS)

    rows = [rows_of(run)[0] for run in fund_layers(venue, 1_000_000)]

    assert rows == [
        {"account": venue.house[Role.INSURANCE_FUND], "asset": 0, "amount": fund},
        {"account": venue.house[Role.SKIN_IN_THE_GAME], "asset": 0, "amount": skin},
    ]


# ---- from files


def test_positions_are_opened_against_the_external_market_which_ends_flat() -> None:
    prepared, done = finished()
    x = done.engine.state
    trades = next(run for run in prepared.book.runs if run.name == "SubmitTrade")
    columns = columns_of(trades)
    market = prepared.venue.house[Role.EXTERNAL_MARKET]

    assert prepared.book.references == ["long", "short", "hedge"]
    assert prepared.book.members == ["east", "west", "west"]
    signed = np.where(columns["buyer"] == market, -columns["lots"], columns["lots"])
    for instrument in range(2):
        assert signed[columns["instrument"] == instrument].sum() == 0
    assert columns["ticks"].tolist() == [500_000, 498_003, 500_100, 300_000, 299_050]
    members = [x.accounts.references[x.accounts.parent[a]] for a in prepared.book.accounts]
    assert members == ["member:east", "member:west", "member:west"]


def test_the_default_fund_is_split_evenly_over_the_members_of_a_file() -> None:
    prepared = ready()
    deposits = [
        rows_of(run)[0]["amount"] for run in prepared.book.runs if run.name == "PostCollateral"
    ]

    # 2 % of a long notional of 2 x 50,000 and 10 x 3,000, over two members.
    assert deposits[:2] == [1_300 * 10**6] * 2


def test_collateral_of_an_account_without_a_position_is_refused() -> None:
    venue, feed, _, _ = made()
    none = np.zeros(0, np.int64)
    positions = PositionTable(
        accounts=(), instruments=(), account=none.astype(np.int32),
        instrument=none.astype(np.int32), lots=none, entry_price_e8=none,
    )  # fmt: skip
    collateral = CollateralTable(
        accounts=("ghost",), assets=("USDT",), account=np.zeros(1, np.int32),
        asset=np.zeros(1, np.int32), amount=np.ones(1, np.int64),
    )  # fmt: skip

    with pytest.raises(InputError, match="collateral of account 'ghost', which holds no position"):
        file_book(venue, feed, positions, collateral)


# ---- holders


def test_holders_of_a_file_do_nothing() -> None:
    book = ready().book

    assert holders_react(book, np.zeros(3, np.int64), np.ones(3, np.int64), START_NS) == []


def test_holders_of_a_generated_book_top_up_and_withdraw_in_numeraire() -> None:
    _, _, _, book = made()
    count = len(book.accounts)
    seen: set[str] = set()
    for minute in range(0, 24 * 60, 10):
        instant = START_NS + minute * 60 * 10**9
        short = np.full(count, 10**9 if minute > 600 else 10**13, np.int64)
        for run in holders_react(book, short, np.full(count, 10**12, np.int64), instant):
            rows = columns_of(run)
            seen.add(run.name)
            assert (rows["amount"] > 0).all()
            assert (rows["asset"] == 0).all()
            assert np.isin(rows["account"], book.accounts).all()

    assert seen <= {"PostCollateral", "WithdrawCollateral"}
    assert "PostCollateral" in seen
