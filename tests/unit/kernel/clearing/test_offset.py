from __future__ import annotations

import numpy as np
import pytest

from novate.kernel.clearing.offset import find_both_sides, may_offset
from novate.message import command
from tests.unit.clearing import COIN, ClearingHouse


def house() -> ClearingHouse:
    """A contract, 0, and two options; A is to hold them."""
    found = ClearingHouse()
    found.list_contract()
    found.list_option("C")
    found.list_option("D", strike_e8=110 * 10**8)
    for name in ("A", "B"):
        found.open_client(name, deposit=10**6 * COIN)
    found.price(100)
    found.smile(0.6)
    found.price(100)
    return found


def both(found: ClearingHouse, name: str = "A") -> bool:
    x, out = found.state, np.zeros(1, np.bool_)
    arrays = x.account_arrays(), x.positions.arrays(), x.instrument_arrays()
    find_both_sides(*arrays, np.array([found.number(name)]), out)
    assert bool(may_offset(*arrays, found.number(name), -1)) == bool(out[0])
    assert may_offset(*arrays, found.number(name), 1)  # a trade may bring the other side
    assert bool(may_offset(*arrays, found.number(name), 0)) == bool(out[0])
    return bool(out[0])


@pytest.mark.rule("3.60")
def test_options_are_on_both_sides_if_one_is_long_and_one_is_or_may_become_short() -> None:
    found = house()
    assert not both(found)
    found.trade("A", "B", lots=5, ticks=700, instrument=1)
    found.trade("B", "A", lots=5, ticks=100, instrument=0)  # a contract is no option
    assert not both(found)
    order = {"account": found.number("A"), "instrument": 2, "lots": -1, "limit_ticks": 300}
    found.submit(command.RESERVE_MARGIN.row(**order))
    assert both(found)
    assert not both(found, "B")


@pytest.mark.rule("3.60")
def test_an_account_sees_the_options_of_its_group() -> None:
    found = house()
    first = found.number("A")
    sub = {"reference": "A2", "account": first, "mode": 1, "group": first, "netting_set": -1}
    found.submit(command.OPEN_SUB_ACCOUNT.row(**sub))
    found.trade("A", "B", lots=5, ticks=700, instrument=1)
    assert not both(found)
    found.trade("B", "A2", lots=5, ticks=300, instrument=2)
    assert both(found)
    assert both(found, "A2")
