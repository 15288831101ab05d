from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from novate.default_management.loss.policy import Bearer, LayerTerms, Place
from novate.default_management.loss.share import (
    SharedLayer,
    above_maintenance,
    standing_accounts,
    within_bounds,
)
from novate.default_management.state import DefaultState
from novate.default_management.waterfall import PLACES
from novate.engine.plugin import Plugins
from novate.engine.recover import audit, recover
from novate.errors import InvariantError
from novate.insight.claim import headline
from novate.insight.observer import Observer
from novate.kernel.clearing.columns import I64
from novate.kernel.codes import Layer
from novate.message import command
from tests.tiny_loss_policy import POLICIES
from tests.unit.clearing import COIN, ClearingHouse


def house_of(*layers: int, policies: Any = POLICIES, funds: int = 0) -> ClearingHouse:
    """A is long 100 at 500 against B (60) and C (40); D holds nothing.  N and P have funds."""
    house = ClearingHouse(plugins=Plugins(loss_policies=policies))
    house.submit(command.DECLARE_WATERFALL.row(**dict(zip(PLACES, layers, strict=True))))
    for member in ("N", "P"):
        house.open_member(member, default_fund=funds)
    house.list_contract()
    house.open_client("A", deposit=5_500 * COIN)
    for name in ("B", "C", "D"):
        house.open_client(name, deposit=20_000 * COIN)
    house.price(500)
    house.trade("A", "B", lots=60, ticks=500)
    house.trade("A", "C", lots=40, ticks=500)
    return house


def paid(house: ClearingHouse) -> list[tuple[int, str, int]]:
    names = house.state.accounts.references
    return [(r["layer"], names[r["payer"]], r["amount"]) for r in house.events("LossAllocated")]


@pytest.mark.rule("13.21")
def test_a_layer_of_one_file_shares_a_loss_and_recovers_and_is_audited() -> None:
    house = house_of(1, 2, 3, 4, 8)

    house.price(440)  # 500 short; beyond initial margin B has 20,960, C 20,640, D 20,000

    shares = [500 * COIN * have // 61_600 for have in (20_960, 20_640, 20_000)]
    assert sum(shares) == 500 * COIN - 1
    assert paid(house) == [
        (8, "B", shares[0] + 1), (8, "C", shares[1]), (8, "D", shares[2]),
    ]  # fmt: skip
    assert house.balance("LIQUIDATOR") == 0
    assert house.events("GainsCut") == []
    digest = house.engine.snapshot()
    journal, plugins = house.engine.journal, house.state.plugins
    assert recover(journal, from_snapshot=False, plugins=plugins).state.digest() == digest
    assert recover(journal, plugins=plugins).state.digest() == digest
    assert audit(journal, plugins=plugins).digest == digest


def test_observers_and_claims_name_the_layer_as_it_does() -> None:
    house = house_of(1, 2, 3, 4, 8)
    observer = Observer(np.arange(house.state.accounts.count))
    house.price(440)

    observer.take(house.batches, house.state)

    assert dict(observer.payers) == {"equity_share": 500 * COIN}
    claimed = headline(house.engine.journal, house.state)
    assert claimed["payers"]["equity_share"] == "500.000000"
    assert claimed["result"]["others"] == "500.000000"


@pytest.mark.rule("13.20", "13.21")
def test_prefunded_layers_pay_before_it_and_losses_keep_their_order() -> None:
    house = house_of(1, 2, 9, 4, 8, funds=100 * COIN)

    house.price(440)

    assert [(layer, name) for layer, name, _ in paid(house)] == [
        (9, "P-fund"), (Layer.DEFAULT_FUND, "N-fund"), (8, "B"), (8, "C"), (8, "D"),
    ]  # fmt: skip
    assert [amount for _, _, amount in paid(house)[:2]] == [100 * COIN, 100 * COIN]
    assert sum(amount for _, _, amount in paid(house)) == 500 * COIN


class Says(SharedLayer):
    """Says what a test wants."""

    terms = LayerTerms(10, "says", "says", Place.LAST, Bearer.OTHERS, "Says", "Says")

    def __init__(self, says: Any) -> None:
        self.says = says

    def bearable(self, x: DefaultState, numbers: I64) -> I64:
        found: I64 = self.says(x, numbers)
        return found


@pytest.mark.rule("13.18", "13.21")
def test_what_the_accounts_cannot_bear_is_uncovered() -> None:
    def three(x: DefaultState, numbers: I64) -> I64:
        return np.where(standing_accounts(x), 3, 0)

    house = house_of(1, 2, 3, 4, 10, policies=(*POLICIES, Says(three)))

    house.price(440)

    assert paid(house) == [
        (10, "B", 3), (10, "C", 3), (10, "D", 3), (Layer.UNCOVERED, "LIQUIDATOR", 500 * COIN - 9),
    ]  # fmt: skip


@pytest.mark.rule("13.21")
@pytest.mark.parametrize(
    ("says", "reason"),
    [
        (lambda x, numbers: above_maintenance(x, numbers) + 1, "says spares maintenance margin"),
        (lambda x, numbers: -above_maintenance(x, numbers), "says spares maintenance margin"),
        (lambda x, numbers: np.zeros(2, np.int64), "says says what every account can bear"),
    ],
)
def test_a_layer_that_takes_what_it_must_spare_stops_the_engine(says: Any, reason: str) -> None:
    house = house_of(1, 2, 3, 4, 10, policies=(*POLICIES, Says(says)))

    with pytest.raises(InvariantError, match=reason):
        house.price(440)


def test_what_stands_above_maintenance_margin_is_that_of_accounts_that_did_not_fail() -> None:
    house = house_of(1, 2, 3, 4, 5)
    house.price(480)

    spare = above_maintenance(house.state, house.state.assess_all())

    maintenance = 480 * COIN * 5 // 100
    assert spare[house.number("B")] == 21_200 * COIN - 60 * maintenance
    assert spare[house.number("D")] == 20_000 * COIN
    house.price(440)
    assert above_maintenance(house.state, house.state.assess_all())[house.number("A")] == 0


@pytest.mark.rule("15.70")
def test_nobody_bears_more_than_64_bits_have_room_for() -> None:
    house = ClearingHouse()
    for name in "AB":
        house.open_client(name)
    x, a, b = house.state, house.number("A"), house.number("B")
    spare = np.zeros(x.accounts.count, np.int64)
    x.accounts.balance[[a, b], 0] = 7 - 2**60, -(2**60) - 1
    spare[[a, b]] = 10, 10
    assert within_bounds(x, spare)[[a, b]].tolist() == [7, 0]

    x.accounts.balance[[a, b], 0] = 2**61
    spare[[a, b]] = 2**61 - 1, 0
    assert within_bounds(x, spare)[[a, b]].tolist() == [2**61 - 1, 0]
    # 2**61 + 2 in all: each counts half of it.
    spare[[a, b]] = 2**61 - 1, 3
    assert within_bounds(x, spare)[[a, b]].tolist() == [2**60 - 1, 1]
