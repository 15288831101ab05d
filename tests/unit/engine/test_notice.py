from __future__ import annotations

import numpy as np
import pytest

from novate.engine.notice import Changes, Notice, Subscribers
from novate.kernel.codes import AccountStatus, ShortfallPolicy
from novate.message import command, event
from tests.unit.clearing import COIN, HOUR, MINUTE, START, ClearingHouse


def called(account: int) -> list[object]:
    return [event.MARGIN_CALL_MET.row(**{
        field.name: account if field.name == "account" else 0
        for field in event.MARGIN_CALL_MET.fields
    })]  # fmt: skip


def test_changes_are_the_accounts_touched_and_those_named() -> None:
    changes = Changes()
    changes.add(np.array([5, 2, 5]), called(9))
    changes.add(np.array([], np.int64), [])

    assert changes.take().tolist() == [2, 5, 9]  # type: ignore[union-attr]
    assert changes.take().tolist() == []  # type: ignore[union-attr]


def test_after_a_change_of_everything_nobody_is_singled_out() -> None:
    changes = Changes()
    changes.add(np.array([5]), [])
    changes.add(None, [])
    changes.add(np.array([6]), [])

    assert changes.take() is None
    assert changes.take().tolist() == []  # type: ignore[union-attr]


def listening() -> tuple[ClearingHouse, list[Notice]]:
    house = ClearingHouse()
    house.list_contract()
    house.open_client("A", deposit=5_500 * COIN)
    house.open_client("B", deposit=90_000 * COIN)
    house.open_client("C", deposit=COIN)
    house.price(500)
    house.trade("A", "B", lots=100, ticks=500)
    told: list[Notice] = []
    house.engine.subscribe(told.append)
    return house, told


def test_a_trade_tells_the_figures_of_both_sides_and_of_the_house_alone() -> None:
    house, told = listening()

    house.trade("B", "A", lots=10, ticks=500)

    [notice] = told
    assert notice.sequence == house.engine.sequence
    assert notice.instant_ns == house.state.now_ns
    assert {house.number("A"), house.number("B")} <= set(notice.account.tolist())
    assert house.number("C") not in notice.account
    at = notice.account.tolist().index(house.number("A"))
    assert notice.equity[at] == house.equity("A")
    assert notice.initial[at] == house.state.assess(house.number("A")).initial
    assert notice.maintenance[at] == house.state.assess(house.number("A")).maintenance
    assert notice.status[at] == AccountStatus.OPEN
    with pytest.raises(ValueError, match="read-only"):
        notice.equity[at] = 0


def test_a_price_tells_those_whose_figures_it_moved() -> None:
    house, told = listening()

    house.price(499, at_ns=START + MINUTE)

    assert told[-1].account.tolist() == [house.number("A"), house.number("B")]


def test_a_liquidation_tells_the_status_and_the_orders() -> None:
    house, told = listening()
    house.price(468, at_ns=START + MINUTE)
    notice = told[-1]

    at = notice.account.tolist().index(house.number("A"))
    assert notice.status[at] == AccountStatus.LIQUIDATING
    assert notice.placed["order"].tolist() == [1]
    assert notice.placed["account"].tolist() == [house.number("A")]
    assert notice.closed.tolist() == []

    quantity = int(notice.placed["quantity"][0])
    house.fill(1, -quantity, 467)
    assert told[-1].closed.tolist() == [1]


def test_another_status_is_told_where_everybody_was_touched() -> None:
    house, told = listening()
    policy = ShortfallPolicy.CALL_THEN_DEFAULT
    house.open_client("D", deposit=5_500 * COIN, shortfall_policy=policy)
    house.trade("D", "B", lots=100, ticks=500)
    house.price(490, at_ns=START + MINUTE)
    assert house.status("D") == AccountStatus.CALLED

    # A tier touches everybody; at the deadline no figure of D moves, but its status does.
    terms = {"instrument": 0, "floor": 10**15, "initial_ppm": 500_000, "maintenance_ppm": 400_000}
    later = command.ADVANCE_TIME.row(instant_ns=START + MINUTE + HOUR)
    house.submit(command.SET_TIER.row(**terms), later)

    assert house.status("D") == AccountStatus.LIQUIDATING
    at = told[-1].account.tolist().index(house.number("D"))
    assert told[-1].status[at] == AccountStatus.LIQUIDATING


def test_a_new_account_is_told_of() -> None:
    house, told = listening()

    house.open_client("D", deposit=7)

    assert told[-1].account.tolist()[-1] == house.number("D")
    assert told[-1].equity[-1] == 7


def test_nobody_listens_at_first() -> None:
    assert not Subscribers()
