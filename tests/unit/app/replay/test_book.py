"""What opens every book: members, funded layers, prices, prepaid fees."""

from __future__ import annotations

import numpy as np
import pytest

from novate.app.replay.book import (
    Member,
    fund_layers,
    open_members,
    opening_prices,
    prepaid_fees,
)
from novate.app.replay.opening import trade_run
from novate.app.replay.venue import open_venue
from novate.kernel.codes import Role
from novate.message.declare import rows_of
from tests.unit.app.replay.small import START_NS, SYMBOLS, parameters, ready, venue


@pytest.mark.parametrize(
    ("stated", "fund", "skin"),
    [(0, 20_000, 5_000), (77, 77, 77)],  # 2 and 0.5 % of open interest, or what the file says
)
def test_the_layers_are_funded_with_what_the_file_says(stated: int, fund: int, skin: int) -> None:
    settings = parameters()
    settings["waterfall"].update(insurance_fund=stated, skin_in_the_game=stated)
    venue = open_venue(settings, SYMBOLS, START_NS)

    rows = [rows_of(run)[0] for run in fund_layers(venue, 1_000_000)]

    assert rows == [
        {"account": venue.house[Role.INSURANCE_FUND], "asset": 0, "amount": fund},
        {"account": venue.house[Role.SKIN_IN_THE_GAME], "asset": 0, "amount": skin},
    ]


def test_members_are_numbered_after_the_clearing_houses_own_accounts() -> None:
    first = len(venue().house)
    members = [Member("east", "east-default-fund", 70), Member("west", "west-default-fund", 0)]

    runs, numbers, following = open_members(venue(), members, 1_000_000)

    opened = [rows_of(run)[0] for run in runs if run.name == "OpenAccount"]
    paid = [rows_of(run)[0] for run in runs if run.name == "PostCollateral"]
    assert [(row["reference"], row["role"], row["parent"]) for row in opened] == [
        ("east", Role.MEMBER, -1), ("east-default-fund", Role.DEFAULT_FUND, first),
        ("west", Role.MEMBER, -1), ("west-default-fund", Role.DEFAULT_FUND, first + 2),
    ]  # fmt: skip
    assert (numbers, following) == ([first, first + 2], first + 4)
    assert paid[0] == {"account": first + 1, "asset": 0, "amount": 70}
    assert len(paid) == 1 + 2  # and the two layers


def test_every_source_reports_before_the_first_trade() -> None:
    day = ready()

    clock, reports, last, assessment = opening_prices(day.venue, day.feed)

    assert rows_of(clock)[0]["instant_ns"] == day.feed.instant_ns[0] - 1
    assert [row["source"] for row in rows_of(reports)] == list(range(len(day.feed.sources)))
    assert [row["ticks"] for row in rows_of(last)] == [500_000, 300_000]
    assert assessment.name == "AssessMargin"


def test_fees_are_prepaid_for_margin_accounts_alone() -> None:
    first, contract = 20, venue().contracts[0]
    columns = (np.array([value]) for value in (0, 500_000, 10))
    terms = venue().parameters["instruments"][contract.symbol]

    run = prepaid_fees(venue(), trade_run((np.array([first]), np.array([3])), *columns), first)

    value = contract.unit * 500_000 * 10
    fee = -(-value * terms["taker_fee_ppm"] // 1_000_000)
    assert rows_of(run) == [{"account": first, "asset": contract.settlement, "amount": fee}]
