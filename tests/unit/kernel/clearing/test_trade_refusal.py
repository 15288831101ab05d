from __future__ import annotations

import numpy as np
import pytest

from novate.kernel.clearing.trade import decide_trades
from novate.kernel.clearing.trade_code import ACCEPTED, INSUFFICIENT_MARGIN, NO_RESERVATION
from novate.kernel.codes import Role
from novate.valuation.index_bound import index_bound
from tests.tiny_model import PLUGINS
from tests.unit.clearing import COIN, ClearingHouse

RICH = 10**6 * COIN


def asking_house() -> ClearingHouse:
    """A and B with the standard model, C with one of its own, all with money enough."""
    house = ClearingHouse(plugins=PLUGINS)
    house.list_contract("X")
    for name in ("A", "B", "C"):
        house.open_client(name, deposit=RICH)
    house.price(100)
    house.set_model("C", 1)
    return house


class Run:
    """A run of trades of one lot at 100, decided by the kernel alone."""

    def __init__(self, house: ClearingHouse, sides: list[tuple[str, str]]) -> None:
        self.x = house.state
        self.x.positions.reserve(2 * len(sides), self.x.accounts)
        self.buyer = np.array([house.number(buyer) for buyer, _ in sides], np.uint32)
        self.seller = np.array([house.number(seller) for _, seller in sides], np.uint32)
        self.out = [np.zeros(len(sides), np.int64) for _ in range(7)]

    def decide(self, first: int, asked_row: int, asked: np.ndarray) -> int:
        """Where the kernel stops."""
        x, rows = self.x, len(self.buyer)
        none, unreserved = np.zeros(rows, np.uint32), np.full(rows, NO_RESERVATION)
        stopped = decide_trades(
            x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), x.asset_arrays(),
            x.reservations.arrays(), x.single(Role.FEES), x.checksum, x.accounts.count,
            x.instruments.count, np.zeros(1, np.int64), np.zeros(1, np.int64),
            np.zeros(1, np.bool_), False, index_bound(x), first, asked_row, asked,
            self.buyer, self.seller, none, np.full(rows, 100), np.ones(rows, np.int64),
            np.zeros(rows, np.bool_), unreserved, unreserved, *self.out,
        )  # fmt: skip
        return int(stopped)


NOTHING = np.zeros((2, 4), np.int64)


def test_a_run_without_other_models_is_decided_at_once() -> None:
    run = Run(asking_house(), [("A", "B"), ("B", "A"), ("A", "B")])

    assert run.decide(0, -1, NOTHING) == 3
    assert run.out[0].tolist() == [ACCEPTED] * 3


@pytest.mark.parametrize("sides", [("C", "A"), ("A", "C")])
def test_it_stops_before_a_row_that_a_model_must_say_and_goes_on_with_the_answer(
    sides: tuple[str, str],
) -> None:
    house = asking_house()
    run = Run(house, [("A", "B"), sides, sides, ("A", "B")])

    assert run.decide(0, -1, NOTHING) == 1
    assert house.lots("C") == 0
    assert run.decide(1, 1, NOTHING) == 2
    assert abs(house.lots("C")) == 1
    asked = np.full((2, 4), 2 * RICH)
    assert run.decide(2, 2, asked) == 4
    assert run.out[0].tolist() == [ACCEPTED, ACCEPTED, INSUFFICIENT_MARGIN, ACCEPTED]
    assert run.out[2][2] == 2 * RICH
    assert abs(house.lots("C")) == 1
